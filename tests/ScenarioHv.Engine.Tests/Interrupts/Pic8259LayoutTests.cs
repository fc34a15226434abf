using ScenarioHv.Engine.Devices;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.State;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>
/// The states lie in the machine's bytes: no hidden padding, no references, sizes that are meant, and times declared as such.
/// </summary>
public sealed class Pic8259LayoutTests
{
    [TestCase(typeof(Pic8259), 12, new int[0])]
    [TestCase(typeof(Pic8259Pair), 26, new int[0])]
    [TestCase(typeof(TickInstant), 16, new[] { 0 })]
    [TestCase(typeof(Pit8254), 32, new[] { 0 })]
    [TestCase(typeof(PitReinjection), 8, new int[0])]
    [TestCase(typeof(Rtc), 48, new[] { 0, 16 })]
    [TestCase(typeof(HpetTimer), 24, new int[0])]
    [TestCase(typeof(HpetLegacyRoute), 80, new[] { 0 })]
    public void Fields_fill_the_struct(Type type, int size, int[] instants)
    {
        var rules = FieldRules.Of(type);
        Assert.That(rules.Size, Is.EqualTo(size));
        Assert.That(rules.Instants, Is.EqualTo(instants));
        Assert.That(type.IsLayoutSequential, Is.True);
    }
}
