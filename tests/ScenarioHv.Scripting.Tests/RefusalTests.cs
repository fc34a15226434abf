namespace ScenarioHv.Scripting.Tests;

/// <summary>What is refused, where the message points (§), and what it says.</summary>
public sealed class RefusalTests
{
    private const string Main = "\nasync GuestTask Main(Cpu cpu) { await cpu.Hlt(); }\n";

    private ScriptFolder _folder = null!;

    private static NUnit.Framework.Constraints.ExactTypeConstraint<ScriptException> Refused => Throws.TypeOf<ScriptException>();

    [SetUp]
    public void SetUp() => _folder = new ScriptFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [TestCase("int x §= 3;", "assign the value at the beginning of Main")]
    [TestCase("Shared<int> word §= new(5);", "start as 0")]
    [TestCase("§static int x;", "private to a vCPU")]
    [TestCase("§readonly int x;", "const")]
    [TestCase("§var x = 3;", "names its type")]
    [TestCase("int[] §x;", "cannot be part of the machine's state")]
    [TestCase("string §name;", "cannot be part of the machine's state")]
    [TestCase("int? §x;", "cannot be part of the machine's state")]
    [TestCase("int a; double §x;", "Double has no place in state")]
    [TestCase("§nint x;", "its size differs between machines")]
    [TestCase("struct S { public float F; } S §x;", "Single has no place in state")]
    [TestCase("struct Big { public long A, B; } Shared<Big> §x;", "16 bytes; a shared word has at most 8")]
    [TestCase(
        "struct Big { public long A, B; } async GuestTask<Big> §F(Cpu cpu) { await cpu.Hlt(); return default; }",
        "a result has at most 8")]
    [TestCase("long F(Cpu cpu) => cpu.Deadline(5).§Cycle;", "an Instant into a number")]
    [TestCase("bool F(Cpu cpu) => cpu.Deadline(5) > §new Instant(100);", "an Instant into a number")]
    [TestCase("bool F(Cpu cpu) { Instant at = §new(100); return cpu.Expired(at); }", "an Instant into a number")]
    [TestCase("long F(Cpu cpu) => §cpu.Deadline(5) - cpu.Deadline(1);", "an Instant into a number")]
    [TestCase("int F(Cpu cpu) => $\"§{cpu.Deadline(5)}\".Length;", "an Instant into a number")]
    [TestCase("§class C { }", "only structs and enums")]
    [TestCase("§record R(int X);", "only structs and enums")]
    [TestCase("§interface I { }", "only structs and enums")]
    [TestCase("§delegate void D();", "only structs and enums")]
    [TestCase("struct S { §class C { } }", "only structs and enums")]
    [TestCase("struct S { §public static int Count; }", "shared between forks")]
    [TestCase("struct S { §public static int Count { get; set; } }", "shared between forks")]
    [TestCase("struct S { public int[] §Data; }", "'Data' is of type int[], a reference")]
    [TestCase(
        "[§System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Auto)] struct S { public int X; }",
        "packed")]
    [TestCase("§partial struct S { }", "partial")]
    [TestCase("int §X { get; set; }", "outside the machine")]
    [TestCase("int X { get => §field; set => field = value; }", "outside the machine")]
    [TestCase("int X => §field++;", "outside the machine")]
    [TestCase("§event Action e;", "nothing else at its top")]
    [TestCase("§await System.Threading.Tasks.Task.Yield();", "outside a method")]
    [TestCase("§int.Parse(\"1\");", "outside a method")]
    [TestCase("§[assembly: System.CLSCompliant(true)]", "attributes of the assembly")]
    [TestCase("§#r \"other.dll\"", "#r is not possible")]
    [TestCase("§#pragma warning disable CS4014", "#pragma is not possible")]
    [TestCase("§#line 7", "#line is not possible")]
    [TestCase("§#nullable enable", "#nullable is not possible")]
    [TestCase("async §System.Threading.Tasks.Task F(Cpu cpu) { await cpu.Hlt(); }", "returns GuestTask or GuestTask<T>")]
    [TestCase("async §void F(Cpu cpu) { await cpu.Hlt(); }", "returns GuestTask or GuestTask<T>")]
    [TestCase("async §HostTask F(Cpu cpu) { await cpu.Hlt(); }", "returns GuestTask or GuestTask<T>")]
    [TestCase("System.Collections.Generic.IEnumerable<int> F() { §yield return 1; }", "iterator")]
    [TestCase("int F(int n) { Func<int> f = () => §n; return f(); }", "'n' is captured by a lambda")]
    [TestCase("int F() { int n = 1; return G(); int G() => §n; }", "'n' is captured by a local function")]
    [TestCase("async GuestTask F(Cpu cpu) {\n    §cpu.Work(1);\n    await cpu.Hlt();\n}", "Put 'await' before the call")]
    [TestCase("void F(Cpu cpu) { §cpu.Eoi(); }", "Put 'await' before the call")]
    [TestCase("async GuestTask F(Cpu cpu) { var later = §cpu.Work(1); await later; }", "Put 'await' before the call")]
    [TestCase(
        "async GuestTask F(Cpu cpu) { _ = §G(cpu); await cpu.Hlt(); } async GuestTask G(Cpu cpu) { await cpu.Hlt(); }",
        "Put 'await' before the call")]
    public void Declaration_or_statement_is_refused(string marked, string message) =>
        Assert.That(_folder.Refusal(marked + Main).Message, Does.Contain(message));

