using System.Reflection;
using System.Runtime.CompilerServices;

namespace ScenarioHv.Engine.State;

/// <summary>
/// Where fields lie in a struct without references. With automatic layout only the runtime knows, so that it is asked: it reads the field
/// out of bytes each of which holds its own place, or eight bits of it. Code emitted for each field would say the same, but compiling that
/// takes a good part of a short run.
/// </summary>
internal static class FieldOffset
{
    /// <summary>Bytes from the start of <paramref name="type"/> to each of <paramref name="fields"/>.</summary>
    public static int[] Of(Type type, FieldInfo[] fields)
    {
        var offsets = new int[fields.Length];
        var size = SizeOf(type);
        var place = new byte[size];
        for (var shift = 0; (size - 1) >> shift > 0; shift += 8)
        {
            for (var i = 0; i < size; i++)
            {
                place[i] = (byte)(i >> shift);
            }

            var value = RuntimeHelpers.Box(ref place[0], type.TypeHandle)!;
            for (var i = 0; i < fields.Length; i++)
            {
                offsets[i] |= FirstByte(fields[i].GetValue(value)!) << shift;
            }
        }

        return offsets;
    }

    /// <summary>Bytes of a value of <paramref name="type"/> in memory.</summary>
    public static int SizeOf(Type type) => RuntimeHelpers.SizeOf(type.TypeHandle);

    /// <summary>The first byte of a value behind its header, where the one field of a <see cref="StrongBox{T}"/> lies as well.</summary>
    private static byte FirstByte(object value) => Unsafe.As<StrongBox<byte>>(value).Value;
}
