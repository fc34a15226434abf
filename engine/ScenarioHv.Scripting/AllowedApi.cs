using Microsoft.CodeAnalysis;

namespace ScenarioHv.Scripting;

/// <summary>
/// What a checked script may use: types and their members. What is not here would make a run depend on something else than scenario and
/// schedule, or would take time and memory that nobody counts.
/// </summary>
internal static class AllowedApi
{
    /// <summary>Changes with the rules of the checks: part of the name of a compilation.</summary>
    public const string Version = "2";

    /// <summary>What a call costs that makes or reads a little.</summary>
    public const int Little = 2_000;

    /// <summary>What a call costs that goes through a whole collection.</summary>
    public const int Whole = 50_000;

    /// <summary>
    /// A line is a type with its members. <c>*</c> is all, <c>new</c> the constructors, <c>op</c> the operators; parameters choose between
    /// overloads. <c>+</c> costs <see cref="Little"/>, <c>~</c> costs <see cref="Whole"/>, the rest only what the round or call costs
    /// that it is in.
    /// </summary>
    private const string Table = """
        ScenarioHv.Engine.Guests.Cpu: *
        ScenarioHv.Engine.Guests.GuestTask:
        ScenarioHv.Engine.Guests.GuestTask`1:
        ScenarioHv.Engine.Guests.HostTask:
        ScenarioHv.Engine.Guests.Op:
        ScenarioHv.Engine.Guests.Op`1:
        ScenarioHv.Engine.Guests.OpExit:
        ScenarioHv.Engine.Guests.Shared`1: Read Write Exchange
        ScenarioHv.Engine.Guests.NestedExit: *
        ScenarioHv.Engine.Guests.ExitKind: *
        ScenarioHv.Engine.Guests.GuestException: new
        ScenarioHv.Engine.Time.Instant: *

        System.Object: +new Equals +ToString
        System.ValueType: +ToString Equals
        System.Enum: +ToString Equals +HasFlag
        System.Void:
        System.FlagsAttribute: new
        System.ObsoleteAttribute: new
        System.Runtime.CompilerServices.InlineArrayAttribute: new
        System.Boolean: +ToString Equals CompareTo
        System.Char: +ToString Equals CompareTo MinValue MaxValue IsAsciiDigit IsAsciiLetter IsAsciiHexDigit
        System.SByte: $integer
        System.Byte: $integer
        System.Int16: $integer
        System.UInt16: $integer
        System.Int32: $integer
        System.UInt32: $integer
        System.Int64: $integer
        System.UInt64: $integer
        System.Int128: $integer op
        System.UInt128: $integer op
        System.Single: MinValue MaxValue Epsilon NaN IsNaN Abs Min Max Clamp Floor Ceiling Sqrt Equals CompareTo op
        System.Double: MinValue MaxValue Epsilon NaN IsNaN Abs Min Max Clamp Floor Ceiling Sqrt Equals CompareTo op
        System.Decimal: MinValue MaxValue Zero One Equals CompareTo op
        System.Math: Abs BigMul Ceiling Clamp DivRem Floor Max Min Round Sign Sqrt Truncate
        System.Numerics.BitOperations: *
        System.Nullable`1: new HasValue Value GetValueOrDefault
        System.Index: *
        System.Range: *
        System.Exception: +new
        System.ArgumentException: +new
        System.ArithmeticException:
        System.DivideByZeroException:
        System.IndexOutOfRangeException:
        System.InvalidCastException:
        System.InvalidOperationException: +new
        System.NullReferenceException:
        System.OverflowException:
        System.Action:
        System.Action`1:
        System.Action`2:
        System.Func`1:
        System.Func`2:
        System.Func`3:
        System.Func`4:
        System.Predicate`1:
        System.Comparison`1:

        System.String: Length Empty this[] IsNullOrEmpty +op +Equals(string) +CompareOrdinal(string,string) +Contains(char) \
            +IndexOf(char) +LastIndexOf(char) +StartsWith(char) +EndsWith(char) +Substring +Trim() +ToUpperInvariant +ToLowerInvariant \
            +Replace(char,char)
        System.Array: Length ~Sort ~Reverse ~Fill ~IndexOf ~Clear ~Copy
        System.Span`1: this[] Length IsEmpty Slice op_Implicit ~Fill ~Clear ~CopyTo ~ToArray
        System.ReadOnlySpan`1: this[] Length IsEmpty Slice op_Implicit ~CopyTo ~ToArray
        System.MemoryExtensions: ~Contains ~IndexOf ~SequenceEqual ~Reverse +AsSpan
        System.Collections.Generic.KeyValuePair`2: Key Value
        System.Collections.Generic.List`1: +new() Count this[] +Add ~Clear ~Contains ~IndexOf ~Insert ~Remove ~RemoveAt ~Reverse ~Sort \
            ~ToArray ~Exists ~Find ~FindIndex
        System.Collections.Generic.Queue`1: +new() Count +Enqueue +Dequeue +Peek +TryDequeue +TryPeek ~Clear ~Contains ~ToArray
        System.Collections.Generic.Stack`1: +new() Count +Push +Pop +Peek +TryPop +TryPeek ~Clear ~Contains ~ToArray
        System.Collections.Generic.SortedDictionary`2: +new() Count +this[] +Add +ContainsKey +TryGetValue +Remove ~Clear ~Keys ~Values
        System.Collections.Generic.SortedDictionary`2.KeyCollection: Count
        System.Collections.Generic.SortedDictionary`2.ValueCollection: Count
        System.Collections.Generic.SortedSet`1: +new() Count +Add +Contains +Remove ~Clear ~Min ~Max
        System.Linq.Enumerable: ~Where ~Select ~Any ~All ~Count ~Sum ~Min ~Max ~First ~FirstOrDefault ~Last ~LastOrDefault ~Single \
            ~Take ~Skip ~TakeWhile ~SkipWhile ~Contains ~SequenceEqual ~OrderBy ~OrderByDescending ~ThenBy ~ThenByDescending ~Reverse \
            ~Distinct ~Aggregate ~ToArray ~ToList
        """;

