using System.Reflection;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Scripting.Tests;

/// <summary>A folder for scripts and a cache, of one test.</summary>
internal sealed class ScriptFolder : IDisposable
{
    public const string EmptyMain = "async GuestTask Main(Cpu cpu) { await cpu.Hlt(); }\n";

    public static readonly Dictionary<string, long> None = [];

    public ScriptFolder()
    {
        Path = Directory.CreateTempSubdirectory("scenariohv-").FullName;
        Cache = new ScriptCache(CachePath);
    }

    public string Path { get; }

    public string CachePath => System.IO.Path.Combine(Path, "cache");

    public ScriptCache Cache { get; }

    public string Write(string text, string name = "guest.csx")
    {
        var path = System.IO.Path.Combine(Path, name);
        File.WriteAllText(path, text);
        return path;
    }

    public GuestProgram Load(string text, bool trusted = false) =>
        new ScriptLoader(Cache, trusted: trusted).Load(Write(text), None);

    public PolicyProgram LoadPolicy(string text, bool trusted = false) =>
        new ScriptLoader(Cache, trusted: trusted).LoadPolicy(Write(text, "policy.csx"));

    /// <summary>The static class that a script becomes which nobody checks: it runs outside a machine.</summary>
    public Type Script(string text) => Load(text, trusted: true).Main.Method.DeclaringType!;

    /// <summary>The state machine of a method.</summary>
    public Type Frame(string text, string method) =>
        Script(text).GetNestedTypes(BindingFlags.NonPublic).Single(type => FrameProof.MethodOf(type) == method);

    /// <summary>Loads a script that must be refused; <c>§</c> marks where the first problem is.</summary>
    public ScriptDiagnostic Refusal(string marked, bool trusted = false) => Refusal(marked, text => Load(text, trusted));

    /// <summary>The same of a policy script.</summary>
    public ScriptDiagnostic PolicyRefusal(string marked, bool trusted = false) => Refusal(marked, text => LoadPolicy(text, trusted));


    public (ScriptSource Source, ScriptKey Key) Source(string text, string name = "guest.csx")
    {
        var source = ScriptSource.Read(Write(text, name));
        return (source, ScriptKey.Of(source));
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private static ScriptDiagnostic Refusal(string marked, Action<string> load)
    {
        var at = marked.IndexOf('§', StringComparison.Ordinal);
        var before = marked[..Math.Max(at, 0)];
        var error = Assert.Throws<ScriptException>(() => load(marked.Replace("§", string.Empty, StringComparison.Ordinal)))!;
        var first = error.Diagnostics[0];
        if (at >= 0)
        {
            var expected = (before.Count(c => c == '\n') + 1, before.Length - before.LastIndexOf('\n'));
            Assert.That((first.Line, first.Column), Is.EqualTo(expected), error.Message);
        }

        return first;
    }
}
