using System.Runtime.InteropServices;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>The register page: reset values, what can be written, reserved offsets, ESR, software disable (SDM3 10.4, 10.5.3).</summary>
public class LocalApicRegisterTests
{
    private const uint Masked = LocalApicBench.Masked;

    [TestCase(LocalApicRegister.Id, 0x0300_0000u)]
    [TestCase(LocalApicRegister.Version, 0x0005_0014u)]
    [TestCase(LocalApicRegister.Tpr, 0u)]
    [TestCase(LocalApicRegister.Apr, 0u)]
    [TestCase(LocalApicRegister.Ppr, 0u)]
    [TestCase(LocalApicRegister.Rrd, 0u)]
    [TestCase(LocalApicRegister.Ldr, 0u)]
    [TestCase(LocalApicRegister.Dfr, 0xFFFF_FFFFu)]
    [TestCase(LocalApicRegister.Svr, 0x0000_00FFu)]
    [TestCase(LocalApicRegister.Esr, 0u)]
    [TestCase(LocalApicRegister.IcrLow, 0u)]
    [TestCase(LocalApicRegister.IcrHigh, 0u)]
    [TestCase(LocalApicRegister.LvtTimer, Masked)]
    [TestCase(LocalApicRegister.LvtThermal, Masked)]
    [TestCase(LocalApicRegister.LvtPerformance, Masked)]
    [TestCase(LocalApicRegister.LvtLint0, Masked)]
    [TestCase(LocalApicRegister.LvtLint1, Masked)]
    [TestCase(LocalApicRegister.LvtError, Masked)]
    [TestCase(LocalApicRegister.TimerInitialCount, 0u)]
    [TestCase(LocalApicRegister.TimerCurrentCount, 0u)]
    [TestCase(LocalApicRegister.TimerDivide, 0u)]
    public void After_RESET_a_register_reads(int offset, uint value) =>
        Assert.That(new LocalApicBench(enabled: false).Read(offset), Is.EqualTo(value));

    // All ones, then all zeros, into a software-enabled APIC.
    [TestCase(LocalApicRegister.Id, 0xFF00_0000u, 0u)]
    [TestCase(LocalApicRegister.Version, 0x0005_0014u, 0x0005_0014u)]
    [TestCase(LocalApicRegister.Tpr, 0xFFu, 0u)]
    [TestCase(LocalApicRegister.Ppr, 0u, 0u)]
    [TestCase(LocalApicRegister.Ldr, 0xFF00_0000u, 0u)]
    [TestCase(LocalApicRegister.Dfr, 0xFFFF_FFFFu, 0x0FFF_FFFFu)]
    [TestCase(LocalApicRegister.Svr, 0x0000_03FFu, 0u)]
    [TestCase(LocalApicRegister.IcrLow, 0x000C_CFFFu, 0u)]
    [TestCase(LocalApicRegister.IcrHigh, 0xFF00_0000u, 0u)]
    [TestCase(LocalApicRegister.LvtTimer, 0x0007_00FFu, 0u)]
    [TestCase(LocalApicRegister.LvtThermal, 0x0001_07FFu, 0u)]
    [TestCase(LocalApicRegister.LvtPerformance, 0x0001_07FFu, 0u)]
    [TestCase(LocalApicRegister.LvtLint0, 0x0001_A7FFu, 0u)]
    [TestCase(LocalApicRegister.LvtLint1, 0x0001_A7FFu, 0u)]
    [TestCase(LocalApicRegister.LvtError, 0x0001_00FFu, 0u)]
    [TestCase(LocalApicRegister.TimerInitialCount, 0xFFFF_FFFFu, 0u)]
    [TestCase(LocalApicRegister.TimerDivide, 0x0000_000Bu, 0u)]
    public void Only_the_defined_bits_can_be_written(int offset, uint ones, uint zeros)
    {
        var bench = new LocalApicBench();
        bench.Write(offset, 0xFFFF_FFFF);
        Assert.That(bench.Read(offset), Is.EqualTo(ones));
        bench.Write(offset, 0);
        Assert.That(bench.Read(offset), Is.EqualTo(zeros));
    }

    [TestCase(LocalApicRegister.Isr)]
    [TestCase(LocalApicRegister.Tmr)]
    [TestCase(LocalApicRegister.Irr)]
    public void ISR_TMR_and_IRR_ignore_writes_without_an_error(int offset)
    {
        var bench = new LocalApicBench();
        for (int i = 0; i < 8; i++)
            bench.Write(offset + 0x10 * i, 0xFFFF_FFFF);
        Assert.That(bench.Vectors(offset), Is.Empty);
        Assert.That(bench.LatchedErrors(), Is.Zero);
    }

