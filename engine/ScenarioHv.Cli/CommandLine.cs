using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Globalization;
using Microsoft.Extensions.Logging;
using ScenarioHv.Cli.Commands;
using ScenarioHv.Cli.Completion;
using ScenarioHv.Cli.Output;
using ScenarioHv.Cli.Running;
using ScenarioHv.Exploration;
using ScenarioHv.Scenarios;
using ScenarioHv.Scenarios.Assembly;
using ScenarioHv.Traces;

namespace ScenarioHv.Cli;

/// <summary>The commands with their options: parses, runs, and turns every failure into one message and an exit code.</summary>
internal static class CommandLine
{
    private const string RunExample = "scenariohv run hyperv-hang.yaml --set ioapic-eoi=reinject --trace hang.txt";
    private const string MatrixExample = "scenariohv matrix hyperv-hang.yaml";
    private const string CheckExample = "scenariohv check scenarios/*.yaml";
    private const string ListExample = "scenariohv list";
    private const string DescribeExample = "scenariohv describe policies";
    private const string NewExample = "scenariohv new lost-wakeup";
    private const string CompletionExample = "scenariohv completion bash > ~/.local/share/bash-completion/completions/scenariohv";
    private const string CacheExample = "scenariohv cache clear";
    private const string SchemaExample = "scenariohv schema > scenario.schema.json";

    /// <summary>Runs the command and returns the exit code.</summary>
    public static int Run(string[] arguments)
    {
        var called = arguments is [var first, ..] ? first : null;
        using var ahead = FirstCalls.For(called);
        using var terminal = Terminal.OfProcess();
        using var compared = TwiceStream.OfProcess;
        var root = Root(terminal, called);
        var parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction)
        {
            return (int)UsageError(terminal, parsed);
        }

