using System.Runtime.InteropServices;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Tests.Guests;

/// <summary>One suspended frame: its type and where its bytes lie in the machine block.</summary>
internal readonly record struct FramePlace(int Type, int Offset, int Size);

/// <summary>Walks the frames of a machine's fibers by the heads alone, innermost first.</summary>
internal static unsafe class FrameWalk
{
    public static List<FramePlace> Of(Machine machine, FiberSlot fiber)
    {
        var places = new List<FramePlace>();
        ref var head = ref machine.Fiber(fiber);
        for (int left = head.Depth, at = head.Top; left > 0; left--)
        {
            var offset = fiber.Offset + sizeof(FiberHead) + at;
            fixed (byte* bytes = &machine.Bytes[offset])
            {
                var frame = (FrameHead*)bytes;
                places.Add(new FramePlace(frame->Type, offset + sizeof(FrameHead), frame->Size - sizeof(FrameHead)));
                at = frame->Prev;
            }
        }

        return places;
    }

    /// <summary>The frames of every fiber of <paramref name="board"/>.</summary>
    public static IEnumerable<FramePlace> All(Board board, Machine machine) =>
        board.Layout.Fibers.SelectMany(fiber => Of(machine, fiber.Slot));

    /// <summary>Moves every armed time in the frames, and the deadlines of the operations that they await.</summary>
    public static void ShiftInstants(Board board, Machine machine, long cycles)
    {
        foreach (var (_, slot) in board.Layout.Fibers)
        {
            machine.Fiber(slot).Op.Deadline += cycles;
        }

        foreach (var place in All(board, machine))
        {
            foreach (var offset in FrameTypes.Instants(place.Type))
            {
                ref var instant = ref MemoryMarshal.AsRef<Instant>(machine.Bytes.Slice(place.Offset + offset, 8));
                instant += cycles;
            }
        }
    }
}
