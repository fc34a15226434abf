using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Tracing;
using static ScenarioHv.Traces.Tests.TestEvents;

namespace ScenarioHv.Traces.Tests;

/// <summary>The line that KVM prints to the kernel's log, as each version's function name begins it.</summary>
[TestFixture]
internal sealed class ConsoleFormatTests
{
    private const string Text = ": Breaking out of NMI-blocked state on VCPU 3 after 1 s timeout";

    [TestCase(true, "kvm_handle_exit")]
    [TestCase(false, "vmx_handle_exit")]
    public void Function_was_renamed_in_2_6_30(bool early, string function) =>
        Assert.That(In51(Warning(early)), Is.EqualTo("console: " + function + Text));

    [Test]
    public void Function_of_today_has_underscores() =>
        Assert.That(In616(Warning(early: false)), Is.EqualTo("console: __vmx_handle_exit" + Text));

    [Test]
    public void Explanation_names_the_vCPU_and_the_second() =>
        Assert.That(TraceExplainer.Explain(Warning(early: false)), Does.StartWith("vCPU 3 has run for more than 1 s since its NMI"));

    [Test]
    public void Window_of_2_6_29_has_a_name_where_the_number_went_to_another()
    {
        var exit = new TraceEvent(0, TraceEventKind.KvmUserspaceExit, 0, 0, (ulong)UserExit.NmiWindowOpen);
        Assert.That(In51(exit), Is.EqualTo("kvm_userspace_exit: reason KVM_EXIT_NMI_WINDOW_OPEN (250)"));
    }

    private static TraceEvent Warning(bool early) =>
        TraceEvent.KernelMessage(0, 0, 3, (byte)KernelMessage.BreakingOutOfNmiBlocked, early);
}
