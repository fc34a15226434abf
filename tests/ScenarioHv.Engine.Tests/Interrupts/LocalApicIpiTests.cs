using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>The interrupt command register (SDM3 10.6.1).</summary>
public class LocalApicIpiTests
{
    private const uint Logical = 1 << 11;
    private const uint Assert14 = 1 << 14;
    private const uint Level15 = 1 << 15;
    private const uint Self = 1 << 18;
    private const uint AllIncluding = 2 << 18;
    private const uint AllExcluding = 3 << 18;

    [Test]
    public void Writing_the_low_half_sends_to_the_destination_that_the_high_half_has_then()
    {
        var bench = new LocalApicBench();
        Assert.That(bench.Write(LocalApicRegister.IcrHigh, 0x0500_0000).Effects, Is.EqualTo(LocalApicEffects.None));
        RegisterWriteEffect effect = bench.Write(LocalApicRegister.IcrLow, 0x44 | Assert14);
        Assert.That(effect.Effects, Is.EqualTo(LocalApicEffects.SendIpi));
        Assert.That(effect.Ipi.Shorthand, Is.EqualTo(IpiShorthand.None));
        Assert.That(effect.Ipi.Message, Is.EqualTo(new ApicMessage { Destination = 5, Vector = 0x44, Mode = DeliveryMode.Fixed }));
    }

    [Test]
    public void Destination_mode_logical_is_carried()
    {
        var bench = new LocalApicBench();
        Assert.That(bench.Write(LocalApicRegister.IcrLow, 0x44 | Logical).Ipi.Message.IsLogical, Is.True);
        Assert.That(bench.Write(LocalApicRegister.IcrLow, 0x44).Ipi.Message.IsLogical, Is.False);
    }

    // KUT apic.c "self_ipi_xapic": shorthand self, fixed, vector F1h, level bit 0: exactly one interrupt.
    [Test]
    public void A_self_IPI_comes_back_to_the_sender_once()
    {
        var bench = new LocalApicBench();
        RegisterWriteEffect effect = bench.Write(LocalApicRegister.IcrLow, 0xF1 | Self);
        Assert.That(effect.Effects, Is.EqualTo(LocalApicEffects.SelfIpi));
        bench.Apic.Accept(effect.Ipi.Message);
        Assert.That(bench.Apic.Acknowledge(), Is.EqualTo(0xF1));
        bench.Apic.Eoi();
        Assert.That(bench.Apic.HighestDeliverable(), Is.EqualTo(-1));
    }

    // KUT apic.c "APIC physical broadcast address" and "APIC physical broadcast shorthand".
    [TestCase(0xFF00_0000u, 0xCFu | Assert14)]
    [TestCase(0u, 0xCFu | Assert14 | AllIncluding)]
    public void A_broadcast_reaches_every_APIC_the_sender_included(uint high, uint low)
    {
        LocalApicBench[] benches = [new(apicId: 0), new(apicId: 1), new(apicId: 7)];
        benches[0].Write(LocalApicRegister.IcrHigh, high);
        IpiRequest ipi = benches[0].Write(LocalApicRegister.IcrLow, low).Ipi;
        for (int i = 0; i < benches.Length; i++)
        {
            Assert.That(benches[i].Apic.IsAddressedBy(ipi, isSender: i == 0), Is.True);
            benches[i].Apic.Accept(ipi.Message);
            Assert.That(benches[i].Irr(), Is.EqualTo(new[] { 0xCF }));
        }
    }

    [TestCase(Self, IpiShorthand.Self, LocalApicEffects.SelfIpi)]
    [TestCase(AllIncluding, IpiShorthand.All, LocalApicEffects.SendIpi)]
    [TestCase(AllExcluding, IpiShorthand.AllExcludingSelf, LocalApicEffects.SendIpi)]
    public void The_shorthand_is_bits_19_18(uint bits, IpiShorthand shorthand, LocalApicEffects effects)
    {
        RegisterWriteEffect effect = new LocalApicBench().Write(LocalApicRegister.IcrLow, 0x44 | bits);
        Assert.That(effect.Ipi.Shorthand, Is.EqualTo(shorthand));
        Assert.That(effect.Effects, Is.EqualTo(effects));
    }

