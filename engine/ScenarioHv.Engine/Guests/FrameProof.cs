using System.Reflection;
using System.Runtime.CompilerServices;

namespace ScenarioHv.Engine.Guests;

/// <summary>
/// The proof, by type and before anything runs, that a suspended <c>async</c> method is plain data: no reference, no floating point, no
/// class. Whatever else would be shared between forks of a machine or would differ between two runs.
/// </summary>
public static class FrameProof
{
    private const BindingFlags AllFields = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    /// <summary>Says why the state machine <paramref name="type"/> cannot live in a machine.</summary>
    /// <returns>Null if it can.</returns>
    public static string? Problem(Type type)
    {
        if (!type.IsValueType)
        {
            return $"{MethodOf(type)} was compiled without optimisation: its frame is an object. "
                + "Compile it with <Optimize>true</Optimize>.";
        }

        return FirstBadField(type) is { } bad ? Explain(type, bad.Name, bad.Type) : null;
    }

    /// <summary>Every <c>async</c> method of <paramref name="assembly"/> whose frame cannot live in a machine, with the reason.</summary>
    public static IEnumerable<(string Method, string Local, string Reason)> Problems(Assembly assembly)
    {
        foreach (var type in assembly.GetTypes().Where(type => typeof(IAsyncStateMachine).IsAssignableFrom(type)))
        {
            if (Problem(type) is { } problem)
            {
                yield return (MethodOf(type), FirstBadField(type)?.Name ?? string.Empty, problem);
            }
        }
    }

    /// <summary>
    /// The source name of the method whose state machine <paramref name="type"/> is: what stands between the angle brackets.
    /// </summary>
    public static string MethodOf(Type type)
    {
        var open = type.Name.IndexOf('<', StringComparison.Ordinal);
        var close = type.Name.IndexOf('>', StringComparison.Ordinal);
        return open >= 0 && close > open ? type.Name[(open + 1)..close] : type.Name;
    }

    /// <summary>The source name in a state machine's full name.</summary>
    internal static string ShortName(string fullName)
    {
        var open = fullName.LastIndexOf('<');
        var close = fullName.LastIndexOf('>');
        return open >= 0 && close > open ? fullName[(open + 1)..close] : fullName;
    }

    private static BadField? FirstBadField(Type type)
    {
        foreach (var field in type.GetFields(AllFields))
        {
            var fieldType = field.FieldType;
            if (fieldType.IsPrimitive || fieldType.IsEnum)
            {
                if (fieldType == typeof(double) || fieldType == typeof(float) || fieldType == typeof(nint) || fieldType == typeof(nuint))
                {
                    return new BadField(field.Name, fieldType);
                }
            }
            else if (!fieldType.IsValueType || fieldType.IsPointer)
            {
                return new BadField(field.Name, fieldType);
            }
            else if (FirstBadField(fieldType) is { } bad)
            {
                return bad with { Name = $"{field.Name}.{bad.Name}" };
            }
        }

        return null;
    }

    private static string Explain(Type type, string field, Type fieldType)
    {
        const string Shared = "it would be shared between forks of the machine.";
        var (method, local, kind) = (MethodOf(type), LocalOf(field), Describe(fieldType));
        if (local.Length != 0)
        {
            return $"{method} keeps '{local}', a {kind}, across an await: {Shared} Keep integers, enums, Instant or structs of them.";
        }

        var name = field[(field.LastIndexOf('.') + 1)..];
        return name.StartsWith("<>4", StringComparison.Ordinal)
            ? $"{method} keeps 'this', a {kind}, across an await: {Shared} Guest code is static methods: make it static."
            : name.StartsWith("<>8", StringComparison.Ordinal)
                ? $"{method} keeps the locals of a lambda that captures locals across an await: {Shared} "
                    + "Pass values as parameters of a method."
                : $"{method} keeps a {kind} across an await (a foreach over an array, or an await inside finally): {Shared} " +
                  "Use a for loop over values, and no await in finally.";
    }

    /// <summary>The local's name in a hoisted field (<c>&lt;list&gt;5__3</c>); empty for the compiler's own.</summary>
    private static string LocalOf(string field)
    {
        var name = field[(field.LastIndexOf('.') + 1)..];
        var close = name.IndexOf('>', StringComparison.Ordinal);
        return name.StartsWith("<>", StringComparison.Ordinal) ? string.Empty : close > 0 ? name[1..close] : name;
    }

    private static string Describe(Type type) =>
        type == typeof(string) ? "string"
        : type == typeof(double) || type == typeof(float) ? "floating-point number"
        : type.Name.Split('`')[0];

    /// <summary>A field that no frame can have: its name, behind those of the structs that it lies in, and its type.</summary>
    private sealed record BadField(string Name, Type Type);
}
