using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.State;

namespace ScenarioHv.Scripting.Tests;

public sealed class CompilationTests
{
    private const BindingFlags Members = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    private ScriptFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new ScriptFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    public void Script_with_every_entry_point_gives_a_program()
    {
        var program = _folder.Load("""
            const byte UsbVector = 0x50, ClockVector = 0x60;
            bool rootBusy;
            Shared<int> mailbox;
            async GuestTask Main(Cpu cpu)
            {
                while (true)
                {
                    var exit = await cpu.VmResume(at: 0xfffff80006a40115);
                    if (exit.Is(ExternalInterrupt, out var vector))
                        await Serve(cpu, vector);
                }
            }
            async GuestTask Serve(Cpu cpu, byte vector)
            {
                rootBusy = vector == UsbVector;
                if (vector == ClockVector) cpu.InjectIntoL2(ClockVector);
                await mailbox.Write(cpu, 1);
                await cpu.Eoi(at: 0xfffff80006a17e1a);
            }
            async GuestTask OnInterrupt(Cpu cpu, byte vector) { await cpu.Eoi(); }
            async GuestTask OnNmi(Cpu cpu) { await cpu.Work(10); }
            """);
        Assert.That(program.Name, Is.EqualTo("guest.csx"));
        Assert.That(program.Main.Method.Name, Is.EqualTo("Main"));
        Assert.That(program.OnInterrupt!.Method.Name, Is.EqualTo("OnInterrupt"));
        Assert.That(program.OnNmi!.Method.Name, Is.EqualTo("OnNmi"));
        Assert.That(program.SharedWords, Is.EqualTo(1));
        Assert.That(program.Variables, Is.Not.Null);
    }

    [Test]
    public void Handlers_variables_and_shared_words_are_optional()
    {
        var program = _folder.Load(ScriptFolder.EmptyMain);
        Assert.That(program.OnInterrupt, Is.Null);
        Assert.That(program.OnNmi, Is.Null);
        Assert.That(program.Variables, Is.Null);
        Assert.That(program.SharedWords, Is.Zero);
    }

