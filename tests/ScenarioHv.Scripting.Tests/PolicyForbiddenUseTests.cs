using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Scripting.Tests;

/// <summary>
/// The hostile scripts of guests as policies: each is refused at the same place, or stopped there, and is told nothing of what only guests
/// have.
/// </summary>
public sealed class PolicyForbiddenUseTests
{
    private const string Decision = "\nTimerFire Decide(Situation now) => TimerFire.Pend;\n";
    private const string Exit = "\nImmediateExitDecision Decide(Situation now) => default;\n";
    private const string Alone = "a policy on its Situation and its variables";
    private const string Clock = "a policy has no clock";
    private const string World = "a policy has its Situation and its variables and nothing else";

    private static readonly string[] GuestWords = ["Cpu", "StepContext", "StepBudget"];

    private ScriptFolder _folder = null!;

    /// <summary>Those that perform no operations of a guest.</summary>
    private static IEnumerable<TestCaseData> Hostile => ForbiddenUseTests.Scripts
        .Where(data => !GuestWords.Any(word => ((string)data.Arguments[0]!).Contains(word, StringComparison.Ordinal)))
        .Select(data => new TestCaseData(data.Arguments[0], data.Arguments[2]).SetName("Policy, " + data.TestName));

    private static IEnumerable<TestCaseData> Endless => StepBudgetTests.Endless
        .Select(data => new TestCaseData(data.Arguments).SetName("Policy, " + data.TestName));

    [SetUp]
    public void SetUp() => _folder = new ScriptFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [TestCaseSource(nameof(Hostile))]
    public void Is_refused_as_in_a_guest(string marked, bool near)
    {
        var at = marked.IndexOf('§', StringComparison.Ordinal);
        var first = _folder.PolicyRefusal(marked.Replace("§", string.Empty, StringComparison.Ordinal) + Decision);
        var before = marked[..at];
        var (line, column) = (before.Count(c => c == '\n') + 1, before.Length - before.LastIndexOf('\n'));

        Assert.That(first.Line, Is.EqualTo(line), first.ToString());
        Assert.That(first.Column, near ? Is.InRange(column - 12, column + 12) : Is.EqualTo(column), first.ToString());
        Assert.That(first.Message, Does.Not.Contain("cpu.").And.Not.Contain("a guest "));
        Assert.That(Directory.Exists(_folder.CachePath), Is.False, "nothing is kept");
    }

    [TestCase("void F() { §System.IO.File.Delete(\"x\"); }", "a policy has no files: it has its Situation")]
    [TestCase("void F() { §Console.WriteLine(1); }", World)]
    [TestCase("string F() => §Environment.GetEnvironmentVariable(\"HOME\");", World)]
    [TestCase("long F() => §DateTime.Now.Ticks;", Clock)]
    [TestCase("long F() => §System.Diagnostics.Stopwatch.GetTimestamp();", Clock)]
    [TestCase("int F() => §Random.Shared.Next();", Alone)]
    [TestCase("bool F() => §Guid.NewGuid() == default;", Alone)]
    [TestCase("void F() { §System.Threading.Thread.Sleep(1); }", "a policy answers within one step, and has no threads")]
    [TestCase("void F() { §System.Threading.Tasks.Task.Run(() => { }); }", "no threads and no tasks")]
    [TestCase("void F() { §GC.Collect(); }", "not the laboratory's process")]
    [TestCase("int F() => §ScenarioHv.Engine.Guests.StepBudget.Room(-1, 1, 1, 1);", "it belongs to guests")]
    [TestCase("int F() => §ScenarioHv.Engine.Guests.ScriptVariables.Of<int>();", "it belongs to guests")]
    [TestCase("int F() => §PolicyVariables.Of<int>();", "it belongs to the laboratory, not to the policy")]
    [TestCase("void F() { §var p = KvmPolicies.PurgeFirst; }", "it belongs to the laboratory, not to the policy")]
    [TestCase("void F() { var t = §new Throttle(1, 1); }", "it belongs to the laboratory, not to the policy")]
    [TestCase("void F() { var t = §new PolicyProgram(null, null); }", "it belongs to the laboratory, not to the policy")]
    [TestCase("string F(Situation now) => §SelfIpi(1).ToString();", "of ImmediateExitDecision there is PreemptionTimer, SelfIpi,")]
    [TestCase(
        "var F(Situation now) => §new ImmediateExitDecision(default, 1);",
        "of ImmediateExitDecision there is PreemptionTimer, SelfIpi,")]
    [TestCase("string F(TimerFire t) => §typeof(TimerFire).Name;", "nothing in it is looked up by name")]
    [TestCase("bool F() => §Enum.IsDefined(TimerFire.Pend);", "Of Enum there is")]
    public void Refusal_speaks_of_policies(string marked, string reason)
    {
        var first = _folder.PolicyRefusal(marked.Replace("var F", "object F", StringComparison.Ordinal)
            .Replace("§", string.Empty, StringComparison.Ordinal)
            + (marked.Contains("SelfIpi", StringComparison.Ordinal) ? Exit : Decision));
        Assert.That(first.Message, Does.Contain(reason));
        Assert.That(first.Line, Is.EqualTo(1));
    }

    [TestCaseSource(nameof(Endless))]
    public void Is_stopped_as_in_a_guest(string marked, string what, bool anywhere)
    {
        var at = marked.IndexOf('§', StringComparison.Ordinal);
        var program = _folder.LoadPolicy(marked.Replace("§", string.Empty, StringComparison.Ordinal)
            + "\nImmediateExitDecision Decide(Situation now) { F(); return default; }");
        var machine = new PolicyMachine(program);
        var first = machine.Failure<StepBudgetException>();
        Assert.That(first.Message, Does.StartWith("The policy's code").And.Contain($"in {what} at line 1, column"));
        Assert.That((first.Line, first.Column), anywhere ? Is.Not.Null : Is.EqualTo((1, at + 1)));
        var second = machine.Failure<StepBudgetException>();
        Assert.That((second.Line, second.Column), Is.EqualTo((first.Line, first.Column)), "a count, not a clock");
    }

    [Test]
    public void Guards_that_do_not_end_are_stopped()
    {
        var program = _folder.LoadPolicy("""
            LapicSaveStep[] Steps => [Copy];
            bool Takes(LapicSaveStep step, Situation now) { while (true) ; }
            bool Merges(LapicSaveStep step) => Merges(step) || true;
            """);
        var takes = (Func<LapicSaveStep, Situation, bool>)program.Takes!;
        var merges = (Func<LapicSaveStep, bool>)program.Merges!;
        Assert.That(Stopped(() => takes(default, default)).Line, Is.EqualTo(2));
        Assert.That(Stopped(() => merges(default)).Line, Is.EqualTo(3));
    }

    [Test]
    public void Without_checks_nothing_is_counted() =>
        Assert.That(
            _folder.LoadPolicy("LapicSaveStep[] Steps => [Copy];", trusted: true).Steps!.DynamicInvoke(),
            Is.EqualTo(new[] { LapicSaveStep.Copy }));

    /// <summary>Runs code as in a step of a machine.</summary>
    private static StepBudgetException Stopped(Action code)
    {
        StepContext.Enter(new StepContext(null!));
        try
        {
            return Assert.Throws<StepBudgetException>(() => code())!;
        }
        finally
        {
            StepContext.Leave();
        }
    }
}
