using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Tracing;
using static System.FormattableString;

namespace ScenarioHv.Traces;

/// <summary>A policy's decision in words.</summary>
public static class PolicyDecisionText
{
    /// <summary>What a <see cref="TraceEventKind.PolicyDecided"/> event records.</summary>
    public static string Of(in TraceEvent e) => (PolicyPoint)e.A switch
    {
        PolicyPoint.ImmediateExit => ImmediateExit((ImmediateExitMechanism)e.B, e.C),
        PolicyPoint.IoApicEoi => IoApicEoi((IoApicEoiAction)e.B, e.C),
        PolicyPoint.NmiTracking => Nmi((NmiTrackingDecision)e.B),
        _ => Invariant($"policy point {e.A} decides {e.B}"),
    };

    private static string ImmediateExit(ImmediateExitMechanism mechanism, ulong argument) => (mechanism, argument) switch
    {
        (ImmediateExitMechanism.PreemptionTimer, 0) =>
            "the VMX-preemption timer is loaded with 0: the exit comes before the first instruction",
        (ImmediateExitMechanism.PreemptionTimer, _) =>
            Invariant($"the VMX-preemption timer is loaded with {argument}: the guest runs until so many ticks have passed"),
        (_, 0) => "the host CPU has sent itself an interrupt that is pending at the entry: the exit comes before the first instruction",
        _ => Invariant($"the host CPU has sent itself an interrupt that arrives after {argument} guest operations"),
    };

    private static string Nmi(NmiTrackingDecision decision) => decision switch
    {
        NmiTrackingDecision.StaysMasked => "the guest is not open for interrupts at the exit: its NMI handler is not taken to be over",
        NmiTrackingDecision.WindowOpen => "the guest is open for interrupts at the exit: its NMI handler is taken to be over",
        NmiTrackingDecision.TimedOut => "the guest has run for more than 1 s and an NMI waits: its NMI handler is taken to be over",
        _ => "the IRET that was intercepted has been executed: the NMI handler is over",
    };

    private static string IoApicEoi(IoApicEoiAction decision, ulong pin) => decision switch
    {
        IoApicEoiAction.Resend => Invariant($"the line of pin {pin} is still high at its EOI: the interrupt is sent again"),
        IoApicEoiAction.Delay => Invariant($"the line of pin {pin} is still high at its EOI: sending again is put off"),
        _ => Invariant($"the line of pin {pin} is low, or the pin masked, at its EOI: nothing is sent"),
    };
}
