using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Traces;

namespace ScenarioHv.ScenarioMatrix;

/// <summary>What soft-vnmi.yaml has to show of its thread, beyond the outcomes of its cells.</summary>
public sealed class SoftVnmi
{
    private const long Second = 2_400_000_000;
    private const long Tick = Second / 250;

    // printk(KERN_WARNING "%s: Breaking out of NMI-blocked state on VCPU %d after 1 s timeout\n", __func__, vcpu->vcpu_id) of the patch.
    private const string Warning = "console: kvm_handle_exit: Breaking out of NMI-blocked state on VCPU 0 after 1 s timeout";

    [Test]
    public void Warning_of_the_patch_comes_once_and_the_NMI_with_the_entry_behind_it()
    {
        var lines = Lines("nmi-tracking=irq-window+timeout");
        var at = lines.IndexOf(Warning);

        Assert.That(lines.Count(line => line == Warning), Is.EqualTo(1));
        Assert.That(lines[at - 1], Does.StartWith("kvm_exit: reason EXTERNAL_INTERRUPT"), "it is an exit that looks");
        Assert.That(lines.Skip(at + 1), Is.EqualTo(new[] { "kvm_entry: vcpu 0" }));
        Assert.That(Injected("nmi-tracking=irq-window+timeout"), Is.EqualTo(2));
    }

    /// <summary>
    /// Guest time is what lies between entry and exit. Of a tick's period the rest is the exit's handler, the host's own, and the way back.
    /// </summary>
    [Test]
    public void Warning_comes_at_the_first_tick_after_one_second_of_guest_time()
    {
        var cost = TimingProfile.Shipped.Single(profile => profile.Name == "skylake");
        var outside = cost[TimingCost.ExitHandler] + cost[TimingCost.HostInterrupt] + (3 * cost[TimingCost.LoopPoint]);
        var events = Record("nmi-tracking=irq-window+timeout");
        var injected = events.First(e => e.Kind == TraceEventKind.KvmEntry && e.B != 0).Cycle;
        var warned = events.Single(e => e.Kind == TraceEventKind.KernelMessage).Cycle;
        var ticks = (warned - injected) / Tick;

        // The NMI of 150 us has made one exit more than the ticks.
        Assert.That(warned - injected - ((ticks + 1) * outside), Is.InRange(Second, Second + Tick));
    }

    [TestCase("guest with interrupts on")]
    [TestCase("IRET to IF = 0, interrupts on after 10 ms")]
    [TestCase("handler that enables interrupts")]
    [TestCase("time outside the guest is not counted")]
    [TestCase("no host tick")]
    [TestCase("virtual NMIs")]
    public void Kernel_says_nothing(string cell) =>
        Assert.That(Lines(cell), Has.None.StartsWith("console"));

    [Test]
    public void Three_seconds_without_a_wanted_NMI_pass_in_silence()
    {
        var warned = Record("no break-out without a wanted NMI").Single(e => e.Kind == TraceEventKind.KernelMessage).Cycle;

        var cost = TimingProfile.Shipped.Single(profile => profile.Name == "skylake");
        Assert.That(warned, Is.EqualTo((3 * Second) + Tick + cost[TimingCost.VmExit] + cost[TimingCost.ExitHandler]), "at the next tick");
    }

    [Test]
    public void Interrupt_window_ends_the_wait_of_a_guest_with_interrupts_on()
    {
        var events = Record("guest with interrupts on");
        var window = events.Single(e => e.Kind == TraceEventKind.KvmExit && e.A == 7);

        Assert.That(events.Where(e => e.Kind == TraceEventKind.KvmEntry && e.B == 0x8000_0202).Select(e => e.Cycle > window.Cycle),
            Is.EqualTo(new[] { false, true }), "one NMI before the window, one behind it");
    }

    [TestCase("virtual NMIs", "kvm_exit: reason NMI_WINDOW")]
    [TestCase("AMD, IRET intercept", "kvm_exit: reason EXIT_IRET")]
    public void Processor_says_when_the_handler_is_over(string cell, string exit) =>
        Assert.That(Lines(cell).Count(line => line.StartsWith(exit, StringComparison.Ordinal)), Is.EqualTo(1));

    [Test]
    public void Second_NMI_of_V_NMI_comes_without_an_exit()
    {
        var events = Record("AMD, V_NMI").SkipWhile(e => e.Kind != TraceEventKind.GuestInterrupt).ToList();
        var second = events.FindLastIndex(e => e.Kind == TraceEventKind.GuestInterrupt);

        // The one exit between the two handlers is the kick that brings the second NMI, 50 us before the first handler ends.
        Assert.That(events.Take(second).Count(e => e.Kind == TraceEventKind.KvmExit), Is.EqualTo(1));
        Assert.That(events.Where(e => e.Kind == TraceEventKind.KvmEntry).Select(e => e.B), Is.All.Zero, "nothing is injected");
    }

    [Test]
    public void Userspace_is_told_of_the_window_and_sends_the_NMI()
    {
        var lines = Lines("userspace waits for the window");
        var told = lines.FindIndex(line => line.Contains("KVM_EXIT_NMI_WINDOW_OPEN", StringComparison.Ordinal));

        Assert.That(lines[told - 1], Does.StartWith("kvm_exit: reason PENDING_INTERRUPT"));
        Assert.That(Injected("userspace waits for the window"), Is.EqualTo(2));
    }

    [Test]
    public void In_kernel_path_injects_the_interrupt_again_before_the_NMI()
    {
        var events = Record("NMI while an interrupt is queued, in-kernel irqchip");
        var injections = events.Where(e => e.Kind == TraceEventKind.KvmEntry && e.B != 0).Select(e => e.B);

        Assert.That(injections, Is.EqualTo(new[] { 0x8000_0060UL, 0x8000_0060UL, 0x8000_0202UL }));
    }

    [Test]
    public void Path_of_a_userspace_APIC_injects_the_NMI_and_the_interrupt_is_gone()
    {
        var events = Record("NMI while an interrupt is queued, local APIC in userspace");
        var injections = events.Where(e => e.Kind == TraceEventKind.KvmEntry && e.B != 0).Select(e => e.B);

        Assert.That(injections, Is.EqualTo(new[] { 0x8000_0060UL, 0x8000_0202UL }));
    }

    [Test]
    public void In_5_1_the_warning_is_followed_by_no_NMI()
    {
        var events = Record("the timeout in 5.1");
        var warning = events.FindIndex(e => e.Kind == TraceEventKind.KernelMessage);

        Assert.That(TraceEventText.Format(events[warning], TraceDialects.Kvm51), Does.StartWith("console: vmx_handle_exit: Breaking out"));
        Assert.That(events.Skip(warning).Where(e => e.Kind == TraceEventKind.KvmEntry).Select(e => e.B), Is.Not.Empty.And.All.Zero);
    }

    private static int Injected(string cell) => Record(cell).Count(e => e.Kind == TraceEventKind.KvmEntry && e.B == 0x8000_0202);

    private static List<TraceEvent> Record(string cell)
    {
        var recorder = new TraceRecorder();
        Shipped.Run(Shipped.Cell("soft-vnmi", cell), recorder);
        return [.. recorder];
    }

    private static List<string> Lines(string cell) =>
    [
        .. Record(cell)
            .Where(line => TraceDialects.Kvm51.Knows(line.Kind))
            .Select(line => TraceEventText.Format(line, TraceDialects.Kvm51)),
    ];
}
