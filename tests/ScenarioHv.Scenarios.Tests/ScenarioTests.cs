namespace ScenarioHv.Scenarios.Tests;

public class ScenarioTests : ScenarioFixture
{
    [Test]
    public void Names_and_texts_are_read()
    {
        var scenario = Read(Good).Base;
        Assert.That(scenario.Name, Is.EqualTo("hyperv-hang"));
        Assert.That(scenario.Title, Is.EqualTo("Hyper-V hangs at boot"));
        Assert.That(scenario.Source, Is.EqualTo("KVM list, 2019-03-28"));
        Assert.That(scenario.File, Is.EqualTo(ScenarioPath));
        Assert.That(scenario.Expect, Is.EqualTo(new[] { new Expectation(Outcome.Livelock) }));
    }

    [Test]
    public void Goal_is_a_level_and_a_report()
    {
        var goal = Read(Good).Base.Goal;
        Assert.That((goal.Level, goal.Report), Is.EqualTo((GuestLevel.L2, "usb served")));
    }

    [Test]
    public void Machine_is_read()
    {
        var machine = Read(Good).Base.Machine;
        Assert.That(machine.TscHz, Is.EqualTo(2_400_000_000));
        Assert.That(machine.TimingProfile, Is.EqualTo("skylake"));
        Assert.That(machine.Cpu with { Mark = default }, Is.EqualTo(new CpuSection(CpuVendor.Intel, true, 5) { VirtualNmis = true }));
        Assert.That(machine.Hypervisor, Is.EqualTo("kvm@5.1"));
        Assert.That(machine.Irqchip, Is.EqualTo(Irqchip.Split));
    }

    [Test]
    public void What_the_machine_leaves_out_has_a_default()
    {
        var machine = Read(With("  irqchip: split\n", "")).Base.Machine;
        Assert.That(machine.Irqchip, Is.EqualTo(Irqchip.Kernel));
        Assert.That(machine.Userspace, Is.Null);
        Assert.That(machine.HostTick, Is.Null);
        Assert.That(machine.Vcpus, Is.EqualTo(1));
        Assert.That(machine.Policies, Is.Empty);
        Assert.That(machine.TimingOverrides, Is.Empty);
    }

    [Test]
    public void Optional_keys_of_the_machine_are_read()
    {
        var text = With("irqchip: split", "irqchip: kernel\n  userspace: qemu@3.1\n  host-tick: 250 Hz\n  vcpus: 0x2");
        var machine = Read(text).Base.Machine;
        Assert.That(machine.Userspace, Is.EqualTo("qemu@3.1"));
        Assert.That(machine.HostTick, Is.EqualTo(new FrequencyHz(250)));
        Assert.That(machine.Vcpus, Is.EqualTo(2));
    }

    [Test]
    public void Host_tick_that_is_off_is_not_the_preset_s() =>
        Assert.That(Read(With("irqchip: split", "host-tick: off")).Base.Machine.HostTick!.Value.IsOff, Is.True);

    [TestCase("{ vendor: intel }", 5)]
    [TestCase("{ vendor: intel, preemption-timer: { shift: 0 } }", 0)]
    [TestCase("{ vendor: intel, preemption-timer: { shift: 31 } }", 31)]
    [TestCase("{ vendor: intel, preemption-timer: off }", null)]
    [TestCase("{ vendor: amd }", null)]
    [TestCase("{ vendor: amd, preemption-timer: off }", null)]
    public void Preemption_timer_is_intel_s_and_counts_every_32_cycles_unless_said_otherwise(string cpu, int? shift)
    {
        var section = Read(With("{ vendor: intel, apicv: true, preemption-timer: { shift: 5 } }", cpu)).Base.Machine.Cpu;
        Assert.That(section.PreemptionTimerShift, Is.EqualTo(shift));
        Assert.That(section.Apicv, Is.False);
    }

