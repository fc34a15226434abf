using System.Globalization;

namespace ScenarioHv.Conformance.Tests.Naive;

/// <summary>
/// The recordings' machine a second time, as slowly and plainly as the manuals read. It shares nothing with the model but the form of an
/// operation. What it cannot show, it says by <see cref="NotSupportedException"/>: INIT, start-up, SMI, other MSRs.
/// </summary>
internal sealed partial class NaiveMachine : IWitness, INaiveBus
{
    private readonly NaiveCpu[] cpus;
    private readonly NaiveLocalApic[] apics;
    private readonly bool isKvm;
    private readonly INaivePic pic;
    private readonly INaiveIoApic ioApic;
    private readonly List<RecordedOp> hooks = [];

    /// <summary>KVM: the CPU that was made last is missing from the map of IDs until something changes that the map is made of.</summary>
    private bool mapIsLate;

    /// <summary>Powers it on.</summary>
    /// <param name="cpus">The number of CPUs.</param>
    /// <param name="hasX2Apic">CPUID offers x2APIC mode.</param>
    /// <param name="isKvm">It follows the rules that Linux 6.18 KVM has of its own, and not the manuals.</param>
    public NaiveMachine(int cpus, bool hasX2Apic, bool isKvm = false)
    {
        this.isKvm = isKvm;
        mapIsLate = isKvm;
        this.cpus = new NaiveCpu[cpus];
        apics = new NaiveLocalApic[cpus];
        for (int cpu = 0; cpu < cpus; cpu++)
        {
            this.cpus[cpu] = new NaiveCpu();
            apics[cpu] = new NaiveLocalApic(cpu, hasX2Apic, isKvm, this);
        }

        pic = isKvm ? new NaiveKvmPic() : new NaivePic8259();
        ioApic = isKvm ? new NaiveKvmIoApic(this) : new NaiveIoApic(this);
    }

