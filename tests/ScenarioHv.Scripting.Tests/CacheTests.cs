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
    [TestCase(72)]
    [TestCase(83)]
    [TestCase(84)]
    [TestCase(2000)]
    public void Entry_with_a_changed_byte_is_compiled_anew_and_kept(int at) => AssertRepaired((path, entry) =>
    {
        entry[at] ^= 1;
        File.WriteAllBytes(path, entry);
    });

    [TestCase(0)]
    [TestCase(83)]
    [TestCase(84)]
    [TestCase(500)]
    public void Truncated_entry_is_compiled_anew_and_kept(int length) =>
        AssertRepaired((path, entry) => File.WriteAllBytes(path, entry[..length]));

    [Test]
    public void Entry_with_bytes_behind_its_end_is_compiled_anew_and_kept() =>
        AssertRepaired((path, entry) => File.WriteAllBytes(path, [.. entry, 0]));

    [Test]
    public void Entry_of_another_script_is_compiled_anew_and_kept()
    {
        var (other, otherKey) = _folder.Source(ScriptFolder.EmptyMain + "// other", "other.csx");
        new ScriptLoader(_folder.Cache).Image(other, otherKey);
        AssertRepaired((path, _) => File.Copy(_folder.Cache.PathOf(otherKey), path, overwrite: true));
    }

    [Test]
    public void Folder_in_the_place_of_an_entry_gives_way_if_it_is_empty() => AssertRepaired((path, _) =>
    {
        File.Delete(path);
        Directory.CreateDirectory(path);
    });

    [Test]
    public void Folder_with_something_in_it_stays_and_costs_only_the_compilation()
    {
        var (source, key) = _folder.Source(ScriptFolder.EmptyMain);
        Directory.CreateDirectory(Path.Combine(_folder.Cache.PathOf(key), "something"));
        Assert.That(new ScriptLoader(_folder.Cache).Image(source, key).Dll, Is.Not.Empty);
        Assert.That(Directory.Exists(Path.Combine(_folder.Cache.PathOf(key), "something")));
        Assert.That(Entries, Is.Empty, "no temporary file stays");
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
        Assert.That(_folder.Cache.Write(key, source.FullPath, image), Is.True);
        var torn = 0;
        Parallel.For(0, 200, i =>
        {
            var ok = i % 2 == 0 ? _folder.Cache.Write(key, source.FullPath, image) : _folder.Cache.Read(key) is not null;
            Interlocked.Add(ref torn, ok ? 0 : 1);
        });
        Assert.That(torn, Is.Zero);
        Assert.That(Entries, Has.Length.EqualTo(1), "no temporary file stays");
    }

    [Test]
    public void Many_who_begin_with_an_empty_cache_all_get_the_same_script_and_leave_one_entry()
    {
        var (source, key) = _folder.Source(ScriptFolder.EmptyMain);
        var images = new ScriptImage[8];
        Parallel.For(0, images.Length, i => images[i] = new ScriptLoader(new ScriptCache(_folder.CachePath)).Image(source, key));
        Assert.That(images.Select(image => Convert.ToHexString(image.Dll)).Distinct().Count(), Is.EqualTo(1));
        Assert.That(Entries, Is.EqualTo(new[] { _folder.Cache.PathOf(key) }));
    }

    [Test]
    public void Those_used_longest_ago_go_when_the_bound_is_reached()
    {
        var keys = Enumerable.Range(0, 5).Select(i => _folder.Source(ScriptFolder.EmptyMain, $"s{i}.csx").Key).ToArray();
        var image = new ScriptImage(new byte[400], new byte[100]);
        for (var i = 0; i < 4; i++)
        {
            _folder.Cache.Write(keys[i], "s", image);
            File.SetLastWriteTimeUtc(_folder.Cache.PathOf(keys[i]), DateTime.UtcNow.AddDays(i - 10));
        }

        var (one, three) = (new FileInfo(_folder.Cache.PathOf(keys[0])).Length, 3 * new FileInfo(_folder.Cache.PathOf(keys[0])).Length);
        File.SetLastWriteTimeUtc(_folder.Cache.PathOf(keys[1]), DateTime.UtcNow);
        new ScriptCache(_folder.CachePath, three).Write(keys[4], "s", image);
        var kept = new[] { keys[1], keys[3], keys[4] }.Select(_folder.Cache.PathOf);
        Assert.That(Entries, Is.EquivalentTo(kept), "the newest one, the one used today, and the next");
        new ScriptCache(_folder.CachePath, one - 1).Write(keys[2], "s", image);
        Assert.That(Entries, Is.EqualTo(new[] { _folder.Cache.PathOf(keys[2]) }), "the newest stays although it is too large");
    }

    [Test]
    public void Use_is_noted_once_a_day()
    {
        var (source, key) = _folder.Source(ScriptFolder.EmptyMain);
        new ScriptLoader(_folder.Cache).Image(source, key);
        var path = _folder.Cache.PathOf(key);
        File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddDays(-3));
        Assert.That(_folder.Cache.Read(key), Is.Not.Null);
        Assert.That(File.GetLastWriteTimeUtc(path), Is.EqualTo(DateTime.UtcNow).Within(TimeSpan.FromHours(1)));
        var today = DateTime.UtcNow.AddHours(-5);
        File.SetLastWriteTimeUtc(path, today);
        Assert.That(_folder.Cache.Read(key), Is.Not.Null);
        Assert.That(File.GetLastWriteTimeUtc(path), Is.EqualTo(today).Within(TimeSpan.FromSeconds(2)), "no write");
    }

    [Test]
    public void What_killed_processes_have_left_goes_when_it_is_old()
    {
        var (source, key) = _folder.Source(ScriptFolder.EmptyMain);
        Directory.CreateDirectory(_folder.CachePath);
        string Leftover(string name, int hours)
        {
            var path = Path.Combine(_folder.CachePath, name);
            File.WriteAllText(path, "half");
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddHours(-hours));
            return path;
        }

        var old = Leftover($".{key.Text}.0123456789abcdef0123456789abcdef.tmp", 2);
        var young = Leftover($".{key.Text}.1123456789abcdef0123456789abcdef.tmp", 0);
        var foreign = Leftover("notes.tmp", 2000);
        new ScriptLoader(_folder.Cache).Image(source, key);
        Assert.That(Entries, Is.EquivalentTo(new[] { young, foreign, _folder.Cache.PathOf(key) }), $"without {old}");
    }

    [Test]
    public void Cache_tells_its_entries_and_clears_what_is_its_own()
    {
        var (source, key) = _folder.Source(ScriptFolder.EmptyMain);
        var (other, otherKey) = _folder.Source(ScriptFolder.EmptyMain, "a.csx");
        new ScriptLoader(_folder.Cache).Image(source, key);
        new ScriptLoader(_folder.Cache).Image(other, otherKey);
        var foreign = Path.Combine(_folder.CachePath, "readme.txt");
        File.WriteAllText(foreign, "not ours");
        Assert.That(_folder.Cache.Entries().Select(entry => entry.Script), Is.EqualTo(new[] { other.FullPath, source.FullPath }));
        Assert.That(_folder.Cache.Entries()[1].Bytes, Is.EqualTo(new FileInfo(_folder.Cache.PathOf(key)).Length));
        Assert.That(_folder.Cache.Entries()[1].Day, Is.EqualTo(DateTime.UtcNow.ToString("yyyy-MM-dd")));

        File.WriteAllBytes(_folder.Cache.PathOf(key), [1, 2, 3]);
        Assert.That(_folder.Cache.Entries()[0], Is.EqualTo(_folder.Cache.Entries()[0] with { Script = null, Bytes = 3 }));
        Assert.That(_folder.Cache.Clear().Files, Is.EqualTo(2));
        Assert.That(Entries, Is.EqualTo(new[] { foreign }));
        Assert.That(_folder.Cache.Clear(), Is.EqualTo((0, 0L)));
    }

    [Test]
    public void Cache_that_is_not_there_has_no_entries_and_one_that_is_a_file_cannot_be_read()
    {
        Assert.That(_folder.Cache.Entries(), Is.Empty);
        Assert.That(_folder.Cache.Clear(), Is.EqualTo((0, 0L)));
        Assert.That(new ScriptCache(null).Entries(), Is.Empty);
        Assert.That(new ScriptCache(_folder.Write("a file", "occupied")).Entries, Throws.InstanceOf<IOException>());
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

    /// <summary>Damages the entry of a script; the script is still what it was, and so is its entry afterwards.</summary>
    private void AssertRepaired(Action<string, byte[]> damage)
    {
        var (source, key) = _folder.Source(ScriptFolder.EmptyMain);
        var image = new ScriptLoader(_folder.Cache).Image(source, key);
        var path = _folder.Cache.PathOf(key);
        var entry = File.ReadAllBytes(path);
        damage(path, [.. entry]);
        Assert.That(_folder.Cache.Read(key), Is.Null, "not trusted");
        Assert.That(new ScriptLoader(_folder.Cache).Image(source, key).Dll, Is.EqualTo(image.Dll));
        Assert.That(File.ReadAllBytes(path), Is.EqualTo(entry), "compiled anew and kept");
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
