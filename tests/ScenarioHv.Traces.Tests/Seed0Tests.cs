using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Traces.Tests;

/// <summary>The four excerpts of "throttle immediate exit through preemption timer", KVM list, 2019-03-28, rebuilt from events.</summary>
[TestFixture]
internal sealed class Seed0Tests
{
    private const uint ExternalInterrupt = 1;
    private const uint Vmresume = 24;
    private const uint EoiInduced = 45;
    private const uint PreemptionTimer = 52;
    private const ulong L1Rip = 0xfffff80006a40115;
    private const ulong L1EoiRip = 0xfffff80006a17e1a;
    private const ulong L2Rip = 0xfffff8022f3d8350;

    [Test]
    public void Excerpt_1_two_interrupts_arrive_and_the_edge_one_is_injected() => AssertLines(
        [.. LevelInterrupt, Msi(96, ApicMessageFlags.None), Accept(96, ApicMessageFlags.None), Inject(0x80000060)],
        """
        kvm_set_irq: gsi 23 level 1 source 0
        kvm_msi_set_irq: dst 0 vec 80 (Fixed|physical|level)
        kvm_apic_accept_irq: apicid 0 vec 80 (Fixed|edge)
        kvm_msi_set_irq: dst 0 vec 96 (Fixed|physical|edge)
        kvm_apic_accept_irq: apicid 0 vec 96 (Fixed|edge)
        kvm_nested_vmexit_inject: reason EXTERNAL_INTERRUPT info1 0 info2 0 int_info 80000060 int_info_err 0
        """);

    [Test]
    public void Excerpt_2_L2_is_entered_and_left_at_once() => AssertLines(
        [Entry, Exit(Vmresume, L1Rip), Entry, .. PreemptedL2],
        """
        kvm_entry: vcpu 0
        kvm_exit: reason VMRESUME rip 0xfffff80006a40115 info 0 0
        kvm_entry: vcpu 0
        kvm_exit: reason PREEMPTION_TIMER rip 0xfffff8022f3d8350 info 0 0
        kvm_nested_vmexit: rip fffff8022f3d8350 reason PREEMPTION_TIMER info1 0 info2 0 int_info 0 int_info_err 0
        kvm_nested_vmexit_inject: reason EXTERNAL_INTERRUPT info1 0 info2 0 int_info 80000050 int_info_err 0
        """);

    [Test]
    public void Excerpt_3_the_EOI_brings_the_level_interrupt_back() => AssertLines(
        [.. EoiOfTheLevelInterrupt, .. LevelInterrupt, Entry],
        """
        kvm_exit: reason EOI_INDUCED rip 0xfffff80006a17e1a info 50 0
        kvm_eoi: apicid 0 vector 80
        kvm_userspace_exit: reason KVM_EXIT_IOAPIC_EOI (26)
        kvm_set_irq: gsi 23 level 1 source 0
        kvm_msi_set_irq: dst 0 vec 80 (Fixed|physical|level)
        kvm_apic_accept_irq: apicid 0 vec 80 (Fixed|edge)
        kvm_entry: vcpu 0
        """);

    [Test]
    public void Excerpt_4_the_loop() => AssertLines(
        [
            Exit(Vmresume, L1Rip), Entry, .. PreemptedL2, Entry, .. EoiOfTheLevelInterrupt, .. LevelInterrupt, Entry, Exit(Vmresume, L1Rip),
        ],
        """
        kvm_exit: reason VMRESUME rip 0xfffff80006a40115 info 0 0
        kvm_entry: vcpu 0
        kvm_exit: reason PREEMPTION_TIMER rip 0xfffff8022f3d8350 info 0 0
        kvm_nested_vmexit: rip fffff8022f3d8350 reason PREEMPTION_TIMER info1 0 info2 0 int_info 0 int_info_err 0
        kvm_nested_vmexit_inject: reason EXTERNAL_INTERRUPT info1 0 info2 0 int_info 80000050 int_info_err 0
        kvm_entry: vcpu 0
        kvm_exit: reason EOI_INDUCED rip 0xfffff80006a17e1a info 50 0
        kvm_eoi: apicid 0 vector 80
        kvm_userspace_exit: reason KVM_EXIT_IOAPIC_EOI (26)
        kvm_set_irq: gsi 23 level 1 source 0
        kvm_msi_set_irq: dst 0 vec 80 (Fixed|physical|level)
        kvm_apic_accept_irq: apicid 0 vec 80 (Fixed|edge)
        kvm_entry: vcpu 0
        kvm_exit: reason VMRESUME rip 0xfffff80006a40115 info 0 0
        """);

    private static TraceEvent Entry => TraceEvent.KvmEntry(0, 0, 0, L1Rip);

    private static TraceEvent[] LevelInterrupt =>
        [TraceEvent.KvmSetIrq(0, 1, 23, 1, 0), Msi(80, ApicMessageFlags.Level), Accept(80, ApicMessageFlags.Level)];

    private static TraceEvent[] PreemptedL2 =>
        [Exit(PreemptionTimer, L2Rip), TraceEvent.KvmNestedVmexit(0, 0, 0, PreemptionTimer, L2Rip, 0, 0, 0, 0), Inject(0x80000050)];

    private static TraceEvent[] EoiOfTheLevelInterrupt =>
        [Exit(EoiInduced, L1EoiRip, info1: 0x50), TraceEvent.KvmEoi(0, 0, 0, 0, 80), TraceEvent.KvmUserspaceExit(0, 0, 0, 26)];

    private static TraceEvent Exit(uint reason, ulong rip, ulong info1 = 0) => TestEvents.VmxExit(reason, rip, info1);

    private static TraceEvent Inject(uint intrInfo) => TraceEvent.KvmNestedVmexitInject(0, 0, 0, ExternalInterrupt, 0, 0, intrInfo, 0);

    private static TraceEvent Msi(byte vector, ApicMessageFlags flags) =>
        TraceEvent.KvmMsiSetIrq(0, 1, 0, vector, DeliveryMode.Fixed, flags);

    private static TraceEvent Accept(byte vector, ApicMessageFlags flags) =>
        TraceEvent.KvmApicAcceptIrq(0, 1, 0, 0, vector, DeliveryMode.Fixed, flags);

    private static void AssertLines(TraceEvent[] events, string expected) =>
        Assert.That(events.Select(e => TestEvents.In51(e)), Is.EqualTo(expected.ReplaceLineEndings("\n").Split('\n')));
}
