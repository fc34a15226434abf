using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;

namespace ScenarioHv.Engine.Properties;

/// <summary>Why the vector of a pin whose remote IRR is set may be nowhere.</summary>
[Flags]
public enum LevelExcuse : byte
{
    /// <summary>It may not.</summary>
    None = 0,

    /// <summary>The guest has given the entry another vector, mode or trigger since.</summary>
    Rewritten = 1,

    /// <summary>The guest suppresses the broadcast, and ends the interrupt at the I/O APIC itself.</summary>
    DirectedEoi = 2,

    /// <summary>The guest has given the vector to an edge source as well: TMR is that of the latest message.</summary>
    SharedVector = 4,
}

/// <summary>What is remembered of a pin whose remote IRR is set.</summary>
public struct LevelCheck
{
    /// <summary>Of the entry as it was when the bit was set, what decides whether an EOI reaches it; 0 while the bit is clear.</summary>
    public ulong Entry;

    /// <summary>1 once the vector has been seen at a CPU.</summary>
    public byte Seen;

    /// <summary>Why it need not be at one any more.</summary>
    public LevelExcuse Excuse;

    /// <summary>For the layout only: always 0.</summary>
    public ushort Reserved0;

    /// <summary>For the layout only: always 0.</summary>
    public uint Reserved1;
}

/// <summary>
/// The safety half of <c>level</c>: while a pin's remote IRR is set, its vector is requested, injected or in service at some CPU, or its
/// EOI is under way. A message that is still under way has no vector anywhere yet: so the check begins when the vector is first seen at a
/// CPU, for which an EOI of the message before does not count. An EOI is under way until the CPU that wrote it retires its next
/// instruction. A guest that gives the entry another vector or mode meanwhile has itself to thank; mask and destination are no part of what
/// an EOI looks for (82093AA 3.2.4), so they may change.
/// </summary>
internal static class LevelChecks
{
    private const ulong SeenByEoi = 0xff | (7 << 8) | RedirectionEntry.LevelBit;

    /// <summary>After each step.</summary>
    public static void AfterStep(StepContext context)
    {
        var (board, machine) = (context.Board, context.Machine);
        for (var i = 0; i < board.LevelPins.Count; i++)
        {
            ref var entry = ref machine.Ref(board.IoApicPins, board.LevelPins[i]).Entry;
            ref var check = ref machine.Ref(board.LevelChecks, i);
            if (entry.RemoteIrr)
            {
                Look(context, board.LevelPins[i], entry, ref check);
            }
            else if (check.Entry != 0)
            {
                check = default;
            }
        }
    }

    /// <summary>
    /// The EOI of <paramref name="vector"/> need not reach the pins whose remote IRR is set for it: that is the guest's own affair.
    /// </summary>
    public static void Excuse(StepContext context, byte vector, LevelExcuse excuse)
    {
        var (board, machine) = (context.Board, context.Machine);
        for (var i = 0; i < board.LevelPins.Count; i++)
        {
            if (machine.Ref(board.IoApicPins, board.LevelPins[i]).Entry is { RemoteIrr: true } entry && entry.Vector == vector)
            {
                machine.Ref(board.LevelChecks, i).Excuse |= excuse;
            }
        }
    }

    /// <summary>Whether a vector is requested, injected or in service at some CPU, or has just been ended there.</summary>
    public static bool IsSomewhere(Board board, Machine machine, byte vector) =>
        IsAtCpu(board, machine, vector) || IsEnded(board, machine, vector);

    private static bool IsAtCpu(Board board, Machine machine, byte vector)
    {
        for (var vcpu = 0; vcpu < board.Config.Vcpus; vcpu++)
        {
            ref var apic = ref machine.Ref(board.Apics, vcpu);
            if (apic.Isr.Contains(vector)
                || apic.Irr.Contains(vector)
                || machine.Ref(board.Twins, vcpu).IsInService(vector)
                || board.Hypervisor.Held(machine, vcpu).Contains(vector))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsEnded(Board board, Machine machine, byte vector)
    {
        foreach (ref var twin in machine.Span(board.Twins))
        {
            if (twin.Ended == vector)
            {
                return true;
            }
        }

        return false;
    }

    private static void Look(StepContext context, int pin, RedirectionEntry entry, ref LevelCheck check)
    {
        var written = entry.Bits & SeenByEoi;
        if (check.Entry == 0)
        {
            check.Entry = written;
        }
        else if (check.Entry != written)
        {
            check.Excuse |= LevelExcuse.Rewritten;
        }

        if (check.Excuse != LevelExcuse.None || entry.Mode is not (DeliveryMode.Fixed or DeliveryMode.LowestPriority))
        {
            return;
        }

        if (IsAtCpu(context.Board, context.Machine, entry.Vector))
        {
            check.Seen = 1;
        }
        else if (check.Seen != 0 && !IsEnded(context.Board, context.Machine, entry.Vector))
        {
            SafetyChecks.Fail(context, SafetyProperty.Level, 0, entry.Vector, (byte)pin);
        }
    }
}
