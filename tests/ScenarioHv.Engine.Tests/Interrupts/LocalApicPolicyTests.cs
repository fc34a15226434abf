using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>Each value of each policy shows; the sources are at the values.</summary>
public class LocalApicPolicyTests
{
    private const uint Flat = 0xFFFF_FFFF;
    private const uint Cluster = 0x0FFF_FFFF;

    [TestCase(PendingWhileDisabledPolicy.Dispensed, 0x61)]
    [TestCase(PendingWhileDisabledPolicy.HeldBack, -1)]
    public void Pending_while_software_disabled(PendingWhileDisabledPolicy policy, int deliverable)
    {
        LocalApicModeBench bench = LocalApicModeBench.X1(new LocalApicPolicies { PendingWhileDisabled = policy });
        bench.Accept(DeliveryMode.Fixed, 0x61);
        bench.Write(LocalApicRegister.Svr, 0xFF);
        Assert.That(bench.Apic.HighestDeliverable(), Is.EqualTo(deliverable));
        bench.Write(LocalApicRegister.Svr, 0x1FF);
        Assert.That(bench.Apic.HighestDeliverable(), Is.EqualTo(0x61));
    }

    [TestCase(FixedWhileDisabledPolicy.Dropped, false)]
    [TestCase(FixedWhileDisabledPolicy.Accepted, true)]
    public void Fixed_to_a_software_disabled_APIC(FixedWhileDisabledPolicy policy, bool accepted) => Assert.That(
        new LocalApicModeBench(new LocalApicPolicies { FixedWhileDisabled = policy }).Accept(DeliveryMode.Fixed).IsAccepted,
        Is.EqualTo(accepted));

    [Test]
    public void NMI_and_INIT_reach_a_software_disabled_APIC()
    {
        var bench = new LocalApicModeBench(LocalApicPolicies.Kvm);
        Assert.That(bench.Accept(DeliveryMode.Nmi).Core, Is.EqualTo(CoreRequest.Nmi));
        Assert.That(bench.Accept(DeliveryMode.Init).Core, Is.EqualTo(CoreRequest.Init));
    }

    [TestCase(ExtIntMessagesPolicy.ReachCore, true, CoreRequest.ExtInt, false)]
    [TestCase(ExtIntMessagesPolicy.Dropped, false, CoreRequest.None, false)]
    [TestCase(ExtIntMessagesPolicy.AsFixed, true, CoreRequest.None, true)]
    public void ExtINT_message(ExtIntMessagesPolicy policy, bool accepted, CoreRequest core, bool inIrr)
    {
        LocalApicModeBench bench = LocalApicModeBench.X1(new LocalApicPolicies { ExtIntMessages = policy });
        bench.Write(LocalApicRegister.Svr, 0x1FF);
        AcceptResult result = bench.Accept(DeliveryMode.ExtInt, 0x61);
        Assert.That(result.IsAccepted, Is.EqualTo(accepted));
        Assert.That(result.Core, Is.EqualTo(core));
        Assert.That(bench.Apic.Irr.Contains(0x61), Is.EqualTo(inIrr));
    }

    // Observed on Linux 6.18 KVM: ICR2 of the xAPIC page is found again when x2APIC mode is left, and the 64-bit
    // ICR's half when it is entered.
    [TestCase(IcrAcrossModesPolicy.Cleared, 0u, 0u)]
    [TestCase(IcrAcrossModesPolicy.TwoHighHalves, 0x1200_0000u, 0xFFu)]
    public void High_half_of_the_ICR_in_another_mode(IcrAcrossModesPolicy policy, uint inXApic, uint inX2Apic)
    {
        var bench = new LocalApicModeBench(new LocalApicPolicies { IcrAcrossModes = policy, HardwareDisable = HardwareDisablePolicy.Kept });
        bench.Write(LocalApicRegister.IcrHigh, 0x1200_0000);
        bench.SetMode(ApicMode.X2Apic);
        Assert.That(bench.Apic.IcrHigh, Is.Zero);
        bench.Apic.IcrHigh = 0xFF;
        bench.SetMode(ApicMode.Disabled);
        bench.SetMode(ApicMode.XApic);
        Assert.That(bench.Apic.IcrHigh, Is.EqualTo(inXApic));
        bench.SetMode(ApicMode.X2Apic);
        Assert.That(bench.Apic.IcrHigh, Is.EqualTo(inX2Apic));
    }

