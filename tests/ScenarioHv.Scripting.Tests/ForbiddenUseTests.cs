namespace ScenarioHv.Scripting.Tests;

/// <summary>What a script may not use, by whichever syntax it comes: each is refused at its place, with the reason.</summary>
public sealed class ForbiddenUseTests
{
    private const string Clock = "a guest has the clock of its machine: cpu.Deadline(cycles)";
    private const string Files = "a guest has no files";
    private const string Reflection = "nothing in it is looked up by name";

    private ScriptFolder _folder = null!;

    internal static IEnumerable<TestCaseData> Scripts =>
    [
        Try("a file to read", "void F() { var text = §System.IO.File.ReadAllText(\"/etc/passwd\"); }", Files),
        Try("a file to write", "void F() { §System.IO.File.WriteAllText(\"x\", \"y\"); }", Files),
        Try("a folder to delete", "void F() { §System.IO.Directory.Delete(\"x\", true); }", Files),
        Try("a stream", "void F() { var s = new §System.IO.MemoryStream(); }", Files, near: true),
        Try("a path", "void F() { var p = §System.IO.Path.GetTempPath(); }", Files),
        Try("a type of a file in a generic argument", "void F() { §var files = new List<System.IO.FileInfo>(); }", Files),
        Try("a file behind an alias", "using §Disk = System.IO.File;\nvoid F() { Disk.Delete(\"x\"); }", Files, near: true),
        Try("a file behind using static", "using static §System.IO.File;\nvoid F() { Delete(\"x\"); }", Files),
        Try("a file as a method group", "void F() { Action<string> f = §System.IO.File.Delete; }", Files),
        Try("a file as a field", "ref struct S { public §System.IO.FileStream File; }", Files),
        Try("a file as a parameter", "void F(§System.IO.Stream s) { }", Files),
        Try("an exception type in a catch", "void F() { try { } §catch (System.IO.IOException) { } }", Files),
        Try("a type in a pattern", "bool F(object o) => o is §System.IO.FileInfo;", Files),
        Try("nameof of a file", "string F() => nameof(§System.IO.File);", Files),
        Try("a process", "void F() { §System.Diagnostics.Process.Start(\"sh\"); }", "starts no processes", near: true),
        Try("this process", "int F() => §System.Environment.ProcessId;", "a guest has no environment"),
        Try("an exit of the process", "void F() { §Environment.Exit(0); }", "a guest has no environment"),
        Try("an end of the process at once", "void F() { §Environment.FailFast(\"x\"); }", "a guest has no environment"),
        Try("a variable of the environment", "string F() => §Environment.GetEnvironmentVariable(\"HOME\");", "cpu.Parameter(name)"),
        Try("a socket", "void F() { var s = new System.§Net.Sockets.TcpClient(); }", "a guest has no network", near: true),
        Try("the console", "void F() { §Console.WriteLine(1); }", "cpu.Report(text)"),
        Try("the wall clock", "long F() => §DateTime.Now.Ticks;", Clock),
        Try("a stopwatch", "long F() => §System.Diagnostics.Stopwatch.GetTimestamp();", Clock),
        Try("the ticks of the environment", "long F() => §Environment.TickCount64;", "a guest has no environment"),
        Try("a random number", "int F() => §new Random().Next();", "cpu.Choose(n)"),
        Try("the shared random numbers", "int F() => §Random.Shared.Next();", "cpu.Choose(n)"),
        Try("a new GUID", "bool F() => §Guid.NewGuid() == default;", "cpu.Choose(n)"),
        Try("a thread", "void F() { §new System.Threading.Thread(() => { }).Start(); }", "told apart by cpu.Id"),
        Try("a sleep", "void F() { §System.Threading.Thread.Sleep(1); }", "told apart by cpu.Id"),
        Try("a task of the system", "void F() { §System.Threading.Tasks.Task.Run(() => { }); }", "cpu.Work"),
        Try("a parallel loop", "void F() { §System.Threading.Tasks.Parallel.For(0, 9, i => { }); }", "", near: true),
        Try("a lock", "void F() { §lock (\"x\") { } }", "'lock' is not possible"),
        Try("typeof", "void F() { §var t = typeof(int); }", Reflection),
        Try("GetType", "void F() { var t = §1.GetType(); }", Reflection, near: true),
        Try("the method behind a delegate", "string F(Action a) => §a.Method.Name;", "", near: true),
        Try("an activator", "void F() { var x = §Activator.CreateInstance<int>(); }", Reflection),
        Try("an array by reflection", "void F() { var x = §Array.CreateInstance(null, 1); }", "nobody counts its elements"),
        Try("the target of an exception", "void F() { try { } catch (Exception e) { var m = §e.TargetSite; } }", "", near: true),
        Try(
            "a call of a native library",
            "[§System.Runtime.InteropServices.DllImport(\"libc\")] static extern int getpid();",
            "below the language", near: true),
        Try("unsafe access", "int F(int n) => §System.Runtime.CompilerServices.Unsafe.As<int, int>(ref n);", "below the language"),
        Try(
            "the memory of a struct",
            "void F(int n) { var s = §System.Runtime.InteropServices.MemoryMarshal.CreateSpan(ref n, 9); }",
            "below the language"),
        Try(
            "a module initialiser",
            "[§System.Runtime.CompilerServices.ModuleInitializer] static void F() { }",
            "below the language", near: true),
        Try(
            "a private member by an attribute",
            "[§System.Runtime.CompilerServices.UnsafeAccessor(default)] static extern int F();",
            "below the language", near: true),
        Try("the hash code of a text", "int F(string s) => §s.GetHashCode();", "hash codes differ from run to run"),
        Try("the hash code of an object", "int F() => §new object().GetHashCode();", "hash codes differ from run to run"),
        Try("a hash code as a method group", "Func<int> F(string s) => §s.GetHashCode;", "hash codes differ from run to run"),
        Try("combined hash codes", "int F() => §HashCode.Combine(1, 2);", "hash codes differ from run to run"),
        Try("a set without order", "void F() { var s = new §HashSet<int>(); }", "use SortedSet<T>", near: true),
        Try(
            "a dictionary without order",
            "void F() { var s = new §Dictionary<int, int>(); }",
            "use SortedDictionary<TKey, TValue>", near: true),
        Try("a culture", "string F(int n) => n.ToString(§System.Globalization.CultureInfo.CurrentCulture);", "", near: true),
        Try("texts in the order of a culture", "bool F(string a, string b) => §string.Compare(a, b) > 0;", "CompareOrdinal"),
        Try("a set in the order of a culture", "void F() { var s = new §SortedSet<string>(); }", "keys are integers", near: true),
        Try("the collector of memory", "void F() { §GC.Collect(); }", "not the laboratory's memory"),
        Try("a weak reference", "void F() { var w = new §WeakReference(null); }", "not the laboratory's memory", near: true),
        Try("a member bound at run time", "void F() { §dynamic x = 1; }", "'dynamic' is bound"),
        Try("a sine", "double F() => §Math.Sin(1);", "its last digits differ between machines"),
        Try("the machine behind the guest", "void F() { §var m = StepContext.Current; }", "it belongs to the laboratory"),
        Try("more budget", "void F() { §StepBudget.Room(-1, 1, 1, 1); }", "it belongs to the laboratory"),
        Try("an enumerator by hand", "void F(List<int> l) { var e = §l.GetEnumerator(); }", "", near: true),
        Try("an operation without await", "void F(Cpu cpu) { §cpu.Hlt().GetAwaiter(); }", "", near: true),
        Try("a query that is kept", "void F(List<int> l) { §var q = l.Where(n => n > 1); }", "end it where it is written", near: true),
        Try("a query as an object", "IEnumerable<int> F(List<int> l) => l;".Insert(0, "§"), "end it where it is written"),
        Try("a query expression", "void F(int[] a) { var n = (§from x in a from y in a select 1).Count(); }", "hides calls"),
        Try("a range without end", "int F() => §Enumerable.Range(0, int.MaxValue).Distinct().Count();", "write a for loop", near: true),
        Try("a sequence of one element", "int F() => §Enumerable.Repeat(1, int.MaxValue).Count();", "write a for loop", near: true),
        Try("growth by AddRange", "void F(List<int> l) { §l.AddRange(l); }", "add them one by one"),
        Try("growth by '..'", "int[] F(int[] a) => [§..a, ..a];", "nobody counts"),
        Try("growth by Replace", "string F(string s) => §s.Replace(\"x\", s);", "nobody counts its text"),
        Try("growth by Join", "string F(string[] s) => §string.Join(\"\", s);", "nobody counts its text"),
        Try("growth by a builder", "void F() { var b = new §System.Text.StringBuilder(); }", "nobody counts its text", near: true),
        Try("a text of a length", "string F() => §new string('x', 1 << 30);", "nobody counts its text"),
        Try("a wide format", "string F(int n) => n.ToString(\"D999999999\");".Replace("n.To", "§n.To"), "a format is X"),
        Try("a wide alignment", "string F(int n) => $\"{n,§1000000000}\";", "at most 100 characters"),
        Try("an array of two dimensions", "void F() { var a = §new int[1 << 15, 1 << 15]; }", "array of arrays"),
        Try("much of the stack", "void F() { Span<int> s = §stackalloc int[1 << 28]; }", "takes stack that nobody counts"),
        Try(
            "an enormous struct",
            "[System.Runtime.CompilerServices.InlineArray(1 << 28)] struct Big { byte _0; }\nvoid F() { §Big b; }",
            "at most 1024"),
        Try("a field that starts with a call", "struct S { public int X §= new S().X; public S() { } }", "before anything is counted"),
        Try(
            "a constructor that calls itself first",
            "struct S { public S(int n) §: this(new S(n), 1) { } S(S s, int n) { } }",
            "before anything is counted"),
        Try("a generic method that grows its type", "void F§<T>(T x) { F((x, x)); }", "type parameters are not possible"),
        Try("a loop in a finally", "void F() { try { while (true) ; } finally { §while (true) ; } }", "nothing could stop it"),
        Try("a call in a finally", "void F() { try { F(); } finally { §F(); } }", "nothing could stop it"),
        Try(
            "a filter of exceptions",
            "void F() { try { } catch (Exception) §when (F2()) { } } bool F2() => true;",
            "test in the catch block"),
        Try(
            "a using that disposes",
            "ref struct D { public void Dispose() { while (true) ; } }\nvoid F() { §using (new D()) { } }",
            "hides a finally"),
        Try(
            "an enumerator of its own",
            "struct E { public E GetEnumerator() => this; public bool MoveNext() => true; public int Current => 1; }\n"
            + "void F() { §foreach (var x in new E()) { } }", "foreach goes over arrays", near: true),
        Try(
            "an awaiter of its own",
            "struct A { public Op GetAwaiter() => default; }\nasync GuestTask F(Cpu cpu) { §await new A(); }",
            "", near: true),
        Try("delegates that double", "void F(Action a) { §a += a; }", "delegates are not added"),
    ];

    [SetUp]
    public void SetUp() => _folder = new ScriptFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [TestCaseSource(nameof(Scripts))]
    public void Is_refused(string marked, string reason, bool near)
    {
        var at = marked.IndexOf('§', StringComparison.Ordinal);
        var text = marked.Replace("§", string.Empty, StringComparison.Ordinal) + "\n" + ScriptFolder.EmptyMain;
        var first = Assert.Throws<ScriptException>(() => _folder.Load(text))!.Diagnostics[0];
        var before = marked[..at];
        var (line, column) = (before.Count(c => c == '\n') + 1, before.Length - before.LastIndexOf('\n'));

        Assert.That(first.Message, Does.Contain(reason));
        Assert.That(first.Line, Is.EqualTo(line), first.ToString());
        Assert.That(first.Column, near ? Is.InRange(column - 12, column + 12) : Is.EqualTo(column), first.ToString());
        Assert.That(Directory.Exists(_folder.CachePath), Is.False, "nothing is kept");
    }

    private static TestCaseData Try(string what, string marked, string reason, bool near = false) =>
        new TestCaseData(marked, reason, near).SetName($"Refused: {what}");
}
