using System.Reflection;
using System.Runtime.CompilerServices;

namespace ScenarioHv.Scripting.Tests;

/// <summary>
/// Runs state machines without a machine: their awaiter is always complete, so the method runs to its end, where the builder misses
/// its step and throws.
/// What the frame holds then is what a suspended frame would hold behind the scope.
/// </summary>
public sealed class DeadLocalTests
{
    private const BindingFlags All = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    private const string Tick = """
        readonly struct Tick : System.Runtime.CompilerServices.INotifyCompletion
        {
            public bool IsCompleted => true;
            public Tick GetAwaiter() => this;
            public void GetResult() { }
            public void OnCompleted(Action continuation) { }
        }
        async GuestTask Main(Cpu cpu) { await cpu.Hlt(); }
        bool Five(out int n) { n = 5; return true; }
        async GuestTask F(Cpu cpu, int sum)
        {

        """;

    private ScriptFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new ScriptFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [TestCase("if (sum == 0) { int x = 7; await new Tick(); sum += x; }", "x", 7)]
    [TestCase("for (int x = 0; x < 3; x++) { await new Tick(); sum += x; }", "x", 0 + 1 + 2)]
    [TestCase("for (int x = 0; x < 9; x++) { await new Tick(); if (x == 4) break; sum += x; }", "x", 0 + 1 + 2 + 3)]
    [TestCase("int i = 0; while (i < 3) { int x = i; i++; await new Tick(); sum += x; }", "x", 0 + 1 + 2)]
    [TestCase("int i = 0; while (i < 3) { int x = i + 10; i++; await new Tick(); if (x != 11) continue; sum += x; }", "x", 11)]
    [TestCase("while (true) { int x = 9; await new Tick(); sum += x; if (x == 9) break; }", "x", 9)]
    [TestCase("while (true) { int x = 9; { await new Tick(); sum += x; if (x == 9) break; } }", "x", 9)]
    [TestCase("do { int x = 3; await new Tick(); sum += x; } while (sum < 6);", "x", 6)]
    [TestCase("{ Five(out var x); await new Tick(); sum += x; }", "x", 5)]
    [TestCase("{ if (Five(out var x)) await new Tick(); sum += x; }", "x", 5)]
    [TestCase("{ var (x, y) = (2, 3); await new Tick(); sum += x * y; }", "x", 6)]
    [TestCase("try { int x = 4; await new Tick(); sum += x; } finally { sum *= 2; }", "x", 8)]
    [TestCase("switch (sum) { case 0: int x = 6; await new Tick(); sum += x; break; }", "x", 6)]
    [TestCase("for (int x = 0, y = 8; x < y; x++, y--) { await new Tick(); if (x == 1) continue; sum += y; }", "x", 8 + 6 + 5)]
    [TestCase("for (int x = 1; x < 3; x++) for (int y = 0; y < x; y++) { await new Tick(); sum += x; }", "x", 1 + 2 + 2)]
    [TestCase(
        "{ var e = new NestedExit { Kind = ExternalInterrupt, InterruptionInformation = 0x80000050 }; if " +
            "(e.Is(ExternalInterrupt, out var x)) await new Tick(); sum += x; }",
        "x",
        0x50)]
    [TestCase("if (sum == 0) { if (Five(out var x)) { int y = x; await new Tick(); sum += y + x; } else sum = 1; }", "x", 10)]
    [TestCase(
        "for (int x = 0; x < 3; x++) switch (x) { case 0: continue; case 1: int y = x; await new Tick(); sum += y; " +
            "break; default: for (;;) { await new Tick(); sum += 8; break; } break; }",
        "x",
        9)]
    [TestCase("int i = 0; again: for (int x = 0; x < 2; x++) { await new Tick(); sum += x + i; } if (i++ == 0) goto again;", "x", 1 + 3)]
    [TestCase("if (sum == 0) for (int x = 2; x > 0; x--) if (x == 1) break; else { await new Tick(); sum += x; } else sum = 99;", "x", 2)]
    public void Local_is_cleared_where_its_scope_ends_and_the_method_does_the_same(string body, string local, int sum)
    {
        var frame = Run(body);
        Assert.That(Hoisted(frame, "sum"), Is.EqualTo(new[] { sum }));
        Assert.That(Hoisted(frame, local), Is.EqualTo(new[] { 0 }), "hoisted, and cleared");
    }

    [Test]
    public void Local_of_the_whole_method_is_not_cleared()
    {
        var frame = Run("int x = 7; await new Tick(); sum += x;");
        Assert.That(Hoisted(frame, "x"), Is.EqualTo(new[] { 7 }));
    }

    [Test]
    public void Local_of_an_outer_scope_survives_a_continue_of_an_inner_loop()
    {
        var frame = Run("""
            for (int x = 0; x < 2; x++)
            {
                int k = 10;
                for (int y = 0; y < 2; y++) { await new Tick(); if (y == 0) continue; sum += k; }
                sum += k;
            }
            """);
        Assert.That(Hoisted(frame, "sum"), Is.EqualTo(new[] { 40 }));
    }

    [Test]
    public void Clearing_adds_no_field_to_a_frame()
    {
        var frame = _folder.Frame(Tick + "while (sum < 9) { int x = sum + 1; sum = x; await new Tick(); } }", "F");
        Assert.That(frame.GetFields(All).Where(field => field.Name.StartsWith("<x>", StringComparison.Ordinal)), Is.Empty);
    }

    [Test]
    public void Lines_and_columns_of_the_debug_information_are_those_of_the_script()
    {
        const string Text = """
            int n;
            async GuestTask Main(Cpu cpu)
            {
                for (int i = 0; i < 3; i++) { int k = i; await cpu.Work(k + 1); n += k; }
                await cpu.Hlt();
            }
            """;
        var points = Debugging.SequencePoints(_folder, Text);
        Assert.That(points, Does.Contain((4, 10)), "int i = 0");
        Assert.That(points, Does.Contain((4, 21)), "i < 3");
        Assert.That(points, Does.Contain((4, 28)), "i++");
        Assert.That(points, Does.Contain((4, 46)), "await cpu.Work");
        Assert.That(points, Does.Contain((4, 69)), "n += k");
        Assert.That(points, Does.Contain((5, 5)), "await cpu.Hlt");
        Assert.That(points.Max(point => point.Line), Is.EqualTo(6), "nothing outside the script");
    }

    private static int[] Hoisted(object frame, string local) =>
        [.. frame.GetType().GetFields(All)
            .Where(field => field.Name == local || field.Name.StartsWith($"<{local}>", StringComparison.Ordinal))
            .Select(field => Convert.ToInt32(field.GetValue(frame)!, null))];

    private object Run(string body)
    {
        var frame = Activator.CreateInstance(_folder.Frame(Tick + body + "\n}\n", "F"))!;
        frame.GetType().GetField("<>1__state", All)!.SetValue(frame, -1);
        Assert.That(() => ((IAsyncStateMachine)frame).MoveNext(), Throws.InstanceOf<InvalidOperationException>().With.Message.Contains("outside a step"));
        return frame;
    }
}
