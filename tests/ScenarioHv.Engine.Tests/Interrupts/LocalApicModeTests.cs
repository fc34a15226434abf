using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>IA32_APIC_BASE: modes, transitions, the place of the page (SDM3 10.4.3, 10.12.5).</summary>
public class LocalApicModeTests
{
    private static readonly LocalApicPolicies Keep = new() { HardwareDisable = HardwareDisablePolicy.Kept };

    // SDM3 10.12.5, figure of the transitions; KUT apic.c: test_apic_disable, verify_disabled_apic_mmio, test_enable_x2apic (rows 3a-3g).
    [TestCase(ApicMode.Disabled, ApicMode.Disabled, true)]
    [TestCase(ApicMode.Disabled, ApicMode.XApic, true)]
    [TestCase(ApicMode.Disabled, ApicMode.X2Apic, false)]
    [TestCase(ApicMode.Disabled, ApicMode.Invalid, false)]
    [TestCase(ApicMode.XApic, ApicMode.Disabled, true)]
    [TestCase(ApicMode.XApic, ApicMode.XApic, true)]
    [TestCase(ApicMode.XApic, ApicMode.X2Apic, true)]
    [TestCase(ApicMode.XApic, ApicMode.Invalid, false)]
    [TestCase(ApicMode.X2Apic, ApicMode.Disabled, true)]
    [TestCase(ApicMode.X2Apic, ApicMode.XApic, false)]
    [TestCase(ApicMode.X2Apic, ApicMode.X2Apic, true)]
    [TestCase(ApicMode.X2Apic, ApicMode.Invalid, false)]
    public void A_transition_is_made_or_faults(ApicMode from, ApicMode to, bool allowed)
    {
        var bench = new LocalApicModeBench(mode: from);
        Assert.That(bench.SetMode(to), Is.EqualTo(allowed));
        Assert.That(bench.Apic.Mode, Is.EqualTo(allowed ? to : from));
    }

    // KUT apic.c test_enable_x2apic without x2APIC (row 3h).
    [Test]
    public void Without_x2APIC_its_bit_is_reserved()
    {
        var bench = new LocalApicModeBench(hasX2Apic: false);
        Assert.That(bench.SetMode(ApicMode.X2Apic), Is.False);
        Assert.That(bench.Apic.Mode, Is.EqualTo(ApicMode.XApic));
    }

    // KUT apic.c test_apicbase: "reserved low bits", "reserved physaddr bits" (rows 16b, 16c); MAXPHYADDR is 40 here.
    [Test]
    public void Reserved_bits_fault([Values(0, 1, 2, 3, 4, 5, 6, 7, 9, 40, 51, 52, 63)] int bit) =>
        Assert.That(new LocalApicModeBench().SetBase(0xFEE0_0800 | 1UL << bit), Is.False);

    [Test]
    public void The_highest_physical_address_bit_is_part_of_the_base() =>
        Assert.That(new LocalApicModeBench().SetBase(0xFEE0_0800 | 1UL << 39), Is.True);

    [TestCase(true, 0xFEE0_0900UL)]
    [TestCase(false, 0xFEE0_0800UL)]
    public void RESET_is_xAPIC_mode_at_FEE00000_with_the_BSP_flag_of_the_boot_processor(bool bsp, ulong value)
    {
        var bench = new LocalApicModeBench(bsp: bsp, mode: ApicMode.XApic);
        bench.Apic.Reset(3, bsp, LocalApicOptions.Architectural);
        Assert.That(bench.Apic.ApicBase, Is.EqualTo(value));
    }

    // KUT apic.c test_apicbase "relocate apic" (row 16a): disable, then base FED40000h.
    [Test]
    public void The_page_moves_with_the_base()
    {
        var bench = new LocalApicModeBench(bsp: true);
        Assert.That(bench.SetBase(0xFEE0_0100), Is.True);
        Assert.That(bench.SetBase(0xFED4_0900), Is.True);
        Assert.That(bench.Apic.DecodesMmio(0xFED4_0030), Is.True);
        Assert.That(bench.Apic.DecodesMmio(0xFEE0_0030), Is.False);
        Assert.That(bench.Read(LocalApicRegister.Version), Is.EqualTo(LocalApicOptions.SixLvtVersion));
    }

