using System.Reflection;
using System.Runtime.Loader;
using Microsoft.Extensions.Logging;

namespace ScenarioHv.Scripting.Tests;

public sealed class CacheTests
{
    private ScriptFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new ScriptFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    private static NUnit.Framework.Constraints.ExactTypeConstraint<ScriptException> Refused => Throws.TypeOf<ScriptException>();

    private string[] Entries => Directory.Exists(_folder.CachePath) ? Directory.GetFiles(_folder.CachePath) : [];

    [Test]
    public void First_compilation_is_kept_and_the_second_comes_from_the_cache()
    {
        var log = new Lines();
        var (source, key) = _folder.Source(ScriptFolder.EmptyMain);
        var first = new ScriptLoader(_folder.Cache, log).Image(source, key);
        var second = new ScriptLoader(new ScriptCache(_folder.CachePath), log).Image(source, key);
        Assert.That(second.Dll, Is.EqualTo(first.Dll));
        Assert.That(second.Pdb, Is.EqualTo(first.Pdb));
        Assert.That(log.Text[0], Does.Match(@"Debug .*guest\.csx: compiled in \d+ ms"));
        Assert.That(log.Text[1], Does.Match(@"Debug .*guest\.csx: from cache"));
        Assert.That(Entries, Is.EqualTo(new[] { _folder.Cache.PathOf(key) }));
    }

    [Test]
    public void One_key_gives_the_same_bytes()
    {
        var (source, key) = _folder.Source(
            "int n; struct S { public int X; } async GuestTask Main(Cpu cpu) { for (int i = 0; i < n; i++) await cpu.Work(i + 1); }");
        var first = RoslynCompiler.Compile(source, key);
        var second = RoslynCompiler.Compile(source, key);
        Assert.That(second.Dll, Is.EqualTo(first.Dll));
        Assert.That(second.Pdb, Is.EqualTo(first.Pdb));
    }

    [Test]
    public void Key_changes_with_text_and_path_only()
    {
        var original = _folder.Source(ScriptFolder.EmptyMain).Key.Text;
        Assert.That(_folder.Source(ScriptFolder.EmptyMain).Key.Text, Is.EqualTo(original));
        Assert.That(_folder.Source(ScriptFolder.EmptyMain + " ").Key.Text, Is.Not.EqualTo(original));
        Assert.That(_folder.Source(ScriptFolder.EmptyMain, "other.csx").Key.Text, Is.Not.EqualTo(original));
        Assert.That(original, Does.Match("^[0-9a-f]{64}$"));
    }

    [Test]
    public void Key_says_whether_the_script_was_checked()
    {
        var source = _folder.Source(ScriptFolder.EmptyMain).Source;
        Assert.That(ScriptKey.Of(source, trusted: true).Text, Is.Not.EqualTo(ScriptKey.Of(source).Text));
    }

    [TestCase(0)]
    [TestCase(7)]
    [TestCase(8)]
    [TestCase(39)]
    [TestCase(71)]
    [TestCase(79)]
    [TestCase(200)]
    public void Entry_with_a_changed_byte_is_not_trusted(int at)
    {
        var (source, key) = _folder.Source(ScriptFolder.EmptyMain);
        var image = new ScriptLoader(_folder.Cache).Image(source, key);
        var entry = File.ReadAllBytes(_folder.Cache.PathOf(key));
        entry[at] ^= 1;
        File.WriteAllBytes(_folder.Cache.PathOf(key), entry);
        Assert.That(_folder.Cache.Read(key), Is.Null);
        Assert.That(new ScriptLoader(_folder.Cache).Image(source, key).Dll, Is.EqualTo(image.Dll));
        Assert.That(_folder.Cache.Read(key)!.Dll, Is.EqualTo(image.Dll), "compiled anew and kept");
    }

