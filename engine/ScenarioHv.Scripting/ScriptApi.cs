using System.Reflection;
using Microsoft.CodeAnalysis;

namespace ScenarioHv.Scripting;

/// <summary>What scripts of one kind may use. What both kinds may, and why the rest is refused, is in <see cref="AllowedApi"/>.</summary>
internal abstract class ScriptApi
{
    /// <summary>The names of engine types under which guests have what policies do not, and the other way round.</summary>
    protected const string Engine = "ScenarioHv.";

    private static readonly GuestApi Guests = new();
    private static readonly PolicyApi Policies = new();

    /// <summary>What scripts of <paramref name="kind"/> may use.</summary>
    public static ScriptApi Of(ScriptKind kind) => kind == ScriptKind.Guest ? Guests : Policies;

    /// <inheritdoc cref="AllowedApi.Allows"/>
    public abstract bool Allows(INamedTypeSymbol type);

    /// <inheritdoc cref="AllowedApi.Names(string)"/>
    public abstract bool Names(string type);

    /// <inheritdoc cref="AllowedApi.Cost"/>
    public abstract int? Cost(ISymbol member);

    /// <inheritdoc cref="AllowedApi.Reason"/>
    public abstract string Reason(string name, ISymbol symbol);

    /// <inheritdoc cref="AllowedApi.ReasonForMissing"/>
    public abstract string? ReasonForMissing(string name);

    private sealed class GuestApi : ScriptApi
    {
        public override bool Allows(INamedTypeSymbol type) => AllowedApi.Allows(type);

        public override bool Names(string type) => AllowedApi.Names(type);

        public override int? Cost(ISymbol member) => AllowedApi.Cost(member);

        public override string Reason(string name, ISymbol symbol) => AllowedApi.Reason(name, symbol);

        public override string? ReasonForMissing(string name) => AllowedApi.ReasonForMissing(name);
    }
}

/// <summary>
/// What policies may use: what is neither guest nor laboratory, the situation, and the types in which a policy answers.
/// </summary>
internal sealed class PolicyApi : ScriptApi
{
    private const string Alone = "a run depends on scenario and schedule alone, and a policy on its Situation and its variables.";
    private const string Clock = "a policy has no clock: it answers within one step, from what its Situation shows and its variables say.";
    private const string Process = "a policy sees the machine through its Situation, not the laboratory's process.";
    private const string Files =
        "a policy has no files: it has its Situation and its variables, and numbers that it needs are constants.";

    private const string World = "a policy has its Situation and its variables and nothing else: numbers that it needs are constants.";

    private const string Instant = "ScenarioHv.Engine.Time.Instant";

    /// <summary>What a policy may use of a situation.</summary>
    private static readonly string[] OfSituation =
    [
        "Vcpu", "Level", "Rip", "InterruptFlag", "NmiBlocked", "NmiPending", "HighestIrr", "HighestIsr", "HasIrr", "HasIsr", "Tpr",
        "Ppr", "HasPir", "On", "Sn", "ApicvActive", "InGuestMode", "IsOwnThread", "Vector", "Pin", "LineIsHigh",
    ];

    /// <summary>The members of each type of the engine that is no enum.</summary>
    private static readonly SortedDictionary<string, string[]> Members = FindMembers();

    /// <summary>The enums of the engine: those of the points, and those that decisions consist of.</summary>
    private static readonly HashSet<string> Enums = FindEnums();

    /// <summary>What is said otherwise than to guests, by the beginning of the name; the first that fits.</summary>
    private static readonly (string Prefix, string Reason)[] Reasons =
    [
        ("ScenarioHv.Engine.Guests", "it belongs to guests: a policy performs no operations and sees the machine through its Situation."),
        ("ScenarioHv", "it belongs to the laboratory, not to the policy: a policy has Situation, its variables, the words of its point."),
        ("System.Random", Alone), ("System.Guid", Alone), ("System.Security", Alone),
        ("System.DateTime", Clock), ("System.TimeSpan", Clock), ("System.TimeProvider", Clock), ("System.TimeZone", Clock),
        ("System.DateOnly", Clock), ("System.TimeOnly", Clock), ("System.Diagnostics.Stopwatch", Clock),
        ("System.Diagnostics", Process), ("System.AppDomain", Process), ("System.GC", Process), ("System.WeakReference", Process),
        ("System.Threading", "a policy answers within one step, and has no threads and no tasks."),
        ("System.IO", Files),
        ("System.Net", World), ("System.Console", World), ("System.Environment", World), ("System.AppContext", World),
    ];

