using ScenarioHv.Cli.Commands;
using ScenarioHv.Cli.Output;
using ScenarioHv.Cli.Running;
using ScenarioHv.Conformance;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Exploration;
using ScenarioHv.Scenarios;
using ScenarioHv.Scripting;

namespace ScenarioHv.Cli;

/// <summary>Every failure as one message on standard error and an exit code. A stack trace is shown only with <c>--log debug</c>.</summary>
internal static class FailureReport
{
    /// <summary>What every message begins with that names no file.</summary>
    public const string Prefix = "scenariohv: ";

    /// <summary>Reports <paramref name="problem"/>.</summary>
    public static ExitCode Write(Terminal terminal, Exception problem, bool withStack)
    {
        var (code, message) = Classify(problem);
        terminal.Out.Flush();
        terminal.Error.WriteLine(message);
        foreach (var line in Before(problem))
        {
            terminal.Error.WriteLine(line);
        }

        if (withStack)
        {
            terminal.Error.WriteLine(problem.ToString());
        }

        return code;
    }

    /// <summary>The exit code and the message of <paramref name="problem"/>.</summary>
    public static (ExitCode Code, string Message) Classify(Exception problem) => problem switch
    {
        ScenarioException or ScriptException => (ExitCode.BadInput, problem.Message),
        InputException or RecordingException => (ExitCode.BadInput, Prefix + problem.Message),
        WitnessUnavailableException or WitnessException => (ExitCode.Inconclusive, Prefix + problem.Message),
        PolicyException policy => (ExitCode.BadInput, GuestFault.Of(policy)),
        StepException step when GuestFault.Of(step) is { } fault => (ExitCode.BadInput, fault),
        StepException step => (ExitCode.Defect, Defect(step.InnerException!.GetType(), step.Message)),
        HistoryException history when Classify(history.InnerException!) is var (code, message) =>
            (code, $"{message}\n{history.Message}"),
        FileProblem => (ExitCode.BadInput, Prefix + problem.Message),
        CellException cell when Classify(cell.InnerException!) is var (code, message) => (code, $"{message} ({cell.Message})"),
        _ => (ExitCode.Defect, Defect(problem.GetType(), problem.Message)),
    };

    /// <summary>The last events before a step that failed, with a line that says so; nothing for another failure.</summary>
    private static IEnumerable<string> Before(Exception problem)
    {
        var step = problem;
        while (step is not (StepException or null))
        {
            step = step.InnerException;
        }

        return step is StepException { LastLines: { Count: > 0 } lines } failed
            ? lines.Prepend($"the last events{(failed.Guest is { } guest ? $" of vcpu{guest.Vcpu}" : "")} before that:") : [];
    }

    private static string Defect(Type type, string message) => $"{Prefix}a defect of the laboratory: {type.Name}: {message}";
}

/// <summary>A file that the user named for output cannot be written.</summary>
internal sealed class FileProblem(string message) : Exception(message);