    [TestCase(SoftwareDisableLvtPolicy.Masks, 0x1_0700u, false)]
    [TestCase(SoftwareDisableLvtPolicy.Unchanged, 0x0700u, true)]
    public void Software_disabling_and_LVT(SoftwareDisableLvtPolicy policy, uint lint0, bool acceptsPic)
    {
        LocalApicModeBench bench = LocalApicModeBench.X1(new LocalApicPolicies { SoftwareDisableLvt = policy });
        bench.Write(LocalApicRegister.LvtLint0, 0x700);
        bench.Write(LocalApicRegister.Svr, 0xFF);
        bench.Write(LocalApicRegister.LvtLint0, 0x700);
        Assert.That(bench.Apic.LvtLint0, Is.EqualTo(lint0));
        Assert.That(bench.Apic.AcceptsPicInterrupt, Is.EqualTo(acceptsPic));
    }

    [TestCase(IllegalVectorsPolicy.Refused, false, -1, ApicErrors.ReceiveIllegalVector)]
    [TestCase(IllegalVectorsPolicy.AcceptedInert, true, -1, ApicErrors.None)]
    [TestCase(IllegalVectorsPolicy.DroppedSilently, false, -1, ApicErrors.None)]
    [TestCase(IllegalVectorsPolicy.Delivered, true, 5, ApicErrors.None)]
    public void A_vector_below_16_arrives(IllegalVectorsPolicy policy, bool accepted, int deliverable, ApicErrors error)
    {
        LocalApicModeBench bench = LocalApicModeBench.X1(new LocalApicPolicies { IllegalVectors = policy });
        Assert.That(bench.Accept(DeliveryMode.Fixed, 5).IsAccepted, Is.EqualTo(accepted));
        Assert.That(bench.Apic.HighestDeliverable(), Is.EqualTo(deliverable));
        bench.Write(LocalApicRegister.Esr, 0);
        Assert.That(bench.Read(LocalApicRegister.Esr), Is.EqualTo((uint)error));
    }

    [Test]
    public void QEMU_delivers_a_vector_below_16_only_at_PPR_0()
    {
        LocalApicModeBench bench = LocalApicModeBench.X1(LocalApicPolicies.Qemu);
        bench.Accept(DeliveryMode.Fixed, 5);
        bench.Write(LocalApicRegister.Tpr, 1);
        Assert.That(bench.Apic.HighestDeliverable(), Is.EqualTo(-1));
        bench.Write(LocalApicRegister.Tpr, 0);
        Assert.That(bench.Apic.Acknowledge(), Is.EqualTo(5));
    }

    [TestCase(IllegalVectorsPolicy.Refused, LocalApicEffects.None)]
    [TestCase(IllegalVectorsPolicy.AcceptedInert, LocalApicEffects.SelfIpi)]
    public void A_vector_below_16_is_sent_where_it_is_no_error(IllegalVectorsPolicy policy, LocalApicEffects effects) => Assert.That(
        LocalApicModeBench.X1(new LocalApicPolicies { IllegalVectors = policy }).Write(LocalApicRegister.IcrLow, 0x4_0005).Effects,
        Is.EqualTo(effects));

    // What ESR shows after a reserved offset was read and a vector 5 arrived: before a write to ESR, after one, and after two.
    [TestCase(ErrorStatusPolicy.Latched, 0u, 0xC0u, 0u)]
    [TestCase(ErrorStatusPolicy.None, 0u, 0u, 0u)]
    [TestCase(ErrorStatusPolicy.RegistersOnly, 0x80u, 0x80u, 0x80u)]
    [TestCase(ErrorStatusPolicy.VectorsOnly, 0x40u, 0x40u, 0x40u)]
    public void The_error_status_register(ErrorStatusPolicy policy, uint before, uint once, uint twice)
    {
        LocalApicModeBench bench = LocalApicModeBench.X1(new LocalApicPolicies { ErrorStatus = policy });
        bench.Read(0x040);
        bench.Accept(DeliveryMode.Fixed, 5);
        Assert.That(bench.Read(LocalApicRegister.Esr), Is.EqualTo(before));
        bench.Write(LocalApicRegister.Esr, 0);
        Assert.That(bench.Read(LocalApicRegister.Esr), Is.EqualTo(once));
        bench.Write(LocalApicRegister.Esr, 0);
        Assert.That(bench.Read(LocalApicRegister.Esr), Is.EqualTo(twice));
    }

