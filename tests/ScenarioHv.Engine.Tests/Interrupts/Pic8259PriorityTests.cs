namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>Resolution of priority: 0 to 7, rotated so that the level after the lowest is the highest.</summary>
public sealed class Pic8259PriorityTests
{
    [TestCase(7, new[] { 7, 3, 0, 5 }, new[] { 0, 3, 5, 7 })]
    [TestCase(4, new[] { 0, 5, 4, 7 }, new[] { 5, 7, 0, 4 })]
    [TestCase(0, new[] { 0, 1, 7 }, new[] { 1, 7, 0 })]
    [TestCase(3, new[] { 3, 4, 0 }, new[] { 4, 0, 3 })]
    [TestCase(6, new[] { 6, 7, 0, 1 }, new[] { 7, 0, 1, 6 })]
    [TestCase(1, new[] { 1, 0, 6 }, new[] { 6, 0, 1 })]
    [TestCase(5, new[] { 3, 4, 5, 6, 7 }, new[] { 6, 7, 3, 4, 5 })]
    [TestCase(2, new[] { 0, 1, 3, 4, 5, 6, 7 }, new[] { 3, 4, 5, 6, 7, 0, 1 })]
    public void The_level_after_the_lowest_is_served_first(int lowest, int[] requests, int[] order)
    {
        var bench = new Pic8259Bench();
        bench.Out(0x20, 0xC0 | lowest);
        bench.High(requests);
        Assert.That(bench.Serve(), Is.EqualTo(order.Select(level => 0x20 + level)));
    }

    [TestCase(7, 3, 5, false)]
    [TestCase(7, 3, 1, true)]
    [TestCase(3, 5, 0, false)]
    [TestCase(3, 0, 5, true)]
    [TestCase(5, 6, 7, false)]
    [TestCase(5, 5, 4, true)]
    public void Only_what_is_above_the_level_in_service_interrupts_it(int lowest, int inService, int request, bool interrupts)
    {
        var bench = new Pic8259Bench();
        bench.Out(0x20, 0xC0 | lowest);
        bench.High(inService);
        bench.Inta();
        bench.High(request);
        Assert.That(bench.Int, Is.EqualTo(interrupts));
    }

    [Test]
    public void The_slaves_levels_come_between_IRQ1_and_IRQ3()
    {
        var bench = new Pic8259Bench();
        bench.High(8, 1, 3, 10);
        Assert.That(bench.Serve(), Is.EqualTo(new[] { 0x21, 0x28, 0x2A, 0x23 }));
    }

    [Test]
    public void A_master_rotated_to_IR3_serves_the_slave_last()
    {
        var bench = new Pic8259Bench();
        bench.Out(0x20, 0xC2);
        bench.High(8, 1, 3);
        Assert.That(bench.Serve(), Is.EqualTo(new[] { 0x23, 0x21, 0x28 }));
    }

    [Test]
    public void Rotating_EOI_gives_equal_turns()
    {
        var bench = new Pic8259Bench();
        var order = new List<int>();
        bench.Out(0x4D0, 0x38);
        bench.High(3, 4, 5);
        for (int i = 0; i < 7; i++)
        {
            order.Add(bench.Inta() - 0x20);
            bench.Out(0x20, 0xA0);
        }

        Assert.That(order, Is.EqualTo(new[] { 3, 4, 5, 3, 4, 5, 3 }));
    }
}