    private const string Integer = "MinValue MaxValue Equals CompareTo +ToString Abs Clamp Max Min Sign DivRem PopCount LeadingZeroCount "
        + "TrailingZeroCount RotateLeft RotateRight Log2 IsPow2 IsEvenInteger IsOddInteger IsNegative IsPositive";

    /// <summary>Never, whoever declares it.</summary>
    private static readonly string[] Never = ["GetHashCode", "GetType", "MemberwiseClone", "Finalize", "GetAwaiter", "GetEnumerator"];

    /// <summary>Why something is refused and what there is instead, by the beginning of its name; the first that fits.</summary>
    private static readonly (string Prefix, string Reason)[] Reasons =
    [
        ("System.Object.GetType", "types are read by reflection only; write the type."),
        ("System.Random", "a run depends on scenario and schedule alone: cpu.Choose(n) leaves a choice to the scheduler."),
        ("System.Guid", "a run depends on scenario and schedule alone: number things, or use cpu.Choose(n)."),
        ("System.Security", "a run depends on scenario and schedule alone: cpu.Choose(n) leaves a choice to the scheduler."),
        ("System.DateTime", Clock), ("System.TimeSpan", Clock), ("System.TimeProvider", Clock), ("System.TimeZone", Clock),
        ("System.DateOnly", Clock), ("System.TimeOnly", Clock), ("System.Diagnostics.Stopwatch", Clock),
        ("System.Diagnostics", "a guest sees its CPU, not the laboratory's process: cpu.Report(text) tells the laboratory something."),
        ("System.Threading.Tasks", "an async method of a guest returns GuestTask, and what a guest waits for is an operation: cpu.Work."),
        ("System.Threading", "a guest has its vCPU and no threads: vCPUs run one script, told apart by cpu.Id, and share Shared<T>."),
        ("System.IO", "a guest has no files: the scenario gives it numbers under 'with', which cpu.Parameter(name) reads."),
        ("System.Net", "a guest has no network: devices are in the scenario."),
        ("System.Console", "a guest has no console: cpu.Report(text) tells the laboratory something."),
        ("System.Environment", "a guest has no environment: the scenario gives it numbers under 'with', which cpu.Parameter(name) reads."),
        ("System.AppContext", "a guest has no environment: the scenario gives it numbers under 'with', which cpu.Parameter(name) reads."),
        ("System.AppDomain", "a guest sees its CPU, not the laboratory's process."),
        ("System.GC", "a guest sees its CPU, not the laboratory's memory."),
        ("System.WeakReference", "a guest sees its CPU, not the laboratory's memory."),
        ("System.Globalization", "texts are the same in every country here: leave the culture out."),
        ("System.Type", Reflection), ("System.Reflection", Reflection), ("System.Activator", Reflection), ("System.Delegate", Reflection),
        ("System.MulticastDelegate", Reflection), ("System.RuntimeTypeHandle", Reflection), ("System.Attribute", Reflection),
        ("System.Runtime", "it reaches below the language, where nothing is checked."),
        ("System.Buffers", "it reaches below the language, where nothing is checked: use an array."),
        ("System.IntPtr", "its size differs between machines: use long."),
        ("System.UIntPtr", "its size differs between machines: use ulong."),
        ("System.HashCode", Hash),
        ("System.Collections.Generic.HashSet", "its order is not defined: use SortedSet<T>, or a bit mask."),
        ("System.Collections.Generic.Dictionary", "its order is not defined: use SortedDictionary<TKey, TValue>, or an array."),
        ("System.Collections.Generic.IEnumerable", Lazy), ("System.Linq.IOrderedEnumerable", Lazy),
        ("System.Collections.IEnumerable", Lazy),
        ("System.Linq.Enumerable.Range", "nobody counts its elements: write a for loop."),
        ("System.Linq.Enumerable.Repeat", "nobody counts its elements: write a for loop."),
        ("System.Linq.Enumerable", "nobody counts its elements: write a loop."),
        ("System.Text.StringBuilder", "nobody counts its text: put texts together with $\"...\" or +."),
        ("System.String", "nobody counts its text, or it depends on the culture: put texts together with $\"...\" or +."),
        ("System.Array", "nobody counts its elements: write a loop over 'new T[n]'."),
        ("System.Collections.Generic", "nobody counts its elements, or their order is not defined: add them one by one."),
        ("System.Math", "its last digits differ between machines."), ("System.Double", "its last digits differ between machines."),
        ("System.Exception", "what it says differs between versions of .NET."),
        ("ScenarioHv", "it belongs to the laboratory, not to the guest: a guest has Cpu, Shared<T>, NestedExit and Instant."),
    ];

