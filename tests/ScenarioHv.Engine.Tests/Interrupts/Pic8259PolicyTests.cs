using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>Where the 8259A, KVM 6.18, QEMU 7.2 and OpenVMM differ.</summary>
public sealed class Pic8259PolicyTests
{
    private static Pic8259Bench New(string flavour, byte masterIcw4 = 1, byte slaveIcw4 = 1) =>
        new(Pic8259Bench.Flavour(flavour), masterIcw4, slaveIcw4);

    [TestCase("architectural", 0x08, 0x20)]
    [TestCase("kvm", 0x08, 0x20)]
    [TestCase("qemu", 0x00, 0x00)]
    [TestCase("openvmm", 0x00, 0x00)]
    public void ICW1_and_the_ISR_and_the_vector_base(string flavour, int isr, int vectorBase)
    {
        var bench = New(flavour);
        bench.High(3);
        bench.Inta();
        bench.Out(0x20, 0x11);
        Assert.That((bench.Isr, (int)bench.Pair.Master.VectorBase), Is.EqualTo((isr, vectorBase)));
    }

    [TestCase(true, 0x00, 0x08)]
    [TestCase(false, 0x08, 0x00)]
    public void KVM_notifies_a_dropped_edge_and_so_clears_its_ISR_bit_if_a_vCPU_accepts(bool accepted, int isr, int ended)
    {
        var bench = New("kvm");
        bench.High(3);
        bench.Inta();
        bench.Low(3);
        bench.High(3);
        Assert.That(bench.Pair.Write(0x20, 0x11, bench.Policies, accepted), Is.EqualTo(ended));
        Assert.That(bench.Isr, Is.EqualTo(isr));
    }

    [TestCase("architectural", 0x00, 0x00, Description = "needs a fresh low-to-high")]
    [TestCase("kvm", 0x00, 0x08, Description = "forgot the line; driven again it is an edge")]
    [TestCase("qemu", 0x00, 0x08)]
    [TestCase("openvmm", 0x08, 0x08, Description = "counts as having been low")]
    public void A_line_high_across_ICW1(string flavour, int irr, int irrWhenDrivenAgain)
    {
        var bench = New(flavour);
        bench.High(3);
        bench.Inta();
        bench.Out(0x20, 0x11);
        Assert.That(bench.Irr, Is.EqualTo(irr));
        bench.High(3);
        Assert.That(bench.Irr, Is.EqualTo(irrWhenDrivenAgain));
    }

    [TestCase("architectural", Pic8259Init.Ready)]
    [TestCase("kvm", Pic8259Init.ExpectsIcw4)]
    [TestCase("qemu", Pic8259Init.Ready)]
    [TestCase("openvmm", Pic8259Init.ExpectsIcw4)]
    public void SNGL_leaves_ICW3_out_where_it_is_honoured(string flavour, Pic8259Init after)
    {
        var bench = New(flavour);
        bench.Out(0x20, 0x13, 0x21, 0x20, 0x21, 0x01);
        Assert.That(bench.Pair.Master.Init, Is.EqualTo(after));
    }

    [Test]
    public void SNGL_without_ICW4_needs_only_ICW2()
    {
        var bench = New("architectural");
        bench.Out(0x20, 0x12, 0x21, 0x20);
        Assert.That(bench.Pair.Master.Init, Is.EqualTo(Pic8259Init.Ready));
    }

    [TestCase("architectural", 0x00)]
    [TestCase("kvm", 0x04)]
    [TestCase("qemu", 0x04)]
    [TestCase("openvmm", 0x04)]
    public void IRQ2_is_no_input_of_a_PC_but_models_take_it_for_the_cascade(string flavour, int irr)
    {
        var bench = New(flavour);
        bench.High(2);
        Assert.That(bench.Irr, Is.EqualTo(irr));
    }

    [Test]
    public void IRQ2_withdrawn_takes_no_request_of_the_slave_away()
    {
        var bench = New("architectural");
        bench.High(9);
        bench.Low(2);
        Assert.That((bench.Int, bench.Inta()), Is.EqualTo((true, 0x29)));
    }

    // The 8259A: the slave in service is not locked out; nothing is said of levels below it, which fully nested mode keeps out.
    [TestCase("architectural", false)]
    [TestCase("kvm", true)]
    [TestCase("qemu", true)]
    [TestCase("openvmm", false)]
    public void Special_fully_nested_mode_and_a_request_below_the_slave_in_service(string flavour, bool interrupts)
    {
        var bench = New(flavour, masterIcw4: 0x11);
        bench.High(12);
        bench.Inta();
        bench.High(3);
        Assert.That(bench.Int, Is.EqualTo(interrupts));
    }

    [Test]
    public void Special_fully_nested_mode_still_lets_levels_above_the_slave_through()
    {
        var bench = New("architectural", masterIcw4: 0x11);
        bench.High(12);
        bench.Inta();
        bench.High(1);
        Assert.That((bench.Int, bench.Inta()), Is.EqualTo((true, 0x21)));
    }

