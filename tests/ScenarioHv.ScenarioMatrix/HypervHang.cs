using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Scenarios;
using ScenarioHv.Traces;

namespace ScenarioHv.ScenarioMatrix;

/// <summary>What hyperv-hang.yaml has to show of its thread, beyond the outcomes of its cells.</summary>
public sealed class HypervHang
{
    private const string Send =
        """
        kvm_set_irq: gsi 23 level 1 source 0
        kvm_msi_set_irq: dst 0 vec 80 (Fixed|physical|level)
        kvm_apic_accept_irq: apicid 0 vec 80 (Fixed|edge)
        """;

    private const string Excerpt1 = Send +
        """

        kvm_msi_set_irq: dst 0 vec 96 (Fixed|physical|edge)
        kvm_apic_accept_irq: apicid 0 vec 96 (Fixed|edge)
        kvm_nested_vmexit_inject: reason EXTERNAL_INTERRUPT info1 0 info2 0 int_info 80000060 int_info_err 0
        """;

    private const string Excerpt2 =
        """
        kvm_entry: vcpu 0
        kvm_exit: reason VMRESUME rip 0xfffff80006a40115 info 0 0
        kvm_entry: vcpu 0
        kvm_exit: reason PREEMPTION_TIMER rip 0xfffff8022f3d8350 info 0 0
        kvm_nested_vmexit: rip fffff8022f3d8350 reason PREEMPTION_TIMER info1 0 info2 0 int_info 0 int_info_err 0
        kvm_nested_vmexit_inject: reason EXTERNAL_INTERRUPT info1 0 info2 0 int_info 80000050 int_info_err 0
        """;

    private const string Excerpt3 =
        """
        kvm_exit: reason EOI_INDUCED rip 0xfffff80006a17e1a info 50 0
        kvm_eoi: apicid 0 vector 80
        kvm_userspace_exit: reason KVM_EXIT_IOAPIC_EOI (26)

        """ + Send +
        """

        kvm_entry: vcpu 0
        """;

    private const string Excerpt4 =
        """
        kvm_exit: reason VMRESUME rip 0xfffff80006a40115 info 0 0
        kvm_entry: vcpu 0
        kvm_exit: reason PREEMPTION_TIMER rip 0xfffff8022f3d8350 info 0 0
        kvm_nested_vmexit: rip fffff8022f3d8350 reason PREEMPTION_TIMER info1 0 info2 0 int_info 0 int_info_err 0
        kvm_nested_vmexit_inject: reason EXTERNAL_INTERRUPT info1 0 info2 0 int_info 80000050 int_info_err 0
        kvm_entry: vcpu 0

        """ + Excerpt3;

    private static IEnumerable<TestCaseData> Excerpts =>
    [
        new TestCaseData(Excerpt1).SetName("Excerpt_1_of_the_thread_comes_out_line_for_line"),
        new TestCaseData(Excerpt2).SetName("Excerpt_2_of_the_thread_comes_out_line_for_line"),
        new TestCaseData(Excerpt3).SetName("Excerpt_3_of_the_thread_comes_out_line_for_line"),
        new TestCaseData(Excerpt4).SetName("Excerpt_4_of_the_thread_comes_out_line_for_line"),
    ];

    [TestCaseSource(nameof(Excerpts))]
    public void Excerpt(string excerpt)
    {
        var recorder = new TraceRecorder();
        Shipped.Run(Base, recorder);

        Assert.That(string.Join('\n', KernelLines(recorder)), Does.Contain(excerpt));
    }

    [Test]
    public void Excerpts_come_in_the_order_of_the_thread()
    {
        var recorder = new TraceRecorder();
        Shipped.Run(Base, recorder);
        var text = string.Join('\n', KernelLines(recorder));
        var from = 0;
        foreach (var excerpt in new[] { Excerpt1, Excerpt2, Excerpt3, Excerpt4 })
        {
            var place = text.IndexOf(excerpt, from, StringComparison.Ordinal);
            Assert.That(place, Is.GreaterThanOrEqualTo(from), excerpt);
            from = place + excerpt.Length;
        }
    }