    [TestCase(ErrorStatusPolicy.Latched, true)]
    [TestCase(ErrorStatusPolicy.None, false)]
    [TestCase(ErrorStatusPolicy.RegistersOnly, false)]
    [TestCase(ErrorStatusPolicy.VectorsOnly, true)]
    public void An_illegal_vector_raises_the_error_interrupt(ErrorStatusPolicy policy, bool raised)
    {
        LocalApicModeBench bench = LocalApicModeBench.X1(new LocalApicPolicies { ErrorStatus = policy });
        bench.Write(LocalApicRegister.LvtError, 0x3E);
        Assert.That(bench.Accept(DeliveryMode.Fixed, 5).RaisedError, Is.EqualTo(raised));
        Assert.That(bench.Apic.HighestDeliverable(), Is.EqualTo(raised ? 0x3E : -1));
    }

    [TestCase(SpuriousVectorPolicy.Delivered, 0xEF)]
    [TestCase(SpuriousVectorPolicy.Never, -1)]
    public void INTA_without_an_interrupt(SpuriousVectorPolicy policy, int vector)
    {
        var bench = new LocalApicModeBench(new LocalApicPolicies { SpuriousVector = policy });
        bench.Write(LocalApicRegister.Svr, 0x1EF);
        Assert.That(bench.Apic.Acknowledge(), Is.EqualTo(vector));
    }

    // KVM's values are those of the recording lvt-write-masks-bits.
    [TestCase(LvtReservedBitsPolicy.ReadOnly, 0x7_00FFu, 0x1_A7FFu, 0x1_00FFu, 0x1_07FFu)]
    [TestCase(LvtReservedBitsPolicy.StatusBitsStored, 0x7_10FFu, 0x1_F7FFu, 0x1_10FFu, 0x1_17FFu)]
    [TestCase(LvtReservedBitsPolicy.AllStored, uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue)]
    public void LVT_write_masks(LvtReservedBitsPolicy policy, uint timer, uint lint, uint error, uint thermal)
    {
        LocalApicModeBench bench = LocalApicModeBench.X1(new LocalApicPolicies { LvtReservedBits = policy });
        for (int offset = LocalApicRegister.LvtTimer; offset <= LocalApicRegister.LvtError; offset += 0x10)
            bench.Write(offset, uint.MaxValue);
        Assert.That(bench.Apic.LvtTimer, Is.EqualTo(timer));
        Assert.That(bench.Apic.LvtLint0, Is.EqualTo(lint));
        Assert.That(bench.Apic.LvtError, Is.EqualTo(error));
        Assert.That(bench.Apic.LvtThermal, Is.EqualTo(thermal));
    }

    [TestCase(FocusBitPolicy.Stored, 0x3FFu)]
    [TestCase(FocusBitPolicy.ReadsZero, 0x1FFu)]
    public void SVR_bit_9(FocusBitPolicy policy, uint svr)
    {
        var bench = new LocalApicModeBench(new LocalApicPolicies { FocusBit = policy });
        bench.Write(LocalApicRegister.Svr, uint.MaxValue);
        Assert.That(bench.Read(LocalApicRegister.Svr), Is.EqualTo(svr));
    }

