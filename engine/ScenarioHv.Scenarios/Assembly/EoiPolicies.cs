using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Scenarios.Assembly;

/// <summary>How the rules are named by which the end of an interrupt reaches those whom it concerns.</summary>
internal static class EoiPolicies
{
    /// <summary>What follows an EOI.</summary>
    public static PolicyRule Eoi { get; } = new()
    {
        Name = "eoi",
        MakeScript = () => PolicyShape.Plan<EoiStep>(PolicyScope.Vcpu, With),
        Summary = "what follows when an EOI has taken a vector out of ISR",
        Values =
        [
            new PolicyEntry(
                new PolicyValueInfo(
                    EoiPlans.TellAndRequest.Text, [], "every form of EOI tells the I/O APIC and has pending events looked at again",
                    "KVM lapic.c:apic_set_eoi, kvm_apic_set_eoi_accelerated"),
                _ => null,
                (_, config) => With(config, EoiPlans.TellAndRequest)),
            new PolicyEntry(
                new PolicyValueInfo(
                    EoiPlans.TellIfEmulated.Text, [],
                    "an EOI that the processor has carried out, and reports by an exit, does not tell the I/O APIC",
                    "no release: the form that is forgotten here; forms that were: Xen 93508595d5, eb298f32fa, 2d494f2198, 0dc28066e9"),
                config => HasVirtualInterruptDelivery(config) ? null
                    : $"{EoiPlans.TellIfEmulated.Text} is about exits by EOIs that the processor has carried out: "
                        + "those of an Intel processor with 'apicv: true'",
                (_, config) => With(config, EoiPlans.TellIfEmulated)),
            new PolicyEntry(
                new PolicyValueInfo(
                    EoiPlans.WithoutRequest.Text, [],
                    "nobody looks for the interrupt that the ended one has held back, until another request comes",
                    "the request that 3842d135ff24 (KVM 2.6.37) demands of whatever changes PPR, forgotten"),
                config => !config.Apicv ? null
                    : $"{EoiPlans.WithoutRequest.Text} is about interrupts that KVM injects; with 'apicv: true' the processor looks itself",
                (_, config) => With(config, EoiPlans.WithoutRequest)),
        ],
        Absence = config => EntryPolicies.NeedsKvm("eoi", config),
        Usual = _ => EoiPlans.TellAndRequest.Text,
    };

    /// <summary>What becomes of SVR bit 12.</summary>
    public static PolicyRule Suppression { get; } = new()
    {
        Name = "eoi-suppression",
        MakeScript = () => PolicyShape.OfMaking(config => config.Kvm.EoiSuppression),
        Summary = "whether a guest can forbid by SVR bit 12 that its EOIs reach the I/O APIC",
        Values =
        [
            Suppressing(
                EoiSuppression.NotAdvertised, "not-advertised", "the version register says that there is no such bit",
                "KVM with its own I/O APIC since 0bcc3fb95b97; KVM_X2APIC_DISABLE_SUPPRESS_EOI_BROADCAST (6517dfbcc918, 2026)"),
            Suppressing(
                EoiSuppression.Quirked, "quirked", "the bit is there, and EOIs are forwarded all the same",
                "KVM with a split irqchip, unless its monitor says otherwise"),
            Suppressing(
                EoiSuppression.Respected, "respected",
                "the bit is there and obeyed: the guest has to write the I/O APIC's EOI register, which has to exist",
                "KVM_X2APIC_ENABLE_SUPPRESS_EOI_BROADCAST (6517dfbcc918); KVM with its own I/O APIC before 0bcc3fb95b97"),
        ],
        Absence = config => EntryPolicies.NeedsKvm("eoi-suppression", config),
        Usual = machine => machine.Irqchip == Irqchip.Split ? "quirked" : "not-advertised",
    };

    /// <summary>Which EOIs are forwarded.</summary>
    public static PolicyRule ForwardSet { get; } = new()
    {
        Name = "eoi-forward-set",
        MakeScript = () => PolicyShape.Decision(
            PolicyScope.Vcpu,
            config => config.Kvm.EoiForwardSet,
            (config, script) => config with
            {
                Kvm = config.Kvm with { Scripts = config.Kvm.Scripts.With(nameof(KvmPolicies.EoiForwardSet), script) },
            }),
        Summary = "of which vectors a vCPU's EOI is forwarded to the I/O APIC, and into which control structure that is written",
        Values =
        [
            Forwarding(
                EoiForwardSet.EveryEntry, "every-entry",
                "level entries that address the vCPU, masked or not, and those whose vector it still has; loaded when L1 runs",
                "KVM ioapic.c:kvm_ioapic_scan_entry, x86.c:vcpu_load_eoi_exitmap"),
            Forwarding(
                EoiForwardSet.UnmaskedEntries, "unmasked-entries", "without masked entries", "KVM before 0f6c0a740b7d (2014)"),
            Forwarding(
                EoiForwardSet.NewestRouting, "newest-routing", "without entries that address another vCPU by now",
                "KVM before db2bdcbbbd32, and for level interrupts before 0fc5a36dd6b3 (2017)"),
            new PolicyEntry(
                new PolicyValueInfo(
                    "current-vmcs", [], "loaded at once into the control structure that is current, L2's among them",
                    "KVM before \"nVMX: Do not load EOI-exitmap while running L2\" (2018)"),
                config => HasVirtualInterruptDelivery(config) ? null
                    : "current-vmcs is about the EOI-exit bitmap, which only an Intel processor with 'apicv: true' has",
                (_, config) => With(config, EoiForwardSet.CurrentVmcs)),
        ],
        Absence = config => EntryPolicies.NeedsKvm("eoi-forward-set", config),
        Usual = _ => "every-entry",
    };

    private static bool HasVirtualInterruptDelivery(MachineConfig config) =>
        config is { Vendor: Engine.Configuration.CpuVendor.Intel, Apicv: true };

    private static PolicyEntry Suppressing(EoiSuppression value, string name, string summary, string source) =>
        PolicyEntry.Plain(name, summary, source, config => config with { Kvm = config.Kvm with { EoiSuppression = value } });

    private static PolicyEntry Forwarding(EoiForwardSet value, string name, string summary, string source) =>
        PolicyEntry.Plain(name, summary, source, config => With(config, value));

    private static MachineConfig With(MachineConfig config, EoiForwardSet value) =>
        config with { Kvm = config.Kvm with { EoiForwardSet = value } };

    private static MachineConfig With(MachineConfig config, Plan<EoiStep> plan) => config with { Kvm = config.Kvm with { Eoi = plan } };
}