    // KUT apic.c verify_disabled_apic_mmio (rows 2b, 2c, 2e).
    [Test]
    public void Nobody_answers_at_the_page_when_disabled_or_in_x2APIC_mode([Values(ApicMode.Disabled, ApicMode.X2Apic)] ApicMode mode)
    {
        LocalApicModeBench bench = LocalApicModeBench.X1(Keep);
        bench.SetMode(mode);
        Assert.That(bench.Apic.DecodesMmio(0xFEE0_0030), Is.False);
        Assert.That(bench.Read(LocalApicRegister.Version), Is.EqualTo(0xFFFF_FFFF));
        Assert.That(bench.Write(LocalApicRegister.Tpr, 0xFF).Effects, Is.EqualTo(LocalApicEffects.None));
        Assert.That(bench.Apic.ReadCr8(), Is.Zero);
        bench.Apic.WriteCr8(15);
        Assert.That(bench.Apic.ReadCr8(), Is.EqualTo(15));
        Assert.That(bench.Read(LocalApicRegister.Tpr), Is.EqualTo(0xFFFF_FFFF));
    }

    // KUT apic.c test_apic_disable (row 2d): what CR8 was given shows in TPR after enabling; KVM keeps the registers.
    [Test]
    public void CR8_written_while_disabled_shows_in_TPR_afterwards()
    {
        var bench = new LocalApicModeBench(Keep);
        bench.SetMode(ApicMode.Disabled);
        bench.Apic.WriteCr8(15);
        bench.SetMode(ApicMode.XApic);
        Assert.That(bench.Read(LocalApicRegister.Tpr), Is.EqualTo(0xF0));
    }

    // KUT apic.c test_apic_id (rows 15b, 15c, 15d).
    [TestCase(HardwareDisablePolicy.Kept)]
    [TestCase(HardwareDisablePolicy.Reset)]
    [TestCase(HardwareDisablePolicy.ResetOnEnable)]
    public void A_rewritten_xAPIC_ID_is_back_after_x2APIC_mode(HardwareDisablePolicy policy)
    {
        var bench = new LocalApicModeBench(new LocalApicPolicies { HardwareDisable = policy });
        bench.Write(LocalApicRegister.Id, 0x0400_0000);
        Assert.That(bench.Apic.ApicId, Is.EqualTo(4));
        bench.SetMode(ApicMode.X2Apic);
        Assert.That(bench.CanWrite(0x802, 4), Is.False);
        Assert.That(bench.Rd(0x802), Is.EqualTo(3));
        bench.SetMode(ApicMode.Disabled);
        bench.SetMode(ApicMode.XApic);
        Assert.That(bench.Read(LocalApicRegister.Id), Is.EqualTo(0x0300_0000));
    }

    [Test]
    public void Entering_x2APIC_mode_keeps_the_other_registers()
    {
        LocalApicModeBench bench = LocalApicModeBench.X1();
        bench.Write(LocalApicRegister.LvtLint1, 0x400);
        bench.Write(LocalApicRegister.Tpr, 0x25);
        bench.Accept(DeliveryMode.Fixed, 0x61);
        bench.SetMode(ApicMode.X2Apic);
        Assert.That(bench.Rd(0x836), Is.EqualTo(0x400));
        Assert.That(bench.Rd(0x808), Is.EqualTo(0x25));
        Assert.That(bench.Rd(0x80F), Is.EqualTo(0x1FF));
        Assert.That(bench.Apic.HighestDeliverable(), Is.EqualTo(0x61));
    }

    [TestCase(ApicMode.Disabled)]
    [TestCase(ApicMode.XApic)]
    [TestCase(ApicMode.X2Apic)]
    public void INIT_keeps_mode_ID_and_base_and_resets_the_rest(ApicMode mode)
    {
        LocalApicModeBench bench = LocalApicModeBench.X1(Keep, id: 0x21);
        bench.Write(LocalApicRegister.Tpr, 0x50);
        bench.SetMode(mode);
        ulong before = bench.Apic.ApicBase;
        bench.Apic.Init();
        Assert.That(bench.Apic.ApicBase, Is.EqualTo(before));
        Assert.That(bench.Apic.Tpr, Is.Zero);
        Assert.That(bench.Apic.Svr, Is.EqualTo(0xFF));
        Assert.That(bench.Apic.Ldr, Is.EqualTo(mode == ApicMode.X2Apic ? 0x0002_0002u : 0u));
        Assert.That(bench.Apic.Id, Is.EqualTo(mode == ApicMode.X2Apic ? 0x21u : 0x2100_0000u));
    }

    [Test]
    public void RESET_leaves_x2APIC_mode()
    {
        LocalApicModeBench bench = LocalApicModeBench.X2();
        bench.Apic.Reset(3, false, LocalApicOptions.Architectural);
        Assert.That(bench.Apic.Mode, Is.EqualTo(ApicMode.XApic));
        Assert.That(bench.Apic.Ldr, Is.Zero);
    }

