using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>
/// The choice of events of Linux 2.6.29 on VMX: vmx_intr_assist with the irqchip in the kernel, do_interrupt_requests with a local APIC in
/// userspace. Of the second path only the choice is modelled: the local APIC stays the kernel's, and an interrupt is acknowledged when it
/// is chosen and not when userspace calls KVM_INTERRUPT. Exceptions, real mode and TPR are not modelled.
/// </summary>
internal static class EarlyEventInjection
{
    /// <summary>Chooses and writes the event. The windows that are asked for stay until their exit.</summary>
    /// <param name="vcpu">The vCPU.</param>
    /// <param name="nmiFirst">True for the path of a local APIC in userspace.</param>
    public static async HostTask Choose(VcpuThread vcpu, bool nmiFirst)
    {
        var begun = vcpu.Kvm.InjectedVector != 0;
        if (NmiWaits(vcpu) && !TakeNmi(vcpu, begun && !nmiFirst))
        {
            NmiMasking.RequestWindow(vcpu);
            if (!begun || nmiFirst)
            {
                return;
            }
        }

        if (vcpu.Kvm.NmiInjected != 0)
        {
            InjectNmi(vcpu, nmiFirst);
            return;
        }

        if (nmiFirst && (!NmiMasking.IsAllowed(vcpu) || NmiMasking.IsWindowRequested(vcpu)))
        {
            NmiMasking.RequestWindow(vcpu);
        }

        if (!begun && HasInterrupt(vcpu) && IsOpen(vcpu))
        {
            EventInjection.AcknowledgeForInjection(vcpu);
            await vcpu.Point(At.Acknowledged, TimingCost.LoopPoint);
        }

        if (vcpu.Kvm.InjectedVector != 0 && (IsOpen(vcpu) || !nmiFirst))
        {
            EventInjection.InjectInterrupt(vcpu, vcpu.Kvm.InjectedVector, begun);
        }

        if (HasInterrupt(vcpu) && !(nmiFirst && IsOpen(vcpu)))
        {
            VcpuThread.Processor.SetInterruptWindow(VcpuThread.Context.Machine, vcpu.Index, true);
        }
    }

    private static bool NmiWaits(VcpuThread vcpu) => vcpu.Kvm is { NmiPending: > 0, NmiInjected: 0 }
        && HostThread.Board.Config.Kvm.NmiTracking != NmiTracking.NoInjection;

    private static bool TakeNmi(VcpuThread vcpu, bool behindInterrupt)
    {
        if (behindInterrupt || !NmiMasking.IsAllowed(vcpu))
        {
            return false;
        }

        vcpu.Kvm.NmiPending--;
        vcpu.Kvm.NmiInjected = 1;
        return true;
    }

    /// <summary>What waits behind the NMI asks for its window: another NMI, else an interrupt.</summary>
    private static void InjectNmi(VcpuThread vcpu, bool nmiFirst)
    {
        NmiMasking.Inject(vcpu);
        if (vcpu.Kvm.NmiPending > 0 || (nmiFirst && NmiMasking.IsWindowRequested(vcpu)))
        {
            NmiMasking.RequestWindow(vcpu);
        }
        else if (HasInterrupt(vcpu))
        {
            VcpuThread.Processor.SetInterruptWindow(VcpuThread.Context.Machine, vcpu.Index, true);
        }
    }

    private static bool HasInterrupt(VcpuThread vcpu) =>
        KvmPic.HasInterrupt(vcpu) || vcpu.Apic.HighestDeliverable() >= 0;

    private static bool IsOpen(VcpuThread vcpu) => vcpu.Core(1).InterruptsOpen;
}