    // 2 us at 2.4 GHz.
    [Test]
    public void Costs_override_the_profile_s_in_cycles()
    {
        var text = With("timing: skylake", "timing: { profile: skylake, costs: { vm-exit: 1500 cycles, vm-entry: 2 us } }");
        var machine = Read(text).Base.Machine;
        Assert.That(machine.TimingProfile, Is.EqualTo("skylake"));
        Assert.That(machine.TimingOverrides, Is.EqualTo(new Dictionary<string, long[]> { ["vm-exit"] = [1500], ["vm-entry"] = [4800] }));
    }

    [Test]
    public void Devices_keep_their_order_and_have_the_keys_of_their_type()
    {
        var devices = Read(Good).Base.Machine.Devices;
        Assert.That(devices.Select(device => device.Name), Is.EqualTo(new[] { "usb", "clock" }));
        Assert.That(devices[0].Slot, Is.EqualTo(new PciSlot(0x1d, 0)));
        Assert.That(devices[0].Vector, Is.Null);
        Assert.That(devices[1].Vector, Is.EqualTo(0x60));
    }

    [Test]
    public void Keys_that_only_a_type_has_are_settings()
    {
        var keys = "vector: 96, destination: 0xff, mode: lowest-priority, delay: 1 us, masked: true, rate: 1 kHz, burst: 16";
        var clock = Read(With("vector: 0x60", keys)).Base.Machine.Devices[1];
        Assert.That((clock.Vector, clock.Destination), Is.EqualTo(((byte?)0x60, (byte?)0xff)));
        Assert.That(clock.Settings["mode"].Text, Is.EqualTo("lowest-priority"));
        Assert.That(clock.Settings["delay"].Duration.ToCycles(2_400_000_000), Is.EqualTo(2400));
        Assert.That(clock.Settings["masked"].Number, Is.EqualTo(1));
        Assert.That(clock.Settings["rate"].Number, Is.EqualTo(1000));
        Assert.That(clock.Settings["burst"].Number, Is.EqualTo(16));
    }

    [Test]
    public void Guest_scripts_are_found_beside_the_scenario()
    {
        var guests = Read(Good).Base.Guests;
        Assert.That(guests.Select(guest => guest.Level), Is.EqualTo(new[] { GuestLevel.L1, GuestLevel.L2 }));
        Assert.That(guests[1].Script, Is.EqualTo("l2.csx"));
        Assert.That(guests[1].ScriptPath, Is.EqualTo(InDirectory("l2.csx")));
    }

    [Test]
    public void Script_in_another_directory_is_resolved()
    {
        var directory = Path.GetFileName(Path.GetDirectoryName(ScenarioPath));
        var guest = Read(With("l1: l1.csx", $"l1: ../{directory}/l1.csx")).Base.Guests[0];
        Assert.That(guest.ScriptPath, Is.EqualTo(InDirectory("l1.csx")));
    }

    [Test]
    public void Guest_parameters_are_numbers_of_64_bits_and_truth_values()
    {
        var text = With("l1: l1.csx", "l1: { script: l1.csx, with: { rip: 0xfffff80006a40115, slack: -3, polite: false } }");
        var with = Read(text).Base.Guests[0].With;
        Assert.That(with["rip"].Value, Is.EqualTo((Int128)0xfffff80006a40115));
        Assert.That(with["slack"].Value, Is.EqualTo((Int128)(-3)));
        Assert.That((with["polite"].IsBoolean, with["polite"].Value), Is.EqualTo((true, (Int128)0)));
    }

    [Test]
    public void Guest_parameters_reach_both_ends_of_64_bits()
    {
        var text = With("l1: l1.csx", "l1: { script: l1.csx, with: { least: -9223372036854775808, most: 18446744073709551615 } }");
        var with = Read(text).Base.Guests[0].With;
        Assert.That(with["least"].Value, Is.EqualTo((Int128)long.MinValue));
        Assert.That(with["most"].Value, Is.EqualTo((Int128)ulong.MaxValue));
    }

    [Test]
    public void Timeline_keeps_its_order()
    {
        var timeline = Read(Good).Base.Timeline;
        Assert.That(
            timeline.Select(entry => (entry.Action, entry.Device)),
            Is.EqualTo(new[] { (TimelineAction.Raise, "usb"), (TimelineAction.Fire, "clock") }));
        Assert.That(timeline[0].At.ToCycles(2_400_000_000), Is.EqualTo(120_000));
        Assert.That((timeline[0].Every, timeline[0].Count), Is.EqualTo(((Duration?)null, (int?)null)));
    }

