using ScenarioHv.Engine.Naming;

namespace ScenarioHv.Scenarios.Tests;

public class NearestNameTests
{
    [TestCase("vector", "vector", 0)]
    [TestCase("vectr", "vector", 1)]
    [TestCase("vetcor", "vector", 1)]
    [TestCase("kitten", "sitting", 3)]
    [TestCase("", "abc", 3)]
    [TestCase("VECTOR", "vector", 0)]
    public void Distance_counts_edits_and_swaps_of_neighbours(string left, string right, int distance) =>
        Assert.That(NearestName.Distance(left, right), Is.EqualTo(distance));

    [TestCase("vectr", "vector")]
    [TestCase("typ", "type")]
    [TestCase("banana", null)]
    [TestCase("", null)]
    public void Only_a_close_name_is_suggested(string found, string? nearest) =>
        Assert.That(NearestName.Of(found, ["type", "vector", "slot"]), Is.EqualTo(nearest));

    [Test]
    public void Two_names_that_are_equally_close_are_no_suggestion() =>
        Assert.That(NearestName.Of("l3", ["l1", "l2"]), Is.Null);
}
