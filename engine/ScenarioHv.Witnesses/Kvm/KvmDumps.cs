using System.Globalization;
using System.Text;

namespace ScenarioHv.Witnesses;

/// <summary>The register dumps, as the recordings write them.</summary>
internal static class KvmDumps
{
    private const ulong RedirectionReset = 0x10000;

    private static readonly int[] Lvts =
    [
        LapicPage.LvtTimer, LapicPage.LvtThermal, LapicPage.LvtPerformance, LapicPage.LvtLint0, LapicPage.LvtLint1, LapicPage.LvtError,
    ];

    public static string Of(int cpu, in LapicPage lapic)
    {
        var lvt = new StringBuilder();
        foreach (int register in Lvts)
            lvt.Append(lvt.Length == 0 ? "" : ",").Append(CultureInfo.InvariantCulture, $"{lapic[register]:x5}");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"L{cpu} id={lapic[LapicPage.Id]:x} tpr={lapic[LapicPage.Tpr]:x2} ldr={lapic[LapicPage.Ldr]:x8} dfr={lapic[LapicPage.Dfr]:x8} "
            + $"svr={lapic[LapicPage.Svr]:x3} esr={lapic[LapicPage.Esr]:x} icr={lapic[LapicPage.IcrHigh]:x8}:{lapic[LapicPage.IcrLow]:x8} "
            + $"lvt={lvt} tmict={lapic[LapicPage.TimerInitialCount]:x} tdcr={lapic[LapicPage.TimerDivide]:x} "
            + $"irr={Vectors(lapic, LapicPage.Irr)} isr={Vectors(lapic, LapicPage.Isr)} tmr={Vectors(lapic, LapicPage.Tmr)}");
    }

    public static string Of(in KvmIoApicState chip)
    {
        var entries = new StringBuilder();
        for (int pin = 0; pin < KvmIoApicState.Pins; pin++)
        {
            if (chip.Redirection[pin] != RedirectionReset)
                entries.Append(CultureInfo.InvariantCulture, $" {pin}={chip.Redirection[pin]:x16}");
        }

        return string.Create(CultureInfo.InvariantCulture, $"I sel={chip.Select:x2} id={chip.Id:x} irr={chip.Irr:x6}{entries}");
    }

    public static string Of(in KvmPicState master, in KvmPicState slave) => $"{Of('M', master)} {Of('S', slave)}";

    private static string Of(char name, in KvmPicState chip) => string.Create(
        CultureInfo.InvariantCulture,
        $"{name} irr={chip.Irr:x2} isr={chip.Isr:x2} imr={chip.Imr:x2} base={chip.IrqBase:x2} low={chip.PriorityAdd} rr={chip.ReadsIsr} "
        + $"poll={chip.Poll} smm={chip.SpecialMask} init={chip.Init} aeoi={chip.AutoEoi} raeoi={chip.RotatesOnAutoEoi} "
        + $"sfnm={chip.SpecialFullyNested} elcr={chip.Elcr:x2}");

    private static string Vectors(in LapicPage lapic, int register)
    {
        string list = string.Join(',', lapic.Vectors(register).Select(vector => vector.ToString("x2", CultureInfo.InvariantCulture)));
        return list.Length == 0 ? "-" : list;
    }
}
