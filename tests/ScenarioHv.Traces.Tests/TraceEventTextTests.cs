using ScenarioHv.Engine.Tracing;
using static ScenarioHv.Traces.Tests.TestEvents;

namespace ScenarioHv.Traces.Tests;

/// <summary>The laboratory's own events, and events with names given by a scenario.</summary>
[TestFixture]
internal sealed class TraceEventTextTests
{
    private static readonly TraceNames Names = new()
    {
        Devices = ["usb"],
        Reports = ["usb served"],
        PolicyPoints = ["immediate-exit"],
        Labels = ["pir-set"],
    };

    [Test]
    public void Names_of_the_scenario_replace_numbers([ValueSource(nameof(Named))] (TraceEvent Event, string With, string Without) row)
    {
        Assert.That(TraceEventText.Format(row.Event, TraceDialects.Kvm51, Names), Is.EqualTo(row.With));
        Assert.That(In51(row.Event), Is.EqualTo(row.Without));
    }

    [Test]
    public void The_laboratorys_own_events_read_the_same_in_every_dialect(
        [ValueSource(nameof(Named))] (TraceEvent Event, string, string) row) =>
        Assert.That(In616(row.Event), Is.EqualTo(In51(row.Event)));

    [Test]
    public void Bare_metal_exit_and_entry()
    {
        Assert.That(
            In51(TraceEvent.VmExit(0, 0, 1, 1, 0x100, 0, 0, 0x80000060, 0)),
            Is.EqualTo("vm_exit: vcpu 1 reason EXTERNAL_INTERRUPT rip 0x100 info 0 0 intr_info 0x80000060"));
        Assert.That(In51(TraceEvent.VmEntry(0, 0, 1, 0x100, 0x80000060)), Is.EqualTo("vm_entry: vcpu 1 rip 0x100 intr_info 0x80000060"));
    }

    private static (TraceEvent, string, string)[] Named =>
    [
        (TraceEvent.LineChanged(0, 0, 0, 1, 23), "line_changed: usb gsi 23 level 1", "line_changed: device 0 gsi 23 level 1"),
        (TraceEvent.DeviceFired(0, 0, 0), "device_fired: usb", "device_fired: device 0"),
        (TraceEvent.GuestReported(0, 0, 0, 0, 2), "guest_reported: vcpu 0 L2 \"usb served\"", "guest_reported: vcpu 0 L2 report 0"),
        (TraceEvent.GuestInterrupt(0, 0, 0, 80, 1), "guest_interrupt: vcpu 0 L1 vec 80", "guest_interrupt: vcpu 0 L1 vec 80"),
        (TraceEvent.PolicyDecided(0, 0, 0, 0, 1000), "policy_decided: immediate-exit = 1000", "policy_decided: policy 0 = 1000"),
        (TraceEvent.PointReached(0, 0, 0, 0), "point_reached: pir-set", "point_reached: point 0"),
    ];
}
