using ScenarioHv.Traces.Names;

namespace ScenarioHv.Traces.Tests;

[TestFixture]
internal sealed class NameTableTests
{
    [TestCase(7u, "INTERRUPT_WINDOW")]
    [TestCase(43u, "TPR_BELOW_THRESHOLD")]
    [TestCase(56u, "APIC_WRITE")]
    [TestCase(77u, "TDCALL")]
    [TestCase(6u, "0x6")]
    [TestCase(38u, "0x26")]
    [TestCase(0x80000022u, "MSR_LOAD_FAIL FAILED_VMENTRY")]
    [TestCase(0x08000001u, "EXTERNAL_INTERRUPT 0x8000000")]
    [TestCase(0x88000001u, "EXTERNAL_INTERRUPT FAILED_VMENTRY 0x8000000")]
    public void Vmx_reason_in_the_kernel(uint reason, string text) => Assert.That(VmxExitReasons.KernelText(reason), Is.EqualTo(text));

    [TestCase(7u, "PENDING_INTERRUPT")]
    [TestCase(52u, "PREEMPTION_TIMER")]
    [TestCase(3u, "UNKNOWN (3)")]
    [TestCase(37u, "UNKNOWN (37)")]
    [TestCase(0x80000021u, "UNKNOWN (2147483681)")]
    public void Vmx_reason_in_the_plugin(uint reason, string text) => Assert.That(VmxExitReasons.PluginText(reason), Is.EqualTo(text));

    [TestCase(0x60u, "interrupt")]
    [TestCase(0x69u, "read_rt")]
    [TestCase(0x7bu, "io")]
    [TestCase(0x81u, "hypercall")]
    [TestCase(0x4eu, "PF excp")]
    [TestCase(0x49u, "0x49")]
    [TestCase(0xa6u, "idle-halt")]
    [TestCase(0x402u, "avic_unaccelerated_access")]
    public void Svm_code_in_the_kernel(uint code, string text) => Assert.That(SvmExitCodes.KernelText(code), Is.EqualTo(text));

    [Test]
    public void Invalid_svm_state_has_a_name_that_a_32_bit_field_never_finds() =>
        Assert.That(SvmExitCodes.KernelText(SvmExitCodes.Invalid), Is.EqualTo("0xffffffff"));

    [TestCase(0x64u, "EXIT_VINTR")]
    [TestCase(0x66u, "EXIT_IDTR_READ")]
    [TestCase(0x6du, "EXIT_TR_WRITE")]
    [TestCase(0x78u, "EXIT_HLT")]
    [TestCase(0x7fu, "EXIT_SHUTDOWN")]
    [TestCase(0x8cu, "EXIT_MWAIT_COND")]
    [TestCase(0xffffffffu, "EXIT_ERR")]
    public void Svm_code_in_the_plugin(uint code, string text) => Assert.That(SvmExitCodes.PluginText(code), Is.EqualTo(text));

    [Test]
    public void Unknown_svm_code_is_an_error_to_the_plugin() => Assert.That(SvmExitCodes.PluginText(0x401), Is.EqualTo("EXIT_ERR"));

    [Test]
    public void No_vmx_reason_is_missing()
    {
        // Kernel: 0-4, 7-10, 12-16, 18-34, 36-37, 39-41, 43-64, 67-68, 74, 75, 77.
        // Plugin: 0-2, 7-10, 12-16, 18-32, 36, 39-41, 43-45, 48-50, 52, 54-56, 58, 62-64.
        Assert.That(VmxExitReasons.Kernel, Has.Count.EqualTo(5 + 4 + 5 + 17 + 2 + 3 + 22 + 2 + 3));
        Assert.That(VmxExitReasons.Plugin, Has.Count.EqualTo(3 + 4 + 5 + 15 + 1 + 3 + 3 + 3 + 1 + 3 + 1 + 3));
    }

    [TestCase(0x20u, "APIC_ID")]
    [TestCase(0x80u, "APIC_TASKPRI")]
    [TestCase(0xf0u, "APIC_SPIV")]
    [TestCase(0x200u, "APIC_IRR")]
    [TestCase(0x210u, "0x210")]
    [TestCase(0x310u, "APIC_ICR2")]
    [TestCase(0x390u, "APIC_TMCCT")]
    [TestCase(0x3f0u, "APIC_SELF_IPI")]
    [TestCase(0x410u, "APIC_ECTRL")]
    public void Apic_register_by_offset(uint offset, string text) => Assert.That(KvmNames.ApicRegister(offset), Is.EqualTo(text));

    [TestCase(0u, "KVM_EXIT_UNKNOWN")]
    [TestCase(7u, "KVM_EXIT_IRQ_WINDOW_OPEN")]
    [TestCase(16u, "KVM_EXIT_NMI")]
    [TestCase(17u, "KVM_EXIT_INTERNAL_ERROR")]
    [TestCase(24u, "KVM_EXIT_SYSTEM_EVENT")]
    [TestCase(26u, "KVM_EXIT_IOAPIC_EOI")]
    [TestCase(30u, "KVM_EXIT_X86_WRMSR")]
    [TestCase(39u, "0x27")]
    public void Userspace_reason_by_number(uint reason, string text) => Assert.That(KvmNames.UserspaceReason(reason), Is.EqualTo(text));

    [Test]
    public void Delivery_modes_have_the_kernels_names() => Assert.That(
        Enumerable.Range(0, 8).Select(mode => KvmNames.DeliveryMode((ulong)mode)),
        Is.EqualTo(new[] { "Fixed", "LowPrio", "SMI", "Res3", "NMI", "INIT", "SIPI", "ExtINT" }));
}
