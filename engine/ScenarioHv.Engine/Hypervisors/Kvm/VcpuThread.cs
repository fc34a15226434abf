using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Engine.Virtualization;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>A vCPU as its own thread's code sees it: KVM's struct kvm_vcpu. One byte, so that a suspended copy is plain data.</summary>
internal readonly struct VcpuThread(byte index)
{
    /// <summary>The vCPU's number.</summary>
    public int Index => index;

    /// <summary>The thread, for code that any thread can run.</summary>
    public HostThread Thread => new(index);

    /// <summary>The context of the step under way.</summary>
    public static StepContext Context => StepContext.Current;

    /// <summary>KVM's state of the vCPU.</summary>
    public ref KvmVcpu Kvm => ref Context.Machine.Ref(Context.Board.Kvm, index);

    /// <summary>What KVM remembers of its NMIs; only on machines whose policies need it.</summary>
    public ref KvmNmi Nmi => ref Context.Machine.Ref(Context.Board.KvmNmi, index);

    /// <summary>The part of its state that does not depend on the hypervisor.</summary>
    public ref VcpuState State => ref Context.Machine.Ref(Context.Board.Vcpus, index);

    /// <summary>Its local APIC.</summary>
    public ref LocalApic Apic => ref Context.Machine.Ref(Context.Board.Apics, index);

    /// <summary>The core state of the guest (1) or of its guest (2).</summary>
    public ref CpuCore Core(int level) => ref Context.Machine.Ref(Context.Board.Cores, Board.CoreIndex(index, level));

    /// <summary>The operation that the guest of a level has handed over.</summary>
    public ref Operation GuestOperation(int level) => ref Context.Machine.Fiber(Context.Board.GuestFiber(index, level)).Op;

    /// <summary>True while L2's control structure is loaded (is_guest_mode).</summary>
    public bool IsL2 => State.Level == 2;

    /// <summary>The processor.</summary>
    public static GuestProcessor Processor => Context.Board.Processor;

    /// <summary>True if the hardware delivers L1's interrupts itself (apicv_active).</summary>
    public bool ApicvActive => Kvm.ApicvActive != 0;

    /// <summary>True while the monitor wants the thread out of KVM_RUN (signal_pending).</summary>
    public bool HasSignal => Kvm.Wishes != MonitorWish.None;

    /// <summary>True while the host has something else for the thread's CPU to run (need_resched).</summary>
    public bool IsPreempted => Kvm.CpuTaken != 0;

    /// <summary>What this version of KVM does.</summary>
    public static KvmPolicies Policies => Context.Board.Config.Kvm;

    /// <summary>vcpu->mode as the thread itself sees it. A store is seen by all others at once.</summary>
    public VcpuMode Mode
    {
        get => HasStored ? StoreBuffer.Mode : Kvm.Mode;
        set
        {
            Kvm.Mode = value;
            if (HasStored)
            {
                StoreBuffer = new StoreBuffer { DrainsAt = Instant.Never };
            }
        }
    }

    /// <summary>Stores vcpu->mode without a barrier behind it: others see it some time later.</summary>
    public void StoreMode(VcpuMode mode)
    {
        var context = Context;
        StoreBuffer = new StoreBuffer
        {
            DrainsAt = new Instant(context.Machine.Now) + Math.Max(1, context.Cost(TimingCost.LoopPoint)),
            Mode = mode,
        };
    }

    /// <summary>True if some request is pending.</summary>
    public bool HasRequests => Kvm.Requests != KvmRequests.None;

    /// <summary>Makes a request (kvm_make_request).</summary>
    public void Request(KvmRequests request) => Kvm.Requests |= request;

    /// <summary>Takes a request (kvm_check_request).</summary>
    public bool TakeRequest(KvmRequests request)
    {
        ref var kvm = ref Kvm;
        var made = (kvm.Requests & request) != 0;
        kvm.Requests &= ~request;
        return made;
    }

    /// <summary>From here on others may act.</summary>
    public Op Point(At label, TimingCost cost) => Thread.Point(label, cost);

    /// <summary>The processor enters the guest; yields the <see cref="ExitCause"/> with which it comes back.</summary>
    public Op<ExitCause> EnterHardware()
    {
        var context = Context;
        ref var state = ref State;
        context.Machine.Ref(context.Board.Exits, index) = default;
        state.InGuest = 1;
        state.EntryPending = 1;
        state.ReadyAt = new Instant(context.Machine.Now) + (context.Cost(TimingCost.VmEntry) + context.TakeOwed());
        HostThread.Await(context, OperationKind.EnterGuest, At.ExitArmed);
        return default;
    }

    /// <summary>The last exit of the level that is loaded.</summary>
    public GuestExit LastExit => Processor.LastExit(Context.Machine, index);

    /// <summary>The guest's instruction has been emulated: it retires with a result.</summary>
    public void CompleteOperation(int level, ulong result) => Processor.CompleteOperation(Context, index, level, result);

    /// <summary>KVM_RUN will return to userspace.</summary>
    public void ExitToUserspace(UserExit reason)
    {
        Kvm.UserExit = reason;
        ExitFolding.LeavingKernel(this);
        Emit(TraceEventKind.KvmUserspaceExit, (ulong)reason);
    }

    /// <summary>Emits a trace event.</summary>
    public static void Emit(TraceEventKind kind, ulong a = 0, ulong b = 0, ulong c = 0, ulong d = 0, ulong e = 0, ulong f = 0) =>
        Context.Emit(kind, a, b, c, d, e, f);

    private ref StoreBuffer StoreBuffer => ref Context.Machine.Ref(Context.Board.StoreBuffers, index);

    private bool HasStored => Context.Board.StoreBuffers.Count > 0 && !StoreBuffer.DrainsAt.IsNever;
}
