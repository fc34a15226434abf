using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Engine.Virtualization;

namespace ScenarioHv.Engine.Hypervisors.Bhyve;

/// <summary>
/// A vCPU's thread: the monitor's loop around the ioctl VM_RUN, in it vmm's loop, and in that the one around VMRUN, in the steps at which
/// another CPU could observe or change something (bhyverun.c:vm_loop, vmm.c:vm_run, svm.c:svm_vmrun; FreeBSD 10.4).
/// </summary>
internal static class VmRunLoop
{
    /// <summary>The monitor's thread: VM_RUN for ever.</summary>
    public static async HostTask Thread(BhyveVcpuThread vcpu)
    {
        while (true)
        {
            await vcpu.Point(At.VmRun, TimingCost.ToKernel);
            await VmRun(vcpu);
            await vcpu.Point(At.UserspaceExit, TimingCost.ToUserspace);
            await Monitor.PortAccess(vcpu);
        }
    }

    /// <summary>VM_RUN, until something needs the monitor (vm_run).</summary>
    private static async HostTask VmRun(BhyveVcpuThread vcpu)
    {
        Monitor.CompleteIo(vcpu);
        while (vcpu.Vmm.IoSize == 0)
        {
            vcpu.Enter(BhyveRunState.Running);
            var cause = await SvmVmRun(vcpu);
            vcpu.Enter(BhyveRunState.Frozen);
            await HandleInVmm(vcpu, cause);
        }
    }

    /// <summary>Enters the guest until an exit is not handled here (svm_vmrun).</summary>
    private static async HostTask<ExitCause> SvmVmRun(BhyveVcpuThread vcpu)
    {
        while (true)
        {
            vcpu.ClearGif();
            await vcpu.Point(At.GifCleared, TimingCost.LoopPoint);
            await SvmEvents.Inject(vcpu);
            vcpu.Ktr(KtrMessage.ResumeExecution, vcpu.Rip);
            await vcpu.Point(At.VmcbProgrammed, TimingCost.LoopPoint);
            var cause = await vcpu.VmRun();
            vcpu.SetGif();
            await vcpu.Point(At.GifSet, cause == ExitCause.ExternalInterrupt ? TimingCost.HostInterrupt : TimingCost.LoopPoint);
            SvmEvents.Fold(vcpu);
            await vcpu.Point(At.ExitSeen, TimingCost.ExitHandler);
            if (!HandledInSvm(vcpu, cause))
            {
                return cause;
            }
        }
    }

    /// <summary>The exits after which the guest is entered again without leaving the loop (svm_vmexit).</summary>
    private static bool HandledInSvm(BhyveVcpuThread vcpu, ExitCause cause)
    {
        var exit = vcpu.LastExit;
        var length = cause is ExitCause.Hlt or ExitCause.Io or ExitCause.Cr8Write ? vcpu.GuestOperation.Length : (byte)0;
        if (cause == ExitCause.Cr8Write)
        {
            // No release of bhyve intercepts CR8; the review says only that event injection would have to.
            vcpu.Apic.WriteCr8((int)vcpu.GuestOperation.Value);
            vcpu.CompleteOperation(0);
        }

        var handled = cause is ExitCause.ExternalInterrupt or ExitCause.InterruptWindow or ExitCause.Cr8Write;
        vcpu.Ktr(KtrMessage.VmExit, handled ? 1UL : 0, exit.Reason, exit.Rip, length);
        return handled;
    }

    /// <summary>The exits that vm_run handles, or hands to the monitor.</summary>
    private static async HostTask HandleInVmm(BhyveVcpuThread vcpu, ExitCause cause)
    {
        switch (cause)
        {
            case ExitCause.Hlt:
                vcpu.CompleteOperation(0);
                await Halt(vcpu);
                break;
            case ExitCause.Mmio:
                await VLapic.EmulateInstruction(vcpu);
                break;
            case ExitCause.Io:
                Monitor.BeginIo(vcpu);
                break;
            case ExitCause.AvicIncompleteIpi:
                await VLapic.CompleteIpi(vcpu);
                break;
            case ExitCause.AvicUnacceleratedAccess:
                await VLapic.CompleteAccess(vcpu);
                break;
            case ExitCause.NestedPageFault:
                await vcpu.Point(At.PageMapped, TimingCost.ExitHandler);
                break;
            default:
                throw new GuestException(Refusal(vcpu, cause));
        }
    }

    /// <summary>
    /// Sleeps until the vLAPIC has something for the guest (vm_handle_hlt). With IF = 0 no interrupt ends the sleep. The vLAPIC's TPR
    /// counts here whatever <see cref="Policies.TprSelection"/> is: it is exact after an exit.
    /// </summary>
    private static async HostTask Halt(BhyveVcpuThread vcpu)
    {
        while (vcpu.Core.InterruptFlag == 0 || vcpu.Apic.HighestDeliverable() < 0)
        {
            vcpu.Enter(BhyveRunState.Sleeping);
            await vcpu.Thread.Sleep();
            vcpu.Enter(BhyveRunState.Frozen);
        }
    }

    private static string Refusal(BhyveVcpuThread vcpu, ExitCause cause) => cause switch
    {
        ExitCause.MsrRead or ExitCause.MsrWrite =>
            $"The guest uses MSR 0x{vcpu.GuestOperation.Code:x}: under bhyve no MSR of the local APIC is modelled. bhyve's vLAPIC has no "
            + "TSC-deadline timer either; use the timer's registers.",
        ExitCause.VmCall or ExitCause.VmEnter or ExitCause.Stgi or ExitCause.Clgi =>
            $"{cause}: bhyve has no hypercalls and no nested virtualization; its guest would get #UD.",
        _ => throw new InvalidOperationException($"bhyve has no handler for an exit by {cause}."),
    };
}
