using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Hypervisors;

/// <summary>What a host thread can wait for: locks of the kernel, and one of the monitor.</summary>
public enum KernelLock : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>kvm->srcu: readers never wait; synchronize_srcu waits for those that are there.</summary>
    Srcu,

    /// <summary>kvm->slots_lock, a mutex: the memory map.</summary>
    SlotsLock,

    /// <summary>kvm->arch.apicv_update_lock, a reader-writer semaphore: why APICv is inhibited.</summary>
    ApicvUpdateLock,

    /// <summary>kvm->lock, a mutex.</summary>
    KvmLock,

    /// <summary>No lock: the other vCPUs leave guest mode (kvm_make_all_cpus_request with KVM_REQUEST_WAIT).</summary>
    GuestMode,

    /// <summary>
    /// The I/O APIC of the kernel: KVM's ioapic->lock, vmm's VIOAPIC_LOCK, spinlocks. A line's change, an access to the window and an EOI
    /// hold it until what they send has been accepted (ioapic.c:kvm_ioapic_set_irq, vioapic.c:vioapic_set_irqstate).
    /// </summary>
    IoApic,

    /// <summary>
    /// QEMU's big lock, a mutex: its device models, its I/O APIC, its main loop, and what that has a vCPU's thread do. Not the EOI exit
    /// of a split irqchip, which QEMU handles without (target/i386/kvm: kvm_arch_handle_exit, KVM_EXIT_IOAPIC_EOI).
    /// </summary>
    Monitor,
}

/// <summary>Why a thread is a reader of kvm->srcu, for the report.</summary>
public enum SrcuReason : byte
{
    /// <summary>It is not.</summary>
    None = 0,

    /// <summary>It is in KVM_RUN and has not been in the guest since.</summary>
    Run,

    /// <summary>It handles an exit.</summary>
    Exit,

    /// <summary>It is in KVM_SET_MSRS.</summary>
    SetMsrs,
}

/// <summary>The locks that one host thread holds, and the one that it waits for.</summary>
public struct ThreadLocks
{
    /// <summary>Whom it waits for: one bit per host thread. All of them have to let go.</summary>
    public ushort AwaitedThreads;

    /// <summary>One bit per <see cref="KernelLock"/> that it holds alone.</summary>
    public byte Held;

    /// <summary>1 while it holds <see cref="KernelLock.ApicvUpdateLock"/> as one of its readers.</summary>
    public byte ReadsApicvUpdateLock;

    /// <summary>What it waits for.</summary>
    public KernelLock Awaited;

    /// <summary>How often it is inside srcu_read_lock.</summary>
    public byte SrcuReads;

    /// <summary>Why, the outermost time.</summary>
    public SrcuReason SrcuReason;

    /// <summary>For the layout only: always 0.</summary>
    public byte Reserved;
}

/// <summary>
/// The locks of host threads as resources: who holds them, who waits for whom. A wait that can never end is found when it begins, and so is
/// an order of two locks that another thread, or the same, has taken the other way round. To take a free lock costs nothing and is no step.
/// One that waits for a lock gets it when its turn comes: spinlocks and mutexes are handed on in the order of arrival. Not modelled: those
/// whose critical sections are one step here (KVM's pic->lock, bhyve's vcpu_lock), and irq_srcu, whose readers wait for nobody.
/// </summary>
internal static class KernelLocks
{
    private const int Kinds = 8;

    /// <summary>srcu_read_lock.</summary>
    public static void ReadSrcu(HostThread thread, SrcuReason reason)
    {
        ref var own = ref Of(thread);
        own.SrcuReason = own.SrcuReads == 0 ? reason : own.SrcuReason;
        own.SrcuReads++;
    }

    /// <summary>srcu_read_unlock.</summary>
    public static void LeaveSrcu(HostThread thread)
    {
        ref var own = ref Of(thread);
        if (--own.SrcuReads == 0)
        {
            own.SrcuReason = SrcuReason.None;
            LetGo(thread, KernelLock.Srcu);
        }
    }

