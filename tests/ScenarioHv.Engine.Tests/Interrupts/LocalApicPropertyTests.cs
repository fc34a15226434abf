using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>Random lists of operations: the local APIC and the naive one agree after each, in results and in registers.</summary>
public class LocalApicPropertyTests
{
    private const int Lists = 2000;
    private const int Operations = 60;
    private const uint Version = LocalApicOptions.SixLvtVersion | LocalApicOptions.EoiBroadcastSuppression;

    // Few vectors, so that they meet: the illegal ones, both ends of a class, both sides of every word of the register.
    private static readonly byte[] Vectors =
        [0, 5, 15, 16, 0x1F, 0x20, 0x31, 0x3E, 0x3F, 0x40, 0x41, 0x7F, 0x80, 0xBF, 0xC0, 0xEF, 0xFE, 0xFF];

    [Test]
    public void The_fast_APIC_equals_the_naive_one([Range(0, 9)] int tenth)
    {
        for (int i = 0; i < Lists / 10; i++)
        {
            int seed = tenth * (Lists / 10) + i;
            RunList(seed);
        }
    }

    private static void RunList(int seed)
    {
        var random = new LocalApicLcg((ulong)seed);
        var bench = new LocalApicBench(enabled: false, version: Version);
        var naive = new NaiveLocalApic();
        var history = new List<string>();
        // Most lists start enabled, or nothing would ever happen.
        if (seed % 8 != 0)
        {
            bench.Write(LocalApicRegister.Svr, 0x1FF);
            naive.WriteSvr(0xFF, true, false);
        }
        for (int i = 0; i < Operations; i++)
        {
            string? difference = Step(ref random, bench, naive, history) ?? Compare(bench, naive);
            if (difference != null)
                Assert.Fail($"list {seed}: {difference} after {string.Join("; ", history)}");
        }
    }

    private static string? Step(ref LocalApicLcg random, LocalApicBench bench, NaiveLocalApic naive, List<string> history)
    {
        int operation = random.Next(20);
        byte vector = Vectors[random.Next(Vectors.Length)];
        uint bits = random.NextBits();
        history.Add($"{operation}:{vector:X2}:{bits:X8}");
        switch (operation)
        {
            case 0 or 1 or 2 or 3:
                return Message(bench, naive, (bits & 1) == 0 ? DeliveryMode.Fixed : DeliveryMode.LowestPriority, vector, bits);
            case 4:
                return Message(bench, naive, (DeliveryMode)(bits >> 8 & 7), vector, bits);
            case 5 or 6 or 7:
                return Differ("INTA", bench.Apic.Acknowledge(), naive.Inta());
            case 8 or 9:
                return Differ("EOI", bench.Write(LocalApicRegister.Eoi, bits).Eoi, naive.Eoi());
            case 10:
                bench.Write(LocalApicRegister.Tpr, bits & 0x7F);
                naive.Tpr = (int)(bits & 0x7F);
                return null;
            case 11:
                bench.Apic.WriteCr8((int)(bits & 7));
                naive.Tpr = (int)(bits & 7) * 16;
                return null;
            case 12:
                bool enable = (bits & 0x300) != 0;
                bench.Write(LocalApicRegister.Svr, vector | (enable ? 0x100u : 0) | bits & 0x1000);
                naive.WriteSvr(vector, enable, (bits & 0x1000) != 0);
                return null;
            case 13:
                bench.Write(LocalApicRegister.LvtError, vector | bits & 0xFFFE_0000);
                naive.Error.Load(vector, naive);
                return null;
            case 14:
                bench.Write(LocalApicRegister.Esr, bits);
                naive.WriteEsr();
                return null;
            case 15:
                return Lint(bench, naive, vector, bits);
            case 16 or 17:
                int pin = (int)(bits & 1);
                bool high = (bits & 2) != 0;
                return Differ("LINT", bench.Apic.SetLint(pin == 0 ? LvtEntry.Lint0 : LvtEntry.Lint1, high), naive.SetLint(pin, high));
            case 18:
                return InternalSource(bench, naive, vector, bits);
            default:
                return Errors(bench, naive, vector, bits);
        }
    }

    private static string? Message(LocalApicBench bench, NaiveLocalApic naive, DeliveryMode mode, byte vector, uint bits)
    {
        bool level = (bits & 2) != 0;
        bool assert = !level || (bits & 0x1C) != 0;
        ApicMessageFlags flags = (level ? ApicMessageFlags.Level : 0) | (assert ? 0 : ApicMessageFlags.Deassert);
        return Differ("message", bench.Accept(mode, vector, flags), naive.Message(mode, vector, level, assert));
    }

