using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>The registers: TLFS inter-partition-communication, and where KVM's and OpenVMM's differ.</summary>
public class SynIcMsrTests
{
    private const int Tlfs = 0;
    private const int Kvm = 1;
    private const int OpenVmm = 2;

    [TestCase(Tlfs, 0UL)]
    [TestCase(Kvm, 1UL)]
    [TestCase(OpenVmm, 1UL)]
    public void SCONTROL_starts_disabled_in_the_TLFS_and_enabled_in_KVM_and_OpenVMM(int flavour, ulong value)
    {
        var bench = Activated(flavour);
        Assert.That(bench.Read(SynIcMsr.Scontrol), Is.EqualTo(value));
    }

    [TestCase(0x4000_0081u, 1UL)]
    [TestCase(0x4000_0082u, 0UL)]
    [TestCase(0x4000_0083u, 0UL)]
    [TestCase(0x4000_0084u, 0UL)]
    [TestCase(0x4000_0090u, 0x10000UL)]
    [TestCase(0x4000_0097u, 0x10000UL)]
    [TestCase(0x4000_009Fu, 0x10000UL)]
    public void Reset_values_are_the_tables(uint msr, ulong value)
    {
        for (int flavour = 0; flavour < 3; flavour++)
            Assert.That(Activated(flavour).Read(msr), Is.EqualTo(value));
    }

    [TestCase(0x4000_0080u)]
    [TestCase(0x4000_0082u)]
    [TestCase(0x4000_0083u)]
    [TestCase(0x4000_0095u)]
    public void Registers_keep_reserved_bits_as_written(uint msr)
    {
        var bench = Activated(Kvm);
        const ulong value = 0xFEDC_BA98_7654_3FF1;
        Assert.That(bench.Write(msr, value).IsFault, Is.False);
        Assert.That(bench.Read(msr), Is.EqualTo(value));
    }

    [Test]
    public void SVERSION_is_read_only_for_the_guest_and_not_for_the_monitor([Range(0, 2)] int flavour)
    {
        var bench = Activated(flavour);
        Assert.That(bench.Write(SynIcMsr.Sversion, 2).IsFault);
        Assert.That(bench.Read(SynIcMsr.Sversion), Is.EqualTo(1));
        Assert.That(bench.Write(SynIcMsr.Sversion, 2, fromHost: true).IsFault, Is.False);
        Assert.That(bench.Read(SynIcMsr.Sversion), Is.EqualTo(2));
    }

    [Test]
    public void EOM_reads_0_whatever_was_written()
    {
        var bench = Activated(Kvm);
        bench.Write(SynIcMsr.Eom, 0x1234);
        Assert.That(bench.Read(SynIcMsr.Eom), Is.EqualTo(0));
    }

    [TestCase(0x4000_0085u)]
    [TestCase(0x4000_008Fu)]
    [TestCase(0x4000_00A0u)]
    [TestCase(0x4000_007Fu)]
    public void Addresses_between_the_registers_fault(uint msr)
    {
        var bench = Activated(Kvm);
        Assert.That(bench.SynIc.WriteMsr(msr, 0, fromHost: true).IsFault);
        Assert.That(bench.SynIc.TryReadMsr(msr, fromHost: true, out _), Is.False);
    }

    [Test]
    public void Inactive_SynIC_faults_for_the_guest_and_takes_only_zero_from_the_monitor()
    {
        var bench = new SynIcBench(SynIcPolicy.Kvm, enabled: false);
        Assert.That(bench.SynIc.TryReadMsr(SynIcMsr.Simp, false, out _), Is.False);
        Assert.That(bench.SynIc.TryReadMsr(SynIcMsr.Simp, true, out _), Is.True);
        Assert.That(bench.Write(SynIcMsr.Eom, 0).IsFault);
        Assert.That(bench.Write(SynIcMsr.Simp, 0, fromHost: true).IsFault, Is.False);
        Assert.That(bench.Write(SynIcMsr.Simp, 1, fromHost: true).IsFault);
        Assert.That(bench.SynIc.WriteMsr(SynIcMsr.Eom, 0, true).Rescan, Is.EqualTo(0));
    }