    [TestCase(0x000)]
    [TestCase(0x010)]
    [TestCase(0x040)]
    [TestCase(0x070)]
    [TestCase(0x290)]
    [TestCase(0x2E0)]
    [TestCase(0x2F0, Description = "no CMCI among six LVT entries")]
    [TestCase(0x3A0)]
    [TestCase(0x3D0)]
    [TestCase(0x3F0)]
    [TestCase(0x400)]
    [TestCase(0xFF0)]
    public void Access_to_a_reserved_offset_sets_ESR_bit_7(int offset)
    {
        var bench = new LocalApicBench();
        Assert.That(bench.Read(offset), Is.Zero);
        Assert.That(bench.LatchedErrors(), Is.EqualTo(0x80));
        bench.Write(offset, 0xFFFF_FFFF);
        Assert.That(bench.LatchedErrors(), Is.EqualTo(0x80));
    }

    [Test]
    public void Every_other_offset_is_a_register_and_no_error([Values(false, true)] bool write)
    {
        int[] reserved = [0x00, 0x01, 0x04, 0x05, 0x06, 0x07, 0x29, 0x2A, 0x2B, 0x2C, 0x2D, 0x2E, 0x2F, 0x3A, 0x3B, 0x3C, 0x3D, 0x3F];
        var bench = new LocalApicBench();
        foreach (int index in Enumerable.Range(0, 0x40).Except(reserved).Where(i => i << 4 != LocalApicRegister.IcrLow))
        {
            if (write)
                bench.Write(index << 4, 0x41);
            else
                bench.Read(index << 4);
        }
        Assert.That(bench.LatchedErrors(), Is.Zero);
    }

    [TestCase(-1)]
    [TestCase(0x1000)]
    public void An_offset_outside_the_page_is_refused(int offset)
    {
        var bench = new LocalApicBench();
        Assert.That(() => bench.Read(offset), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => bench.Write(offset, 0), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [TestCase(LocalApicRegister.Tpr + 1)]
    [TestCase(LocalApicRegister.Tpr + 4)]
    public void Between_the_registers_there_is_nothing(int offset)
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.Tpr, 0x55);
        bench.Write(offset, 0x99);
        Assert.That(bench.Read(offset), Is.Zero);
        Assert.That(bench.Read(LocalApicRegister.Tpr), Is.EqualTo(0x55));
    }

    [Test]
    public void With_seven_LVT_entries_CMCI_is_a_register_masked_at_RESET()
    {
        var bench = new LocalApicBench(enabled: false, version: LocalApicOptions.SevenLvtVersion);
        Assert.That(bench.Read(LocalApicRegister.Version), Is.EqualTo(0x0006_0014));
        Assert.That(bench.Read(LocalApicRegister.LvtCmci), Is.EqualTo(Masked));
        bench.Write(LocalApicRegister.Svr, 0x1FF);
        bench.Write(LocalApicRegister.LvtCmci, 0xFFFF_FFFF);
        Assert.That(bench.Read(LocalApicRegister.LvtCmci), Is.EqualTo(0x0001_07FF));
    }

    // KUT apic.c "apic existence": the low byte is 10h..15h.
    [TestCase(0x0005_0014u, true)]
    [TestCase(0x0006_0015u, true)]
    [TestCase(0x0105_0010u, true)]
    [TestCase(0x0005_0016u, false)]
    [TestCase(0x0004_0014u, false)]
    [TestCase(0x0205_0014u, false)]
    [TestCase(0u, false)]
    public void A_version_register_has_10h_to_15h_and_six_or_seven_entries(uint version, bool allowed) =>
        Assert.That(() => new LocalApicOptions(version), allowed ? Throws.Nothing : Throws.ArgumentException);

    [Test]
    public void ESR_shows_the_errors_up_to_its_last_write_and_two_writes_in_a_row_leave_0()
    {
        var bench = new LocalApicBench();
        bench.Edge(5);
        Assert.That(bench.Read(LocalApicRegister.Esr), Is.Zero);
        bench.Write(LocalApicRegister.Esr, 0xFFFF_FFFF);
        Assert.That(bench.Read(LocalApicRegister.Esr), Is.EqualTo(0x40));
        bench.Read(0x000);
        Assert.That(bench.Read(LocalApicRegister.Esr), Is.EqualTo(0x40));
        bench.Write(LocalApicRegister.Esr, 0);
        Assert.That(bench.Read(LocalApicRegister.Esr), Is.EqualTo(0x80));
        bench.Write(LocalApicRegister.Esr, 0);
        Assert.That(bench.Read(LocalApicRegister.Esr), Is.Zero);
    }

