namespace ScenarioHv.Engine.Properties;

/// <summary>A violation in words, without the property's name.</summary>
public static class ViolationText
{
    /// <summary>What has happened.</summary>
    public static string Of(in Violation violation)
    {
        var (vcpu, vector) = (violation.Vcpu, $"vector 0x{violation.Vector:x2}");
        return violation.Property switch
        {
            SafetyProperty.Custody => $"{vector} is owed to vCPU {vcpu} and waits nowhere any more: neither requested nor injected",
            SafetyProperty.Just => $"vCPU {vcpu} takes {vector}, which nobody has ever requested",
            SafetyProperty.Once => $"vCPU {vcpu} takes {vector} again: each request for it has been served already",
            SafetyProperty.Priority => Priority(violation, vector),
            SafetyProperty.Nmi => Nmi(violation),
            SafetyProperty.Entry =>
                $"vCPU {vcpu} is entered with a control structure that fails check {violation.Detail} of a VM entry",
            SafetyProperty.Lock => $"vCPU {vcpu} waits for a lock that cannot be released",
            SafetyProperty.Destination =>
                $"a message with {vector} that names the CPUs of mask 0x{violation.Expected:x} goes wrong at vCPU {vcpu}",
            SafetyProperty.Mirror => Mirror(violation),
            SafetyProperty.Level =>
                $"remote IRR of pin {violation.Detail} is set, but {vector} is requested, injected or in service nowhere, "
                + "and no EOI of it is under way",
            SafetyProperty.Snapshot => $"vCPU {vcpu} is restored without {vector}, which was owed to it when it was saved",
            SafetyProperty.Assert => $"an assertion of the guest does not hold on vCPU {vcpu}",
            _ => "nothing",
        };
    }

    private static string Priority(in Violation violation, string vector) => (PriorityFailure)violation.Detail switch
    {
        PriorityFailure.InterruptsOff => $"{vector} is injected into vCPU {violation.Vcpu}, whose guest cannot take an interrupt now",
        PriorityFailure.BelowPpr => $"vCPU {violation.Vcpu} takes {vector}, whose class is not above the guest's PPR",
        _ => $"vCPU {violation.Vcpu} takes {vector}, though vector 0x{violation.Expected:x2} was requested before that was chosen",
    };

    private static string Nmi(in Violation violation) => (NmiFailure)violation.Detail switch
    {
        NmiFailure.Blocked => $"an NMI's handler starts on vCPU {violation.Vcpu} inside that of another, before its IRET",
        NmiFailure.NeverRequested => $"an NMI's handler starts on vCPU {violation.Vcpu}, and every NMI has been served already",
        _ => $"vCPU {violation.Vcpu} is owed an NMI that nobody keeps any more",
    };

    private static string Mirror(in Violation violation) => (MirrorFailure)violation.Detail switch
    {
        MirrorFailure.Rvi =>
            $"vCPU {violation.Vcpu} is entered with RVI 0x{violation.Vector:x2}, the highest vector in IRR is 0x{violation.Expected:x2}",
        MirrorFailure.Svi =>
            $"vCPU {violation.Vcpu} is entered with SVI 0x{violation.Vector:x2}, the highest vector in ISR is 0x{violation.Expected:x2}",
        MirrorFailure.EoiExitBitmap =>
            $"vCPU {violation.Vcpu} is entered with an EOI-exit bitmap that {(violation.Expected != 0 ? "lacks" : "has")} vector "
            + $"0x{violation.Vector:x2}, unlike the vectors that are forwarded",
        MirrorFailure.IsrRead => $"vCPU {violation.Vcpu} reads ISR bits other than those in service, 0x{violation.Expected:x8}",
        MirrorFailure.IrrRead =>
            $"vCPU {violation.Vcpu} reads IRR bits that no request explains, or misses its own; owed are 0x{violation.Expected:x8}",
        MirrorFailure.TprRead => $"vCPU {violation.Vcpu} reads another task priority than it has written, 0x{violation.Expected:x2}",
        _ => $"vCPU {violation.Vcpu} reads a processor priority other than 0x{violation.Expected:x2}",
    };
}
