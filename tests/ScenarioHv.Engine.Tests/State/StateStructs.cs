using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Tests.State;

/// <summary>What a byte of a state struct is declared to be.</summary>
internal enum ByteRole
{
    /// <summary>It belongs to no field.</summary>
    None,

    /// <summary>It names the state as it stands.</summary>
    Plain,

    /// <summary>It belongs to a time.</summary>
    Time,

    /// <summary>It is declared not to name the state.</summary>
    Observable,
}

/// <summary>
/// The declarations of every state struct of a machine, found in another way than the engine's: a field's bytes are those that change in
/// memory when reflection sets the field.
/// </summary>
internal static class StateStructs
{
    private const BindingFlags All = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    /// <summary>Every array of structs that the board has laid out, with the type of its elements.</summary>
    public static List<(Type Type, int Offset, int Count)> Of(Board board)
    {
        var slots = SlotsOf(board).Concat(SlotsOf(board.Devices)).Append(board.Layout.Clock);
        return [.. slots.Select(slot => (
            slot.GetType().GetGenericArguments()[0],
            (int)slot.GetType().GetProperty("Offset")!.GetValue(slot)!,
            (int)slot.GetType().GetProperty("Count")!.GetValue(slot)!)).Where(slot => slot.Item3 > 0).Distinct()];
    }

    /// <summary>The role of each byte of <paramref name="type"/>.</summary>
    public static ByteRole[] Roles(Type type) =>
        (ByteRole[])typeof(StateStructs).GetMethod(nameof(RolesOf))!.MakeGenericMethod(type).Invoke(null, null)!;

    public static ByteRole[] RolesOf<T>() where T : unmanaged
    {
        var roles = new ByteRole[Unsafe.SizeOf<T>()];
        foreach (var leaf in Leaves(typeof(T), new Leaf([], ByteRole.Plain, [0])))
        {
            var value = (T)Set(default(T), leaf.Path, 0);
            var bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value));
            for (var i = 0; i < bytes.Length; i++)
            {
                foreach (var shift in bytes[i] != 0 ? leaf.Shifts : [])
                {
                    roles[i + shift] = roles[i + shift] == ByteRole.None ? leaf.Role
                        : throw new InvalidOperationException($"byte {i + shift} of {typeof(T).Name} belongs to two fields");
                }
            }
        }

        return roles;
    }

    /// <summary>Moves every armed time in the structs of <paramref name="machine"/>.</summary>
    public static void ShiftInstants(Board board, Machine machine, long cycles)
    {
        foreach (var (type, offset, count) in Of(board))
        {
            var roles = Roles(type);
            for (var at = 0; at < roles.Length * count; at += 8)
            {
                ref var word = ref MemoryMarshal.AsRef<long>(machine.Bytes.Slice(offset + at, 8));
                if (roles[at % roles.Length] == ByteRole.Time && word != long.MaxValue)
                {
                    word += cycles;
                }
            }
        }
    }

    private static IEnumerable<object> SlotsOf(object owner)
    {
        foreach (var value in owner.GetType().GetFields(All).Select(field => field.GetValue(owner)))
        {
            if (IsSlot(value?.GetType()))
            {
                yield return value!;
            }
            else if (value is Array array && IsSlot(array.GetType().GetElementType()))
            {
                foreach (var element in array)
                {
                    yield return element!;
                }
            }
        }
    }

    private static bool IsSlot(Type? type) => type is { IsGenericType: true } && type.GetGenericTypeDefinition() == typeof(Slot<>);

    private static IEnumerable<Leaf> Leaves(Type type, Leaf at)
    {
        if (type.IsPrimitive || type.IsEnum)
        {
            yield return at;
            yield break;
        }

        if (type.GetCustomAttribute<InlineArrayAttribute>() is { } array)
        {
            // Reflection sets only the first element; the others follow it at equal distances.
            var element = SizeOf(type) / array.Length;
            at = at with
            {
                Shifts = [.. Enumerable.Range(0, array.Length)
                .SelectMany(i => at.Shifts.Select(shift => shift + (i * element)))]
            };
        }

        foreach (var field in type.GetFields(All))
        {
            var role = at.Role == ByteRole.Observable || field.GetCustomAttribute<ObservableAttribute>() is not null ? ByteRole.Observable
                : type == typeof(Instant) ? ByteRole.Time : at.Role;
            foreach (var leaf in Leaves(field.FieldType, at with { Path = [.. at.Path, field], Role = role }))
            {
                yield return leaf;
            }
        }
    }

    private static int SizeOf(Type type) =>
        (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;

    private static object Set(object target, FieldInfo[] path, int depth)
    {
        if (depth == path.Length)
        {
            return AllOnes(target.GetType());
        }

        var field = path[depth];
        field.SetValue(target, Set(field.GetValue(target)!, path, depth + 1));
        return target;
    }

    private static object AllOnes(Type type) =>
        type.IsEnum ? Enum.ToObject(type, AllOnes(Enum.GetUnderlyingType(type))) : Type.GetTypeCode(type) switch
        {
            TypeCode.Byte => byte.MaxValue,
            TypeCode.SByte => (sbyte)-1,
            TypeCode.Int16 => (short)-1,
            TypeCode.UInt16 => ushort.MaxValue,
            TypeCode.Int32 => -1,
            TypeCode.UInt32 => uint.MaxValue,
            TypeCode.Int64 => -1L,
            TypeCode.UInt64 => ulong.MaxValue,
            _ => throw new InvalidOperationException($"a field of type {type.Name} in a state struct"),
        };

    /// <summary>
    /// A field that has no fields: the way to it, its role, and where it is again because an array on the way has more elements.
    /// </summary>
    private sealed record Leaf(FieldInfo[] Path, ByteRole Role, int[] Shifts);
}
