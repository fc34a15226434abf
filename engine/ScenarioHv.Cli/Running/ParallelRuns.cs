using System.Collections.Concurrent;
using ScenarioHv.Cli.Output;

namespace ScenarioHv.Cli.Running;

/// <summary>Independent runs on all cores, in the order given, with a bar for a person who watches.</summary>
internal static class ParallelRuns
{
    /// <summary>Does every job.</summary>
    /// <param name="terminal">Where the bar is drawn.</param>
    /// <param name="jobs">The jobs; each is asked for when a core is free.</param>
    /// <param name="what">What they are, in the plural.</param>
    /// <param name="run">Does one, on any thread.</param>
    public static void Of<T>(Terminal terminal, IReadOnlyCollection<T> jobs, string what, Action<T> run) =>
        ProgressBar.While(terminal, jobs.Count, what, advance =>
            Parallel.ForEach(Partitioner.Create(jobs, EnumerablePartitionerOptions.NoBuffering), TwiceStream.Parallelism, job =>
            {
                run(job);
                advance();
            }));
}
