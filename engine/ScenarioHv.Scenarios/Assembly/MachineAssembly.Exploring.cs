using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Scenarios.Assembly;

/// <summary>A machine as a search takes it.</summary>
/// <param name="Config">The configuration.</param>
/// <param name="Bounds">What was bounded or left open for it, a phrase each: part of the verdict.</param>
public sealed record ExploredMachine(MachineConfig Config, IReadOnlyList<string> Bounds);

/// <content>The machine of a search: nothing counts far, nothing comes without end, and no time passes unless it is asked for.</content>
public static partial class MachineAssembly
{
    /// <summary>Builds the configuration for exploring.</summary>
    /// <param name="scenario">The scenario.</param>
    /// <param name="loader">Loads its guests.</param>
    /// <param name="timed">True to keep the cycles that steps cost; false for classes of time in their place.</param>
    /// <exception cref="ScenarioException">
    /// Two settings do not go together, or the timeline has more lines than can be put into order.
    /// </exception>
    public static ExploredMachine BuildForExploring(Scenario scenario, IGuestLoader loader, bool timed)
    {
        var bounds = new List<string>();
        var config = WithScaledPolicies(Build(scenario, loader), scenario, bounds);
        config = config with { Timeline = BoundedTimeline(config, scenario, bounds) };
        return new ExploredMachine(timed ? Timed(config, bounds) : Untimed(config, scenario, bounds), bounds);
    }

    private static MachineConfig WithScaledPolicies(MachineConfig config, Scenario scenario, List<string> bounds)
    {
        var limit = (uint)scenario.Explore.Repeat;
        void Note(string point, uint count)
        {
            if (count > limit)
            {
                var value = Chosen(scenario.Machine).First(choice => choice.Rule.Name == point).Value;
                bounds.Add($"{value}: {count} counted as {limit}");
            }
        }

        Note(PolicyTable.ImmediateExit, config.ImmediateExit.Repetitions);
        Note(PolicyTable.IoApicEoi, config.IoApicEoi.Repetitions);
        return config with { ImmediateExit = config.ImmediateExit.Scaled(limit), IoApicEoi = config.IoApicEoi.Scaled(limit) };
    }

    /// <summary>A count that the author wrote stays: the goal may need all of them.</summary>
    private static List<StimulusConfig> BoundedTimeline(MachineConfig config, Scenario scenario, List<string> bounds)
    {
        var limit = scenario.Explore.Outside;
        var timeline = new List<StimulusConfig>();
        foreach (var (line, entry) in config.Timeline.Zip(scenario.Timeline))
        {
            var isEndless = line.Count == 0;
            timeline.Add(isEndless ? line with { Count = limit } : line);
            if (isEndless)
            {
                bounds.Add($"{entry.Words}: {Times(limit)} instead of without end");
            }
        }

        return timeline;
    }

    private static string Times(long count) => count == 1 ? "once" : $"{count} times";

    private static MachineConfig Untimed(MachineConfig config, Scenario scenario, List<string> bounds)
    {
        if (scenario.Timeline.Count > StimulusOrder.MostLines)
        {
            throw scenario.Timeline[StimulusOrder.MostLines].Mark.Error(
                $"exploring puts at most {StimulusOrder.MostLines} lines of a timeline into order, and this one is beyond: "
                + "let one line repeat, or explore with --timed");
        }

        var later = scenario.Explore.Later;
        var cycles = later.ToCycles(config.TscHz);
        bounds.Insert(0, $"later: from {later}{(later.IsCycles ? "" : $" ({cycles} cycles)")}");
        if (config.Timeline.Count > 1)
        {
            var events = config.Timeline.Sum(line => (long)line.Count);
            bounds.Add(
                $"timeline: {events} events; those of one device or vCPU, and the monitor's, as the file has them, others in any order");
        }

        if (config.HostTickHz > 0)
        {
            bounds.Add($"host tick {new FrequencyHz(config.HostTickHz)}: at any moment, later each time");
        }

        return config with { Timing = TimingProfile.Untimed, Time = new ClassTime(cycles) };
    }

    private static MachineConfig Timed(MachineConfig config, List<string> bounds)
    {
        bounds.Insert(0, $"time: the costs of {config.Timing.Name} in cycles, ties in any order");
        bounds.AddRange(
            from cost in TimingProfile.Costs
            let values = config.Timing.Values(cost.Cost)
            where values.Count > 1
            select $"{cost.Name}: {string.Join(" or ", values)} cycles at each use, and nothing between");
        return config;
    }
}