        try
        {
            var configuration = new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
                Output = terminal.Out,
                Error = terminal.Error,
            };
            return parsed.Invoke(configuration);
        }
        catch (Exception problem)
        {
            return (int)FailureReport.Write(terminal, problem, LogLevelOf(parsed) <= LogLevel.Debug);
        }
    }

    /// <summary>
    /// The command line: with the one command that is called, or with all of them if none of that name is, or if it is one that needs all.
    /// What a command says of its options takes the tables of policies, properties and dialects, and those take time.
    /// </summary>
    private static RootCommand Root(Terminal terminal, string? called)
    {
        var root = new RootCommand("A deterministic laboratory for interrupt delivery under virtualization.");
        var verbs = Verbs(terminal, root);
        var one = Array.Find(verbs, verb => verb.Name == called && !verb.NeedsAll);
        foreach (var verb in one is null ? verbs : [one])
        {
            root.Subcommands.Add(verb.Make());
        }

        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExample(
            (HelpAction)help.Action!,
            name => Array.Find(verbs, verb => verb.Name == name)?.Example ?? "scenariohv run hyperv-hang.yaml");
        return root;
    }

    private static Verb[] Verbs(Terminal terminal, RootCommand root) =>
    [
        new("run", RunExample, () => RunCommandOf(terminal)),
        new("matrix", MatrixExample, () => MatrixCommandOf(terminal)),
        new("explore", ExploreCommandLine.Example, () => ExploreCommandLine.Of(
            terminal, FileArgument(), SetOption("ioapic-eoi=reinject"), JsonOption(), LogOption())),
        new("try", TryCommandLine.Example, () => TryCommandLine.Of(terminal, StepsOption(), JsonOption(), LogOption())),
        new("check", CheckExample, () => CheckCommandOf(terminal)),
        new("conform", ConformCommandLine.Example, () => ConformCommandLine.Of(terminal, SetOption("pic-reinit=clear"), JsonOption())),
        new("list", ListExample, () => ListCommandOf(terminal)),
        new("describe", DescribeExample, () => DescribeCommandOf(terminal)),
        new("new", NewExample, () => NewCommandOf(terminal)),
        new("schema", SchemaExample, () => SchemaCommandOf(terminal)),
        new("cache", CacheExample, () => CacheCommandOf(terminal)),
        new("completion", CompletionExample, () => CompletionCommandOf(terminal, root)) { NeedsAll = true },
    ];

    private static Command RunCommandOf(Terminal terminal)
    {
        var file = FileArgument();
        var set = SetOption("immediate-exit=\"throttle(100, 1000)\"");
        var cell = new Option<string?>("--cell")
        {
            Description = "Run this cell of the scenario instead of the scenario as written.",
            HelpName = "name",
        };
        var trace = new Option<string?>("--trace")
        {
            Description = "Write the trace as trace-cmd report prints it; - for standard output, with the report on standard error.",
            HelpName = "file",
        };
        var dialect = new Option<string?>("--dialect")
        {
            Description = $"Print tracepoints as {string.Join(" or ", TraceDialects.Names)}; as the scenario's kernel does if not said.",
            HelpName = "name",
        }.Offering(() => TraceDialects.Names);
        var verbose = new Option<bool>("--verbose")
        {
            Description = "Explain each event of the period, or the last 60 events if nothing recurs.",
        };
        var saveAt = new Option<string?>("--save-at")
        {
            Description = "Save the machine as it is after the first step at this time (80us) or cycle (192000), or after it.",
            HelpName = "time",
        };
        var save = new Option<string?>("--save")
        {
            Description = "The file for --save-at; <scenario>-<cycle>.snapshot if not said.",
            HelpName = "file",
        };
        var restore = new Option<string?>("--restore")
        {
            Description = "Go on from a saved machine of the same scenario, cell and policies.",
            HelpName = "file",
        };
        var schedule = new Option<string?>("--schedule")
        {
            Description = "Replay the history that a search has named so, on the machine that it searched.",
            HelpName = "schedule",
        };
        var without = new Option<string[]>("--without")
        {
            Description = "With --schedule: leave out an optional part of the scenario, as 'device clock' or 'fire: clock at 50 us'; "
                + "can be repeated.",
            HelpName = "part",
            AllowMultipleArgumentsPerToken = false,
        };
        var steps = StepsOption();
        var cycles = LimitOption("--max-cycles", "Give up after so many cycles of the machine's clock; no limit if not said.");
        var twice = TwiceCommand.OptionOf();
        var trust = TrustOption();
        var json = JsonOption();
        var log = LogOption();
        var command = new Command("run", "Runs one scenario and says how it ends.")
        {
            file, set, cell, trace, dialect, verbose, saveAt, save, restore, schedule, without, twice, trust, json, log, steps, cycles,
        };
        command.SetAction(parsed => parsed.GetValue(twice) ? (int)TwiceCommand.Run(terminal, parsed, json, trace, saveAt)
            : (int)new RunCommand(terminal, LogLevelOf(parsed)).Run(new RunRequest(parsed.GetRequiredValue(file))
            {
                Overrides = Overrides(parsed.GetValue(set), explores: parsed.GetValue(schedule) is not null),
                Cell = parsed.GetValue(cell),
                Trace = parsed.GetValue(trace),
                Dialect = parsed.GetValue(dialect),
                Verbose = parsed.GetValue(verbose),
                SaveAt = parsed.GetValue(saveAt),
                Save = parsed.GetValue(save),
                Restore = parsed.GetValue(restore),
                Schedule = parsed.GetValue(schedule),
                Without = parsed.GetValue(without) ?? [],
                Trust = Trusts(terminal, parsed, trust),
                Json = parsed.GetValue(json),
                MaximumSteps = parsed.GetValue(steps)?.Count,
                MaximumCycles = parsed.GetValue(cycles)?.Count,
            }));
        return command;
    }

    private static Command MatrixCommandOf(Terminal terminal)
    {
        var paths = new Argument<string[]>("path")
        {
            Description = "Scenario files, names of shipped scenarios, or folders with scenarios.",
            Arity = ArgumentArity.OneOrMore,
        }.Offering(ShippedNames);
        var set = SetOption("immediate-exit=\"throttle(100, 1000)\"");
        var junit = new Option<string?>("--junit")
        {
            Description = "Write the outcome of each cell as JUnit XML, for CI servers.",
            HelpName = "file",
        };
        var twice = TwiceCommand.OptionOf();
        var trust = TrustOption();
        var json = JsonOption();
        var log = LogOption();
        var command = new Command("matrix", "Runs every cell of scenarios and holds the outcomes against the expected ones.")
        {
            paths, set, junit, twice, trust, json, log,
        };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(twice))
            {
                return (int)TwiceCommand.Run(terminal, parsed, json, junit);
            }

            var request = new MatrixRequest(parsed.GetRequiredValue(paths))
            {
                Overrides = Overrides(parsed.GetValue(set)),
                JUnit = parsed.GetValue(junit),
                Trust = Trusts(terminal, parsed, trust),
                Json = parsed.GetValue(json),
            };
            return (int)new MatrixCommand(terminal, LogLevelOf(parsed)).Run(request);
        });
        return command;
    }

    private static Command CheckCommandOf(Terminal terminal)
    {
        var files = new Argument<string[]>("file")
        {
            Description = "Scenario files, or names of shipped scenarios.",
            Arity = ArgumentArity.OneOrMore,
        }.Offering(ShippedNames);
        var trust = TrustOption();
        var log = LogOption();
        var command = new Command("check", "Reads scenarios, compiles their scripts and builds every cell's machine; runs nothing.")
        {
            files, trust, log,
        };
        command.SetAction(parsed =>
            (int)new CheckCommand(terminal, LogLevelOf(parsed), Trusts(terminal, parsed, trust)).Run(parsed.GetRequiredValue(files)));
        return command;
    }

    private static Command ListCommandOf(Terminal terminal)
    {
        var command = new Command("list", "Lists the scenarios that ship with this command.");
        command.SetAction(_ => (int)ListCommand.Run(terminal));
        return command;
    }

    private static Command DescribeCommandOf(Terminal terminal)
    {
        var subject = new Argument<string>("subject")
        {
            Description = $"A scenario, or one of {string.Join(", ", DescribeCommand.Subjects)}.",
        }.Offering(() => DescribeCommand.Subjects.Concat(ShippedNames()));
        var command = new Command("describe", "Says in words what a scenario is, or what policies, properties and timing there are.")
        {
            subject,
        };
        command.SetAction(parsed => (int)DescribeCommand.Run(terminal, parsed.GetRequiredValue(subject)));
        return command;
    }

    private static Command NewCommandOf(Terminal terminal)
    {
        var name = new Argument<string>("name") { Description = "The scenario's name: NAME.yaml and NAME.csx are written." };
        var folder = new Option<string?>("--in")
        {
            Description = "The folder to write them to; the current one if not said.",
            HelpName = "folder",
        };
        var command = new Command("new", "Writes a scenario with its guest script to begin with, which run, matrix and explore accept.")
        {
            name, folder,
        };
        command.SetAction(parsed => (int)NewCommand.Run(terminal, parsed.GetRequiredValue(name), parsed.GetValue(folder)));
        return command;
    }

    private static Command SchemaCommandOf(Terminal terminal)
    {
        var command = new Command("schema", "Prints the JSON Schema of scenario files, by which editors complete and check.");
        command.SetAction(_ => (int)SchemaCommand.Run(terminal));
        return command;
    }

    private static Command CacheCommandOf(Terminal terminal)
    {
        var action = new Argument<string?>("action")
        {
            Description = "clear removes all of them; they are shown if nothing is said.",
            Arity = ArgumentArity.ZeroOrOne,
        }.Offering(() => CacheCommand.Actions);
        var command = new Command("cache", "Shows the compiled scripts that are kept, or removes them.") { action };
        command.SetAction(parsed => (int)CacheCommand.Run(terminal, parsed.GetValue(action)));
        return command;
    }

    private static Command CompletionCommandOf(Terminal terminal, Command root)
    {
        var shell = new Argument<string>("shell") { Description = $"One of {string.Join(", ", CompletionCommand.Shells)}." }
            .Offering(() => CompletionCommand.Shells);
        var command = new Command("completion", "Prints a script by which a shell completes commands, options and their values.") { shell };
        command.SetAction(parsed => (int)CompletionCommand.Run(terminal, parsed.GetRequiredValue(shell), root));
        return command;
    }

    private static Argument<string> FileArgument() => new Argument<string>("file")
    {
        Description = "A scenario file, or the name of a shipped scenario (scenariohv list).",
    }.Offering(ShippedNames);

    /// <summary>The shipped scenarios.</summary>
    public static IEnumerable<string> ShippedNames() => ShippedScenarios.All.Select(scenario => scenario.Name);

    /// <summary>The policy points.</summary>
    public static IEnumerable<string> Points() => EngineVocabulary.Instance.PolicyPoints.Select(point => point.Name);

    /// <summary>The policy points, as far as an option sets them.</summary>
    public static IEnumerable<string> PointsToSet() => Points().Select(point => point + "=");

    private static Option<string[]> SetOption(string example) => new Option<string[]>("--set")
    {
        Description = $"Set a policy: {example}. Can be given several times.",
        HelpName = "point=value",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    }.Offering(PointsToSet);

    /// <summary>The option <c>--trust</c>.</summary>
    public static Option<bool> TrustOption() => new("--trust")
    {
        Description = "Take scripts as they are: what they use is not checked, and nothing stops one that does not end.",
    };

    /// <summary>Whether it is given; says so on standard error.</summary>
    public static bool Trusts(Terminal terminal, ParseResult parsed, Option<bool> trust)
    {
        var given = parsed.GetValue(trust);
        if (given)
        {
            terminal.Error.WriteLine(
                FailureReport.Prefix + "--trust: the scripts are not checked, and nothing stops one that does not end.");
        }

        return given;
    }

    private static Option<bool> JsonOption() => new("--json") { Description = "Write the result as JSON." };

    private static Option<Limit?> StepsOption() =>
        LimitOption("--max-steps", $"Give up after so many steps; {new RunLimits().Steps} if not said.");

    private static Option<Limit?> LimitOption(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "n",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit > 0)
            {
                return new Limit(limit);
            }

            result.AddError($"{name} {text}: expected a whole number from 1.");
            return null;
        },
    };

    private static Option<LogChoice?> LogOption() => new Option<LogChoice?>("--log")
    {
        Description = $"Say on standard error what is being done: {string.Join(", ", LogLevels.Names)}; none if not said.",
        HelpName = "level",
        CustomParser = result =>
        {
            var word = result.Tokens[0].Value;
            if (LogLevels.TryParse(word, out var level))
            {
                return new LogChoice(level);
            }

            result.AddError($"--log {word}: expected one of {string.Join(", ", LogLevels.Names)}.");
            return null;
        },
    }.Offering(() => LogLevels.Names);

    private static LogLevel LogLevelOf(ParseResult parsed) =>
        parsed.CommandResult.Command.Options.FirstOrDefault(option => option.Name == "--log") is Option<LogChoice?> option
            ? LevelOf(parsed, option)
            : LogLevel.None;

    /// <summary>What the option <c>--log</c> says.</summary>
    public static LogLevel LevelOf(ParseResult parsed, Option<LogChoice?> log) => parsed.GetValue(log)?.Level ?? LogLevel.None;

    /// <summary>What the options <c>--set</c> say.</summary>
    /// <param name="texts">Their arguments.</param>
    /// <param name="explores">True if the command explores, so that limits of exploring can be set as well.</param>
    /// <exception cref="ScenarioException">One cannot be read, or has no effect on the command.</exception>
    public static SettingOverride[] Overrides(string[]? texts, bool explores = false)
    {
        SettingOverride[] overrides = [.. (texts ?? []).Select(SettingOverride.Parse)];
        return overrides.FirstOrDefault(setting => setting.ExploreKey is not null) is { } limit && !explores
            ? throw new SourceMark(limit.OptionText, 0, 0).Error("this is about exploring, and the command does not explore")
            : overrides;
    }

    private static ExitCode UsageError(Terminal terminal, ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var messages = command is RootCommand ? [NoCommand(parsed, command)] : parsed.Errors.Select(error => error.Message).Distinct();
        foreach (var message in messages)
        {
            terminal.Error.WriteLine($"{FailureReport.Prefix}{message}");
        }

        var name = command is RootCommand ? "" : command.Name + " ";
        terminal.Error.WriteLine($"'scenariohv {name}--help' shows the usage.");
        return ExitCode.BadInput;
    }

    private static string NoCommand(ParseResult parsed, Command root)
    {
        var names = root.Subcommands.Select(command => command.Name).ToArray();
        var expected = $"expected a command: {string.Join(", ", names)}";
        var found = parsed.UnmatchedTokens.Count == 0 ? null : parsed.UnmatchedTokens[0];
        return found is null ? expected
            : $"there is no command '{found}'; " + (NearestName.Of(found, names) is { } nearest ? $"did you mean '{nearest}'?" : expected);
    }

    /// <summary>The usual help, and one example.</summary>
    private sealed class HelpWithExample(HelpAction help, Func<string, string> example) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            var result = help.Invoke(parseResult);
            var output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Example:");
            output.WriteLine("  " + example(parseResult.CommandResult.Command.Name));
            output.WriteLine();
            return result;
        }
    }

    /// <summary>A command before it is made.</summary>
    private sealed record Verb(string Name, string Example, Func<Command> Make)
    {
        /// <summary>Whether it speaks of the other commands.</summary>
        public bool NeedsAll { get; init; }
    }
}

/// <summary>A number that is not to be exceeded.</summary>
internal sealed record Limit(long Count);