    [Test]
    public void A_disabled_APIC_takes_no_message_and_delivers_nothing()
    {
        LocalApicModeBench bench = LocalApicModeBench.X1(Keep);
        bench.Accept(DeliveryMode.Fixed, 0x61);
        bench.SetMode(ApicMode.Disabled);
        Assert.That(bench.Matches(3), Is.False);
        Assert.That(bench.Apic.IsAddressedBy(new IpiRequest(default, IpiShorthand.All), false), Is.False);
        foreach (DeliveryMode mode in Enum.GetValues<DeliveryMode>())
            Assert.That(bench.Accept(mode).IsAccepted, Is.False, $"{mode}");
        Assert.That(bench.Apic.HighestDeliverable(), Is.EqualTo(-1));
        bench.SetMode(ApicMode.XApic);
        Assert.That(bench.Apic.HighestDeliverable(), Is.EqualTo(0x61));
    }

    [Test]
    public void A_disabled_APIC_wires_LINT0_to_INTR_and_LINT1_to_NMI()
    {
        var bench = new LocalApicModeBench();
        Assert.That(bench.Apic.AcceptsPicInterrupt, Is.False);
        Assert.That(bench.Apic.SetLint(LvtEntry.Lint1, true).Core, Is.EqualTo(CoreRequest.None));
        bench.Apic.SetLint(LvtEntry.Lint1, false);
        bench.SetMode(ApicMode.Disabled);
        Assert.That(bench.Apic.AcceptsPicInterrupt, Is.True);
        Assert.That(bench.Apic.SetLint(LvtEntry.Lint1, true).Core, Is.EqualTo(CoreRequest.Nmi));
        Assert.That(bench.Apic.SetLint(LvtEntry.Lint0, true).Core, Is.EqualTo(CoreRequest.ExtInt));
        Assert.That(bench.Apic.ExtIntAsserted, Is.True);
    }

    // KUT apic.c test_tsc_deadline_timer (row 14), in either mode; a disabled APIC reads 0 and ignores the write.
    [TestCase(ApicMode.XApic, 5000UL)]
    [TestCase(ApicMode.X2Apic, 5000UL)]
    [TestCase(ApicMode.Disabled, 0UL)]
    public void The_TSC_deadline_MSR_works_in_both_modes_and_not_when_disabled(ApicMode mode, ulong deadline)
    {
        LocalApicModeBench bench = LocalApicModeBench.X1(Keep);
        bench.Write(LocalApicRegister.LvtTimer, 0x4_00EF);
        bench.SetMode(mode);
        bench.Apic.WriteTscDeadline(5000, 100, bench.Time);
        Assert.That(bench.Apic.ReadTscDeadline(100, bench.Time), Is.EqualTo(deadline));
    }

    [Test]
    public void A_deadline_already_reached_fires_once_and_reads_0()
    {
        LocalApicModeBench bench = LocalApicModeBench.X2();
        bench.Wr(0x832, 0x4_00EF);
        RegisterWriteEffect effect = bench.Apic.WriteTscDeadline(100, 100, bench.Time);
        Assert.That(effect.Has(LocalApicEffects.DeliverabilityMayHaveChanged), Is.True);
        Assert.That(bench.Apic.Acknowledge(), Is.EqualTo(0xEF));
        Assert.That(bench.Apic.ReadTscDeadline(100, bench.Time), Is.Zero);
        Assert.That(bench.Apic.TimerDeadline.IsNever, Is.True);
    }

    [Test]
    public void Without_the_feature_the_TSC_deadline_mode_bit_is_reserved()
    {
        var bench = new LocalApicModeBench();
        bench.Apic.Reset(3, false, new LocalApicOptions(LocalApicModeBench.SixLvt) { HasTscDeadline = false });
        bench.Write(LocalApicRegister.LvtTimer, 0x7_00EF);
        Assert.That(bench.Read(LocalApicRegister.LvtTimer), Is.EqualTo(0x3_00EF));
    }

    [Test]
    public void The_timer_of_a_disabled_APIC_expires_without_an_interrupt()
    {
        LocalApicModeBench bench = LocalApicModeBench.X1(Keep);
        bench.Write(LocalApicRegister.LvtTimer, 0x61);
        bench.Write(LocalApicRegister.TimerDivide, 0xB);
        bench.Write(LocalApicRegister.TimerInitialCount, 100);
        bench.SetMode(ApicMode.Disabled);
        bench.Now = 100;
        Assert.That(bench.Apic.Expire(bench.Time, bench.Clock).IsAccepted, Is.False);
    }
}
