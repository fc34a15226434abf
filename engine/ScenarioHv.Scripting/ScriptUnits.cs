using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace ScenarioHv.Scripting;

/// <summary>One file of a script as its author wrote it, parsed and bound.</summary>
/// <param name="Source">The file.</param>
/// <param name="Number">0 for the script itself, from 1 for what it loads.</param>
/// <param name="Root">Its syntax.</param>
/// <param name="Model">What its names mean.</param>
internal sealed record ScriptUnit(ScriptSource Source, int Number, CompilationUnitSyntax Root, SemanticModel Model)
{
    /// <summary>
    /// The line of <paramref name="node"/> from 1, and above it the number of the file, for what knows no file by its path.
    /// </summary>
    public int LineOf(SyntaxNode node) =>
        (Number << ScriptUnits.LineBits) | (Root.SyntaxTree.GetText().Lines.GetLinePosition(node.SpanStart).Line + 1);
}

/// <summary>The files of a script: those that it loads, each before whoever loads it, then the script itself.</summary>
internal static class ScriptUnits
{
    /// <summary>A file has fewer lines than characters, and those are at most 2^20.</summary>
    public const int LineBits = 20;

    /// <summary>Parses and binds all of them.</summary>
    /// <param name="source">The script.</param>
    /// <param name="references">The assemblies that it sees.</param>
    /// <param name="options">With the usings that it sees.</param>
    /// <param name="problems">Takes what is wrong with directives and syntax.</param>
    /// <exception cref="ScriptException">
    /// A directive is not possible, a file that is loaded is not there, or the syntax is wrong.
    /// </exception>
    public static IReadOnlyList<ScriptUnit> Of(
        ScriptSource source, IEnumerable<MetadataReference> references, CSharpCompilationOptions options, ScriptProblems problems)
    {
        var loads = new Loads(source, problems);
        var root = loads.Add(source);
        problems.ThrowIfAny();
        foreach (var error in loads.Errors)
        {
            problems.Add(error.Location.SourceTree!, error.Location.SourceSpan.Start, CompilerMessages.Of(error));
        }

        problems.ThrowIfAny();
        var compilation = CSharpCompilation.CreateScriptCompilation(
            "script", root.SyntaxTree, references, options.WithSourceReferenceResolver(new Resolver(source)));
        var trees = compilation.SyntaxTrees.ToDictionary(tree => tree.FilePath, StringComparer.Ordinal);
        return
        [
            .. loads.Order.Select((file, index) => new ScriptUnit(
                file,
                file == source ? 0 : index + 1,
                trees[file.FullPath].GetCompilationUnitRoot(),
                compilation.GetSemanticModel(trees[file.FullPath]))),
        ];
    }

    /// <summary>Parses a text.</summary>
    public static CompilationUnitSyntax Parse(SourceText text, SourceCodeKind kind, string path) =>
        CSharpSyntaxTree.ParseText(text, new CSharpParseOptions(LanguageVersion.Latest, DocumentationMode.None, kind), path)
            .GetCompilationUnitRoot();

    /// <summary>Follows the directives as the compiler sees them.</summary>
    private sealed class Loads(ScriptSource script, ScriptProblems problems)
    {
        private readonly HashSet<string> _seen = new(StringComparer.Ordinal);

        /// <summary>The files, each behind those that it loads.</summary>
        public List<ScriptSource> Order { get; } = [];

        /// <summary>The errors of their syntax.</summary>
        public List<Diagnostic> Errors { get; } = [];

        public CompilationUnitSyntax Add(ScriptSource file)
        {
            _seen.Add(file.FullPath);
            var root = Parse(SourceText.From(file.Text, Encoding.UTF8), SourceCodeKind.Script, file.FullPath);
            ScriptRules.CheckDirectives(root, problems);
            Errors.AddRange(root.SyntaxTree.GetDiagnostics().Where(error => error.Severity == DiagnosticSeverity.Error));
            foreach (var directive in root.GetLoadDirectives().Where(directive => directive.IsActive && !directive.File.IsMissing))
            {
                Follow(file, directive);
            }

            Order.Add(file);
            return root;
        }

        private void Follow(ScriptSource file, LoadDirectiveTriviaSyntax directive)
        {
            var (path, problem) = ScriptLoads.Resolve(script, file, directive.File.ValueText);
            if (path is null)
            {
                problems.Add(directive.File, problem);
            }
            else if (_seen.Contains(path))
            {
                return;
            }
            else if (_seen.Count > ScriptLoads.MostFiles)
            {
                problems.Add(directive.File, $"a script loads at most {ScriptLoads.MostFiles} files.");
            }
            else
            {
                Add(script.Helpers.FirstOrDefault(helper => helper.FullPath == path) ?? Unread(path));
            }
        }

        /// <summary>A file that could not be read says so here; one that can be read now was not there before.</summary>
        private ScriptSource Unread(string path)
        {
            var name = ScriptLoads.NameOf(script, path);
            _ = ScriptSource.ReadFile(name, path);
            throw new ScriptException(name, "the file has changed while the script was read; try again.");
        }
    }

    /// <summary>
    /// Gives the compiler the texts that were read before. Whoever loads the script itself gets nothing: it is there already.
    /// </summary>
    private sealed class Resolver(ScriptSource script) : SourceReferenceResolver
    {
        private const string Again = ":again";

        public override string? ResolveReference(string path, string? baseFilePath)
        {
            var full = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(baseFilePath)!, path));
            return full == script.FullPath ? full + Again : full;
        }

        public override string? NormalizePath(string path, string? baseFilePath) => path;

        public override Stream OpenRead(string resolvedPath) => new MemoryStream(
            script.Helpers.FirstOrDefault(helper => helper.FullPath == resolvedPath)?.Bytes ?? [], writable: false);

        public override bool Equals(object? other) => ReferenceEquals(this, other);

        public override int GetHashCode() => script.FullPath.GetHashCode(StringComparison.Ordinal);
    }
}
