using ScenarioHv.Scenarios.Yaml;

namespace ScenarioHv.Scenarios.Binding;

/// <summary>A whole scenario: the root map without <c>matrix</c> and <c>cells</c>.</summary>
internal static class ScenarioBinder
{
    public static Scenario Bind(YamlNode root, string file, Vocabulary vocabulary)
    {
        var fields = Fields.Open(root, "the scenario", ScenarioKeys.Root.Names);
        var name = Fields.Text(fields.Required("scenario"), "scenario");
        Fields.CheckIdentifier(name.Text, name.Mark, "a scenario");
        var machine = MachineBinder.Bind(fields.Required("machine"), file, vocabulary);
        var guests = GuestBinder.Bind(fields.Required("guests"), file);
        return new Scenario
        {
            Name = name.Text,
            Title = fields.Optional("title") is { } title ? Fields.Text(title, "title").Text : name.Text,
            Source = fields.Optional("source") is { } source ? Fields.Text(source, "source").Text : "",
            File = file,
            Machine = machine,
            Guests = guests,
            Timeline = fields.Optional("timeline") is { } timeline ? TimelineBinder.Bind(timeline, machine, guests, vocabulary) : [],
            Compared = fields.Optional("matrix") is YamlMap matrix ? Axes(matrix) : [],
            Goal = ReportBinder.Bind(fields.Required("goal"), "the goal", guests),
            Expect = fields.Optional("expect") is { } expect ? ExpectationBinder.Bind(expect, "expect", vocabulary) : [],
            Explore = fields.Optional("explore") is { } explore
                ? ExploreBinder.Bind(explore, vocabulary, machine.TscHz)
                : ExploreSection.Usual,
        };
    }

    private static List<string> Axes(YamlMap matrix)
    {
        var axes = new List<string>();
        foreach (var entry in matrix.Entries)
        {
            if (entry.Key != "expect")
                axes.Add(entry.Key);
        }
        return axes;
    }
}
