using System.Reflection;
using System.Runtime.Loader;
using ScenarioHv.Engine.Guests;

namespace ScenarioHv.Scripting;

/// <summary>
/// A compiled script in this process: its entry points and what it declares. It has a load context of its own, which is never
/// unloaded.
/// </summary>
internal sealed class LoadedScript
{
    /// <summary>The static class that a script becomes.</summary>
    public const string ClassName = "__Script";

    /// <summary>The struct that holds the script's variables.</summary>
    public const string VariablesName = "__Vars";

    /// <summary>The constant that counts the shared words.</summary>
    public const string SharedWordsName = "__SharedWords";

    /// <summary>The constant with the paths of the script and of what it loads, a line each.</summary>
    public const string FilesName = "__Files";

    private const BindingFlags Members = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    private readonly Func<Cpu, GuestTask> _main;
    private readonly Func<Cpu, byte, GuestTask>? _onInterrupt;
    private readonly Func<Cpu, GuestTask>? _onNmi;
    private readonly Type? _variables;
    private readonly int _sharedWords;

    /// <summary>Loads <paramref name="image"/>.</summary>
    /// <param name="image">A compilation that passed every check.</param>
    /// <param name="name">The script's file name, for messages and debuggers.</param>
    public LoadedScript(ScriptImage image, string name)
    {
        Script = ClassOf(Load(image, new ScriptLoadContext(name, isCollectible: false)));
        _main = Find<Func<Cpu, GuestTask>>("Main")
            ?? throw new InvalidOperationException($"The compiled form of {name} has no Main, although it was checked before.");
        _onInterrupt = Find<Func<Cpu, byte, GuestTask>>("OnInterrupt");
        _onNmi = Find<Func<Cpu, GuestTask>>("OnNmi");
        _variables = Script.GetNestedType(VariablesName);
        _sharedWords = (int)Script.GetField(SharedWordsName, Members)!.GetRawConstantValue()!;
    }

    /// <summary>The static class.</summary>
    public Type Script { get; }

    /// <summary>The program with the parameters of one guest.</summary>
    public GuestProgram Program(string name, IReadOnlyDictionary<string, long> parameters) => new(name, _main)
    {
        OnInterrupt = _onInterrupt,
        OnNmi = _onNmi,
        Variables = _variables,
        SharedWords = _sharedWords,
        Parameters = new Dictionary<string, long>(parameters, StringComparer.Ordinal),
    };

    /// <summary>Loads an assembly from memory, so that no file stays open.</summary>
    public static Assembly Load(ScriptImage image, AssemblyLoadContext context)
    {
        using var dll = new MemoryStream(image.Dll, writable: false);
        using var pdb = new MemoryStream(image.Pdb, writable: false);
        return context.LoadFromStream(dll, pdb);
    }

    /// <summary>The static class in a compiled script. It is public, and so are few other types of a script.</summary>
    public static Type ClassOf(Assembly script) => Array.Find(script.GetExportedTypes(), type => type.Name == ClassName)
        ?? throw new InvalidOperationException($"{script.FullName} is not a compiled script.");

    private T? Find<T>(string name) where T : Delegate =>
        (T?)Delegate.CreateDelegate(typeof(T), Script, name, ignoreCase: false, throwOnBindFailure: false);
}

/// <summary>Where a script's assembly lives. It sees the engine that this assembly sees.</summary>
internal sealed class ScriptLoadContext(string name, bool isCollectible) : AssemblyLoadContext(name, isCollectible)
{
    /// <summary>The engine; null if it is in the default context, which is asked after this one.</summary>
    private static readonly Assembly? Engine =
        GetLoadContext(typeof(GuestProgram).Assembly) == Default ? null : typeof(GuestProgram).Assembly;

    protected override Assembly? Load(AssemblyName assemblyName) => assemblyName.Name == Engine?.GetName().Name ? Engine : null;
}
