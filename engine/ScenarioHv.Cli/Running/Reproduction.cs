using Microsoft.Extensions.Logging;
using ScenarioHv.Cli.Commands;
using ScenarioHv.Exploration;
using ScenarioHv.Exploration.Schedules;
using ScenarioHv.Scenarios;
using ScenarioHv.Scripting;

namespace ScenarioHv.Cli.Running;

/// <summary>What a reproducer has done.</summary>
/// <param name="IsSame">True if its replay emits the events of the one that was saved.</param>
/// <param name="Words">What that is known by.</param>
internal sealed record ReproductionNote(bool IsSame, string Words);

/// <summary>A reproducer whose machine is built.</summary>
internal sealed class Reproduction
{
    private const int ShortHash = 16;

    private readonly Reproducer _reproducer;
    private readonly string _path;
    private readonly Func<string, string> _named;

    private Reproduction(Reproducer reproducer, string path, ILoggerFactory? logging, bool trusted)
    {
        (_reproducer, _path) = (reproducer, path);
        using var folder = new ReproducerFolder(reproducer, path);
        _named = folder.Named;
        try
        {
            var overrides = reproducer.Overrides.Select(setting => setting with { ScriptFolder = folder.Root });
            var file = ScenarioFile.Read(folder.Scenario, [.. overrides]);
            var guests = new ScriptGuests(logging, keeps: false, trusted: trusted);
            Cell = new CellRun(Expecting(file.Cell(reproducer.Cell)), guests, reproducer.Schedule);
        }
        catch (Exception problem) when (problem is ScenarioException or ScriptException or InputException)
        {
            throw new InputException(_named($"{path}: {problem.Message}"));
        }
    }

    /// <summary>The cell, which expects what the reproducer shows.</summary>
    public CellRun Cell { get; }

    /// <summary>Reads the reproducer that a request names.</summary>
    /// <exception cref="InputException">It cannot be used, or an option of the request contradicts it.</exception>
    public static Reproduction Of(RunRequest request, ILoggerFactory? logging)
    {
        (string Option, bool IsGiven)[] own =
        [
            ("--cell", request.Cell is not null),
            ("--set", request.Overrides.Count > 0),
            ("--schedule", request.Schedule is not null),
            ("--without", request.Without.Count > 0),
            ("--restore", request.Restore is not null),
            ("--save-at", request.SaveAt is not null),
        ];
        return own.FirstOrDefault(option => option.IsGiven) is { Option: { } option }
            ? throw new InputException(
                $"{request.File}: is a reproducer, which has its own cell, policies and schedule: leave out {option}")
            : new Reproduction(ReproducerFile.Read(request.File), request.File, logging, request.Trust);
    }

    /// <summary>Whether a replay is the one that was saved.</summary>
    public ReproductionNote Note(CellResult result) => result.TraceHash == _reproducer.TraceHash
        ? new ReproductionNote(true, "the trace hash is the one in the file")
        : new ReproductionNote(
            false, $"the file has the trace hash {_reproducer.TraceHash[..Math.Min(ShortHash, _reproducer.TraceHash.Length)]}{Origin}");

    /// <summary>What is to be said of a failure of the replay; null if it is none of the reproducer's.</summary>
    public Exception? Explain(Exception problem) => problem switch
    {
        ScheduleException => new InputException($"{_path}: does not reproduce: {problem.Message}{Origin}"),
        StepException step when GuestFault.Of(step) is { } fault => new InputException(_named($"{_path}: {fault}")),
        _ => null,
    };

    private string Origin => _reproducer.Build == Reproducer.ThisBuild ? ""
        : $"; version {_reproducer.Version} wrote it, in another build than this {Reproducer.ThisVersion}";

    private ScenarioCell Expecting(ScenarioCell cell)
    {
        var smaller = SmallerCell.Of(cell, _reproducer.Without);
        var explore = smaller.Scenario.Explore with { Expect = [_reproducer.Shows.OfExploring] };
        return smaller with { Scenario = smaller.Scenario with { Explore = explore, File = _path } };
    }
}
