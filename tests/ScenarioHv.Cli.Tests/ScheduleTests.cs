namespace ScenarioHv.Cli.Tests;

/// <summary><c>run --schedule</c>: a history that a search has found is replayed.</summary>
public sealed class ScheduleTests : CommandFixture
{
    private const string Shipped = "bhyve-lost-ipi";

    private static readonly Lazy<string> LostIpi = new(() => FailureSearch.InScenario(Shipped).ToString());

    [Test]
    public void Replay_shows_the_failure_and_meets_what_exploring_expects()
    {
        var result = Run("run", Shipped, "--schedule", LostIpi.Value);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.EqualTo(AsExpected), result.Error);
            Assert.That(result.Line("schedule"), Is.EqualTo(LostIpi.Value));
            Assert.That(result.Line("outcome"), Does.StartWith("violated custody: vector 0x40 is owed to vCPU 1"));
            Assert.That(result.Line("expected"), Is.EqualTo("violated(custody): met"));
            Assert.That(result.Line("collapsed"), Does.StartWith("step "));
            Assert.That(result.Out, Does.Contain("<- custody: vector 0x40 is owed"));
        }
    }

    [Test]
    public void Two_replays_have_one_trace_hash_and_stamps_that_count_steps()
    {
        var one = Run("run", Shipped, "--schedule", LostIpi.Value, "--json").Json;
        var traced = Run("run", Shipped, "--schedule", LostIpi.Value, "--trace", "-");
        var lines = traced.Out.Split('\n');

        Assert.That(traced.Error, Does.Contain(one.GetProperty("trace").GetProperty("hash").GetString()!));
        Assert.That(one.GetProperty("schedule").GetString(), Is.EqualTo(LostIpi.Value));
        Assert.That(one.GetProperty("cycles").GetInt64(), Is.Zero);
        Assert.That(lines[0], Is.EqualTo("# no time passes: a stamp is the number of a step, 1 is the first"));
    }

    [Test]
    public void Verbose_story_has_a_line_for_each_step()
    {
        var result = Run("run", Shipped, "--schedule", LostIpi.Value, "--verbose");
        var steps = int.Parse(result.Line("story").Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
        var numbers = result.Out.Split('\n').Select(line => line.Trim().Split(' ')[0]).ToHashSet();

        Assert.That(Enumerable.Range(1, steps).Select(number => $"{number}"), Is.SubsetOf(numbers));
    }

    [TestCase("c:a!", "schedule 'c:a!': at character 4 found '!'")]
    [TestCase("c:Z", "does not fit bhyve-lost-ipi: at step")]
    public void Schedule_that_cannot_be_used_is_one_clear_line(string schedule, string message)
    {
        var result = Run("run", Shipped, "--schedule", schedule);

        AssertBadInput(result, message);
        Assert.That(result.Error.TrimEnd(), Does.Not.Contain("\n"));
    }

    [Test]
    public void Schedule_goes_with_neither_snapshots_nor_an_unknown_part()
    {
        AssertBadInput(Run("run", Shipped, "--schedule", "c:", "--restore", "x"), "--schedule and --restore exclude each other");
        AssertBadInput(Run("run", Shipped, "--schedule", "c:", "--save-at", "1"), "--schedule and --save-at exclude each other");
        AssertBadInput(Run("run", Shipped, "--schedule", "c:", "--without", "device x"), "--without 'device x': bhyve-lost-ipi has");
        AssertBadInput(Run("run", Shipped, "--without", "device x"), "this goes with --schedule");
    }

    [Test]
    public void Schedule_that_ends_too_early_is_inconclusive()
    {
        var result = Run("run", Shipped, "--schedule", "c:a");

        Assert.That(result.ExitCode, Is.EqualTo(Inconclusive));
        Assert.That(result.Line("outcome"), Does.StartWith("inconclusive: the schedule ends where vcpu0 and vcpu1 can act"));
    }
}
