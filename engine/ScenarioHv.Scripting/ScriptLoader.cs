using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Scripting;

/// <summary>
/// Makes guest programs and policies of script files (<c>.csx</c>). A script is compiled once per process, and once per machine as long as
/// nothing changes that it depends on; a script that comes from the cache is loaded without the compiler. Safe for use by several threads.
/// </summary>
public sealed class ScriptLoader
{
    /// <summary>By the text of their keys: guests as <see cref="LoadedScript"/>, policies as <see cref="PolicyProgram"/>.</summary>
    private static readonly ConcurrentDictionary<string, Lazy<object>> Loaded = new(StringComparer.Ordinal);

    private readonly ScriptCache _cache;
    private readonly ILogger? _logger;
    private readonly bool _trusted;

    /// <summary>Creates a loader.</summary>
    /// <param name="cache">Where compiled scripts are kept.</param>
    /// <param name="logger">Told at level Debug where each script came from, and how long its compilation took.</param>
    /// <param name="trusted">
    /// True to load scripts without asking what they use and without a budget for their steps. Their frames are proved all the same.
    /// </param>
    public ScriptLoader(ScriptCache cache, ILogger? logger = null, bool trusted = false)
    {
        _trusted = trusted;
        _cache = cache;
        _logger = logger;
    }

    /// <summary>Loads the script at <paramref name="path"/>.</summary>
    /// <param name="path">The file; messages show it as it is given here.</param>
    /// <param name="parameters">What the scenario gives this guest under <c>with</c>; copied.</param>
    /// <exception cref="ScriptException">
    /// The script cannot be read, does not compile, uses what a guest cannot use, or has a frame that a machine cannot hold.
    /// </exception>
    public GuestProgram Load(string path, IReadOnlyDictionary<string, long> parameters)
    {
        var source = ScriptSource.Read(path);
        var key = ScriptKey.Of(source, _trusted);
        var name = Path.GetFileName(source.FullPath);
        return Once(key, () => new LoadedScript(Image(source, key), name)).Program(name, parameters);
    }

    /// <summary>Loads the policy script at <paramref name="path"/>.</summary>
    /// <param name="path">The file; messages show it as it is given here.</param>
    /// <exception cref="ScriptException">
    /// The script cannot be read, does not compile, uses what a policy cannot use, or has the shape of none.
    /// </exception>
    public PolicyProgram LoadPolicy(string path)
    {
        var source = ScriptSource.Read(path, ScriptKind.Policy);
        var key = ScriptKey.Of(source, _trusted, ScriptKind.Policy);
        return Once(key, () => LoadedPolicy.Load(Image(source, key), source));
    }

    /// <summary>The compiled script, from the cache or by compilation.</summary>
    internal ScriptImage Image(ScriptSource source, ScriptKey key)
    {
        if (_cache.Read(key) is { } cached)
        {
            _logger?.LogDebug("{Script}: from cache", source.Name);
            return cached;
        }

        var start = Stopwatch.GetTimestamp();
        var image = Compile(source, key);
        _logger?.LogDebug("{Script}: compiled in {Milliseconds:0} ms", source.Name, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        if (!_cache.Write(key, source.FullPath, image))
        {
            _logger?.LogDebug("{Script}: the cache cannot be written, the compilation is not kept", source.Name);
        }

        return image;
    }

    /// <summary>What <paramref name="load"/> gives, which is asked once in this process for each key.</summary>
    private static T Once<T>(ScriptKey key, Func<T> load) where T : class
    {
        var loaded = Loaded.GetOrAdd(key.Text, _ => new Lazy<object>(load));
        try
        {
            return (T)loaded.Value;
        }
        catch
        {
            // The next attempt may name the file differently, and messages show the name.
            Loaded.TryRemove(new KeyValuePair<string, Lazy<object>>(key.Text, loaded));
            throw;
        }
    }

    /// <summary>A method of its own, so that the compiler is loaded only when it is called.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ScriptImage Compile(ScriptSource source, ScriptKey key) => RoslynCompiler.Compile(source, key);
}
