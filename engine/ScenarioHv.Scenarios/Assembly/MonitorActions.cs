using ScenarioHv.Engine.Configuration;

namespace ScenarioHv.Scenarios.Assembly;

/// <summary>What a timeline lets the monitor, or the host, do to a vCPU, and why that is not possible here.</summary>
internal static class MonitorActions
{
    /// <summary>The action of the engine.</summary>
    /// <exception cref="ScenarioException">The machine has no monitor that could, or nothing was saved.</exception>
    public static StimulusAction Of(TimelineAction action, TimelineEntry entry, Scenario scenario)
    {
        var hypervisor = Presets.KindOf(scenario.Machine.Hypervisor);
        if (action == TimelineAction.PageOut)
        {
            return hypervisor != HypervisorKind.BareMetal ? StimulusAction.PageOut
                : throw entry.Mark.Error(
                    "page-out is what a host does to a guest's memory; on bare-metal there is no host below the guest");
        }

        if (hypervisor != HypervisorKind.Kvm)
        {
            throw entry.Mark.Error(action is TimelineAction.Nmi or TimelineAction.NmiWindow
                ? $"NMIs are modelled under KVM only, not under {scenario.Machine.Hypervisor}"
                : $"a vCPU is paused, saved and restored under KVM only, not under {scenario.Machine.Hypervisor}");
        }

        if (action == TimelineAction.Restore && !IsSavedBefore(entry, scenario))
        {
            throw entry.Mark.Error(
                $"nothing of vCPU {entry.Vcpu} is saved before that: put {{ at: ..., save: {entry.Vcpu} }} into the timeline, earlier");
        }

        return action switch
        {
            TimelineAction.Nmi => StimulusAction.Nmi,
            TimelineAction.NmiWindow => StimulusAction.NmiWindow,
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
