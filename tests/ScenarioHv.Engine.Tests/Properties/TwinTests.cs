using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Properties;

namespace ScenarioHv.Engine.Tests.Properties;

public sealed class TwinTests
{
    [Test]
    public void Request_justifies_one_dispatch()
    {
        var twin = After(0x50);

        Assert.That((twin.Dispatched(0x50), twin.Dispatched(0x50)), Is.EqualTo((true, false)));
    }

    [Test]
    public void Dispatch_without_a_request_is_not_justified()
    {
        var twin = After(0x50);

        Assert.That(twin.Dispatched(0x51), Is.False);
    }

    [Test]
    public void Two_requests_before_the_handler_starts_give_one_or_two_dispatches()
    {
        var twin = After(0x50, 0x50);

        Assert.That(twin.Dispatched(0x50), Is.True);
        Assert.That(twin.Lost(default, 0), Is.EqualTo(-1), "one dispatch is all that is owed");
        Assert.That(twin.Dispatched(0x50), Is.True, "a second is allowed");
        Assert.That(twin.Dispatched(0x50), Is.False, "a third is not");
    }

    [Test]
    public void Request_after_the_handler_has_started_is_owed_one_more()
    {
        var twin = After(0x50);
        twin.Dispatched(0x50);
        twin.Accepted(0x50);

        Assert.That(twin.Lost(default, 0), Is.EqualTo(0x50));
    }

    [Test]
    public void At_most_three_merged_requests_are_remembered()
    {
        var twin = After(0x50, 0x50, 0x50, 0x50, 0x50);
        var dispatches = 0;
        while (twin.Dispatched(0x50))
        {
            dispatches++;
        }

        Assert.That(dispatches, Is.EqualTo(1 + 3));
    }

    [TestCase(0x10)]
    [TestCase(0x3f)]
    [TestCase(0x40)]
    [TestCase(0x7f)]
    [TestCase(0x80)]
    [TestCase(0xc0)]
    [TestCase(0xff)]
    public void Owed_request_waits_in_IRR_or_in_the_injection_and_is_lost_elsewhere(byte vector)
    {
        var twin = After(vector);
        Register256 irr = default;
        irr.Set(vector);

        Assert.That((twin.Lost(irr, 0), twin.Lost(default, vector), twin.Lost(default, 0)), Is.EqualTo((-1, -1, (int)vector)));
    }

    [Test]
    public void Highest_lost_vector_is_named()
    {
        Assert.That(After(0x41, 0xd2, 0x97).Lost(default, 0), Is.EqualTo(0xd2));
    }

    private static Twin After(params byte[] accepted)
    {
        Twin twin = default;
        foreach (var vector in accepted)
        {
            twin.Accepted(vector);
        }

        return twin;
    }
}
