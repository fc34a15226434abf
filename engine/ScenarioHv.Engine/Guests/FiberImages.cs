using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using ScenarioHv.Engine.Scheduling;

namespace ScenarioHv.Engine.Guests;

/// <summary>
/// The fibers in a copy of a machine's block: on the way out of a process the numbers of their frames' types become places in a list of
/// names, on the way in the names become the numbers of this process.
/// </summary>
internal sealed unsafe class FiberImages(Board board, byte[] block)
{
    /// <summary>Names the frames, in the order in which their types are met, and blanks what lies above them.</summary>
    public IReadOnlyList<FrameName> ToNames()
    {
        var names = new List<FrameName>();
        var places = new SortedDictionary<int, ushort>();
        fixed (byte* start = block)
        {
            foreach (var (_, slot) in board.Layout.Fibers)
            {
                var fiber = (FiberHead*)(start + slot.Offset);
                var arena = (byte*)(fiber + 1);
                for (var at = 0; at < fiber->Used; at += ((FrameHead*)(arena + at))->Size)
                {
                    ref var type = ref ((FrameHead*)(arena + at))->Type;
                    if (type != FrameTypes.InterruptRecord && !places.ContainsKey(type))
                    {
                        names.Add(FrameName.Of(board, type));
                        places.Add(type, (ushort)names.Count);
                    }

                    type = type == FrameTypes.InterruptRecord ? type : places[type];
                }

                new Span<byte>(arena + fiber->Used, slot.Arena - fiber->Used).Clear();
            }
        }

        return names;
    }

    /// <summary>Puts the numbers of this process in place of <paramref name="names"/>, and checks every frame on the way.</summary>
    /// <exception cref="SnapshotException">A frame is not as this build has it.</exception>
    public void ToNumbers(IReadOnlyList<FrameName> names)
    {
        int[] numbers = [FrameTypes.InterruptRecord, .. names.Select(name => name.Number(board))];
        fixed (byte* start = block)
        {
            foreach (var (_, slot) in board.Layout.Fibers)
            {
                ToNumbers((FiberHead*)(start + slot.Offset), slot.Arena, numbers);
            }
        }
    }

    /// <summary>The texts of the reports that the suspended guests are about to make: their numbers alone are in the block.</summary>
    public IReadOnlyList<string> PendingReports()
    {
        var texts = new List<string>();
        fixed (byte* start = block)
        {
            foreach (var (_, slot) in board.Layout.Fibers)
            {
                var fiber = (FiberHead*)(start + slot.Offset);
                var arena = (byte*)(fiber + 1);
                AddReport(texts, fiber->Op);
                for (var at = 0; at < fiber->Used; at += ((FrameHead*)(arena + at))->Size)
                {
                    var frame = (FrameHead*)(arena + at);
                    if (frame->Type == FrameTypes.InterruptRecord)
                    {
                        AddReport(texts, ((InterruptRecord*)(frame + 1))->Interrupted);
                    }
                }
            }
        }

        return texts;
    }

    private static void ToNumbers(FiberHead* fiber, int arenaSize, int[] numbers)
    {
        var arena = (byte*)(fiber + 1);
        int at = 0, last = 0, depth = 0;
        while (at < fiber->Used && fiber->Used <= arenaSize)
        {
            var frame = (FrameHead*)(arena + at);
            if (frame->Type >= numbers.Length || frame->Prev != last)
            {
                throw Snapshot.Damaged();
            }

            frame->Type = (ushort)numbers[frame->Type];
            if (frame->Size != sizeof(FrameHead) + FrameTypes.Mask(frame->Type).Length)
            {
                throw Snapshot.Damaged();
            }

            last = at;
            at += frame->Size;
            depth++;
        }

        if (at != fiber->Used || fiber->Top != last || fiber->Depth != depth)
        {
            throw Snapshot.Damaged();
        }
    }

    private void AddReport(List<string> texts, in Operation op)
    {
        if (op.Kind == OperationKind.Report && board.Reports.Text(op.Value) is { } text && !texts.Contains(text))
        {
            texts.Add(text);
        }
    }
}

/// <summary>The type of a frame as every process of this build knows it: whose code it is, its name, and where its fields lie.</summary>
/// <param name="Level">0 the laboratory's own code, 1 the guest's, 2 that of the guest's guest.</param>
/// <param name="Name">The full name of the state machine.</param>
/// <param name="Shape">SHA-256 of its fields' names and offsets, which the runtime chooses.</param>
internal sealed record FrameName(byte Level, string Name, byte[] Shape)
{
    /// <summary>The name of the frame type <paramref name="number"/> in a machine of <paramref name="board"/>.</summary>
    public static FrameName Of(Board board, int number)
    {
        var type = FrameTypes.TypeOf(number);
        for (byte level = 0; level <= 2; level++)
        {
            if (Code(board, level).Contains(type.Assembly))
            {
                return new FrameName(level, type.FullName!, ShapeOf(number));
            }
        }

        throw new InvalidOperationException($"{type.FullName} is in none of the machine's programs: a snapshot cannot name it.");
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    public static FrameName Read(BinaryReader reader) =>
        new(reader.ReadByte(), reader.ReadString(), reader.ReadBytes(SHA256.HashSizeInBytes));

    /// <summary>Writes the three parts.</summary>
    public void Write(BinaryWriter writer)
    {
        writer.Write(Level);
        writer.Write(Name);
        writer.Write(Shape);
    }

    /// <summary>The number of the type in this process.</summary>
    /// <exception cref="SnapshotException">There is no such type, or its fields lie elsewhere.</exception>
    public int Number(Board board)
    {
        var type = Code(board, Level).Select(assembly => assembly.GetType(Name)).FirstOrDefault(found => found is not null);
        return type is not null && FrameTypes.NumberOf(type) is { } number && ShapeOf(number).AsSpan().SequenceEqual(Shape) ? number
            : throw new SnapshotException($"was made by another build: {FrameProof.ShortName(Name)} is compiled in another way here");
    }

    /// <summary>The assemblies with the code of a level.</summary>
    private static IEnumerable<Assembly> Code(Board board, int level) => level == 0
        ? [typeof(FrameName).Assembly]
        : new Delegate?[] { board.Guest(level)?.Main, board.Guest(level)?.OnInterrupt, board.Guest(level)?.OnNmi }
            .OfType<Delegate>().Select(entry => entry.Method.Module.Assembly);

    private static byte[] ShapeOf(int number)
    {
        var fields = FrameTypes.Fields(number).Order(StringComparer.Ordinal);
        return SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', fields)));
    }
}
