using ScenarioHv.Conformance;

namespace ScenarioHv.Witnesses.Tests;

/// <summary>
/// Sections of a saved state of QEMU 7.2.22. What is expected is what its <c>info pic</c> said at the same moment
/// (<c>pic0: irr=24 imr=80 isr=08 hprio=2 irq_base=20 rr_sel=1 elcr=00 fnm=1</c>, <c>pic1: irr=02 imr=00 isr=00 hprio=0 irq_base=28
/// rr_sel=0 elcr=0e fnm=0</c>, pins 1 and 2 of the I/O APIC), and for what that does not say what had been written: to the slave ICW1,
/// ICW2, then OCW3 68h and 0Ch, OCW2 80h.
/// </summary>
public sealed class QemuDeviceStateTests
{
    private const string Before = "7e0000000e";
    private const string Master = "040000000f056938323539" + "00000000" + "00000001" + MasterFields + "7e0000000f";
    private const string MasterFields = "2c248008022001000000000001010000";
    private const string Slave = "0400000010056938323539" + "00000001" + "00000001" + "0202000000280001010200010001000e" + "7e00000010";
    private const string IoApicHead = "040000001106696f61706963" + "00000000" + "00000003";
    private const string IoApicFields =
        "0515" + "0000000000000000" + "00000004" + "0000000000010000" + "0000000000018741" + "030000000000c162";

    private const string IoApicEnd = "7e00000011";
    private const string Behind = "04000000120b6d63313436383138727463";

    private static readonly string IoApic =
        IoApicHead + IoApicFields + string.Concat(Enumerable.Repeat("0000000000010000", 21)) + IoApicEnd;

    [Test]
    public void The_8259s_are_shown_as_recordings_show_them()
    {
        QemuDeviceState state = Parse(Before + Master + Slave + IoApic + Behind);
        Assert.That(
            (state.Master.Dump('M'), state.Slave.Dump('S')),
            Is.EqualTo((
                "M irr=24 isr=08 imr=80 base=20 low=2 rr=1 poll=0 smm=0 init=0 aeoi=0 raeoi=0 sfnm=1 elcr=00",
                "S irr=02 isr=00 imr=00 base=28 low=0 rr=0 poll=1 smm=1 init=2 aeoi=0 raeoi=1 sfnm=0 elcr=0e")));
    }

    [Test]
    public void The_IO_APIC_is_shown_as_recordings_show_it() =>
        Assert.That(
            Parse(Before + Master + Slave + IoApic + Behind).IoApic.Dump(),
            Is.EqualTo("I sel=15 id=5 irr=000004 1=0000000000018741 2=030000000000c162"));

    // Input 2 is the highest and asks; in special fully nested mode its own ISR bit would not matter.
    [TestCase("2c248008022001000000000001010000", 2)]
    [TestCase("2c24800c022001000000000001010000", 2, Description = "IR2 in service: SFNM")]
    [TestCase("2c24800c022001000000000000010000", -1, Description = "IR2 in service")]
    [TestCase("2c248408022001000000000001010000", -1, Description = "IR2 masked, IR3 in service")]
    [TestCase("2c248c08022001000100000001010000", 5, Description = "IR2 and IR3 masked, special mask mode")]
    [TestCase("2c008008022001000000000001010000", -1, Description = "nothing asks")]
    public void The_request_of_a_master(string fields, int input) =>
        Assert.That(new QemuPicState(Convert.FromHexString(fields)).Request(isMaster: true), Is.EqualTo(input));

    // QEMU from 8.1 on saves LTIM in a subsection if it is set.
    [Test]
    public void A_subsection_may_follow() =>
        Assert.That(
            Parse(Before + Master.Replace("7e0000000f", "050a693832353900", StringComparison.Ordinal) + Slave + IoApic).Master.VectorBase,
            Is.EqualTo(0x20));

    [TestCase("2 8259s and 0 I/O APICs", Before + Master + Slave + Behind)]
    [TestCase("0 8259s and 0 I/O APICs", "")]
    [TestCase("0 8259s and 0 I/O APICs", "056938323539")]
    [TestCase("1 8259s", Before + Master + "0400000010056938323539" + "00000001" + "00000002" + MasterFields + "7e00000010")]
    [TestCase("1 8259s", Before + Master + "0400000010056938323539" + "00000001" + "00000001" + MasterFields + "7e00000011")]
    [TestCase("1 8259s", Before + Master + "0400000010056938323539" + "00000001" + "00000001" + MasterFields)]
    public void What_is_not_there_in_a_known_form_is_named(string found, string saved) =>
        Assert.That(() => Parse(saved), Throws.TypeOf<WitnessException>().With.Message.Contains(found));

    private static QemuDeviceState Parse(string hex) => QemuDeviceState.Parse(Convert.FromHexString(hex));
}
