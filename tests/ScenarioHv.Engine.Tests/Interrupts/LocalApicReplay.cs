using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>One case of the recordings of Linux 6.18 KVM: operations, and what each showed.</summary>
internal sealed record Recording(string Name, int Vcpus, bool X2Apic, string[] Ops, string[] Log)
{
    public static List<Recording> Load(string file)
    {
        string? folder = TestContext.CurrentContext.TestDirectory;
        while (!File.Exists(Path.Combine(folder!, "ScenarioHv.sln")))
            folder = Path.GetDirectoryName(folder);
        using FileStream raw = File.OpenRead(Path.Combine(folder!, "tests", "ScenarioHv.Engine.Tests", "data", "recordings", file));
        using Stream text = file.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(raw, CompressionMode.Decompress) : raw;
        using var reader = new StreamReader(text);
        var cases = new List<Recording>();
        while (reader.ReadLine() is { } line)
            cases.Add(Parse(line));
        return cases;
    }

    private static Recording Parse(string line)
    {
        using JsonDocument json = JsonDocument.Parse(line);
        JsonElement root = json.RootElement;
        JsonElement setup = root.GetProperty("setup");
        return new Recording(
            root.GetProperty("name").GetString()!,
            setup.GetProperty("vcpus").GetInt32(),
            setup.GetProperty("x2apic").GetInt32() != 0,
            [.. root.GetProperty("ops").EnumerateArray().Select(op => op.GetString()!)],
            [.. root.GetProperty("log").EnumerateArray().Select(entry => entry.GetString()!)]);
    }
}

/// <summary>
/// Executes the operations of a recording on local APICs alone, with KVM's policies. It stops at the first operation that needs an I/O APIC
/// or an 8259A: a line of the I/O APIC, or a CPU that looks for interrupts while it listens to an 8259A that has been touched.
/// </summary>
internal sealed class LocalApicReplay
{
    private const uint PageBase = 0xFEE0_0000;
    private const int Nmi = 2;
    private static readonly LocalApicTimerClock Clock = new(tscHz: 1_000_000_000, busHz: 1_000_000_000);

    // The recorded machine had KVM's LINT0 quirk off, and shows no sign of the FFh quirk: a device's FFh reaches nobody in x2APIC mode.
    private readonly LocalApicPolicies policies =
        LocalApicPolicies.Kvm with { BspLint0 = BspLint0Policy.Masked, DeviceBroadcast = DeviceBroadcastPolicy.PlainId };

    private readonly Recording recording;
    private readonly LocalApic[] apics;
    private readonly int[,] policyBits;
    private readonly int[] pendingNmis;
    private readonly bool[] halted;
    private readonly int[] haltedMax;
    private readonly bool[] hooked = new bool[256];
    private ArbitrationMemory memory;
    private bool picTouched;
    private long now;

    public LocalApicReplay(Recording recording)
    {
        this.recording = recording;
        apics = new LocalApic[recording.Vcpus];
        policyBits = new int[recording.Vcpus, 256];
        pendingNmis = new int[recording.Vcpus];
        halted = new bool[recording.Vcpus];
        haltedMax = new int[recording.Vcpus];
        var options = new LocalApicOptions(LocalApicOptions.SixLvtVersion) { HasX2Apic = recording.X2Apic, Policies = policies };
        for (int cpu = 0; cpu < apics.Length; cpu++)
        {
            apics[cpu].Reset((uint)cpu, cpu == 0, options);
            for (int vector = 0; vector < 256; vector++)
                policyBits[cpu, vector] = vector == Nmi ? 0 : 4;
        }
    }

    /// <summary>How many operations were executed and compared.</summary>
    public int Compared { get; private set; }

    /// <summary>How many operations were executed, compared or not.</summary>
    public int Executed { get; private set; }

    /// <summary>Runs as far as local APICs go. Null, or the first difference.</summary>
    public string? Run()
    {
        try
        {
            for (int i = 0; i < recording.Ops.Length; i++, Executed++)
            {
                string? log = Execute(recording.Ops[i].Split(' '));
                if (log is null)
                    continue;
                if (log != recording.Log[i])
                    return $"{recording.Name}[{i}] {recording.Ops[i]}: '{log}', recorded '{recording.Log[i]}'";
                Compared++;
            }
        }
        catch (NotSupportedException)
        {
            // The rest needs another controller.
        }
        return null;
    }

    private Instant Time => new(now);

