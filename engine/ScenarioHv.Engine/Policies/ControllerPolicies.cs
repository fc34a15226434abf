using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Devices;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Policies;

/// <summary>
/// The choices of a machine's interrupt controllers. <see cref="ControllerPolicyTable"/> has the name and the words of each.
/// </summary>
public readonly record struct ControllerPolicies
{
    /// <summary>The local APICs.</summary>
    public LocalApicPolicies LocalApic { get; init; }

    /// <summary>The 8259A pair, where there is one.</summary>
    public Pic8259Policies Pic { get; init; }

    /// <summary>The I/O APIC.</summary>
    public IoApicPolicies IoApic { get; init; }

    /// <summary>Who reads an MSI.</summary>
    public MsiRules Msi { get; init; }

    /// <summary>What lies between the controllers and what they stand in.</summary>
    public PlatformPolicies Platform { get; init; }

    /// <summary>The SynICs, where there are any.</summary>
    public SynIcPolicy SynIc { get; init; }

    /// <summary>Their timers.</summary>
    public SyntheticTimerPolicy SyntheticTimers { get; init; }

    /// <summary>Hyper-V's other interfaces to the local APICs, where there are any.</summary>
    public HypervPolicies Hyperv { get; init; }

    /// <summary>The 8254, where there is one.</summary>
    public PitPolicies Pit { get; init; }

    /// <summary>
    /// vmm's vLAPIC and vioapic as far as they were read (FreeBSD 10.4 vlapic.c, vioapic.c); the manual's where they were not.
    /// </summary>
    private static ControllerPolicies Bhyve => new()
    {
        LocalApic = LocalApicPolicies.Architectural with
        {
            TimerModeSwitch = TimerModeSwitchPolicy.KeepsCounting,
            SpuriousVector = SpuriousVectorPolicy.Never,
            EoiBroadcast = EoiBroadcastPolicy.AlwaysSent,
            PendingWhileDisabled = PendingWhileDisabledPolicy.Dispensed,
        },
        IoApic = IoApicPolicies.Architectural,
        Platform = new PlatformPolicies { Window = IoApicWindowPolicy.Bytes4096 },
    };

    /// <summary>
    /// What a machine's controllers are if nothing is said: KVM's, with QEMU's I/O APIC and 8259A if the irqchip is split; vmm's; on bare
    /// metal the manual's, with a timer that goes on when its mode changes and an I/O APIC of version 20h. The machines begin behind their
    /// firmware, so that LINT0 is masked and KVM's map of destinations complete, and all of them decode the whole page of the
    /// I/O APIC.
    /// </summary>
    /// <param name="hypervisor">What runs the guest.</param>
    /// <param name="irqchip">Where KVM's controllers are; without meaning on bare metal.</param>
    public static ControllerPolicies Usual(HypervisorKind hypervisor, IrqchipKind irqchip)
    {
        if (hypervisor == HypervisorKind.BareMetal)
        {
            return new ControllerPolicies
            {
                LocalApic = LocalApicPolicies.Architectural with { TimerModeSwitch = TimerModeSwitchPolicy.KeepsCounting },
                IoApic = IoApicPolicies.Architectural with { EoiRegister = IoApicEoiRegister.Present },
                Platform = new PlatformPolicies { Window = IoApicWindowPolicy.Bytes4096 },
            };
        }

        if (hypervisor == HypervisorKind.Bhyve)
        {
            return Bhyve;
        }

        var isSplit = irqchip == IrqchipKind.Split;
        return new ControllerPolicies
        {
            LocalApic = LocalApicPolicies.Kvm with { BspLint0 = BspLint0Policy.Masked },
            Pic = isSplit ? Pic8259Policies.Qemu : Pic8259Policies.Kvm,
            IoApic = isSplit ? IoApicPolicies.Qemu : IoApicPolicies.Kvm,
            Msi = MsiRules.Kvm,
            Platform = PlatformPolicies.Kvm with
            {
                Window = IoApicWindowPolicy.Bytes4096,
                DestinationMap = DestinationMapPolicy.WhenNeeded,
            },
            SynIc = SynIcPolicy.Kvm,
            SyntheticTimers = SyntheticTimerPolicy.Kvm,
            Hyperv = HypervPolicies.Kvm,
            Pit = isSplit ? PitPolicies.Qemu : PitPolicies.Kvm,
        };
    }
}
