using System.Reflection;
using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Scripting.Tests;

/// <summary>Policy scripts of both shapes: what their compilation gives.</summary>
public sealed class PolicyTests
{
    private ScriptFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new ScriptFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    public void Method_Decide_makes_a_decision_and_its_result_says_for_which_points()
    {
        var program = _folder.LoadPolicy("TimerFire Decide(Situation now) => TimerFire.Pend;");
        Assert.That(program.Name, Is.EqualTo("policy.csx"));
        Assert.That(program.IsPlan, Is.False);
        Assert.That(program.Answer, Is.EqualTo(typeof(TimerFire)));
        Assert.That(((Func<Situation, TimerFire>)program.Decide!).Method.Name, Is.EqualTo("Decide"));
        Assert.That(program.Variables, Is.Null);
    }

    [Test]
    public void Property_Steps_makes_a_plan()
    {
        var program = _folder.LoadPolicy("LapicRestoreStep[] Steps => [Load, StartTimer, SyncHardware];");
        Assert.That(program.IsPlan, Is.True);
        Assert.That(program.Answer, Is.EqualTo(typeof(LapicRestoreStep)));
        Assert.That(program.Decide, Is.Null);
        Assert.That(program.Takes, Is.Null);
        Assert.That(program.Merges, Is.Null);
        Assert.That(program.Steps, Is.TypeOf<Func<LapicRestoreStep[]>>());
    }

    [Test]
    public void Guard_and_merging_of_a_plan_are_the_methods_Takes_and_Merges()
    {
        var program = _folder.LoadPolicy("""
            int purges;
            LapicRestoreStep[] Steps => [Purge, Load, StartTimer, SyncHardware];
            bool Takes(LapicRestoreStep step, Situation now) => step != Purge || purges++ < 3;
            bool Merges(LapicRestoreStep step) => step == Purge;
            """);
        Assert.That(program.Takes, Is.TypeOf<Func<LapicRestoreStep, Situation, bool>>());
        Assert.That(program.Merges, Is.TypeOf<Func<LapicRestoreStep, bool>>());
        Assert.That(program.Variables!.GetFields().Select(field => field.Name), Is.EqualTo(new[] { "purges" }));
    }

    [TestCase("ImmediateExitDecision Decide(Situation now) => SelfIpi(2);")]
    [TestCase("ImmediateExitDecision Decide(Situation now) => PreemptionTimer(now.Rip == 0 ? 1u : 0);")]
    [TestCase("static ImmediateExitDecision Decide(Situation now) { var d = SelfIpi(1); return d.Argument > 0 ? d : PreemptionTimer(0); }")]
    [TestCase("IoApicEoiDecision Decide(Situation now) => now.LineIsHigh ? Resend : Nothing;")]
    [TestCase("uint n; IoApicEoiDecision Decide(Situation now) => n++ > 3 ? Delay(9) : Resend; void EntryWritten(Situation now) => n = 0;")]
    [TestCase("PendingWhileDisabledPolicy Decide(Situation now) => PendingWhileDisabledPolicy.Dispensed;")]
    [TestCase("RestoredCount Decide(Situation now) => RestoredCount.Initial;")]
    [TestCase("NmiTracking Decide(Situation now) => now.NmiBlocked ? default : NmiTracking.VirtualNmi;")]
    [TestCase("using static ScenarioHv.Engine.Policies.TimerFire;\nTimerFire Decide(Situation now) => Pend;")]
    [TestCase("using Word = ScenarioHv.Engine.Policies.TimerFire;\nWord Decide(Situation now) => Word.Pend;")]
    [TestCase("const int Most = 3; int n; RestoreOrder Decide(Situation now) { n = Math.Min(n + 1, Most); return Order(n); } "
        + "RestoreOrder Order(int n) => n == Most ? RestoreOrder.MsrFirst : RestoreOrder.LapicFirst;")]
    [TestCase("Instant last; ulong rip; bool seen; struct P { public int X; } P p; "
        + "TimerFire Decide(Situation now) { p.X++; rip = now.Rip; last = Instant.Never; seen = true; return TimerFire.Pend; }")]
    [TestCase("TimerFire last; TimerFire Decide(Situation now) => "
        + "last = last == TimerFire.Pend ? TimerFire.DeliverIfApicv : TimerFire.Pend;")]
    [TestCase("TimerFire Decide(Situation now) => (now.HighestIrr, now.ApicvActive) switch { (-1, _) => TimerFire.Pend, "
        + "(_, true) => TimerFire.DeliverIfApicv, _ => TimerFire.DeliverInCallback };")]
    [TestCase("bool Is(Situation now, int v) => now.HasIrr(v) || now.HasIsr(v) || now.HasPir(v); "
        + "TimerFire Decide(Situation now) { for (var v = 0; v < 256; v++) if (Is(now, v)) return TimerFire.Pend; return default; }")]
    [TestCase("PostStep[] Steps() => [SetPir, SetOn, Notify];")]
    [TestCase("PostStep[] Steps => [SetPir, SetOn, ReadMode, Notify];")]
    [TestCase("EnterStep[] Steps { get { var list = new List<EnterStep>(); list.Add(default); return list.ToArray(); } }")]
    [TestCase("LapicSaveStep[] Steps => Twice(SyncPir); LapicSaveStep[] Twice(LapicSaveStep step) => [step, step, Copy];")]
    [TestCase("#!/usr/bin/env scenariohv\nLapicSaveStep[] Steps => [Copy];")]
    public void Compiles(string text) => Assert.That(_folder.LoadPolicy(text), Is.Not.Null);