    private static readonly Dictionary<string, Dictionary<string, int>> Types = Read();

    private const string Clock = "a guest has the clock of its machine: cpu.Deadline(cycles) and cpu.Expired(deadline), or cpu.ReadTsc().";
    private const string Reflection = "a script is what its text says: nothing in it is looked up by name while it runs.";
    private const string Hash = "hash codes differ from run to run: compare the values.";
    private const string Lazy =
        "a query that is kept is counted by nobody: end it where it is written, with ToArray() or Sum() for example.";

    /// <summary>Whether a type may be named or had. Enums of scripts, arrays and the like are for the caller.</summary>
    public static bool Allows(INamedTypeSymbol type) => type.IsTupleType || Types.ContainsKey(NameOf(type));

    /// <summary>Whether a type may be had, by its full name: tuples and all that the table has.</summary>
    public static bool Names(string type) => Types.ContainsKey(type) || type.StartsWith("System.ValueTuple", StringComparison.Ordinal)
        || type is "System.Delegate" or "System.MulticastDelegate" or "System.Runtime.InteropServices.StructLayoutAttribute"
            or "System.Runtime.InteropServices.LayoutKind";

    /// <summary>What a member costs; null if it may not be used.</summary>
    public static int? Cost(ISymbol member)
    {
        if (Never.Contains(member.Name))
        {
            return null;
        }

        var type = member.ContainingType;
        if (type.IsTupleType)
        {
            return 0;
        }

        if (type.TypeKind == TypeKind.Delegate)
        {
            return member.Name == "Invoke" && Allows(type) ? 0 : null;
        }

        if (!Types.TryGetValue(NameOf(type), out var members))
        {
            return null;
        }

        foreach (var name in Names(member))
        {
            if (members.TryGetValue(name, out var cost))
            {
                return cost;
            }
        }

        var isDefault = type.TypeKind == TypeKind.Struct
            && member is IMethodSymbol { MethodKind: MethodKind.Constructor, Parameters.Length: 0 };
        return isDefault ? 0 : null;
    }