    // KUT apic.c sends fixed and NMI IPIs with the level bit clear and expects them; since the Pentium 4 every IPI is edge, asserted.
    [TestCase(0u)]
    [TestCase(Assert14)]
    [TestCase(Level15)]
    [TestCase(Level15 | Assert14)]
    public void Trigger_and_level_of_a_fixed_IPI_do_not_count(uint bits)
    {
        ApicMessage message = new LocalApicBench().Write(LocalApicRegister.IcrLow, 0x51 | bits).Ipi.Message;
        Assert.That(message.Flags, Is.EqualTo(ApicMessageFlags.None));
    }

    [TestCase(0x500u, true)]
    [TestCase(0x500u | Assert14, true)]
    [TestCase(0x500u | Level15 | Assert14, true)]
    [TestCase(0x500u | Level15, false)]
    public void An_INIT_level_de_assert_is_a_no_op_and_every_other_INIT_is_sent(uint low, bool sent)
    {
        RegisterWriteEffect effect = new LocalApicBench().Write(LocalApicRegister.IcrLow, low);
        Assert.That(effect.Has(LocalApicEffects.SendIpi), Is.EqualTo(sent));
    }

    [TestCase(0x000u)]
    [TestCase(0x00Fu)]
    [TestCase(0x10Fu)]
    public void A_vector_0_to_15_is_not_sent_and_sets_ESR_bit_5(uint low)
    {
        var bench = new LocalApicBench();
        Assert.That(bench.Write(LocalApicRegister.IcrLow, low).Effects, Is.EqualTo(LocalApicEffects.None));
        Assert.That(bench.LatchedErrors(), Is.EqualTo(0x20));
    }

    [TestCase(0x400u, DeliveryMode.Nmi)]
    [TestCase(0x200u, DeliveryMode.Smi)]
    [TestCase(0x608u, DeliveryMode.StartUp)]
    public void Where_there_is_no_vector_none_is_illegal(uint low, DeliveryMode mode)
    {
        var bench = new LocalApicBench();
        RegisterWriteEffect effect = bench.Write(LocalApicRegister.IcrLow, low | AllExcluding);
        Assert.That(effect.Ipi.Message.Mode, Is.EqualTo(mode));
        Assert.That(effect.Ipi.Message.Vector, Is.EqualTo((byte)low));
        Assert.That(bench.LatchedErrors(), Is.Zero);
    }

    [TestCase(0x341u)]
    [TestCase(0x741u)]
    public void The_reserved_modes_are_not_sent(uint low) =>
        Assert.That(new LocalApicBench().Write(LocalApicRegister.IcrLow, low).Effects, Is.EqualTo(LocalApicEffects.None));

    [Test]
    public void A_send_error_raises_the_error_interrupt()
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.LvtError, 0xE1);
        LocalApicEffects effects = bench.Write(LocalApicRegister.IcrLow, 0x0F).Effects;
        Assert.That(effects, Is.EqualTo(LocalApicEffects.ErrorInterrupt | LocalApicEffects.DeliverabilityMayHaveChanged));
        Assert.That(bench.Irr(), Is.EqualTo(new[] { 0xE1 }));
    }

    [Test]
    public void ICR_reads_what_was_written_with_delivery_status_idle()
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.IcrHigh, 0x05FF_FFFF);
        bench.Write(LocalApicRegister.IcrLow, 0x44 | Assert14 | 1 << 12);
        Assert.That(bench.Read(LocalApicRegister.IcrLow), Is.EqualTo(0x44 | Assert14));
        Assert.That(bench.Read(LocalApicRegister.IcrHigh), Is.EqualTo(0x0500_0000));
    }

    [Test]
    public void A_software_disabled_APIC_still_sends() =>
        Assert.That(new LocalApicBench(enabled: false).Write(LocalApicRegister.IcrLow, 0x44).Effects, Is.EqualTo(LocalApicEffects.SendIpi));
}