    [TestCase(
        "async GuestTask<int> F(Cpu cpu) { await cpu.Work(1); return 3; } async GuestTask Main(Cpu cpu) { int n = " +
            "await F(cpu); await cpu.Work(n); }")]
    [TestCase(
        "int total; async GuestTask<int> F(Cpu cpu) { await cpu.Work(1); return 3; } async GuestTask Main(Cpu cpu) { " +
            "total += await F(cpu); }")]
    [TestCase("async GuestTask Main(Cpu cpu) { try { await cpu.Work(1); } finally { cpu.RequestInterruptWindow(false); } }")]
    [TestCase("async GuestTask Main(Cpu cpu) { try { await cpu.Work(1); } catch (InvalidOperationException) { await cpu.Work(2); } }")]
    [TestCase("async GuestTask Main(Cpu cpu) { for (int i = 0; i < 3; i++) for (int j = 0; j < i; j++) await cpu.Work(i + j + 1); }")]
    [TestCase("async GuestTask Main(Cpu cpu) { var end = cpu.Deadline(100); while (!cpu.Expired(end)) await cpu.Work(10); }")]
    [TestCase(
        "struct Box { public int X; public byte Y; } Box box; async GuestTask Main(Cpu cpu) { box.X = 3; await " +
            "cpu.Work(box.X); box = default; }")]
    [TestCase("enum Mode : byte { Off, On } Mode mode; async GuestTask Main(Cpu cpu) { mode = Mode.On; await cpu.Work((long)mode); }")]
    [TestCase(
        "Instant end; async GuestTask Main(Cpu cpu) { end = cpu.Deadline(5); await cpu.Work(1); if (cpu.Expired(end)) " +
            "end = Instant.Never; }")]
    [TestCase("ExitKind last; async GuestTask Main(Cpu cpu) { last = (await cpu.VmResume()).Kind; }")]
    [TestCase("using static System.Math; async GuestTask Main(Cpu cpu) { await cpu.Work(Max(1, 2)); }")]
    [TestCase("using Word = System.UInt32; Word last; async GuestTask Main(Cpu cpu) { last = await cpu.MmioRead(0xfee00020); }")]
    [TestCase("int a, b = 0, c = default; async GuestTask Main(Cpu cpu) { a = b + c; await cpu.Work(a); }")]
    [TestCase(
        "ReadOnlySpan<byte> Table => [1, 2, 3]; async GuestTask Main(Cpu cpu) { for (int i = 0; i < 3; i++) await " +
            "cpu.Work(Table[i]); }")]
    [TestCase("const int N = 3; int Twice(int n) => 2 * n; async GuestTask Main(Cpu cpu) { await cpu.Work(Twice(N)); }")]
    [TestCase("static int Twice(int n) => 2 * n; async GuestTask Main(Cpu cpu) { await cpu.Work(Twice(1)); }")]
    [TestCase(
        "GuestTask Both(Cpu cpu) => One(cpu); async GuestTask One(Cpu cpu) { await cpu.Hlt(); } async GuestTask " +
            "Main(Cpu cpu) { await Both(cpu); }")]
    [TestCase("async GuestTask Main(Cpu cpu) { await Inner(cpu, 1); async GuestTask Inner(Cpu c, int n) { await c.Work(n); } }")]
    [TestCase("private struct P { internal int X; } P p; async GuestTask Main(Cpu cpu) { p.X++; await cpu.Hlt(); }")]
    [TestCase("#!/usr/bin/env scenariohv\nasync GuestTask Main(Cpu cpu) { await cpu.Hlt(); }")]
    [TestCase("#if NEVER\n#load \"gone.csx\"\n#endif\n#region r\nasync GuestTask Main(Cpu cpu) { await cpu.Hlt(); }\n#endregion")]
    [TestCase("async GuestTask Main(Cpu cpu) { switch (cpu.Id) { case 0: int n = 1; await cpu.Work(n); break; default: break; } }")]
    [TestCase("async GuestTask Main(Cpu cpu) { again: { int n = 1; await cpu.Work(n); if (n == 2) goto again; } }")]
    [TestCase("async GuestTask Main(Cpu cpu) { if (cpu.Id == 0) for (;;) { var (a, b) = (1, 2); await cpu.Work(a + b); } }")]
    [TestCase(
        "async GuestTask<int> F(Cpu cpu) { while (true) { int n = cpu.Id; await cpu.Work(1); return n; } } async " +
            "GuestTask Main(Cpu cpu) { await F(cpu); }")]
    [TestCase("async GuestTask Main(Cpu cpu) { await cpu.Hlt(); } // no line end")]
    [TestCase("async GuestTask Main(Cpu cpu) { await cpu.Work(int.MaxValue + cpu.Id > 0 ? 1 : 2); }")]
    [TestCase("record struct P(int X, byte Y); P p; async GuestTask Main(Cpu cpu) { p.X = 2; p = p with { Y = 3 }; await cpu.Work(p.X); }")]
    [TestCase(
        "[System.Runtime.CompilerServices.InlineArray(4)] struct Four { byte _0; } Four v; async GuestTask Main(Cpu " +
            "cpu) { v[1] = 2; await cpu.Work(v[1]); }")]
    [TestCase(
        "/// <summary>A count.</summary>\nint @class, /* second */ b /* end */ ; // tail\nasync GuestTask Main(Cpu " +
            "cpu) { @class++; b++; await cpu.Hlt(); }")]
    [TestCase("int x; async GuestTask Main(Cpu cpu) { Func<int, int> twice = static n => 2 * n; x = twice(1); await cpu.Work(x); }")]
    [TestCase(
        "Shared<ulong> w; async GuestTask Main(Cpu cpu) { while (await w.Exchange(cpu, 1) != 0) { } await w.Write(cpu, " +
            "await w.Read(cpu) + 1); }")]
    [TestCase(
        "int n; async GuestTask Main(Cpu cpu) { n += await F(cpu) + await F(cpu); } async GuestTask<int> F(Cpu cpu) { " +
            "await cpu.Hlt(); return n; }")]
    [TestCase(
        "async GuestTask Main(Cpu cpu) { if (cpu.Id == 0) { int a = 1; await cpu.Work(a); return; } while (true) { int " +
            "b = 2; await cpu.Work(b); throw new InvalidOperationException(); } }")]
    public void Compiles(string text) => Assert.That(_folder.Load(text).Main, Is.Not.Null);

    [TestCase(
        "struct Box<T> where T : unmanaged { public T V; public struct In { public int Z; } } Box<byte> b; Box<int>.In " +
            "z; async GuestTask Main(Cpu cpu) { b.V++; z.Z++; await cpu.Hlt(); }")]
    [TestCase(
        "[System.Runtime.CompilerServices.MethodImpl(256)] int One() => 1; [Obsolete] [Serializable] enum E { A } " +
            "async GuestTask Main(Cpu cpu) { await cpu.Work(One()); }")]
    public void Compiles_where_the_author_is_trusted(string text) =>
        Assert.That(_folder.Load(text, trusted: true).Main, Is.Not.Null);

    [TestCase("a b (1), c.csx")]
    [TestCase("ünï.csx")]
    [TestCase("no-extension")]
    public void Name_of_a_script_is_any_file_name(string name)
    {
        var program = new ScriptLoader(_folder.Cache).Load(_folder.Write(ScriptFolder.EmptyMain, name), ScriptFolder.None);
        Assert.That(program.Name, Is.EqualTo(name));
    }

    [Test]
    public void Windows_line_ends_and_a_byte_order_mark_are_text() =>
        Assert.That(
            _folder.Load("\ufeff// c\r\nint n;\r\nasync GuestTask Main(Cpu cpu)\r\n{\r\n    n++;\r\n  await cpu.Hlt();\r\n}\r\n").Main,
            Is.Not.Null);