    [TestCase("architectural", true)]
    [TestCase("kvm", false)]
    [TestCase("qemu", false)]
    [TestCase("openvmm", false)]
    public void LTIM_makes_every_input_level_where_it_is_honoured(string flavour, bool again)
    {
        var bench = New(flavour);
        bench.Out(0x20, 0x19, 0x21, 0x20, 0x21, 4, 0x21, 1);
        bench.High(1);
        bench.Inta();
        bench.Out(0x20, 0x20);
        Assert.That(bench.Int, Is.EqualTo(again));
    }

    [TestCase("architectural", true)]
    [TestCase("kvm", false)]
    [TestCase("qemu", true)]
    [TestCase("openvmm", false)]
    public void In_special_mask_mode_a_masked_level_in_service_blocks_nothing(string flavour, bool interrupts)
    {
        var bench = New(flavour);
        bench.High(3);
        bench.Inta();
        bench.Out(0x21, 0x08, 0x20, 0x68);
        bench.High(5);
        Assert.That(bench.Int, Is.EqualTo(interrupts));
        Assert.That(bench.Pair.Master.Has(Pic8259Modes.SpecialMask), Is.EqualTo(flavour != "openvmm"));
        bench.Out(0x20, 0x48, 0x21, 0x08);
        Assert.That(bench.Int, Is.False);
    }

    [Test]
    public void OCW3_with_ESMM_0_leaves_special_mask_mode()
    {
        var bench = New("architectural");
        bench.Out(0x20, 0x68, 0x20, 0x2A);
        Assert.That(bench.Pair.Master.Has(Pic8259Modes.SpecialMask), Is.True);
    }

    [TestCase("architectural", 0x08)]
    [TestCase("qemu", 0x20)]
    public void Non_specific_EOI_in_special_mask_mode_passes_over_masked_levels_in_the_8259A(string flavour, int isr)
    {
        var bench = New(flavour);
        bench.High(3);
        bench.Inta();
        bench.Out(0x21, 0x08, 0x20, 0x68);
        bench.High(5);
        bench.Inta();
        bench.Out(0x20, 0x20);
        Assert.That(bench.Isr, Is.EqualTo(isr));
    }

    [TestCase("architectural", 0x83, 0x08)]
    [TestCase("kvm", 0x83, 0x00)]
    [TestCase("qemu", 0x83, 0x08)]
    [TestCase("openvmm", 0x83, 0x08)]
    public void A_poll_is_INTA_and_in_KVM_also_EOI(string flavour, int value, int isr)
    {
        var bench = New(flavour);
        bench.High(5, 3);
        bench.Out(0x20, 0x0C);
        Assert.That((bench.In(0x20), bench.Isr, bench.Irr), Is.EqualTo((value, isr, 0x20)));
        Assert.That(bench.In(0x21), Is.Zero, "one shot");
    }

    [Test]
    public void Bit_7_of_a_poll_was_absent_in_older_KVM()
    {
        var bench = new Pic8259Bench(Pic8259Policies.Kvm with { PollBit7 = Pic8259PollBit7.Absent });
        bench.High(3);
        bench.Out(0x20, 0x0C);
        Assert.That(bench.In(0x20), Is.EqualTo(3));
    }

    [TestCase("architectural", 0x00)]
    [TestCase("kvm", 0x07)]
    [TestCase("qemu", 0x00)]
    [TestCase("openvmm", 0x07)]
    public void A_poll_with_nothing(string flavour, int value)
    {
        var bench = New(flavour);
        bench.Out(0xA0, 0x0C);
        Assert.That((bench.In(0xA0), bench.Isr), Is.EqualTo((value, 0)));
    }

    [TestCase("architectural", 0x84)]
    [TestCase("kvm", 0x84)]
    [TestCase("qemu", 0x84)]
    [TestCase("openvmm", 0x00)]
    public void A_poll_is_answered_by_the_odd_port_except_in_OpenVMM(string flavour, int value)
    {
        var bench = New(flavour);
        bench.High(4);
        bench.Out(0x20, 0x0C);
        Assert.That(bench.In(0x21), Is.EqualTo(value));
        Assert.That(bench.Pair.Master.Has(Pic8259Modes.Poll), Is.EqualTo(value == 0));
    }

    [Test]
    public void KVM_a_poll_of_the_slave_also_ends_IR2_of_the_master()
    {
        var bench = New("kvm");
        bench.High(12);
        bench.Out(0xA0, 0x0C);
        var read = bench.Pair.Read(0xA0, bench.Policies);
        Assert.That(((int)read.Value, (int)read.Ended, bench.Irr, bench.Int), Is.EqualTo((0x84, 1 << 12, 0, false)));
    }

