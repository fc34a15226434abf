using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Emit;
using Microsoft.CodeAnalysis.Text;
using ScenarioHv.Engine.Guests;

namespace ScenarioHv.Scripting;

/// <summary>
/// Compiles one script: parse, rules, checks, rewrite, compile, proof. The only way into the types that use the compiler; nothing on the
/// way of a cached script touches it.
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

    private static readonly Lazy<MetadataReference[]> References = new(FindReferences);

    /// <summary>Compiles <paramref name="source"/> and proves that its frames are plain data.</summary>
    /// <exception cref="ScriptException">With every problem of the first stage that finds one.</exception>
    public static ScriptImage Compile(ScriptSource source, ScriptKey key)
    {
        var text = SourceText.From(source.Text, Encoding.UTF8);
        var problems = new ScriptProblems(source, text);
        var root = Parse(text, SourceCodeKind.Script, source.FullPath);
        ScriptRules.CheckDirectives(root, problems);
        problems.ThrowIfAny();
        AddErrors(root.SyntaxTree.GetDiagnostics(), position => position, problems);
        PolicyShape.CheckKind(key.Kind, root.Members, problems);
        problems.ThrowIfAny();

        var shape = key.Kind == ScriptKind.Policy ? ShapeOf(root, problems) : null;
        var usings = shape is null ? Usings : PolicyUsings.With(shape.Answer);
        var model = Model(root, usings);
        new ScriptRules(root, model, key.Kind, problems).Check();
        if (shape is not null)
        {
            new PolicyScriptRules([.. root.Members], shape, model, problems).Check();
        }

        problems.ThrowIfAny();

        var checks = key.Trusted ? null : Check(root, model, key.Kind, problems);
        var edited = new ScriptRewriter(source, root, model, key.Kind, checks).Rewrite(Convert.ToHexString(SHA256.HashData(source.Bytes)));
        var image = Emit(edited, usings, source, key, problems);
        if (!key.Trusted)
        {
            foreach (var problem in ImageCheck.Problems(image, key.Kind))
            {
                problems.Add(0, problem);
            }
        }

        Prove(image, root, source, problems);
        return image;
    }

    /// <summary>The shape of a policy script, found without the names that only its answer brings into sight.</summary>
    private static PolicyShape ShapeOf(CompilationUnitSyntax root, ScriptProblems problems)
    {
        var shape = PolicyShape.Of([.. root.Members], Model(root, PolicyUsings.Namespaces), problems);
        problems.ThrowIfAny();
        return shape!;
    }

    private static SemanticModel Model(CompilationUnitSyntax root, string[] usings) =>
        CSharpCompilation.CreateScriptCompilation("script", root.SyntaxTree, References.Value, Options().WithUsings(usings))
            .GetSemanticModel(root.SyntaxTree);

    private static ScriptChecks Check(CompilationUnitSyntax root, SemanticModel model, ScriptKind kind, ScriptProblems problems)
    {
        var checks = new ScriptChecks(root, model, ScriptApi.Of(kind), problems);
        ConstructChecks.Check(root, model, problems);
        problems.ThrowIfAny();
        checks.Check();
        problems.ThrowIfAny();
        return checks;
    }

    private static ScriptImage Emit(
        EditedSource edited, string[] names, ScriptSource source, ScriptKey key, ScriptProblems problems)
    {
        var name = $"{Path.GetFileNameWithoutExtension(source.FullPath)}-{key.Text[..16]}";
        var tree = Parse(SourceText.From(edited.Text, Encoding.UTF8), SourceCodeKind.Regular, source.FullPath + ".g.cs").SyntaxTree;
        var usings = Parse(SourceText.From(PolicyUsings.Text(names), Encoding.UTF8), SourceCodeKind.Regular, "usings.g.cs").SyntaxTree;
        var compilation = CSharpCompilation.Create(name, [tree, usings], References.Value, Options());
        using var dll = new MemoryStream();
        using var pdb = new MemoryStream();
        var result = compilation.Emit(dll, pdb, options: new EmitOptions(debugInformationFormat: DebugInformationFormat.PortablePdb));
        if (!result.Success)
        {
            AddErrors(result.Diagnostics.Where(diagnostic => diagnostic.Location.SourceTree == tree), edited.Original, problems);
            problems.ThrowIfAny();
            var first = result.Diagnostics.First(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
            throw new InvalidOperationException($"{source.Name}: what was added to the script does not compile: {first}");
        }

        return new ScriptImage(dll.ToArray(), pdb.ToArray());
    }

    private static void Prove(ScriptImage image, CompilationUnitSyntax root, ScriptSource source, ScriptProblems problems)
    {
        var context = new ScriptLoadContext(source.Name, isCollectible: true);
        try
        {
            new FrameReport(LoadedScript.Load(image, context), root, problems).Check();
        }
        finally
        {
            context.Unload();
        }

        problems.ThrowIfAny();
    }

    private static void AddErrors(IEnumerable<Diagnostic> diagnostics, Func<int, int?> position, ScriptProblems problems)
    {
        foreach (var diagnostic in diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error))
        {
            if (position(diagnostic.Location.SourceSpan.Start) is { } place)
            {
                problems.Add(place, Explain(diagnostic));
            }
        }
    }

    private static string Explain(Diagnostic diagnostic) => diagnostic.Id switch
    {
        "CS4014" => ScriptRules.NotAwaited,
        "CS0206" => $"{Message(diagnostic)} (A script's variable is in the machine: copy it to a local, pass that, and assign it back.)",
        "CS1612" => $"{Message(diagnostic)} (Assign a whole new value to the variable.)",
        "CS8178" => $"{Message(diagnostic)} (A variable that is a struct: take the awaited value into a local first, then assign it.)",
        "CS0103" or "CS0234" or "CS0246" => Missing(diagnostic),
        _ => Message(diagnostic),
    };

    /// <summary>What the compiler says, and for a well-known name that scripts do not have, why.</summary>
    private static string Missing(Diagnostic diagnostic)
    {
        var names = diagnostic.GetMessage(CultureInfo.InvariantCulture).Split('\'', '"');
        return names.Select(AllowedApi.ReasonForMissing).FirstOrDefault(reason => reason is not null) is { } reason
            ? $"{Message(diagnostic)} ({reason})" : Message(diagnostic);
    }

    private static string Message(Diagnostic diagnostic) => $"{diagnostic.GetMessage(CultureInfo.InvariantCulture)} [{diagnostic.Id}]";

    private static CompilationUnitSyntax Parse(SourceText text, SourceCodeKind kind, string path) =>
        CSharpSyntaxTree.ParseText(text, new CSharpParseOptions(LanguageVersion.Latest, DocumentationMode.None, kind), path)
            .GetCompilationUnitRoot();

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
