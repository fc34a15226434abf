using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>INIT and start-up IPIs on their way to the core (SDM3 8.4.4; KVM lapic.c:kvm_apic_accept_events).</summary>
public class LocalApicStartUpTests
{
    private const StartUpActions ResetAndWait = StartUpActions.Reset | StartUpActions.WaitForStartUp;

    // i: INIT, s: start-up at page 9Ah, t: start-up at page 10h. Then the core looks: does it wait, is it the boot processor?
    [TestCase("i", false, false, ResetAndWait)]
    [TestCase("i", false, true, StartUpActions.Reset)]
    [TestCase("s", true, false, StartUpActions.Start)]
    [TestCase("s", false, false, StartUpActions.None, Description = "a start-up that meets a running core is gone")]
    [TestCase("is", false, false, ResetAndWait | StartUpActions.Start)]
    [TestCase("is", false, true, StartUpActions.Reset, Description = "the boot processor never waits")]
    [TestCase("si", true, false, ResetAndWait, Description = "INIT forgets an earlier start-up")]
    [TestCase("", true, false, StartUpActions.None)]
    public void The_core_takes_what_is_latched(string events, bool isWaiting, bool isBsp, StartUpActions actions)
    {
        LocalApicStartUpLatch latch = Latch(events);
        Assert.That(latch.Take(isBlocked: false, isWaiting, isBsp), Is.EqualTo(actions));
        Assert.That(latch.IsPending, Is.False);
    }

    [Test]
    public void The_last_start_up_gives_the_page()
    {
        LocalApicStartUpLatch latch = Latch("ist");
        Assert.That(latch.Vector, Is.EqualTo(0x10));
        Assert.That(latch.Take(false, false, false), Is.EqualTo(ResetAndWait | StartUpActions.Start));
    }

    // SDM3 25.2 (VMX root operation blocks INIT); KVM clears a start-up then.
    [Test]
    public void While_INIT_is_blocked_it_stays_and_a_start_up_is_lost()
    {
        LocalApicStartUpLatch latch = Latch("is");
        Assert.That(latch.Take(isBlocked: true, false, false), Is.EqualTo(StartUpActions.None));
        Assert.That(latch.IsPending, Is.True);
        Assert.That(latch.Take(isBlocked: false, false, false), Is.EqualTo(ResetAndWait));
    }

    [Test]
    public void Other_requests_are_not_latched()
    {
        LocalApicStartUpLatch latch = default;
        latch.Latch(LocalApicModeBench.X1().Accept(DeliveryMode.Nmi));
        Assert.That(latch.IsPending, Is.False);
    }

    private static LocalApicStartUpLatch Latch(string events)
    {
        LocalApicStartUpLatch latch = default;
        var bench = new LocalApicModeBench();
        foreach (char c in events)
            latch.Latch(c == 'i' ? bench.Accept(DeliveryMode.Init) : bench.Accept(DeliveryMode.StartUp, c == 's' ? 0x9A : 0x10));
        return latch;
    }
}