    [TestCase(
        "async GuestTask F(Cpu cpu) { string §text = cpu.Id == 0 ? \"a\" : \"b\"; await cpu.Hlt(); await cpu.Report(text); }",
        "F keeps 'text', a string")]
    [TestCase("async GuestTask F(Cpu cpu) { var §list = new int[3]; await cpu.Hlt(); list[0] = 1; }", "F keeps 'list'")]
    [TestCase("async GuestTask F(Cpu cpu, string §text) { await cpu.Hlt(); await cpu.Report(text); }", "F keeps 'text', a string")]
    [TestCase(
        "async GuestTask F(Cpu cpu) {\n  double §x = cpu.Id; await cpu.Hlt(); if (x > 1) await cpu.Hlt(); }",
        "F keeps 'x', a floating-point number")]
    [TestCase(
        "async GuestTask F(Cpu cpu) { int n = 0; §foreach (var x in new int[2]) { n += x; await cpu.Work(n); } }",
        "a foreach over an array")]
    [TestCase(
        "async GuestTask F(Cpu cpu) { await cpu.Hlt(); §try { await cpu.Hlt(); } finally { await cpu.Hlt(); } }",
        "an await inside finally")]
    [TestCase(
        "async GuestTask F(Cpu cpu) { await G(cpu, \"\"); async GuestTask G(Cpu c, string §text) { await c.Hlt(); " +
            "await c.Report(text); } }",
        "keeps 'text', a string")]
    [TestCase(
        "async GuestTask F(Cpu cpu) { await cpu.Hlt(); } async GuestTask F(Cpu cpu, int n) { var §s = \"\"; await " +
            "cpu.Work(n); await cpu.Report(s + n); }",
        "F keeps 's'")]
    public void Frame_that_would_hold_a_reference_or_a_fraction_is_refused_at_its_declaration(string marked, string message) =>
        Assert.That(_folder.Refusal(marked + Main).Message, Does.Contain(message));

    [Test]
    public void Frame_is_proved_where_the_author_is_trusted_as_well()
    {
        const string Generic = "async GuestTask F<T>(Cpu cpu, T §x) { await cpu.Hlt(); await cpu.Report(x.ToString()); }";
        Assert.That(_folder.Refusal(Generic + Main, trusted: true).Message, Does.Contain("F keeps 'x'"));
    }

