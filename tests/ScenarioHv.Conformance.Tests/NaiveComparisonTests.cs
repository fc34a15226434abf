using ScenarioHv.Conformance.Tests.Naive;

namespace ScenarioHv.Conformance.Tests;

/// <summary>The model against a second machine that was written from the manuals alone.</summary>
public sealed class NaiveComparisonTests
{
    [Test, Explicit]
    public void Explore()
    {
        int failures = 0;
        int refused = 0;
        var seen = new HashSet<string>();
        int count = int.Parse(Environment.GetEnvironmentVariable("SEEDS") ?? "2000");
        int max = int.Parse(Environment.GetEnvironmentVariable("SHOW") ?? "25");
        for (int seed = 0; seed < count; seed++)
        {
            RandomOps list = RandomOps.Of(seed);
            var ops = list.Ops;
            var difference = NaiveComparison.Find(ops, list.Cpus, list.HasX2Apic, out int executed);
            if (difference == null)
            {
                refused += executed < ops.Count ? 1 : 0;
                continue;
            }
            failures++;
            if (seen.Count < max)
            {
                string report = NaiveComparison.Report(seed, ops, list.Cpus, list.HasX2Apic);
                if (seen.Add(report))
                    TestContext.Out.WriteLine(report);
            }
        }
        TestContext.Out.WriteLine($"{failures} failures, {refused} refused of {count}");
    }
}
