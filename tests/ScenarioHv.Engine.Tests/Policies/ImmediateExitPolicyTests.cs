using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Engine.Tests.Policies;

/// <summary>How an immediate exit is forced: the values of the policy, against the code that they stand for.</summary>
public sealed class ImmediateExitPolicyTests
{
    private const ulong Rip = 0xfffff8022f3d8350;

    [Test]
    public void A_throttle_counts_less_far_for_a_search_and_delays_as_long()
    {
        var scaled = new Throttle(100, 1000).Scaled(3);
        ImmediateExitMemory memory = default;
        var arguments = Enumerable.Range(0, 6).Select(_ => scaled.Decide(Rip, ref memory).Argument).ToList();
        Assert.That(arguments, Is.EqualTo(new uint[] { 0, 0, 0, 0, 1000, 1000 }));
        Assert.That((scaled.Text, scaled.CountLimit, scaled.Repetitions), Is.EqualTo(("throttle(3, 1000)", 3L, 3u)));
    }

    [Test]
    public void What_counts_no_further_than_the_limit_stays_as_it_is()
    {
        IImmediateExitPolicy[] policies = [new Throttle(3, 1000), new Throttle(0, 1), new ZeroTimer(), new SelfIpi(1000)];
        Assert.That(policies.Select(policy => policy.Scaled(3)), Is.EqualTo(policies));
        Assert.That(policies.Select(policy => policy.Repetitions), Is.EqualTo(new uint[] { 3, 0, 0, 0 }));
    }

    [TestCase(100u, 1000u, 1, 3)]
    [TestCase(100u, 1000u, 2, 200)]
    [TestCase(100u, 1000u, 3, 120)]
    [TestCase(0u, 1u, 4, 2)]
    [TestCase(5u, 7u, 5, 8)]
    [TestCase(1u, 4_000_000_000u, 6, 4)]
    public void Throttle_decides_as_the_patch_does_on_10_000_armings(uint count, uint delay, int seed, int run)
    {
        var policy = new Throttle(count, delay);
        var patch = new PatchedLoadedVmcs(count, delay);
        ImmediateExitMemory memory = default;
        var delayed = 0;
        foreach (var rip in RipSequence(seed, run).Take(10_000))
        {
            var expected = patch.UpdateHvTimer(rip);
            delayed += expected == delay ? 1 : 0;
            Assert.That(policy.Decide(rip, ref memory),
                Is.EqualTo(new ImmediateExitDecision(ImmediateExitMechanism.PreemptionTimer, expected)));
        }

        Assert.That(delayed, Is.InRange(run > count ? 1 : 0, 9_999), "the sequence has both");
    }

    [Test]
    public void Throttle_loads_0_at_101_armings_of_one_RIP_and_the_delay_at_every_one_after()
    {
        var policy = new Throttle(100, 1000);
        ImmediateExitMemory memory = default;

        var values = Enumerable.Range(0, 300).Select(_ => policy.Decide(Rip, ref memory).Argument).ToList();

        // The first sight counts 0, the 101st 100: not more than the limit. The 102nd is.
        Assert.That(values.TakeWhile(value => value == 0).Count(), Is.EqualTo(101));
        Assert.That(values.Skip(101), Has.All.EqualTo(1000u));
    }

    [Test]
    public void Throttle_counts_anew_from_0_when_the_RIP_is_another()
    {
        var policy = new Throttle(100, 1000);
        ImmediateExitMemory memory = default;
        for (var i = 0; i < 150; i++)
        {
            policy.Decide(Rip, ref memory);
        }

        Assert.That(policy.Decide(Rip + 2, ref memory).Argument, Is.Zero);
        Assert.That(memory.Count, Is.Zero);
        Assert.That(Enumerable.Range(0, 101).Select(_ => policy.Decide(Rip, ref memory).Argument), Has.All.Zero,
            "and the first one is forgotten");
        Assert.That(policy.Decide(Rip, ref memory).Argument, Is.EqualTo(1000));
    }

