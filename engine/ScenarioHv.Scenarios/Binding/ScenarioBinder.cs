using ScenarioHv.Scenarios.Yaml;

namespace ScenarioHv.Scenarios.Binding;

/// <summary>A whole scenario: the root map without <c>matrix</c> and <c>cells</c>.</summary>
internal static class ScenarioBinder
{
    public static Scenario Bind(YamlNode root, string file, Vocabulary vocabulary)
    {
        var fields = Fields.Open(
            root, "the scenario", "scenario", "title", "source", "machine", "guests", "timeline", "goal", "expect", "explore", "matrix",
            "cells");
        var name = Fields.Text(fields.Required("scenario"), "scenario");
        Fields.CheckIdentifier(name.Text, name.Mark, "a scenario");
        var machine = MachineBinder.Bind(fields.Required("machine"), vocabulary);
        var guests = GuestBinder.Bind(fields.Required("guests"), file);
        return new Scenario
        {
            Name = name.Text,
            Title = fields.Optional("title") is { } title ? Fields.Text(title, "title").Text : name.Text,
            Source = fields.Optional("source") is { } source ? Fields.Text(source, "source").Text : "",
            File = file,
            Machine = machine,
            Guests = guests,
            Timeline = fields.Optional("timeline") is { } timeline ? TimelineBinder.Bind(timeline, machine, vocabulary) : [],
            Compared = fields.Optional("matrix") is YamlMap matrix
                ? [.. matrix.Entries.Select(entry => entry.Key).Where(key => key != "expect")]
                : [],
            Goal = BindGoal(fields.Required("goal"), guests),
            Expect = fields.Optional("expect") is { } expect ? ExpectationBinder.Bind(expect, "expect", vocabulary) : [],
            Explore = fields.Optional("explore") is { } explore
                ? ExploreBinder.Bind(explore, vocabulary, machine.TscHz)
                : ExploreSection.Usual,
        };
    }

    /// <summary><c>l2 reports "usb served"</c>.</summary>
    private static Goal BindGoal(YamlNode node, IReadOnlyList<GuestSection> guests)
    {
        const string Form = "expected l1 or l2, the word reports, and a text in quotes: l2 reports \"usb served\"";
        var scalar = Fields.Text(node, "goal");
        var text = scalar.Text;
        var afterLevel = NextWord(text, 0, out var levelStart);
        var levelName = new YamlScalar(scalar.MarkAt(levelStart), text[levelStart..afterLevel]);
        var level = Fields.Name(levelName, "the guest of the goal", ["l1", "l2"]);
        var afterVerb = NextWord(text, afterLevel, out var verbStart);
        if (text[verbStart..afterVerb] != "reports")
            throw scalar.MarkAt(verbStart).Error($"found {Wording.Quote(text[verbStart..])} in the goal; {Form}");
        var report = text[afterVerb..].Trim();
        if (report.Length <= 2 || report[0] != '"' || report.IndexOf('"', 1) != report.Length - 1)
            throw scalar.MarkAt(afterVerb).Error($"found {Wording.Quote(report)} in the goal; {Form}");
        return level < guests.Count
            ? new Goal((GuestLevel)level, report[1..^1], scalar.Mark)
            : throw scalar.MarkAt(levelStart).Error("the goal names l2, but guests has only l1");
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
