using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Time;
using ScenarioHv.Scenarios.Assembly;

namespace ScenarioHv.Scenarios.Tests;

/// <summary>From a scenario to the machine that a search takes, and the scenario without what is optional.</summary>
public sealed class ExploredMachineTests : ScenarioFixture
{
    private const string Thread = """
        scenario: explored
        machine:
          tsc: 2.4 GHz
          timing: skylake
          cpu: { vendor: intel, apicv: true }
          hypervisor: kvm@5.1
          userspace: qemu@4.1
          irqchip: split
          policies: { immediate-exit: "throttle(100, 1000)" }
          devices:
            usb: { type: piix4-uhci, slot: "04.0", vector: 0x50, optional: true }
            disk: { type: line, gsi: 20, vector: 0x41 }
            clock: { type: msi, vector: 0x60 }
        guests: { l1: l1.csx, l2: l2.csx }
        timeline:
          - { at: 50 us, raise: usb, optional: true }
          - { at: 60 us, fire: clock, every: 2 us }
          - { at: 70 us, raise: disk, every: 1 ms, count: 10 }
          - { at: 80 us, save: 0, optional: true }
          - { at: 90 us, restore: 0, optional: true }
        goal: l2 reports "done"
        """;

    [Test]
    public void Policies_count_to_3_and_what_has_no_end_comes_three_times()
    {
        var (config, bounds) = Build(Thread, timed: false);
        Assert.That(config.ImmediateExit.Text, Is.EqualTo("throttle(3, 1000)"));
        Assert.That(config.IoApicEoi.Repetitions, Is.EqualTo(3));
        Assert.That(config.Timeline.Select(line => line.Count), Is.EqualTo(new[] { 1, 3, 10, 1, 1 }));
        Assert.That(bounds, Is.EqualTo(new[]
        {
            "later: from 1 us (2400 cycles)",
            "throttle(100, 1000): 100 counted as 3",
            "delay-after(10000, 10 ms): 10000 counted as 3",
            "fire: clock: 3 times instead of without end",
            "timeline: 16 events; those of one device or vCPU, and the monitor's, as the file has them, others in any order",
            "host tick 250 Hz: at any moment, later each time",
        }));
    }

    [Test]
    public void Bounds_name_only_what_is_bounded()
    {
        var text = Thread.Replace("every: 2 us", "every: 2 us, count: 2", StringComparison.Ordinal)
            .Replace("qemu@4.1", "qemu@3.1\n  host-tick: off", StringComparison.Ordinal);
        var explore = "explore: { later: 500 cycles, repeat: 100, outside: 1 }\n";
        Assert.That(Build(explore + text, timed: false).Bounds, Is.EqualTo(new[]
        {
            "later: from 500 cycles",
            "timeline: 15 events; those of one device or vCPU, and the monitor's, as the file has them, others in any order",
        }));
        Assert.That(
            Build("explore: { outside: 1 }\n" + Thread, timed: false).Bounds,
            Has.Member("fire: clock: once instead of without end"));
    }

    [Test]
    public void Without_cycles_nothing_costs_anything_and_later_begins_where_the_scenario_says()
    {
        var config = Build("explore: { later: 5 us }\n" + Thread, timed: false).Config;
        Assert.That(config.Timing, Is.SameAs(TimingProfile.Untimed));
        Assert.That(config.Time, Is.EqualTo(new ClassTime(12_000)));
    }

    [Test]
    public void With_cycles_the_costs_stay_and_those_that_vary_are_named()
    {
        var text = Thread.Replace(
            "timing: skylake", "timing: { profile: skylake, costs: { host-ipi: [300 cycles, 900 cycles] } }", StringComparison.Ordinal);
        var (config, bounds) = Build(text, timed: true);
        Assert.That(config.Time, Is.Null);
        Assert.That(config.Timing.Values(TimingCost.HostIpi), Is.EqualTo(new long[] { 300, 900 }));
        Assert.That(config.Timing[TimingCost.VmExit], Is.EqualTo(600));
        Assert.That(bounds, Is.EqualTo(new[]
        {
            "time: the costs of skylake in cycles, ties in any order",
            "throttle(100, 1000): 100 counted as 3",
            "delay-after(10000, 10 ms): 10000 counted as 3",
            "fire: clock: 3 times instead of without end",
            "host-ipi: 300 or 900 cycles at each use, and nothing between",
        }));
    }

