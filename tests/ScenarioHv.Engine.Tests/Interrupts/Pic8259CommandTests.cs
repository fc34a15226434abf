using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>Every command word of the 8259A, on which all flavours agree unless a test says otherwise (8259A, command words).</summary>
[TestFixture("architectural")]
[TestFixture("kvm")]
[TestFixture("qemu")]
[TestFixture("openvmm")]
public sealed class Pic8259CommandTests(string flavour)
{
    private readonly Pic8259Policies policies = Pic8259Bench.Flavour(flavour);

    private Pic8259Bench New(byte masterIcw4 = 1, byte slaveIcw4 = 1) => new(policies, masterIcw4, slaveIcw4);

    [TestCase(0x20, 0x20)]
    [TestCase(0x27, 0x20, Description = "ICW2 bits 2:0 are ignored")]
    [TestCase(0x08, 0x08)]
    [TestCase(0xF8, 0xF8)]
    public void ICW2_gives_bits_7_to_3_of_the_vector(int icw2, int vectorBase)
    {
        var bench = New();
        bench.Out(0x20, 0x11, 0x21, icw2, 0x21, 4, 0x21, 1);
        bench.High(5);
        Assert.That(bench.Inta(), Is.EqualTo(vectorBase + 5));
    }

    [Test]
    public void ICW1_clears_IMR_rotation_special_mask_and_read_selection()
    {
        var bench = New();
        bench.Out(0x21, 0xAA, 0x20, 0xC3, 0x20, 0x6B, 0x20, 0x11);
        Assert.That(bench.Pair.Master.Imr, Is.Zero);
        Assert.That(bench.Pair.Master.HighestPriority, Is.Zero);
        Assert.That(bench.Pair.Master.Has(Pic8259Modes.SpecialMask), Is.False);
        Assert.That(bench.Pair.Master.Has(Pic8259Modes.ReadIsr), Is.False);
        Assert.That(bench.Pair.Master.Init, Is.EqualTo(Pic8259Init.ExpectsIcw2));
    }

    [Test]
    public void ICW1_drops_a_pending_edge_and_keeps_the_ELCR()
    {
        var bench = New();
        bench.Out(0x4D0, 0x20);
        bench.High(3);
        bench.Low(3);
        bench.Out(0x20, 0x11, 0x21, 0x20, 0x21, 4, 0x21, 1);
        Assert.That(bench.Irr, Is.Zero);
        Assert.That(bench.In(0x4D0), Is.EqualTo(0x20));
    }

    [Test]
    public void ICW1_keeps_the_request_of_a_level_line_that_is_high()
    {
        var bench = New();
        bench.Out(0x4D0, 0x08);
        bench.High(3);
        bench.Out(0x20, 0x11);
        Assert.That(bench.Irr, Is.EqualTo(0x08));
    }

    [TestCase(0x10, 2, Description = "no ICW4: ICW2, ICW3")]
    [TestCase(0x11, 3)]
    public void ICW1_bit_0_says_whether_ICW4_follows(int icw1, int writes)
    {
        var bench = New();
        bench.Out(0x20, icw1);
        for (int i = 0; i < writes; i++)
        {
            Assert.That(bench.Pair.Master.Init, Is.Not.EqualTo(Pic8259Init.Ready));
            bench.Out(0x21, 0);
        }

        bench.Out(0x21, 0x55);
        Assert.That(bench.In(0x21), Is.EqualTo(0x55), "OCW1");
    }

    [Test]
    public void ICW1_without_ICW4_ends_automatic_EOI_and_special_fully_nested_mode()
    {
        var bench = New(masterIcw4: 0x13);
        bench.Out(0x20, 0x10);
        Assert.That(bench.Pair.Master.Has(Pic8259Modes.AutoEoi), Is.False);
        Assert.That(bench.Pair.Master.Has(Pic8259Modes.SpecialFullyNested), Is.False);
    }

    [Test]
    public void OCW1_is_the_mask_and_reads_back()
    {
        var bench = New();
        bench.Out(0x21, 0xFB, 0xA1, 0xFF);
        Assert.That((bench.In(0x21), bench.In(0xA1)), Is.EqualTo((0xFB, 0xFF)));
    }

