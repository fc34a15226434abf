using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>
/// Whether hardware delivers interrupts itself: the reasons against it belong to the virtual machine, and every vCPU follows when it comes
/// round its loop (x86.c:kvm_set_or_clear_apicv_inhibit, kvm_vcpu_update_apicv).
/// </summary>
internal static class KvmApicv
{
    /// <summary>The state in which the machine is created.</summary>
    public static void Reset(Board board, Machine machine)
    {
        ref var vm = ref machine.Ref(board.KvmVm);
        vm.Inhibits = !board.Config.Apicv ? ApicvInhibits.Disabled
            : board.Config is { Vendor: CpuVendor.Amd, L2: not null } ? ApicvInhibits.Nested
            : ApicvInhibits.None;
        for (var vcpu = 0; vcpu < board.Config.Vcpus; vcpu++)
        {
            var active = vm.Inhibits == ApicvInhibits.None;
            machine.Ref(board.Kvm, vcpu).ApicvActive = active ? (byte)1 : (byte)0;
            if (board.Config.Apicv)
            {
                board.Processor.SetVirtualInterruptDelivery(machine, vcpu, active);
            }
        }
    }

    /// <summary>There is a reason against it from now on. One that this processor does not look at is not noted.</summary>
    public static HostTask Inhibit(HostThread thread, ApicvInhibits reason) => Change(thread, reason, set: true);

    /// <summary>That reason has gone.</summary>
    public static HostTask Lift(HostThread thread, ApicvInhibits reason) => Change(thread, reason, set: false);

    /// <summary>A vCPU takes over what the machine has decided (kvm_vcpu_update_apicv).</summary>
    public static void Update(VcpuThread vcpu)
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
        if (!active)
        {
            // What the hardware would have delivered is software's now (bca66dbcd28a).
            vcpu.Request(KvmRequests.Event);
        }
    }

    /// <summary>The reasons that a processor looks at.</summary>
    public static ApicvInhibits LookedAt(CpuVendor vendor) => vendor == CpuVendor.Intel ? ApicvInhibits.OfVmx : ApicvInhibits.OfSvm;

    private static async HostTask Change(HostThread thread, ApicvInhibits reason, bool set)
    {
        if ((reason & LookedAt(HostThread.Board.Config.Vendor)) == 0)
        {
            return;
        }

        if (!ChangeMask(reason, set))
        {
            return;
        }

        await thread.Point(At.InhibitChanged, TimingCost.LoopPoint);
        RequestUpdates(thread);
    }

    /// <returns>True if the vCPUs have to follow.</returns>
    private static bool ChangeMask(ApicvInhibits reason, bool set)
    {
        ref var vm = ref HostThread.Machine.Ref(HostThread.Board.KvmVm);
        var before = vm.Inhibits;
        vm.Inhibits = set ? before | reason : before & ~reason;
        HostThread.Context.Emit(TraceEventKind.KvmApicvInhibitChanged, (ulong)reason, set ? 1UL : 0, (ulong)vm.Inhibits);
        return (before == ApicvInhibits.None) != (vm.Inhibits == ApicvInhibits.None);
    }

    /// <summary>All other vCPUs are asked to follow and kicked; the caller, if it is a vCPU, follows at once.</summary>
    private static void RequestUpdates(HostThread thread)
    {
        for (var vcpu = 0; vcpu < HostThread.Board.Config.Vcpus; vcpu++)
        {
            if (thread.IsVcpu(vcpu))
            {
                Update(new VcpuThread((byte)vcpu));
                continue;
            }

            HostThread.Machine.Ref(HostThread.Board.Kvm, vcpu).Requests |= KvmRequests.ApicvUpdate;
            HostThread.Kvm.Kick(HostThread.Context, vcpu);
        }
    }
}
