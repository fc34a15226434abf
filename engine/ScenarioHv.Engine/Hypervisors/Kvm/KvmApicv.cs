using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>
/// Whether hardware delivers interrupts itself: the reasons against it belong to the virtual machine, and every vCPU follows when it comes
/// round its loop (x86.c:kvm_request_apicv_update, kvm_set_or_clear_apicv_inhibit, kvm_vcpu_update_apicv).
/// </summary>
internal static class KvmApicv
{
    /// <summary>The state in which the machine is created.</summary>
    public static void Reset(Board board, Machine machine)
    {
        ref var vm = ref machine.Ref(board.KvmVm);
        vm.Inhibits = InitialReasons(board.Config) & LookedAt(board.Config.Vendor);
        var active = vm.Inhibits == ApicvInhibits.None;
        vm.ApicPageMapped = active && board.Config.Vendor == CpuVendor.Amd ? (byte)1 : (byte)0;
        for (var vcpu = 0; vcpu < board.Config.Vcpus; vcpu++)
        {
            machine.Ref(board.Kvm, vcpu).ApicvActive = active ? (byte)1 : (byte)0;
            if (board.Config.Apicv)
            {
                board.Processor.SetVirtualInterruptDelivery(machine, vcpu, active);
            }
        }
    }

    /// <summary>A reason comes or goes. One that this processor does not look at is not noted.</summary>
    /// <param name="thread">Whose code asks for it.</param>
    /// <param name="reason">One reason.</param>
    /// <param name="set">True if it comes.</param>
    public static async HostTask Change(HostThread thread, ApicvInhibits reason, bool set)
    {
        if ((reason & LookedAt(HostThread.Board.Config.Vendor)) == 0)
        {
            return;
        }

        var turns = false;
        set = KvmAvic.IsWanted(reason, set);
        for (var i = 0; i < Policies.Inhibit.Count; i++)
        {
            if (!Policies.Inhibit.Takes(i, thread.Vcpu))
            {
                continue;
            }

            turns |= Policies.Inhibit[i] is InhibitStep.RequestAll or InhibitStep.ChangeMask && Turns(reason, set);
            switch (Policies.Inhibit[i])
            {
                case InhibitStep.TakeLock:
                    await KernelLocks.Take(thread, KernelLock.ApicvUpdateLock);
                    set = KvmAvic.IsWanted(reason, set);
                    break;
                case InhibitStep.ReleaseLock:
                    KernelLocks.Release(thread, KernelLock.ApicvUpdateLock);
                    break;
                case InhibitStep.ChangeMask:
                    ChangeMask(reason, set, turns);
                    if (Policies.Inhibit.Merges(i, thread.Vcpu))
                    {
                        HostThread.PassOver(TimingCost.LoopPoint);
                        break;
                    }

                    await thread.Point(At.InhibitChanged, TimingCost.LoopPoint);
                    break;
                default:
                    if (turns)
                    {
                        await MakeFollow(thread, Policies.Inhibit[i], set);
                    }

                    break;
            }
        }
    }

    /// <summary>A vCPU takes over what the machine has decided (kvm_vcpu_update_apicv).</summary>
    public static async HostTask Update(VcpuThread vcpu)
    {
        if (!UsesOwnLock)
        {
            Follow(vcpu);
            return;
        }

        await KernelLocks.Read(vcpu.Thread);
        Follow(vcpu);
        KernelLocks.LeaveRead(vcpu.Thread);
    }

    /// <summary>The reasons that a processor looks at.</summary>
    public static ApicvInhibits LookedAt(CpuVendor vendor) => vendor == CpuVendor.Intel ? ApicvInhibits.OfVmx : ApicvInhibits.OfSvm;

    private static KvmPolicies Policies => HostThread.Board.Config.Kvm;

    private static bool UsesOwnLock => Policies.Inhibit.Has(InhibitStep.TakeLock);

    private static ApicvInhibits InitialReasons(MachineConfig config) =>
        (config.Apicv ? ApicvInhibits.None : ApicvInhibits.Disabled)
        | (config.L2 is not null ? ApicvInhibits.Nested : ApicvInhibits.None)
        | (config.X2Apic ? ApicvInhibits.X2Apic : ApicvInhibits.None)
        | (config is { Hyperv.SynIc: true, Kvm.SynIcInhibit: SynIcInhibit.Always } ? ApicvInhibits.HyperV : ApicvInhibits.None);

