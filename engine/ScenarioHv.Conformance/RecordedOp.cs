using System.Collections.Frozen;
using System.Globalization;

namespace ScenarioHv.Conformance;

/// <summary>What an operation of a recording does.</summary>
public enum RecordedOpKind
{
    /// <summary><c>mw CPU ADDR VAL</c>: a 32-bit MMIO write by the guest.</summary>
    WriteMmio,

    /// <summary><c>mr CPU ADDR</c>: a 32-bit MMIO read.</summary>
    ReadMmio,

    /// <summary><c>out CPU PORT VAL</c>: an 8-bit port write.</summary>
    WritePort,

    /// <summary><c>in CPU PORT</c>: an 8-bit port read.</summary>
    ReadPort,

    /// <summary><c>iow CPU REG VAL</c>: IOREGSEL, then IOWIN is written.</summary>
    WriteIoApic,

    /// <summary><c>ior CPU REG</c>: IOREGSEL is written, then IOWIN read.</summary>
    ReadIoApic,

    /// <summary><c>rdmsr CPU IDX</c>.</summary>
    ReadMsr,

    /// <summary><c>wrmsr CPU IDX VAL64</c>.</summary>
    WriteMsr,

    /// <summary><c>rcr8 CPU</c>.</summary>
    ReadCr8,

    /// <summary><c>wcr8 CPU VAL</c>.</summary>
    WriteCr8,

    /// <summary><c>ppr CPU</c>: the guest reads the PPR, by MMIO or MSR as its mode has it.</summary>
    ReadPpr,

    /// <summary><c>line K PIN L</c>: a line is driven.</summary>
    Line,

    /// <summary><c>pulse K PIN</c>: high, then low.</summary>
    Pulse,

    /// <summary><c>msi ADDR DATA</c>: a message of a device.</summary>
    Msi,

    /// <summary><c>nmi CPU</c>: the NMI pin, then one instruction.</summary>
    Nmi,

    /// <summary><c>lint1</c>: the LINT1 wire of all CPUs, then one instruction of CPU 0.</summary>
    Lint1,

    /// <summary><c>nop CPU</c>: one instruction.</summary>
    Nop,

    /// <summary><c>pol CPU VEC[-VEC] BITS</c>: what the handlers do from now on.</summary>
    Handler,

    /// <summary><c>hook VEC K PIN L</c>: one more line change that the vector's handler makes.</summary>
    Hook,

    /// <summary><c>win CPU [MAX]</c>: IF is 1 until nothing is deliverable.</summary>
    Window,

    /// <summary><c>hlt CPU [MAX]</c>: STI, HLT.</summary>
    Halt,

    /// <summary><c>run CPU</c>: a halted CPU goes on if something woke it.</summary>
    Run,

    /// <summary><c>sleep MS</c>: time passes.</summary>
    Sleep,

    /// <summary><c>dumpL CPU</c>: a local APIC's registers.</summary>
    DumpLocalApic,

    /// <summary><c>dumpI</c>: the I/O APIC's registers.</summary>
    DumpIoApic,

    /// <summary><c>dumpP</c>: the 8259 pair's registers.</summary>
    DumpPic,
}

/// <summary>Which chips a line goes to.</summary>
public enum LineTarget
{
    /// <summary><c>i</c>: a pin of the I/O APIC, 0..23.</summary>
    IoApic,

    /// <summary><c>p</c>: an input of the 8259 pair, 0..15.</summary>
    Pic,

    /// <summary><c>b</c>: the pin and the input of that number, 0..15.</summary>
    Both,
}

/// <summary>One operation of a recording. A field that the operation has not is 0.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Text">As it is written.</param>
public sealed record RecordedOp(RecordedOpKind Kind, string Text)
{
    /// <summary>How many deliveries a window has that names no number.</summary>
    public const int DefaultMax = 16;

    /// <summary>How many line changes a vector's handler makes at the most.</summary>
    public const int MaxHooks = 4;

    /// <summary>How deep handlers nest at the most.</summary>
    public const int MaxDepth = 500;

    /// <summary>The longest <c>sleep</c>, in milliseconds.</summary>
    public const int MaxSleep = 1000;