    [Test]
    public void A_masked_request_waits_in_the_IRR()
    {
        var bench = New();
        bench.Out(0x21, 0x08);
        bench.High(3, 4);
        Assert.That(bench.Serve(), Is.EqualTo(new[] { 0x24 }));
        bench.Out(0x21, 0);
        Assert.That(bench.Serve(), Is.EqualTo(new[] { 0x23 }));
    }

    [Test]
    public void Non_specific_EOI_ends_the_highest_in_service()
    {
        var bench = New();
        bench.High(5);
        bench.Inta();
        bench.High(1);
        bench.Inta();
        ushort ended = bench.Pair.Write(0x20, 0x20, policies);
        Assert.That((bench.Isr, (int)ended), Is.EqualTo((0x20, 0x02)));
    }

    [TestCase(0x20)]
    [TestCase(0xA0)]
    public void Non_specific_EOI_with_nothing_in_service_changes_nothing(int command)
    {
        var bench = New();
        var before = bench.Pair;
        Assert.That(bench.Pair.Write(0x20, (byte)command, policies), Is.Zero);
        Assert.That(bench.Pair, Is.EqualTo(before));
    }

    [Test]
    public void Specific_EOI_ends_its_level_whatever_else_is_in_service()
    {
        var bench = New();
        bench.High(5);
        bench.Inta();
        bench.High(1);
        bench.Inta();
        bench.Out(0x20, 0x65);
        Assert.That((bench.Isr, bench.Pair.Master.HighestPriority), Is.EqualTo((0x02, (byte)0)));
    }

    [Test]
    public void Specific_EOI_of_the_slave_is_named_by_its_IRQ()
    {
        var bench = New();
        bench.High(12);
        bench.Inta();
        Assert.That(bench.Pair.Write(0xA0, 0x64, policies), Is.EqualTo(1 << 12));
        Assert.That(bench.Isr, Is.EqualTo(0x04));
    }

    [TestCase(0xA0, 4, Description = "rotate on non-specific EOI: the ended level is the lowest")]
    [TestCase(0xE3, 4, Description = "rotate on specific EOI")]
    public void Rotating_EOI_makes_the_level_the_lowest(int command, int highest)
    {
        var bench = New();
        bench.High(3);
        bench.Inta();
        bench.Out(0x20, command);
        Assert.That((bench.Isr, (int)bench.Pair.Master.HighestPriority), Is.EqualTo((0, highest)));
    }

    [Test]
    public void Set_priority_is_no_EOI()
    {
        var bench = New();
        bench.High(3);
        bench.Inta();
        bench.Out(0x20, 0xC6);
        Assert.That((bench.Isr, (int)bench.Pair.Master.HighestPriority), Is.EqualTo((0x08, 7)));
    }

    [TestCase(0x40)]
    [TestCase(0x47)]
    public void OCW2_code_010_is_no_operation(int command)
    {
        var bench = New();
        bench.High(3);
        bench.Inta();
        var before = bench.Pair;
        bench.Out(0x20, command);
        Assert.That(bench.Pair, Is.EqualTo(before));
    }

    [Test]
    public void Automatic_EOI_leaves_nothing_in_service()
    {
        var bench = New(masterIcw4: 3);
        bench.High(3, 1);
        Assert.That((bench.Inta(), bench.Isr, bench.Inta(), bench.Int), Is.EqualTo((0x21, 0, 0x23, false)));
    }

    [TestCase(0x80, 4)]
    [TestCase(0x00, 0)]
    public void Rotation_in_automatic_EOI_is_set_and_cleared_by_OCW2(int command, int highest)
    {
        var bench = New(masterIcw4: 3);
        bench.Out(0x20, 0x80, 0x20, command);
        bench.High(3);
        bench.Inta();
        Assert.That(bench.Pair.Master.HighestPriority, Is.EqualTo(highest));
    }

    [Test]
    public void OCW3_selects_the_register_that_is_read_until_the_next_selection()
    {
        var bench = New();
        bench.High(3);
        bench.Inta();
        bench.High(5);
        Assert.That(bench.In(0x20), Is.EqualTo(0x20), "IRR after ICW1");
        bench.Out(0x20, 0x0B);
        Assert.That((bench.In(0x20), bench.In(0x20)), Is.EqualTo((0x08, 0x08)));
        bench.Out(0x20, 0x0A);
        Assert.That(bench.In(0x20), Is.EqualTo(0x20));
    }