    [TestCase(0)]
    [TestCase(79)]
    [TestCase(80)]
    [TestCase(500)]
    public void Truncated_entry_is_not_trusted(int length)
    {
        var (source, key) = _folder.Source(ScriptFolder.EmptyMain);
        new ScriptLoader(_folder.Cache).Image(source, key);
        File.WriteAllBytes(_folder.Cache.PathOf(key), File.ReadAllBytes(_folder.Cache.PathOf(key))[..length]);
        Assert.That(_folder.Cache.Read(key), Is.Null);
    }

    [Test]
    public void Entry_under_another_name_is_not_trusted()
    {
        var (source, key) = _folder.Source(ScriptFolder.EmptyMain);
        new ScriptLoader(_folder.Cache).Image(source, key);
        var other = _folder.Source(ScriptFolder.EmptyMain + "// other").Key;
        File.Move(_folder.Cache.PathOf(key), _folder.Cache.PathOf(other));
        Assert.That(_folder.Cache.Read(other), Is.Null);
    }

    [Test]
    public void Refused_script_is_not_kept()
    {
        _folder.Refusal("§int.Parse(\"1\");" + ScriptFolder.EmptyMain);
        Assert.That(Entries, Is.Empty);
    }

    [Test]
    public void Refused_script_is_refused_again_under_the_name_that_is_given()
    {
        var path = _folder.Write("class C { }" + ScriptFolder.EmptyMain);
        var longer = Path.Combine(_folder.Path, ".", "guest.csx");
        var loader = new ScriptLoader(_folder.Cache);
        Assert.That(() => loader.Load(path, ScriptFolder.None), Refused.With.Message.StartsWith(path + ":1:1:"));
        Assert.That(() => loader.Load(longer, ScriptFolder.None), Refused.With.Message.StartsWith(longer + ":1:1:"));
    }

    [Test]
    public void Directory_that_cannot_be_written_costs_only_the_compilation()
    {
        var file = _folder.Write("this is a file", "occupied");
        var cache = new ScriptCache(Path.Combine(file, "cache"));
        var log = new Lines();
        Assert.That(new ScriptLoader(cache, log).Load(_folder.Write(ScriptFolder.EmptyMain), ScriptFolder.None).Main, Is.Not.Null);
        Assert.That(log.Text[^1], Does.Contain("cannot be written"));
    }

    [Test]
    public void Without_a_directory_nothing_is_kept() =>
        Assert.That(
            new ScriptLoader(new ScriptCache(null)).Load(_folder.Write(ScriptFolder.EmptyMain), ScriptFolder.None).Main,
            Is.Not.Null);

    [Test]
    public void Threads_share_one_compilation()
    {
        var path = _folder.Write("int n;" + ScriptFolder.EmptyMain);
        var log = new Lines();
        var loader = new ScriptLoader(_folder.Cache, log);
        var methods = new MethodInfo[8];
        Parallel.For(0, methods.Length, i => methods[i] = loader.Load(path, ScriptFolder.None).Main.Method);
        Assert.That(methods, Is.All.EqualTo(methods[0]));
        Assert.That(log.Text.Count(line => line.Contains("compiled in", StringComparison.Ordinal)), Is.EqualTo(1));
    }

    [Test]
    public void Writers_and_readers_of_one_entry_never_see_half_of_it()
    {
        var (source, key) = _folder.Source(ScriptFolder.EmptyMain);
        var image = RoslynCompiler.Compile(source, key);
        Assert.That(_folder.Cache.Write(key, image), Is.True);
        var torn = 0;
        Parallel.For(0, 200, i =>
        {
            var ok = i % 2 == 0 ? _folder.Cache.Write(key, image) : _folder.Cache.Read(key) is not null;
            Interlocked.Add(ref torn, ok ? 0 : 1);
        });
        Assert.That(torn, Is.Zero);
        Assert.That(Entries, Has.Length.EqualTo(1), "no temporary file stays");
    }

