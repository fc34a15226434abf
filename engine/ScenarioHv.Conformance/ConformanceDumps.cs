using System.Globalization;
using System.Text;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Conformance;

/// <summary>The register dumps, as the recordings write them. They have no side effects.</summary>
internal static class ConformanceDumps
{
    public static string Of(int cpu, in LocalApic apic)
    {
        var lvt = new StringBuilder();
        for (LvtEntry entry = LvtEntry.Timer; entry <= LvtEntry.Error; entry++)
            lvt.Append(entry == LvtEntry.Timer ? "" : ",").Append(CultureInfo.InvariantCulture, $"{apic.ReadLvt(entry):x5}");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"L{cpu} id={apic.Id:x} tpr={apic.Tpr:x2} ldr={apic.Ldr:x8} dfr={apic.Dfr:x8} svr={apic.Svr:x3} esr={(int)apic.Esr:x} "
            + $"icr={apic.IcrHigh:x8}:{apic.IcrLow:x8} lvt={lvt} tmict={apic.TimerInitialCount:x} tdcr={apic.TimerDivide:x} "
            + $"irr={Vectors(apic.Irr)} isr={Vectors(apic.Isr)} tmr={Vectors(apic.Tmr)}");
    }

    public static string Of(in IoApicHeader header, in IoApic chip)
    {
        uint irr = 0;
        var entries = new StringBuilder();
        for (int pin = 0; pin < chip.PinCount; pin++)
        {
            irr |= chip.IsHeld(pin) ? 1u << pin : 0;
            RedirectionEntry entry = chip[pin].Entry;
            if (entry.Bits != RedirectionEntry.Reset.Bits)
                entries.Append(CultureInfo.InvariantCulture, $" {pin}={entry.Bits:x16}");
        }

        return string.Create(CultureInfo.InvariantCulture, $"I sel={header.Select:x2} id={header.Id:x} irr={irr:x6}{entries}");
    }

    public static string Of(in Pic8259Pair pair, in Pic8259Policies policies) =>
        $"{Of('M', pair.Master, policies)} {Of('S', pair.Slave, policies)}";

    private static string Of(char name, in Pic8259 chip, in Pic8259Policies policies) => string.Create(
        CultureInfo.InvariantCulture,
        $"{name} irr={chip.Irr(policies):x2} isr={chip.Isr:x2} imr={chip.Imr:x2} base={chip.VectorBase:x2} low={chip.HighestPriority} "
        + $"rr={Bit(chip, Pic8259Modes.ReadIsr)} poll={Bit(chip, Pic8259Modes.Poll)} smm={Bit(chip, Pic8259Modes.SpecialMask)} "
        + $"init={(int)chip.Init} aeoi={Bit(chip, Pic8259Modes.AutoEoi)} raeoi={Bit(chip, Pic8259Modes.RotateInAutoEoi)} "
        + $"sfnm={Bit(chip, Pic8259Modes.SpecialFullyNested)} elcr={chip.Elcr:x2}");

    private static int Bit(in Pic8259 chip, Pic8259Modes mode) => chip.Has(mode) ? 1 : 0;

    private static string Vectors(Register256 register)
    {
        var list = new StringBuilder();
        for (int vector = 0; vector < 256; vector++)
        {
            if (register.Contains(vector))
                list.Append(list.Length == 0 ? "" : ",").Append(CultureInfo.InvariantCulture, $"{vector:x2}");
        }

        return list.Length == 0 ? "-" : list.ToString();
    }
}
