using System.CommandLine;
using System.Globalization;
using ScenarioHv.Cli.Commands;
using ScenarioHv.Cli.Completion;
using ScenarioHv.Cli.Output;
using ScenarioHv.Cli.Running;
using ScenarioHv.Conformance;

namespace ScenarioHv.Cli;

/// <summary>The options of <c>conform</c>.</summary>
internal static class ConformCommandLine
{
    /// <summary>What its help shows.</summary>
    public const string Example = "scenariohv conform --live kvm --random 1000 --seed 7";

    private const int MaxRandom = 10_000_000;
    private const ulong UsualSeed = 1;

    /// <summary>The command.</summary>
    public static Command Of(Terminal terminal, Option<string[]> set, Option<bool> json)
    {
        var paths = new Argument<string[]>("path")
        {
            Description = "Recordings (.jsonl, .jsonl.gz), or folders of them.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var strict = new Option<bool>("--strict")
        {
            Description = "Compare what no guest can read as well: KVM's latch of the I/O APIC's pins.",
        };
        var preset = new Option<string?>("--preset")
        {
            Description = $"Whose controllers the model has: {string.Join(", ", ConformancePreset.All.Select(item => item.Name))}; "
                + "the witness's own, or kvm@6.18, if not said.",
            HelpName = "name",
        }.Offering(() => ConformancePreset.All.Select(item => item.Name));
        var live = new Option<string?>("--live")
        {
            Description = $"Execute the operations on this machine's {string.Join(" or ", LiveWitnesses.Names)} as well, and compare.",
            HelpName = "witness",
        }.Offering(() => LiveWitnesses.Names);
        var random = NumberOption<int?>(
            "--random", "With --live: execute so many random lists of operations; shrink differences.", 1, MaxRandom);
        var seed = NumberOption<ulong?>("--seed", $"The seed of --random; {UsualSeed} if not said.", 0, ulong.MaxValue);
        var command = new Command("conform", "Holds the model against recordings of a real kernel's interrupt controllers, or live ones.")
        {
            paths, live, random, seed, preset, set, strict, json,
        };
        command.SetAction(parsed => (int)ConformCommand.Run(terminal, new ConformRequest
        {
            Paths = parsed.GetValue(paths) ?? [],
            Preset = parsed.GetValue(preset),
            Overrides = CommandLine.Overrides(parsed.GetValue(set)),
            Live = parsed.GetValue(live),
            Random = parsed.GetValue(random),
            Seed = parsed.GetValue(seed) ?? UsualSeed,
            IsStrict = parsed.GetValue(strict),
            Json = parsed.GetValue(json),
        }));
        return command;
    }

    private static Option<T> NumberOption<T>(string name, string description, ulong min, ulong max) => new(name)
    {
        Description = description,
        HelpName = "n",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max)
            {
                return (T)Convert.ChangeType(number, Nullable.GetUnderlyingType(typeof(T))!, CultureInfo.InvariantCulture);
            }

            result.AddError($"{name} {text}: expected a whole number from {min} to {max}.");
            return default;
        },
    };
}