    /// <inheritdoc/>
    public override bool Allows(INamedTypeSymbol type) => IsEngine(type) ? IsOwn(AllowedApi.NameOf(type)) : AllowedApi.Allows(type);

    /// <inheritdoc/>
    public override bool Names(string type) => type.StartsWith(Engine, StringComparison.Ordinal) ? IsOwn(type) : AllowedApi.Names(type);

    /// <inheritdoc/>
    public override int? Cost(ISymbol member)
    {
        if (!IsEngine(member.ContainingType))
        {
            return AllowedApi.Cost(member);
        }

        var type = AllowedApi.NameOf(member.ContainingType);
        return !IsOwn(type) || !Has(type, member) ? null : 0;
    }

    /// <inheritdoc/>
    public override string Reason(string name, ISymbol symbol)
    {
        var type = symbol as INamedTypeSymbol ?? symbol.ContainingType;
        if (type is not null && Members.TryGetValue(AllowedApi.NameOf(type), out var members))
        {
            var shown = members.Where(member => !member.StartsWith("op_", StringComparison.Ordinal));
            return $"of {type.Name} there is {string.Join(", ", shown)}.";
        }

        return Said(name) ?? AllowedApi.Reason(name, symbol);
    }

    /// <inheritdoc/>
    public override string? ReasonForMissing(string name) => name switch
    {
        "Console" or "HttpClient" or "Socket" or "TcpClient" or "Sockets" or "Http" or "Net" => World,
        "Process" or "ProcessStartInfo" => Process,
        _ => AllowedApi.ReasonForMissing(name),
    };

    private static string? Said(string name) =>
        Reasons.FirstOrDefault(reason => name.StartsWith(reason.Prefix, StringComparison.Ordinal)).Reason;

    private static bool IsEngine(INamedTypeSymbol? type) => type?.ContainingAssembly?.Name == "ScenarioHv.Engine";

    private static bool IsOwn(string type) => Members.ContainsKey(type) || Enums.Contains(type) || type == Instant;

    private static bool Has(string type, ISymbol member)
    {
        if (!Members.TryGetValue(type, out var members))
        {
            return type == Instant ? AllowedApi.Cost(member) is not null : member is IFieldSymbol { IsConst: true };
        }

        return members.Contains(member.Name);
    }

    /// <summary>Of a decision: how it is made, what it says, and whether two are the same.</summary>
    private static SortedDictionary<string, string[]> FindMembers()
    {
        var found = new SortedDictionary<string, string[]>(StringComparer.Ordinal)
        {
            [PolicyTypes.Namespace + ".Situation"] = OfSituation,
        };
        foreach (var type in PolicyAnswers.Decisions.Where(type => !type.IsEnum))
        {
            var made = type.GetMembers(BindingFlags.Static | BindingFlags.Public).Where(member => Result(member) == type);
            var said = type.GetProperties(BindingFlags.Instance | BindingFlags.Public);
            found.Add(type.FullName!, [.. made.Concat(said).Select(member => member.Name), "Equals", "op_Equality", "op_Inequality"]);
        }

        return found;
    }

    private static Type? Result(MemberInfo member) => member switch
    {
        MethodInfo { IsSpecialName: false } method => method.ReturnType,
        PropertyInfo property => property.PropertyType,
        _ => null,
    };

    private static HashSet<string> FindEnums()
    {
        var parts = PolicyAnswers.Decisions.SelectMany(type => type.GetProperties()).Select(property => property.PropertyType);
        var enums = PolicyAnswers.Decisions.Concat(PolicyAnswers.Plans).Concat(parts).Where(type => type.IsEnum);
        return enums.Select(type => type.FullName!).ToHashSet(StringComparer.Ordinal);
    }
}
