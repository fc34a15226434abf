using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Interrupts;

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
                : action is TimelineAction.Inhibit or TimelineAction.Lift or TimelineAction.SetMsr
                ? $"this acts on KVM, and the machine's hypervisor is {scenario.Machine.Hypervisor}"
                : $"a vCPU is paused, saved, restored and preempted under KVM only, not under {scenario.Machine.Hypervisor}");
        }

        if (action == TimelineAction.Restore && !HasWhatItNeeds(entry, scenario))
        {
            throw entry.Mark.Error(
                $"nothing of vCPU {entry.Vcpu} is saved before that: put {{ at: ..., save: {entry.Vcpu} }} into the timeline, earlier");
        }

        if (action == TimelineAction.Schedule && !HasWhatItNeeds(entry, scenario))
        {
            throw entry.Mark.Error(
                $"nothing takes the CPU of vCPU {entry.Vcpu} away before that: "
                + $"put {{ at: ..., preempt: {entry.Vcpu} }} into the timeline, earlier");
        }

        if (action == TimelineAction.SetMsr && (scenario.Machine.Hyperv is not { SynIc: true } || !IsSynIcMsr(entry.Msr)))
        {
            throw entry.Mark.Error(
                "the MSRs that a monitor can write here are those of a SynIC, 0x40000080..0x4000009f (hyperv: { synic: true })");
        }

        if (action is TimelineAction.Inhibit or TimelineAction.Lift && !IsLookedAt(entry, scenario.Machine))
        {
            throw entry.Mark.Error($"KVM does not look at the reason {entry.Reason} on this processor, or has no APICv (apicv: true)");
        }

        return action switch
        {
            TimelineAction.SetMsr => StimulusAction.SetMsr,
            TimelineAction.Inhibit => StimulusAction.Inhibit,
            TimelineAction.Lift => StimulusAction.Lift,
            TimelineAction.Preempt => StimulusAction.Preempt,
            TimelineAction.Schedule => StimulusAction.Schedule,
            TimelineAction.Nmi => StimulusAction.Nmi,
            TimelineAction.NmiWindow => StimulusAction.NmiWindow,
            TimelineAction.Pause => StimulusAction.Pause,
            TimelineAction.Resume => StimulusAction.Resume,
            TimelineAction.Save => StimulusAction.Save,
            _ => StimulusAction.Restore,
        };
    }

    private static bool IsSynIcMsr(uint msr) =>
        msr is >= SynIcMsr.Scontrol and <= SynIcMsr.Eom or >= SynIcMsr.Sint0 and <= SynIcMsr.Sint15;

    private static bool IsLookedAt(TimelineEntry entry, MachineSection machine)
    {
        var looked = machine.Cpu.Vendor == CpuVendor.Intel ? ApicvInhibits.OfVmx : ApicvInhibits.OfSvm;
        return machine.Cpu.Apicv && (EngineVocabulary.ReasonOf(entry.Reason) & looked) != 0;
    }

    private static bool HasWhatItNeeds(TimelineEntry entry, Scenario scenario) =>
        TimelineActions.WhatItNeeds(entry, scenario.Timeline, scenario.Machine.TscHz).Any();
}
