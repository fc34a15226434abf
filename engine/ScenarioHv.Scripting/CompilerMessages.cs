using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using ScenarioHv.Engine.Naming;

namespace ScenarioHv.Scripting;

/// <summary>
/// The compiler's errors in the words of scripts: what a script does otherwise than a program, and for a name that is not there the one
/// that was probably meant.
/// </summary>
internal static class CompilerMessages
{
    private const int ShownMembers = 24;

    /// <summary>What others call an operation of <c>Cpu</c>, and what to write.</summary>
    private static readonly SortedDictionary<string, string> OtherNames = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Iret"] = "IRET comes by itself where a handler ends",
        ["Iretq"] = "IRET comes by itself where a handler ends",
        ["Inb"] = Meant("In8"),
        ["Inw"] = Meant("In16"),
        ["Inl"] = Meant("In32"),
        ["Outb"] = Meant("Out8"),
        ["Outw"] = Meant("Out16"),
        ["Outl"] = Meant("Out32"),
        ["Rdmsr"] = Meant("ReadMsr"),
        ["Wrmsr"] = Meant("WriteMsr"),
        ["Rdtsc"] = Meant("ReadTsc"),
        ["Sleep"] = Meant("Work"),
        ["Wait"] = Meant("Work"),
        ["Delay"] = Meant("Work"),
        ["Pause"] = Meant("Work"),
        ["Nop"] = Meant("Work"),
        ["Spin"] = Meant("Work"),
        ["Print"] = Meant("Report"),
        ["Log"] = Meant("Report"),
        ["WriteLine"] = Meant("Report"),
        ["Trace"] = Meant("Report"),
        ["VmLaunch"] = Meant("VmResume"),
        ["VmEnter"] = Meant("VmResume"),
        ["VmmCall"] = Meant("VmCall"),
        ["Hypercall"] = Meant("VmCall"),
        ["Random"] = Meant("Choose"),
        ["Rand"] = Meant("Choose"),
        ["Ipi"] = Icr,
        ["SendIpi"] = Icr,
    };

    private const string Icr = "an IPI is a write of the ICR, 'await cpu.MmioWrite(0xfee00300, ...)'";

    /// <summary>What an error of the syntax says.</summary>
    public static string Of(Diagnostic error) => error.Id switch
    {
        "CS4014" => ScriptRules.NotAwaited,
        "CS0206" => $"{Text(error)} (A script's variable is in the machine: copy it to a local, pass that, and assign it back.)",
        "CS1612" => $"{Text(error)} (Assign a whole new value to the variable.)",
        "CS8178" => $"{Text(error)} (A variable that is a struct: take the awaited value into a local first, then assign it.)",
        _ => Text(error),
    };

    /// <summary>What an error says.</summary>
    /// <param name="error">The error, of the edited text.</param>
    /// <param name="unit">The file.</param>
    /// <param name="place">Its place in the text as written.</param>
    /// <param name="api">What the script may use.</param>
    public static string Of(Diagnostic error, ScriptUnit unit, int place, ScriptApi api)
    {
        var name = unit.Root.FindToken(place).Parent?.FirstAncestorOrSelf<SimpleNameSyntax>();
        return error.Id switch
        {
            "CS1061" or "CS0117" when name is not null && NoMember(unit, name, api) is { } message => $"{message} [{error.Id}]",
            "CS0103" or "CS0246" or "CS0234" => Missing(error, unit, place, name?.Identifier.ValueText ?? string.Empty, api),
            _ => Of(error),
        };
    }

    private static string Meant(string name) => $"did you mean '{name}'?";

    private static string Text(Diagnostic error)
    {
        var text = error.GetMessage(CultureInfo.InvariantCulture);
        return $"{text.Replace(LoadedScript.ClassName + ".", string.Empty, StringComparison.Ordinal)} [{error.Id}]";
    }

    /// <summary>A member that a type does not have.</summary>
    private static string? NoMember(ScriptUnit unit, SimpleNameSyntax name, ScriptApi api)
    {
        if (name.Parent is not MemberAccessExpressionSyntax access || access.Name != name)
        {
            return null;
        }

        var owner = unit.Model.GetTypeInfo(access.Expression).Type ?? unit.Model.GetSymbolInfo(access.Expression).Symbol;
        if (owner is not ITypeSymbol type)
        {
            return null;
        }

        var found = name.Identifier.ValueText;
        var said = $"'{type.ToMinimalDisplayString(unit.Model, 0)}' has no '{found}'";
        if (EngineTypes.Is(type, "Cpu") && OtherNames.TryGetValue(found, out var other))
        {
            return $"{said}; {other}";
        }

        if (MissingNames.Hint(unit, name.SpanStart, api) is { Length: > 0 } hint)
        {
            return said + hint;
        }

        var members = MissingNames.MembersOf(unit, name, api);
        return members.Length is > 0 and <= ShownMembers ? $"{said}; it has {string.Join(", ", members)}."
            : EngineTypes.Is(type, "Cpu") ? $"{said}; scripts/README.md lists the operations."
            : $"{said}.";
    }

    /// <summary>A name that is not declared: why scripts do not have it, or what was meant.</summary>
    private static string Missing(Diagnostic error, ScriptUnit unit, int place, string found, ScriptApi api)
    {
        var names = error.GetMessage(CultureInfo.InvariantCulture).Split('\'', '"');
        if (names.Select(api.ReasonForMissing).FirstOrDefault(reason => reason is not null) is { } reason)
        {
            return $"{Text(error)} ({reason})";
        }

        if (error.Id == "CS0234" || found.Length == 0)
        {
            return Text(error);
        }

        var said = error.Id == "CS0246" ? $"there is no type '{found}' here" : $"there is no '{found}' here";
        var cpu = unit.Model.Compilation.GetTypeByMetadataName("ScenarioHv.Engine.Guests.Cpu");
        string[] operations = error.Id == "CS0246" || cpu is null || !api.Allows(cpu) ? []
            : [.. cpu.GetMembers().Where(member => member.CanBeReferencedByName).Select(member => member.Name)];
        return operations.Contains(found) ? $"{said}; did you mean 'cpu.{found}'? [{error.Id}]"
            : MissingNames.Hint(unit, place, api) is { Length: > 0 } hint ? $"{said}{hint} [{error.Id}]"
            : NearestName.Of(found, operations.Distinct()) is { } operation ? $"{said}; did you mean 'cpu.{operation}'? [{error.Id}]"
            : Text(error);
    }
}
