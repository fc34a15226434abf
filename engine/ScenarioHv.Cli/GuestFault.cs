using System.Diagnostics;
using System.Reflection;
using System.Runtime.Loader;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Exploration;

namespace ScenarioHv.Cli;

/// <summary>
/// Tells a guest's fault from the laboratory's: what was thrown in a script or by the operations that it uses is the script's.
/// </summary>
internal static class GuestFault
{
    /// <summary>
    /// Where the engine refuses what a script asks for, although no code of the script is on the stack: an event without a handler,
    /// an instruction or a register that this machine does not have. The engine throws the same type for these as for its own
    /// inconsistencies, so the method that throws has to tell them apart.
    /// </summary>
    private static readonly HashSet<string> Refusals = new(StringComparer.Ordinal)
    {
        "EnterHandler", "CauseOf", "Execute", "HandleMsr", "AccessMsr", "SetNmiWindow",
    };

    /// <summary>The message about a fault of a guest: script, actor, cycle and what happened; null if it is the laboratory's.</summary>
    public static string? Of(StepException problem)
    {
        var frames = new StackTrace(problem.InnerException!, fNeedFileInfo: true).GetFrames();
        var script = Array.Find(frames, frame => ContextOf(frame) is not null);
        if (script is not null)
        {
            return $"{PlaceOf(script)}: {problem.Message}";
        }

        var thrower = frames.FirstOrDefault()?.GetMethod();
        return problem.InnerException is InvalidOperationException && thrower is not null && IsRefusal(thrower)
            ? $"guest: {problem.Message}"
            : null;
    }

    private static bool IsRefusal(MethodBase thrower) =>
        thrower.DeclaringType?.Assembly == typeof(GuestProgram).Assembly
        && (thrower.DeclaringType.Namespace == typeof(GuestProgram).Namespace || Refusals.Contains(thrower.Name));

    /// <summary>The load context of a script; null for the laboratory's own code.</summary>
    private static AssemblyLoadContext? ContextOf(StackFrame frame) =>
        frame.GetMethod()?.DeclaringType?.Assembly is { } assembly && AssemblyLoadContext.GetLoadContext(assembly) is { } context
            && context != AssemblyLoadContext.Default ? context : null;

    private static string PlaceOf(StackFrame frame) => frame.GetFileName() is { } file && frame.GetFileLineNumber() > 0
        ? $"{file}:{frame.GetFileLineNumber()}:{Math.Max(1, frame.GetFileColumnNumber())}"
        : ContextOf(frame)!.Name ?? "guest";
}