    internal const int MaxDeliveries = 100_000;
    private const int IoApicPins = 24;
    private const int PicInputs = 16;

    private static readonly FrozenDictionary<string, (RecordedOpKind Kind, string Operands)> Grammar =
        new Dictionary<string, (RecordedOpKind, string)>(StringComparer.Ordinal)
        {
            ["mw"] = (RecordedOpKind.WriteMmio, "CPU ADDR VAL"),
            ["mr"] = (RecordedOpKind.ReadMmio, "CPU ADDR"),
            ["out"] = (RecordedOpKind.WritePort, "CPU PORT BYTE"),
            ["in"] = (RecordedOpKind.ReadPort, "CPU PORT"),
            ["iow"] = (RecordedOpKind.WriteIoApic, "CPU REG VAL"),
            ["ior"] = (RecordedOpKind.ReadIoApic, "CPU REG"),
            ["rdmsr"] = (RecordedOpKind.ReadMsr, "CPU ADDR"),
            ["wrmsr"] = (RecordedOpKind.WriteMsr, "CPU ADDR VAL64"),
            ["rcr8"] = (RecordedOpKind.ReadCr8, "CPU"),
            ["wcr8"] = (RecordedOpKind.WriteCr8, "CPU NIBBLE"),
            ["ppr"] = (RecordedOpKind.ReadPpr, "CPU"),
            ["line"] = (RecordedOpKind.Line, "K PIN L"),
            ["pulse"] = (RecordedOpKind.Pulse, "K PIN"),
            ["msi"] = (RecordedOpKind.Msi, "ADDR VAL"),
            ["nmi"] = (RecordedOpKind.Nmi, "CPU"),
            ["lint1"] = (RecordedOpKind.Lint1, ""),
            ["nop"] = (RecordedOpKind.Nop, "CPU"),
            ["pol"] = (RecordedOpKind.Handler, "CPU VECS BITS"),
            ["hook"] = (RecordedOpKind.Hook, "VEC K PIN L"),
            ["win"] = (RecordedOpKind.Window, "CPU [MAX]"),
            ["hlt"] = (RecordedOpKind.Halt, "CPU [MAX]"),
            ["run"] = (RecordedOpKind.Run, "CPU"),
            ["sleep"] = (RecordedOpKind.Sleep, "MS"),
            ["dumpL"] = (RecordedOpKind.DumpLocalApic, "CPU"),
            ["dumpI"] = (RecordedOpKind.DumpIoApic, ""),
            ["dumpP"] = (RecordedOpKind.DumpPic, ""),
        }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The CPU that executes it, or whose state it shows.</summary>
    public int Cpu { get; private set; }

    /// <summary>An address, a port, an MSR or the I/O APIC's register.</summary>
    public uint Address { get; private set; }

    /// <summary>What is written, or an MSI's data.</summary>
    public ulong Value { get; private set; }

    /// <summary>Where the line goes.</summary>
    public LineTarget Target { get; private set; }

    /// <summary>The pin of the line.</summary>
    public int Pin { get; private set; }

    /// <summary>The level of the line.</summary>
    public bool IsHigh { get; private set; }

    /// <summary>The vector, or the first one of a range.</summary>
    public int FirstVector { get; private set; }

    /// <summary>The vector, or the last one of a range.</summary>
    public int LastVector { get; private set; }

    /// <summary>What the handlers do.</summary>
    public HandlerSteps Steps { get; private set; }

    /// <summary>The limit of deliveries, 1 or more.</summary>
    public int Max { get; private set; } = DefaultMax;

    /// <summary>How long it sleeps, in milliseconds.</summary>
    public int Milliseconds { get; private set; }

