using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Tracing;
using static ScenarioHv.Engine.Hypervisors.Kvm.ApicvInhibits;
using static ScenarioHv.Traces.Tests.TestEvents;

namespace ScenarioHv.Traces.Tests;

/// <summary>
/// The events of APICv, AVIC, SynIC and 8259A. The lines of kvm_apicv_inhibit_changed were posted; the others follow the kernel's
/// formats.
/// </summary>
[TestFixture]
internal sealed class ApicvFormatTests
{
    [TestCase(Absent, true, Absent, "set reason=2, inhibits=0x4 ABSENT")]
    [TestCase(Absent, false, None, "cleared reason=2, inhibits=0x0")]
    [TestCase(IrqWindow, true, IrqWindow | PitReinject, "set reason=8, inhibits=0x300 IRQWIN|PIT_REINJ")]
    [TestCase(IrqWindow, false, PitReinject, "cleared reason=8, inhibits=0x200 PIT_REINJ")]
    public void A_changed_reason_as_kernels_of_2024_print_it(ApicvInhibits reason, bool set, ApicvInhibits inhibits, string line) =>
        Assert.That(
            In616(TraceEvent.KvmApicvInhibitChanged(0, 0, reason, set, inhibits)), Is.EqualTo("kvm_apicv_inhibit_changed: " + line));

    [TestCase(HyperV, true, "deactivate bit=1")]
    [TestCase(Nested, true, "deactivate bit=2")]
    [TestCase(IrqWindow, false, "activate bit=3")]
    [TestCase(PitReinject, true, "deactivate bit=4")]
    [TestCase(X2Apic, true, "deactivate bit=5")]
    [TestCase(BlockIrq, true, "deactivate bit=6")]
    [TestCase(Absent, true, "deactivate bit=7")]
    public void The_numbers_of_reasons_before_6_2_were_others(ApicvInhibits reason, bool set, string line) =>
        Assert.That(In51(TraceEvent.KvmApicvInhibitChanged(0, 0, reason, set, reason)), Is.EqualTo("kvm_apicv_update_request: " + line));

    [Test]
    public void An_incomplete_IPI() => Assert.That(
        In51(TraceEvent.KvmAvicIncompleteIpi(0, 0, 2, 0x0100_0000_0000_0041, 1, 1)),
        Is.EqualTo("kvm_avic_incomplete_ipi: vcpu=2, icrh:icrl=0x01000000:00000041, id=1, index=1"));

    [TestCase(0xb0u, true, true, 0x50, "offset=0xb0(APIC_EOI), trap, write, vec=0x50")]
    [TestCase(0x390u, false, false, 0, "offset=0x390(APIC_TMCCT), fault, read, vec=0")]
    public void An_access_without_acceleration(uint offset, bool trap, bool write, byte vector, string line) => Assert.That(
        In616(TraceEvent.KvmAvicUnacceleratedAccess(0, 0, 0, offset, trap, write, vector)),
        Is.EqualTo("kvm_avic_unaccelerated_access: vcpu=0, " + line));

    [TestCase(0, 4, false, false, false, "chip 0 pin 4 (edge)")]
    [TestCase(1, 0, true, true, true, "chip 1 pin 0 (level|masked) (coalesced)")]
    public void A_line_of_the_8259A(byte chip, byte pin, bool level, bool masked, bool coalesced, string line) => Assert.That(
        In51(TraceEvent.KvmPicSetIrq(0, 0, chip, pin, level, masked, coalesced)), Is.EqualTo("kvm_pic_set_irq: " + line));

    [Test]
    public void The_events_of_a_SynIC() => Assert.Multiple(() =>
    {
        Assert.That(
            In51(TraceEvent.KvmHvSynicSetIrq(0, 0, 1, 2, 0x52, -2)),
            Is.EqualTo("kvm_hv_synic_set_irq: vcpu_id 1 sint 2 vector 82 ret -2"));
        Assert.That(
            In616(TraceEvent.KvmHvSynicSetMsr(0, 0, 0, 0x40000092, 0x20052, true)),
            Is.EqualTo("kvm_hv_synic_set_msr: vcpu_id 0 msr 0x40000092 data 0x20052 host 1"));
        Assert.That(In616(TraceEvent.KvmHvSynicSendEoi(0, 0, 0, 0x52)), Is.EqualTo("kvm_hv_synic_send_eoi: vcpu_id 0 vector 82"));
        Assert.That(In616(TraceEvent.KvmPvEoi(0, 0, 0, 0, 0x52)), Is.EqualTo("kvm_pv_eoi: apicid 0 vector 82"));
    });

    [Test]
    public void A_doorbell() => Assert.That(
        In616(TraceEvent.KvmAvicDoorbell(0, 0, 3, 3)), Is.EqualTo("kvm_avic_doorbell: vcpuid=3, apicid=3"));
}
