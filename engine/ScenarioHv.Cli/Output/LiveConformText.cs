using ScenarioHv.Cli.Commands;
using ScenarioHv.Conformance;

namespace ScenarioHv.Cli.Output;

/// <summary>The report of <c>conform --live</c>.</summary>
internal static class LiveConformText
{
    private const int MaxDifferences = 20;
    private const int MaxLimits = 5;
    private const int NumberWidth = 6;

    /// <summary>Writes who is held against whom, a table, the first differences as recordings, and the sum.</summary>
    public static void Write(TextWriter output, IWitnessSource witness, ConformancePreset model, IReadOnlyList<LiveFileResult> results)
    {
        output.WriteLine($"witness  {witness.Name}");
        output.WriteLine($"model    {model.Name}");
        output.WriteLine();
        WriteTable(output, results);
        foreach (var result in results.SelectMany(file => file.Partly).Take(MaxLimits))
        {
            output.WriteLine($"{result.Recording.Name}: followed to {result.Limit}");
        }

        foreach (var result in results.SelectMany(file => file.Differences).Take(MaxDifferences))
        {
            Write(output, result.Recording, result.Difference!);
        }

        var differing = results.Sum(file => file.Differences.Count);
        if (differing > MaxDifferences)
        {
            output.WriteLine($"and {Wording.Count(differing - MaxDifferences, "list", "lists")} more");
            output.WriteLine();
        }

        output.WriteLine(
            $"{Wording.Number(results.Sum(file => file.Same))} the same, {Wording.Number(differing)} different, "
            + $"{Wording.Number(results.Sum(file => file.Partly.Count))} followed in part");
    }

    private static void WriteTable(TextWriter output, IReadOnlyList<LiveFileResult> results)
    {
        var width = results.Max(result => result.Name.Length);
        output.WriteLine($"{"lists".PadRight(width)}  {"same",NumberWidth}  {"differ",NumberWidth}  {"partly",NumberWidth}");
        foreach (var result in results)
        {
            output.WriteLine(
                $"{result.Name.PadRight(width)}  {Number(result.Same)}  {Number(result.Differences.Count)}  {Number(result.Partly.Count)}");
        }

        output.WriteLine();
    }

    private static void Write(TextWriter output, Recording list, Difference difference)
    {
        output.WriteLine($"{list.Source}: op {Wording.Number(difference.Op)}: {difference.Text}");
        output.WriteLine($"  witness   {Shown(difference.Expected)}");
        output.WriteLine($"  model     {Shown(difference.Found)}");
        output.WriteLine($"  recording {RecordingWriter.Line(list)}");
        output.WriteLine();
    }

    private static string Shown(string log) => log.Length == 0 ? "(nothing)" : log;

    private static string Number(int value) => Wording.Number(value).PadLeft(NumberWidth);
}
