using ScenarioHv.Scenarios.Yaml;

namespace ScenarioHv.Scenarios.Binding;

/// <summary>A guest's report, which a scenario or a line of its timeline waits for.</summary>
internal static class ReportBinder
{
    /// <summary><c>l2 reports "usb served"</c>.</summary>
    /// <param name="node">Where it is written.</param>
    /// <param name="what">What it is for, as errors say it.</param>
    /// <param name="guests">The guests there are.</param>
    public static Goal Bind(YamlNode node, string what, IReadOnlyList<GuestSection> guests)
    {
        const string Form = "expected l1 or l2, the word reports, and a text in quotes: l2 reports \"usb served\"";
        var scalar = Fields.Text(node, what);
        var text = scalar.Text;
        var afterLevel = NextWord(text, 0, out var levelStart);
        var levelName = new YamlScalar(scalar.MarkAt(levelStart), text[levelStart..afterLevel]);
        var level = Fields.Name(levelName, $"the guest of {what}", ["l1", "l2"]);
        var afterVerb = NextWord(text, afterLevel, out var verbStart);
        if (text[verbStart..afterVerb] != "reports")
            throw scalar.MarkAt(verbStart).Error($"found {Wording.Quote(text[verbStart..])} in {what}; {Form}");
        var report = text[afterVerb..].Trim();
        if (report.Length <= 2 || report[0] != '"' || report.IndexOf('"', 1) != report.Length - 1)
            throw scalar.MarkAt(afterVerb).Error($"found {Wording.Quote(report)} in {what}; {Form}");
        return level < guests.Count
            ? new Goal((GuestLevel)level, report[1..^1], scalar.Mark)
            : throw scalar.MarkAt(levelStart).Error($"{what} names l2, but guests has only l1");
    }

    private static int NextWord(string text, int position, out int start)
    {
        while (position < text.Length && text[position] == ' ')
            position++;
        start = position;
        while (position < text.Length && text[position] is not (' ' or '"'))
            position++;
        return position;
    }
}
