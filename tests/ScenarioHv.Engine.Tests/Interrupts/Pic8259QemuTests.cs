namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>When QEMU's 8259s look at their requests (QEMU i8259.c:pic_update_irq). What is expected is what QEMU 7.2 does.</summary>
public sealed class Pic8259QemuTests
{
    private const int Cascade = 0x04;

    // ICW1 took the request from IR2 and forgot its level: whatever touches the slave next gives an edge.
    [TestCase(0xA0, 0x68, 0, Description = "OCW3")]
    [TestCase(0xA0, 0x80, 0, Description = "OCW2, rotation in AEOI")]
    [TestCase(0xA0, 0x20, 0, Description = "OCW2, EOI with nothing in service")]
    [TestCase(0x4D1, 0x02, 0, Description = "ELCR")]
    [TestCase(0xA1, 0x00, Cascade, Description = "OCW1")]
    [TestCase(0xA0, 0xC7, Cascade, Description = "OCW2, set priority")]
    public void A_slave_drives_its_wire_only_when_it_looks_at_its_requests(int port, int value, int irr)
    {
        Pic8259Bench bench = New();
        bench.High(9);
        bench.Out(0x20, 0x11, port, value);
        Assert.That(bench.Pair.Master.Irr(bench.Policies), Is.EqualTo(irr));
    }

    [Test]
    public void A_poll_without_a_request_leaves_the_wire()
    {
        Pic8259Bench bench = New();
        bench.High(2);
        bench.Inta();
        bench.Out(0xA0, 0x0C);
        Assert.That(bench.In(0xA0), Is.Zero);
        bench.High(2);
        Assert.That(bench.Pair.Master.Irr(bench.Policies), Is.Zero);
    }

    [Test]
    public void Special_mask_mode_lets_nothing_through_before_the_next_OCW1()
    {
        Pic8259Bench bench = New();
        bench.High(3);
        bench.Inta();
        bench.High(5);
        bench.Out(0x21, 0x08, 0x20, 0x68);
        Assert.That(bench.Int, Is.False);
        bench.Out(0x21, 0x08);
        Assert.That((bench.Int, bench.Inta()), Is.EqualTo((true, 0x25)));
    }

    [Test]
    public void A_spurious_INTA_leaves_INT()
    {
        Pic8259Bench bench = New();
        bench.High(3);
        bench.Inta();
        bench.Out(0x21, 0x08, 0x20, 0x68, 0x21, 0x08);
        bench.High(4);
        bench.Out(0x20, 0x48);
        Assert.That((bench.Int, bench.Inta(), bench.Int), Is.EqualTo((true, 0x27, true)));
    }

    [Test]
    public void ICW1_lowers_INT()
    {
        Pic8259Bench bench = New();
        bench.High(3);
        bench.Out(0x20, 0x11);
        Assert.That(bench.Int, Is.False);
    }

    // In special fully nested mode IR2 could ask again, if the line had fallen.
    [Test]
    public void A_spurious_INTA_of_the_slave_does_not_touch_its_wire()
    {
        Pic8259Bench bench = New(masterIcw4: 0x11);
        bench.High(2);
        Assert.That(bench.Inta(), Is.EqualTo(0x2F));
        bench.High(9);
        Assert.That(bench.Int, Is.False);
    }

    [Test]
    public void Automatic_EOI_leaves_an_ISR_bit_of_before()
    {
        Pic8259Bench bench = New();
        bench.Out(0x20, 0x11);
        bench.High(2);
        bench.Inta();
        bench.Low(2);
        bench.Out(0x21, 0x20, 0x21, 0x04, 0x21, 0x13);
        bench.High(9);
        Assert.That((bench.Inta(), bench.Pair.Master.Isr), Is.EqualTo((0x29, Cascade)));
    }

    private static Pic8259Bench New(byte masterIcw4 = 1) => new(Pic8259Bench.Flavour("qemu"), masterIcw4);
}