    [Test]
    public void The_very_first_arming_at_RIP_0_counts_as_a_second_sight_as_in_the_patch()
    {
        ImmediateExitMemory memory = default;
        new Throttle(100, 1000).Decide(0, ref memory);

        Assert.That(memory.Count, Is.EqualTo(1), "hv_timer_lastrip of a fresh loaded_vmcs is 0");
    }

    [Test]
    public void Throttle_remembers_nothing_more_above_its_limit_so_that_a_constant_RIP_recurs()
    {
        var policy = new Throttle(100, 1000);
        ImmediateExitMemory memory = default;
        for (var i = 0; i < 102; i++)
        {
            policy.Decide(Rip, ref memory);
        }

        var settled = (memory.Count, memory.LastRip);
        for (var i = 0; i < 1_000; i++)
        {
            policy.Decide(Rip, ref memory);
            Assert.That((memory.Count, memory.LastRip), Is.EqualTo(settled));
        }

        Assert.That(settled.Count, Is.EqualTo(policy.CountLimit + 1), "the one value above the limit");
    }

    [Test]
    public void The_memory_of_one_control_structure_is_not_that_of_another()
    {
        var policy = new Throttle(1, 9);
        ImmediateExitMemory l1 = default, l2 = default;
        for (var i = 0; i < 10; i++)
        {
            policy.Decide(Rip, ref l1);
        }

        Assert.That(policy.Decide(Rip, ref l2).Argument, Is.Zero);
    }

    [Test]
    public void A_zero_timer_is_0_whatever_was_before()
    {
        var policy = new ZeroTimer();
        ImmediateExitMemory memory = default;
        for (var i = 0; i < 1000; i++)
        {
            Assert.That(policy.Decide(Rip, ref memory), Is.EqualTo(new ImmediateExitDecision(ImmediateExitMechanism.PreemptionTimer, 0)));
        }

        Assert.That((memory.Count, memory.LastRip), Is.EqualTo((0u, 0UL)), "and it remembers nothing");
    }

    [TestCase(0u)]
    [TestCase(3u)]
    public void A_self_IPI_arrives_after_as_many_operations_as_it_was_given(uint after)
    {
        ImmediateExitMemory memory = default;

        Assert.That(new SelfIpi(after).Decide(Rip, ref memory),
            Is.EqualTo(new ImmediateExitDecision(ImmediateExitMechanism.SelfIpi, after)));
        Assert.That((memory.Count, memory.LastRip), Is.EqualTo((0u, 0UL)));
    }

    public static IEnumerable<TestCaseData> Texts =>
    [
        new(new ZeroTimer(), "zero-timer"),
        new(new Throttle(100, 1000), "throttle(100, 1000)"),
        new(new SelfIpi(0), "self-ipi(before-entry)"),
        new(new SelfIpi(2), "self-ipi(after(2))"),
    ];

    [TestCaseSource(nameof(Texts))]
    public void A_value_is_written_as_a_scenario_writes_it(IImmediateExitPolicy policy, string text) =>
        Assert.That(policy.Text, Is.EqualTo(text));

    /// <summary>RIPs of a guest that stays at one for a while and moves on, sometimes back.</summary>
    private static IEnumerable<ulong> RipSequence(int seed, int longest)
    {
        var random = (uint)seed;
        while (true)
        {
            var rip = Rip + (Next() % 3);
            for (var stay = Next() % (uint)(longest + 2); stay > 0; stay--)
            {
                yield return rip;
            }
        }

        uint Next() => (random = (random * 1664525) + 1013904223) >> 16;
    }

    /// <summary>What the RFC adds to struct loaded_vmcs and to vmx_update_hv_timer, with its int counter.</summary>
    private sealed class PatchedLoadedVmcs(uint hvTimerThrottle, uint hvTimerDelay)
    {
        private ulong _hvTimerLastRip;
        private int _hvTimerLastRipCount;

        public uint UpdateHvTimer(ulong rip)
        {
            if (_hvTimerLastRip == rip)
            {
                ++_hvTimerLastRipCount;
            }
            else
            {
                _hvTimerLastRipCount = 0;
                _hvTimerLastRip = rip;
            }

            return _hvTimerLastRipCount > hvTimerThrottle ? hvTimerDelay : 0;
        }
    }
}