    [TestCase("int n;", "the script has no Main")]
    [TestCase("GuestTask §Main() => default;", "Main has to be declared as 'async GuestTask Main(Cpu cpu)'")]
    [TestCase("async GuestTask<int> §Main(Cpu cpu) { await cpu.Hlt(); return 1; }", "Main has to be declared as")]
    [TestCase(
        "async GuestTask §OnInterrupt(Cpu cpu, int vector) { await cpu.Eoi(); }\nasync GuestTask Main(Cpu cpu) { await cpu.Hlt(); }",
        "OnInterrupt(Cpu cpu, byte vector)")]
    [TestCase(
        "async GuestTask §OnNmi(Cpu cpu, byte vector) { await cpu.Hlt(); }\nasync GuestTask Main(Cpu cpu) { await cpu.Hlt(); }",
        "OnNmi(Cpu cpu)")]
    public void Entry_point_has_one_signature(string marked, string message) =>
        Assert.That(_folder.Refusal(marked).Message, Does.Contain(message));

    [TestCase("int n;\nasync GuestTask F(Cpu cpu) { n = 1; await cpu.§Wrok(1); }", "'Cpu' has no 'Wrok'; did you mean 'Work'? [CS1061]")]
    [TestCase("async GuestTask F(Cpu cpu) { await cpu.§Halt(); }", "'Cpu' has no 'Halt'; did you mean 'Hlt'? [CS1061]")]
    [TestCase("async GuestTask F(Cpu cpu) { await cpu.§Wrmsr(1, 2); }", "'Cpu' has no 'Wrmsr'; did you mean 'WriteMsr'? [CS1061]")]
    [TestCase("async GuestTask F(Cpu cpu) { await cpu.§Iret(); }", "'Cpu' has no 'Iret'; IRET comes by itself where a handler ends")]
    [TestCase("async GuestTask F(Cpu cpu) { await §Work(1); }", "there is no 'Work' here; did you mean 'cpu.Work'? [CS0103]")]
    [TestCase("async GuestTask F(Cpu cpu) { await §Wrok(1); }", "there is no 'Wrok' here; did you mean 'cpu.Work'? [CS0103]")]
    [TestCase("int count; int F() => §cuont;", "there is no 'cuont' here; did you mean 'count'? [CS0103]")]
    [TestCase("§Sharde<int> word;", "there is no type 'Sharde' here; did you mean 'Shared'? [CS0246]")]
    [TestCase("bool F(NestedExit exit) => exit.Is(ExitKind.§MsrWrit);", "'ExitKind' has no 'MsrWrit'; did you mean 'MsrWrite'? [CS0117]")]
    [TestCase("ulong F(NestedExit exit) => exit.§Reason;", "'NestedExit' has no 'Reason'; it has Code, ")]
    [TestCase("int F(List<int> list) => list.§Ad(1);", "'List<int>' has no 'Ad'; did you mean 'Add'? [CS1061]")]
    [TestCase("int a, b; §Foo c;", "'Foo'")]
    [TestCase("§using Missing.Namespace;", "Missing")]
    [TestCase("async GuestTask F(Cpu cpu) { for (int i = 0; i < §nn; i++) await cpu.Work(1); }", "'nn'")]
    [TestCase("async GuestTask F(Cpu cpu) { for (int i = 0; i < 3; i++) { int k = i; await cpu.Work(k); §oops(); } }", "'oops'")]
    [TestCase("async GuestTask F(Cpu cpu) { while (true) { int k = 1; await cpu.Work(k); if (k == 1) continue; §oops(); } }", "'oops'")]
    [TestCase("int n;   /* é */   int F() => §m;", "'m'")]
    [TestCase("int n; void F() { G(ref §n); } void G(ref int x) { }", "copy it to a local")]
    [TestCase(
        "struct S { public int X; } S s; async GuestTask<int> G(Cpu cpu) { await cpu.Hlt(); return 1; } async " +
            "GuestTask F(Cpu cpu) { §s.X += await G(cpu); }",
        "take the awaited value into a local first")]
    [TestCase("§unsafe void F() { }", "unsafe")]
    [TestCase("void F() { §System.Console.WriteLine(); }", "Console")]
    [TestCase("void F() { §dynamic x = 1; x.Y(); }", "'dynamic'")]
    public void Compiler_errors_have_the_place_in_the_script(string marked, string message)
    {
        var first = _folder.Refusal(marked.Replace("§", string.Empty, StringComparison.Ordinal) + Main);
        Assert.That(first.Message, Does.Contain(message));
        var at = marked.IndexOf('§', StringComparison.Ordinal);
        var line = marked[..at].Count(c => c == '\n') + 1;
        var start = at - marked[..at].LastIndexOf('\n');
        Assert.That(first.Line, Is.EqualTo(line), first.ToString());
        Assert.That(first.Column, Is.InRange(start, start + 12), first.ToString());
    }