    [Test]
    public void Variables_are_packed_in_the_order_of_their_declaration()
    {
        const string Declarations = "struct Pair { public byte A; public long B; } byte a; ulong b; Pair pair; bool c;";
        var type = _folder.Load(Declarations + ScriptFolder.EmptyMain).Variables!;
        Assert.That(type.StructLayoutAttribute!.Pack, Is.EqualTo(1));
        var names = type.GetFields().OrderBy(field => field.MetadataToken).Select(field => field.Name);
        Assert.That(names, Is.EqualTo(new[] { "a", "b", "pair", "c" }));
        var size = (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;
        Assert.That(size, Is.EqualTo(1 + 8 + (1 + 8) + 1));
        Assert.That(() => FieldRules.Of(type), Throws.Nothing);
    }

    [TestCase("int v;", false)]
    [TestCase("bool v;", false)]
    [TestCase("Instant v;", false)]
    [TestCase("enum E { A } E v;", false)]
    [TestCase("struct S { public int X; } S v;", true)]
    public void Variable_is_a_value_unless_its_fields_can_be_assigned(string declaration, bool byReference)
    {
        var property = _folder.Script(declaration + ScriptFolder.EmptyMain).GetProperty("v", Members)!;
        Assert.That(property.PropertyType.IsByRef, Is.EqualTo(byReference));
    }

    [Test]
    public void Shared_words_are_numbered_from_0_in_the_order_of_their_declaration()
    {
        var script = _folder.Script("Shared<int> first, second; int between; Shared<bool> third;" + ScriptFolder.EmptyMain);
        int Word(string name)
        {
            var handle = script.GetProperty(name, Members)!.GetValue(null)!;
            return (int)handle.GetType().GetFields(BindingFlags.Instance | BindingFlags.NonPublic).Single().GetValue(handle)!;
        }

        Assert.That(new[] { Word("first"), Word("second"), Word("third") }, Is.EqualTo(new[] { 0, 1, 2 }));
        Assert.That(script.GetField("__SharedWords")!.GetRawConstantValue(), Is.EqualTo(3));
    }

    [Test]
    public void Frames_are_structs()
    {
        var frame = _folder.Frame("async GuestTask Main(Cpu cpu) { for (int i = 0; i < 3; i++) await cpu.Work(1); }", "Main");
        Assert.That(frame.IsValueType, Is.True);
        Assert.That(FrameProof.Problem(frame), Is.Null);
    }

    [TestCase("int F(int n) => §1 / n;")]
    [TestCase("int F(int n) =>\n    §1 / n;")]
    [TestCase("int P => §1 / n; int n;")]
    [TestCase("int P { get => §1 / n; } int n;")]
    [TestCase("int F(int[] a) => a.Select(n => §1 / n).Sum();")]
    [TestCase("string F(string a) => §a + a;")]
    public void Expression_in_the_place_of_a_body_begins_where_it_stands(string marked)
    {
        var before = marked[..marked.IndexOf('§', StringComparison.Ordinal)];
        var points = Debugging.SequencePoints(
            _folder, marked.Replace("§", string.Empty, StringComparison.Ordinal) + "\n" + ScriptFolder.EmptyMain);
        var last = marked.Count(c => c == '\n') + 2;
        Assert.That(
            points,
            Has.Member((before.Count(c => c == '\n') + 1, before.Length - before.LastIndexOf('\n'))));
        Assert.That(points.Where(point => point.Line < last && point.Column > marked.Split('\n')[point.Line - 1].Length), Is.Empty);
    }

    [Test]
    public void Arithmetic_wraps_as_it_does_on_a_processor()
    {
        var method = _folder.Script("byte Next(byte b) { b += 1; return b; } " + ScriptFolder.EmptyMain).GetMethod("Next", Members)!;
        Assert.That(method.Invoke(null, [(byte)255]), Is.EqualTo((byte)0));
    }

    [Test]
    public void Parameters_are_given_to_the_program_as_a_copy()
    {
        var given = new Dictionary<string, long> { ["rate"] = 7 };
        var program = new ScriptLoader(_folder.Cache).Load(_folder.Write(ScriptFolder.EmptyMain), given);
        given["rate"] = 8;
        Assert.That(program.Parameters, Is.EqualTo(new Dictionary<string, long> { ["rate"] = 7 }));
    }

    [Test]
    public void Every_script_has_a_load_context_of_its_own()
    {
        using var other = new ScriptFolder();
        var first = AssemblyLoadContext.GetLoadContext(_folder.Script(ScriptFolder.EmptyMain).Assembly);
        var second = AssemblyLoadContext.GetLoadContext(other.Script(ScriptFolder.EmptyMain).Assembly);
        Assert.That(first, Is.Not.SameAs(second));
        Assert.That(first, Is.Not.SameAs(AssemblyLoadContext.Default));
    }
}
