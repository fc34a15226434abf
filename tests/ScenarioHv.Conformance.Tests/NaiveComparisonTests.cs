using ScenarioHv.Conformance.Tests.Naive;

namespace ScenarioHv.Conformance.Tests;

/// <summary>
/// The model against a second machine that was written from the manuals alone: 100 000 random lists of operations of the recordings' kind,
/// and as many with registers, modes and vectors that a recording has seldom.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class NaiveComparisonTests
{
    private const int Lists = 1000;
    private const ulong Seed = 0;

    private static readonly NaiveComparison Architectural =
        new(ConformancePreset.Architectural, (cpus, hasX2Apic) => new NaiveMachine(cpus, hasX2Apic));

    [Test]
    public void The_architectural_model_shows_what_the_manuals_say([Range(0, 99)] int thousand) =>
        Compare(thousand, number => OperationGenerator.Generate(Seed, number));

    [Test]
    public void It_does_so_with_registers_and_modes_that_recordings_have_seldom([Range(0, 99)] int thousand) =>
        Compare(thousand, RandomOps.Generate);

    // INIT, start-up, SMI and windows without end are refused by both, and end a list: few may.
    private static void Compare(int thousand, Func<int, Recording> generate)
    {
        int refused = 0;
        for (int number = thousand * Lists; number < (thousand + 1) * Lists; number++)
        {
            Recording list = generate(number);
            if (Architectural.Find(list, out bool isWhole) != null)
                Assert.Fail(Architectural.Report(list));
            refused += isWhole ? 0 : 1;
        }

        Assert.That(refused, Is.LessThan(Lists / 20));
    }
}
