using ScenarioHv.Engine.Configuration;
using static System.FormattableString;

namespace ScenarioHv.Cli.Stories;

/// <summary>What an actor does that runs no code.</summary>
internal static class ActorWords
{
    /// <summary>The words for the actor of a name, a number behind it not counting, and whether they say little.</summary>
    public static (string Words, bool IsQuiet) Of(string name) => name.TrimEnd('0', '1', '2', '3', '4', '5', '6', '7') switch
    {
        "ipi" => ("the interrupt of the host arrives", false),
        "preemption-timer" => ("the VMX-preemption timer reaches 0", false),
        "doorbell" => ("the doorbell arrives", false),
        "vnmi-clock" => ("the time is over that KVM allows an NMI handler", false),
        _ when name.StartsWith("deadline", StringComparison.Ordinal) => ("a deadline of the guest passes", false),
        "eoi-delay" => ("the delayed service is due", false),
        "apic-timer" => ("the timer of the local APIC expires", false),
        "host-tick" => ("the host's tick", false),
        "bus" => ("a message arrives", false),
        _ => ("goes on", true),
    };
}

/// <summary>What happens from outside.</summary>
internal static class StimulusWords
{
    /// <summary>True if a trace event tells that it was done.</summary>
    public static bool IsTold(StimulusAction action) => action is StimulusAction.Raise or StimulusAction.Lower or StimulusAction.Fire;

    /// <summary>The words for a line of the timeline.</summary>
    public static string Of(StimulusConfig stimulus, IReadOnlyList<DeviceConfig> devices)
    {
        var vcpu = Invariant($"vCPU {stimulus.Target}");
        return stimulus.Action switch
        {
            StimulusAction.Raise => $"{devices[stimulus.Target].Name} raises its line",
            StimulusAction.Lower => $"{devices[stimulus.Target].Name} lowers its line",
            StimulusAction.Fire => $"{devices[stimulus.Target].Name} sends its message",
            StimulusAction.Nmi => $"an NMI for {vcpu}",
            StimulusAction.NmiWindow => $"an NMI for {vcpu}, once its guest can take one",
            StimulusAction.Pause => $"pause {vcpu}",
            StimulusAction.Resume => $"resume {vcpu}",
            StimulusAction.Save => $"save the local APIC of {vcpu}",
            StimulusAction.Restore => $"restore the local APIC of {vcpu}",
            StimulusAction.PageOut => $"the host takes the page with the IDT of {vcpu}",
            StimulusAction.SetMsr => Invariant($"write MSR 0x{stimulus.Msr:x} of {vcpu}"),
            StimulusAction.Inhibit => "a reason against APICv",
            StimulusAction.Lift => "the end of a reason against APICv",
            StimulusAction.Preempt => $"the host takes the CPU of {vcpu}",
            StimulusAction.Schedule => $"the host gives {vcpu} a CPU",
            _ => throw new ArgumentOutOfRangeException(nameof(stimulus), stimulus.Action, "This action has no words."),
        };
    }
}
