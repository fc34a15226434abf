using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using ScenarioHv.Cli.Output;
using ScenarioHv.Cli.Running;
using ScenarioHv.Scenarios;

namespace ScenarioHv.Cli.Commands;

/// <summary><c>explore --all</c>: every cell, several at a time, reported in the scenario's order.</summary>
internal sealed class ExploreAll(Terminal terminal, ILoggerFactory? logging, LogLevel logLevel, bool trusted)
{
    private readonly ScriptGuests _guests = new(logging, trusted: trusted);

    /// <summary>Explores and reports. Nothing that is wrong with one cell keeps the others from being explored.</summary>
    public ExitCode Run(ExploreRequest request, SearchSettings settings)
    {
        var file = ScenarioFile.Read(request.File, request.Overrides);
        var cells = file.Document.Cells;
        var ends = new ExploredCell[cells.Count];
        var atOnce = Math.Max(1, Environment.ProcessorCount / settings.Threads);
        settings = settings with
        {
            Limits = settings.Limits with { MemoryBytes = settings.Limits.MemoryBytes / Math.Min(atOnce, cells.Count) },
        };
        ProgressBar.While(terminal, cells.Count, "cells", advance => Parallel.ForEach(
            Partitioner.Create(Enumerable.Range(0, cells.Count), EnumerablePartitionerOptions.NoBuffering),
            new ParallelOptions { MaxDegreeOfParallelism = atOnce },
            index =>
            {
                ends[index] = Explore(request, file, index, settings);
                advance();
            }));
        foreach (var problem in ends.Select(end => end.Problem).OfType<CellException>())
        {
            FailureReport.Write(terminal, problem, logLevel <= LogLevel.Debug);
        }

        if (request.Json)
        {
            ExploreJson.Write(terminal.Out, file.Document.Base, ends);
        }
        else
        {
            ExploreTables.Write(terminal, file.Document.Base, ends);
        }

        return MatrixCommand.First(ends.Where(end => !end.IsLeftOut)
            .Select(end => end.Finding?.ExitCode ?? FailureReport.Classify(end.Problem!).Code));
    }

    /// <summary>As in a matrix, a cell on whose machine a policy of the command line does not exist is left out.</summary>
    private ExploredCell Explore(ExploreRequest request, ScenarioFile file, int index, SearchSettings settings)
    {
        var cell = file.Document.Cells[index];
        var name = index == 0 ? null : cell.Name;
        var replay = new ReplayCommand(request.File) { Cell = name, Overrides = request.Overrides, Trust = request.Trust };
        try
        {
            var machine = new CellExploration(cell, _guests, request.Timed);
            var finding = ExploreCommand.Replayable(replay, () => machine.Explore(settings, logger: logging?.CreateLogger("explore")));
            return new ExploredCell(cell, finding.WithoutMachine(), null, replay);
        }
        catch (Exception problem) when (index > 0 && ImpossiblePolicy.IsOf(problem, request.Overrides))
        {
            return new ExploredCell(cell, null, null, replay);
        }
        catch (Exception problem)
        {
            return new ExploredCell(cell, null, new CellException(cell.Name, problem), replay);
        }
    }
}

/// <summary>What became of one cell: it was explored, it failed, or it was left out.</summary>
/// <param name="Cell">The cell.</param>
/// <param name="Finding">What was found; null if nothing was.</param>
/// <param name="Problem">Why its machine could not be built or explored; null if it could.</param>
/// <param name="Replay">Replays its failure.</param>
internal sealed record ExploredCell(ScenarioCell Cell, CellFinding? Finding, CellException? Problem, ReplayCommand Replay)
{
    /// <summary>True if what <c>--set</c> chooses does not exist on its machine.</summary>
    public bool IsLeftOut => Finding is null && Problem is null;
}