    [Test]
    public void Special_fully_nested_mode_lets_a_higher_request_of_the_slave_through()
    {
        var bench = New(masterIcw4: 0x11);
        bench.High(12);
        bench.Inta();
        bench.High(9);
        Assert.That((bench.Int, bench.Inta(), bench.Isr), Is.EqualTo((true, 0x29, 0x1204)));
    }

    [Test]
    public void Without_it_the_slave_waits_for_the_EOI_of_the_master()
    {
        var bench = New();
        bench.High(12);
        bench.Inta();
        bench.High(9);
        Assert.That((bench.Int, bench.Irr & 0x04), Is.EqualTo((false, 0x04)));
        bench.Out(0x20, 0x20);
        Assert.That(bench.Inta(), Is.EqualTo(0x29));
    }

    [Test]
    public void A_level_line_still_high_at_EOI_interrupts_again()
    {
        var bench = New();
        bench.Out(0x4D1, 0x02);
        bench.High(9);
        Assert.That(bench.Inta(), Is.EqualTo(0x29));
        bench.Out(0xA0, 0x20, 0x20, 0x20);
        Assert.That((bench.Int, bench.Inta()), Is.EqualTo((true, 0x29)));
        bench.Low(9);
        bench.Out(0xA0, 0x20, 0x20, 0x20);
        Assert.That(bench.Int, Is.False);
    }

    [Test]
    public void An_edge_line_left_high_gives_no_second_interrupt()
    {
        var bench = New();
        bench.High(3);
        Assert.That(bench.Serve(), Is.EqualTo(new[] { 0x23 }));
        bench.High(3);
        Assert.That(bench.Int, Is.False);
        bench.Low(3);
        bench.High(3);
        Assert.That(bench.Serve(), Is.EqualTo(new[] { 0x23 }));
    }

    [Test]
    public void A_level_line_that_drops_before_INTA_gives_the_spurious_7_without_an_ISR_bit()
    {
        var bench = New();
        bench.Out(0x4D0, 0x08);
        bench.High(3);
        bench.Low(3);
        var answer = bench.Pair.Acknowledge(policies);
        Assert.That((bench.Int, answer.IsSpurious, answer.Irq, (int)answer.Vector, bench.Isr), Is.EqualTo((false, true, 7, 0x27, 0)));
    }

    [Test]
    public void IR2_driven_high_by_itself_gives_the_slaves_spurious_15_with_ISR_bit_2_of_the_master()
    {
        Pic8259Policies shared = policies with { Cascade = Pic8259Cascade.SharedWire };
        var bench = new Pic8259Bench(shared);
        bench.High(2);
        var answer = bench.Pair.Acknowledge(shared);
        Assert.That((answer.IsSpurious, answer.Irq, (int)answer.Vector, bench.Isr), Is.EqualTo((true, 15, 0x2F, 0x04)));
    }

    [Test]
    public void The_real_IRQ7_has_an_ISR_bit()
    {
        var bench = New();
        bench.High(7);
        var answer = bench.Pair.Acknowledge(policies);
        Assert.That((answer.IsSpurious, (int)answer.Vector, bench.Isr), Is.EqualTo((false, 0x27, 0x80)));
    }

    [Test]
    public void A_port_or_an_IRQ_that_does_not_exist_is_an_inconsistency()
    {
        var bench = New();
        Assert.That(() => bench.Out(0x22, 0), Throws.InvalidOperationException);
        Assert.That(() => bench.In(0x40), Throws.InvalidOperationException);
        Assert.That(() => bench.High(16), Throws.InvalidOperationException);
    }

    [Test]
    public void After_power_on_every_register_reads_0()
    {
        var pair = default(Pic8259Pair);
        pair.PowerOn();
        int[] ports = [0x20, 0x21, 0xA0, 0xA1, 0x4D0, 0x4D1];
        Assert.That(ports.Select(port => (int)pair.Read(port, policies).Value), Is.All.Zero);
        Assert.That(pair.IntOutput(policies), Is.False);
    }
}