    /// <summary>Whether the thread is inside srcu_read_lock.</summary>
    public static bool ReadsSrcu(HostThread thread) => Of(thread).SrcuReads != 0;

    /// <summary>synchronize_srcu: waits until every reader of now has left once.</summary>
    public static async HostTask SynchronizeSrcu(HostThread thread)
    {
        Await(thread, KernelLock.Srcu, Readers());
        while (Waits(thread))
        {
            await thread.WaitForLock();
        }
    }

    /// <summary>Takes a lock alone: mutex_lock, down_write, spin_lock.</summary>
    public static async HostTask Take(HostThread thread, KernelLock kind)
    {
        while (!TryTake(thread, kind))
        {
            do
            {
                await thread.WaitForLock();
            }
            while (Waits(thread));
            if (IsHandedOn(kind))
            {
                return;
            }
        }
    }

    /// <summary>mutex_unlock, up_write, spin_unlock.</summary>
    public static void Release(HostThread thread, KernelLock kind)
    {
        Of(thread).Held &= (byte)~(1 << (int)kind);
        LetGo(thread, kind);
    }

    /// <summary>down_read of the one semaphore that there is.</summary>
    public static async HostTask Read(HostThread thread)
    {
        while (!TryRead(thread))
        {
            await thread.WaitForLock();
        }
    }

    /// <summary>up_read.</summary>
    public static void LeaveRead(HostThread thread)
    {
        Of(thread).ReadsApicvUpdateLock = 0;
        LetGo(thread, KernelLock.ApicvUpdateLock);
    }

    /// <summary>Waits until the vCPUs of other threads that are in guest mode have left it: their kicks have been sent.</summary>
    public static async HostTask AwaitGuestMode(HostThread thread)
    {
        Await(thread, KernelLock.GuestMode, InGuestMode(thread));
        while (Waits(thread))
        {
            await thread.WaitForLock();
        }
    }

    /// <summary>A vCPU has left guest mode.</summary>
    public static void LeftGuestMode(HostThread thread) => LetGo(thread, KernelLock.GuestMode);

    private static ref ThreadLocks Of(HostThread thread) => ref HostThread.Machine.Ref(HostThread.Board.Locks, thread.Index);

    private static bool Waits(HostThread thread) => Of(thread).Awaited != KernelLock.None;

    private static bool TryTake(HostThread thread, KernelLock kind)
    {
        var holders = (ushort)(Holders(kind, readersToo: true) | (IsHandedOn(kind) ? Waiters(kind) : 0));
        if (holders == 0)
        {
            NoteOrder(thread, kind);
            Of(thread).Held |= (byte)(1 << (int)kind);
            return true;
        }

        Await(thread, kind, holders);
        return false;
    }

    private static bool TryRead(HostThread thread)
    {
        var holders = Holders(KernelLock.ApicvUpdateLock, readersToo: false);
        if (holders == 0)
        {
            NoteOrder(thread, KernelLock.ApicvUpdateLock);
            Of(thread).ReadsApicvUpdateLock = 1;
            return true;
        }

        Await(thread, KernelLock.ApicvUpdateLock, holders);
        return false;
    }

    private static ushort Holders(KernelLock kind, bool readersToo)
    {
        var mask = 0;
        var locks = HostThread.Machine.Span(HostThread.Board.Locks);
        for (var i = 0; i < locks.Length; i++)
        {
            var reads = readersToo && kind == KernelLock.ApicvUpdateLock && locks[i].ReadsApicvUpdateLock != 0;
            mask |= (locks[i].Held >> (int)kind & 1) != 0 || reads ? 1 << i : 0;
        }

        return (ushort)mask;
    }

    /// <summary>Those that were there first.</summary>
    private static int Waiters(KernelLock kind)
    {
        var mask = 0;
        var locks = HostThread.Machine.Span(HostThread.Board.Locks);
        for (var i = 0; i < locks.Length; i++)
        {
            mask |= locks[i].Awaited == kind ? 1 << i : 0;
        }

        return mask;
    }

    /// <summary>The semaphore has readers, and is taken again by whoever comes first.</summary>
    private static bool IsHandedOn(KernelLock kind) =>
        kind is KernelLock.SlotsLock or KernelLock.KvmLock or KernelLock.IoApic or KernelLock.Monitor;

