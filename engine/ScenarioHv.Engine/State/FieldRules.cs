using System.Reflection;
using System.Runtime.CompilerServices;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.State;

/// <summary>
/// What the fields of one state struct declare about naming the state, read once from its type: which bytes count, which words are times,
/// and which counters saturate. Also the proof that the struct is plain data without hidden padding.
/// </summary>
public sealed class FieldRules
{
    private static readonly ConditionalWeakTable<Type, FieldRules> Known = [];

    private readonly List<int> _instants = [];
    private readonly List<int> _deadlines = [];
    private readonly List<SaturationRule> _saturations = [];

    private FieldRules(Type type)
    {
        RequirePlain(type, string.Empty);
        Size = StructFields.SizeOf(type);
        if (FieldOffset.SizeOf(type) is var size && size != Size)
        {
            throw new InvalidOperationException(
                $"{type.Name} has {size - Size} bytes of hidden padding; "
                + "state structs name every byte, so that equal states are equal bytes.");
        }

        Mask = new byte[Size];
        Walk(type, 0, observable: false);
    }

    /// <summary>Bytes of the struct.</summary>
    public int Size { get; }

    /// <summary>0xff for each byte that names the state, 0 for each that does not.</summary>
    public byte[] Mask { get; }

    /// <summary>Offsets of the <see cref="Instant"/> words that name the state.</summary>
    public IReadOnlyList<int> Instants => _instants;

    /// <summary>Offsets of those of them that only expire: what has passed has passed.</summary>
    public IReadOnlyList<int> Deadlines => _deadlines;

    /// <summary>The saturating counters.</summary>
    public IReadOnlyList<SaturationRule> Saturations => _saturations;

    /// <summary>Reads the declarations of <typeparamref name="T"/>.</summary>
    /// <exception cref="InvalidOperationException">The struct has references, hidden padding or an undeclarable field.</exception>
    public static FieldRules Of<T>() where T : unmanaged => Of(typeof(T));

    /// <summary>Reads the declarations of a struct that is known only at run time: the variables of a script.</summary>
    /// <exception cref="InvalidOperationException">The struct has references, hidden padding or an undeclarable field.</exception>
    public static FieldRules Of(Type type) => Known.GetValue(type, static type => new FieldRules(type));

    /// <summary>Adds what they say of a struct at <paramref name="at"/> to what others say of theirs.</summary>
    internal void AddTo(int at, List<int> instants, List<int> deadlines, List<SaturationRule> saturations)
    {
        foreach (var instant in _instants)
        {
            instants.Add(at + instant);
        }

        foreach (var deadline in _deadlines)
        {
            deadlines.Add(at + deadline);
        }

        foreach (var rule in _saturations)
        {
            saturations.Add(rule with { Offset = at + rule.Offset });
        }
    }

    /// <summary>
    /// Refuses references, pointers, floating point and words whose size depends on the machine, wherever they are; <paramref name="path"/>
    /// says where.
    /// </summary>
    private static void RequirePlain(Type type, string path)
    {
        if (type.IsPrimitive ? !IsStateInteger(type) : !type.IsValueType)
        {
            var where = path.Length == 0 ? string.Empty : $" (field {path})";
            throw new InvalidOperationException($"{type.Name} has no place in state{where}: use integers, enums and structs of them.");
        }

        if (!type.IsPrimitive && !type.IsEnum)
        {
            foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
            {
                RequirePlain(field.FieldType, path.Length == 0 ? field.Name : $"{path}.{field.Name}");
            }
        }
    }

    private static bool IsStateInteger(Type type) => Type.GetTypeCode(type) is >= TypeCode.Boolean and <= TypeCode.UInt64;

    private void Walk(Type type, int at, bool observable)
    {
        var size = StructFields.SizeOf(type);
        if (type == typeof(Instant))
        {
            Mark(at, size, observable);
            if (!observable)
            {
                _instants.Add(at);
            }
        }
        else if (type.IsPrimitive || type.IsEnum)
        {
            Mark(at, size, observable);
        }
        else
        {
            WalkFields(StructFields.Of(type), at, observable);
        }
    }

    private void WalkFields(StructFields type, int at, bool observable)
    {
        for (var i = 0; i < type.InlineLength; i++)
        {
            Walk(type.All[0].Type, at + (i * type.All[0].Size), observable);
        }

        if (type.InlineLength > 0)
        {
            return;
        }

        foreach (var field in type.All)
        {
            var ignored = observable || field.IsObservable;
            Walk(field.Type, at + field.Offset, ignored);
            if (!ignored && field.Limit is { } limit)
            {
                _saturations.Add(new SaturationRule(at + field.Offset, field.Size, limit));
            }

            if (!ignored && field.Expires)
            {
                _deadlines.Add(at + field.Offset);
            }
        }
    }

    private void Mark(int at, int size, bool observable)
    {
        for (var i = at; !observable && i < at + size; i++)
        {
            Mask[i] = 0xff;
        }
    }
}

/// <summary>One saturating counter of a state struct.</summary>
/// <param name="Offset">Byte offset from the start of the struct.</param>
/// <param name="Size">Bytes of the field: 1, 2, 4 or 8.</param>
/// <param name="Limit">Values above it are one state.</param>
public readonly record struct SaturationRule(int Offset, int Size, long Limit);
