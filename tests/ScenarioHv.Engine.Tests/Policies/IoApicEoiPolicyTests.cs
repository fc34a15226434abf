using ScenarioHv.Engine.Policies;
using static ScenarioHv.Engine.Policies.IoApicEoiAction;

namespace ScenarioHv.Engine.Tests.Policies;

/// <summary>What an EOI does that finds the line still high: before the two delays, and with them.</summary>
public sealed class IoApicEoiPolicyTests
{
    [Test]
    public void Both_delays_count_less_far_for_a_search_and_stay_themselves()
    {
        IIoApicEoiPolicy qemu = new QemuDelayAfter(10_000, 24), kvm = new KvmDelayAfter(10_000, 24);
        Assert.That((qemu.Scaled(3).Text, kvm.Scaled(3).Text), Is.EqualTo(("delay-after(3, 24 cycles)", "delay-after-kvm(3, 24 cycles)")));
        Assert.That((qemu.Repetitions, qemu.Scaled(3).Repetitions, kvm.Scaled(3).Repetitions), Is.EqualTo((10_000u, 3u, 3u)));
        Assert.That((qemu.Scaled(10_000), kvm.Scaled(10_000)), Is.EqualTo((qemu, kvm)));
        IIoApicEoiPolicy reinject = new Reinject();
        Assert.That((reinject.Scaled(3), reinject.Repetitions), Is.EqualTo((reinject, 0u)));
    }

    private const long TenMilliseconds = 24_000_000;

    [Test]
    public void Reinject_sends_again_for_ever_and_remembers_nothing()
    {
        var policy = new Reinject();
        IoApicEoiMemory memory = default;

        Assert.That(Decisions(policy, ref memory, 20_000), Has.All.EqualTo(Resend));
        Assert.That(policy.Decide(10, false, ref memory).Action, Is.EqualTo(Nothing));
        Assert.That(memory.Count, Is.Zero);
        Assert.That(policy.CanDelay, Is.False);
    }

    public static IEnumerable<TestCaseData> Delaying =>
    [
        new TestCaseData(new QemuDelayAfter(10_000, TenMilliseconds)).SetArgDisplayNames("QEMU"),
        new TestCaseData(new KvmDelayAfter(10_000, TenMilliseconds)).SetArgDisplayNames("KVM"),
    ];

    [TestCaseSource(nameof(Delaying))]
    public void Of_10_000_EOIs_in_a_row_9_999_send_again_and_the_last_one_delays(IIoApicEoiPolicy policy)
    {
        IoApicEoiMemory memory = default;
        for (var round = 0; round < 3; round++)
        {
            var decisions = Decisions(policy, ref memory, 10_000);
            Assert.That(decisions.Take(9_999), Has.All.EqualTo(Resend));
            Assert.That(decisions[^1], Is.EqualTo(Delay), $"round {round}");
        }

        Decisions(policy, ref memory, 9_999);
        Assert.That(policy.Decide(10, true, ref memory), Is.EqualTo(new IoApicEoiDecision(Delay, TenMilliseconds)));
    }

    [TestCaseSource(nameof(Delaying))]
    public void An_EOI_that_finds_the_line_low_starts_the_count_anew(IIoApicEoiPolicy policy)
    {
        IoApicEoiMemory memory = default;
        Decisions(policy, ref memory, 9_999);

        Assert.That(policy.Decide(10, false, ref memory).Action, Is.EqualTo(Nothing));
        Assert.That(Decisions(policy, ref memory, 9_999), Has.All.EqualTo(Resend));
        Assert.That(policy.Decide(10, true, ref memory).Action, Is.EqualTo(Delay));
    }

    [Test]
    public void In_QEMU_a_rewritten_entry_starts_the_count_anew()
    {
        var policy = new QemuDelayAfter(5, 1);
        IoApicEoiMemory memory = default;
        Decisions(policy, ref memory, 4);
        policy.EntryWritten(0, ref memory);

        Assert.That(Decisions(policy, ref memory, 5), Is.EqualTo(new[] { Resend, Resend, Resend, Resend, Delay }));
    }

    [Test]
    public void In_KVM_a_rewritten_entry_does_not_matter()
    {
        var policy = new KvmDelayAfter(5, 1);
        IoApicEoiMemory memory = default;
        Decisions(policy, ref memory, 4);
        policy.EntryWritten(0, ref memory);

        Assert.That(policy.Decide(10, true, ref memory).Action, Is.EqualTo(Delay));
    }

    [TestCase(5u)]
    [TestCase(6u)]
    [TestCase(1000u)]
    public void QEMU_delays_at_or_above_the_count(uint already)
    {
        var memory = new IoApicEoiMemory { Count = already };

        Assert.That(new QemuDelayAfter(6, 1).Decide(10, true, ref memory).Action, Is.EqualTo(Delay));
        Assert.That(memory.Count, Is.Zero);
    }

    [TestCase(5u, true)]
    [TestCase(6u, false)]
    [TestCase(1000u, false)]
    public void KVM_delays_exactly_at_the_count_and_never_above_it(uint already, bool delays)
    {
        var memory = new IoApicEoiMemory { Count = already };

        Assert.That(new KvmDelayAfter(6, 1).Decide(10, true, ref memory).Action, Is.EqualTo(delays ? Delay : Resend));
        Assert.That(memory.Count, Is.EqualTo(delays ? 0 : already + 1));
    }

    [Test]
    public void A_count_of_1_delays_every_time()
    {
        IoApicEoiMemory qemu = default, kvm = default;

        Assert.That(Decisions(new QemuDelayAfter(1, 1), ref qemu, 10), Has.All.EqualTo(Delay));
        Assert.That(Decisions(new KvmDelayAfter(1, 1), ref kvm, 10), Has.All.EqualTo(Delay));
    }

    public static IEnumerable<TestCaseData> Texts =>
    [
        new(new Reinject(), "reinject"),
        new(new QemuDelayAfter(10_000, TenMilliseconds), "delay-after(10000, 24000000 cycles)"),
        new(new KvmDelayAfter(10_000, TenMilliseconds), "delay-after-kvm(10000, 24000000 cycles)"),
    ];

    [TestCaseSource(nameof(Texts))]
    public void A_value_is_written_with_its_parameters(IIoApicEoiPolicy policy, string text) => Assert.That(policy.Text, Is.EqualTo(text));

    private static List<IoApicEoiAction> Decisions(IIoApicEoiPolicy policy, ref IoApicEoiMemory memory, int count)
    {
        var decisions = new List<IoApicEoiAction>(count);
        for (var i = 0; i < count; i++)
        {
            decisions.Add(policy.Decide(10, true, ref memory).Action);
        }

        return decisions;
    }
}
