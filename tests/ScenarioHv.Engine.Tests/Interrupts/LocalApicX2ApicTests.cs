using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>The x2APIC MSRs (SDM3 10.12.1.2, 10.12.1.3).</summary>
public class LocalApicX2ApicTests
{
    // The table of SDM3 10.12.1.2: r readable, w writable; all others are reserved. 82Fh is CMCI, 83Fh SELF IPI.
    private static string AccessOf(uint msr) => msr switch
    {
        0x802 or 0x803 or 0x80A or 0x80D or (>= 0x810 and <= 0x827) or 0x839 => "r",
        0x80B or 0x83F => "w",
        0x808 or 0x80F or 0x828 or 0x82F or 0x830 or (>= 0x832 and <= 0x838) or 0x83E => "rw",
        _ => "",
    };

    [Test]
    public void Each_MSR_can_be_read_and_written_as_the_table_says([Range(0x800u, 0x83Fu)] uint msr)
    {
        LocalApicModeBench bench = LocalApicModeBench.X2(version: LocalApicOptions.SevenLvtVersion);
        Assert.That(bench.CanRead(msr), Is.EqualTo(AccessOf(msr).Contains('r')));
        ulong value = msr == 0x83F ? 0x41UL : 0;
        Assert.That(bench.CanWrite(msr, value), Is.EqualTo(AccessOf(msr).Contains('w')));
    }

    [Test]
    public void Every_MSR_faults_in_another_mode([Values(ApicMode.Disabled, ApicMode.XApic)] ApicMode mode)
    {
        var bench = new LocalApicModeBench(mode: mode);
        for (uint msr = 0x800; msr <= 0x8FF; msr++)
        {
            Assert.That(bench.CanRead(msr), Is.False, $"{msr:X}h");
            Assert.That(bench.CanWrite(msr, 0), Is.False, $"{msr:X}h");
        }
    }

    [Test]
    public void MSRs_above_83F_are_reserved([Values(0x840u, 0x880u, 0x8FFu)] uint msr)
    {
        Assert.That(LocalApicModeBench.X2().CanRead(msr), Is.False);
        Assert.That(LocalApicModeBench.X2().CanWrite(msr, 0), Is.False);
    }

    [Test]
    public void CMCI_faults_where_the_version_counts_six_entries() => Assert.That(LocalApicModeBench.X2().CanRead(0x82F), Is.False);

    [Test]
    public void An_MSR_outside_800_8FF_is_not_this_APICs([Values(0x7FFu, 0x900u)] uint msr) =>
        Assert.That(() => LocalApicModeBench.X2().CanRead(msr), Throws.TypeOf<ArgumentOutOfRangeException>());

    // The first value has a reserved bit and faults, the second has all the others.
    [TestCase(0x808u, 0x100UL, 0xFFUL)]
    [TestCase(0x80Bu, 1UL, 0UL)]
    [TestCase(0x80Fu, 0x400UL, 0x3FFUL)]
    [TestCase(0x80Fu, 0x1000UL, 0x1FFUL, Description = "no suppression advertised")]
    [TestCase(0x828u, 1UL, 0UL)]
    [TestCase(0x830u, 1UL << 13, 0x000C_0041UL)]
    [TestCase(0x830u, 1UL << 16, 0x0000_0841UL)]
    [TestCase(0x830u, 1UL << 17, 0x0000_4041UL)]
    [TestCase(0x830u, 1UL << 20, 0x0000_1041UL, Description = "bit 12 is ignored")]
    [TestCase(0x830u, 1UL << 31, 0xFFFF_FFFF_0000_0041UL)]
    [TestCase(0x832u, 1UL << 19, 0x0007_10FFUL)]
    [TestCase(0x832u, 1UL << 8, 0x0001_0000UL)]
    [TestCase(0x833u, 1UL << 13, 0x0001_17FFUL)]
    [TestCase(0x834u, 1UL << 15, 0x0001_17FFUL)]
    [TestCase(0x835u, 1UL << 11, 0x0001_F7FFUL)]
    [TestCase(0x836u, 1UL << 17, 0x0001_F7FFUL)]
    [TestCase(0x837u, 1UL << 10, 0x0001_10FFUL)]
    [TestCase(0x838u, 1UL << 32, 0xFFFF_FFFFUL)]
    [TestCase(0x83Eu, 4UL, 0xBUL)]
    [TestCase(0x83Fu, 0x100UL, 0xFFUL)]
    public void A_reserved_bit_faults_and_changes_nothing(uint msr, ulong reserved, ulong allowed)
    {
        LocalApicModeBench bench = LocalApicModeBench.X2();
        LocalApic before = bench.Apic;
        Assert.That(bench.CanWrite(msr, reserved), Is.False);
        Assert.That(bench.Apic, Is.EqualTo(before));
        Assert.That(bench.CanWrite(msr, allowed), Is.True);
    }

    [Test]
    public void Bits_63_32_fault_in_every_32_bit_register(
        [Values(0x808u, 0x80Fu, 0x828u, 0x832u, 0x835u, 0x837u, 0x838u, 0x83Eu, 0x83Fu)] uint msr,
        [Values(X2ApicReservedBitsPolicy.Checked, X2ApicReservedBitsPolicy.HighHalfAndIcr)] X2ApicReservedBitsPolicy policy) =>
        Assert.That(
            LocalApicModeBench.X2(new LocalApicPolicies { X2ApicReservedBits = policy }).CanWrite(msr, 1UL << 32), Is.False);

