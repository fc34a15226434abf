using System.Diagnostics;
using System.Runtime.Loader;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Exploration;
using ScenarioHv.Scripting;

namespace ScenarioHv.Cli;

/// <summary>
/// Tells a guest's fault from the laboratory's: what was thrown in a script or by the operations that it uses is the script's.
/// </summary>
internal static class GuestFault
{
    /// <summary>
    /// The message about a fault of a guest or of a policy's script: script, actor, cycle and what happened; null if it is the
    /// laboratory's.
    /// </summary>
    public static string? Of(StepException problem) => Of(problem.InnerException!, problem.Message);

    /// <summary>The message about a policy's script that failed when a machine was made.</summary>
    public static string Of(PolicyException problem) => Of(problem, problem.Message)!;

    private static string? Of(Exception problem, string message)
    {
        // A policy is asked by the hypervisor's code, below which a guest may be: the place is where the policy's own code failed.
        var thrown = problem is PolicyException ? problem.InnerException! : problem;
        var frames = new StackTrace(thrown, fNeedFileInfo: true).GetFrames();
        var script = Array.Find(frames, frame => ContextOf(frame) is not null);
        if (script is null || thrown is ImpossibleAnswerException)
        {
            return problem switch
            {
                PolicyException => $"policy: {message}",
                GuestException => $"guest: {message}",
                _ => null,
            };
        }

        return thrown is StepBudgetException budget
            ? $"{FileOf(script, budget.File)}:{budget.Line}:{budget.Column}: {message}"
            : $"{PlaceOf(script)}: {message}";
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
