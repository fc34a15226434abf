namespace ScenarioHv.Conformance.Tests;

/// <summary>Something on which the manuals, KVM and QEMU do not agree, as operations that show it.</summary>
/// <param name="Row">The row of the table in the project's README.</param>
/// <param name="Fact">What it is about.</param>
/// <param name="Ops">The operations, separated by semicolons; what the last one shows is looked at.</param>
/// <param name="Manual">What the manual says that it shows.</param>
/// <param name="Kvm">What KVM of Linux 6.18 shows.</param>
/// <param name="Qemu">What QEMU 7.2 shows.</param>
public sealed record Disagreement(int Row, string Fact, string Ops, string Manual, string Kvm, string Qemu)
{
    /// <summary>The operations as a list for one CPU.</summary>
    public Recording List =>
        new(ToString(), ToString(), 1, false, [.. Ops.Split(';').Select(op => RecordedOp.Parse(op, 1))], []);

    /// <summary>What the last operation shows on a machine.</summary>
    /// <param name="machine">The machine, after power-on.</param>
    public string On(IWitness machine)
    {
        string log = "";
        foreach (RecordedOp op in List.Ops)
            log = machine.Execute(op);
        return log;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Row}_{Fact.Replace(' ', '_')}";
}

/// <summary>The table. KVM's and QEMU's columns are observations of the real ones; the manual's is the manual's word.</summary>
public static class Differences
{
    private const string On = "mw 0 fee000f0 1ff;";

    private const string Pics =
        "out 0 20 11;out 0 21 20;out 0 21 4;out 0 21 1;out 0 a0 11;out 0 a1 28;out 0 a1 2;out 0 a1 1;mw 0 fee000f0 1ff;mw 0 fee00350 700;";

    private const string Level3InService = Pics + "pol 0 23 0;line p 3 1;win 0;";

    private const string NestedSlave =
        "out 0 20 11;out 0 21 20;out 0 21 4;out 0 21 11;out 0 a0 11;out 0 a1 28;out 0 a1 2;out 0 a1 1;mw 0 fee000f0 1ff;"
        + "mw 0 fee00350 700;pol 0 29 0;line p 9 1;win 0 1;";

    public static readonly Disagreement[] All =
    [
        new(1, "fixed message to a software-disabled APIC", "msi fee00000 51;mw 0 fee000f0 1ff;win 0", "", "", "51"),
        new(2, "NMI message of a device to the last CPU, no local APIC written yet", "msi fee00000 400;nop 0", "02", "", "02"),
        new(3, "pending when the APIC is software-disabled", On + "msi fee00000 51;mw 0 fee000f0 ff;win 0", "51", "51", ""),
        new(4, "LVT masks of a software-disabled APIC",
            On + "mw 0 fee00350 700;mw 0 fee000f0 ff;mr 0 fee00350", "=00010700", "=00010700", "=00000700"),
        new(5, "SVR bit 9", "mw 0 fee000f0 3ff;mr 0 fee000f0", "=000003ff", "=000003ff", "=000001ff"),
        new(6, "reserved and read-only bits of an LVT entry",
            On + "mw 0 fee00350 ffffffff;mr 0 fee00350", "=0001a7ff", "=0001f7ff", "=ffffffff"),
        new(7, "LINT0 in fixed mode as the 8259 raises INT",
            Pics + "mw 0 fee00350 41;pulse p 3;mr 0 fee00220", "=00000002", "=00000000", "=00000002"),
        new(8, "cluster destination FFh", On + "mw 0 fee000e0 0fffffff;mw 0 fee000d0 11000000;msi feeff004 51;win 0", "51", "51", ""),
        new(9, "logical destination FFh and an LDR of 0", On + "msi feeff004 51;win 0", "51", "51", ""),
        new(10, "fixed IPI with level and without assert", On + "mw 0 fee00300 8051;win 0", "51", "", "51"),
        new(10, "TMR after a fixed IPI with level", On + "mw 0 fee00300 c051;mr 0 fee001a0", "=00000000", "=00020000", "=00020000"),
        new(11, "reserved bits of the ICR's high half", "mw 0 fee00310 ffffffff;mr 0 fee00310", "=ff000000", "=ff000000", "=ffffffff"),
        new(12, "vector 5 in IRR", On + "msi fee00000 5;mr 0 fee00200", "=00000000", "=00000020", "=00000020"),
        new(12, "vector 5 taken", On + "msi fee00000 5;win 0", "", "", "05"),
        new(12, "ESR after vector 5 is received",
            On + "msi fee00000 5;mw 0 fee00280 0;mr 0 fee00280", "=00000040", "=00000000", "=00000000"),
        new(13, "ESR after a reserved register is read",
            On + "mr 0 fee00040;mw 0 fee00280 0;mr 0 fee00280", "=00000080", "=00000000", "=00000080"),
        new(14, "version of the I/O APIC", "ior 0 1", "=00170020", "=00170011", "=00170020"),
        new(15, "edge entry made level, line high and delivered",
            On + "iow 0 16 51;line i 3 1;win 0;iow 0 16 8051;win 0 1", "51", "51", ""),
        new(16, "line high before the entry is made level and unmasked", On + "line i 3 1;iow 0 16 8051;win 0 1", "51", "51", ""),
        new(17, "remote IRR of a level entry that nobody accepts",
            "iow 0 16 8051;line i 3 1;ior 0 16", "=00009051", "=00008051", "=0000c051"),
        new(18, "lowest priority among a present and an absent CPU", On + "mw 0 fee000d0 1000000;msi fee03004 15f;win 0", "5f", "", "5f"),
        new(19, "ISR after ICW1",
            Level3InService + "out 0 20 11;out 0 21 20;out 0 21 4;out 0 21 1;out 0 20 b;in 0 20", "=08", "=08", "=00"),
        new(20, "ICW1 with SNGL: no ICW3", "out 0 20 13;out 0 21 20;out 0 21 1;out 0 21 a5;in 0 21", "=a5", "=00", "=a5"),
        new(21, "special mask mode", Level3InService + "out 0 21 8;out 0 20 68;line p 5 1;win 0 1", "25", "", "25"),
        new(22, "ISR after a poll with a request", Pics + "line p 3 1;out 0 20 c;in 0 20;out 0 20 b;in 0 20", "=08", "=00", "=08"),
        new(23, "poll without a request", Pics + "out 0 20 c;in 0 20", "=00", "=07", "=00"),
        new(24, "level entry made edge, line high", On + "pol 0 51 0;iow 0 16 8051;line i 3 1;win 0;iow 0 16 62;win 0", "", "", "62"),
        new(25, "INT after ICW1 has dropped the requests", Pics + "line p 3 1;out 0 20 11;win 0 1", "", "27", ""),
        new(26, "edge whose line falls before INTA", Pics + "pulse p 3;win 0", "", "23", "23"),
        new(27, "IRQ2 as an input", Pics + "line p 2 1;win 0 1", "", "2f", "2f"),
        new(28, "IR3 while the slave is in service, special fully nested", NestedSlave + "line p 3 1;win 0 1", "", "23", "23"),
        new(29, "level entry of mode NMI, line high", On + "iow 0 16 8400;line i 3 1;ior 0 16", "=00008400", "=0000c400", "=0000c400"),
        new(30, "level entry of the reserved mode 3, line high",
            On + "iow 0 16 8351;line i 3 1;ior 0 16", "=00008351", "=0000c351", "=0000c351"),
        new(31, "two NMI messages before an instruction", On + "msi fee00000 400;msi fee00000 400;nop 0;nop 0", "", "02", ""),
    ];
}
