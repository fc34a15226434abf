using System.Diagnostics;
using System.Runtime.Loader;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Exploration;
using ScenarioHv.Scripting;

namespace ScenarioHv.Cli;

/// <summary>
/// Tells a guest's fault from the laboratory's: what was thrown in a script or by the operations that it uses is the script's.
/// </summary>
internal static class GuestFault
{
    /// <summary>The message about a fault of a guest: script, actor, cycle and what happened; null if it is the laboratory's.</summary>
    public static string? Of(StepException problem)
    {
        var frames = new StackTrace(problem.InnerException!, fNeedFileInfo: true).GetFrames();
        var script = Array.Find(frames, frame => ContextOf(frame) is not null);
        if (script is not null)
        {
            return problem.InnerException is StepBudgetException budget
                ? $"{FileOf(script, budget.File)}:{budget.Line}:{budget.Column}: {problem.Message}"
                : $"{PlaceOf(script)}: {problem.Message}";
        }

        return problem.InnerException is GuestException ? $"guest: {problem.Message}" : null;
    }

    /// <summary>The load context of a script; null for the laboratory's own code.</summary>
    private static AssemblyLoadContext? ContextOf(StackFrame frame) =>
        frame.GetMethod()?.DeclaringType?.Assembly is { } assembly && AssemblyLoadContext.GetLoadContext(assembly) is { } context
            && context != AssemblyLoadContext.Default ? context : null;

    private static string? FileOf(StackFrame frame, int number) =>
        ScriptFiles.Of(frame.GetMethod()!.DeclaringType!.Assembly, number) ?? frame.GetFileName() ?? ContextOf(frame)!.Name;

    private static string PlaceOf(StackFrame frame) => frame.GetFileName() is { } file && frame.GetFileLineNumber() > 0
        ? $"{file}:{frame.GetFileLineNumber()}:{Math.Max(1, frame.GetFileColumnNumber())}"
        : ContextOf(frame)!.Name ?? "guest";
}
