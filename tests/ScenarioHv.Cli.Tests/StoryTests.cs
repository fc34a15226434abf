using ScenarioHv.Cli.Output;
using ScenarioHv.Cli.Running;
using ScenarioHv.Cli.Stories;
using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Time;
using ScenarioHv.Exploration.Schedules;

namespace ScenarioHv.Cli.Tests;

/// <summary>Stories of machines whose histories can be told by hand.</summary>
public sealed class StoryTests
{
    [Test]
    public void Each_CPU_has_a_column_and_each_step_a_line_in_its_order()
    {
        var text = Tell(BareMetal(WritesOrReads, 2), "c:bab", width: 80);

        Assert.That(text, Is.EqualTo(
        [
            $"step  {"cpu0",-36}  cpu1",
            $"   1  {"",-36}  guest: reads shared word 0: 0",
            "   2  guest: writes shared word 0 := 7",
            $"   3  {"",-36}  guest: reports \"done\"",
        ]));
    }

    [Test]
    public void Steps_that_say_little_are_folded_into_their_neighbours()
    {
        var config = BareMetal(WorksAndReports, 1);

        Assert.That(Tell(config, "c:", width: 80)[1..], Is.EqualTo([" 1-4  guest: reports \"done\""]));
        Assert.That(Tell(config, "c:", width: 80, isVerbose: true)[1..], Is.EqualTo(
        [
            "   1  guest: works",
            "   2  guest: works",
            "   3  guest: works",
            "   4  guest: reports \"done\"",
        ]));
    }

    [Test]
    public void Inevitable_moment_is_marked_behind_its_step_and_folded_with_nothing()
    {
        var text = Tell(BareMetal(WorksAndReports, 1), "c:", width: 80, inevitable: 2);

        Assert.That(text[1..], Is.EqualTo(
        [
            " 1-2  guest: works",
            "      <- inevitable from here",
            " 3-4  guest: reports \"done\"",
        ]));
        Assert.That(Tell(BareMetal(WorksAndReports, 1), "c:", width: 80, inevitable: 0)[1], Is.EqualTo("<- inevitable from the beginning"));
    }

    [Test]
    public void What_repeats_stands_below_a_rule()
    {
        var text = Tell(BareMetal(WritesForEver, 2), "c:ab@ab", width: 90);

        Assert.That(text, Has.Exactly(1).StartsWith("-- the following repeats for ever ---"));
        Assert.That(text[^1], Does.Contain("guest: writes shared word 1 := 1"));
        Assert.That(text[^2], Does.Contain("guest: writes shared word 0 := 1"));
        Assert.That(text[^3], Does.StartWith("-- the following repeats for ever"));
    }

    [Test]
    public void Narrow_terminal_has_one_column_with_the_name_before_it()
    {
        var text = Tell(BareMetal(WritesOrReads, 2), "c:bab", width: 46);

        Assert.That(text, Is.EqualTo(
        [
            "step  actor  what",
            "   1  cpu1   guest: reads shared word 0: 0",
            "   2  cpu0   guest: writes shared word 0 := 7",
            "   3  cpu1   guest: reports \"done\"",
        ]));
    }

    [TestCase(60)]
    [TestCase(100)]
    [TestCase(200)]
    public void No_line_is_longer_than_the_terminal_or_140_columns(int width)
    {
        var text = Tell(Kvm(), "c:", width);

        Assert.That(text.Max(line => line.Length), Is.LessThanOrEqualTo(Math.Min(width, StoryTable.Widest)));
        Assert.That(string.Join('\n', text), Does.Contain("vcpu->mode := IN_GUEST_MODE").And.Contains("VM entry"));
    }

    [Test]
    public void Every_point_of_the_host_has_words_of_its_own()
    {
        var words = Enum.GetValues<At>().Select(label => PointWords.Of(label).Words).ToArray();

        Assert.That(words, Is.All.Not.Empty);
        Assert.That(words, Is.Unique);
    }

    [Test]
    public void Every_operation_of_a_guest_and_every_stimulus_has_words()
    {
        OperationKind[] hosts = [OperationKind.Point, OperationKind.EnterGuest, OperationKind.Sleep];
        DeviceConfig[] devices = [new("clock", DeviceKind.Msi)];
        var step = new ScheduleReplay(new Board(BareMetal(WorksAndReports, 1)), Schedule.Parse("c:")) { KeepsSteps = true }.Run().Steps[0];
        var operations = Enum.GetValues<OperationKind>().Except(hosts)
            .Select(kind => OperationWords.Of(step with { Operation = new Operation { Kind = kind } }));
        var stimuli = Enum.GetValues<StimulusAction>().Select(action => StimulusWords.Of(new StimulusConfig(1, action, 0), devices));

        Assert.That(operations.Concat(stimuli), Is.All.Not.Empty);
    }

    private static string[] Tell(MachineConfig config, string schedule, int width, bool isVerbose = false, int? inevitable = null)
    {
        var board = new Board(config);
        var replay = new ScheduleReplay(board, Schedule.Parse(schedule)) { KeepsSteps = true }.Run();
        using var text = new StringWriter { NewLine = "\n" };
        var story = new Story(board, new TraceNaming(board), replay.Run, replay.Steps, inevitable, isVerbose);
        new StoryTable(text, new Colour(false), width).Write(story);
        return text.ToString().TrimEnd('\n').Split('\n');
    }

    private static MachineConfig BareMetal(Func<Cpu, GuestTask> main, int vcpus)
    {
        var config = new MachineConfig
        {
            Hypervisor = HypervisorKind.BareMetal,
            L1 = new GuestProgram("guest", main) { SharedWords = 2 },
            Goal = new GoalConfig(1, "done"),
            Vcpus = vcpus,
        };
        return config with { Time = new ClassTime(config.TscHz / 1_000_000), Timing = TimingProfile.Untimed };
    }

    private static MachineConfig Kvm() => BareMetal(WorksAndReports, 1) with { Hypervisor = HypervisorKind.Kvm };

    private static async GuestTask WritesOrReads(Cpu cpu)
    {
        if (cpu.Id == 0)
        {
            await new Shared<int>(0).Write(cpu, 7);
            await cpu.Hlt();
        }

        await new Shared<int>(0).Read(cpu);
        await cpu.Report("done");
    }

    private static async GuestTask WritesForEver(Cpu cpu)
    {
        while (true)
            await new Shared<int>(cpu.Id).Write(cpu, 1);
    }

    private static async GuestTask WorksAndReports(Cpu cpu)
    {
        await cpu.Work(10);
        await cpu.Work(10);
        await cpu.Work(10);
        await cpu.Report("done");
    }
}
