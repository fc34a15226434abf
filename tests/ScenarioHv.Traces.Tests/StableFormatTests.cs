using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Traces.Tests;

/// <summary>Lines that both dialects print alike; most were posted by somebody.</summary>
[TestFixture("kvm-5.1")]
[TestFixture("kvm-6.16")]
internal sealed class StableFormatTests(string dialect)
{
    private const ulong RteLogical = 1ul << 11;
    private const ulong RteLevel = 1ul << 15;
    private const ulong RteMasked = 1ul << 16;

    [TestCase(0u, 1u, "kvm_set_irq: gsi 0 level 1 source 0")]
    [TestCase(23u, 0u, "kvm_set_irq: gsi 23 level 0 source 0")]
    public void Set_irq(uint gsi, uint level, string line) => AssertLine(TraceEvent.KvmSetIrq(0, 0, gsi, level, 0), line);

    [TestCase(0x65u, 35, DeliveryMode.Fixed, ApicMessageFlags.None, "kvm_msi_set_irq: dst 65 vec 35 (Fixed|physical|edge)")]
    [TestCase(0u, 80, DeliveryMode.Fixed, ApicMessageFlags.Level, "kvm_msi_set_irq: dst 0 vec 80 (Fixed|physical|level)")]
    [TestCase(0xffu, 96, DeliveryMode.LowestPriority, ApicMessageFlags.Logical | ApicMessageFlags.RedirectionHint,
        "kvm_msi_set_irq: dst ff vec 96 (LowPrio|logical|edge|rh)")]
    public void Msi_destination_is_hex_and_vector_decimal(
        uint destination, byte vector, DeliveryMode mode, ApicMessageFlags flags, string line) =>
        AssertLine(TraceEvent.KvmMsiSetIrq(0, 0, destination, vector, mode, flags), line);

    [TestCase(2, 0x01000000000000d1 | RteLogical, false, "kvm_ioapic_set_irq: pin 2 dst 1 vec 209 (Fixed|logical|edge)")]
    [TestCase(4, 0x21ul, false, "kvm_ioapic_set_irq: pin 4 dst 0 vec 33 (Fixed|physical|edge)")]
    [TestCase(4, RteMasked, false, "kvm_ioapic_set_irq: pin 4 dst 0 vec 0 (Fixed|physical|edge|masked)")]
    [TestCase(23, 0xff00000000000150 | RteLevel, true, "kvm_ioapic_set_irq: pin 23 dst ff vec 80 (LowPrio|physical|level) (coalesced)")]
    public void Ioapic_pin_prints_its_redirection_entry(byte pin, ulong rte, bool coalesced, string line) =>
        AssertLine(TraceEvent.KvmIoapicSetIrq(0, 0, pin, rte, coalesced), line);

    [Test]
    public void Delayed_EOI_prints_the_redirection_entry_without_a_pin() => AssertLine(
        TraceEvent.KvmIoapicDelayedEoiInj(0, 0, 0x50 | RteLevel),
        "kvm_ioapic_delayed_eoi_inj: dst 0 vec 80 (Fixed|physical|level)");

    [TestCase(0u, 209, DeliveryMode.Fixed, "kvm_apic_accept_irq: apicid 0 vec 209 (Fixed|edge)")]
    [TestCase(1u, 154, DeliveryMode.StartUp, "kvm_apic_accept_irq: apicid 1 vec 154 (SIPI|edge)")]
    [TestCase(0x1fu, 2, DeliveryMode.Nmi, "kvm_apic_accept_irq: apicid 1f vec 2 (NMI|edge)")]
    public void Accepted_edge_message(uint apicId, byte vector, DeliveryMode mode, string line) =>
        AssertLine(TraceEvent.KvmApicAcceptIrq(0, 0, 0, apicId, vector, mode, ApicMessageFlags.None), line);

    [TestCase(0x440b0u, 0xb0u, "kvm_apic_ipi: dst b0 vec 176 (Fixed|physical|assert|edge|self)")]
    [TestCase(0xc88fdu, 0xffu, "kvm_apic_ipi: dst ff vec 253 (Fixed|logical|de-assert|level|all-but-self)")]
    [TestCase(0x84500u, 0u, "kvm_apic_ipi: dst 0 vec 0 (INIT|physical|assert|edge|all)")]
    [TestCase(0x469au, 1u, "kvm_apic_ipi: dst 1 vec 154 (SIPI|physical|assert|edge|dst)")]
    public void Ipi_prints_ICR_and_the_destination_as_written(uint icrLow, uint destination, string line) =>
        AssertLine(TraceEvent.KvmApicIpi(0, 0, 0, icrLow, destination), line);

    [TestCase(0u, 176, "kvm_eoi: apicid 0 vector 176")]
    [TestCase(0x10u, -1, "kvm_eoi: apicid 10 vector -1")]
    public void Eoi_of_nothing_in_service_prints_minus_one(uint apicId, int vector, string line) =>
        AssertLine(TraceEvent.KvmEoi(0, 0, 0, apicId, vector), line);

    [TestCase(2, 11, "kvm_ack_irq: irqchip IOAPIC pin 11")]
    [TestCase(1, 12, "kvm_ack_irq: irqchip PIC slave pin 12")]
    [TestCase(0, 0, "kvm_ack_irq: irqchip PIC master pin 0")]
    public void Acknowledged_pin(byte irqchip, byte pin, string line) => AssertLine(TraceEvent.KvmAckIrq(0, 0, irqchip, pin), line);

    [Test]
    public void Port_IO_line_ends_in_a_blank() =>
        AssertLine(TraceEvent.KvmPio(0, 0, 0, false, 0xe9, 1, 0x31), "kvm_pio: pio_read at 0xe9 size 1 count 1 val 0x31 ");

    [Test]
    public void String_IO_shows_its_count_and_dots() => AssertLine(
        TraceEvent.KvmPio(0, 0, 0, true, 0x1f0, 2, 0x12345678, 256), "kvm_pio: pio_write at 0x1f0 size 2 count 256 val 0x5678 (...)");

    [TestCase(2, 0xfee000b0ul, 0ul, "kvm_mmio: mmio write len 4 gpa 0xfee000b0 val 0x0")]
    [TestCase(1, 0xfec00010ul, 0x5aul, "kvm_mmio: mmio read len 4 gpa 0xfec00010 val 0x5a")]
    [TestCase(0, 0xfee00020ul, 0ul, "kvm_mmio: mmio unsatisfied-read len 4 gpa 0xfee00020 val 0x0")]
    public void Mmio(byte access, ulong gpa, ulong value, string line) =>
        AssertLine(TraceEvent.KvmMmio(0, 0, 0, access, 4, gpa, value), line);

    [TestCase(true, 0x830u, 0xb0000440b0ul, false, "kvm_msr: msr_write 830 = 0xb0000440b0")]
    [TestCase(false, 0x80bu, 0ul, true, "kvm_msr: msr_read 80b = 0x0 (#GP)")]
    public void Msr(bool write, uint index, ulong value, bool fault, string line) =>
        AssertLine(TraceEvent.KvmMsr(0, 0, 0, write, index, value, fault), line);

    private void AssertLine(in TraceEvent e, string line) =>
        Assert.That(TraceEventText.Format(e, TraceDialects.Get(dialect)), Is.EqualTo(line));
}
