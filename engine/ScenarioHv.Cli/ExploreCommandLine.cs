using System.CommandLine;
using System.Globalization;
using ScenarioHv.Cli.Commands;
using ScenarioHv.Cli.Completion;
using ScenarioHv.Cli.Output;
using ScenarioHv.Scenarios;

namespace ScenarioHv.Cli;

/// <summary>The options of <c>explore</c>.</summary>
internal static class ExploreCommandLine
{
    /// <summary>What its help shows.</summary>
    public const string Example = "scenariohv explore hyperv-hang.yaml --compare 'immediate-exit=zero-timer,throttle(100, 1000)'";

    private const int MostThreads = 64;
    private const int MostWalks = 100_000_000;

    private static readonly (string Unit, long Bytes)[] Sizes =
    [
        ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40),
    ];

    /// <summary>The command.</summary>
    public static Command Of(
        Terminal terminal, Argument<string> file, Option<string[]> set, Option<bool> json, Option<LogChoice?> log)
    {
        var cell = Named("--cell", "name", "Explore this cell of the scenario instead of the scenario as written.");
        var all = new Option<bool>("--all") { Description = "Explore every cell, and hold what is found against what is expected." };
        var compare = Named("--compare", "point=a,b,c", "Explore once for each of these values, and show what is found side by side.")
            .Offering(CommandLine.PointsToSet);
        var threads = Number("--threads", "How many threads search, 1 to 64; 1 if not said.", 1, MostThreads);
        var states = Number("--max-states", "Give up after so many states; no limit if not said.", 1, long.MaxValue);
        var depth = Number(
            "--max-depth",
            $"Go no further than so many steps; no limit if not said, {ExploreRequest.MostSteps} with --random.",
            1,
            int.MaxValue);
        var time = Named("--time", "duration", "Give up after so long, 30 s for example; no limit if not said.", TimeOf);
        var memory = Named(
            "--memory",
            "size",
            "Give up when states take so much, 2 GB for example; three quarters of this machine's if not said.",
            SizeOf);
        var noChains = new Option<bool>("--no-chains")
        {
            Description = "Take each step alone, also where nothing else could come between.",
        };
        var timed = new Option<bool>("--timed") { Description = "Keep the cycles that steps cost; explore ties, and costs that vary." };
        var random = Number("--random", "Take so many walks at random instead, which prove nothing.", 1, MostWalks);
        var seed = Named<ulong>("--seed", "n", "The seed of --random; 1 if not said.", text =>
            ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                ? (number, null)
                : (0, "expected a whole number."));
        var scheduler = Named(
            "--scheduler",
            "name",
            $"How --random picks whose step is next: {string.Join(" or ", ExploreRequest.Schedulers)}; "
            + $"{ExploreRequest.Schedulers[0]} if not said.").Offering(() => ExploreRequest.Schedulers);
        var save = Named("--save", "file", "Write the failure with scenario and scripts into one file, which run replays.");
        var trust = CommandLine.TrustOption();
        var verbose = new Option<bool>("--verbose") { Description = "Say what the search took, and tell each step of a failure." };
        var command = new Command("explore", "Visits every order in which the steps of a scenario can be taken, and judges all of them.")
        {
            file, cell, all, set, compare, threads, states, depth, time, memory, noChains, timed, random, seed, scheduler, save,
            trust, json, verbose, log,
        };
        command.SetAction(parsed => (int)new ExploreCommand(terminal, CommandLine.LevelOf(parsed, log)).Run(
            new ExploreRequest(parsed.GetRequiredValue(file))
            {
                Overrides = CommandLine.Overrides(parsed.GetValue(set), explores: true),
                Cell = parsed.GetValue(cell),
                All = parsed.GetValue(all),
                Compare = parsed.GetValue(compare),
                Threads = (int?)parsed.GetValue(threads) ?? 1,
                MaximumStates = parsed.GetValue(states),
                MaximumDepth = (int?)parsed.GetValue(depth),
                Time = parsed.GetValue(time),
                Memory = parsed.GetValue(memory),
                Chains = !parsed.GetValue(noChains),
                Timed = parsed.GetValue(timed),
                Random = (int?)parsed.GetValue(random),
                Seed = parsed.GetValue(seed),
                Scheduler = parsed.GetValue(scheduler),
                Save = parsed.GetValue(save),
                Trust = CommandLine.Trusts(terminal, parsed, trust),
                Json = parsed.GetValue(json),
                Verbose = parsed.GetValue(verbose),
            }));
        return command;
    }

    private static Option<string?> Named(string name, string helpName, string description) =>
        new(name) { Description = description, HelpName = helpName };

    private static Option<T?> Named<T>(string name, string helpName, string description, Func<string, (T Value, string? Problem)> read)
        where T : struct => new(name)
        {
            Description = description,
            HelpName = helpName,
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                var (value, problem) = read(text);
                if (problem is null)
                {
                    return value;
                }

                result.AddError($"{name} {text}: {problem}");
                return null;
            },
        };

    private static Option<long?> Number(string name, string description, long min, long max) => Named<long>(name, "n", description, text =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max
            ? (number, null)
            : (0, $"expected a whole number from {min}{(max is long.MaxValue or int.MaxValue ? "" : $" to {max}")}."));

    private static (TimeSpan Value, string? Problem) TimeOf(string text)
    {
        const long TicksPerSecond = TimeSpan.TicksPerSecond;
        try
        {
            return !Duration.TryParse(text, out var duration, out var error) ? (default, error)
                : duration.IsCycles ? (default, "expected a time of this machine's clock, not cycles: 30 s for example")
                : duration.ToCycles(TicksPerSecond) is > 0 and var ticks ? (TimeSpan.FromTicks(ticks), null)
                : (default, "expected more than no time at all");
        }
        catch (OverflowException)
        {
            return (default, "that is longer than anybody waits");
        }
    }

    private static (long Value, string? Problem) SizeOf(string text)
    {
        var digits = text.TakeWhile(char.IsAsciiDigit).Count();
        var unit = text[digits..].TrimStart(' ');
        var names = Sizes.Select(size => size.Unit).ToArray();
        if (digits == 0
            || !long.TryParse(text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || number == 0)
        {
            return (0, "expected a whole number from 1 and a unit: 2 GB for example");
        }

        if (!names.Contains(unit, StringComparer.Ordinal))
        {
            return (0, unit.Length == 0 ? $"expected a unit: {string.Join(", ", names)}"
                : $"unknown unit '{unit}'{NearestName.Hint(unit, names)}; expected {string.Join(", ", names)}");
        }

        var bytes = Sizes.First(size => size.Unit == unit).Bytes;
        return number > long.MaxValue / bytes ? (0, "that is more than any machine has") : (number * bytes, null);
    }
}
