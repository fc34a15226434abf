namespace ScenarioHv.Cli.Tests;

/// <summary>What a run does while its command line is read.</summary>
public sealed class FirstCallsTests
{
    /// <summary>A command would hide that they fail, and only be slower.</summary>
    [Test]
    public void First_calls_succeed() => Assert.That(FirstCalls.Make, Throws.Nothing);
}
