using ScenarioHv.Scenarios.Yaml;

namespace ScenarioHv.Scenarios.Binding;

/// <summary>The <c>explore</c> of a scenario: limits of the search, and what it is expected to find.</summary>
internal static class ExploreBinder
{
    /// <summary>What is not armed further away than one cycle is under way: something has to be soon.</summary>
    private const int LeastLater = 2;

    /// <summary>The largest of its limits that count.</summary>
    public const int MostOften = 1_000_000;

    public static ExploreSection Bind(YamlNode node, Vocabulary vocabulary, long tscHz)
    {
        var fields = Fields.Open(node, "explore", ScenarioKeys.Explore.Names);
        var usual = ExploreSection.Usual;
        return new ExploreSection
        {
            Later = fields.Optional("later") is { } later ? Fields.Duration(later, "later", tscHz, LeastLater) : usual.Later,
            Repeat = fields.Optional("repeat") is { } repeat ? Count(repeat, "repeat") : usual.Repeat,
            Outside = fields.Optional("outside") is { } outside ? Count(outside, "outside") : usual.Outside,
            Expect = fields.Optional("expect") is { } expect
                ? ExpectationBinder.BindExploring(expect, "expect of explore", vocabulary)
                : [],
        };
    }

    /// <summary>What a cell lays over it: its expectation has a place of its own.</summary>
    public static void RefuseExpect(YamlNode node)
    {
        if (node is YamlMap map && map.TryGet("expect", out var expect))
            throw expect.KeyMark.Error("what exploring a cell is expected to find stands beside its 'expect', as 'explore'");
    }

    private static int Count(YamlNode node, string name) => (int)Fields.Integer(node, IntegerRule.Between(name, 1, MostOften));
}
