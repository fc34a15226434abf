using ScenarioHv.Conformance;

namespace ScenarioHv.Cli.Output;

/// <summary>The report of <c>conform</c>.</summary>
internal static class ConformText
{
    private const int MaxDifferences = 20;
    private const int NumberWidth = 6;

    /// <summary>Writes a table of the files, the first differences, and the sum.</summary>
    public static void Write(TextWriter output, IReadOnlyList<FileResult> results)
    {
        var width = results.Max(result => result.Path.Length);
        output.WriteLine($"{"file".PadRight(width)}  {"passed",NumberWidth}  {"failed",NumberWidth}");
        foreach (var result in results)
        {
            output.WriteLine($"{result.Path.PadRight(width)}  {Number(result.Passed)}  {Number(result.Failed)}");
        }

        output.WriteLine();
        var failed = results.Sum(result => result.Failed);
        foreach (var result in results.SelectMany(file => file.Cases).Where(item => !item.Passed).Take(MaxDifferences))
        {
            Write(output, result.Recording, result.Difference!);
        }

        if (failed > MaxDifferences)
        {
            output.WriteLine($"and {Wording.Count(failed - MaxDifferences, "case", "cases")} more");
            output.WriteLine();
        }

        output.WriteLine($"{Wording.Number(results.Sum(result => result.Passed))} passed, {Wording.Number(failed)} failed");
    }

    private static void Write(TextWriter output, Recording recording, Difference difference)
    {
        output.WriteLine($"{recording.Source}: {recording.Name}, op {Wording.Number(difference.Op)}: {difference.Text}");
        output.WriteLine($"  expected  {Shown(difference.Expected)}");
        output.WriteLine($"  found     {Shown(difference.Found)}");
        output.WriteLine();
    }

    private static string Shown(string log) => log.Length == 0 ? "(nothing)" : log;

    private static string Number(int value) => Wording.Number(value).PadLeft(NumberWidth);
}
