using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Tests.Guests;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Engine.Tests.State;

/// <summary>
/// A machine that comes out of a snapshot goes on as the one that went in, on a board of its own; and bytes that are not the whole of a
/// snapshot of this machine are refused with the reason. The form is the one that the remarks of <see cref="Snapshot"/> give.
/// </summary>
public sealed class SnapshotTests
{
    private const int Steps = 160;
    private const int Tail = 60;
    private const int VersionAt = 8;
    private const int BuildAt = 20;
    private const int ChecksumSize = 32;

    private static readonly string[] Origin = ["here", "there"];

    [Test]
    public void A_machine_restored_at_any_step_goes_on_through_the_same_states_and_events()
    {
        var bench = new Bench(HypervMachine.Livelock);
        for (var step = 0; step <= Steps; step++)
        {
            var board = new Board(HypervMachine.Livelock);
            var restored = Snapshot.Read(Save(bench)).Restore(board);

            Assert.That(Walk(board, restored), Is.EqualTo(Walk(bench.Board, bench.Machine.Fork())), $"saved after step {step}");
            bench.Run(1);
        }
    }

    [Test]
    public void The_same_state_gives_the_same_bytes()
    {
        var bench = new Bench(HypervMachine.Livelock);
        for (var step = 0; step <= Steps; step++)
        {
            var bytes = Save(bench);
            var board = new Board(HypervMachine.Livelock);

            Assert.That(Snapshot.Write(board, Snapshot.Read(bytes).Restore(board), step, Origin), Is.EqualTo(Snapshot.Write(
                bench.Board, bench.Machine, step, Origin)), $"after step {step}");
            bench.Run(1);
        }
    }

    [Test]
    public void What_finished_frames_have_left_behind_is_not_saved()
    {
        var bench = Looping();
        var bytes = Save(bench);
        foreach (var (_, slot) in bench.Board.Layout.Fibers)
        {
            var used = bench.Machine.Fiber(slot).Used;
            bench.Machine.Bytes.Slice(slot.Offset + Unsafe.SizeOf<FiberHead>() + used, slot.Arena - used).Fill(0xaa);
        }

        Assert.That(Save(bench), Is.EqualTo(bytes));
    }

    [Test]
    public void Steps_clock_and_origin_are_kept()
    {
        var bench = new Bench(HypervMachine.Livelock);
        bench.Run(Steps);

        var snapshot = Snapshot.Read(Snapshot.Write(bench.Board, bench.Machine, Steps, Origin));

        Assert.That((snapshot.Steps, snapshot.Cycle), Is.EqualTo(((long)Steps, bench.Machine.Now)));
        Assert.That(snapshot.Origin, Is.EqualTo(Origin));
    }

    [Test]
    public void A_report_that_was_about_to_be_made_keeps_its_words()
    {
        var config = Bench.BareMetalConfig(Reports);
        var bench = new Bench(config);
        var board = new Board(config);

        var restored = Snapshot.Read(Save(bench)).Restore(board);

        Assert.That(board.Reports.Text(bench.Board.Reports.Number("about to be said")), Is.EqualTo("about to be said"));
        Assert.That(restored.Now, Is.EqualTo(bench.Machine.Now));
    }

    [Test]
    public void Any_changed_bit_is_noticed()
    {
        var bytes = Save(Looping());
        for (var at = 0; at < bytes.Length; at++)
        {
            bytes[at] ^= 0x10;
            Assert.Throws<SnapshotException>(() => Snapshot.Read(bytes), $"byte {at}");
            bytes[at] ^= 0x10;
        }
    }

    [Test]
    public void Every_shorter_file_is_cut_off_or_no_snapshot()
    {
        var bytes = Save(Looping());
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.That(Refusal(bytes[..length]), Does.Match(length < 8 ? "^is not a snapshot$" : "^is cut off: "), $"{length} bytes");
        }
    }

    [Test]
    public void A_longer_file_is_damaged() => Assert.That(Refusal([.. Save(Looping()), 0]), Does.StartWith("is damaged"));

    [TestCase(0, "has format version 0, from an older laboratory: this one reads version 1")]
    [TestCase(2, "has format version 2, from a newer laboratory: this one reads version 1")]
    public void Another_version_is_named(byte version, string message) =>
        Assert.That(Refusal(Patched(Save(Looping()), VersionAt, version)), Is.EqualTo(message));

    [Test]
    public void Another_build_is_named()
    {
        var bytes = Save(Looping());
        var snapshot = Snapshot.Read(Patched(bytes, BuildAt, (byte)~bytes[BuildAt]));

        Assert.That(
            () => snapshot.Restore(new Board(HypervMachine.Livelock)),
            Throws.TypeOf<SnapshotException>().With.Message.EqualTo("was made by another build of the laboratory"));
    }

    [Test]
    public void A_machine_with_other_parts_is_refused()
    {
        var snapshot = Snapshot.Read(Save(Looping()));

        Assert.That(
            () => snapshot.Restore(new Board(HypervMachine.Livelock with { Vcpus = 2 })),
            Throws.TypeOf<SnapshotException>().With.Message.EqualTo("is of a machine with other parts"));
    }

    private static async GuestTask Reports(Cpu cpu) => await cpu.Report("about to be said");

    private static Bench Looping()
    {
        var bench = new Bench(HypervMachine.Livelock);
        bench.Run(Steps);
        return bench;
    }

    private static byte[] Save(Bench bench) => Snapshot.Write(bench.Board, bench.Machine, 0, Origin);

    private static string Refusal(byte[] bytes) => Assert.Throws<SnapshotException>(() => Snapshot.Read(bytes))!.Message;

    /// <summary>One byte changed, and the checksum made to fit.</summary>
    private static byte[] Patched(byte[] bytes, int at, byte value)
    {
        bytes[at] = value;
        SHA256.HashData(bytes.AsSpan(0, bytes.Length - ChecksumSize), bytes.AsSpan(bytes.Length - ChecksumSize));
        return bytes;
    }

    /// <summary>The states and events of the steps that follow.</summary>
    private static List<object> Walk(Board board, Machine machine)
    {
        var events = new Sink();
        var engine = new StepEngine(board, events);
        var found = new List<object>();
        for (var i = 0; i < Tail; i++)
        {
            engine.Step(machine, engine.Next(machine)!);
            found.Add(Convert.ToHexString(Bench.StateOf(machine)));
            found.Add(machine.Now);
        }

        found.AddRange(events.Events.Cast<object>());
        return found;
    }

    private sealed class Sink : ITraceSink
    {
        public List<TraceEvent> Events { get; } = [];

        public void Emit(in TraceEvent traceEvent) => Events.Add(traceEvent);
    }
}
