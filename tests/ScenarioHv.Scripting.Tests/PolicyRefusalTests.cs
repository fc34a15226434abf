namespace ScenarioHv.Scripting.Tests;

/// <summary>What a policy script may not be, where the message points (§), and what it says.</summary>
public sealed class PolicyRefusalTests
{
    private const string Decision = "\nTimerFire Decide(Situation now) => TimerFire.Pend;\n";
    private const string Plan = "\nLapicRestoreStep[] Steps => [Purge, Load];\n";

    private ScriptFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new ScriptFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [TestCase("§const int N = 3;", "a policy script is a decision or a plan, and this one is neither. A decision is the method Decide: "
        + "'ImmediateExitDecision Decide(Situation now) => PreemptionTimer(0);' A plan is the property Steps: "
        + "'LapicRestoreStep[] Steps => [Purge, Load, StartTimer, SyncHardware];'")]
    [TestCase("ImmediateExitDecision §Desides(Situation now) => PreemptionTimer(0);", "did you mean 'Decide'?")]
    [TestCase("LapicRestoreStep[] §Step => [Purge];", "did you mean 'Steps'?")]
    [TestCase(
        "LapicSaveStep[] Steps => [Copy]; TimerFire §Decide(Situation now) => TimerFire.Pend;",
        "a decision or a plan, and this one is both")]
    [TestCase(
        "TimerFire Decide(Situation now) => TimerFire.Pend; LapicSaveStep[] §Steps => [Copy];",
        "a decision or a plan, and this one is both")]
    [TestCase("TimerFire Decide(Situation now) => default; TimerFire §Decide(int n) => default;", "there can be one of this name")]
    [TestCase(
        "IoApicEoiDecision Decide(Situation now) => Nothing; void §EntryWritten(int pin) { }",
        "EntryWritten has to be declared as 'void EntryWritten(Situation now)'.")]
    [TestCase(
        "uint n; IoApicEoiDecision Decide(Situation now) => Nothing; void §EntryWriten(Situation now) => n = 0;",
        "nothing asks 'EntryWriten': what hears that the redirection entry was written is called EntryWritten.")]
    [TestCase("TimerFire §Decide() => TimerFire.Pend;", "Decide has to be declared as 'TimerFire Decide(Situation now)'")]
    [TestCase("TimerFire §Decide(in Situation now) => TimerFire.Pend;", "Decide has to be declared as")]
    [TestCase("TimerFire §Decide(Situation now, int n) => TimerFire.Pend;", "Decide has to be declared as")]
    [TestCase("TimerFire §Decide => TimerFire.Pend;", "Decide has to be declared as a method")]
    [TestCase(
        "§int Decide(Situation now) => 1;",
        "Decide answers with ImmediateExitDecision, IoApicEoiDecision, or the enum of a point's words")]
    [TestCase("§bool Decide(Situation now) => true;", "not bool.")]
    [TestCase("§ImediateExitDecision Decide(Situation now) => PreemptionTimer(0);", "did you mean 'ImmediateExitDecision'?")]
    [TestCase("§DayOfWeek Decide(Situation now) => default;", "not DayOfWeek.")]
    [TestCase("enum Own { A } §Own Decide(Situation now) => default;", "not Own.")]
    [TestCase("§LapicSaveStep Decide(Situation now) => default;", "a plan has 'LapicSaveStep[] Steps => [...];' in place of Decide")]
    [TestCase("§TimerFire[] Steps => [];", "a decision has 'TimerFire Decide(Situation now)' in place of Steps")]
    [TestCase("§LapicRestorStep[] Steps => [Purge];", "did you mean 'LapicRestoreStep'?")]
    [TestCase("§int[] Steps => [1];", "Steps is an array of one of EnterStep, EoiStep,")]
    [TestCase("§List<LapicSaveStep> Steps => [Copy];", "Steps is an array of the steps of one plan")]
    [TestCase("LapicSaveStep[] §Steps(int n) => [Copy];", "or as a method without parameters")]
    [TestCase("§int Steps() => 1;", "Steps is an array of the steps of one plan")]
    [TestCase("LapicSaveStep[] §Steps = [Copy];", "Steps has to be declared as a property that is computed ('=>')")]
    public void Script_with_no_shape_is_told_what_shapes_there_are(string marked, string message) =>
        Assert.That(_folder.PolicyRefusal(marked).Message, Does.Contain(message));

    [TestCase("IoApicEoiDecision Decide(Situation now) => §Delay(1) with { Cycles = -5 };", "make another one instead")]
    [TestCase("IoApicEoiDecision Decide(Situation now) => §new(IoApicEoiAction.Delay, -5);", "of IoApicEoiDecision there is Delay,")]
    [TestCase("IoApicEoiDecision Decide(Situation now) => §new() { Cycles = -5 };", "of IoApicEoiDecision there is Delay,")]
    public void Decision_is_made_in_the_ways_that_there_are(string marked, string message) =>
        Assert.That(_folder.PolicyRefusal(marked).Message, Does.Contain(message));

