using System.Diagnostics;
using System.Reflection;
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
    /// The message about a fault of a guest or of a policy's script: script with line and column, guest, cycle and what happened; null if
    /// it is the laboratory's.
    /// </summary>
    public static string? Of(StepException problem)
    {
        var cause = problem.InnerException!;
        if (cause is PolicyException policy)
        {
            return Of(policy, problem.Message);
        }

        var script = ScriptOf(cause);
        if (script is null && cause is not GuestException)
        {
            return null;
        }

        var guest = problem.Guest;
        var place = script is null ? PlaceOf(guest) : PlaceOf(script, cause);
        var who = guest is null ? problem.Actor?.Name : $"l{guest.Level} on vcpu{guest.Vcpu}";
        var kind = cause is GuestException ? string.Empty : $" ({cause.GetType().Name})";
        return $"{place}: {(who is null ? "" : $"{who}, ")}{problem.When}: {cause.Message}{kind}";
    }

    /// <summary>The message about a policy's script that failed when a machine was made.</summary>
    public static string Of(PolicyException problem) => Of(problem, problem.Message);

    /// <summary>
    /// A policy is asked by the hypervisor's code, below which a guest may be: the place is where the policy's own code failed.
    /// </summary>
    private static string Of(PolicyException problem, string message)
    {
        var thrown = problem.InnerException!;
        var script = thrown is ImpossibleAnswerException ? null : ScriptOf(thrown);
        return script is null ? $"policy: {message}" : $"{PlaceOf(script, thrown)}: {message}";
    }

    /// <summary>The innermost code of a script that an exception has come through.</summary>
    private static StackFrame? ScriptOf(Exception thrown) =>
        Array.Find(new StackTrace(thrown, fNeedFileInfo: true).GetFrames(), frame => ContextOf(frame) is not null);

    private static string PlaceOf(StackFrame script, Exception thrown) => thrown is StepBudgetException budget
        ? $"{FileOf(script, budget.File)}:{budget.Line}:{budget.Column}" : PlaceOf(script);

    /// <summary>The load context of a script; null for the laboratory's own code.</summary>
    private static AssemblyLoadContext? ContextOf(StackFrame frame) =>
        frame.GetMethod()?.DeclaringType?.Assembly is { } assembly && AssemblyLoadContext.GetLoadContext(assembly) is { } context
            && context != AssemblyLoadContext.Default ? context : null;

    private static Assembly AssemblyOf(GuestPlace guest) => guest.Program.Main.Method.Module.Assembly;

    private static string? FileOf(StackFrame frame, int number) =>
        ScriptFiles.Of(frame.GetMethod()!.Module.Assembly, number) ?? frame.GetFileName() ?? ContextOf(frame)!.Name;

    private static string PlaceOf(StackFrame frame) => frame.GetFileName() is { } file && frame.GetFileLineNumber() > 0
        ? $"{file}:{frame.GetFileLineNumber()}:{Math.Max(1, frame.GetFileColumnNumber())}"
        : ContextOf(frame)!.Name ?? "guest";

    /// <summary>The operation under way: its line, or the address that the script gives it.</summary>
    private static string PlaceOf(GuestPlace? guest) => guest switch
    {
        null => "guest",
        { Line: { } line } when ScriptFiles.Of(AssemblyOf(guest), line.File) is { } file => $"{file}:{line.Line}:1",
        _ => $"{ScriptFiles.Of(AssemblyOf(guest), 0) ?? guest.Program.Name}: at 0x{guest.Rip:x}",
    };
}
