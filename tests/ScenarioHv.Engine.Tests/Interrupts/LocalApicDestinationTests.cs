using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>Who is addressed by a destination or a shorthand (SDM3 10.6.2, 10.6.1).</summary>
public class LocalApicDestinationTests
{
    private const uint Flat = 0xFFFF_FFFF;
    private const uint Cluster = 0x0FFF_FFFF;

    [TestCase(3u, true)]
    [TestCase(2u, false)]
    [TestCase(0u, false)]
    [TestCase(0xFFu, true, Description = "FFh is everyone")]
    [TestCase(0x103u, false, Description = "no wrap to 8 bits")]
    [TestCase(0xFFFF_FFFFu, false, Description = "the x2APIC broadcast is not the xAPIC one")]
    public void A_physical_destination_is_the_APIC_ID(uint destination, bool matches) =>
        Assert.That(new LocalApicBench().Apic.Matches(Physical(destination)), Is.EqualTo(matches));

    // KUT apic.c "IPI to single target using logical flat mode": every bit of LDR, every destination with and without it.
    [Test]
    public void In_the_flat_model_each_common_bit_matches([Range(0, 7)] int bit)
    {
        LocalApicBench bench = Logical(1u << bit, Flat);
        for (uint destination = 0; destination < 0xFF; destination++)
            Assert.That(bench.Apic.Matches(Logical(destination)), Is.EqualTo((destination >> bit & 1) == 1));
    }

    // KUT apic.c "IPI to single target using logical cluster mode": clusters 0..14, members 0..3.
    [TestCase(0, 0)]
    [TestCase(0, 3)]
    [TestCase(5, 1)]
    [TestCase(14, 2)]
    public void In_the_cluster_model_the_cluster_must_be_equal_and_a_member_common(int cluster, int member)
    {
        LocalApicBench bench = Logical((uint)(cluster << 4 | 1 << member), Cluster);
        for (int destination = 0; destination < 0xFF; destination++)
        {
            bool expected = destination / 16 == cluster && (destination >> member) % 2 == 1;
            Assert.That(bench.Apic.Matches(Logical((uint)destination)), Is.EqualTo(expected), $"destination {destination}");
        }
    }

    [TestCase(Flat)]
    [TestCase(Cluster)]
    [TestCase(0x5FFF_FFFFu)]
    public void FF_is_broadcast_in_logical_mode_even_to_an_LDR_of_0(uint dfr) =>
        Assert.That(Logical(0, dfr).Apic.Matches(Logical(0xFF)), Is.True);

    [Test]
    public void An_LDR_of_0_matches_no_other_logical_destination([Values(Flat, Cluster)] uint dfr)
    {
        LocalApicBench bench = Logical(0, dfr);
        Assert.That(Enumerable.Range(0, 255).Any(d => bench.Apic.Matches(Logical((uint)d))), Is.False);
    }

    [Test]
    public void A_reserved_model_in_DFR_matches_nothing_but_broadcast()
    {
        LocalApicBench bench = Logical(0xFF, 0x5FFF_FFFF);
        Assert.That(Enumerable.Range(0, 255).Any(d => bench.Apic.Matches(Logical((uint)d))), Is.False);
    }

    // Its sender is in x2APIC mode, which the manual does not foresee; observed on Linux 6.18 KVM (lapic.c:kvm_apic_match_logical_addr).
    [TestCase(0x101u, Flat, true)]
    [TestCase(0xFFFF_FFFFu, Flat, true)]
    [TestCase(0x100u, Flat, false)]
    [TestCase(0x1FFu, Cluster, false)]
    [TestCase(0xFFFF_FFFFu, Cluster, false)]
    public void A_logical_destination_above_FF_is_compared_uncut(uint destination, uint model, bool matches) =>
        Assert.That(Logical(0xFF, model).Apic.Matches(Logical(destination)), Is.EqualTo(matches));

    [Test]
    public void Each_APIC_reads_the_destination_by_its_own_DFR()
    {
        Assert.That(Logical(0x21, Flat).Apic.Matches(Logical(0x11)), Is.True);
        Assert.That(Logical(0x21, Cluster).Apic.Matches(Logical(0x11)), Is.False);
    }

    [Test]
    public void A_software_disabled_APIC_is_still_addressed() =>
        Assert.That(new LocalApicBench(enabled: false).Apic.Matches(Physical(3)), Is.True);

    // KUT apic.c "aliased": two APICs may be given one ID, and both match.
    [Test]
    public void Rewriting_the_ID_register_moves_the_physical_address()
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.Id, 0x0712_3456);
        Assert.That(bench.Apic.Matches(Physical(7)), Is.True);
        Assert.That(bench.Apic.Matches(Physical(3)), Is.False);
    }

    [TestCase(IpiShorthand.None, true, true)]
    [TestCase(IpiShorthand.None, false, true)]
    [TestCase(IpiShorthand.Self, true, true)]
    [TestCase(IpiShorthand.Self, false, false)]
    [TestCase(IpiShorthand.All, true, true)]
    [TestCase(IpiShorthand.All, false, true)]
    [TestCase(IpiShorthand.AllExcludingSelf, true, false)]
    [TestCase(IpiShorthand.AllExcludingSelf, false, true)]
    public void The_shorthand_decides_by_who_sends(IpiShorthand shorthand, bool isSender, bool addressed) =>
        Assert.That(new LocalApicBench().Apic.IsAddressedBy(new IpiRequest(Physical(3), shorthand), isSender), Is.EqualTo(addressed));

    [TestCase(IpiShorthand.None, false)]
    [TestCase(IpiShorthand.Self, true)]
    [TestCase(IpiShorthand.All, true)]
    public void With_a_shorthand_the_destination_does_not_count(IpiShorthand shorthand, bool addressed) =>
        Assert.That(new LocalApicBench().Apic.IsAddressedBy(new IpiRequest(Physical(9), shorthand), true), Is.EqualTo(addressed));

    private static ApicMessage Physical(uint destination) => new() { Destination = destination, Vector = 0x41 };

    private static ApicMessage Logical(uint destination) => Physical(destination) with { Flags = ApicMessageFlags.Logical };

    private static LocalApicBench Logical(uint logicalId, uint dfr)
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.Ldr, logicalId << 24);
        bench.Write(LocalApicRegister.Dfr, dfr);
        return bench;
    }
}
