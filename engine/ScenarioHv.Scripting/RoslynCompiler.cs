using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Emit;
using Microsoft.CodeAnalysis.Text;
using ScenarioHv.Engine.Guests;

namespace ScenarioHv.Scripting;

/// <summary>
/// Compiles one script and what it loads: parse, rules, checks, rewrite, compile, proof. The only way into the types that use the compiler;
/// nothing on the way of a cached script touches it.
/// </summary>
internal static class RoslynCompiler
{
    /// <summary>The namespaces, and a type whose members they use bare, that guest scripts see without saying so.</summary>
    public static readonly string[] Usings =
    [
        "System", "System.Collections.Generic", "System.Linq",
        "ScenarioHv.Engine.Guests", "ScenarioHv.Engine.Time", "ScenarioHv.Engine.Guests.ExitKind",
    ];

    private static readonly string[] Libraries = ["System.Runtime.dll", "System.Collections.dll", "System.Linq.dll"];

    /// <summary>
    /// The runtime compiles scripts as they are written: an error names its own line, which inlining and shared throws would blur, and a
    /// debugger takes them for the user's code. What the frames hold is the C# compiler's choice, and that optimises.
    /// </summary>
    private const string AsWritten = """

        [assembly: System.Diagnostics.Debuggable(
            System.Diagnostics.DebuggableAttribute.DebuggingModes.Default
            | System.Diagnostics.DebuggableAttribute.DebuggingModes.DisableOptimizations
            | System.Diagnostics.DebuggableAttribute.DebuggingModes.IgnoreSymbolStoreSequencePoints)]
        """;

    private static readonly Lazy<MetadataReference[]> References = new(FindReferences);

    /// <summary>Compiles <paramref name="source"/> and proves that its frames are plain data.</summary>
    /// <exception cref="ScriptException">With every problem of the first stage that finds one.</exception>
    public static ScriptImage Compile(ScriptSource source, ScriptKey key)
    {
        var problems = new ScriptProblems(source, SourceText.From(source.Text, Encoding.UTF8));
        var (units, usings) = Bind(source, key.Kind, problems);
        var image = Emit(Rewrite(units, key, problems), usings, source, key, problems);
        if (!key.Trusted)
        {
            foreach (var problem in ImageCheck.Problems(image, key.Kind))
            {
                problems.Add(0, problem);
            }
        }

        Prove(image, [.. units.Select(unit => unit.Root)], source, problems);
        return image;
    }

    /// <summary>The files of a script with what they see, after they were held against the rules of its kind.</summary>
    private static (IReadOnlyList<ScriptUnit> Units, string[] Usings) Bind(ScriptSource source, ScriptKind kind, ScriptProblems problems)
    {
        var usings = kind == ScriptKind.Guest ? Usings : PolicyUsings.Namespaces;
        var units = ScriptUnits.Of(source, References.Value, Options().WithUsings(usings), problems);
        PolicyShape.CheckKind(kind, units, problems);
        problems.ThrowIfAny();
        var shape = kind == ScriptKind.Guest ? null : PolicyShape.Of(units, problems);
        problems.ThrowIfAny();
        if (shape is not null)
        {
            // The answer, which was read without them, may bring further names into sight.
            usings = PolicyUsings.With(shape.Answer);
            units = ScriptUnits.Of(source, References.Value, Options().WithUsings(usings), problems);
            new PolicyScriptRules(units, shape, problems).Check();
        }
        else
        {
            ScriptRules.CheckEntries(units, problems);
        }

        foreach (var unit in units)
        {
            new ScriptRules(unit.Root, unit.Model, kind, problems).Check();
        }

        ScriptRules.CheckNames(units, problems);
        problems.ThrowIfAny();
        return (units, usings);
    }

