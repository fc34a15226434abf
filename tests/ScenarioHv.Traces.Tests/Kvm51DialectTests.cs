using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Tracing;
using static ScenarioHv.Traces.Tests.TestEvents;

namespace ScenarioHv.Traces.Tests;

[TestFixture]
internal sealed class Kvm51DialectTests
{
    [Test]
    public void Entry_says_the_vcpu_only() =>
        Assert.That(In51(TraceEvent.KvmEntry(0, 0, 3, 0xfff0, 0x80000060, 0, true)), Is.EqualTo("kvm_entry: vcpu 3"));

    [TestCase(1u, 0x100ul, 0ul, 0x800000f6u, "kvm_exit: reason EXTERNAL_INTERRUPT rip 0x100 info 0 800000f6")]
    [TestCase(30u, 0xe828ul, 0xa00040ul, 0u, "kvm_exit: reason IO_INSTRUCTION rip 0xe828 info a00040 0")]
    [TestCase(7u, 0x22daul, 0ul, 0u, "kvm_exit: reason PENDING_INTERRUPT rip 0x22da info 0 0")]
    public void Vmx_exit_lines_as_posted(uint reason, ulong rip, ulong info1, uint intrInfo, string line) =>
        Assert.That(In51(VmxExit(reason, rip, info1, intrInfo: intrInfo)), Is.EqualTo(line));

    [Test]
    public void Second_number_of_a_vmx_exit_is_not_the_IDT_vectoring_information() =>
        Assert.That(In51(VmxExit(48, 0x10, 0x781, info2: 0x8000030d)), Is.EqualTo("kvm_exit: reason EPT_VIOLATION rip 0x10 info 781 0"));

    [Test]
    public void Svm_exit_line_as_posted() =>
        Assert.That(In51(SvmExit(0x73, 0x7ffbb280)), Is.EqualTo("kvm_exit: reason EXIT_RSM rip 0x7ffbb280 info 0 0"));

    [Test]
    public void Second_number_of_an_svm_exit_is_EXITINFO2() =>
        Assert.That(In51(SvmExit(0x400, 0, 0x4, 0x1ab000)), Is.EqualTo("kvm_exit: reason EXIT_NPF rip 0x0 info 4 1ab000"));

    [Test]
    public void Nested_svm_exit_line_as_posted()
    {
        var e = TraceEvent.KvmNestedVmexitInject(0, 0, 0, TraceEvent.SvmReason(0x400), 0x200000006, 0x1ab000, 0, 0);
        Assert.That(
            In51(e), Is.EqualTo("kvm_nested_vmexit_inject: reason EXIT_NPF info1 200000006 info2 1ab000 int_info 0 int_info_err 0"));
    }

    [Test]
    public void Nested_exit_shows_vectoring_and_interruption_information_apart()
    {
        var e = TraceEvent.KvmNestedVmexit(0, 0, 0, 48, 0x103c00, 0x781, 0x8000030d, 0x80000b0e, 0x2);
        Assert.That(In51(e), Is.EqualTo(
            "kvm_nested_vmexit: rip 103c00 reason EPT_VIOLATION info1 781 info2 8000030d int_info 80000b0e int_info_err 2"));
    }

    [Test]
    public void Requests_are_not_printed()
    {
        var e = TraceEvent.KvmExit(0, 0, 0, 1, 0x100, 0, 0, 0x800000f6, 0, requests: ulong.MaxValue);
        Assert.That(In51(e), Is.EqualTo("kvm_exit: reason EXTERNAL_INTERRUPT rip 0x100 info 0 800000f6"));
    }

    [Test]
    public void Level_message_is_accepted_as_edge_because_8_bits_lose_bit_15() => Assert.That(
        In51(TraceEvent.KvmApicAcceptIrq(0, 0, 0, 0, 80, DeliveryMode.Fixed, ApicMessageFlags.Level)),
        Is.EqualTo("kvm_apic_accept_irq: apicid 0 vec 80 (Fixed|edge)"));

    [Test]
    public void Level_from_the_kernels_IO_APIC_is_accepted_as_level_because_it_is_one_bit() => Assert.That(
        In51(TraceEvent.KvmApicAcceptIrq(0, 0, 0, 0, 80, DeliveryMode.Fixed, ApicMessageFlags.Level, fromIoapic: true)),
        Is.EqualTo("kvm_apic_accept_irq: apicid 0 vec 80 (Fixed|level)"));

    [Test]
    public void Injected_vector_is_decimal_and_says_nothing_more() => Assert.That(
        In51(TraceEvent.KvmInjVirq(0, 0, 0, 52, reinjected: true)), Is.EqualTo("kvm_inj_virq: irq 52"));

    [TestCase(27u, "kvm_userspace_exit: reason KVM_EXIT_HYPERV (27)")]
    [TestCase(29u, "kvm_userspace_exit: reason 0x1d (29)")]
    public void Userspace_reasons_end_with_HYPERV(uint reason, string line) =>
        Assert.That(In51(TraceEvent.KvmUserspaceExit(0, 0, 0, reason)), Is.EqualTo(line));

    [Test]
    public void Apic_register_value_has_32_bits() => Assert.That(
        In51(TraceEvent.KvmApic(0, 0, 0, true, 0x300, 0xb0000440b0)), Is.EqualTo("kvm_apic: apic_write APIC_ICR = 0x440b0"));
}
