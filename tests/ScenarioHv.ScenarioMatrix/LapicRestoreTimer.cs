using ScenarioHv.Engine.Tracing;
using ScenarioHv.Scenarios;
using ScenarioHv.Traces;

namespace ScenarioHv.ScenarioMatrix;

/// <summary>What lapic-restore-timer.yaml has to show of its thread, beyond the outcomes of its cells.</summary>
public sealed class LapicRestoreTimer
{
    // 200 us are cycle 480000. Waking the monitor's thread takes 12000 and the ioctl 2000 cycles; the page is copied (50), the deadline is
    // computed (T1), and 60 cycles later it has passed (T2).
    private const long PageCopied = 480_000 + 12_000 + 2_000;
    private const long SecondReading = PageCopied + 50 + 60;
    private const long Purged = SecondReading + 50;

    [Test]
    public void The_tick_is_accepted_at_the_second_reading_of_the_TSC_and_lost_at_the_purge()
    {
        var recorder = new TraceRecorder();
        var result = Shipped.Run(Base, recorder).Result;
        var accepted = recorder.Single(e => e.Kind == TraceEventKind.KvmApicAcceptIrq);
        Assert.That((accepted.Cycle, (byte)accepted.B, result.Cycles), Is.EqualTo((SecondReading, (byte)0xec, Purged)));
    }

    [Test]
    public void The_kernel_says_that_it_has_posted_the_tick_and_then_nothing_more()
    {
        var recorder = new TraceRecorder();
        Shipped.Run(Base, recorder);
        var lines = recorder.Where(e => TraceDialects.Kvm616.Knows(e.Kind))
            .Select(e => TraceEventText.Format(e, TraceDialects.Kvm616).TrimEnd())
            .TakeLast(4);
        Assert.That(lines, Is.EqualTo(new[]
        {
            "kvm_exit: vcpu 0 reason HLT rip 0x100000140 info1 0x0000000000000000 info2 0x0000000000000000 "
                + "intr_info 0x00000000 error_code 0x00000000 requests 0x0000000000000000",
            "kvm_userspace_exit: reason restart (4)",
            "kvm_apic_accept_irq: apicid 0 vec 236 (Fixed|edge)",
            "kvm_apicv_accept_irq: apicid 0 vec 236 (Fixed|edge)",
        }));
    }

    private static Scenario Base => Shipped.Cell("lapic-restore-timer", ScenarioCell.BaseName);
}
