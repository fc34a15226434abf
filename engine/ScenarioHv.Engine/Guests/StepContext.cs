using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Engine.Guests;

/// <summary>
/// What a step needs and no state keeps: the machine under way, the running fiber, a result that is passed from one frame to the next.
/// Nothing in it survives the end of a step.
/// </summary>
public sealed unsafe partial class StepContext
{
    [ThreadStatic]
    private static StepContext? s_current;

    internal FiberHead* Fiber;
    internal int Arena;
    internal bool Completed;
    internal ulong Result;
    internal Exception? Error;

    /// <summary>What the guest's code of this step may still use (<see cref="StepBudget"/>); less than 0 once it has used up all.</summary>
    internal long Budget;

    // What names a step has one byte for its way.
    private const int MostWays = 256;

    private readonly bool _asksPolicies;
    private int _suspended;
    private int _choice;

    /// <summary>Creates a context for machines of <paramref name="board"/>.</summary>
    public StepContext(Board board)
    {
        Board = board;
        _asksPolicies = board?.HasPolicyScripts != false;
    }

    /// <summary>The context of the step under way on this thread.</summary>
    /// <exception cref="InvalidOperationException">No step is under way.</exception>
    public static StepContext Current
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => s_current ?? throw NoStep();
    }

    /// <summary>The context of the step under way on this thread; null if none is.</summary>
    internal static StepContext? IfAny => s_current;

    /// <summary>The machine under way.</summary>
    public Machine Machine { get; internal set; } = null!;

    /// <summary>The machine's wiring.</summary>
    public Board Board { get; }

    /// <summary>The vCPU whose code runs.</summary>
    public byte Vcpu { get; internal set; }

    /// <summary>The level whose code runs: 0 the hypervisor, 1 its guest, 2 the guest's guest.</summary>
    public byte Level { get; internal set; }

    /// <summary>The actor whose step it is.</summary>
    public byte Actor { get; internal set; }

    /// <summary>Where trace events go; null if nobody listens.</summary>
    public ITraceSink? Sink { get; internal set; }

    /// <summary>In how many ways the step can go on, as far as it has come.</summary>
    internal int Ways { get; private set; }

    /// <summary>The levels of guests at which something has retired in this step, a bit each.</summary>
    internal int RetiredLevels { get; set; }

    /// <summary>A step begins on this thread. What a step that failed has left in the context is forgotten.</summary>
    /// <param name="context">Its context.</param>
    /// <param name="choice">Which of the ways in which it can go on is taken.</param>
    internal static void Enter(StepContext context, int choice = 0)
    {
        s_current = context;
        context.Error = null;
        context.Budget = StepBudget.Units;
        context.Completed = false;
        context._choice = choice;
        context.Ways = 1;
        context.RetiredLevels = 0;
        if (context._asksPolicies)
        {
            context.BeginPolicies();
        }
    }

    /// <summary>
    /// The step can go on in several ways from here: which is taken is the scheduler's choice, as whose step it is. A run takes the first.
    /// </summary>
    /// <param name="ways">1 or more.</param>
    /// <returns>0 .. <paramref name="ways"/> - 1.</returns>
    internal int Choose(int ways)
    {
        var taken = _choice % ways;
        _choice /= ways;
        Ways *= ways;
        if (Ways > MostWays)
        {
            throw new InvalidOperationException($"A step can go on in {Ways} ways, and no more than {MostWays} can be told apart.");
        }

        return taken;
    }

    /// <summary>
    /// What an operation of this step costs in cycles. Which of the values of a cost that varies it is, is the scheduler's choice.
    /// </summary>
    internal long Cost(TimingCost cost)
    {
        var timing = Board.Config.Timing;
        return timing.Varies(cost) ? timing.Values(cost)[Choose(timing.Values(cost).Count)] : timing[cost];
    }

    /// <summary>The step on this thread has ended, well or not.</summary>
    internal static void Leave() => s_current = null;

    /// <summary>Asserts at the end of a step that no method's exception is left over: one that was not awaited has thrown.</summary>
    internal void RequireSettled()
    {
        if (Error is { } error)
        {
            throw NotAwaited(error);
        }
    }

    /// <summary>Emits a trace event of this step.</summary>
    public void Emit(TraceEventKind kind, ulong a = 0, ulong b = 0, ulong c = 0, ulong d = 0, ulong e = 0, ulong f = 0) =>
        Sink?.Emit(new TraceEvent(Machine.Now, kind, Actor, Vcpu, a, b, c, d, e, f));

    /// <summary>Emits a trace event of this step about a vCPU, whoever's step it is.</summary>
    public void EmitOf(int vcpu, TraceEventKind kind, ulong a = 0, ulong b = 0, ulong c = 0, ulong d = 0, ulong e = 0) =>
        Sink?.Emit(new TraceEvent(Machine.Now, kind, Actor, (byte)vcpu, a, b, c, d, e));

    /// <summary>Makes <paramref name="slot"/> the running fiber.</summary>
    internal void Select(FiberSlot slot)
    {
        Fiber = (FiberHead*)Unsafe.AsPointer(ref Machine.Fiber(slot));
        Arena = slot.Arena;
        Completed = false;
    }

    /// <summary>Starts a fiber: <paramref name="start"/> calls its outermost method.</summary>
    internal void Start(FiberSlot slot, Func<bool> start)
    {
        Select(slot);
        *Fiber = default;
        if (start())
        {
            Finish();
        }
    }

    /// <summary>Runs the innermost frame until it awaits its next operation; completed frames unwind into their callers.</summary>
    /// <param name="result">What the awaited operation yields.</param>
    internal void Resume(ulong result)
    {
        Result = result;
        while (true)
        {
            var frame = FrameAt(Fiber->Top);
            FrameTypes.MoveNext(frame->Type, (byte*)(frame + 1));
            if (!Completed)
            {
                return;
            }

            Completed = false;
            if (FrameAt(Fiber->Top) != frame)
            {
                throw NotAwaited();
            }

            Pop();
            if (Fiber->Depth == 0)
            {
                Finish();
                return;
            }

            if (FrameAt(Fiber->Top)->Type == FrameTypes.InterruptRecord)
            {
                Rethrow();
                Fiber->Op = new Operation
                {
                    Kind = OperationKind.Iret,
                    Rip = Fiber->Op.Rip + Fiber->Op.Length,
                    Length = 2,
                    Deadline = Time.Instant.Never,
                };
                return;
            }
        }
    }

    /// <summary>Pushes the record of an interrupt: the operation that is interrupted will be pending again after IRET.</summary>
    internal void PushInterrupt(in InterruptRecord record)
    {
        var at = Push(FrameTypes.InterruptRecord, sizeof(InterruptRecord));
        *(InterruptRecord*)at = record;
    }

    /// <summary>Pops the record of the interrupt whose handler has returned.</summary>
    internal InterruptRecord PopInterrupt()
    {
        var frame = FrameAt(Fiber->Top);
        if (frame->Type != FrameTypes.InterruptRecord)
        {
            throw new InvalidOperationException("IRET without an interrupt: the innermost frame is not the record of one.");
        }

        var record = *(InterruptRecord*)(frame + 1);
        Pop();
        return record;
    }

    internal byte* Push(int type, int size)
    {
        var fiber = Fiber;
        var need = sizeof(FrameHead) + size;
        if (fiber->Used + need > Arena)
        {
            Overflow();
        }

        var frame = FrameAt(fiber->Used);
        frame->Type = (ushort)type;
        frame->Size = (ushort)need;
        frame->Prev = fiber->Top;
        frame->Reserved = 0;
        fiber->Top = fiber->Used;
        fiber->Used += (ushort)need;
        fiber->Depth++;
        return (byte*)(frame + 1);
    }

    internal void Pop()
    {
        var fiber = Fiber;
        var frame = FrameAt(fiber->Top);
        fiber->Used = fiber->Top;
        fiber->Top = frame->Prev;
        fiber->Depth--;
    }

    /// <summary>Asserts that <paramref name="frame"/>, which has completed, is the innermost.</summary>
    internal void RequireInnermost(byte* frame)
    {
        if ((byte*)(FrameAt(Fiber->Top) + 1) != frame)
        {
            throw NotAwaited();
        }
    }

    /// <summary>
    /// Notes that <paramref name="frame"/> suspends: for an operation it is the innermost, for a task the caller of the frame that has just
    /// suspended.
    /// </summary>
    internal void Suspend(byte* frame, bool forTask)
    {
        var head = FrameAt(forTask ? FrameAt(_suspended)->Prev : Fiber->Top);
        if ((byte*)(head + 1) != frame)
        {
            throw NotAwaited();
        }

        _suspended = (int)((byte*)head - (byte*)FrameAt(0));
        Completed = false;
    }

    /// <summary>Throws what a finished frame has left, in its caller.</summary>
    internal void Rethrow()
    {
        if (Error is { } error)
        {
            Error = null;
            ExceptionDispatchInfo.Throw(error);
        }
    }

    private void Finish()
    {
        *Fiber = default;
        Fiber->Finished = 1;
        Fiber->Op.Kind = OperationKind.Finished;
        Fiber->Op.Deadline = Time.Instant.Never;
        Rethrow();
    }

    private FrameHead* FrameAt(int offset) => (FrameHead*)((byte*)Fiber + sizeof(FiberHead) + offset);

    private void Overflow()
    {
        var chain = new List<string>();
        for (var at = (int)Fiber->Top; chain.Count < Fiber->Depth; at = FrameAt(at)->Prev)
        {
            chain.Add(FrameTypes.Name(FrameAt(at)->Type));
        }

        throw new GuestException(
            $"The stack of this activity is full ({Arena} bytes, {Fiber->Depth} frames): "
            + $"{string.Join(" < ", chain.Select(FrameProof.ShortName))}.");
    }

    private static GuestException NotAwaited(Exception? error = null) => new(
        "A guest method was started and not awaited at once: two of its activities would run side by side on one CPU. "
        + "Put 'await' before the call.",
        error);

    private static GuestException NoStep() =>
        new("A guest operation was used outside a step: guest code runs only inside a machine.");
}

/// <summary>What an interrupt handler's IRET restores.</summary>
public struct InterruptRecord
{
    /// <summary>The operation that was about to be executed, or was under way.</summary>
    public Operation Interrupted;

    /// <summary>The vector; 2 for an NMI.</summary>
    public byte Vector;

    /// <summary>RFLAGS.IF before the delivery: 0 or 1.</summary>
    public byte InterruptFlag;

    /// <summary>1 if this was an NMI.</summary>
    public byte Nmi;

    /// <summary>RFLAGS.TF before the delivery: 0 or 1.</summary>
    public byte TrapFlag;

    /// <summary>For the layout only: always 0.</summary>
    public uint Reserved2;
}
