using System.Reflection;
using System.Runtime.CompilerServices;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Guests;

/// <summary>
/// The types of suspended frames: how to resume one, how large it is, which of its bytes count. A frame is the state machine that the C#
/// compiler makes of an <c>async</c> method; as a struct without references it is plain data and lives in the machine block. Numbers are
/// given at first use in the process, so state hashes are comparable only within one process; traces and trace hashes do not contain them,
/// and snapshots name the types.
/// </summary>
internal static unsafe class FrameTypes
{
    /// <summary>The pseudo-frame under an interrupt handler: the interrupted operation.</summary>
    public const int InterruptRecord = 0;

    private static readonly Lock Gate = new();
    private static FrameType[] s_table =
    [
        new FrameType(null, typeof(InterruptRecord), new FrameShape(sizeof(InterruptRecord), (int)InterruptRecordDeadline)),
    ];
    private static int s_count = 1;

    private static long InterruptRecordDeadline
    {
        get
        {
            Guests.InterruptRecord record = default;
            return (byte*)&record.Interrupted.Deadline - (byte*)&record;
        }
    }

    /// <summary>Resumes the frame at <paramref name="frame"/>, whose type is number <paramref name="type"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MoveNext(int type, byte* frame) => s_table[type].Move(frame);

    /// <summary>Offsets of the times in a frame.</summary>
    public static int[] Instants(int type) => s_table[type].Instants;

    /// <summary>0xff for each byte of a frame that belongs to a field; the others are always 0.</summary>
    public static byte[] Mask(int type) => s_table[type].Mask;

    /// <summary>The method that the frame belongs to.</summary>
    public static string Name(int type) => type == InterruptRecord ? "interrupt" : TypeOf(type).FullName ?? TypeOf(type).Name;

    /// <summary>The state machine of a number.</summary>
    public static Type TypeOf(int type) => s_table[type].Type;

    /// <summary>Where the fields of a frame lie, each with its name; the runtime chooses that.</summary>
    public static IReadOnlyList<string> Fields(int type) =>
        type == InterruptRecord ? [] : new FrameShape(TypeOf(type), Mask(type).Length, isNamed: true).Fields;

    /// <summary>The number of a state machine, given now if it is its first use; null if it cannot be a frame.</summary>
    public static int? NumberOf(Type type)
    {
        if (!type.IsValueType || type.ContainsGenericParameters || !typeof(IAsyncStateMachine).IsAssignableFrom(type)
            || FrameProof.Problem(type) is not null)
        {
            return null;
        }

        return (int)typeof(FrameOf<>).MakeGenericType(type).GetField(nameof(FrameOf<>.Number))!.GetValue(null)!;
    }

    /// <summary>Adds a type and returns its number.</summary>
    public static int Add(FrameType type)
    {
        lock (Gate)
        {
            var table = s_table;
            if (s_count == table.Length)
            {
                Array.Resize(ref table, table.Length * 2);
            }

            table[s_count] = type;
            s_table = table;
            return s_count++;
        }
    }
}

/// <summary>One type of frame.</summary>
internal readonly unsafe struct FrameType(delegate*<byte*, void> move, Type type, FrameShape shape)
{
    public readonly delegate*<byte*, void> Move = move;
    public readonly Type Type = type;
    public readonly byte[] Mask = shape.Mask;
    public readonly int[] Instants = [.. shape.Instants];
}

/// <summary>The number and the shape of the frame type <typeparamref name="T"/>, proved to be plain data when first used.</summary>
internal static unsafe class FrameOf<T> where T : IAsyncStateMachine
{
    public static readonly int Number;
    public static readonly int Size;

    /// <summary>The bytes that are fields, as words; empty if all are.</summary>
    public static readonly ulong[] Padding;

    /// <summary>Why the type cannot be a frame; null if it can. Nothing else is known of one that cannot.</summary>
    public static readonly string? Problem;

    static FrameOf()
    {
        Padding = [];
        Problem = FrameProof.Problem(typeof(T));
        if (Problem is not null)
        {
            return;
        }

        var raw = Unsafe.SizeOf<T>();
        Size = MachineLayout.Align(raw);
        var shape = new FrameShape(typeof(T), Size);
        Padding = shape.Padding();
        Number = FrameTypes.Add(new FrameType(&Move, typeof(T), shape));
    }

    private static void Move(byte* frame) => Unsafe.AsRef<T>(frame).MoveNext();
}

/// <summary>Where the fields of a state machine lie. Their layout is automatic, so that offsets are asked of the runtime.</summary>
internal sealed class FrameShape
{
    private const BindingFlags AllFields = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    /// <summary>The frame of a state machine.</summary>
    /// <param name="type">The state machine.</param>
    /// <param name="size">Bytes of the frame.</param>
    /// <param name="isNamed">Whether <see cref="Fields"/> is wanted, which takes its time.</param>
    public FrameShape(Type type, int size, bool isNamed = false)
    {
        Mask = new byte[size];
        Walk(type, 0, isNamed ? string.Empty : null);
    }

    /// <summary>A frame that no compiler made, with all its bytes in use.</summary>
    public FrameShape(int size, int instant)
    {
        Mask = new byte[size];
        Mark(0, size);
        Instants.Add(instant);
    }

    public byte[] Mask { get; }

    public List<int> Instants { get; } = [];

    /// <summary>Offset, path and type of each field that is no struct.</summary>
    public List<string> Fields { get; } = [];

    /// <summary>The mask as words; empty if all bytes count.</summary>
    public ulong[] Padding()
    {
        var words = new ulong[Mask.Length / 8];
        Buffer.BlockCopy(Mask, 0, words, 0, Mask.Length);
        foreach (var word in words)
        {
            if (word != ulong.MaxValue)
            {
                return words;
            }
        }

        return [];
    }

    private void Walk(Type type, int at, string? path)
    {
        var fields = type.GetFields(AllFields);
        var offsets = FieldOffset.Of(type, fields);
        for (var i = 0; i < fields.Length; i++)
        {
            WalkValue(fields[i].FieldType, at + offsets[i], path is null ? null : $"{path}/{fields[i].Name}");
        }
    }

    private void WalkValue(Type type, int at, string? path)
    {
        if (type == typeof(Instant))
        {
            Instants.Add(at);
            AddField(type, at, 8, path);
        }
        else if (type.IsPrimitive || type.IsEnum)
        {
            AddField(type, at, FieldOffset.SizeOf(type), path);
        }
        else if (type.GetCustomAttribute<InlineArrayAttribute>() is { } array)
        {
            var element = type.GetFields(AllFields)[0].FieldType;
            for (var i = 0; i < array.Length; i++)
            {
                WalkValue(element, at + (i * FieldOffset.SizeOf(type) / array.Length), path is null ? null : $"{path}/{i}");
            }
        }
        else
        {
            Walk(type, at, path);
        }
    }

    private void AddField(Type type, int offset, int size, string? path)
    {
        Mark(offset, size);
        if (path is not null)
        {
            Fields.Add($"{offset} {path} {type.FullName}");
        }
    }

    private void Mark(int offset, int size)
    {
        for (var i = offset; i < offset + size; i++)
        {
            Mask[i] = 0xff;
        }
    }
}
