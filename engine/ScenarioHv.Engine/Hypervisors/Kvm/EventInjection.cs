using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>
/// Which event the next entry delivers (x86.c:inject_pending_event, order of 4.19 to 5.1 where no policy says otherwise): what was begun is
/// injected again, then L1's claims on L2 are looked at, then an NMI, then an interrupt; what cannot be delivered yet asks for a window.
/// </summary>
internal static class EventInjection
{
    /// <summary>True if events are chosen as 2.6.29 did, before every entry.</summary>
    public static bool IsEarly => Choice is EventChoice.EveryEntry or EventChoice.EveryEntryNmiFirst;

    private static EventChoice Choice => HostThread.Board.Config.Kvm.EventChoice;

    /// <summary>Whether events are looked for on the way into this entry.</summary>
    public static bool IsDue(VcpuThread vcpu) => vcpu.TakeRequest(KvmRequests.Event) || IsEarly;

    /// <summary>Chooses and writes the event.</summary>
    /// <param name="vcpu">The vCPU.</param>
    /// <param name="isMerged">True if nobody may act before the nested check.</param>
    /// <returns>True if an event could not be delivered before this entry, so that the entry must be left at once.</returns>
    public static async HostTask<bool> InjectPending(VcpuThread vcpu, bool isMerged)
    {
        if (IsEarly)
        {
            await EarlyEventInjection.Choose(vcpu, nmiFirst: Choice == EventChoice.EveryEntryNmiFirst);
            return false;
        }

        var again = !VcpuThread.Policies.Enter.Has(EnterStep.RecheckWithoutCancel) && InjectAgain(vcpu);
        var nested = vcpu.IsL2 ? await NestedEvents.Check(vcpu, isMerged) : NestedAnswer.Nothing;
        if (nested == NestedAnswer.Busy)
        {
            return true;
        }

        if (!again && vcpu.Kvm.NmiPending > 0 && NmiMasking.IsAllowed(vcpu))
        {
            InjectNmi(vcpu);
        }
        else if (!again && !HeldBackByNmi(vcpu) && HasInjectableInterrupt(vcpu) && InterruptAllowed(vcpu))
        {
            var vector = AcknowledgeForInjection(vcpu);
            await vcpu.Point(At.Acknowledged, TimingCost.LoopPoint);
            InjectInterrupt(vcpu, vector);
        }

        await RequestWindows(vcpu);
        return false;
    }

    /// <summary>The entry is given up: what was written for injection is kept for the next one (cancel_injection).</summary>
    public static void Cancel(VcpuThread vcpu)
    {
        if (vcpu.Kvm.InjectedVector != 0 || vcpu.Kvm.NmiInjected != 0)
        {
            VcpuThread.Processor.ClearInjection(VcpuThread.Context.Machine, vcpu.Index);
            vcpu.Request(KvmRequests.Event);
        }
    }

    /// <summary>Whether a halted vCPU has an event that could end the halt (kvm_arch_vcpu_runnable).</summary>
    public static bool CouldRun(VcpuThread vcpu) =>
        vcpu.Kvm.NmiQueued > 0
        || (vcpu.Kvm.NmiPending > 0 && NmiMasking.IsAllowed(vcpu))
        || ((KvmPic.HasInterrupt(vcpu) || vcpu.Apic.HighestDeliverable() >= 0)
            && (InterruptAllowed(vcpu) || IsAwaitedByL1(vcpu)));

    /// <summary>
    /// Whether software has to inject an interrupt: never one of L1 while the hardware delivers them itself (kvm_cpu_has_injectable_intr).
    /// </summary>
    private static bool HasInjectableInterrupt(VcpuThread vcpu) =>
        KvmPic.HasInterrupt(vcpu) || ((vcpu.IsL2 || !vcpu.ApicvActive) && vcpu.Apic.HighestDeliverable() >= 0);

    /// <summary>
    /// While L2 runs and L1 wants exits for interrupts, a pending one is L1's: it waits for the nested check, not for a window of L2.
    /// </summary>
    private static bool IsAwaitedByL1(VcpuThread vcpu) =>
        vcpu.IsL2 && VcpuThread.Processor.NestedExitsOnInterrupt(VcpuThread.Context.Machine, vcpu.Index);

    /// <summary>
    /// Never at an entry that L1 has asked for: what L1 injects there occupies the field (vmx_interrupt_allowed, vmx_nmi_allowed).
    /// </summary>
    private static bool InterruptAllowed(VcpuThread vcpu) =>
        !IsAwaitedByL1(vcpu) && vcpu.Kvm.NestedRunPending == 0 && vcpu.Kvm.GifClear == 0 && vcpu.Core(vcpu.State.Level).InterruptsOpen;

    private static bool HeldBackByNmi(VcpuThread vcpu) => Choice == EventChoice.NmiHoldsInterrupts && vcpu.Kvm.NmiPending > 0;

    /// <summary>
    /// Where an NMI holds back interrupts, its window is the only one that is asked for. A window of L1 that nothing waits for any more
    /// stays asked for until it opens (x86.c:kvm_check_and_inject_events); the controls of L2 are made anew at each of its entries.
    /// </summary>
    private static async HostTask RequestWindows(VcpuThread vcpu)
    {
        var interruptWaits = HasInjectableInterrupt(vcpu) && !IsAwaitedByL1(vcpu) && !HeldBackByNmi(vcpu);
        if (interruptWaits)
        {
            await KvmAvic.SetWindowInhibit(vcpu, wanted: true);
        }

        if (interruptWaits || vcpu.IsL2)
        {
            VcpuThread.Processor.SetInterruptWindow(VcpuThread.Context.Machine, vcpu.Index, interruptWaits);
        }

        NmiMasking.SetWindow(vcpu, vcpu.Kvm.NmiPending > 0);
    }

    /// <summary>
    /// IRR to ISR: at injection, not at delivery (kvm_cpu_get_interrupt, kvm_apic_ack_interrupt). The 8259A comes first.
    /// </summary>
    public static byte AcknowledgeForInjection(VcpuThread vcpu)
    {
        if (KvmPic.HasInterrupt(vcpu))
        {
            vcpu.Kvm.InjectedExtInt = 1;
            vcpu.Kvm.InjectedVector = KvmPic.Acknowledge();
            return vcpu.Kvm.InjectedVector;
        }

        var vector = vcpu.Apic.HighestDeliverable();
        SafetyChecks.Committed(VcpuThread.Context, vcpu.Index, vector);
        KvmLapic.Acknowledge(vcpu, vector);
        vcpu.Kvm.InjectedVector = (byte)vector;
        return (byte)vector;
    }

    /// <summary>Writes an interrupt for injection, for the first time or again.</summary>
    public static void InjectInterrupt(VcpuThread vcpu, byte vector, bool again = false)
    {
        VcpuThread.Emit(TraceEventKind.KvmInjVirq, vector, again ? 1UL : 0);
        VcpuThread.Processor.WriteInterruptInjection(VcpuThread.Context.Machine, vcpu.Index, vector);
    }

    private static void InjectNmi(VcpuThread vcpu)
    {
        vcpu.Kvm.NmiPending--;
        vcpu.Kvm.NmiInjected = 1;
        NmiMasking.Inject(vcpu);
    }

    private static bool InjectAgain(VcpuThread vcpu)
    {
        if (vcpu.Kvm.NmiInjected != 0)
        {
            NmiMasking.Inject(vcpu);
            return true;
        }

        if (vcpu.Kvm.InjectedVector == 0)
        {
            return false;
        }

        InjectInterrupt(vcpu, vcpu.Kvm.InjectedVector, again: true);
        return true;
    }
}