    // Half of the writes are fixed, half of the rest ExtINT: the other modes have little to say.
    private static string? Lint(LocalApicBench bench, NaiveLocalApic naive, byte vector, uint bits)
    {
        uint mode = (bits >> 20 & 3) switch { 0 or 1 => 0u, 2 => 0x700u, _ => bits & 0x700 };
        uint value = vector | mode | bits & 0xE000 | ((bits >> 24 & 3) == 0 ? LocalApicBench.Masked : 0);
        int pin = (int)(bits & 1);
        bench.Write(pin == 0 ? LocalApicRegister.LvtLint0 : LocalApicRegister.LvtLint1, value);
        naive.WriteLint(pin, value);
        return null;
    }

    private static string? InternalSource(LocalApicBench bench, NaiveLocalApic naive, byte vector, uint bits)
    {
        DeliveryMode[] modes = [DeliveryMode.Fixed, DeliveryMode.Smi, DeliveryMode.Nmi];
        uint value = vector | ((bits & 0x30) == 0 ? bits & 0x700 : 0);
        switch (bits & 3)
        {
            case 0:
                bench.Write(LocalApicRegister.LvtPerformance, value);
                naive.Performance.Load(value, naive);
                return null;
            case 1:
                bench.Write(LocalApicRegister.LvtThermal, value);
                naive.Thermal.Load(value, naive);
                return null;
            case 2:
                return Differ("performance", bench.Apic.LocalInterrupt(LvtEntry.Performance), naive.PerformanceInterrupt());
            default:
                return Differ("thermal", bench.Apic.LocalInterrupt(LvtEntry.Thermal), naive.Local(naive.Thermal, modes));
        }
    }

    private static string? Errors(LocalApicBench bench, NaiveLocalApic naive, byte vector, uint bits)
    {
        if ((bits & 1) != 0)
        {
            LocalApicEffects effects = bench.Write(0x040, bits).Effects;
            return Differ("error interrupt", (effects & LocalApicEffects.ErrorInterrupt) != 0, naive.ErrorBit(7));
        }
        RegisterWriteEffect effect = bench.Write(LocalApicRegister.IcrLow, 0x40000u | vector);
        if (vector < 16)
            return Differ("error interrupt", effect.Has(LocalApicEffects.ErrorInterrupt), naive.ErrorBit(5));
        AcceptResult fast = bench.Apic.Accept(effect.Ipi.Message);
        return Differ("self IPI", fast, naive.Message(DeliveryMode.Fixed, vector, level: false, assert: true));
    }

    private static string? Compare(LocalApicBench bench, NaiveLocalApic naive) =>
        Differ("IRR", Text(bench.Irr()), Text(naive.Irr))
        ?? Differ("ISR", Text(bench.Isr()), Text(naive.Isr))
        ?? Differ("TMR", Text(bench.Tmr()), Text(naive.Tmr))
        ?? Differ("PPR", (int)bench.Read(LocalApicRegister.Ppr), naive.Ppr())
        ?? Differ("TPR", (int)bench.Read(LocalApicRegister.Tpr), naive.Tpr)
        ?? Differ("deliverable", bench.Apic.HighestDeliverable(), naive.Deliverable())
        ?? Differ("ESR", (int)bench.Read(LocalApicRegister.Esr), naive.VisibleErrors.Sum(bit => 1 << bit))
        ?? Differ("hidden errors", (int)bench.Apic.PendingErrors, naive.HiddenErrors.Sum(bit => 1 << bit))
        ?? Differ("LINT0", bench.Read(LocalApicRegister.LvtLint0), naive.Lint[0].Register())
        ?? Differ("LINT1", bench.Read(LocalApicRegister.LvtLint1), naive.Lint[1].Register())
        ?? Differ("performance LVT", bench.Read(LocalApicRegister.LvtPerformance), naive.Performance.Register())
        ?? Differ("thermal LVT", bench.Read(LocalApicRegister.LvtThermal), naive.Thermal.Register())
        ?? Differ("error LVT", bench.Read(LocalApicRegister.LvtError), naive.Error.Register())
        ?? Differ("ExtINT", bench.Apic.ExtIntAsserted, naive.ExtInt());

    private static string Text(IEnumerable<int> vectors) => string.Join(' ', vectors);

    private static string? Differ<T>(string what, T fast, T naive) =>
        EqualityComparer<T>.Default.Equals(fast, naive) ? null : $"{what} is {fast}, by the rules {naive}";
}