    // KVM's values are those of the recording icr-readback, with delivery status added.
    [TestCase(IcrReservedBitsPolicy.ReadZero, 0x0004_0051u, 0xFF00_0000u)]
    [TestCase(IcrReservedBitsPolicy.LowStored, 0xFFF4_0051u, 0xFF00_0000u)]
    [TestCase(IcrReservedBitsPolicy.AllStored, 0xFFF4_1051u, 0xFFFF_FFFFu)]
    public void Reserved_bits_of_ICR(IcrReservedBitsPolicy policy, uint low, uint high)
    {
        LocalApicModeBench bench = LocalApicModeBench.X1(new LocalApicPolicies { IcrReservedBits = policy });
        bench.Write(LocalApicRegister.IcrHigh, uint.MaxValue);
        RegisterWriteEffect effect = bench.Write(LocalApicRegister.IcrLow, 0xFFF4_1051);
        Assert.That(bench.Read(LocalApicRegister.IcrLow), Is.EqualTo(low));
        Assert.That(bench.Read(LocalApicRegister.IcrHigh), Is.EqualTo(high));
        Assert.That(effect.Ipi.Message.Destination, Is.EqualTo(0xFF));
    }

    // Level de-asserted, level asserted, level asserted to self: whether it is accepted, and its TMR bit (recording ipi-level-assert-bits).
    [TestCase(IpiTriggerPolicy.AlwaysEdge, 0x8051u, true, false)]
    [TestCase(IpiTriggerPolicy.AlwaysEdge, 0xC051u, true, false)]
    [TestCase(IpiTriggerPolicy.LevelHonoured, 0x8051u, false, false)]
    [TestCase(IpiTriggerPolicy.LevelHonoured, 0xC051u, true, true)]
    [TestCase(IpiTriggerPolicy.LevelWithoutAssert, 0x8051u, true, true)]
    [TestCase(IpiTriggerPolicy.LevelWithoutAssert, 0xC051u, true, true)]
    [TestCase(IpiTriggerPolicy.LevelToSelf, 0xC051u, true, false)]
    [TestCase(IpiTriggerPolicy.LevelToSelf, 0x4_C051u, true, true)]
    public void Trigger_and_level_of_an_IPI(IpiTriggerPolicy policy, uint icr, bool accepted, bool isLevel)
    {
        LocalApicModeBench bench = LocalApicModeBench.X1(new LocalApicPolicies { IpiTrigger = policy });
        ApicMessage message = bench.Write(LocalApicRegister.IcrLow, icr).Ipi.Message;
        Assert.That(bench.Apic.Accept(message).IsAccepted, Is.EqualTo(accepted));
        Assert.That(bench.Apic.Tmr[0x51], Is.EqualTo(isLevel));
    }

    [TestCase(LogicalBroadcastPolicy.Everyone, Flat, 0u, true)]
    [TestCase(LogicalBroadcastPolicy.Everyone, Cluster, 0x11u, true)]
    [TestCase(LogicalBroadcastPolicy.ByMatch, Flat, 0u, false)]
    [TestCase(LogicalBroadcastPolicy.ByMatch, Flat, 0x10u, true)]
    [TestCase(LogicalBroadcastPolicy.ByMatch, Cluster, 0x11u, false)]
    [TestCase(LogicalBroadcastPolicy.ByMatch, Cluster, 0xF1u, true)]
    [TestCase(LogicalBroadcastPolicy.NotInFlat, Flat, 0u, false)]
    [TestCase(LogicalBroadcastPolicy.NotInFlat, Cluster, 0u, true)]
    public void Logical_destination_FF(LogicalBroadcastPolicy policy, uint dfr, uint ldr, bool matches)
    {
        var bench = new LocalApicModeBench(new LocalApicPolicies { LogicalBroadcast = policy });
        bench.Write(LocalApicRegister.Dfr, dfr);
        bench.Write(LocalApicRegister.Ldr, ldr << 24);
        Assert.That(bench.Matches(0xFF, logical: true), Is.EqualTo(matches));
    }

    [TestCase(LogicalBroadcastPolicy.Everyone, true)]
    [TestCase(LogicalBroadcastPolicy.ByMatch, false)]
    [TestCase(LogicalBroadcastPolicy.NotInFlat, true)]
    public void Logical_destination_FFFFFFFF_in_x2APIC_mode(LogicalBroadcastPolicy policy, bool matches)
    {
        LocalApicModeBench bench = LocalApicModeBench.X2(new LocalApicPolicies { LogicalBroadcast = policy });
        Assert.That(bench.Matches(0xFFFF_FFFF, logical: true), Is.EqualTo(matches));
        Assert.That(bench.Matches(0xFFFF_FFFF), Is.True);
    }