    // Null if the operation is another controller's and does not reach a local APIC.
    private string? Execute(string[] op)
    {
        switch (op[0])
        {
            case "out" or "in":
                picTouched = true;
                return null;
            case "iow" or "ior" or "dumpI" or "dumpP":
                return null;
            case "line" or "pulse" when op[1] == "p":
                picTouched = true;
                return null;
            case "line" or "pulse":
                throw new NotSupportedException();
            case "msi": return Msi(Hex(op[1]), Hex(op[2]));
            case "pol": return SetPolicy(op);
            case "hook":
                hooked[Hex(op[1])] = true;
                return "";
            case "sleep": return Sleep(Number(op[1]));
            case "dumpL": return Dump(Number(op[1]));
            case "lint1": return Lint1();
            default: return OnCpu(op, Number(op[1]));
        }
    }

    private string OnCpu(string[] op, int cpu)
    {
        switch (op[0])
        {
            case "nmi":
                PendNmi(cpu);
                return halted[cpu] ? "" : Instruction(cpu);
            case "run": return halted[cpu] ? Resume(cpu) : "!running";
        }
        if (halted[cpu])
            return "!halted";
        string taken = op[0] is "win" or "hlt" or "nop" ? "" : Instruction(cpu);
        if (taken.Length > 0)
            throw new NotSupportedException();
        switch (op[0])
        {
            case "mw":
                Apply(cpu, Mmio(cpu, Hex(op[2])) is { } write ? apics[cpu].Write(write, Hex(op[3]), Time, Clock) : default);
                return "";
            case "mr": return $"={(Mmio(cpu, Hex(op[2])) is { } read ? apics[cpu].Read(read, Time, Clock) : uint.MaxValue):x8}";
            case "rdmsr": return ReadMsr(cpu, Hex(op[2]));
            case "wrmsr": return WriteMsr(cpu, Hex(op[2]), ulong.Parse(op[3], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
            case "rcr8": return $"={apics[cpu].ReadCr8():x}";
            case "wcr8":
                apics[cpu].WriteCr8((int)Hex(op[2]));
                return "";
            case "ppr": return $"ppr={apics[cpu].Ppr:x2}";
            case "nop": return Instruction(cpu);
            case "win": return Window(cpu, MaxOf(op));
            case "hlt":
                haltedMax[cpu] = MaxOf(op);
                return Resume(cpu);
            default: throw new InvalidOperationException($"Unknown operation {op[0]}.");
        }
    }

    private static int MaxOf(string[] op) => op.Length > 2 ? Number(op[2]) : 16;

    private int? Mmio(int cpu, uint address)
    {
        if (apics[cpu].DecodesMmio(address))
            return (int)(address & 0xFFF);
        return address >> 12 == PageBase >> 12 ? null : throw new NotSupportedException();
    }

    private string ReadMsr(int cpu, uint msr)
    {
        if (msr == ApicBaseBits.Msr)
            return $"={apics[cpu].ApicBase:x16}";
        MsrReadResult result = apics[cpu].ReadMsr(msr, Time, Clock);
        return result.IsGeneralProtection ? "#0d" : $"={result.Value:x16}";
    }

    private string WriteMsr(int cpu, uint msr, ulong value)
    {
        MsrWriteResult result = msr == ApicBaseBits.Msr
            ? apics[cpu].WriteApicBase(value)
            : apics[cpu].WriteMsr(msr, value, Time, Clock);
        Apply(cpu, result.Effect);
        return result.IsGeneralProtection ? "#0d" : "";
    }

    private void Apply(int cpu, RegisterWriteEffect effect)
    {
        if ((effect.Effects & (LocalApicEffects.SendIpi | LocalApicEffects.SelfIpi)) != 0)
            Deliver(effect.Ipi.Message, new MessageSource(cpu, effect.Ipi.Shorthand));
    }

    private string Msi(uint address, uint data)
    {
        var msi = new MsiMessage { AddressLow = address, Data = data };
        if (MsiFormat.TryDecode(msi, MsiRules.Kvm, MsiDestinationFormat.Bits8, out ApicMessage message))
            Deliver(message, MessageSource.Device);
        return "";
    }

    private void Deliver(in ApicMessage message, MessageSource source)
    {
        Span<int> targets = stackalloc int[apics.Length];
        RouteResult route = DestinationRouting.Targets(apics, message, source, policies, ref memory, targets);
        foreach (int target in targets[..route.Count])
        {
            switch (apics[target].Accept(route.Message, source.IsIpi).Core)
            {
                case CoreRequest.Nmi:
                    PendNmi(target);
                    break;
                case CoreRequest.Init or CoreRequest.StartUp or CoreRequest.Smi:
                    throw new NotSupportedException();
            }
        }
    }

    // KVM x86.c:process_nmi: two may be pending while none is being handled.
    private void PendNmi(int cpu) => pendingNmis[cpu] = Math.Min(pendingNmis[cpu] + 1, 2);

    private string Lint1()
    {
        for (int cpu = 0; cpu < apics.Length; cpu++)
        {
            if (apics[cpu].SetLint(LvtEntry.Lint1, true).Core == CoreRequest.Nmi)
                PendNmi(cpu);
            apics[cpu].SetLint(LvtEntry.Lint1, false);
        }
        return halted[0] ? "" : Instruction(0);
    }

    private string Sleep(int milliseconds)
    {
        now += milliseconds * 1_000_000L;
        foreach (ref LocalApic apic in apics.AsSpan())
        {
            while (apic.TimerDeadline <= Time)
                apic.Expire(Time, Clock);
        }
        return "";
    }

    private string SetPolicy(string[] op)
    {
        string[] range = op[2].Split('-');
        for (uint vector = Hex(range[0]); vector <= Hex(range[^1]); vector++)
            policyBits[Number(op[1]), vector] = (int)Hex(op[3]);
        return "";
    }

    private string Instruction(int cpu)
    {
        var log = new List<string>();
        int count = 0;
        while (pendingNmis[cpu] > 0)
            TakeNmi(cpu, log, 0, ref count, int.MaxValue);
        return string.Join(' ', log);
    }

    private string Window(int cpu, int max)
    {
        if (picTouched && apics[cpu].AcceptsPicInterrupt)
            throw new NotSupportedException();
        var log = new List<string>();
        int count = 0;
        Take(cpu, log, 0, ref count, max);
        return string.Join(' ', log);
    }

    private string Resume(int cpu)
    {
        if (picTouched && apics[cpu].AcceptsPicInterrupt)
            throw new NotSupportedException();
        halted[cpu] = pendingNmis[cpu] == 0 && apics[cpu].HighestDeliverable() < 0;
        return halted[cpu] ? "halted" : $"woke {Window(cpu, haltedMax[cpu])}";
    }

    private void Take(int cpu, List<string> log, int depth, ref int count, int max)
    {
        while (count < max)
        {
            if (pendingNmis[cpu] > 0)
            {
                TakeNmi(cpu, log, depth, ref count, max);
                continue;
            }
            int vector = apics[cpu].HighestDeliverable();
            if (vector < 0)
                return;
            apics[cpu].Dispense(vector);
            Handle(cpu, vector, log, depth, ref count, max);
        }
    }

    private void TakeNmi(int cpu, List<string> log, int depth, ref int count, int max)
    {
        pendingNmis[cpu]--;
        Handle(cpu, Nmi, log, depth, ref count, max);
    }

    private void Handle(int cpu, int vector, List<string> log, int depth, ref int count, int max)
    {
        log.Add(new string('>', depth) + vector.ToString("x2", CultureInfo.InvariantCulture));
        count++;
        int bits = policyBits[cpu, vector];
        if ((bits & 0x21) != 0 && hooked[vector])
            throw new NotSupportedException();
        if ((bits & 0x02) != 0 && count < max)
            Take(cpu, log, depth + 1, ref count, max);
        if ((bits & 0x04) != 0 && Mmio(cpu, PageBase | LocalApicRegister.Eoi) is { } eoi)
            apics[cpu].Write(eoi, 0, Time, Clock);
        if ((bits & 0x40) != 0)
            apics[cpu].WriteMsr(LocalApic.FirstX2ApicMsr + (LocalApicRegister.Eoi >> 4), 0, Time, Clock);
    }

    private string Dump(int cpu)
    {
        ref LocalApic apic = ref apics[cpu];
        var lvt = new StringBuilder();
        for (LvtEntry entry = LvtEntry.Timer; entry <= LvtEntry.Error; entry++)
            lvt.Append(entry == LvtEntry.Timer ? "" : ",").Append(apic.ReadLvt(entry).ToString("x5", CultureInfo.InvariantCulture));
        return $"L{cpu} id={apic.Id:x} tpr={apic.Tpr:x2} ldr={apic.Ldr:x8} dfr={apic.Dfr:x8} svr={apic.Svr:x3} esr={(int)apic.Esr:x} "
            + $"icr={apic.IcrHigh:x8}:{apic.IcrLow:x8} lvt={lvt} tmict={apic.TimerInitialCount:x} tdcr={apic.TimerDivide:x} "
            + $"irr={Vectors(apic.Irr)} isr={Vectors(apic.Isr)} tmr={Vectors(apic.Tmr)}";
    }

    private static string Vectors(Register256 register) => register.IsEmpty
        ? "-"
        : string.Join(',', Enumerable.Range(0, 256).Where(v => register[v]).Select(v => v.ToString("x2", CultureInfo.InvariantCulture)));

    private static uint Hex(string text) => uint.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