    public void Dispose()
    {
    }

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
                for (int vector = op.FirstVector; vector <= op.LastVector; vector++)
                    cpus[op.Cpu].Handlers[vector] = op.Steps;
                return "";
            case RecordedOpKind.Hook:
                hooks.Add(op);
                return "";
            case RecordedOpKind.Sleep:
                foreach (NaiveLocalApic apic in apics)
                    apic.Pass(op.Milliseconds * 1_000_000L);
                return "";
            case RecordedOpKind.DumpLocalApic:
                return apics[op.Cpu].Dump();
            case RecordedOpKind.DumpIoApic:
                return ioApic.Dump();
            case RecordedOpKind.DumpPic:
                return pic.Dump();
            case RecordedOpKind.Nmi:
                LatchNmi(op.Cpu);
                return cpus[op.Cpu].IsHalted ? "" : Instruction(op.Cpu);
            case RecordedOpKind.Lint1:
                PulseLint1();
                return cpus[0].IsHalted ? "" : Instruction(0);
            case RecordedOpKind.Run:
                return cpus[op.Cpu].IsHalted ? Wake(op.Cpu) : "!running";
            default:
                return cpus[op.Cpu].IsHalted ? "!halted" : ByGuest(op);
        }
    }

    private string ByGuest(RecordedOp op)
    {
        if (op.Kind == RecordedOpKind.Window)
            return Window(op.Cpu, op.Max);
        if (op.Kind == RecordedOpKind.Halt)
        {
            LoadMap(op.Cpu);
            cpus[op.Cpu].HaltMax = op.Max;
            return Wake(op.Cpu);
        }

        string shown = Access(op);
        string delivered = Instruction(op.Cpu);
        return shown != "" && delivered != "" ? shown + " " + delivered : shown + delivered;
    }

    private string Access(RecordedOp op)
    {
        uint value = (uint)(op.Value % NaiveBits.TwoTo(32));
        switch (op.Kind)
        {
            case RecordedOpKind.WriteMmio:
                WriteMemory(op.Cpu, op.Address, value);
                return "";
            case RecordedOpKind.ReadMmio:
                return "=" + Hex(ReadMemory(op.Cpu, op.Address), 8);
            case RecordedOpKind.WritePort:
                WritePort(op.Address, value);
                return "";
            case RecordedOpKind.ReadPort:
                return "=" + Hex(ReadPort(op.Address), 2);
            case RecordedOpKind.WriteIoApic:
                Select(op);
                WriteMemory(op.Cpu, 0xFEC00010, value);
                return "";
            case RecordedOpKind.ReadIoApic:
                Select(op);
                return "=" + Hex(ReadMemory(op.Cpu, 0xFEC00010), 8);
            case RecordedOpKind.ReadMsr:
                ulong? read = ReadMsr(op.Cpu, op.Address);
                return read == null ? "#0d" : "=" + Hex(read.Value, 16);
            case RecordedOpKind.WriteMsr:
                return WriteMsr(op.Cpu, op.Address, op.Value) ? "" : "#0d";
            case RecordedOpKind.ReadCr8:
                return "=" + Hex(apics[op.Cpu].Cr8, 1);
            case RecordedOpKind.WriteCr8:
                apics[op.Cpu].Cr8 = value;
                return "";
            case RecordedOpKind.ReadPpr:
                return "ppr=" + Hex(apics[op.Cpu].ProcessorPriority, 2);
            default:
                return "";
        }
    }

    /// <summary>The recordings show the second access of these operations only, not what was delivered after the first.</summary>
    private void Select(RecordedOp op)
    {
        WriteMemory(op.Cpu, 0xFEC00000, op.Address);
        Instruction(op.Cpu);
    }

    private void WriteMemory(int cpu, uint address, uint value)
    {
        if (apics[cpu].Decodes(address))
        {
            string before = MapOf(cpu);
            apics[cpu].Write(address % 4096, value);
            mapIsLate = mapIsLate && MapOf(cpu) == before && address % 4096 is not (0x20 or 0xD0 or 0xE0);
        }
        else if (address - (address % 256) == 0xFEC00000)
        {
            ioApic.Write(address % 256, value);
        }
    }

    private uint ReadMemory(int cpu, uint address)
    {
        if (apics[cpu].Decodes(address))
            return apics[cpu].Read(address % 4096);
        return address - (address % 256) == 0xFEC00000 ? ioApic.Read(address % 256) : 0xFFFFFFFF;
    }

    private void WritePort(uint port, uint value)
    {
        pic.Write(port, value, Array.Exists(apics, apic => apic.ListensToIntr));
        WireIntr();
    }

    private uint ReadPort(uint port)
    {
        uint value = pic.Read(port);
        WireIntr();
        return value;
    }

    private ulong? ReadMsr(int cpu, uint msr)
    {
        if (msr == 0x1B)
            return apics[cpu].Base;
        return IsApicMsr(msr) ? apics[cpu].ReadMsr(msr) : throw new NotSupportedException($"MSR {msr:X}h");
    }

    private bool WriteMsr(int cpu, uint msr, ulong value)
    {
        string before = MapOf(cpu);
        if (msr != 0x1B && !IsApicMsr(msr))
            throw new NotSupportedException($"MSR {msr:X}h");
        bool taken = msr == 0x1B ? apics[cpu].WriteBase(value) : apics[cpu].WriteMsr(msr, value);
        mapIsLate = mapIsLate && MapOf(cpu) == before;
        return taken;
    }

    private string MapOf(int cpu) => $"{apics[cpu].IsPresent} {apics[cpu].IsX2Apic} {apics[cpu].IsEnabled}";

    private static bool IsApicMsr(uint msr) => msr is >= 0x800 and <= 0x8FF;

    private static string Hex(ulong value, int digits) => value.ToString("x" + digits, CultureInfo.InvariantCulture);
}