    [Test]
    public void Every_enum_that_an_engine_point_consists_of_can_be_answered()
    {
        foreach (var type in PolicyAnswers.Decisions.Where(type => type.IsEnum))
        {
            var word = Enum.GetNames(type)[0];
            var program = _folder.LoadPolicy($"{type.Name} Decide(Situation now) => {type.Name}.{word};");
            Assert.That(program.Answer, Is.EqualTo(type), type.Name);
        }
    }

    [Test]
    public void Steps_of_every_plan_are_visible_without_the_name_of_the_enum()
    {
        foreach (var type in PolicyAnswers.Plans)
        {
            var program = _folder.LoadPolicy($"{type.Name}[] Steps => [{string.Join(", ", Enum.GetNames(type))}];", trusted: true);
            Assert.That(program.Steps!.DynamicInvoke(), Is.EqualTo(Enum.GetValues(type)), type.Name);
        }
    }

    /// <summary>A variable, a default value or an element of a new array of the type is then one of its words.</summary>
    [Test]
    public void Zero_is_a_member_of_every_enum_that_can_be_answered() =>
        Assert.That(
            PolicyAnswers.Decisions.Concat(PolicyAnswers.Plans).Where(type => type.IsEnum && !Enum.IsDefined(type, (byte)0)),
            Is.Empty);

    [Test]
    public void Everything_that_a_situation_shows_can_be_used()
    {
        var properties = typeof(Situation).GetProperties(BindingFlags.Instance | BindingFlags.Public)
            .Select(property => $"if (now.{property.Name} is var a_{property.Name}) n++;");
        var methods = typeof(Situation).GetMethods(BindingFlags.Instance | BindingFlags.Public | BindingFlags.DeclaredOnly)
            .Where(method => !method.IsSpecialName).Select(method => $"if (now.{method.Name}(3)) n++;");
        var uses = string.Concat(properties.Concat(methods));
        Assert.That(
            _folder.LoadPolicy($"TimerFire Decide(Situation now) {{ var n = 0; {uses} return n > 0 ? TimerFire.Pend : default; }}"),
            Is.Not.Null);
    }

    [Test]
    public void README_tells_everything_that_a_situation_shows()
    {
        var text = File.ReadAllText(Path.Combine(EditorTests.Scripts, "README.md"));
        var names = typeof(Situation).GetMembers(BindingFlags.Instance | BindingFlags.Public | BindingFlags.DeclaredOnly)
            .Where(member => member is PropertyInfo or MethodInfo { IsSpecialName: false })
            .Select(member => member is PropertyInfo ? $"`{member.Name}`" : $"`{member.Name}(vector)`").ToArray();
        Assert.That(names, Has.Length.EqualTo(21));
        Assert.That(names.Where(name => !text.Contains(name, StringComparison.Ordinal)), Is.Empty);
    }

    [Test]
    public void Variables_are_packed_in_the_order_of_their_declaration()
    {
        const string Text = "byte a; ulong b; bool c; TimerFire Decide(Situation now) { a++; b++; c = !c; return default; }";
        var type = _folder.LoadPolicy(Text).Variables!;
        Assert.That(type.StructLayoutAttribute!.Pack, Is.EqualTo(1));
        Assert.That(
            type.GetFields().OrderBy(field => field.MetadataToken).Select(field => field.Name),
            Is.EqualTo(new[] { "a", "b", "c" }));
    }
}
