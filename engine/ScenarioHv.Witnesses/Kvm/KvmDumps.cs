using System.Globalization;
using System.Text;
using Register = ScenarioHv.Engine.Interrupts.LocalApicRegister;

namespace ScenarioHv.Witnesses;

/// <summary>The register dumps, as the recordings write them.</summary>
internal static class KvmDumps
{
    private const ulong RedirectionReset = 0x10000;

    private static readonly int[] Lvts =
    [
        Register.LvtTimer, Register.LvtThermal, Register.LvtPerformance, Register.LvtLint0, Register.LvtLint1, Register.LvtError,
    ];

    public static string Of(int cpu, in LapicPage lapic)
    {
        var lvt = new StringBuilder();
        foreach (int register in Lvts)
            lvt.Append(lvt.Length == 0 ? "" : ",").Append(CultureInfo.InvariantCulture, $"{lapic[register]:x5}");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"L{cpu} id={lapic[Register.Id]:x} tpr={lapic[Register.Tpr]:x2} ldr={lapic[Register.Ldr]:x8} dfr={lapic[Register.Dfr]:x8} "
            + $"svr={lapic[Register.Svr]:x3} esr={lapic[Register.Esr]:x} icr={lapic[Register.IcrHigh]:x8}:{lapic[Register.IcrLow]:x8} "
            + $"lvt={lvt} tmict={lapic[Register.TimerInitialCount]:x} tdcr={lapic[Register.TimerDivide]:x} "
            + $"irr={Vectors(lapic, Register.Irr)} isr={Vectors(lapic, Register.Isr)} tmr={Vectors(lapic, Register.Tmr)}");
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