    private static ushort Readers()
    {
        var mask = 0;
        var locks = HostThread.Machine.Span(HostThread.Board.Locks);
        for (var i = 0; i < locks.Length; i++)
        {
            mask |= locks[i].SrcuReads != 0 ? 1 << i : 0;
        }

        return (ushort)mask;
    }

    private static ushort InGuestMode(HostThread thread)
    {
        var mask = 0;
        for (var vcpu = 0; vcpu < HostThread.Board.Config.Vcpus; vcpu++)
        {
            var inGuest = HostThread.Machine.Ref(HostThread.Board.Kvm, vcpu).Mode != VcpuMode.Outside;
            mask |= inGuest && !thread.IsVcpu(vcpu) ? 1 << vcpu : 0;
        }

        return (ushort)mask;
    }

    /// <summary>The thread begins to wait; nothing to wait for is no wait.</summary>
    private static void Await(HostThread thread, KernelLock kind, ushort threads)
    {
        ref var own = ref Of(thread);
        own.Awaited = threads == 0 ? KernelLock.None : kind;
        own.AwaitedThreads = threads;
        if (Reaches(thread.Index, thread.Index))
        {
            SafetyChecks.Fail(HostThread.Context, SafetyProperty.Lock, thread.Index, detail: (byte)kind);
        }

        NoteOrder(thread, kind);
    }

    /// <summary>Whether one of those that <paramref name="from"/> waits for is, or waits for, <paramref name="to"/>.</summary>
    private static bool Reaches(int from, int to)
    {
        var locks = HostThread.Machine.Span(HostThread.Board.Locks);
        int reached = locks[from].AwaitedThreads, before;
        do
        {
            before = reached;
            for (var i = 0; i < locks.Length; i++)
            {
                reached |= (reached >> i & 1) != 0 ? locks[i].AwaitedThreads : 0;
            }
        }
        while (reached != before);
        return (reached >> to & 1) != 0;
    }

    /// <summary>
    /// Lockdep's rule: what is held comes before what is taken or waited for, in every thread alike. A reader of SRCU holds it; only
    /// synchronize_srcu waits for it.
    /// </summary>
    private static void NoteOrder(HostThread thread, KernelLock kind)
    {
        ref var own = ref Of(thread);
        ref var order = ref HostThread.Machine.Ref(HostThread.Board.LockOrder);
        var held = own.Held | (own.SrcuReads != 0 ? 1 << (int)KernelLock.Srcu : 0)
            | (own.ReadsApicvUpdateLock != 0 ? 1 << (int)KernelLock.ApicvUpdateLock : 0);
        if (kind == KernelLock.GuestMode)
        {
            return;
        }

        for (var i = 1; i < Kinds; i++)
        {
            if (i == (int)KernelLock.GuestMode || (held >> i & 1) == 0)
            {
                continue;
            }

            order |= 1UL << ((i * Kinds) + (int)kind);
            if (i != (int)kind && (order >> (((int)kind * Kinds) + i) & 1) != 0)
            {
                SafetyChecks.Fail(HostThread.Context, SafetyProperty.Lock, thread.Index, vector: (byte)i, detail: (byte)kind);
            }
        }
    }

    private static void LetGo(HostThread thread, KernelLock kind)
    {
        for (var i = 0; i < HostThread.Board.Locks.Count; i++)
        {
            ref var waiter = ref HostThread.Machine.Ref(HostThread.Board.Locks, i);
            if (waiter.Awaited != kind)
            {
                continue;
            }

            waiter.AwaitedThreads &= (ushort)~(1 << thread.Index);
            if (waiter.AwaitedThreads == 0)
            {
                waiter.Awaited = KernelLock.None;
                waiter.Held |= IsHandedOn(kind) ? (byte)(1 << (int)kind) : (byte)0;
                new HostThread((byte)i).Wake(kind == KernelLock.IoApic ? 0 : HostThread.Context.Cost(TimingCost.Wake));
            }
        }
    }
}
