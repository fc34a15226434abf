using ScenarioHv.Cli.Running;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Cli.Tests;

/// <summary>Two processes compared with each other, and the comparison itself.</summary>
public sealed class TwiceTests : CommandFixture
{
    private static readonly TraceEvent Entry = new(1000, TraceEventKind.KvmEntry, 1, 0, 0xfff0);
    private static readonly TraceEvent Fired = new(1200, TraceEventKind.DeviceFired, 2, 0);

    [Test]
    public void Run_in_two_processes_is_the_same_and_prints_one_report()
    {
        var once = Run("run", "hyperv-hang.yaml");
        var twice = Run("run", "hyperv-hang.yaml", "--twice");

        Assert.That(twice.ExitCode, Is.EqualTo(AsExpected), twice.Error);
        Assert.That(twice.Out, Is.EqualTo(once.Out
            + "twice        the same report and the same 55 events of 1 cell in two processes with different settings of the runtime\n"));
    }

    [Test]
    public void Cells_of_a_matrix_are_compared_as_well_and_json_stays_json()
    {
        var file = Scenario("twice", "done.csx", "reached", MatrixTests.TwoCells);
        var result = Run("matrix", file, "--twice", "--json");

        Assert.That(result.ExitCode, Is.EqualTo(Run("matrix", file).ExitCode), result.Error);
        Assert.That(result.Json.GetProperty("cells").GetArrayLength(), Is.EqualTo(3));
        Assert.That(result.Error, Does.Match(@"twice +the same report and the same \d+ events of 3 cells"));
    }

    [Test]
    public void What_is_wrong_with_a_scenario_is_said_once()
    {
        var file = Scenario("twice-broken", "broken.csx", "reached");
        var result = Run("run", file, "--twice");

        AssertBadInput(result, "broken.csx", "Wrok");
        Assert.That(result.Error, Is.EqualTo(Run("run", file).Error));
    }

    [TestCase("run", "--trace", "x.txt")]
    [TestCase("run", "--save-at", "80us")]
    [TestCase("matrix", "--junit", "x.xml")]
    public void Files_that_two_processes_would_write_are_refused(string command, string option, string value) =>
        AssertBadInput(Run(command, "hyperv-hang.yaml", option, value, "--twice"), $"{option} and --twice exclude each other");

    [Test]
    public void Same_cells_with_the_same_events_are_the_same()
    {
        var comparison = Comparison([("a", [Entry, Fired]), ("b", [Entry])], [("a", [Entry, Fired]), ("b", [Entry])]);

        Assert.That(comparison.Compare(), Is.Null);
        Assert.That((comparison.Cells, comparison.Events), Is.EqualTo((2, 3L)));
    }

    [Test]
    public void First_event_that_differs_is_told_with_its_cell()
    {
        var later = new TraceEvent(1201, TraceEventKind.DeviceFired, 2, 0);
        var parting = Comparison([("a", [Entry]), ("b", [Entry, Fired, Entry])], [("a", [Entry]), ("b", [Entry, later, later])]).Compare()!;

        Assert.That((parting.Cell, parting.Event), Is.EqualTo(("b", 2L)));
        Assert.That(parting.First, Does.StartWith("cycle 1200, vCPU 0, actor 2: "));
        Assert.That(parting.Second, Does.StartWith("cycle 1201, vCPU 0, actor 2: "));
    }

    [Test]
    public void One_value_of_an_event_is_enough()
    {
        var other = new TraceEvent(1000, TraceEventKind.KvmEntry, 1, 0, 0xfff0, f: 1);
        var parting = Comparison([("a", [Entry])], [("a", [other])]).Compare()!;

        Assert.That(parting.Event, Is.EqualTo(1));
        Assert.That(parting.First, Does.Contain("kvm_entry: vcpu 0"));
    }

    [Test]
    public void Events_that_only_one_of_them_has_are_a_difference()
    {
        var shorter = Comparison([("a", [Entry, Fired]), ("b", [])], [("a", [Entry]), ("b", [])]).Compare()!;
        Assert.That((shorter.Cell, shorter.Event, shorter.Second), Is.EqualTo(("a", 2L, "cell b")));

        var ended = Comparison([("a", [Entry])], [("a", [Entry, Fired])]).Compare()!;
        Assert.That((ended.Cell, ended.Event, ended.First), Is.EqualTo(("a", 2L, "(nothing: it has ended)")));
    }

    [Test]
    public void Cells_in_another_order_are_a_difference()
    {
        var parting = Comparison([("a", [Entry]), ("b", [])], [("a", [Entry]), ("c", [])]).Compare()!;
        Assert.That((parting.Event, parting.First, parting.Second), Is.EqualTo((0L, "cell b", "cell c")));
    }

    [Test]
    public void Stream_that_ends_within_an_event_has_ended_before_it()
    {
        var whole = Bytes([("a", [Entry, Fired])]);
        var parting = new TwiceComparison(new MemoryStream(whole[..^1]), new MemoryStream(whole)).Compare()!;

        Assert.That((parting.Event, parting.First), Is.EqualTo((2L, "(nothing: it has ended)")));
    }

    private static TwiceComparison Comparison((string Cell, TraceEvent[] Events)[] first, (string Cell, TraceEvent[] Events)[] second) =>
        new(new MemoryStream(Bytes(first)), new MemoryStream(Bytes(second)));

    private static byte[] Bytes((string Cell, TraceEvent[] Events)[] cells)
    {
        using var bytes = new MemoryStream();
        using var stream = new TwiceStream(bytes);
        foreach (var (cell, events) in cells)
        {
            stream.Begin(cell);
            Array.ForEach(events, e => stream.Emit(e));
        }

        return bytes.ToArray();
    }
}
