using System.Reflection;
using System.Runtime.CompilerServices;

namespace ScenarioHv.Engine.State;

/// <summary>
/// What a struct says of its fields, asked of reflection once for each type: the state of a machine has the same few structs in many
/// places.
/// </summary>
internal sealed class StructFields
{
    private static readonly ConditionalWeakTable<Type, StructFields> Known = [];

    private StructFields(Type type)
    {
        var fields = type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);
        Array.Sort(fields, (left, right) => left.MetadataToken.CompareTo(right.MetadataToken));
        InlineLength = fields.Length == 1 && type.GetCustomAttribute<InlineArrayAttribute>() is { } array ? array.Length : 0;
        var offsets = type.IsLayoutSequential ? null : FieldOffset.Of(type, fields);
        var fieldsOfType = new StructField[fields.Length];
        for (var i = 0; i < fields.Length; i++)
        {
            var size = SizeOf(fields[i].FieldType);
            fieldsOfType[i] = new StructField(fields[i], offsets is null ? Size : offsets[i], size);
            Size += size;
        }

        All = fieldsOfType;
        Size *= InlineLength == 0 ? 1 : InlineLength;
    }

    /// <summary>The fields in the order in which they are declared.</summary>
    public IReadOnlyList<StructField> All { get; }

    /// <summary>How often the one field of an inline array stands in it; 0 for every other struct.</summary>
    public int InlineLength { get; }

    /// <summary>The sum of the sizes of the fields: the size in memory exactly if there is no hidden padding.</summary>
    public int Size { get; }

    /// <summary>The fields of a struct.</summary>
    public static StructFields Of(Type type) => Known.GetValue(type, static type => new StructFields(type));

    /// <summary>The sum of the sizes of what a type consists of.</summary>
    public static int SizeOf(Type type) => type.IsEnum ? PrimitiveSize(Enum.GetUnderlyingType(type))
        : type.IsPrimitive ? PrimitiveSize(type)
        : Of(type).Size;

    private static int PrimitiveSize(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.Byte or TypeCode.SByte or TypeCode.Boolean => 1,
        TypeCode.Int16 or TypeCode.UInt16 or TypeCode.Char => 2,
        TypeCode.Int32 or TypeCode.UInt32 => 4,
        TypeCode.Int64 or TypeCode.UInt64 => 8,
        _ => throw new InvalidOperationException($"{type.Name} was not refused."),
    };
}

/// <summary>One field of a struct.</summary>
internal sealed class StructField
{
    public StructField(FieldInfo field, int offset, int size)
    {
        (Name, Type, Offset, Size) = (field.Name, field.FieldType, offset, size);
        foreach (var attribute in field.GetCustomAttributes(inherit: false))
        {
            IsObservable |= attribute is ObservableAttribute;
            Expires |= attribute is ExpiresAttribute;
            Limit = attribute is SaturatesAttribute saturates ? saturates.Limit : Limit;
        }
    }

    public string Name { get; }

    public Type Type { get; }

    /// <summary>Bytes from the start of the struct.</summary>
    public int Offset { get; }

    public int Size { get; }

    public bool IsObservable { get; }

    public bool Expires { get; }

    /// <summary>Values above it are one state; null if the field does not saturate.</summary>
    public long? Limit { get; }
}