    [TestCase(Tlfs, 0x0FUL, true)]
    [TestCase(Tlfs, 0x1000FUL, true)]
    [TestCase(Tlfs, 0x10000UL, true)]
    [TestCase(Tlfs, 0x10UL, false)]
    [TestCase(Kvm, 0x0FUL, true)]
    [TestCase(Kvm, 0x10000UL, false)]
    [TestCase(Kvm, 0x10UL, false)]
    [TestCase(OpenVmm, 0x0FUL, false)]
    [TestCase(OpenVmm, 0x10000UL, false)]
    public void Vectors_below_16_fault_always_unless_masked_or_never(int flavour, ulong value, bool faults)
    {
        var bench = Activated(flavour);
        bench.Sint(4, 0x55);
        Assert.That(bench.Sint(4, value).IsFault, Is.EqualTo(faults));
        Assert.That(bench.Read(SynIcMsr.Sint0 + 4), Is.EqualTo(faults ? 0x55 : value));
    }

    [Test]
    public void Monitor_may_restore_any_vector_and_one_below_16_is_connected_to_nothing([Range(0, 2)] int flavour)
    {
        var bench = Activated(flavour);
        Assert.That(bench.Write(SynIcMsr.Sint0, 5, fromHost: true).IsFault, Is.False);
        Assert.That(bench.SynIc.IsConnected(5), Is.False);
    }

    [TestCase(Tlfs, false, false)]
    [TestCase(Kvm, true, true)]
    [TestCase(OpenVmm, true, false)]
    public void Page_is_cleared_at_reset_at_each_enabling_write_or_when_it_moves(int flavour, bool onEnable, bool onRewrite)
    {
        var bench = Activated(flavour);
        bench.Page[2].Type = 9;
        bench.Write(SynIcMsr.Simp, 0x5001);
        Assert.That(bench.Page[2].IsEmpty, Is.EqualTo(onEnable));
        bench.Page[2].Type = 9;
        bench.Write(SynIcMsr.Simp, 0x5001);
        Assert.That(bench.Page[2].IsEmpty, Is.EqualTo(onRewrite));
        bench.Write(SynIcMsr.Simp, 0x7001);
        Assert.That(bench.Page[2].IsEmpty, Is.EqualTo(flavour != Tlfs));
    }

    [Test]
    public void Event_page_is_cleared_by_the_same_rule_and_neither_by_the_monitor_nor_by_SYNIC2()
    {
        var bench = Activated(Kvm);
        bench.Events.Set(3, 1000);
        bench.Write(SynIcMsr.Siefp, 0x6001, fromHost: true);
        Assert.That(bench.Events.Contains(3, 1000));
        bench.Write(SynIcMsr.Siefp, 0x6000);
        Assert.That(bench.Events.Contains(3, 1000));
        bench.Write(SynIcMsr.Siefp, 0x6001);
        Assert.That(bench.Events.Contains(3, 1000), Is.False);

        var synic2 = new SynIcBench(SynIcPolicy.Kvm with { PageClearing = SynIcPageClearing.Never });
        synic2.Page[1].Type = 9;
        synic2.Write(SynIcMsr.Simp, 0x5001);
        Assert.That(synic2.Page[1].Type, Is.EqualTo(9));
    }

    [Test]
    public void Power_on_clears_the_overlay_pages_of_the_TLFS_and_no_others([Range(0, 2)] int flavour)
    {
        var bench = SynIcBench.For(flavour);
        bench.Page[0].Type = 9;
        bench.SynIc.PowerOn();
        Assert.That(bench.Page[0].IsEmpty, Is.EqualTo(flavour == Tlfs));
        Assert.That(bench.SynIc.IsActive, Is.False);
    }

