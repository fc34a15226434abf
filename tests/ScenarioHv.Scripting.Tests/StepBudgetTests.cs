using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Scheduling;

namespace ScenarioHv.Scripting.Tests;

/// <summary>Scripts whose code does not come to its next operation: each is stopped, at the same place every time.</summary>
public sealed class StepBudgetTests
{
    private const string Main = "\nasync GuestTask Main(Cpu cpu) { await cpu.Work(10); F(); await cpu.Report(\"done\"); }";

    private ScriptFolder _folder = null!;

    internal static IEnumerable<TestCaseData> Endless =>
    [
        Try("while", "void F() { §while (true) { } }", "a loop"),
        Try("while without a body", "void F() { §while (true) ; }", "a loop"),
        Try("for", "void F() { §for (;;) ; }", "a loop"),
        Try("do", "void F() { §do { } while (true); }", "a loop"),
        Try("while with continue", "void F() { §while (true) continue; }", "a loop"),
        Try("nested loops", "void F() { for (var i = 0; i < 1 << 20; i++) §for (var j = 0; j < 1 << 20; j++) ; }", "a loop"),
        Try("a queue without end", "void F() { var l = new Queue<int>(); §while (true) l.Enqueue(1); }", "a loop"),
        Try("goto", "void F() { again: §goto again; }", "a goto"),
        Try("goto case", "void F() { switch (1) { case 1: §goto case 1; } }", "a goto"),
        Try("a method that calls itself", "§void F() { F(); }", "calls"),
        Try("an expression that calls itself", "§int G(int n) => G(n + 1) + 1; void F() { G(0); }", "calls"),
        Try("two methods that call each other", "void F() { G(); } void G() { F(); }", "calls", anywhere: true),
        Try("a local function that calls itself", "void F() { G(); §void G() => G(); }", "calls"),
        Try(
            "a lambda that calls itself",
            "int G(Func<object, int> f) => f(f); void F() { G(§o => ((Func<object, int>)o)(o) + 1); }",
            "calls"),
        Try("a getter", "§int P => P + 1; void F() { _ = P; }", "calls"),
        Try("an indexer", "struct S { §public int this[int n] => this[n + 1] + 1; } void F() { _ = new S()[1]; }", "calls"),
        Try(
            "an operator",
            "struct S { §public static S operator +(S a, S b) => a + b + a; } void F() { _ = new S() + new S(); }",
            "calls"),
        Try("a conversion", "struct S { §public static implicit operator int(S s) => s + 1; } void F() { int n = new S(); }", "calls"),
        Try("a constructor", "struct S { int x; §public S(int n) { x = new S(n + 1).x; } } void F() { _ = new S(1); }", "calls"),
        Try(
            "a text that asks for itself",
            "struct S { §public override string ToString() => ToString() + 1; } void F() { new S().ToString(); }",
            "calls"),
        Try(
            "a lambda in a library loop",
            "void F() { var a = new int[100]; while (true) a.Where(n => a2() > 0).Count(); } int a2() => 1;",
            "a loop", anywhere: true),
        Try("a loop under a catch of everything", "void F() { while (true) try { §while (true) ; } catch { } }", "a loop"),
        Try("a loop in a catch", "void F() { try { throw new Exception(); } catch { §while (true) ; } }", "a loop"),
        Try("exceptions in a loop", "void F() { while (true) try { throw new Exception(); } §catch (Exception) { } }", "exceptions"),
        Try("divisions by zero in a loop", "void F() { var z = 0; while (true) try { _ = 1 / z; } §catch { } }", "exceptions"),
        Try("recursion that catches", "void F() { try { F(); } catch { F(); } }", "calls", anywhere: true),
        Try("recursion with a finally", "int n; §void F() { try { F(); } finally { n++; } }", "calls"),
        Try("a large array", "void F() { var a = §new int[1 << 30]; }", "an array"),
        Try("an array of arrays", "void F() { for (var i = 0; i < 100; i++) { var a = §new long[100_000][]; } }", "an array"),
        Try("a text that doubles", "void F() { var s = \"x\"; while (true) s += §s; }", "a text"),
        Try("a text that doubles in holes", "void F() { var s = \"x\"; while (true) s = $\"{§s}{s}\"; }", "a text", anywhere: true),
        Try(
            "a text that doubles without a loop",
            "string G(string s) => s + s; void F() { G(G(G(G(G(G(G(G(G(G(G(G(G(G(G(G(\"x\")))))))))))))))); }",
            "a text", anywhere: true),
        Try("a list without end", "void F() { var l = new List<long>(); §for (;;) l.Add(1); }", "a loop"),
        Try("sorting over and over", "void F() { var a = new long[5_000]; §while (true) Array.Sort(a); }", "a loop"),
        Try("a search over and over", "void F() { var a = new List<int>(); §while (true) a.Contains(1); }", "a loop"),
    ];

