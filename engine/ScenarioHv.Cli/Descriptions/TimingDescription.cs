using ScenarioHv.Cli.Output;
using ScenarioHv.Engine.Time;
using ScenarioHv.Scenarios.Assembly;

namespace ScenarioHv.Cli.Descriptions;

/// <summary><c>describe timing</c>: what a step costs in each profile.</summary>
internal static class TimingDescription
{
    private const int NumberWidth = 9;

    /// <summary>Writes it.</summary>
    public static void Write(Page page)
    {
        page.Heading("timing");
        page.Paragraph(
            "Costs in TSC cycles. A scenario picks a profile and can replace each cost. Most of these numbers are estimates: "
            + "published round trips (a VMCALL, a nested exit) bound sums of them, the parts inside a sum are not published. A "
            + "verdict that depends on one of them should be run with other values too.");
        page.Heading("profiles");
        page.Terms([.. EngineVocabulary.Instance.Timing.Profiles.Select(
            profile => (profile.Name, $"{profile.Summary}; {profile.Source}"))]);
        page.Heading("costs");
        var profiles = TimingProfile.Shipped;
        page.Terms([(Row("cost", profiles.Select(profile => profile.Name)), "meaning")]);
        page.Terms([.. TimingProfile.Costs.Select(
            cost => (Row(cost.Name, profiles.Select(profile => Wording.Number(profile[cost.Cost]))), cost.Meaning))]);
    }

    private static string Row(string name, IEnumerable<string> numbers) =>
        name.PadRight(15) + string.Concat(numbers.Select(number => number.PadLeft(NumberWidth)));
}