    [Test]
    public void Vector_is_AutoEOI_if_any_unmasked_source_with_it_is([Range(0, 1)] int flavour)
    {
        var bench = Activated(flavour);
        bench.Sint(1, 0x60);
        bench.Sint(2, 0x60 | SynIcSint.AutoEoiBit);
        Assert.That(bench.SynIc.IsAutoEoi(0x60));
        bench.Sint(2, 0x60 | SynIcSint.AutoEoiBit | SynIcSint.MaskedBit);
        Assert.That(bench.SynIc.IsAutoEoi(0x60), Is.False);
        Assert.That(bench.SynIc.IsConnected(0x60));
        bench.Sint(1, 0x61);
        Assert.That(bench.SynIc.IsConnected(0x60), Is.False, "the old vector is forgotten");
        Assert.That(bench.SynIc.IsConnected(0x61));
    }

    [Test]
    public void First_and_last_AutoEOI_vector_change_the_use_count_and_no_other_write_does()
    {
        var bench = Activated(Kvm);
        Assert.That(bench.Sint(1, 0x60).AutoEoiChange, Is.EqualTo(0));
        Assert.That(bench.Sint(2, 0x61 | SynIcSint.AutoEoiBit).AutoEoiChange, Is.EqualTo(1));
        Assert.That(bench.Sint(3, 0x62 | SynIcSint.AutoEoiBit).AutoEoiChange, Is.EqualTo(0));
        Assert.That(bench.Sint(2, 0x61).AutoEoiChange, Is.EqualTo(0));
        Assert.That(bench.SynIc.AutoEoiInUse);
        Assert.That(bench.Sint(3, 0x62 | SynIcSint.AutoEoiBit | SynIcSint.MaskedBit).AutoEoiChange, Is.EqualTo(-1));
        Assert.That(bench.SynIc.AutoEoiInUse, Is.False);
    }

    [Test]
    public void Bitmaps_are_what_the_single_questions_say()
    {
        var bench = SynIcBench.For(Kvm);
        bench.Sint(3, 0xB3 | SynIcSint.AutoEoiBit);
        bench.Sint(4, 0xB4 | SynIcSint.AutoEoiBit | SynIcSint.MaskedBit);
        var vectors = bench.SynIc.VectorBitmap;
        var autoEoi = bench.SynIc.AutoEoiBitmap;
        for (int v = 0; v < 256; v++)
        {
            Assert.That(vectors.Contains(v), Is.EqualTo(bench.SynIc.IsConnected(v)));
            Assert.That(autoEoi.Contains(v), Is.EqualTo(bench.SynIc.IsAutoEoi(v)));
        }
        Assert.That(vectors.Count, Is.EqualTo(15), "16 sources, one masked");
        Assert.That(autoEoi.Count, Is.EqualTo(1));
    }

    [Test]
    public void EOI_of_a_shared_vector_scans_each_unmasked_source_that_has_it()
    {
        var bench = Activated(Kvm);
        bench.Sint(1, 0x60);
        bench.Sint(5, 0x60);
        bench.Sint(9, 0x60 | SynIcSint.MaskedBit);
        Assert.That(bench.SynIc.NotifyEoi(0x60), Is.EqualTo(1 << 1 | 1 << 5));
        Assert.That(bench.SynIc.NotifyEoi(0x61), Is.EqualTo(0));
    }

    [TestCase(Tlfs, 0xFFFF)]
    [TestCase(Kvm, 0xFFFF)]
    [TestCase(OpenVmm, 0)]
    public void EOM_scans_all_sixteen_sources_and_in_OpenVMM_does_nothing(int flavour, int mask)
    {
        Assert.That(Activated(flavour).Write(SynIcMsr.Eom, 0).Rescan, Is.EqualTo(mask));
    }

    private static SynIcBench Activated(int flavour)
    {
        var (synic, timer) = SynIcBench.Flavours[flavour];
        var bench = new SynIcBench(synic, timer, enabled: false);
        bench.SynIc.Activate();
        return bench;
    }
}