    [Test]
    public void Guest_script_is_no_policy()
    {
        var message = _folder.PolicyRefusal("int n;\nasync GuestTask §Main(Cpu cpu) { await cpu.Hlt(); }").Message;
        Assert.That(message, Does.StartWith(
            "this is a guest script, since it has Main: a guest is named under 'guests', not under 'policies'. "
            + "A decision is the method Decide"));
    }

    [TestCase("int n;\nTimerFire §Decide(Situation now) => TimerFire.Pend;", "Decide")]
    [TestCase("LapicSaveStep[] §Steps => [Copy];", "Steps")]
    public void Policy_script_is_no_guest(string marked, string name) =>
        Assert.That(
            _folder.Refusal(marked).Message,
            Is.EqualTo($"this is a policy script, since it has {name} and no Main: a policy is named under 'policies' (or with --set), "
                + "not under 'guests'. A guest begins in 'async GuestTask Main(Cpu cpu)'."));

    [Test]
    public void Policy_has_no_main_line() =>
        Assert.That(
            _folder.PolicyRefusal("TimerFire Decide(Situation now) => TimerFire.Pend; void §Main() { }").Message,
            Is.EqualTo("a policy has no Main: it is asked through Decide, and waits for nothing."));

    [Test]
    public void Empty_file_is_told_the_least_of_either_shape() =>
        Assert.That(
            _folder.PolicyRefusal(" ").Message,
            Does.Contain("'ImmediateExitDecision Decide(Situation now) => PreemptionTimer(0);' or 'LapicRestoreStep[] Steps"));

    [TestCase(
        "bool §Takes(LapicRestoreStep step) => true;",
        "Takes has to be declared as 'bool Takes(LapicRestoreStep step, Situation now)'")]
    [TestCase("int §Takes(LapicRestoreStep step, Situation now) => 1;", "Takes has to be declared as")]
    [TestCase("bool §Takes(LapicSaveStep step, Situation now) => true;", "Takes has to be declared as")]
    [TestCase("bool §Takes => true;", "Takes has to be declared as")]
    [TestCase(
        "bool §Merges(LapicRestoreStep step, Situation now) => true;",
        "Merges has to be declared as 'bool Merges(LapicRestoreStep step)'")]
    [TestCase(
        "bool §Guard(LapicRestoreStep step, Situation now) => true;",
        "nothing asks 'Guard': what asks whether a step is taken is called Takes")]
    [TestCase("bool §Take(LapicRestoreStep step) => true;", "nothing asks 'Take'")]
    [TestCase("bool §Merge(LapicRestoreStep step) => true;", "nothing asks 'Merge': what says after which steps")]
    public void Guard_that_would_guard_nothing_is_refused(string marked, string message) =>
        Assert.That(_folder.PolicyRefusal(marked + Plan).Message, Does.Contain(message));

    [Test]
    public void Method_that_the_guard_uses_may_look_like_one() =>
        Assert.That(
            _folder.LoadPolicy("bool Early(LapicRestoreStep step, Situation now) => step == Purge; "
                + "bool Takes(LapicRestoreStep step, Situation now) => !Early(step, now);" + Plan).Takes,
            Is.Not.Null);

    [TestCase("bool §Takes(TimerFire step, Situation now) => true;", "Takes belongs to a plan, and with Decide this script is a decision")]
    [TestCase("bool §Merges(TimerFire step) => true;", "Merges belongs to a plan")]
    public void Decision_has_no_guards(string marked, string message) =>
        Assert.That(_folder.PolicyRefusal(marked + Decision).Message, Does.Contain(message));

    [TestCase(
        "LapicSaveStep[] Steps { get { n§++; return [Copy]; } } int n;",
        "'n' is in the machine, and a plan's steps are asked for before")]
    [TestCase("int n; LapicSaveStep[] Steps => All(); LapicSaveStep[] All() => new LapicSaveStep[§n];", "belongs into Takes")]
    [TestCase(
        "int n; LapicSaveStep[] Steps => All; LapicSaveStep[] All => Twice > 0 ? [Copy] : []; int Twice => 2 * §n;",
        "belongs into Takes")]
    public void Steps_depend_on_no_variable(string marked, string message)
    {
        var first = _folder.PolicyRefusal(marked.Replace("n§++", "§n++", StringComparison.Ordinal));
        Assert.That(first.Message, Does.Contain(message));
    }

