using ScenarioHv.Engine.Hypervisors.Bhyve;
using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Exploration.Schedules;
using static System.FormattableString;

namespace ScenarioHv.Cli.Stories;

/// <summary>What a step has changed, in the field's words.</summary>
internal static class EffectWords
{
    /// <summary>The words of all changes; a vector that moves from one register to another is one of them.</summary>
    /// <param name="effects">The changes of a step.</param>
    /// <param name="vcpu">The vCPU whose step it was; -1 for none. Of its own registers it is not said whose they are.</param>
    public static IEnumerable<string> Of(IReadOnlyList<StepEffect> effects, int vcpu)
    {
        foreach (var effect in effects)
        {
            if (Move(effects, effect) is { } source)
            {
                yield return Invariant($"vector 0x{effect.Vector:x2}: {Name(source)} to {Name(effect.Kind)}{Whose(effect)}");
            }
            else if (!IsSource(effects, effect) && Words(effect, effect.Number == vcpu, Whose(effect)) is { } words)
            {
                yield return words;
            }
        }

        string Whose(in StepEffect effect) => effect.Number == vcpu ? "" : Invariant($" of vCPU {effect.Number}");
    }

    private static string? Words(in StepEffect effect, bool isOwn, string whose) => effect.Kind switch
    {
        EffectKind.Line => Invariant($"GSI {effect.Number} goes {(effect.Value != 0 ? "high" : "low")}"),
        EffectKind.RemoteIrr => Invariant($"{(effect.Value != 0 ? "sets" : "clears")} remote IRR of pin {effect.Number}"),
        EffectKind.Pir or EffectKind.Irr or EffectKind.Isr =>
            Invariant($"{(effect.Value != 0 ? "sets" : "clears")} vector 0x{effect.Vector:x2} in {Name(effect.Kind)}{whose}"),
        EffectKind.On => $"{(effect.Value != 0 ? "sets" : "clears")} ON{whose}",
        EffectKind.Sn => $"{(effect.Value != 0 ? "sets" : "clears")} SN{whose}",
        EffectKind.Tpr => Invariant($"TPR{whose} := 0x{effect.Value:x2}"),
        EffectKind.Injected when effect.Value != 0 => Invariant($"injects vector 0x{effect.Value:x2}"),
        EffectKind.Offered when effect.Value != 0 => Invariant($"moves vector 0x{effect.Value:x2} to V_IRQ"),
        EffectKind.NmiPending when effect.Value != 0 => $"an NMI waits{(isOwn ? "" : " for" + whose[3..])}",
        EffectKind.Mode => $"vcpu->mode{whose} := {Mode((VcpuMode)effect.Value)}",
        EffectKind.RunState => $"vcpu->state{whose} := {RunState((BhyveRunState)effect.Value)}",
        EffectKind.Requests when !isOwn => $"requests {Requests((KvmRequests)effect.Value)}{whose}",
        EffectKind.HostInterrupt => HostInterrupt((HostInterrupts)effect.Value, isOwn ? "itself" : Invariant($"vCPU {effect.Number}")),
        EffectKind.Timer => $"the timer{whose} is {(effect.Value != 0 ? "armed" : "off")}",
        EffectKind.Wish => $"wants vCPU {effect.Number} to {Wish((MonitorWish)effect.Value)}",
        EffectKind.Rvi => Invariant($"RVI{whose} := 0x{effect.Value:x2}"),
        EffectKind.Svi => Invariant($"SVI{whose} := 0x{effect.Value:x2}"),
        _ => null,
    };

    /// <summary>vcpu->mode as the kernel names it.</summary>
    public static string Mode(VcpuMode mode) => mode switch
    {
        VcpuMode.Outside => "OUTSIDE_GUEST_MODE",
        VcpuMode.InGuest => "IN_GUEST_MODE",
        _ => "EXITING_GUEST_MODE",
    };

    private static string Wish(MonitorWish wish) => wish switch
    {
        MonitorWish.Pause => "stay out of KVM_RUN",
        MonitorWish.Save => "save its local APIC",
        MonitorWish.Restore => "restore its local APIC",
        MonitorWish.SetMsr => "write an MSR",
        _ => "do several things",
    };

    private static string RunState(BhyveRunState state) => state switch
    {
        BhyveRunState.Frozen => "VCPU_FROZEN",
        BhyveRunState.Running => "VCPU_RUNNING",
        _ => "VCPU_SLEEPING",
    };

    private static string Requests(KvmRequests requests) =>
        string.Join(
            ", ", Enum.GetValues<KvmRequests>().Where(request => request != KvmRequests.None && requests.HasFlag(request)).Select(Request));

    private static string Request(KvmRequests request) => request switch
    {
        KvmRequests.Event => "KVM_REQ_EVENT",
        KvmRequests.IoApicEoiExit => "KVM_REQ_IOAPIC_EOI_EXIT",
        KvmRequests.ScanIoApic => "KVM_REQ_SCAN_IOAPIC",
        KvmRequests.Nmi => "KVM_REQ_NMI",
        KvmRequests.ApicvUpdate => "KVM_REQ_APICV_UPDATE",
        KvmRequests.ApicvInhibit => "the inhibit of APICv",
        KvmRequests.Unblock => "KVM_REQ_UNBLOCK",
        _ => "KVM_REQ_APICV_INPROGRESS",
    };

    private static string HostInterrupt(HostInterrupts interrupts, string target) => interrupts switch
    {
        HostInterrupts.Kick => $"sends a reschedule IPI to {target}",
        HostInterrupts.PostedNotification => $"sends the notification of posted interrupts to {target}",
        HostInterrupts.Tick => $"the host's tick comes to the CPU of {target}",
        HostInterrupts.SelfIpi => "sends itself an IPI",
        _ => $"sends interrupts of the host to {target}",
    };

    private static string Name(EffectKind kind) => kind switch
    {
        EffectKind.Pir => "PIR",
        EffectKind.Irr => "IRR",
        _ => "ISR",
    };

    /// <summary>The register that a vector has left for the one it is set in; null if it has left none.</summary>
    private static EffectKind? Move(IReadOnlyList<StepEffect> effects, StepEffect effect)
    {
        EffectKind? from = effect is { Kind: EffectKind.Irr, Value: 1 } ? EffectKind.Pir
            : effect is { Kind: EffectKind.Isr, Value: 1 } ? EffectKind.Irr : null;
        return from is { } kind && effects.Contains(effect with { Kind = kind, Value = 0 }) ? from : null;
    }

    private static bool IsSource(IReadOnlyList<StepEffect> effects, StepEffect effect) =>
        (effect is { Kind: EffectKind.Pir, Value: 0 } && effects.Contains(effect with { Kind = EffectKind.Irr, Value = 1 }))
        || (effect is { Kind: EffectKind.Irr, Value: 0 } && effects.Contains(effect with { Kind = EffectKind.Isr, Value = 1 }));
}
