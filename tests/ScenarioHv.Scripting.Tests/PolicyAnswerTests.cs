using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Scripting.Tests;

/// <summary>What policy scripts answer when a machine asks them.</summary>
public sealed class PolicyAnswerTests
{
    private const string Throttle = """
        // V. Kuznetsov's RFC of 28 March 2019: beyond 100 armings at one RIP the timer gets a delay.
        const uint Limit = 100, Delay = 1000;

        ulong lastRip;      // remembered for each loaded control structure
        uint count;

        ImmediateExitDecision Decide(Situation now)
        {
            count = now.Rip == lastRip ? Math.Min(count, Limit) + 1 : 0;
            lastRip = now.Rip;
            return PreemptionTimer(count > Limit ? Delay : 0);
        }
        """;

    private ScriptFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new ScriptFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    /// <summary>Runs of one address around the limit, and single ones: what the throttle tells apart.</summary>
    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    public void Throttle_of_2019_in_15_lines_decides_as_the_one_of_the_laboratory(int seed)
    {
        var machine = new PolicyMachine(_folder.LoadPolicy(Throttle));
        var rival = new Throttle(100, 1000);
        var memory = default(ImmediateExitMemory);
        var random = new Random(seed);
        var delays = 0;
        for (var runs = 0; runs < 40; runs++)
        {
            var rip = (ulong)random.Next(3);
            for (var rest = random.Next(4) switch { 0 => 1, 1 => random.Next(1, 10), _ => random.Next(95, 210) }; rest > 0; rest--)
            {
                var expected = rival.Decide(rip, ref memory);
                Assert.That(machine.Ask(rip), Is.EqualTo(expected));
                delays += expected.Argument == 1000 ? 1 : 0;
            }
        }

        Assert.That(delays, Is.GreaterThan(100), "both answers were given");
    }

    [Test]
    public void Variables_are_the_machines_own()
    {
        var program = _folder.LoadPolicy("uint count; ImmediateExitDecision Decide(Situation now) => SelfIpi(count++);");
        var (first, second) = (new PolicyMachine(program), new PolicyMachine(program));
        Assert.That(new[] { first.Ask().Argument, first.Ask().Argument, second.Ask().Argument }, Is.EqualTo(new[] { 0, 1, 0 }));
    }

    [Test]
    public void Exception_of_a_script_has_its_line_and_column()
    {
        var machine = new PolicyMachine(_folder.LoadPolicy("int zero;\nImmediateExitDecision Decide(Situation now)\n"
            + "{\n    return PreemptionTimer((uint)(1 / zero));\n}"));
        var frame = new System.Diagnostics.StackTrace(machine.Failure<DivideByZeroException>(), fNeedFileInfo: true).GetFrame(0)!;
        Assert.That(frame.GetFileName(), Is.EqualTo(Path.Combine(_folder.Path, "policy.csx")));
        Assert.That((frame.GetFileLineNumber(), frame.GetFileColumnNumber()), Is.EqualTo((4, 5)));
    }

    [Test]
    public void Vector_that_does_not_exist_is_an_error_of_the_script() =>
        Assert.That(
            new PolicyMachine(_folder.LoadPolicy("ImmediateExitDecision Decide(Situation now) => SelfIpi(now.HasIrr(256) ? 1u : 0);"))
                .Failure<GuestException>().Message,
            Does.Contain("256 is not a vector"));

    [Test]
    public void Helper_file_serves_policies_too()
    {
        _folder.Write("const uint Limit = 3;\nuint count;\nuint Next() => count = Math.Min(count + 1, Limit);", "counting.csx");
        var machine = new PolicyMachine(_folder.LoadPolicy(
            "#load \"counting.csx\"\nImmediateExitDecision Decide(Situation now) => SelfIpi(Next());"));
        Assert.That(Enumerable.Range(0, 5).Select(_ => machine.Ask().Argument), Is.EqualTo(new uint[] { 1, 2, 3, 3, 3 }));
    }

    [Test]
    public void Helper_file_may_hold_the_whole_plan()
    {
        _folder.Write("LapicSaveStep[] Steps => [Copy, SyncPir];", "plan.csx");
        var program = _folder.LoadPolicy("#load \"plan.csx\"\nbool Merges(LapicSaveStep step) => step == Copy;");
        Assert.That(program.IsPlan, Is.True);
        Assert.That(program.Merges, Is.Not.Null);
    }
}