    [Test]
    public void The_error_interrupt_comes_with_a_new_error_only()
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.LvtError, 0xE1);
        Assert.That(bench.Edge(5).RaisedError, Is.True);
        Assert.That(bench.Irr(), Is.EqualTo(new[] { 0xE1 }));
        Assert.That(bench.Edge(6).RaisedError, Is.False);
        Assert.That(bench.Write(0x040, 0).Has(LocalApicEffects.ErrorInterrupt), Is.True);
        bench.Write(LocalApicRegister.Esr, 0);
        Assert.That(bench.Edge(5).RaisedError, Is.True);
    }

    [Test]
    public void An_error_under_a_masked_entry_is_collected_and_its_interrupt_lost()
    {
        var bench = new LocalApicBench();
        Assert.That(bench.Edge(5).RaisedError, Is.False);
        bench.Write(LocalApicRegister.LvtError, 0xE1);
        Assert.That(bench.Edge(5).RaisedError, Is.False);
        Assert.That(bench.LatchedErrors(), Is.EqualTo(0x40));
        Assert.That(bench.Irr(), Is.Empty);
    }

    [Test]
    public void A_read_of_a_reserved_offset_puts_the_error_interrupt_into_IRR()
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.LvtError, 0xE1);
        bench.Read(0x000);
        Assert.That(bench.Apic.HighestDeliverable(), Is.EqualTo(0xE1));
    }

    [Test]
    public void An_error_vector_that_is_itself_illegal_is_one_more_error_and_no_loop()
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.LvtError, 0x05);
        Assert.That(bench.Write(0x000, 0).Effects, Is.EqualTo(LocalApicEffects.None));
        Assert.That(bench.LatchedErrors(), Is.EqualTo(0xC0));
    }

    [Test]
    public void Disabling_masks_the_whole_LVT_and_enabling_leaves_it_masked()
    {
        int[] entries = [0x2F0, 0x320, 0x330, 0x340, 0x350, 0x360, 0x370];
        var bench = new LocalApicBench(version: LocalApicOptions.SevenLvtVersion);
        foreach (int entry in entries)
            bench.Write(entry, 0x41);
        bench.Write(LocalApicRegister.Svr, 0xFF);
        Assert.That(entries.Select(bench.Read), Is.All.EqualTo(Masked | 0x41));
        foreach (int entry in entries)
            bench.Write(entry, 0x42);
        Assert.That(entries.Select(bench.Read), Is.All.EqualTo(Masked | 0x42), "the mask cannot be cleared");
        bench.Write(LocalApicRegister.Svr, 0x1FF);
        Assert.That(entries.Select(bench.Read), Is.All.EqualTo(Masked | 0x42), "enabling clears no mask");
        bench.Write(0x370, 0x43);
        Assert.That(bench.Read(0x370), Is.EqualTo(0x43));
    }

    [Test]
    public void Disabling_keeps_IRR_and_ISR()
    {
        var bench = new LocalApicBench();
        bench.InService(0x51);
        bench.Edge(0x41);
        bench.Write(LocalApicRegister.Svr, 0xFF);
        Assert.That(bench.Irr(), Is.EqualTo(new[] { 0x41 }));
        Assert.That(bench.Isr(), Is.EqualTo(new[] { 0x51 }));
    }

    [Test]
    public void RESET_clears_every_byte_that_is_not_an_input()
    {
        LocalApic apic = default;
        Bytes(ref apic).Fill(0xFF);
        apic.LintLevels = 0;
        apic.Reset(3, bsp: false, LocalApicOptions.Architectural);
        LocalApic fresh = new LocalApicBench(enabled: false).Apic;
        Assert.That(Bytes(ref apic).ToArray(), Is.EqualTo(Bytes(ref fresh).ToArray()));
    }

    [Test]
    public void INIT_is_RESET_that_keeps_the_ID_and_the_LINT_inputs()
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.Id, 0x0900_0000);
        bench.Apic.SetLint(LvtEntry.Lint1, true);
        bench.InService(0x51);
        bench.Write(LocalApicRegister.TimerInitialCount, 1000);
        bench.Apic.Init();

        LocalApic fresh = default;
        fresh.Reset(3, bsp: false, LocalApicOptions.Architectural);
        fresh.Id = 0x0900_0000;
        fresh.LintLevels = 2;
        Assert.That(Bytes(ref bench.Apic).ToArray(), Is.EqualTo(Bytes(ref fresh).ToArray()));
    }

    [TestCase(true, true, 0x700u)]
    [TestCase(true, false, Masked)]
    [TestCase(false, true, Masked)]
    public void The_boot_processors_LINT0_may_come_up_as_virtual_wire(bool bsp, bool quirk, uint lint0)
    {
        LocalApic apic = default;
        apic.Reset(0, bsp, new LocalApicOptions(LocalApicOptions.SixLvtVersion, bspLint0IsExtInt: quirk));
        Assert.That(apic.LvtLint0, Is.EqualTo(lint0));
        apic.LvtLint0 = 0x41;
        apic.Init();
        Assert.That(apic.LvtLint0, Is.EqualTo(lint0));
    }

    [Test]
    public void RESET_wants_an_ID_that_is_not_the_broadcast_and_made_options()
    {
        LocalApic apic = default;
        Assert.That(() => apic.Reset(255, false, LocalApicOptions.Architectural), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => apic.Reset(0, false, default), Throws.ArgumentException);
    }

    private static Span<byte> Bytes(ref LocalApic apic) => MemoryMarshal.AsBytes(new Span<LocalApic>(ref apic));
}
