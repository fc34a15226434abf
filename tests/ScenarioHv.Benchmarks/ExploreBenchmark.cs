using System.Diagnostics;
using System.Globalization;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Exploration;
using ScenarioHv.Exploration.Search;
using ScenarioHv.Exploration.Tests.Search;

namespace ScenarioHv.Benchmarks;

/// <summary>
/// How fast the search is: on the bhyve race with its guests, whose states are whole machines, and on the small system with the points of
/// the Promela model, which Spin searches beside it where it is installed. The best of a few rounds counts, since a machine is seldom idle.
/// </summary>
internal static class ExploreBenchmark
{
    private const int Rounds = 3;

    /// <summary>Measures and prints.</summary>
    /// <param name="mostStates">A search ends with the layer in which it has seen so many.</param>
    /// <param name="wanted">Only systems with this in their name.</param>
    public static void Run(long mostStates, string wanted)
    {
        Console.WriteLine(
            $"{"system",-36}{"states",12}{"transitions",13}{"seconds",9}{"states/s",12}{"per CPU s",12}"
            + $"{"ns/transition",15}{"bytes/state",13}{"two threads",13}");
        foreach (var (senders, ipis) in ((int, int)[])[(2, 20), (3, 6)])
        {
            foreach (var (name, injection) in ((string, SvmInjection)[])[
                ("v-irq-pending-state", SvmInjection.VIrqPendingState),
                ("event-injection", SvmInjection.EventInjection),
                ("v-irq", SvmInjection.VIrq)])
            {
                var systems = new MachineSystems(new Board(IpiRace.Of(senders, ipis, injection)));
                Print($"bhyve {name} {senders} x {ipis}", systems.NewSystem, mostStates, wanted);
            }
        }

        foreach (var (senders, ipis) in ((int, int)[])[(2, 20), (3, 6)])
        {
            var name = $"small system {senders} x {ipis}";
            Print(name, () => new LostIpiSystem(senders, ipis, isFixed: true), long.MaxValue, wanted);
            if (name.Contains(wanted, StringComparison.Ordinal))
            {
                SpinPeer.Print(senders, ipis);
            }
        }
    }

    private static void Print(string name, Func<ITransitionSystem> systems, long mostStates, string wanted)
    {
        if (!name.Contains(wanted, StringComparison.Ordinal))
        {
            return;
        }

        var one = Best(systems, mostStates, 1);
        var two = Best(systems, mostStates, 2);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name,-36}{one.States,12}{one.Transitions,13}{one.Seconds,9:f2}{one.States / one.Seconds,12:f0}"
            + $"{one.States / one.CpuSeconds,12:f0}"
            + $"{one.Seconds * 1e9 / one.Transitions,15:f0}{one.BytesPerState,13:f1}{one.Seconds / two.Seconds,12:f2}x{one.End}"));
    }

    private static Measured Best(Func<ITransitionSystem> systems, long mostStates, int threads)
    {
        var best = Measure(systems, mostStates, threads);
        for (var round = 1; round < Rounds; round++)
        {
            var next = Measure(systems, mostStates, threads);
            best = next.Seconds < best.Seconds ? next : best;
        }

        return best;
    }

    private static Measured Measure(Func<ITransitionSystem> systems, long mostStates, int threads)
    {
        var cpu = Environment.CpuUsage.TotalTime;
        var watch = Stopwatch.StartNew();
        var result = new LayeredSearch(systems, new SearchLimits { MaxStates = mostStates }) { Threads = threads }.Run();
        var seconds = watch.Elapsed.TotalSeconds;
        cpu = Environment.CpuUsage.TotalTime - cpu;
        result.Graph.Dispose();
        var end = result.Violations > 0 ? $"  violated after {result.FirstViolatedLayer} steps"
            : result.EndedBy is null ? "  complete" : string.Empty;
        return new Measured(result.States, result.Transitions, seconds, cpu.TotalSeconds, (double)result.BytesHeld / result.States, end);
    }

    private sealed record Measured(int States, long Transitions, double Seconds, double CpuSeconds, double BytesPerState, string End);
}
