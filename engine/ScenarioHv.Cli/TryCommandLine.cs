using System.CommandLine;
using ScenarioHv.Cli.Commands;
using ScenarioHv.Cli.Completion;
using ScenarioHv.Cli.Output;

namespace ScenarioHv.Cli;

/// <summary>The options of <c>try</c>.</summary>
internal static class TryCommandLine
{
    /// <summary>What its help shows.</summary>
    public const string Example = "scenariohv try my-throttle.csx hyperv-hang";

    /// <summary>The command.</summary>
    public static Command Of(Terminal terminal, Option<Limit?> steps, Option<bool> json, Option<LogChoice?> log)
    {
        var script = new Argument<string>("script") { Description = "The policy script (.csx)." };
        var paths = new Argument<string[]>("path")
        {
            Description = "Scenario files, names of shipped scenarios, or folders with scenarios; all shipped scenarios if not said.",
            Arity = ArgumentArity.ZeroOrMore,
        }.Offering(CommandLine.ShippedNames);
        var point = new Option<string?>("--as")
        {
            Description = "The policy point to try it at, where several take such a script.",
            HelpName = "point",
        }.Offering(CommandLine.Points);
        var trust = CommandLine.TrustOption();
        var command = new Command("try", "Runs scenarios with a policy script in its place: what it cures, what remains, what it breaks.")
        {
            script, paths, point, trust, json, log, steps,
        };
        command.SetAction(parsed => (int)new TryCommand(terminal, CommandLine.LevelOf(parsed, log)).Run(
            new TryRequest(parsed.GetRequiredValue(script))
            {
                Paths = parsed.GetValue(paths) ?? [],
                Point = parsed.GetValue(point),
                MaximumSteps = parsed.GetValue(steps)?.Count,
                Trust = CommandLine.Trusts(terminal, parsed, trust),
                Json = parsed.GetValue(json),
            }));
        return command;
    }
}