    [Test]
    public void A_run_takes_the_first_value_of_a_cost_that_varies()
    {
        var text = Thread.Replace(
            "timing: skylake", "timing: { profile: skylake, costs: { host-ipi: [900 cycles, 300 cycles] } }", StringComparison.Ordinal);
        Assert.That(MachineAssembly.Build(ReadReal(text), new NoGuests()).Timing[TimingCost.HostIpi], Is.EqualTo(900));
    }

    [Test]
    public void A_timeline_too_long_to_be_put_into_order_is_refused_at_its_33rd_line_unless_time_does_it()
    {
        var lines = string.Concat(Enumerable.Range(0, 28).Select(n => $"  - {{ at: {n} us, nmi: 0 }}\n"));
        var text = Thread.Replace("goal:", lines + "goal:", StringComparison.Ordinal);
        Assert.That(Build(text, timed: true).Config.Timeline, Has.Count.EqualTo(33));
        var error = Assert.Throws<ScenarioException>(() => Build(text, timed: false))!;
        AssertError(error.Diagnostic, 48, 23, "at most 32 lines", "--timed");
    }

    [Test]
    public void A_line_that_waits_for_a_report_does_so_in_the_machine()
    {
        var text = Thread.Replace("fire: clock,", "fire: clock, after: l2 reports \"up\",", StringComparison.Ordinal);
        var waits = MachineAssembly.Build(ReadReal(text), new NoGuests()).Timeline.Select(line => line.After);
        Assert.That(waits, Is.EqualTo(new[] { null, new GoalConfig(2, "up"), null, null, null }));
    }

    [Test]
    public void What_is_optional_is_named_in_the_order_written() => Assert.That(
        OptionalParts.Of(ReadReal(Thread)).Select(part => part.Words),
        Is.EqualTo(new[] { "device usb", "raise: usb at 50 us", "save: 0 at 80 us", "restore: 0 at 90 us" }));

    [Test]
    public void Without_a_device_its_lines_are_gone_and_the_others_keep_their_ports()
    {
        var scenario = ReadReal(Thread);
        var before = MachineAssembly.Build(scenario, new NoGuests());
        var smaller = MachineAssembly.Build(OptionalParts.Without(scenario, [OptionalParts.Of(scenario)[0]]), new NoGuests());
        Assert.That(smaller.Devices, Is.EqualTo(before.Devices.Skip(1)));
        Assert.That(smaller.Timeline.Select(line => (line.Action, line.Target)), Is.EqualTo(new[]
        {
            (StimulusAction.Fire, 1), (StimulusAction.Raise, 0), (StimulusAction.Save, 0), (StimulusAction.Restore, 0),
        }));
    }

    [Test]
    public void Without_the_save_its_restore_is_gone()
    {
        var scenario = ReadReal(Thread);
        var smaller = OptionalParts.Without(scenario, [OptionalParts.Of(scenario)[2]]);
        Assert.That(smaller.Timeline.Select(line => line.Words), Is.EqualTo(new[] { "raise: usb", "fire: clock", "raise: disk" }));
    }

    [Test]
    public void Without_nothing_the_machine_is_the_same()
    {
        var scenario = ReadReal(Thread);
        var config = MachineAssembly.Build(OptionalParts.Without(scenario, []), new NoGuests());
        Assert.That(config.Devices, Is.EqualTo(MachineAssembly.Build(scenario, new NoGuests()).Devices));
        Assert.That(config.Timeline, Has.Count.EqualTo(5));
        Assert.That(
            () => OptionalParts.Without(scenario, [new OptionalPart("disk", null, "device disk")]),
            Throws.ArgumentException.With.Message.Contains("device disk"));
    }

    private ExploredMachine Build(string text, bool timed) => MachineAssembly.BuildForExploring(ReadReal(text), new NoGuests(), timed);

    private Scenario ReadReal(string text)
    {
        File.WriteAllText(ScenarioPath, text);
        return ScenarioReader.Read(ScenarioPath, EngineVocabulary.Instance).Base;
    }

    private sealed class NoGuests : IGuestLoader
    {
        public GuestProgram Load(string path, IReadOnlyDictionary<string, long> parameters) => new(path, _ => default);
    }
}