    /// <summary>Why something is refused, and what to write instead.</summary>
    public static string Reason(string name, ISymbol symbol)
    {
        if (symbol.Name == "GetHashCode")
        {
            return Hash;
        }

        var reason = Reasons.FirstOrDefault(reason => name.StartsWith(reason.Prefix, StringComparison.Ordinal)).Reason
            ?? "it is not among what a script may use, which scripts/README.md lists.";
        return symbol is not INamedTypeSymbol && symbol.ContainingType is { } type && Types.TryGetValue(NameOf(type), out var members)
            && members.Count is > 0 and < 60 && !members.ContainsKey("*")
                ? $"{reason} Of {type.Name} there is {string.Join(", ", members.Keys)}."
                : reason;
    }

    /// <summary>The reason for a name that the compiler does not find; null if there is nothing to say.</summary>
    public static string? ReasonForMissing(string name) => name switch
    {
        "Console" or "Net" => Reasons.First(reason => reason.Prefix == "System." + name).Reason,
        "Process" or "ProcessStartInfo" => "a guest sees its CPU and starts no processes.",
        "HttpClient" or "Socket" or "TcpClient" or "Sockets" or "Http" => Reasons.First(reason => reason.Prefix == "System.Net").Reason,
        _ => null,
    };

    /// <summary>The full name of a type, of a generic one with the number of its parameters.</summary>
    public static string NameOf(INamedTypeSymbol type)
    {
        var definition = type.OriginalDefinition;
        return definition.ContainingType is { } outer ? $"{NameOf(outer)}.{definition.MetadataName}"
            : definition.ContainingNamespace is { IsGlobalNamespace: false } place ? $"{place.ToDisplayString()}.{definition.MetadataName}"
            : definition.MetadataName;
    }

    private static IEnumerable<string> Names(ISymbol member)
    {
        var method = member as IMethodSymbol;
        var name = method?.MethodKind switch
        {
            MethodKind.Constructor => "new",
            _ => member.Name,
        };
        yield return "*";
        yield return name;
        if (method is not null)
        {
            var parameters = (method.ReducedFrom ?? method).OriginalDefinition.Parameters;
            yield return $"{name}({string.Join(",", parameters.Select(parameter => parameter.Type.ToDisplayString()))})";
        }

        if (name.StartsWith("op_", StringComparison.Ordinal))
        {
            yield return "op";
        }
    }

    private static Dictionary<string, Dictionary<string, int>> Read()
    {
        var types = new Dictionary<string, Dictionary<string, int>>(StringComparer.Ordinal);
        var table = Table.ReplaceLineEndings("\n").Replace("\\\n", " ", StringComparison.Ordinal)
            .Replace("$integer", Integer, StringComparison.Ordinal);
        foreach (var line in table.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            types.Add(line[..colon], Members(line[(colon + 1)..]));
        }

        return types;
    }

    private static Dictionary<string, int> Members(string words) =>
        words.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToDictionary(
            word => word.TrimStart('+', '~'),
            word => word[0] switch { '+' => Little, '~' => Whole, _ => 0 },
            StringComparer.Ordinal);
}
