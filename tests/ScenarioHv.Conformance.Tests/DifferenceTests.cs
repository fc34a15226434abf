using System.Globalization;
using ScenarioHv.Engine.Policies;

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

    [Test]
    public void Each_row_of_the_README_up_to_the_last_one_here_is_shown_and_each_policy_it_names_exists()
    {
        var rows = ReadmeRows().ToList();
        int last = Differences.All.Max(row => row.Row);
        Assert.That(rows.Select(row => int.Parse(row[0], CultureInfo.InvariantCulture)), Is.EqualTo(Enumerable.Range(1, rows.Count)));
        Assert.That(Differences.All.Select(row => row.Row).Distinct(), Is.EqualTo(Enumerable.Range(1, last)));
        var named = rows.SelectMany(row => row[^1].Split(',')).Select(name => name.Trim(' ', '`'));
        Assert.That(named.Where(name => ControllerPolicyTable.Find(name) is null), Is.Empty);
    }

    // Cells of the rows that begin with a number.
    private static IEnumerable<string[]> ReadmeRows()
    {
        string folder = TestContext.CurrentContext.TestDirectory;
        while (!File.Exists(Path.Combine(folder, "ScenarioHv.sln")))
            folder = Path.GetDirectoryName(folder)!;
        return File.ReadLines(Path.Combine(folder, "engine", "ScenarioHv.Conformance", "README.md"))
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal) && char.IsAsciiDigit(line[2]))
            .Select(line => line.Trim('|', ' ').Split(" | "));
    }

    private static string On(Disagreement row, ConformancePreset preset)
    {
        using var machine = new ConformanceMachine(preset, 1, hasX2Apic: false);
        return row.On(machine);
    }
}
