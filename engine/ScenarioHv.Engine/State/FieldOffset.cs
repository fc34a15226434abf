using System.Reflection;
using System.Runtime.CompilerServices;

namespace ScenarioHv.Engine.State;

/// <summary>
/// Where fields lie in a struct without references. With automatic layout only the runtime knows, so that it is asked: it reads the field
/// out of bytes each of which holds its own place. Code emitted for each field would say the same, but compiling that takes a good part of
/// a short run.
/// </summary>
internal static class FieldOffset
{
    /// <summary>Bytes from the start of <paramref name="type"/> to each of <paramref name="fields"/>.</summary>
    public static int[] Of(Type type, FieldInfo[] fields)
    {
        var size = SizeOf(type);
        byte[] low = new byte[size], high = new byte[size];
        for (var i = 0; i < size; i++)
        {
            (low[i], high[i]) = ((byte)i, (byte)(i >> 8));
        }

        object lower = Boxed(type, low), upper = Boxed(type, high);
        return Array.ConvertAll(fields, field => FirstByte(field.GetValue(lower)!) | (FirstByte(field.GetValue(upper)!) << 8));
    }

    /// <summary>Bytes of a value of <paramref name="type"/> in memory.</summary>
    public static int SizeOf(Type type) => RuntimeHelpers.SizeOf(type.TypeHandle);

    private static object Boxed(Type type, byte[] bytes) => RuntimeHelpers.Box(ref bytes[0], type.TypeHandle)!;

    /// <summary>The first byte of a value behind its header, where the one field of a <see cref="StrongBox{T}"/> lies as well.</summary>
    private static byte FirstByte(object value) => Unsafe.As<StrongBox<byte>>(value).Value;
}
