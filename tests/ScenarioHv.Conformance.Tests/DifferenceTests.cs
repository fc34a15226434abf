namespace ScenarioHv.Conformance.Tests;

/// <summary>Each preset does what its implementation does, and the manual's what the manual says.</summary>
public sealed class DifferenceTests
{
    [TestCaseSource(typeof(Differences), nameof(Differences.All))]
    public void The_manual(Disagreement row) => Assert.That(On(row, ConformancePreset.Architectural), Is.EqualTo(row.Manual));

    [TestCaseSource(typeof(Differences), nameof(Differences.All))]
    public void Kvm(Disagreement row) => Assert.That(On(row, ConformancePreset.Kvm618), Is.EqualTo(row.Kvm));

    [TestCaseSource(typeof(Differences), nameof(Differences.All))]
    public void Qemu(Disagreement row) => Assert.That(On(row, ConformancePreset.Qemu72), Is.EqualTo(row.Qemu));

    [Test]
    public void All_of_them_are_differences() =>
        Assert.That(Differences.All.Where(row => row.Manual == row.Kvm && row.Kvm == row.Qemu), Is.Empty);

    private static string On(Disagreement row, ConformancePreset preset)
    {
        using var machine = new ConformanceMachine(preset, 1, hasX2Apic: false);
        return row.On(machine);
    }
}