    [SetUp]
    public void SetUp() => _folder = new ScriptFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [TestCaseSource(nameof(Endless))]
    public void Is_stopped(string marked, string what, bool anywhere)
    {
        var at = marked.IndexOf('§', StringComparison.Ordinal);
        var program = _folder.Load(marked.Replace("§", string.Empty, StringComparison.Ordinal) + Main);

        var first = Assert.Throws<StepBudgetException>(() => Run(program))!;
        Assert.That(first.Message, Does.Contain($"in {what} at line 1, column"));
        Assert.That((first.Line, first.Column), anywhere ? Is.Not.Null : Is.EqualTo((1, at + 1)));
        var second = Assert.Throws<StepBudgetException>(() => Run(program))!;
        Assert.That((second.Line, second.Column), Is.EqualTo((first.Line, first.Column)), "a count, not a clock");
    }

    [Test]
    public void Loop_behind_an_await_in_a_called_method_is_stopped_through_the_frames()
    {
        var program = _folder.Load("""
            async GuestTask Inner(Cpu cpu) { await cpu.Work(1); try { while (true) ; } catch { } }
            async GuestTask Main(Cpu cpu) { try { await Inner(cpu); } catch (Exception) { await cpu.Hlt(); } }
            """);
        var problem = Assert.Throws<StepBudgetException>(() => Run(program))!;
        Assert.That((problem.Line, problem.Column), Is.EqualTo((1, 59)));
    }

    [Test]
    public void Eleven_million_rounds_between_two_operations_are_too_many() =>
        Assert.That(
            () => Run(_folder.Load(
                "async GuestTask Main(Cpu cpu) { while (true) { for (var i = 0; i < 11_000_000; i++) ; await cpu.Work(1); } }")),
            Throws.TypeOf<StepBudgetException>());

    [Test]
    public void Each_step_has_the_whole_budget() =>
        Assert.That(
            Run(_folder.Load(
                "async GuestTask Main(Cpu cpu) { for (var n = 0; n < 9; n++) "
                + "{ for (var i = 0; i < 2_000_000; i++) ; await cpu.Work(1); } }")),
            Is.GreaterThan(9));

    [Test]
    public void Ordinary_use_of_collections_and_texts_is_within_the_budget() =>
        Assert.That(
            Run(_folder.Load("""
                int F()
                {
                    var list = new List<int>();
                    for (var i = 0; i < 100; i++)
                        list.Add(i * 7 % 31);
                    list.Sort();
                    var set = new SortedSet<int>();
                    foreach (var n in list.Where(n => n > 3).Distinct())
                        set.Add(n);
                    var table = new SortedDictionary<uint, string>();
                    table[3] = $"vector 0x{list[0]:x2} of {set.Count} {ExternalInterrupt}";
                    var sum = 0;
                    foreach (var (key, text) in table)
                        sum += text.Length + (int)key;
                    int[] counts = [1, 2, 3];
                    return sum + counts[^1] + list.OrderBy(n => -n).First() + Math.Max(1, 2) + System.Numerics.BitOperations.PopCount(7u);
                }
                async GuestTask Main(Cpu cpu)
                {
                    await cpu.Work(F());
                    try { throw new InvalidOperationException("x"); } catch (Exception) { }
                }
                """)),
            Is.GreaterThan(1));

    /// <summary>Runs a guest of one CPU to its end, at most 1000 steps; returns how many it took.</summary>
    private static int Run(GuestProgram program)
    {
        var engine = new StepEngine(new Board(new MachineConfig { Hypervisor = HypervisorKind.BareMetal, L1 = program }));
        var machine = engine.Create();
        var steps = 0;
        for (; steps < 1000 && engine.Next(machine) is { } actor; steps++)
        {
            engine.Step(machine, actor);
        }

        return steps;
    }

    private static TestCaseData Try(string what, string marked, string used, bool anywhere = false) =>
        new TestCaseData(marked, used, anywhere).SetName($"Stopped: {what}");
}
