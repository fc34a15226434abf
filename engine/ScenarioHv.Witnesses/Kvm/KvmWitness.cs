using System.Globalization;
using ScenarioHv.Conformance;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Witnesses;

/// <summary>
/// Linux KVM's interrupt controllers, after power-on, with a guest that executes operations. Its CPUs run one at a time, in the thread
/// that calls.
/// </summary>
/// <remarks>
/// A window is a loop of the host: it lets the CPU in with IF = 1, KVM injects what is deliverable, and an instruction that comes through
/// ends the window. So each place where an interrupt can be taken is an entry, whatever processor the host has.
/// The guest has no code for INIT, start-up and SMI: an operation that leads to one ends in <see cref="NotSupportedException"/>, and so
/// does an MSR that belongs to no local APIC. The APIC timer counts real time.
/// </remarks>
public sealed partial class KvmWitness : IWitness
{
    /// <summary>The longest that the guest may execute without a report, in milliseconds.</summary>
    public const int Patience = 1000;

    private readonly KvmMachine machine;
    private readonly RunTimer timer;
    private readonly bool isCompensated;
    private readonly Action<KvmMachine> close;
    private readonly Core[] cores;
    private readonly List<RecordedOp> hooks = [];
    private bool mayReset;
    private bool isLost;
    private bool isDisposed;

    internal KvmWitness(KvmMachine machine, RunTimer timer, bool isCompensated, Action<KvmMachine> close)
    {
        this.machine = machine;
        this.timer = timer;
        this.isCompensated = isCompensated;
        this.close = close;
        cores = [.. machine.Cpus.Select(cpu => new Core(cpu))];
    }