    /// <summary>Whether that makes the difference between some reason and none.</summary>
    private static bool Turns(ApicvInhibits reason, bool set)
    {
        var before = HostThread.Machine.Ref(HostThread.Board.KvmVm).Inhibits;
        var after = set ? before | reason : before & ~reason;
        return (before == ApicvInhibits.None) != (after == ApicvInhibits.None);
    }

    /// <summary>Up to 5.17 only a change between some reason and none was traced.</summary>
    private static void ChangeMask(ApicvInhibits reason, bool set, bool turns)
    {
        ref var vm = ref HostThread.Machine.Ref(HostThread.Board.KvmVm);
        var before = vm.Inhibits;
        vm.Inhibits = set ? vm.Inhibits | reason : vm.Inhibits & ~reason;
        var counts = reason == ApicvInhibits.IrqWindow && Policies.AvicWindow == AvicWindow.InhibitCounted;
        if (turns || (UsesOwnLock && (!counts || vm.Inhibits != before)))
        {
            HostThread.Context.Emit(TraceEventKind.KvmApicvInhibitChanged, (ulong)reason, set ? 1UL : 0, (ulong)vm.Inhibits);
        }
    }

    /// <summary>The steps that are taken only if it makes the difference.</summary>
    private static async HostTask MakeFollow(HostThread thread, InhibitStep step, bool set)
    {
        switch (step)
        {
            case InhibitStep.ChangeMemslot:
                await ChangeMemslot(thread, !set);
                break;
            case InhibitStep.ZapPage:
                MapPage(!set);
                break;
            case InhibitStep.RequestOthers or InhibitStep.RequestAll:
                Request(thread, step == InhibitStep.RequestAll);
                await KernelLocks.AwaitGuestMode(thread);
                break;
            case InhibitStep.FollowSelf when thread.Index < HostThread.Board.Config.Vcpus:
                Follow(new VcpuThread((byte)thread.Index));
                break;
        }
    }

    private static async HostTask ChangeMemslot(HostThread thread, bool mapped)
    {
        if (HostThread.Board.Config.Vendor == CpuVendor.Intel)
        {
            return;
        }

        await KernelLocks.Take(thread, KernelLock.SlotsLock);
        if (thread.Index <= HostThread.Board.Config.Vcpus)
        {
            MapPage(mapped);
            await thread.Point(At.MemslotChanged, TimingCost.LoopPoint);
            await KernelLocks.SynchronizeSrcu(thread);
        }

        KernelLocks.Release(thread, KernelLock.SlotsLock);
    }

    private static void MapPage(bool mapped) =>
        HostThread.Machine.Ref(HostThread.Board.KvmVm).ApicPageMapped =
            mapped && HostThread.Board.Config.Vendor == CpuVendor.Amd ? (byte)1 : (byte)0;

    private static void Follow(VcpuThread vcpu)
    {
        var context = VcpuThread.Context;
        var active = context.Machine.Ref(context.Board.KvmVm).Inhibits == ApicvInhibits.None;
        if (vcpu.ApicvActive == active)
        {
            return;
        }

        vcpu.Kvm.ApicvActive = active ? (byte)1 : (byte)0;
        VcpuThread.Processor.SetVirtualInterruptDelivery(context.Machine, vcpu.Index, active);
        KvmAvic.Load(vcpu);
        VcpuThread.Processor.WriteServicingVector(context.Machine, vcpu.Index);
        if (!active)
        {
            // What the hardware would have delivered is software's now (bca66dbcd28a).
            vcpu.Request(KvmRequests.Event);
        }
    }

    /// <summary>A sleeping vCPU is not woken for it (KVM_REQUEST_NO_WAKEUP).</summary>
    private static void Request(HostThread thread, bool all)
    {
        for (var vcpu = 0; vcpu < HostThread.Board.Config.Vcpus; vcpu++)
        {
            ref var kvm = ref HostThread.Machine.Ref(HostThread.Board.Kvm, vcpu);
            if (thread.IsVcpu(vcpu) && !all)
            {
                continue;
            }

            kvm.Requests |= KvmRequests.ApicvUpdate;
            if (kvm.Mode != VcpuMode.Outside)
            {
                HostThread.Kvm.Kick(HostThread.Context, vcpu);
            }
        }
    }
}
