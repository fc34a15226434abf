using System.Globalization;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Conformance;

/// <summary>
/// The machine of the recordings: local APICs, an I/O APIC and an 8259 pair, wired as in KVM, and CPUs that do nothing but take
/// interrupts. It executes an operation and returns what can be seen of it, in the form of the recordings.
/// </summary>
/// <remarks>
/// CPUs execute only while an operation of theirs runs; IF is 0 outside <c>win</c> and <c>hlt</c>. Time passes in <c>sleep</c> alone.
/// Not modelled: INIT, start-up and SMI (the recorded guest has no code for them; such a message ends the replay), memory beside the two
/// APIC pages and ports beside the 8259s' (they read all ones).
/// </remarks>
public sealed partial class ConformanceMachine : IWitness
{
    private const string Fault = "#0d";
    private const long TicksPerMillisecond = 1_000_000;

    // KVM's APIC timer counts nanoseconds (APIC_BUS_CYCLE_NS is 1), and a cycle is one here.
    private static readonly LocalApicTimerClock Clock = new(tscHz: 1_000_000_000, busHz: 1_000_000_000);

    private readonly ConformancePreset preset;
    private readonly LocalApic[] apics;
    private readonly Core[] cores;
    private readonly IChips chips;
    private readonly List<RecordedOp> hooks = [];
    private readonly int[] targets;
    private ArbitrationMemory arbitration;
    private Instant now;

    /// <summary>Creates the machine after power-on.</summary>
    /// <param name="preset">Whose controllers it has.</param>
    /// <param name="cpus">The number of CPUs, 1..<see cref="Recording.MaxCpus"/>; APIC ID is CPU number.</param>
    /// <param name="hasX2Apic">CPUID offers x2APIC mode.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of CPUs is outside its range.</exception>
    public ConformanceMachine(ConformancePreset preset, int cpus, bool hasX2Apic)
        : this(preset, cpus, hasX2Apic, deliver => new ModelChips(preset, deliver))
    {
    }

    /// <summary>Creates the machine after power-on around an I/O APIC and an 8259 pair that may be somebody else's.</summary>
    /// <param name="preset">Whose local APICs it has.</param>
    /// <param name="cpus">The number of CPUs, 1..<see cref="Recording.MaxCpus"/>; APIC ID is CPU number.</param>
    /// <param name="hasX2Apic">CPUID offers x2APIC mode.</param>
    /// <param name="makeChips">Makes the chips; they are disposed of with the machine.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of CPUs is outside its range.</exception>
    public ConformanceMachine(ConformancePreset preset, int cpus, bool hasX2Apic, Func<MessageDelivery, IChips> makeChips)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(cpus, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(cpus, Recording.MaxCpus);
        this.preset = preset;
        apics = new LocalApic[cpus];
        cores = new Core[cpus];
        targets = new int[cpus];
        var options = new LocalApicOptions(LocalApicOptions.SixLvtVersion)
        {
            HasX2Apic = hasX2Apic && preset.HasX2Apic,
            Policies = preset.LocalApic,
        };
        for (int cpu = 0; cpu < cpus; cpu++)
        {
            apics[cpu].Reset((uint)cpu, bsp: cpu == 0, options);
            cores[cpu] = new Core();
        }

        isMapIncomplete = preset.Platform.DestinationMap == DestinationMapPolicy.Ahead;
        eoiCaches = new EoiCache[cpus];
        chips = makeChips(message => Deliver(message, MessageSource.Device));
    }

