using ScenarioHv.Engine.Configuration;

namespace ScenarioHv.Scenarios.Assembly;

/// <summary>What a timeline lets the monitor do to a vCPU, and why that is not possible here.</summary>
internal static class MonitorActions
{
    /// <summary>The action of the engine.</summary>
    /// <exception cref="ScenarioException">The machine has no monitor that could, or nothing was saved.</exception>
    public static StimulusAction Of(TimelineAction action, TimelineEntry entry, Scenario scenario)
    {
        if (scenario.Machine.Hypervisor == Presets.BareMetal)
        {
            throw entry.Mark.Error(action == TimelineAction.Nmi
                ? "NMIs are not modelled on bare metal"
                : "a bare-metal machine has no monitor that pauses, saves or restores a vCPU");
        }

        if (action == TimelineAction.Restore && !IsSavedBefore(entry, scenario))
        {
            throw entry.Mark.Error(
                $"nothing of vCPU {entry.Vcpu} is saved before that: put {{ at: ..., save: {entry.Vcpu} }} into the timeline, earlier");
        }

        return action switch
        {
            TimelineAction.Nmi => StimulusAction.Nmi,
            TimelineAction.Pause => StimulusAction.Pause,
            TimelineAction.Resume => StimulusAction.Resume,
            TimelineAction.Save => StimulusAction.Save,
            _ => StimulusAction.Restore,
        };
    }

    private static bool IsSavedBefore(TimelineEntry restore, Scenario scenario)
    {
        var hz = scenario.Machine.TscHz;
        return scenario.Timeline.Any(entry =>
            entry.Action == TimelineAction.Save && entry.Vcpu == restore.Vcpu && entry.At.ToCycles(hz) < restore.At.ToCycles(hz));
    }
}
