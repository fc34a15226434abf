using ScenarioHv.Conformance;

namespace ScenarioHv.Witnesses.Tests;

/// <summary>This machine's KVM. Tests that need it are skipped where there is none.</summary>
[SetUpFixture]
internal sealed class LiveKvm
{
    private static readonly Lazy<object> Opened = new(Open);

    public static KvmWitnessSource Source
    {
        get
        {
            if (Opened.Value is string reason)
                Assert.Ignore(reason);
            return (KvmWitnessSource)Opened.Value;
        }
    }

    /// <summary>Executes operations, separated by semicolons, after power-on.</summary>
    /// <returns>What each showed.</returns>
    public static string[] Run(string ops, int cpus = 2, bool hasX2Apic = true)
    {
        using IWitness witness = Source.PowerOn(cpus, hasX2Apic);
        return [.. ops.Split(';').Select(op => witness.Execute(RecordedOp.Parse(op.Trim(), cpus)))];
    }

    [OneTimeTearDown]
    public void Close()
    {
        if (Opened.IsValueCreated && Opened.Value is KvmWitnessSource source)
            source.Dispose();
    }

    private static object Open()
    {
        try
        {
            return KvmWitnessSource.Open();
        }
        catch (WitnessUnavailableException problem)
        {
            return problem.Message;
        }
    }
}
