using System.Runtime.CompilerServices;
using ScenarioHv.Engine.Naming;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Guests;

/// <summary>
/// A guest's view of its CPU. Each awaited call is one operation of that CPU; the C# code up to the next <c>await</c> belongs to it.
/// Between two operations anything else may happen, an interrupt among them, whose handler runs first.
/// <c>at</c> is the instruction's address, as traces print it; without one it is made of the script's line number.
/// </summary>
public readonly struct Cpu
{
    private const int LineBytes = 0x10;

    private readonly byte _index;

    /// <summary>Creates the handle of vCPU <paramref name="index"/>.</summary>
    internal Cpu(int index) => _index = (byte)index;

    /// <summary>The vCPU's number, from 0.</summary>
    public int Id => _index;

    /// <summary>Ordinary instructions for <paramref name="cycles"/> cycles. An interrupt can come in between.</summary>
    /// <param name="cycles">1 or more.</param>
    /// <param name="at">Address of the first instruction.</param>
    /// <param name="line">Filled in by the compiler.</param>
    public Op Work(long cycles, ulong at = 0, [CallerLineNumber] int line = 0)
    {
        if (cycles < 1)
        {
            throw new GuestException($"Work({cycles}): the number of cycles is 1 or more.");
        }

        return Ask(new Operation { Kind = OperationKind.Work, Remaining = cycles, Rip = Rip(at, line), Length = 0 });
    }

    /// <summary>IN AL, DX.</summary>
    public Op<byte> In8(ushort port, ulong at = 0, [CallerLineNumber] int line = 0) => Port<byte>(OperationKind.In, port, 1, 0, at, line);

    /// <summary>IN AX, DX.</summary>
    public Op<ushort> In16(ushort port, ulong at = 0, [CallerLineNumber] int line = 0) =>
        Port<ushort>(OperationKind.In, port, 2, 0, at, line);

    /// <summary>IN EAX, DX.</summary>
    public Op<uint> In32(ushort port, ulong at = 0, [CallerLineNumber] int line = 0) => Port<uint>(OperationKind.In, port, 4, 0, at, line);

    /// <summary>OUT DX, AL.</summary>
    public Op<byte> Out8(ushort port, byte value, ulong at = 0, [CallerLineNumber] int line = 0) =>
        Port<byte>(OperationKind.Out, port, 1, value, at, line);

    /// <summary>OUT DX, AX.</summary>
    public Op<ushort> Out16(ushort port, ushort value, ulong at = 0, [CallerLineNumber] int line = 0) =>
        Port<ushort>(OperationKind.Out, port, 2, value, at, line);

    /// <summary>OUT DX, EAX.</summary>
    public Op<uint> Out32(ushort port, uint value, ulong at = 0, [CallerLineNumber] int line = 0) =>
        Port<uint>(OperationKind.Out, port, 4, value, at, line);

    /// <summary>
    /// A 32-bit load from physical address <paramref name="address"/>: a local APIC (FEE00000h) or I/O APIC (FEC00000h) register.
    /// </summary>
    public Op<uint> MmioRead(uint address, ulong at = 0, [CallerLineNumber] int line = 0) =>
        Ask<uint>(new Operation { Kind = OperationKind.MmioRead, Code = address, Size = 4, Rip = Rip(at, line), Length = 7 });

    /// <summary>
    /// A 32-bit store to physical address <paramref name="address"/>: a local APIC (FEE00000h) or I/O APIC (FEC00000h) register.
    /// </summary>
    public Op MmioWrite(uint address, uint value, ulong at = 0, [CallerLineNumber] int line = 0) =>
        Ask(new Operation { Kind = OperationKind.MmioWrite, Code = address, Value = value, Size = 4, Rip = Rip(at, line), Length = 7 });

    /// <summary>RDMSR.</summary>
    public Op<ulong> ReadMsr(uint index, ulong at = 0, [CallerLineNumber] int line = 0) =>
        Ask<ulong>(new Operation { Kind = OperationKind.ReadMsr, Code = index, Rip = Rip(at, line), Length = 2 });

    /// <summary>WRMSR.</summary>
    public Op WriteMsr(uint index, ulong value, ulong at = 0, [CallerLineNumber] int line = 0) =>
        Ask(new Operation { Kind = OperationKind.WriteMsr, Code = index, Value = value, Rip = Rip(at, line), Length = 2 });

    /// <summary>MOV from CR8: the class of the task priority.</summary>
    public Op<byte> ReadCr8(ulong at = 0, [CallerLineNumber] int line = 0) =>
        Ask<byte>(new Operation { Kind = OperationKind.ReadCr8, Rip = Rip(at, line), Length = 4 });

    /// <summary>MOV to CR8.</summary>
    /// <param name="value">0..15.</param>
    /// <param name="at">Address of the instruction.</param>
    /// <param name="line">Filled in by the compiler.</param>
    public Op WriteCr8(byte value, ulong at = 0, [CallerLineNumber] int line = 0)
    {
        if (value > 15)
        {
            throw new GuestException($"WriteCr8({value}): CR8 holds 0..15; more is a #GP.");
        }

        return Ask(new Operation { Kind = OperationKind.WriteCr8, Value = value, Rip = Rip(at, line), Length = 4 });
    }

    /// <summary>STI: interrupts are taken after the next instruction.</summary>
    public Op Sti(ulong at = 0, [CallerLineNumber] int line = 0) => Plain(OperationKind.Sti, 1, at, line);

    /// <summary>CLI.</summary>
    public Op Cli(ulong at = 0, [CallerLineNumber] int line = 0) => Plain(OperationKind.Cli, 1, at, line);

    /// <summary>MOV SS: holds interrupts, NMIs and debug traps for one instruction.</summary>
    public Op MovSs(ulong at = 0, [CallerLineNumber] int line = 0) => Plain(OperationKind.MovSs, 2, at, line);

    /// <summary>HLT: waits for an interrupt.</summary>
    public Op Hlt(ulong at = 0, [CallerLineNumber] int line = 0) => Plain(OperationKind.Hlt, 1, at, line);

    /// <summary>
    /// RDTSC as a number. From here on no state of the machine can recur; a deadline that is kept as <see cref="Instant"/> forks and
    /// hashes.
    /// </summary>
    public Op<long> ReadTsc(ulong at = 0, [CallerLineNumber] int line = 0) =>
        Ask<long>(new Operation { Kind = OperationKind.ReadTsc, Rip = Rip(at, line), Length = 2 });

    /// <summary>
    /// End of interrupt. For a guest of the hypervisor: a store to the EOI register (offset B0h). For a nested guest: WRMSR HV_X64_MSR_EOI
    /// (40000070h), which its own hypervisor intercepts.
    /// </summary>
    public Op Eoi(ulong at = 0, [CallerLineNumber] int line = 0) =>
        Ask(new Operation { Kind = OperationKind.Eoi, Rip = Rip(at, line), Length = (byte)(StepContext.Current.Level == 2 ? 2 : 7) });

    /// <summary>
    /// CPUID, as far as it concerns interrupts: of leaf 1 it is ECX (bit 21 x2APIC), of Hyper-V's leaves 40000003h and 40000004h EAX
    /// (TLFS 2.4; features bit 2 SynIC and 4 APIC MSRs, advice bit 3 APIC MSRs and 9 no AutoEOI). Other bits and leaves are 0.
    /// </summary>
    public Op<uint> Cpuid(uint leaf, ulong at = 0, [CallerLineNumber] int line = 0) =>
        Ask<uint>(new Operation { Kind = OperationKind.Cpuid, Code = leaf, Rip = Rip(at, line), Length = 2 });

    /// <summary>
    /// The end of a handler where there is an assist page (TLFS 10.3.5): tests and clears its bit 0. True if that was the EOI; false if it
    /// has to be written.
    /// </summary>
    public Op<bool> AssistEoi(ulong at = 0, [CallerLineNumber] int line = 0) =>
        Ask<bool>(new Operation { Kind = OperationKind.AssistEoi, Rip = Rip(at, line), Length = 9 });

    /// <summary>VMRESUME (or VMLAUNCH): the nested guest runs until it exits.</summary>
    public OpExit VmResume(ulong at = 0, [CallerLineNumber] int line = 0) => Enter(at, line, 3);

    /// <summary>
    /// VMRUN: the nested guest runs until it exits. An INTR exit carries no vector and acknowledges nothing; GIF is 0 afterwards.
    /// </summary>
    public OpExit VmRun(ulong at = 0, [CallerLineNumber] int line = 0) => Enter(at, line, 3);

    /// <summary>VMCALL or VMMCALL with <paramref name="number"/> in the first register.</summary>
    public Op<ulong> VmCall(ulong number, ulong at = 0, [CallerLineNumber] int line = 0) =>
        Ask<ulong>(new Operation { Kind = OperationKind.VmCall, Value = number, Rip = Rip(at, line), Length = 3 });

    /// <summary>STGI (AMD): interrupts are possible again.</summary>
    public Op Stgi(ulong at = 0, [CallerLineNumber] int line = 0) => Plain(OperationKind.Stgi, 3, at, line);

    /// <summary>CLGI (AMD).</summary>
    public Op Clgi(ulong at = 0, [CallerLineNumber] int line = 0) => Plain(OperationKind.Clgi, 3, at, line);

    /// <summary>Tells the laboratory something, which a goal can wait for. Takes as long as one instruction.</summary>
    public Op Report(string text, ulong at = 0, [CallerLineNumber] int line = 0) =>
        Ask(new Operation
        {
            Kind = OperationKind.Report,
            Value = StepContext.Current.Board.Reports.Number(text),
            Rip = Rip(at, line),
            Length = 0,
        });

    /// <summary>
    /// Leaves something to the scheduler: how often a wakeup is spurious, how long a delay is, which of several ways the guest goes. A run
    /// takes 0, a search takes every value. Takes as long as one instruction.
    /// </summary>
    /// <param name="ways">2..16.</param>
    /// <param name="at">Address of the instruction.</param>
    /// <param name="line">Filled in by the compiler.</param>
    /// <returns>0 .. <paramref name="ways"/> - 1.</returns>
    public Op<int> Choose(int ways, ulong at = 0, [CallerLineNumber] int line = 0)
    {
        if (ways is < 2 or > 16)
        {
            throw new GuestException($"Choose({ways}): there are 2..16 ways to choose from.");
        }

        return Ask<int>(new Operation { Kind = OperationKind.Choose, Value = (ulong)ways, Rip = Rip(at, line), Length = 0 });
    }

    /// <summary>
    /// Breaks the property <c>assert</c> unless <paramref name="condition"/> is true: the run ends there, and a search finds the order of
    /// steps that leads there. No operation, not awaited, and takes no time: it belongs to the operation before it.
    /// </summary>
    /// <param name="condition">What has to be so.</param>
    /// <param name="what">What that means, for the report; null if the expression says enough.</param>
    /// <param name="text">Filled in by the compiler.</param>
    /// <param name="file">Filled in by the compiler.</param>
    /// <param name="line">Filled in by the compiler, as is <paramref name="column"/>.</param>
    /// <param name="column">Its column.</param>
    public void Assert(
        bool condition,
        string? what = null,
        [CallerArgumentExpression(nameof(condition))] string text = "",
        [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0,
        int column = 0)
    {
        if (!condition)
        {
            Fail(what, text, $"{file[(file.LastIndexOfAny(['/', '\\']) + 1)..]}:{StepBudgetException.LineOf(line)}:{Math.Max(1, column)}");
        }
    }

    /// <summary>The parameter <paramref name="name"/> that the scenario gives this guest under <c>with</c>.</summary>
    /// <exception cref="GuestException">The scenario gives none.</exception>
    public long Parameter(string name)
    {
        var context = Running();
        var given = context.Board.Guest(context.Level)!.Parameters;
        return given.TryGetValue(name, out var value) ? value
            : throw new GuestException(NearestName.Of(name, given.Keys) is { } nearest
                ? $"The scenario gives this guest no parameter '{name}'; did you mean '{nearest}'?"
                : $"The scenario gives this guest no parameter '{name}'; add it under guests, with.");
    }

    /// <summary>
    /// The next entry delivers <paramref name="vector"/> to the nested guest through its IDT, before its first instruction (VMCS field
    /// 4016h, or EVENTINJ).
    /// </summary>
    /// <param name="vector">0x10..0xff.</param>
    public void InjectIntoL2(byte vector)
    {
        var context = RequireHypervisor("InjectIntoL2");
        context.Board.Processor.SetNestedInjection(context.Machine, _index, vector);
    }

    /// <summary>
    /// Whether the nested guest exits as soon as it could take an interrupt (VMX interrupt-window exiting, or a VINTR intercept with a
    /// dummy V_IRQ).
    /// </summary>
    public void RequestInterruptWindow(bool wanted)
    {
        var context = RequireHypervisor("RequestInterruptWindow");
        context.Board.Processor.SetNestedWindow(context.Machine, _index, wanted);
    }

    /// <summary>
    /// Whether an external interrupt that makes the nested guest exit is acknowledged by the exit. VMX only; set at the start.
    /// </summary>
    public void AcknowledgeInterruptOnExit(bool wanted)
    {
        var context = RequireHypervisor("AcknowledgeInterruptOnExit");
        context.Board.Processor.SetAcknowledgeOnExit(context.Machine, _index, wanted);
    }

    /// <summary>
    /// The nested guest's instruction that exited has been emulated: it retires with <paramref name="result"/>. Otherwise it is executed
    /// again.
    /// </summary>
    public void SkipL2Instruction(ulong result = 0)
    {
        var context = RequireHypervisor("SkipL2Instruction");
        ref var operation = ref context.Machine.Fiber(context.Board.GuestFiber(_index, 2)).Op;
        if (operation.Stage != OperationStage.Begun || operation.Kind == OperationKind.Work)
        {
            throw new GuestException("SkipL2Instruction: the nested guest did not exit by an instruction.");
        }

        context.Board.Processor.CompleteOperation(context, _index, 2, result);
    }

    /// <summary>True if the nested guest could take an interrupt now: RFLAGS.IF = 1 and no shadow.</summary>
    public bool L2CanTakeInterrupt
    {
        get
        {
            var context = RequireHypervisor("L2CanTakeInterrupt");
            return context.Machine.Ref(context.Board.Cores, Board.CoreIndex(_index, 2)).InterruptsOpen;
        }
    }

    /// <summary>The moment <paramref name="cycles"/> cycles from now: forks and hashes as a timer does.</summary>
    public Instant Deadline(long cycles) => new Instant(Running().Machine.Now) + cycles;

    /// <summary>True if <paramref name="deadline"/> has passed.</summary>
    public bool Expired(Instant deadline) => deadline.Cycle <= Running().Machine.Now;

    private void Fail(string? what, string text, string place)
    {
        var context = Running();
        var words = $"{place}: '{text}' does not hold in l{context.Level} on vCPU {_index}{(what is null ? "" : $": {what}")}";
        SafetyChecks.Fail(context, SafetyProperty.Assert, _index, expected: (uint)context.Board.Assertions.Number(words));
        context.Budget = -1;                    // no handler of the script takes it
        throw new AssertionException(words);
    }

    internal Op Memory(OperationKind kind, int word, ulong value, ulong at, int line) =>
        Ask(new Operation { Kind = kind, Code = (uint)word, Value = value, Rip = Rip(at, line), Length = 7 });

    /// <summary>The context of the step under way, which must be one of this CPU.</summary>
    private StepContext Running()
    {
        var context = StepContext.Current;
        return context.Level != 0 && context.Vcpu == _index ? context
            : throw new GuestException($"This is the handle of vCPU {_index}; only that vCPU's own guest code can use it.");
    }

    private StepContext RequireHypervisor(string what)
    {
        var context = Running();
        return context.Level == 1 && context.Board.L2 is not null ? context
            : throw new GuestException(
                $"{what} is for the guest that runs a nested guest: "
                + $"this scenario's {(context.Level == 1 ? "l1 has no l2" : "l2 has none")}.");
    }

    /// <summary>What <see cref="Rip"/> has made an address of.</summary>
    internal static (int File, int Line)? LineOf(ulong rip, int level)
    {
        var line = (int)((uint)rip / LineBytes);
        return rip >> 32 == (ulong)level && StepBudgetException.LineOf(line) is > 0 and var number
            ? (StepBudgetException.FileOf(line), number) : null;
    }

    private static ulong Rip(ulong at, int line) => at != 0 ? at : ((ulong)StepContext.Current.Level << 32) + (ulong)(line * LineBytes);

    private Op Plain(OperationKind kind, byte length, ulong at, int line) =>
        Ask(new Operation { Kind = kind, Rip = Rip(at, line), Length = length });

    private OpExit Enter(ulong at, int line, byte length)
    {
        RequireHypervisor("VMRESUME");
        Ask(new Operation { Kind = OperationKind.VmEnter, Rip = Rip(at, line), Length = length });
        return default;
    }

    private Op<T> Port<T>(OperationKind kind, ushort port, byte size, uint value, ulong at, int line) where T : unmanaged =>
        Ask<T>(new Operation
        {
            Kind = kind,
            Code = port,
            Size = size,
            Value = value,
            Rip = Rip(at, line),
            Length = (byte)(size == 2 ? 2 : 1),
        });

    private Op<T> Ask<T>(Operation operation) where T : unmanaged
    {
        Ask(operation);
        return default;
    }

    private unsafe Op Ask(Operation operation)
    {
        operation.Deadline = Instant.Never;
        Running().Fiber->Op = operation;
        return default;
    }
}