    [TestCase(DeviceBroadcastPolicy.PlainId, false, false)]
    [TestCase(DeviceBroadcastPolicy.Rewritten, false, true)]
    [TestCase(DeviceBroadcastPolicy.Rewritten, true, false, Description = "an IPI's FFh is an ID")]
    public void FF_to_an_APIC_in_x2APIC_mode(DeviceBroadcastPolicy policy, bool isIpi, bool matches)
    {
        LocalApicModeBench bench = LocalApicModeBench.X2(new LocalApicPolicies { DeviceBroadcast = policy }, id: 0x21);
        Assert.That(bench.Matches(0xFF, isIpi: isIpi), Is.EqualTo(matches));
        Assert.That(bench.Matches(0xFF, logical: true, isIpi: isIpi), Is.EqualTo(matches));
    }

    // N = 100, divide by 1. At 30 the timer is switched from one-shot to periodic; when does it expire next?
    [TestCase(TimerModeSwitchPolicy.KeepsCounting, 100L)]
    [TestCase(TimerModeSwitchPolicy.Disarms, -1L)]
    [TestCase(TimerModeSwitchPolicy.RecomputedFromLoad, 100L)]
    public void A_running_one_shot_becomes_periodic(TimerModeSwitchPolicy policy, long expiry) =>
        Assert.That(ExpiryAfterSwitch(policy, at: 30), Is.EqualTo(expiry));

    // KUT apic.c test_apic_change_mode (row 13f): a count at 0 stays there. QEMU goes on at the next multiple of the period.
    [TestCase(TimerModeSwitchPolicy.KeepsCounting, -1L)]
    [TestCase(TimerModeSwitchPolicy.Disarms, -1L)]
    [TestCase(TimerModeSwitchPolicy.RecomputedFromLoad, 300L)]
    public void A_one_shot_that_is_over_becomes_periodic(TimerModeSwitchPolicy policy, long expiry) =>
        Assert.That(ExpiryAfterSwitch(policy, at: 230), Is.EqualTo(expiry));

    [TestCase(TimerModeSwitchPolicy.KeepsCounting, 300L)]
    [TestCase(TimerModeSwitchPolicy.Disarms, -1L)]
    [TestCase(TimerModeSwitchPolicy.RecomputedFromLoad, -1L, Description = "the one-shot's only period began at 0")]
    public void A_periodic_timer_becomes_one_shot_in_its_third_period(TimerModeSwitchPolicy policy, long expiry) =>
        Assert.That(ExpiryAfterSwitch(policy, at: 230, fromPeriodic: true), Is.EqualTo(expiry));

    // Current count at the load, 30 counts later, and the expiry: N = 100.
    [TestCase(TimerPeriodPolicy.Count, 100L)]
    [TestCase(TimerPeriodPolicy.CountPlusOne, 101L)]
    public void The_period_of_an_initial_count(TimerPeriodPolicy policy, long period)
    {
        LocalApicModeBench bench = Timer(new LocalApicPolicies { TimerPeriod = policy }, periodic: true);
        Assert.That(bench.Read(LocalApicRegister.TimerCurrentCount), Is.EqualTo(100));
        bench.Now = 30;
        Assert.That(bench.Read(LocalApicRegister.TimerCurrentCount), Is.EqualTo(70));
        Assert.That(bench.Apic.TimerDeadline.Cycle, Is.EqualTo(period));
        bench.Now = period;
        bench.Apic.Expire(bench.Time, bench.Clock);
        Assert.That(bench.Apic.TimerDeadline.Cycle, Is.EqualTo(2 * period));
    }

