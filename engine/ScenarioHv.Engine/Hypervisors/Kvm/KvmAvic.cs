using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Engine.Virtualization;
using ScenarioHv.Engine.Virtualization.Svm;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>What KVM does about the exits of AVIC (svm/avic.c).</summary>
internal static class KvmAvic
{
    /// <summary>
    /// The thread runs on a processor: senders ring its doorbell, unless AVIC is inhibited, when they have to leave and ask for software
    /// (avic_vcpu_load; the condition as from 5.15 on).
    /// </summary>
    public static void Load(VcpuThread vcpu) =>
        VcpuThread.Processor.SetRunning(VcpuThread.Context.Machine, vcpu.Index, vcpu.ApicvActive);

    /// <summary>The thread sleeps or is in userspace: senders leave the guest and wake it (avic_vcpu_put).</summary>
    public static void Put(VcpuThread vcpu) => VcpuThread.Processor.SetRunning(VcpuThread.Context.Machine, vcpu.Index, running: false);

    /// <summary>
    /// An IPI that the hardware could not complete (avic_incomplete_ipi_interception): what it does not send is sent here, and targets that
    /// do not run are woken, whose requests are in their backing pages already.
    /// </summary>
    public static async HostTask IncompleteIpi(VcpuThread vcpu)
    {
        var cause = (AvicIpiFailure)(vcpu.LastExit.Info2 >> 32);
        VcpuThread.Emit(TraceEventKind.KvmAvicIncompleteIpi, vcpu.LastExit.Info1, (ulong)cause, (uint)vcpu.LastExit.Info2);
        var (ipi, sends) = Write(vcpu, vcpu.LastExit.Value);
        if (sends && cause is (AvicIpiFailure.InvalidInterruptType or AvicIpiFailure.InvalidTarget))
        {
            VcpuThread.Emit(TraceEventKind.KvmApicIpi, vcpu.Apic.IcrLow, vcpu.Apic.IcrHigh >> 24);
            await InterruptDelivery.SendIpi(vcpu, ipi);
        }
        else if (cause == AvicIpiFailure.TargetNotRunning)
        {
            NotifyTargets(vcpu.Index, ipi);
        }
    }

    /// <summary>An access that the hardware does not carry out, or passes on (avic_unaccelerated_access_interception).</summary>
    public static async HostTask UnacceleratedAccess(VcpuThread vcpu)
    {
        var exit = vcpu.LastExit;
        var offset = (int)(exit.Info1 & 0xff0);
        var write = exit.Info1 >> 32 & 1;
        var trap = offset is LocalApicRegister.Eoi || Avic.WriteTraps(offset);
        VcpuThread.Emit(TraceEventKind.KvmAvicUnacceleratedAccess, (ulong)offset, trap ? 1UL : 0, write, exit.Info2);
        if (trap)
        {
            await KvmLapic.RegisterWritten(vcpu, offset, exit.Value);
        }
        else
        {
            await KvmLapic.HandleAccess(vcpu, ExitCause.Mmio);
        }
    }

    /// <summary>
    /// A vCPU asks for an interrupt window, or its window has opened. V_IRQ counts only while AVIC is off, for the whole machine: the
    /// reason is one bit for all vCPUs (svm.c:svm_enable_irq_window, interrupt_window_interception).
    /// </summary>
    public static async HostTask SetWindowInhibit(VcpuThread vcpu, bool wanted)
    {
        var config = HostThread.Board.Config;
        if (config is not { Vendor: CpuVendor.Amd, Apicv: true, Kvm.AvicWindow: not AvicWindow.Ignore }
            || vcpu.IsL2
            || !NoteWindow(vcpu, wanted, config.Kvm.AvicWindow))
        {
            return;
        }

        var dropsSrcu = !config.Kvm.Inhibit.Has(InhibitStep.TakeLock);
        if (dropsSrcu)
        {
            KernelLocks.LeaveSrcu(vcpu.Thread);
            await vcpu.Point(At.SrcuDropped, TimingCost.LoopPoint);
        }

        await KvmApicv.Change(vcpu.Thread, ApicvInhibits.IrqWindow, wanted);
        if (dropsSrcu)
        {
            KernelLocks.ReadSrcu(vcpu.Thread, SrcuReason.Run);
        }
    }

    /// <returns>True if the reason has to come or to go for it.</returns>
    private static bool NoteWindow(VcpuThread vcpu, bool wanted, AvicWindow policy)
    {
        var before = vcpu.Kvm.AvicIrqWindow != 0;
        vcpu.Kvm.AvicIrqWindow = wanted ? (byte)1 : (byte)0;
        if (policy == AvicWindow.InhibitCounted)
        {
            return wanted != before;
        }

        var isSet = (HostThread.Machine.Ref(HostThread.Board.KvmVm).Inhibits & ApicvInhibits.IrqWindow) != 0;
        return wanted ? !isSet : before && isSet;
    }

    /// <summary>
    /// Whether a reason that is to come or to go is to be there: a window that is counted, as long as some vCPU waits for one. Asked where
    /// the mask changes, under the lock that protects both (x86.c:__kvm_set_or_clear_apicv_inhibit of 2026).
    /// </summary>
    public static bool IsWanted(ApicvInhibits reason, bool set)
    {
        if (reason != ApicvInhibits.IrqWindow || HostThread.Board.Config.Kvm.AvicWindow != AvicWindow.InhibitCounted)
        {
            return set;
        }

        foreach (ref var kvm in HostThread.Machine.Span(HostThread.Board.Kvm))
        {
            if (kvm.AvicIrqWindow != 0)
            {
                return true;
            }
        }

        return false;
    }

    private static (IpiRequest Ipi, bool Sends) Write(VcpuThread vcpu, uint icrLow)
    {
        var context = VcpuThread.Context;
        var effect = vcpu.Apic.Write(LocalApicRegister.IcrLow, icrLow, new Instant(context.Machine.Now), context.Board.ApicClock);
        return (effect.Ipi, effect.Has(LocalApicEffects.SendIpi) || effect.Has(LocalApicEffects.SelfIpi));
    }

    /// <summary>avic_kick_target_vcpus.</summary>
    private static void NotifyTargets(int sender, in IpiRequest ipi)
    {
        for (var target = 0; target < HostThread.Board.Config.Vcpus; target++)
        {
            if (HostThread.Machine.Ref(HostThread.Board.Apics, target).IsAddressedBy(ipi, target == sender))
            {
                HostThread.Kvm.Notify(HostThread.Context, target);
            }
        }
    }
}