    [TestCase("LapicRestoreStep[] Steps => [§Purg, Load];", "did you mean 'Purge'?")]
    [TestCase("LapicRestoreStep[] Steps => [LapicRestoreStep.§Lod];", "did you mean 'Load'?")]
    [TestCase("ImmediateExitDecision Decide(Situation now) => §PremptionTimer(0);", "did you mean 'PreemptionTimer'?")]
    [TestCase("ImmediateExitDecision Decide(Situation now) => ImmediateExitDecision.§SelfIpy(0);", "did you mean 'SelfIpi'?")]
    [TestCase("TimerFire Decide(Situation now) => now.§ApicActive ? default : TimerFire.Pend;", "did you mean 'ApicvActive'?")]
    [TestCase("TimerFire Decide(Situation now) => now.§HasPri(3) ? default : TimerFire.Pend;", "did you mean 'HasPir'?")]
    [TestCase("TimerFire Decide(Situation now) => TimerFire.§DeliverIfApic;", "did you mean 'DeliverIfApicv'?")]
    [TestCase("TimerFire F(§Sitation now) => TimerFire.Pend; TimerFire Decide(Situation now) => default;", "did you mean 'Situation'?")]
    [TestCase("uint count; TimerFire Decide(Situation now) { §conut++; return default; }", "did you mean 'count'?")]
    [TestCase(
        "TimerFire Decide(Situation now) { var border = 3; return now.Level > §bordr ? default : TimerFire.Pend; }",
        "did you mean 'border'?")]
    [TestCase(
        "TimerFire Decide(Situation now) => now.§Zzz > 0 ? default : TimerFire.Pend;",
        "'Situation' has no 'Zzz'; it has ApicvActive, ")]
    public void Mistyped_name_is_told_the_nearest(string marked, string message) =>
        Assert.That(_folder.PolicyRefusal(marked).Message, Does.Contain(message));

    [TestCase(
        "LapicSaveStep[] Steps { get { §while (true) ; } }",
        "The policy's code used up what one step may cost, and the end came in a loop")]
    [TestCase("LapicSaveStep[] Steps => All();\n§LapicSaveStep[] All() => All() ?? null;", "the end came in calls")]
    [TestCase("LapicSaveStep[] Steps => §new LapicSaveStep[1 << 30];", "the end came in an array")]
    [TestCase("LapicSaveStep[] Steps => [Copy, All()];\nLapicSaveStep All() { §throw new InvalidOperationException(\"no\"); }",
        "Steps does not give a plan: no (InvalidOperationException)")]
    [TestCase("§LapicSaveStep[] Steps => [];", "Steps does not give a plan: Steps gives 0 steps: a plan has 1..255.")]
    [TestCase("§LapicSaveStep[] Steps => null;", "Steps gives 0 steps")]
    [TestCase("§LapicSaveStep[] Steps => new LapicSaveStep[256];", "Steps gives 256 steps")]
    public void Steps_are_asked_for_when_the_script_is_loaded(string marked, string message)
    {
        Assert.That(_folder.PolicyRefusal(marked).Message, Does.Contain(message));
        Assert.That(_folder.PolicyRefusal(marked).Message, Does.Contain(message), "from the cache too");
    }

    [TestCase("§async TimerFire F() => default;", "waits for nothing: leave out 'async' and 'await'")]
    [TestCase("int F(int n) => §await G(n); int G(int n) => n;", "waits for nothing")]
    [TestCase("void F(§Cpu cpu) { }", "'Cpu' belongs to guests: a policy performs no operations")]
    [TestCase("§Shared<int> word;", "'Shared' belongs to guests")]
    [TestCase("§GuestTask F() => default;", "'GuestTask' belongs to guests")]
    [TestCase("void F(ScenarioHv.Engine.Guests.§NestedExit exit) { }", "belongs to guests")]
    [TestCase("int n §= 3;", "'n' starts as 0 in every machine, and a policy is not told of a beginning")]
    [TestCase("§static int n;", "one for each of what the policy is asked about")]
    [TestCase("string §last;", "cannot be part of the machine's state. Keep integers, enums, Instant or structs of them.")]
    [TestCase("double §x;", "Double has no place in state")]
    [TestCase("Situation §last;", "a Situation shows the machine while the policy is asked and not later")]
    [TestCase("TimerFire F() => Decide(§default(Situation));", "a Situation is given to the policy when it is asked")]
    [TestCase("TimerFire F() => Decide(§default);", "a Situation is given to the policy when it is asked")]
    [TestCase("TimerFire F() => Decide(§new Situation());", "a Situation is given to the policy when it is asked")]
    [TestCase("TimerFire F() => §(TimerFire)77;", "may be none of the members of TimerFire: name one, as in 'TimerFire.Pend'")]
    [TestCase("TimerFire F(TimerFire t) => §t + 1;", "may be none of the members of TimerFire")]
    [TestCase("TimerFire F(TimerFire t) => §~t;", "may be none of the members of TimerFire")]
    [TestCase("void F(TimerFire t) { §t++; }", "may be none of the members of TimerFire")]
    [TestCase("void F(TimerFire t) { §t |= TimerFire.DeliverIfApicv; }", "may be none of the members of TimerFire")]
    [TestCase("§class C { }", "only structs and enums")]
    [TestCase("§Console.WriteLine();", "a statement outside a method: a policy is asked through Decide or Steps")]
    [TestCase("§event Action e;", "a script has constants, variables, methods, computed properties, structs and enums, and nothing else")]
    public void Declaration_or_statement_is_refused(string marked, string message) =>
        Assert.That(_folder.PolicyRefusal(marked + Decision).Message, Does.Contain(message));
}