    // TPR and SVR while the APIC is hardware-disabled, and after it has been enabled again.
    [TestCase(HardwareDisablePolicy.Reset, 0u, 0xFFu, 0u, 0xFFu)]
    [TestCase(HardwareDisablePolicy.Kept, 0x50u, 0x1FFu, 0x50u, 0x1FFu)]
    [TestCase(HardwareDisablePolicy.ResetOnEnable, 0x50u, 0x1FFu, 0u, 0xFFu)]
    [TestCase(HardwareDisablePolicy.KeptSoftwareDisabled, 0x50u, 0xFFu, 0x50u, 0xFFu)]
    public void Registers_across_a_hardware_disable(HardwareDisablePolicy policy, uint tpr, uint svr, uint tprAfter, uint svrAfter)
    {
        LocalApicModeBench bench = LocalApicModeBench.X1(new LocalApicPolicies { HardwareDisable = policy });
        bench.Write(LocalApicRegister.Tpr, 0x50);
        bench.SetMode(ApicMode.Disabled);
        Assert.That((bench.Apic.Tpr, bench.Apic.Svr), Is.EqualTo(((byte)tpr, svr)));
        bench.SetMode(ApicMode.XApic);
        Assert.That((bench.Apic.Tpr, bench.Apic.Svr), Is.EqualTo(((byte)tprAfter, svrAfter)));
    }

    // Moving the page, losing the BSP flag, setting a reserved bit: whether it faults, and the MSR afterwards.
    [TestCase(ApicBaseWritesPolicy.Architectural, 0xFED4_0800UL, true, 0xFED4_0800UL)]
    [TestCase(ApicBaseWritesPolicy.Architectural, 0xFEE0_0901UL, false, 0xFEE0_0900UL)]
    [TestCase(ApicBaseWritesPolicy.FixedBase, 0xFED4_0900UL, false, 0xFEE0_0900UL)]
    [TestCase(ApicBaseWritesPolicy.FixedBase, 0xFEE0_0800UL, true, 0xFEE0_0800UL)]
    [TestCase(ApicBaseWritesPolicy.OnlyModeBits, 0xFED4_0801UL, true, 0xFEE0_0900UL)]
    [TestCase(ApicBaseWritesPolicy.OnlyModeBits, 0xFEE0_0400UL, true, 0xFEE0_0900UL)]
    [TestCase(ApicBaseWritesPolicy.OnceDisabled, 0xFED4_0801UL, true, 0xFED4_0900UL)]
    [TestCase(ApicBaseWritesPolicy.OnceDisabled, 0xFEE0_0D00UL, true, 0xFEE0_0900UL)]
    public void Writes_of_the_base(ApicBaseWritesPolicy policy, ulong value, bool taken, ulong after)
    {
        var bench = new LocalApicModeBench(bsp: true);
        bench.Apic.Reset(0, true, new LocalApicOptions(LocalApicModeBench.SixLvt) { Policies = new() { ApicBaseWrites = policy } });
        Assert.That(bench.SetBase(value), Is.EqualTo(taken));
        Assert.That(bench.Apic.ApicBase, Is.EqualTo(after));
    }

    [TestCase(ApicBaseWritesPolicy.Architectural, ApicMode.XApic, ApicMode.XApic)]
    [TestCase(ApicBaseWritesPolicy.Architectural, ApicMode.X2Apic, ApicMode.Disabled)]
    [TestCase(ApicBaseWritesPolicy.OnlyModeBits, ApicMode.X2Apic, ApicMode.X2Apic)]
    [TestCase(ApicBaseWritesPolicy.OnceDisabled, ApicMode.XApic, ApicMode.Disabled)]
    public void Out_of_disabled_mode(ApicBaseWritesPolicy policy, ApicMode wanted, ApicMode reached)
    {
        var bench = new LocalApicModeBench(new LocalApicPolicies { ApicBaseWrites = policy }, mode: ApicMode.Disabled);
        bench.SetMode(wanted);
        Assert.That(bench.Apic.Mode, Is.EqualTo(reached));
    }

    [TestCase(ApicIdRegisterPolicy.Writable, 0x0900_0000u)]
    [TestCase(ApicIdRegisterPolicy.ReadOnly, 0x0300_0000u)]
    public void Writing_the_xAPIC_ID(ApicIdRegisterPolicy policy, uint id)
    {
        var bench = new LocalApicModeBench(new LocalApicPolicies { ApicIdRegister = policy });
        bench.Write(LocalApicRegister.Id, 0x0900_0000);
        Assert.That(bench.Read(LocalApicRegister.Id), Is.EqualTo(id));
    }

