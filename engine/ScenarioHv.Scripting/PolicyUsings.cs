using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Scripting;

/// <summary>What policy scripts see without saying so.</summary>
internal static class PolicyUsings
{
    /// <summary>The namespaces.</summary>
    public static readonly string[] Namespaces =
    [
        "System", "System.Collections.Generic", "System.Linq", "ScenarioHv.Engine.Devices", "ScenarioHv.Engine.Interrupts",
        PolicyTypes.Namespace, "ScenarioHv.Engine.Time",
    ];

    /// <summary>The namespaces, and the answer if its members are used bare.</summary>
    public static string[] With(Type answer) => PolicyAnswers.AreBare(answer) ? [.. Namespaces, answer.FullName!] : Namespaces;

    /// <summary>The directives for <paramref name="names"/>: namespaces, and types of the engine whose members are used bare.</summary>
    public static string Text(IEnumerable<string> names) => string.Join('\n', names.Select(name =>
        $"global using {(typeof(PolicyProgram).Assembly.GetType(name) is null ? string.Empty : "static ")}{name};"));
}