    [Test]
    public void ICR_is_one_64_bit_register_with_a_32_bit_destination()
    {
        LocalApicModeBench bench = LocalApicModeBench.X2();
        RegisterWriteEffect effect = bench.Wr(0x830, 0x1234_5678_0000_4851);
        Assert.That(effect.Has(LocalApicEffects.SendIpi), Is.True);
        Assert.That(effect.Ipi.Message.Destination, Is.EqualTo(0x1234_5678));
        Assert.That(effect.Ipi.Message.IsLogical, Is.True);
        Assert.That(bench.Rd(0x830), Is.EqualTo(0x1234_5678_0000_4851));
    }

    [Test]
    public void The_delivery_status_bit_written_to_ICR_is_not_kept()
    {
        LocalApicModeBench bench = LocalApicModeBench.X2();
        bench.Wr(0x830, 0x1041);
        Assert.That(bench.Rd(0x830), Is.EqualTo(0x41));
    }

    // KUT apic.c: self_ipi_x2apic, with ICR; MSR 83Fh is the same IPI.
    [TestCase(0x830u, 0x400F1UL)]
    [TestCase(0x83Fu, 0xF1UL)]
    public void A_self_IPI_is_fixed_edge_and_for_the_sender_alone(uint msr, ulong value)
    {
        LocalApicModeBench bench = LocalApicModeBench.X2();
        RegisterWriteEffect effect = bench.Wr(msr, value);
        Assert.That(effect.Effects, Is.EqualTo(LocalApicEffects.SelfIpi));
        Assert.That(effect.Ipi.Shorthand, Is.EqualTo(IpiShorthand.Self));
        Assert.That(bench.Apic.Accept(effect.Ipi.Message).IsAccepted, Is.True);
        Assert.That(bench.Apic.Acknowledge(), Is.EqualTo(0xF1));
    }

    [Test]
    public void SELF_IPI_leaves_ICR_alone()
    {
        LocalApicModeBench bench = LocalApicModeBench.X2();
        bench.Wr(0x83F, 0x51);
        Assert.That(bench.Rd(0x830), Is.Zero);
    }

    [Test]
    public void SELF_IPI_with_an_illegal_vector_is_a_send_error()
    {
        LocalApicModeBench bench = LocalApicModeBench.X2();
        Assert.That(bench.Wr(0x83F, 0x0F).Has(LocalApicEffects.SelfIpi), Is.False);
        bench.Wr(0x828, 0);
        Assert.That(bench.Rd(0x828), Is.EqualTo((ulong)ApicErrors.SendIllegalVector));
    }

    [Test]
    public void A_reserved_MSR_is_no_illegal_register_error()
    {
        LocalApicModeBench bench = LocalApicModeBench.X2();
        bench.CanRead(0x804);
        bench.Wr(0x828, 0);
        Assert.That(bench.Rd(0x828), Is.Zero);
    }

    // LDR = cluster (ID >> 4) in 31:16 and one bit (ID & 15) in 15:0 (SDM3 10.12.10.2).
    [TestCase(0u, 0x0000_0001u)]
    [TestCase(3u, 0x0000_0008u)]
    [TestCase(0x1Fu, 0x0001_8000u)]
    [TestCase(0x100u, 0x0010_0001u)]
    [TestCase(0xF_FFFFu, 0xFFFF_8000u)]
    public void The_LDR_is_derived_from_the_32_bit_ID(uint id, uint ldr)
    {
        LocalApicModeBench bench = LocalApicModeBench.X2(id: id);
        Assert.That(bench.Rd(0x802), Is.EqualTo(id));
        Assert.That(bench.Rd(0x80D), Is.EqualTo(ldr));
    }

    [TestCase(0x0001_0004u, true)]
    [TestCase(0x0001_FFFFu, true)]
    [TestCase(0x0001_FFFBu, false, Description = "the bit is missing")]
    [TestCase(0x0000_0004u, false, Description = "another cluster")]
    [TestCase(0xFFFF_FFFFu, true)]
    public void A_logical_destination_is_a_cluster_and_a_mask(uint destination, bool matches) =>
        Assert.That(LocalApicModeBench.X2(id: 0x12).Matches(destination, logical: true), Is.EqualTo(matches));

    [TestCase(0x112u, true)]
    [TestCase(0x12u, false)]
    [TestCase(0xFFu, false)]
    [TestCase(0xFFFF_FFFFu, true)]
    public void A_physical_destination_has_32_bits(uint destination, bool matches) =>
        Assert.That(LocalApicModeBench.X2(id: 0x112).Matches(destination), Is.EqualTo(matches));

    [Test]
    public void TPR_EOI_and_timer_work_as_in_the_page()
    {
        LocalApicModeBench bench = LocalApicModeBench.X2();
        bench.Accept(DeliveryMode.Fixed, 0x51, ApicMessageFlags.Level);
        Assert.That(bench.Rd(0x822), Is.EqualTo(1u << 0x11));
        Assert.That(bench.Rd(0x81A), Is.EqualTo(1u << 0x11));
        bench.Apic.Acknowledge();
        Assert.That(bench.Rd(0x80A), Is.EqualTo(0x50));
        Assert.That(bench.Wr(0x80B, 0).Eoi, Is.EqualTo(new EoiResult(0x51, true)));
        bench.Wr(0x808, 0x35);
        Assert.That(bench.Apic.ReadCr8(), Is.EqualTo(3));
        bench.Wr(0x83E, 0xB);
        bench.Wr(0x838, 100);
        bench.Now = 40;
        Assert.That(bench.Rd(0x839), Is.EqualTo(60));
    }
}