    // TPR bit 8, EOI 1, EOI bit 32, ESR 1, ICR bit 20, SELF IPI bit 8: which fault (KVM: recordings x2apic-reserved-bits, x2apic-self-ipi).
    [TestCase(X2ApicReservedBitsPolicy.Checked, "111111")]
    [TestCase(X2ApicReservedBitsPolicy.HighHalfAndIcr, "001111")]
    [TestCase(X2ApicReservedBitsPolicy.EoiAndEsr, "010100")]
    public void Reserved_bits_of_x2APIC_MSRs(X2ApicReservedBitsPolicy policy, string faults)
    {
        (uint Msr, ulong Value)[] writes =
            [(0x808, 0x100), (0x80B, 1), (0x80B, 1UL << 32), (0x828, 1), (0x830, 1 << 20 | 0x41), (0x83F, 0x141)];
        LocalApicModeBench bench = LocalApicModeBench.X2(new LocalApicPolicies { X2ApicReservedBits = policy });
        Assert.That(string.Concat(writes.Select(w => bench.CanWrite(w.Msr, w.Value) ? '0' : '1')), Is.EqualTo(faults));
    }

    [TestCase(EoiBroadcastPolicy.Suppressible, false)]
    [TestCase(EoiBroadcastPolicy.AlwaysSent, true)]
    public void SVR_bit_12_and_the_EOI_broadcast(EoiBroadcastPolicy policy, bool broadcast)
    {
        const uint version = LocalApicModeBench.SixLvt | LocalApicOptions.EoiBroadcastSuppression;
        LocalApicModeBench bench = LocalApicModeBench.X1(new LocalApicPolicies { EoiBroadcast = policy }, version: version);
        bench.Write(LocalApicRegister.Svr, 0x11FF);
        Assert.That(bench.Read(LocalApicRegister.Svr), Is.EqualTo(0x11FF));
        bench.Accept(DeliveryMode.Fixed, 0x51, ApicMessageFlags.Level);
        bench.Apic.Acknowledge();
        Assert.That(bench.Apic.Eoi(), Is.EqualTo(new EoiResult(0x51, broadcast)));
    }

    [TestCase(PicGatePolicy.ExtInt, 0x41u, false)]
    [TestCase(PicGatePolicy.ExtInt, 0x700u, true)]
    [TestCase(PicGatePolicy.ExtInt, 0x1_0700u, false)]
    [TestCase(PicGatePolicy.AnyUnmasked, 0x41u, true)]
    [TestCase(PicGatePolicy.AnyUnmasked, 0x1_0041u, false)]
    public void The_8259A_passes_LINT0(PicGatePolicy policy, uint lint0, bool passes)
    {
        LocalApicModeBench bench = LocalApicModeBench.X1(new LocalApicPolicies { PicGate = policy });
        bench.Write(LocalApicRegister.LvtLint0, lint0);
        Assert.That(bench.Apic.AcceptsPicInterrupt, Is.EqualTo(passes));
    }

    // LVT0, then what raising and lowering LINT0 leaves in IRR, and whether it came with remote IRR.
    [TestCase(LintInputsPolicy.Delivered, 0x8041u, true, true, true)]
    [TestCase(LintInputsPolicy.Delivered, 0x0041u, true, true, false)]
    [TestCase(LintInputsPolicy.OnlyExtIntAndNmi, 0x8041u, false, false, false)]
    [TestCase(LintInputsPolicy.OnlyExtIntAndNmi, 0x0041u, false, false, false)]
    [TestCase(LintInputsPolicy.LevelRefused, 0x8041u, false, false, false)]
    [TestCase(LintInputsPolicy.LevelRefused, 0x0041u, true, true, false)]
    [TestCase(LintInputsPolicy.WithoutRemoteIrr, 0x8041u, true, false, false)]
    [TestCase(LintInputsPolicy.WithoutRemoteIrr, 0x0041u, true, true, false)]
    public void A_fixed_LINT0(LintInputsPolicy policy, uint lint0, bool raised, bool afterLowering, bool remoteIrr)
    {
        LocalApicModeBench bench = LocalApicModeBench.X1(new LocalApicPolicies { LintInputs = policy });
        bench.Write(LocalApicRegister.LvtLint0, lint0);
        bench.Apic.SetLint(LvtEntry.Lint0, true);
        Assert.That(bench.Apic.Irr[0x41], Is.EqualTo(raised));
        Assert.That((bench.Apic.LvtLint0 & LvtBits.RemoteIrr) != 0, Is.EqualTo(remoteIrr));
        bench.Apic.SetLint(LvtEntry.Lint0, false);
        Assert.That(bench.Apic.Irr[0x41], Is.EqualTo(afterLowering));
    }

