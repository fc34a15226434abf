using ScenarioHv.Cli.Descriptions;
using ScenarioHv.Cli.Output;
using ScenarioHv.Cli.Running;

namespace ScenarioHv.Cli.Commands;

/// <summary><c>describe</c>: what there is, in words.</summary>
internal static class DescribeCommand
{
    /// <summary>What can be described besides scenarios.</summary>
    public static IReadOnlyList<string> Subjects { get; } = ["policies", "properties", "timing"];

    /// <summary>Describes a subject, or a scenario. A file of a subject's name is named with its folder: <c>./timing</c>.</summary>
    public static ExitCode Run(Terminal terminal, string subject)
    {
        var page = new Page(terminal.Out, new Colour(terminal.OutIsWatched), terminal.Width);
        switch (subject)
        {
            case "policies":
                PolicyDescription.Write(page);
                break;
            case "properties":
                PropertyDescription.Write(page);
                break;
            case "timing":
                TimingDescription.Write(page);
                break;
            default:
                ScenarioDescription.Write(page, ScenarioFile.Read(subject).Document);
                break;
        }

        return ExitCode.AsExpected;
    }
}