    /// <inheritdoc/>
    public string Execute(RecordedOp op)
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        if (isLost)
            throw new WitnessException("an operation before this one left the CPUs in a state that is not known");
        isLost = true;
        mayReset |= IsReset(op);
        string log = Guarded(op);
        if (mayReset)
            RefuseResets();
        isLost = false;
        return log;
    }

    /// <summary>Frees the VM.</summary>
    public void Dispose()
    {
        if (!isDisposed)
            close(machine);
        isDisposed = true;
    }

    /// <summary>True if a vector is in a CPU's ISR.</summary>
    internal bool IsInService(int cpu, int vector) => cores[cpu].ReadLapic().Has(LocalApicRegister.Isr, vector);

    // An INIT or SMI to the very CPU that executes leads it astray before anyone can ask for its state.
    private string Guarded(RecordedOp op)
    {
        try
        {
            return ByHost(op);
        }
        catch (WitnessException) when (mayReset)
        {
            throw new NotSupportedException($"'{op.Text}' leads to an INIT or SMI, for which the guest has no code");
        }
    }

    private string ByHost(RecordedOp op)
    {
        switch (op.Kind)
        {
            case RecordedOpKind.Line:
                machine.Drive(op.Target, op.Pin, op.IsHigh);
                return "";
            case RecordedOpKind.Pulse:
                machine.Drive(op.Target, op.Pin, true);
                machine.Drive(op.Target, op.Pin, false);
                return "";
            case RecordedOpKind.Msi:
                machine.Send(op.Address, (uint)op.Value);
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
            case RecordedOpKind.DumpLocalApic: return KvmDumps.Of(op.Cpu, cores[op.Cpu].ReadLapic());
            case RecordedOpKind.DumpIoApic: return KvmDumps.Of(machine.ReadChip(KvmIrqchip.IoApic).IoApicState);
            case RecordedOpKind.DumpPic:
                return KvmDumps.Of(machine.ReadChip(KvmIrqchip.MasterPic).Pic, machine.ReadChip(KvmIrqchip.SlavePic).Pic);
            default: return OnCpu(op);
        }
    }

    // KVM carries a timer that has run out into the IRR in KVM_RUN only. With the signal pending, and IF = 0, it does no more than that. A
    // CPU in HLT has IF = 1 and would be woken: it is told when it goes on.
    private void Sleep(int milliseconds)
    {
        Thread.Sleep(milliseconds);
        SignalSet old = timer.Enter();
        try
        {
            foreach (Core core in cores)
            {
                if (core.IsHalted)
                    continue;
                core.Cpu.Start(Snippet.Tick, interruptFlag: false);
                timer.Raise();
                core.Cpu.Run();
                RunTimer.Clear();
            }
        }
        finally
        {
            timer.Leave(old);
        }
    }

    private string OnCpu(RecordedOp op)
    {
        SignalSet old = timer.Enter();
        try
        {
            timer.Start(Patience);
            return ByCpu(op, cores[op.Cpu]);
        }
        finally
        {
            timer.Leave(old);
        }
    }

    private string ByCpu(RecordedOp op, Core core)
    {
        switch (op.Kind)
        {
            case RecordedOpKind.Nmi:
                core.Cpu.SendNmi();
                return core.IsHalted ? "" : Nop(core);
            case RecordedOpKind.Lint1:
                PulseLint1();
                return core.IsHalted ? "" : Nop(core);
            case RecordedOpKind.Run: return core.IsHalted ? Resume(core) : "!running";
        }

        if (core.IsHalted)
            return "!halted";
        core.Cpu.EmptyStack();
        switch (op.Kind)
        {
            case RecordedOpKind.Window: return Window(core, op.Max);
            case RecordedOpKind.Halt: return Halt(core, op.Max);
        }

        // The pvm backend injects an NMI that the access raised at the next KVM_RUN only; it belongs to this operation. One that waited is
        // taken before the access, and a second one waits on.
        int waiting = Math.Max(core.Cpu.PendingNmis() - 1, 0);
        var run = new Deliveries(Deliveries.NoMax);
        string seen = Access(core, op, run);
        if (core.Cpu.PendingNmis() > waiting)
            Perform(core, run, 0, Snippet.Tick);
        return seen.Length == 0 || !run.Any ? seen + run.Text : $"{seen} {run.Text}";
    }

    private string Nop(Core core)
    {
        core.Cpu.EmptyStack();
        var run = new Deliveries(Deliveries.NoMax);
        Perform(core, run, 0, Snippet.Tick);
        return run.Text;
    }

    // KVM has no LINT1 input: its user spaces do with LVT1 what the wire would (KVM_NMI).
    private void PulseLint1()
    {
        const uint MaskAndMode = 0x10700;
        const uint UnmaskedNmi = 0x400;
        foreach (Core core in cores)
        {
            if ((core.ReadLapic()[LocalApicRegister.LvtLint1] & MaskAndMode) == UnmaskedNmi)
                core.Cpu.SendNmi();
        }
    }

    private void RefuseResets()
    {
        foreach (Core core in cores)
        {
            if (core.Cpu.Stranger() is { } message)
                throw new NotSupportedException($"CPU {core.Cpu.Number} gets {message}, for which the guest has no code");
        }
    }

    // Delivery modes 2, 5 and 6 of any register that has one are SMI, INIT and start-up (SDM3 10.5.1, 10.6.1).
    private static bool IsReset(RecordedOp op) => (op.Value >> 8 & 7) is 2 or 5 or 6;

    // One access by the guest, and what it reads.
    private string Access(Core core, RecordedOp op, Deliveries run)
    {
        ref readonly KvmRegs regs = ref core.Cpu.Regs;
        switch (op.Kind)
        {
            case RecordedOpKind.Nop:
                Perform(core, run, 0, Snippet.Tick);
                return "";
            case RecordedOpKind.WriteMmio:
                Perform(core, run, 0, Snippet.WriteMmio, rax: op.Value, rbx: op.Address);
                return "";
            case RecordedOpKind.ReadMmio:
                if (core.Cpu.PendingNmis() < 2)
                    ClearReadBuffer(core, run);
                return Read(Perform(core, run, 0, Snippet.ReadMmio, rbx: op.Address), $"={(uint)regs.Rax:x8}");
            case RecordedOpKind.WritePort:
                Perform(core, run, 0, Snippet.WritePort, rax: op.Value, rdx: op.Address);
                return "";
            case RecordedOpKind.ReadPort:
                return Read(Perform(core, run, 0, Snippet.ReadPort, rdx: op.Address), $"={(byte)regs.Rax:x2}");
            case RecordedOpKind.WriteIoApic:
                Select(core, op.Address);
                Perform(core, run, 0, Snippet.WriteMmio, rax: op.Value, rbx: IoApic.BaseAddress + IoApic.IoWin);
                return "";
            case RecordedOpKind.ReadIoApic:
                Select(core, op.Address);
                return Read(
                    Perform(core, run, 0, Snippet.ReadMmio, rbx: IoApic.BaseAddress + IoApic.IoWin), $"={(uint)regs.Rax:x8}");
            case RecordedOpKind.ReadMsr:
                RefuseForeignMsr(op.Address);
                return Read(
                    Perform(core, run, 0, Snippet.ReadMsr, rcx: op.Address), $"={regs.Rdx << 32 | (uint)regs.Rax:x16}");
            case RecordedOpKind.WriteMsr:
                RefuseForeignMsr(op.Address);
                Perform(core, run, 0, Snippet.WriteMsr, rax: (uint)op.Value, rcx: op.Address, rdx: op.Value >> 32);
                return "";
            case RecordedOpKind.ReadCr8:
                return Read(Perform(core, run, 0, Snippet.ReadCr8), $"={regs.Rax:x}");
            case RecordedOpKind.WriteCr8:
                Perform(core, run, 0, Snippet.WriteCr8, rax: op.Value);
                return "";
            case RecordedOpKind.ReadPpr: return ReadPpr(core, run);
            default: throw new InvalidOperationException($"{op.Kind} is no access of a guest.");
        }
    }

    // Where a local APIC has no register KVM answers with what its instruction emulator read last (lapic.c:apic_mmio_read leaves the
    // buffer as it is). Offset 8 of the I/O APIC's page is no register either, but there KVM answers 0. The access more would have a second
    // NMI taken too early.
    private void ClearReadBuffer(Core core, Deliveries run) =>
        Perform(core, run, 0, Snippet.ReadMmio, rbx: IoApic.BaseAddress + 8);

    // The guest asks its own APIC, by MMIO or MSR as its mode has it.
    private string ReadPpr(Core core, Deliveries run)
    {
        const uint PprMsr = LocalApic.FirstX2ApicMsr + (LocalApicRegister.Ppr >> 4);
        const ulong X2ApicMode = 0xC00;
        bool done = (core.Cpu.ApicBase & X2ApicMode) == X2ApicMode
            ? Perform(core, run, 0, Snippet.ReadMsr, rcx: PprMsr)
            : Perform(core, run, 0, Snippet.ReadMmio, rbx: PageOf(core.Cpu.ApicBase) | LocalApicRegister.Ppr);
        return Read(done, $"ppr={(byte)core.Cpu.Regs.Rax:x2}");
    }

    // The guest maps no more than 4 GB of controllers.
    private static ulong PageOf(ulong apicBase)
    {
        ulong page = apicBase & ~(ulong)(LocalApicRegister.PageSize - 1);
        return page <= uint.MaxValue ? page : ApicBaseBits.DefaultAddress;
    }

    // The log of iow and ior is that of their second access: an NMI that is taken at the first one is not in it.
    private void Select(Core core, uint register) =>
        Perform(core, new Deliveries(Deliveries.NoMax), 0, Snippet.WriteMmio, rax: register, rbx: IoApic.BaseAddress + IoApic.IoRegSel);

    private static string Read(bool isDone, FormattableString text) => isDone ? text.ToString(CultureInfo.InvariantCulture) : "";

    private static void RefuseForeignMsr(uint msr)
    {
        if (msr is not (ApicBaseBits.Msr or (>= LocalApic.FirstX2ApicMsr and <= LocalApic.LastX2ApicMsr)))
            throw new NotSupportedException(string.Create(CultureInfo.InvariantCulture, $"MSR {msr:X}h is no local APIC's"));
    }
}