    // KVM and QEMU: NMI through LINT1 is an edge whatever the trigger bit says; OpenVMM refuses the entry.
    [TestCase(LintInputsPolicy.OnlyExtIntAndNmi, CoreRequest.Nmi)]
    [TestCase(LintInputsPolicy.WithoutRemoteIrr, CoreRequest.Nmi)]
    [TestCase(LintInputsPolicy.LevelRefused, CoreRequest.None)]
    public void An_NMI_by_a_level_triggered_LINT1(LintInputsPolicy policy, CoreRequest core)
    {
        LocalApicModeBench bench = LocalApicModeBench.X1(new LocalApicPolicies { LintInputs = policy });
        bench.Write(LocalApicRegister.LvtLint1, 0x8400);
        Assert.That(bench.Apic.SetLint(LvtEntry.Lint1, true).Core, Is.EqualTo(core));
    }

    [TestCase(BspLint0Policy.Masked, true, 0x1_0000u)]
    [TestCase(BspLint0Policy.ExtInt, true, 0x700u)]
    [TestCase(BspLint0Policy.ExtInt, false, 0x1_0000u)]
    public void LINT0_out_of_RESET(BspLint0Policy policy, bool bsp, uint lint0) => Assert.That(
        new LocalApicModeBench(new LocalApicPolicies { BspLint0 = policy }, bsp: bsp).Apic.LvtLint0, Is.EqualTo(lint0));

    [Test]
    public void The_policies_do_not_overlap()
    {
        LocalApicPolicies policies = LocalApicPolicies.Qemu with { LowestPriority = LowestPriorityPolicy.FocusThenApr };
        foreach (System.Reflection.PropertyInfo property in typeof(LocalApicPolicies).GetProperties().Where(p => p.PropertyType.IsEnum))
        {
            if (property.Name != nameof(LocalApicPolicies.LowestPriority))
                Assert.That(property.GetValue(policies), Is.EqualTo(property.GetValue(LocalApicPolicies.Qemu)), property.Name);
        }
        Assert.That(policies.LowestPriority, Is.EqualTo(LowestPriorityPolicy.FocusThenApr));
        Assert.That(policies with { LowestPriority = LowestPriorityPolicy.LowestIndex }, Is.EqualTo(LocalApicPolicies.Qemu));
    }

    private static LocalApicModeBench Timer(LocalApicPolicies policies, bool periodic)
    {
        LocalApicModeBench bench = LocalApicModeBench.X1(policies);
        bench.Write(LocalApicRegister.LvtTimer, periodic ? 0x2_0061u : 0x61);
        bench.Write(LocalApicRegister.TimerDivide, 0xB);
        bench.Write(LocalApicRegister.TimerInitialCount, 100);
        return bench;
    }

    private static long ExpiryAfterSwitch(TimerModeSwitchPolicy policy, long at, bool fromPeriodic = false)
    {
        LocalApicModeBench bench = Timer(new LocalApicPolicies { TimerModeSwitch = policy }, fromPeriodic);
        while (bench.Apic.TimerDeadline.Cycle <= at && !bench.Apic.TimerDeadline.IsNever)
        {
            bench.Now = bench.Apic.TimerDeadline.Cycle;
            bench.Apic.Expire(bench.Time, bench.Clock);
        }
        bench.Now = at;
        bench.Write(LocalApicRegister.LvtTimer, fromPeriodic ? 0x61 : 0x2_0061u);
        return bench.Apic.TimerDeadline.IsNever ? -1 : bench.Apic.TimerDeadline.Cycle;
    }
}