    /// <summary>The program text of each file.</summary>
    private static Dictionary<SyntaxTree, EditedSource> Rewrite(
        IReadOnlyList<ScriptUnit> units, ScriptKey key, ScriptProblems problems)
    {
        var api = ScriptApi.Of(key.Kind);
        var checks = key.Trusted ? [] : units.ToDictionary(unit => unit, unit => new ScriptChecks(unit.Root, unit.Model, api, problems));
        foreach (var unit in checks.Keys)
        {
            ConstructChecks.Check(unit.Root, unit.Model, problems);
        }

        problems.ThrowIfAny();
        foreach (var check in checks.Values)
        {
            check.Check();
        }

        problems.ThrowIfAny();
        var layout = new ScriptLayout([.. units.Select(unit => unit.Source.FullPath)]);
        var edited = new Dictionary<SyntaxTree, EditedSource>();
        foreach (var unit in units)
        {
            var text = new ScriptRewriter(unit, key.Kind, checks.GetValueOrDefault(unit), layout).Rewrite();
            var path = unit.Source.FullPath + ".g.cs";
            edited.Add(ScriptUnits.Parse(SourceText.From(text.Text, Encoding.UTF8), SourceCodeKind.Regular, path).SyntaxTree, text);
        }

        return edited;
    }

    private static ScriptImage Emit(
        Dictionary<SyntaxTree, EditedSource> edited, string[] seen, ScriptSource source, ScriptKey key, ScriptProblems problems)
    {
        var name = $"{Path.GetFileNameWithoutExtension(source.FullPath)}-{key.Text[..16]}";
        var directives = SourceText.From(PolicyUsings.Text(seen) + AsWritten, Encoding.UTF8);
        var usings = ScriptUnits.Parse(directives, SourceCodeKind.Regular, "usings.g.cs").SyntaxTree;
        var compilation = CSharpCompilation.Create(name, [.. edited.Keys, usings], References.Value, Options());
        using var dll = new MemoryStream();
        using var pdb = new MemoryStream();
        var result = compilation.Emit(dll, pdb, options: new EmitOptions(debugInformationFormat: DebugInformationFormat.PortablePdb));
        if (!result.Success)
        {
            var errors = result.Diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).ToArray();
            foreach (var error in errors)
            {
                if (error.Location.SourceTree is { } tree && edited.TryGetValue(tree, out var text)
                    && text.Original(error.Location.SourceSpan.Start) is { } place)
                {
                    problems.Add(text.Unit.Root.SyntaxTree, place, CompilerMessages.Of(error, text.Unit, place, ScriptApi.Of(key.Kind)));
                }
            }

            problems.ThrowIfAny();
            throw new InvalidOperationException($"{source.Name}: what was added to the script does not compile: {errors[0]}");
        }

        return new ScriptImage(dll.ToArray(), pdb.ToArray());
    }

    private static void Prove(
        ScriptImage image, IReadOnlyList<CompilationUnitSyntax> roots, ScriptSource source, ScriptProblems problems)
    {
        var context = new ScriptLoadContext(source.Name, isCollectible: true);
        try
        {
            new FrameReport(LoadedScript.Load(image, context), roots, problems).Check();
        }
        finally
        {
            context.Unload();
        }

        problems.ThrowIfAny();
    }

    private static CSharpCompilationOptions Options() => new(
        OutputKind.DynamicallyLinkedLibrary,
        optimizationLevel: OptimizationLevel.Release,
        checkOverflow: false,
        allowUnsafe: false,
        deterministic: true,
        nullableContextOptions: NullableContextOptions.Disable,
        concurrentBuild: false,
        specificDiagnosticOptions: [new("CS4014", ReportDiagnostic.Error)]);

    /// <summary>The core library and the engine: nothing that a script could mean something else with on another machine.</summary>
    private static MetadataReference[] FindReferences()
    {
        var core = typeof(object).Assembly.Location;
        var engine = typeof(GuestProgram).Assembly.Location;
        if (core.Length == 0 || engine.Length == 0)
        {
            throw new InvalidOperationException("Scripts cannot be compiled by a single-file build: it has no assemblies as files. "
                + "Use the tool or 'dotnet run', or keep the cache of an earlier run.");
        }

        var library = Libraries.Select(file => Path.Combine(Path.GetDirectoryName(core)!, file));
        return [.. library.Prepend(core).Append(engine).Select(file => MetadataReference.CreateFromFile(file))];
    }
}