    [Test]
    public void Timeline_entry_may_repeat()
    {
        var entry = Read(With("fire: clock }", "fire: clock, every: 1 ms, count: 3 }")).Base.Timeline[1];
        Assert.That(entry.Every!.Value.ToString(), Is.EqualTo("1 ms"));
        Assert.That(entry.Count, Is.EqualTo(3));
    }

    [Test]
    public void Timeline_entry_may_send_an_nmi_to_a_vcpu()
    {
        var entry = Read(With("fire: clock }", "nmi: 0 }")).Base.Timeline[1];
        Assert.That((entry.Action, entry.Vcpu, entry.Device), Is.EqualTo((TimelineAction.Nmi, (int?)0, "")));
    }

    [Test]
    public void Several_outcomes_may_be_expected()
    {
        var expect = Read(With("expect: livelock", "expect: [stuck, violated]")).Base.Expect;
        Assert.That(expect, Is.EqualTo(new[] { new Expectation(Outcome.Stuck), new Expectation(Outcome.Violated) }));
    }

    [TestCase("violated(custody)", Outcome.Violated, "custody")]
    [TestCase("\"livelock( live )\"", Outcome.Livelock, "live")]
    [TestCase("[stuck(level)]", Outcome.Stuck, "level")]
    public void Expectation_may_name_the_property(string text, Outcome outcome, string property)
    {
        var expect = Read(With("expect: livelock", $"expect: {text}")).Base.Expect;
        Assert.That(expect, Is.EqualTo(new[] { new Expectation(outcome, property) }));
    }

    [Test]
    public void One_outcome_may_be_expected_of_several_properties()
    {
        var expect = Read(With("expect: livelock", "expect: [violated(custody), violated(level), stuck]")).Base.Expect;
        Assert.That(expect.Select(expectation => expectation.ToString()), Is.EqualTo(["violated(custody)", "violated(level)", "stuck"]));
    }

    [Test]
    public void Row_of_the_matrix_and_a_cell_may_name_the_property()
    {
        var matrix = MatrixTests.Matrix.Replace("outcome: livelock", "outcome: stuck(live)", StringComparison.Ordinal);
        var cells = MatrixTests.Cells.Replace("expect: stuck", "expect: violated(custody)", StringComparison.Ordinal);
        var expected = Read(Good + matrix + cells).Cells.SelectMany(cell => cell.Expect.Select(expectation => expectation.ToString()));
        Assert.That(expected, Does.Contain("stuck(live)").And.Contain("violated(custody)"));
    }

    [TestCase("violated(custody)", Outcome.Violated, "custody", ExpectedResult = true)]
    [TestCase("violated(custody)", Outcome.Violated, "level", ExpectedResult = false)]
    [TestCase("violated", Outcome.Violated, "level", ExpectedResult = true)]
    [TestCase("livelock(live)", Outcome.Livelock, null, ExpectedResult = false)]
    [TestCase("livelock(live)", Outcome.Stuck, "live", ExpectedResult = false)]
    [TestCase("livelock", Outcome.Livelock, "live", ExpectedResult = true)]
    public bool Word_alone_is_met_by_any_property_and_a_named_one_by_that(string expected, Outcome outcome, string? property) =>
        Read(With("expect: livelock", $"expect: [{expected}]")).Base.Expect[0].IsMetBy(outcome, property);

    [Test]
    public void Scenario_may_expect_nothing_and_have_no_title_source_or_timeline()
    {
        var text = Good[..Good.IndexOf("timeline:", StringComparison.Ordinal)] + "goal: l1 reports \"up\"\n";
        var lines = text.Split('\n');
        var scenario = Read(string.Join('\n', [lines[0], .. lines[3..]])).Base;
        Assert.That(scenario.Expect, Is.Empty);
        Assert.That(scenario.Timeline, Is.Empty);
        Assert.That((scenario.Title, scenario.Source), Is.EqualTo(("hyperv-hang", "")));
    }
}
