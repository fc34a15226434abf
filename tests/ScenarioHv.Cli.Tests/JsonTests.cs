using System.Text.Json;

namespace ScenarioHv.Cli.Tests;

/// <summary><c>--json</c>: the fields that the README documents.</summary>
public sealed class JsonTests : CommandFixture
{
    private static readonly string[] ScenarioFields = ["schemaVersion", "command", "scenario", "title", "source", "file"];

    private static readonly string[] CellFields =
    [
        "cell", "note", "policies", "tscHz", "outcome", "property", "reason", "expected", "met", "exitCode", "steps", "cycles", "totals",
        "latencies", "lastCollapse", "trace", "recurrence",
    ];

    [Test]
    public void Run_has_the_documented_fields()
    {
        var json = Run("run", "hyperv-hang.yaml", "--json").Json;

        Assert.That(Names(json), Is.EquivalentTo(
            [.. ScenarioFields, .. CellFields, "dialect", "schedule", "reproduces", "restored", "saved"]));
        Assert.That(Names(json.GetProperty("totals")), Is.EquivalentTo(
            ["l1Retired", "l2Retired", "l2Entries", "l2WastedEntries", "resent", "delayed", "stimuli"]));
        Assert.That(Names(json.GetProperty("recurrence")), Is.EquivalentTo(
        [
            "prefixSteps", "prefixCycles", "periodSteps", "periodCycles", "stateBytes", "isFed", "work", "rearmedBy", "actors", "events",
        ]));
    }

    [Test]
    public void Run_says_what_the_text_says()
    {
        var text = Run("run", "hyperv-hang.yaml");
        var json = Run("run", "hyperv-hang.yaml", "--json").Json;
        var recurrence = json.GetProperty("recurrence");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(json.GetProperty("schemaVersion").GetInt32(), Is.EqualTo(1));
            Assert.That(json.GetProperty("outcome").GetString(), Is.EqualTo("livelock"));
            Assert.That(json.GetProperty("met").GetBoolean(), Is.True);
            Assert.That(json.GetProperty("policies").GetProperty("immediate-exit").GetString(), Is.EqualTo("zero-timer"));
            Assert.That(text.Line("trace"), Does.StartWith(json.GetProperty("trace").GetProperty("hash").GetString()!));
            Assert.That(text.Line("prefix"), Does.StartWith($"{recurrence.GetProperty("prefixSteps").GetInt64()} steps, "));
            Assert.That(recurrence.GetProperty("work").GetProperty("l2Retired").GetInt64(), Is.Zero);
            Assert.That(recurrence.GetProperty("rearmedBy")[0].GetProperty("point").GetString(), Is.EqualTo("immediate-exit"));
            Assert.That(recurrence.GetProperty("events")[0].GetProperty("actor").GetString(), Is.EqualTo("CPU 0/KVM"));
        }
    }

    [Test]
    public void Run_without_recurrence_or_expectation_has_nulls()
    {
        var json = Run("run", Scenario("json", "done.csx", "reached"), "--max-steps", "1", "--json").Json;

        Assert.That(json.GetProperty("recurrence").ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That(json.GetProperty("met").ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That(json.GetProperty("exitCode").GetInt32(), Is.EqualTo(Inconclusive));
    }

    [Test]
    public void Matrix_has_a_cell_for_each_and_counts_them()
    {
        var json = Run("matrix", Scenario("json-matrix", "done.csx", "reached", MatrixTests.TwoCells), "--json").Json;

        Assert.That(Names(json), Is.EquivalentTo([.. ScenarioFields, "cells", "leftOut", "asExpected", "notAsExpected"]));
        Assert.That(json.GetProperty("cells").GetArrayLength(), Is.EqualTo(3));
        Assert.That(Names(json.GetProperty("cells")[0]), Is.EquivalentTo(CellFields));
        Assert.That(json.GetProperty("asExpected").GetInt32(), Is.EqualTo(2));
        Assert.That(json.GetProperty("notAsExpected").GetInt32(), Is.EqualTo(1));
    }

    private static IEnumerable<string> Names(JsonElement json) => json.EnumerateObject().Select(property => property.Name);
}