    [Test]
    public void Period_is_the_fourth_excerpt_and_nothing_else()
    {
        var period = KernelLines(Shipped.Run(Base).Result.Recurrence!.Events).ToList();
        var expected = Excerpt4.Split('\n').ToList();
        var start = period.FindIndex(line => line == expected[0]);

        Assert.That(period.Skip(start).Concat(period.Take(start)), Is.EqualTo(expected));
    }

    [Test]
    public void Period_lasts_as_long_as_its_37_steps()
    {
        var cost = TimingProfile.Shipped.Single(profile => profile.Name == "skylake");
        var point = cost[TimingCost.LoopPoint];
        var roundTrip = cost[TimingCost.VmEntry] + cost[TimingCost.VmExit] + cost[TimingCost.ExitHandler];
        var userspace = cost[TimingCost.ToUserspace] + cost[TimingCost.DeviceAccess] + point
            + cost[TimingCost.Message] + cost[TimingCost.ToKernel];
        // Three entries (VMRESUME, L2, EOI) with three points each; two switches of the control structure; three nested checks; the EOI
        // request. Eight steps cost nothing of their own: the look at RVI of each entry; PIR bit, ON and mode when the vector is posted; ON
        // and PIR when it is brought to IRR.
        var expected = userspace + (3 * (roundTrip + (3 * point))) + (2 * cost[TimingCost.NestedSwitch]) + (3 * point) + point;

        var recurrence = Shipped.Run(Base).Result.Recurrence!;

        Assert.That((recurrence.Steps, recurrence.Cycles), Is.EqualTo((37L, expected)));
    }

    [Test]
    public void L2_retires_no_instruction_in_the_period()
    {
        var work = Shipped.Run(Base).Result.Recurrence!.Work;

        Assert.That((work.L2Retired, work.L2Entries, work.L2WastedEntries, work.Resent, work.Stimuli), Is.EqualTo((0L, 1L, 1L, 1L, 0L)));
    }

    [Test]
    public void Delay_after_10000_sends_9999_times_and_then_waits_once()
    {
        var (result, _) = Shipped.Run(Shipped.Cell("hyperv-hang", "immediate-exit=zero-timer, ioapic-eoi=delay-after(10000, 10 ms)"));

        Assert.That((result.Totals.Resent, result.Totals.Delayed), Is.EqualTo((9_999L, 1L)));
    }

    [Test]
    public void Throttle_arms_101_times_with_0_before_the_first_delay()
    {
        var recorder = new TraceRecorder();
        Shipped.Run(Shipped.Cell("hyperv-hang", "immediate-exit=throttle(100, 1000), ioapic-eoi=reinject"), recorder);
        var armed = recorder.Where(line => line.Kind == TraceEventKind.PolicyDecided && line.A == 1).Select(line => line.C).ToList();

        Assert.That(armed.TakeWhile(ticks => ticks == 0).Count(), Is.EqualTo(101));
        Assert.That(armed[101], Is.EqualTo(1000));
    }

    [Test]
    public void Two_runs_have_the_same_trace_hash()
    {
        var first = HashOf(Base);

        Assert.That(HashOf(Base), Is.EqualTo(first));
    }

    private static Scenario Base => Shipped.Cell("hyperv-hang", ScenarioCell.BaseName);

    private static string HashOf(Scenario scenario)
    {
        using var hash = new TraceHash();
        Shipped.Run(scenario, hash);
        return hash.Digest();
    }

    private static IEnumerable<string> KernelLines(IEnumerable<TraceEvent> events) =>
        events.Where(line => TraceDialects.Kvm51.Knows(line.Kind)).Select(line => TraceEventText.Format(line, TraceDialects.Kvm51));
}