    /// <summary>Reads an operation.</summary>
    /// <param name="text">The operation.</param>
    /// <param name="cpus">How many CPUs the recording has.</param>
    /// <exception cref="FormatException">It is none. The message says what was expected.</exception>
    public static RecordedOp Parse(string text, int cpus)
    {
        string[] words = text.Split(' ');
        if (!Grammar.TryGetValue(words[0], out var rule))
            throw new FormatException($"'{text}': there is no operation '{words[0]}'");
        string[] operands = rule.Operands.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int needed = operands.Count(operand => operand[0] != '[');
        if (words.Length - 1 < needed || words.Length - 1 > operands.Length)
            throw new FormatException($"'{text}': expected '{$"{words[0]} {rule.Operands}".TrimEnd()}'");
        var op = new RecordedOp(rule.Kind, text);
        for (int i = 1; i < words.Length; i++)
        {
            if (!op.Take(operands[i - 1].Trim('[', ']'), words[i], cpus))
                throw new FormatException($"'{text}': '{words[i]}' is no {operands[i - 1].Trim('[', ']')}");
        }

        return op;
    }

    private bool Take(string operand, string word, int cpus)
    {
        switch (operand)
        {
            case "CPU": return Decimal(word, 0, cpus - 1, value => Cpu = value);
            case "ADDR": return Hex(word, uint.MaxValue, value => Address = (uint)value);
            case "PORT": return Hex(word, ushort.MaxValue, value => Address = (uint)value);
            case "REG": return Hex(word, byte.MaxValue, value => Address = (uint)value);
            case "VAL": return Hex(word, uint.MaxValue, value => Value = value);
            case "BYTE": return Hex(word, byte.MaxValue, value => Value = value);
            case "NIBBLE": return Hex(word, 0xF, value => Value = value);
            case "VAL64": return Hex(word, ulong.MaxValue, value => Value = value);
            case "K": return TakeTarget(word);
            case "PIN": return Decimal(word, 0, (Target == LineTarget.IoApic ? IoApicPins : PicInputs) - 1, value => Pin = value);
            case "L": return Decimal(word, 0, 1, value => IsHigh = value == 1);
            case "VEC": return Hex(word, byte.MaxValue, value => FirstVector = LastVector = (int)value);
            case "VECS": return TakeVectors(word.Split('-'));
            case "BITS": return Hex(word, (ulong)HandlerSteps.All, value => Steps = (HandlerSteps)value);
            case "MAX": return Decimal(word, 1, MaxDeliveries, value => Max = value);
            case "MS": return Decimal(word, 0, MaxSleep, value => Milliseconds = value);
            default: throw new InvalidOperationException($"No operand '{operand}'.");
        }
    }

    private bool TakeTarget(string word)
    {
        int index = "ipb".IndexOf(word, StringComparison.Ordinal);
        Target = (LineTarget)index;
        return word.Length == 1 && index >= 0;
    }

    private bool TakeVectors(string[] range) => range.Length <= 2
        && Hex(range[0], byte.MaxValue, value => FirstVector = (int)value)
        && Hex(range[^1], byte.MaxValue, value => LastVector = (int)value)
        && FirstVector <= LastVector;

    private static bool Hex(string word, ulong max, Action<ulong> take)
    {
        if (!ulong.TryParse(word, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong value) || value > max)
            return false;
        take(value);
        return true;
    }

    private static bool Decimal(string word, int min, int max, Action<int> take)
    {
        if (!int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int value) || value < min || value > max)
            return false;
        take(value);
        return true;
    }
}

/// <summary>What a handler does, in the order of execution.</summary>
[Flags]
public enum HandlerSteps
{
    /// <summary>It returns.</summary>
    None = 0,

    /// <summary>The vector's line changes are made.</summary>
    Hook = 0x01,

    /// <summary>IF is 1 until nothing is deliverable: other handlers nest.</summary>
    NestedWindow = 0x02,

    /// <summary>OCW2 20h, non-specific EOI, to the slave.</summary>
    SlaveEoi = 0x10,

    /// <summary>OCW2 20h to the master.</summary>
    MasterEoi = 0x08,

    /// <summary>EOI to the local APIC by MMIO.</summary>
    MmioEoi = 0x04,

    /// <summary>EOI to the local APIC by MSR 80Bh.</summary>
    MsrEoi = 0x40,

    /// <summary>The vector's line changes are made again.</summary>
    HookAgain = 0x20,

    /// <summary>All of them.</summary>
    All = 0x7F,
}
