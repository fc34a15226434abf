using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Engine.Virtualization;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>What the nested check found.</summary>
internal enum NestedAnswer : byte
{
    /// <summary>L1 claims nothing.</summary>
    Nothing,

    /// <summary>L1 runs now.</summary>
    Exited,

    /// <summary>L1 has to be told, but the entry that it asked for comes first (-EBUSY).</summary>
    Busy,
}

/// <summary>
/// L2 seen from L0: entry on behalf of L1, exits to L1, and the interrupts of L1 that end L2 (nested.c:vmx_check_nested_events,
/// nested_vmx_vmexit, nested_vmx_run; svm.c likewise).
/// </summary>
internal static class NestedEvents
{
    /// <summary>Looks whether an event of L1 has to end L2, and ends it if that is possible now.</summary>
    /// <param name="vcpu">The vCPU.</param>
    /// <param name="isMerged">True if nobody may act before it.</param>
    public static async HostTask<NestedAnswer> Check(VcpuThread vcpu, bool isMerged = false)
    {
        if (isMerged)
        {
            HostThread.PassOver(TimingCost.LoopPoint);
        }
        else
        {
            await vcpu.Point(At.NestedCheck, TimingCost.LoopPoint);
        }

        await PostedSync.AtQuery(vcpu);
        if (!vcpu.IsL2
            || vcpu.Apic.HighestDeliverable() < 0
            || !VcpuThread.Processor.NestedExitsOnInterrupt(VcpuThread.Context.Machine, vcpu.Index))
        {
            return NestedAnswer.Nothing;
        }

        if (vcpu.Kvm.NestedRunPending != 0 || vcpu.Kvm.InjectedVector != 0 || vcpu.Kvm.NmiInjected != 0)
        {
            return NestedAnswer.Busy;
        }

        await ExitOnInterrupt(vcpu);
        return NestedAnswer.Exited;
    }

    /// <summary>
    /// VMRESUME, VMLAUNCH or VMRUN of L1: L2's controls are made of L1's and of L0's own, and the entry is owed from here on.
    /// </summary>
    public static async HostTask Enter(VcpuThread vcpu)
    {
        if (VcpuThread.Processor.NestedEntryProblem(VcpuThread.Context.Machine, vcpu.Index))
        {
            FailEntry(vcpu);
            return;
        }

        await vcpu.Point(At.ControlsSwitched, TimingCost.NestedSwitch);
        VcpuThread.Processor.LoadNested(VcpuThread.Context.Machine, vcpu.Index);
        vcpu.State.Level = 2;
        vcpu.Kvm.NestedRunPending = 1;
        vcpu.Kvm.GifClear = 0;
        await PostedSync.AtQuery(vcpu);
        if (vcpu.Apic.HighestDeliverable() >= 0 || vcpu.Kvm.NmiPending > 0)
        {
            vcpu.Request(KvmRequests.Event);
        }
    }

    /// <summary>An exit of L2 that L1 has asked for (nested_vmx_reflect_vmexit).</summary>
    public static async HostTask Reflect(VcpuThread vcpu)
    {
        var exit = vcpu.LastExit;
        await vcpu.Point(At.ControlsSwitched, TimingCost.NestedSwitch);
        Leave(vcpu, exit, exit.InterruptionInformation);
    }

    /// <summary>
    /// An external interrupt of L1 ends L2, in the order of the plan <see cref="KvmPolicies.NestedReflect"/>: an acknowledge writes SVI in
    /// the control structure that is loaded then.
    /// </summary>
    private static async HostTask ExitOnInterrupt(VcpuThread vcpu)
    {
        await vcpu.Point(At.ControlsSwitched, TimingCost.NestedSwitch);
        await PostedSync.AtQuery(vcpu);
        var exit = VcpuThread.Processor.ExternalInterruptExit(VcpuThread.Context.Machine, vcpu.Index);
        uint information = 0;
        for (var i = 0; i < VcpuThread.Policies.NestedReflect.Count; i++)
        {
            switch (VcpuThread.Policies.NestedReflect[i])
            {
                case var _ when !VcpuThread.Policies.NestedReflect.Takes(i, vcpu.Index):
                    break;
                case ReflectStep.SwitchControls:
                    SwitchToL1(vcpu);
                    break;
                case ReflectStep.Acknowledge:
                    information = TakeVector(vcpu, acknowledges: true);
                    break;
                default:
                    information = TakeVector(vcpu, acknowledges: false);
                    break;
            }
        }

        TellL1(vcpu, exit, information);
    }

    /// <summary>The exit information of an exit that acknowledges; 0 if L1 has not asked for that.</summary>
    private static uint TakeVector(VcpuThread vcpu, bool acknowledges)
    {
        var vector = vcpu.Apic.HighestDeliverable();
        if (vector < 0 || !VcpuThread.Processor.NestedAcknowledgesOnExit(VcpuThread.Context.Machine, vcpu.Index))
        {
            return 0;
        }

        if (acknowledges)
        {
            KvmLapic.Acknowledge(vcpu, vector);
        }

        SafetyChecks.Dispatched(VcpuThread.Context, vcpu.Index, vector);
        return 0x8000_0000u | (uint)vector;
    }

    /// <summary>
    /// L1's controls fail the checks: L1 goes on and finds what it asked to inject still there (SDM3 26.7, 27.2.4). No exit is traced.
    /// </summary>
    private static void FailEntry(VcpuThread vcpu)
    {
        vcpu.Kvm.GifClear = VcpuThread.Processor.ExitClearsGif ? (byte)1 : (byte)0;
        VcpuThread.Context.Machine.Ref(VcpuThread.Context.Board.NestedExits, vcpu.Index) = new NestedExit { Kind = ExitKind.EntryFailed };
        vcpu.CompleteOperation(1, 0);
    }

    private static void Leave(VcpuThread vcpu, GuestExit exit, uint information)
    {
        SwitchToL1(vcpu);
        TellL1(vcpu, exit, information);
    }

    /// <summary>L1's control structure is loaded, and with it what had to wait for that.</summary>
    private static void SwitchToL1(VcpuThread vcpu)
    {
        VcpuThread.Processor.UnloadNested(VcpuThread.Context.Machine, vcpu.Index);
        vcpu.State.Level = 1;
        Requests.LoadExitmap(vcpu);
    }

    /// <summary>L1 goes on behind its VMRESUME, and reads why.</summary>
    private static void TellL1(VcpuThread vcpu, GuestExit exit, uint information)
    {
        var machine = VcpuThread.Context.Machine;
        VcpuThread.Emit(TraceEventKind.KvmNestedVmexitInject, exit.Reason, 0, exit.Info1, 0, information);
        vcpu.Kvm.Halted = 0;
        vcpu.Kvm.GifClear = VcpuThread.Processor.ExitClearsGif ? (byte)1 : (byte)0;
        vcpu.Request(KvmRequests.Event);
        machine.Ref(VcpuThread.Context.Board.NestedExits, vcpu.Index) =
            VcpuThread.Processor.DescribeNestedExit(machine, vcpu.Index, exit, information);
        vcpu.CompleteOperation(1, 0);
    }
}