    [Test]
    public void Error_behind_cleared_locals_has_its_true_column() =>
        Assert.That(
            _folder.Refusal("async GuestTask Main(Cpu cpu) { for (;;) { if (true) { int k = 1; await cpu.Work(k); } cpu.§Oops(); } }")
                .Message,
            Does.Contain("Oops"));

    [Test]
    public void Syntax_error_is_reported_alone() =>
        Assert.That(_folder.Refusal("class C { }\nint x = 3§\n" + Main).Message, Does.Contain("CS1002"));

    [Test]
    public void Message_is_path_line_column_text_and_shows_ten_at_most()
    {
        var lines = string.Concat(Enumerable.Range(1, 12).Select(i => $"int v{i} = {i};\n"));
        var error = Assert.Throws<ScriptException>(() => _folder.Load(lines + Main))!;
        var shown = error.Message.Split('\n');
        Assert.That(error.Diagnostics, Has.Count.EqualTo(12));
        Assert.That(shown, Has.Length.EqualTo(11));
        Assert.That(shown[0], Does.StartWith(Path.Combine(_folder.Path, "guest.csx") + ":1:8: 'v1' starts as 0"));
        Assert.That(shown[10], Is.EqualTo("... and 2 more."));
    }

    [TestCase("hyperv-rot.csx", "there is no such script; did you mean 'hyperv-root.csx'?")]
    [TestCase("guest.csx", "there is no such script. The folder has hyperv-root.csx.")]
    public void Script_that_does_not_exist_is_named_with_its_neighbours(string name, string message)
    {
        _folder.Write(Main, "hyperv-root.csx");
        Assert.That(() => Load(Path.Combine(_folder.Path, name)), Refused.With.Message.EndsWith($"{name}:1:1: {message}"));
    }

    [Test]
    public void Folder_is_not_a_script() =>
        Assert.That(() => Load(_folder.Path), Refused.With.Message.Contains("folder"));

    [TestCase(new byte[] { 0x7f, 0x45, 0x4c, 0x46, 0 }, "binary file")]
    [TestCase(new byte[] { 0x69, 0xff, 0xfe }, "not UTF-8")]
    [TestCase(new byte[] { 0xef, 0xbb, 0xbf }, "empty")]
    [TestCase(new byte[] { 0x20, 0x0a }, "empty")]
    public void File_that_is_no_text_is_refused(byte[] content, string message)
    {
        var path = _folder.Write(string.Empty);
        File.WriteAllBytes(path, content);
        Assert.That(() => Load(path), Refused.With.Message.Contains(message));
    }

    [Test]
    public void File_of_a_mebibyte_is_refused() =>
        Assert.That(() => _folder.Load(Main + new string(' ', 1 << 20)), Refused.With.Message.Contains("less than 1048576"));

    [Test]
    [Platform("Linux")]
    public void Device_that_never_ends_is_refused() =>
        Assert.That(() => Load("/dev/zero"), Refused.With.Message.Contains("less than 1048576"));

    private void Load(string path) => new ScriptLoader(_folder.Cache).Load(path, ScriptFolder.None);
}
