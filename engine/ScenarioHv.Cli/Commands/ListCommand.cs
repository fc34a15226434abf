using ScenarioHv.Cli.Output;
using ScenarioHv.Cli.Running;
using ScenarioHv.Scenarios;

namespace ScenarioHv.Cli.Commands;

/// <summary><c>list</c>: the shipped scenarios.</summary>
internal static class ListCommand
{
    /// <summary>Writes name and title of each.</summary>
    public static ExitCode Run(Terminal terminal)
    {
        var entries = ShippedScenarios.All.Select(entry => (entry.Name, Title: TitleOf(entry.Path))).ToArray();
        var width = entries.Select(entry => entry.Name.Length).DefaultIfEmpty(0).Max();
        foreach (var (name, title) in entries)
        {
            terminal.Out.WriteLine($"{name.PadRight(width)}  {title}");
        }

        return ExitCode.AsExpected;
    }

    private static string TitleOf(string path)
    {
        try
        {
            return ScenarioFile.Read(path).Document.Base.Title;
        }
        catch (ScenarioException problem)
        {
            return $"(cannot be used: {problem.Message})";
        }
    }
}