    /// <inheritdoc/>
    public string Execute(RecordedOp op)
    {
        switch (op.Kind)
        {
            case RecordedOpKind.Line:
                Drive(op, op.IsHigh);
                return "";
            case RecordedOpKind.Pulse:
                Drive(op, true);
                Drive(op, false);
                return "";
            case RecordedOpKind.Msi:
                SendMsi(op.Address, (uint)op.Value);
                return "";
            case RecordedOpKind.Handler:
                Array.Fill(cores[op.Cpu].Handlers, op.Steps, op.FirstVector, op.LastVector - op.FirstVector + 1);
                return "";
            case RecordedOpKind.Hook:
                AddHook(op);
                return "";
            case RecordedOpKind.Sleep:
                Sleep(op.Milliseconds);
                return "";
            case RecordedOpKind.DumpLocalApic: return ConformanceDumps.Of(op.Cpu, apics[op.Cpu]);
            case RecordedOpKind.DumpIoApic: return chips.DumpIoApic();
            case RecordedOpKind.DumpPic: return chips.DumpPic();
            case RecordedOpKind.Nmi:
                cores[op.Cpu].LatchNmi(preset.Platform.NmiLimit());
                return cores[op.Cpu].IsHalted ? "" : Instruction(op.Cpu);
            case RecordedOpKind.Lint1:
                PulseLint1();
                return cores[0].IsHalted ? "" : Instruction(0);
            case RecordedOpKind.Run: return cores[op.Cpu].IsHalted ? Resume(op.Cpu) : "!running";
            default: return cores[op.Cpu].IsHalted ? "!halted" : ByGuest(op);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => chips.Dispose();

    private string ByGuest(RecordedOp op)
    {
        switch (op.Kind)
        {
            case RecordedOpKind.Window: return Window(op.Cpu, op.Max);
            case RecordedOpKind.Halt:
                LoadLocalApic(op.Cpu);
                cores[op.Cpu].HaltMax = op.Max;
                return Resume(op.Cpu);
        }

        if (op.Kind is RecordedOpKind.WriteIoApic or RecordedOpKind.ReadIoApic)
            Select(op.Cpu, op.Address);
        return Instruction(op.Cpu, op);
    }

    // One access by the guest, and what it reads.
    private string Access(RecordedOp op)
    {
        int cpu = op.Cpu;
        switch (op.Kind)
        {
            case RecordedOpKind.Nop: return "";
            case RecordedOpKind.WriteMmio:
                WriteMmio(cpu, op.Address, (uint)op.Value);
                return "";
            case RecordedOpKind.ReadMmio: return string.Create(CultureInfo.InvariantCulture, $"={ReadMmio(cpu, op.Address):x8}");
            case RecordedOpKind.WritePort:
                WritePort(op.Address, (byte)op.Value);
                return "";
            case RecordedOpKind.ReadPort: return string.Create(CultureInfo.InvariantCulture, $"={ReadPort(op.Address):x2}");
            case RecordedOpKind.WriteIoApic:
                WriteMmio(cpu, IoApic.BaseAddress + IoApic.IoWin, (uint)op.Value);
                return "";
            case RecordedOpKind.ReadIoApic:
                return string.Create(CultureInfo.InvariantCulture, $"={ReadMmio(cpu, IoApic.BaseAddress + IoApic.IoWin):x8}");
            case RecordedOpKind.ReadMsr: return ReadMsr(cpu, op.Address);
            case RecordedOpKind.WriteMsr: return WriteMsr(cpu, op.Address, op.Value) ? Fault : "";
            case RecordedOpKind.ReadCr8: return string.Create(CultureInfo.InvariantCulture, $"={apics[cpu].ReadCr8():x}");
            case RecordedOpKind.WriteCr8:
                apics[cpu].WriteCr8((int)op.Value);
                return "";
            case RecordedOpKind.ReadPpr: return string.Create(CultureInfo.InvariantCulture, $"ppr={ReadPpr(cpu):x2}");
            default: throw new InvalidOperationException($"{op.Kind} is no access of a guest.");
        }
    }

    // The log of iow and ior is that of their second access: what is taken after the first one is not in it.
    private void Select(int cpu, uint register)
    {
        Instruction(cpu);
        WriteMmio(cpu, IoApic.BaseAddress + IoApic.IoRegSel, register);
    }

    // By MMIO or MSR, as the mode has it; nothing answers in place of a disabled APIC.
    private byte ReadPpr(int cpu) => apics[cpu].Mode == ApicMode.Disabled ? byte.MaxValue : apics[cpu].Ppr;

    private void WriteMmio(int cpu, uint address, uint value)
    {
        if (apics[cpu].DecodesMmio(address))
            WriteLocalApic(cpu, (int)(address % LocalApicRegister.PageSize), value);
        else if (preset.Platform.IsIoApic(address) && !IsHole(cpu, address))
            WriteIoApic(address - IoApic.BaseAddress, value);
    }

    private void WriteIoApic(uint offset, uint value)
    {
        RedirectionEntry before = (chips as ModelChips)?.Selected ?? default;
        chips.WriteIoApic(offset, value);
        if (offset == IoApic.IoWin && chips is ModelChips { Selected: { } after })
            EntryRewritten(before, after);
    }

    private void WriteLocalApic(int cpu, int offset, uint value)
    {
        var before = MapKey(apics[cpu]);
        RegisterWriteEffect effect = apics[cpu].Write(offset, value, now, Clock);
        Rewrite(cpu, before, offset);
        Apply(cpu, effect);
    }

    private uint ReadMmio(int cpu, uint address)
    {
        if (IsHole(cpu, address))
            return uint.MaxValue;
        if (apics[cpu].DecodesMmio(address))
            return apics[cpu].Read((int)(address % LocalApicRegister.PageSize), now, Clock);
        return preset.Platform.IsIoApic(address) ? chips.ReadIoApic(address - IoApic.BaseAddress) : uint.MaxValue;
    }

    // The page of an APIC that is disabled or in x2APIC mode (KVM lapic.c:apic_mmio_read with KVM_X86_QUIRK_LAPIC_MMIO_HOLE).
    private bool IsHole(int cpu, uint address) =>
        preset.Platform.MmioHole == MmioHolePolicy.Present
        && apics[cpu].Mode != ApicMode.XApic
        && apics[cpu].ApicBase >> 12 == address >> 12;

    private void WritePort(uint port, byte value)
    {
        chips.WritePort(port, value, Array.Exists(apics, apic => apic.AcceptsPicInterrupt));
        DriveLint0();
    }

    // A poll acknowledges: INT may fall.
    private byte ReadPort(uint port)
    {
        byte value = chips.ReadPort(port);
        DriveLint0();
        return value;
    }

    private string ReadMsr(int cpu, uint msr)
    {
        MsrReadResult result = msr switch
        {
            ApicBaseBits.Msr => new MsrReadResult(false, apics[cpu].ApicBase),
            >= LocalApic.FirstX2ApicMsr and <= LocalApic.LastX2ApicMsr => apics[cpu].ReadMsr(msr, now, Clock),
            _ => throw new NotSupportedException(string.Create(CultureInfo.InvariantCulture, $"MSR {msr:X}h is not modelled")),
        };
        return result.IsGeneralProtection ? Fault : string.Create(CultureInfo.InvariantCulture, $"={result.Value:x16}");
    }

    // True if it faults.
    private bool WriteMsr(int cpu, uint msr, ulong value)
    {
        var before = MapKey(apics[cpu]);
        MsrWriteResult result = msr switch
        {
            ApicBaseBits.Msr => apics[cpu].WriteApicBase(value),
            >= LocalApic.FirstX2ApicMsr and <= LocalApic.LastX2ApicMsr => apics[cpu].WriteMsr(msr, value, now, Clock),
            _ => throw new NotSupportedException(string.Create(CultureInfo.InvariantCulture, $"MSR {msr:X}h is not modelled")),
        };
        Rewrite(cpu, before);
        Apply(cpu, result.Effect);
        return result.IsGeneralProtection;
    }

    private void Sleep(int milliseconds)
    {
        now += milliseconds * TicksPerMillisecond;
        foreach (ref LocalApic apic in apics.AsSpan())
        {
            while (apic.TimerDeadline <= now)
                apic.Expire(now, Clock);
        }
    }
}
