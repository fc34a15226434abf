using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Tracing;
using static ScenarioHv.Traces.Tests.TestEvents;

namespace ScenarioHv.Traces.Tests;

[TestFixture]
internal sealed class Kvm616DialectTests
{
    [TestCase(false, "kvm_entry: vcpu 0, rip 0xce95 intr_info 0x80000060 error_code 0x00000000")]
    [TestCase(true, "kvm_entry: vcpu 0, rip 0xce95 intr_info 0x80000060 error_code 0x00000000[immediate exit]")]
    public void Entry_has_no_blank_before_immediate_exit(bool immediateExit, string line) =>
        Assert.That(In616(TraceEvent.KvmEntry(0, 0, 0, 0xce95, 0x80000060, 0, immediateExit)), Is.EqualTo(line));

    [Test]
    public void Exit_line_as_posted_from_5_10_plus_requests()
    {
        var e = TraceEvent.KvmExit(0, 0, 0, 0, 0x1, 0x4000, 0, 0x80000301, 0, requests: 0x123456789abcdef0);
        Assert.That(In616(e), Is.EqualTo(
            "kvm_exit: vcpu 0 reason EXCEPTION_NMI rip 0x1 info1 0x0000000000004000 info2 0x0000000000000000" +
            " intr_info 0x80000301 error_code 0x00000000 requests 0x123456789abcdef0"));
    }

    [Test]
    public void Nested_exit_has_the_format_of_the_exit()
    {
        var e = TraceEvent.KvmNestedVmexit(0, 0, 3, 48, 0x103c00, 0x781, 0x8000030d, 0, 0);
        Assert.That(In616(e), Is.EqualTo(
            "kvm_nested_vmexit: vcpu 3 reason EPT_VIOLATION rip 0x103c00 info1 0x0000000000000781 info2 0x000000008000030d" +
            " intr_info 0x00000000 error_code 0x00000000 requests 0x0000000000000000"));
    }

    [Test]
    public void Failed_entry_is_a_flag_behind_the_reason()
    {
        var e = TraceEvent.KvmNestedVmexit(0, 0, 12, 0x80000021, 0x103c00, 0, 0, 0, 0);
        Assert.That(In616(e), Does.StartWith("kvm_nested_vmexit: vcpu 12 reason INVALID_STATE FAILED_VMENTRY rip 0x103c00 info1 0x"));
    }

    [Test]
    public void Nested_svm_exit_line_as_posted()
    {
        var e = TraceEvent.KvmNestedVmexitInject(0, 0, 0, TraceEvent.SvmReason(0x60), 0, 0, 0, 0);
        Assert.That(In616(e), Is.EqualTo(
            "kvm_nested_vmexit_inject: reason: interrupt ext_inf1: 0x0000000000000000 ext_inf2: 0x0000000000000000" +
            " ext_int: 0x00000000 ext_int_err: 0x00000000"));
    }

    [Test]
    public void Svm_exit_line_as_posted() => Assert.That(
        In616(SvmExit(0x64, 0x4004ae)), Does.StartWith("kvm_exit: vcpu 0 reason vintr rip 0x4004ae info1 0x0000000000000000 "));

    [Test]
    public void Level_message_is_accepted_as_level() => Assert.That(
        In616(TraceEvent.KvmApicAcceptIrq(0, 0, 0, 0, 80, DeliveryMode.Fixed, ApicMessageFlags.Level)),
        Is.EqualTo("kvm_apic_accept_irq: apicid 0 vec 80 (Fixed|level)"));

    [TestCase(0xb0, false, false, "kvm_inj_virq: IRQ 0xb0")]
    [TestCase(0xd1, true, false, "kvm_inj_virq: IRQ 0xd1 [reinjected]")]
    [TestCase(0x20, true, true, "kvm_inj_virq: Soft/INTn 0x20 [reinjected]")]
    public void Injected_vector_lines_as_posted(byte vector, bool reinjected, bool soft, string line) =>
        Assert.That(In616(TraceEvent.KvmInjVirq(0, 0, 0, vector, reinjected, soft)), Is.EqualTo(line));

    [TestCase(2u, 0, "kvm_userspace_exit: reason KVM_EXIT_IO (2)")]
    [TestCase(10u, 0, "kvm_userspace_exit: reason KVM_EXIT_INTR (10)")]
    [TestCase(29u, 0, "kvm_userspace_exit: reason KVM_EXIT_X86_RDMSR (29)")]
    [TestCase(31u, 0, "kvm_userspace_exit: reason 0x1f (31)")]
    [TestCase(10u, -4, "kvm_userspace_exit: reason restart (4)")]
    [TestCase(10u, -14, "kvm_userspace_exit: reason error (14)")]
    public void Userspace_exit_lines(uint reason, int errno, string line) =>
        Assert.That(In616(TraceEvent.KvmUserspaceExit(0, 0, 0, reason, errno)), Is.EqualTo(line));

    [TestCase(0x300u, 0xb0000440b0ul, "kvm_apic: apic_write APIC_ICR = 0xb0000440b0")]
    [TestCase(0xb0u, 0ul, "kvm_apic: apic_write APIC_EOI = 0x0")]
    public void Apic_register_lines_as_posted(uint offset, ulong value, string line) =>
        Assert.That(In616(TraceEvent.KvmApic(0, 0, 0, true, offset, value)), Is.EqualTo(line));
}