    [Test]
    public void QEMU_a_poll_of_the_slave_leaves_IR2_latched()
    {
        var bench = New("qemu");
        bench.High(12);
        bench.Out(0xA0, 0x0C);
        Assert.That((bench.In(0xA0), bench.Irr, bench.Inta()), Is.EqualTo((0x84, 0x04, 0x2F)));
    }

    [TestCase("kvm", true, 0x27)]
    [TestCase("qemu", false, 0)]
    public void A_poll_of_the_master_that_finds_the_cascade_leaves_INT_high_in_KVM(string flavour, bool high, int vector)
    {
        var bench = New(flavour);
        bench.High(12);
        bench.Out(0x20, 0x0C);
        Assert.That(bench.In(0x20), Is.EqualTo(0x82));
        Assert.That(bench.Int, Is.EqualTo(high));
        Assert.That(high ? bench.Inta() : 0, Is.EqualTo(vector));
    }

    [TestCase("architectural", 0x00, 0x27)]
    [TestCase("kvm", 0x08, 0x23)]
    [TestCase("qemu", 0x08, 0x23)]
    [TestCase("openvmm", 0x00, 0x27)]
    public void An_edge_pulse_shorter_than_INTA(string flavour, int irr, int vector)
    {
        var bench = New(flavour);
        bench.High(3);
        bench.Low(3);
        Assert.That((bench.Irr, bench.Inta()), Is.EqualTo((irr, vector)));
    }

    [TestCase("kvm", 0x27)]
    [TestCase("qemu", -1)]
    public void A_window_in_the_middle_of_an_initialisation(string flavour, int vector)
    {
        var bench = New(flavour);
        bench.High(3);
        bench.Out(0x20, 0x11);
        Assert.That(bench.Int ? bench.Inta() : -1, Is.EqualTo(vector));
    }

    [TestCase("kvm", 0x2F)]
    [TestCase("qemu", 0x2F)]
    [TestCase("architectural", 0x27)]
    public void A_slave_request_that_vanishes_leaves_IR2_latched_where_edges_are(string flavour, int vector)
    {
        var bench = New(flavour);
        bench.High(12);
        bench.Out(0xA1, 0x10);
        Assert.That(bench.Inta(), Is.EqualTo(vector));
    }

    [TestCase("architectural", true)]
    [TestCase("kvm", true)]
    [TestCase("qemu", false)]
    public void Two_requests_of_a_slave_in_automatic_EOI(string flavour, bool second)
    {
        var bench = New(flavour, masterIcw4: 3, slaveIcw4: 3);
        bench.High(9, 12);
        Assert.That((bench.Inta(), bench.Int), Is.EqualTo((0x29, second)));
    }

    [TestCase("architectural", 0x08)]
    [TestCase("openvmm", 0x00)]
    public void OCW3_without_RR_and_the_read_selection(string flavour, int value)
    {
        var bench = New(flavour);
        bench.High(3);
        bench.Inta();
        bench.Out(0x20, 0x0B, 0x20, 0x08);
        Assert.That(bench.In(0x20), Is.EqualTo(value));
    }

    [TestCase("architectural", 0xF8, 0xDE)]
    [TestCase("kvm", 0xF8, 0xDE)]
    [TestCase("qemu", 0xF8, 0xDE)]
    [TestCase("openvmm", 0xFF, 0xFF)]
    public void ELCR_bits_that_can_be_written(string flavour, int master, int slave)
    {
        var bench = New(flavour);
        bench.Out(0x4D0, 0xFF, 0x4D1, 0xFF);
        Assert.That((bench.In(0x4D0), bench.In(0x4D1)), Is.EqualTo((master, slave)));
    }

    // KVM i8259.c:pic_set_irq1.
    [Test]
    public void KVM_result_of_a_line()
    {
        var bench = New("kvm");
        Assert.That(Drive(3, true), Is.EqualTo(Pic8259LineOutcome.Done));
        Assert.That(Drive(3, true), Is.EqualTo(Pic8259LineOutcome.Done), "no edge: nothing was tried");
        Assert.That(Drive(3, false), Is.EqualTo(Pic8259LineOutcome.Done));
        Assert.That(Drive(3, true), Is.EqualTo(Pic8259LineOutcome.Coalesced));
        bench.Out(0x21, 0x10);
        Assert.That(Drive(4, true), Is.EqualTo(Pic8259LineOutcome.Masked));
        bench.Out(0x4D0, 0x20);
        Assert.That(Drive(5, true), Is.EqualTo(Pic8259LineOutcome.Done));
        Assert.That(Drive(5, true), Is.EqualTo(Pic8259LineOutcome.Coalesced));

        Pic8259LineOutcome Drive(int irq, bool high) => bench.Pair.SetLine(irq, high, bench.Policies);
    }

    [Test]
    public void The_default_policies_are_the_datasheets() =>
        Assert.That(default(Pic8259Policies), Is.EqualTo(Pic8259Policies.Architectural));
}