    [TestCase("/own", "/xdg", "/own")]
    [TestCase(null, "/xdg", "/xdg/scenariohv/scripts")]
    [TestCase("", "relative", "/local/scenariohv/scripts")]
    [TestCase(null, null, "/local/scenariohv/scripts")]
    public void Default_directory_follows_the_environment(string? own, string? xdg, string expected)
    {
        var environment = new Dictionary<string, string?> { ["SCENARIOHV_CACHE"] = own, ["XDG_CACHE_HOME"] = xdg };
        var found = ScriptCache.DefaultDirectory(name => environment[name], "/local");
        Assert.That(found!.Replace('\\', '/'), Is.EqualTo(expected));
    }

    [Test]
    public void Platform_without_a_place_for_a_cache_has_none() =>
        Assert.That(ScriptCache.DefaultDirectory(_ => null, string.Empty), Is.Null);

    [Test]
    public void Script_from_the_cache_is_loaded_without_the_compiler()
    {
        var path = _folder.Write("int n; " + ScriptFolder.EmptyMain);
        Assert.That(LoadIsolated(path), Has.Some.StartsWith("Microsoft.CodeAnalysis"), "the first time compiles");
        Assert.That(LoadIsolated(path), Has.None.StartsWith("Microsoft.CodeAnalysis"));
    }

    [TestCase("uint n; ImmediateExitDecision Decide(Situation now) => PreemptionTimer(n++);")]
    [TestCase("LapicRestoreStep[] Steps => [Purge, Load]; bool Takes(LapicRestoreStep step, Situation now) => now.ApicvActive;")]
    public void Policy_from_the_cache_is_loaded_without_the_compiler(string text)
    {
        var path = _folder.Write(text);
        Assert.That(LoadIsolated(path, policy: true), Has.Some.StartsWith("Microsoft.CodeAnalysis"), "the first time compiles");
        Assert.That(LoadIsolated(path, policy: true), Has.None.StartsWith("Microsoft.CodeAnalysis"));
    }

    [Test]
    public void Key_says_of_which_kind_the_script_is()
    {
        var source = _folder.Source(ScriptFolder.EmptyMain).Source;
        Assert.That(ScriptKey.Of(source, kind: ScriptKind.Policy).Text, Is.Not.EqualTo(ScriptKey.Of(source).Text));
    }

    /// <summary>Loads a script with copies of our assemblies, new to the process; returns the assemblies that they needed.</summary>
    private List<string> LoadIsolated(string path, bool policy = false)
    {
        var context = new Isolated();
        var scripting = context.LoadFromAssemblyPath(typeof(ScriptLoader).Assembly.Location);
        var cache = Activator.CreateInstance(scripting.GetType(typeof(ScriptCache).FullName!)!, _folder.CachePath);
        var loader = Activator.CreateInstance(scripting.GetType(typeof(ScriptLoader).FullName!)!, cache, null, false)!;
        var program = policy ? loader.GetType().GetMethod(nameof(ScriptLoader.LoadPolicy))!.Invoke(loader, [path])!
            : loader.GetType().GetMethod(nameof(ScriptLoader.Load))!.Invoke(loader, [path, ScriptFolder.None])!;
        Assert.That(program.GetType().Assembly, Is.Not.SameAs(typeof(Engine.Guests.GuestProgram).Assembly), "a copy of its own");
        return context.Needed;
    }

    private sealed class Isolated() : AssemblyLoadContext("isolated", isCollectible: false)
    {
        public List<string> Needed { get; } = [];

        protected override Assembly? Load(AssemblyName assemblyName)
        {
            Needed.Add(assemblyName.Name!);
            var engine = typeof(Engine.Guests.GuestProgram).Assembly;
            return assemblyName.Name == engine.GetName().Name ? LoadFromAssemblyPath(engine.Location) : null;
        }
    }

    private sealed class Lines : ILogger
    {
        public List<string> Text { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (Text)
            {
                Text.Add($"{logLevel} {formatter(state, exception)}");
            }
        }
    }
}
