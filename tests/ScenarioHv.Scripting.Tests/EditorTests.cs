using System.Reflection.Metadata;
using System.Security.Cryptography;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace ScenarioHv.Scripting.Tests;

/// <summary>What editors and debuggers are given: the projects of the shipped scripts, and debug information.</summary>
internal sealed class EditorTests
{
    internal static readonly string Scripts = Path.Combine(Root(), "scripts");

    private static readonly string[] Files =
        [.. Directory.EnumerateFiles(Scripts, "*.csx", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    private static readonly XDocument Guests = XDocument.Load(Path.Combine(Scripts, "ScenarioHv.Scripts.csproj"));

    private static readonly XDocument Policies = XDocument.Load(Path.Combine(Scripts, "policies", "ScenarioHv.Policies.csproj"));

    private static readonly MetadataReference[] References =
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Select(path => MetadataReference.CreateFromFile(path))];

    private static IEnumerable<string> Names => Files.Select(file => Path.GetRelativePath(Scripts, file));

    [Test]
    public void Project_has_the_usings_of_scripts() =>
        Assert.That(Usings(Guests).Select(item => (string)item.Attribute("Include")!), Is.EqualTo(RoslynCompiler.Usings));

    /// <summary>A script sees one answer's members without its name; no two answers have a member of one name.</summary>
    [Test]
    public void Project_of_policies_has_the_usings_of_all_policies()
    {
        var bare = PolicyAnswers.Decisions.Concat(PolicyAnswers.Plans).Where(PolicyAnswers.AreBare).Select(type => type.FullName!);
        var expected = PolicyUsings.Namespaces.Select(name => (name, false))
            .Concat(bare.Order(StringComparer.Ordinal).Select(name => (name, true)));
        Assert.That(
            Usings(Policies).Select(item => ((string)item.Attribute("Include")!, (string?)item.Attribute("Static") == "true")),
            Is.EqualTo(expected));
    }

    /// <summary>The compiler finds every name; that each script has a main line of its own is all that it has to say.</summary>
    [TestCase(false)]
    [TestCase(true)]
    public void Project_shows_the_scripts_without_an_error_but_that_they_are_several(bool policies)
    {
        var trees = Files.Where(file => IsPolicy(file) == policies).Select(file => Tree(File.ReadAllText(file), file)).ToArray();
        var compilation = Compilation([.. trees, Tree(GlobalUsings(policies ? Policies : Guests), "usings.cs")]);
        Assert.That(trees, Has.Length.GreaterThan(1));
        var errors = trees.SelectMany(tree => compilation.GetSemanticModel(tree).GetDiagnostics())
            .Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error && diagnostic.Id != "CS8802");
        Assert.That(errors, Is.Empty);
    }

    [TestCaseSource(nameof(Names))]
    public void Project_with_one_script_has_no_error(string name)
    {
        var file = Path.Combine(Scripts, name);
        var usings = GlobalUsings(IsPolicy(file) ? Policies : Guests);
        var compilation = Compilation([Tree(File.ReadAllText(file), file), Tree(usings, "usings.cs")]);
        Assert.That(compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error), Is.Empty);
    }

    [Test]
    public void Misspelt_operation_is_an_error_in_the_project()
    {
        var tree = Tree("async GuestTask Main(Cpu cpu)\n{\n    await cpu.Wrok(10);\n}\n", "wrong.csx");
        var error = Compilation([tree, Tree(GlobalUsings(Guests), "usings.cs")]).GetDiagnostics()
            .Single(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
        Assert.That((error.Id, error.Location.GetLineSpan().StartLinePosition.Line), Is.EqualTo(("CS1061", 2)));
    }

    /// <summary>A debugger finds the file by path and checksum, and a place to stop at each line that begins with an operation.</summary>
    [TestCaseSource(nameof(Names))]
    public void Debug_information_leads_to_the_lines_of_the_script(string name)
    {
        var kind = IsPolicy(Path.Combine(Scripts, name)) ? ScriptKind.Policy : ScriptKind.Guest;
        var source = ScriptSource.Read(Path.Combine(Scripts, name));
        var pdb = RoslynCompiler.Compile(source, ScriptKey.Of(source, kind: kind)).Pdb;
        using var provider = MetadataReaderProvider.FromPortablePdbStream(new MemoryStream(pdb));
        var reader = provider.GetMetadataReader();
        var points = reader.MethodDebugInformation.SelectMany(handle => reader.GetMethodDebugInformation(handle).GetSequencePoints())
            .Where(point => !point.IsHidden).ToArray();
        var documents = points.Select(point => point.Document).Distinct().Select(reader.GetDocument).ToArray();
        var operations = source.Text.Split('\n').Index()
            .Where(line => line.Item.TrimStart() is var text
                && (text.StartsWith("await cpu.", StringComparison.Ordinal) || text.StartsWith("return ", StringComparison.Ordinal)))
            .Select(line => (line.Index + 1, line.Item.Length - line.Item.TrimStart().Length + 1));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(documents.Select(document => reader.GetString(document.Name)), Is.EqualTo(new[] { source.FullPath }));
            Assert.That(reader.GetBlobBytes(documents[0].Hash), Is.EqualTo(SHA256.HashData(source.Bytes)));
            Assert.That(operations, Is.SubsetOf(points.Select(point => (point.StartLine, point.StartColumn)).ToArray()));
        }
    }

    private static bool IsPolicy(string file) => Path.GetDirectoryName(file) == Path.Combine(Scripts, "policies");

    private static IEnumerable<XElement> Usings(XDocument project) => project.Descendants("Using");

    private static string GlobalUsings(XDocument project) => string.Join('\n', Usings(project).Select(item =>
        $"global using {((string?)item.Attribute("Static") == "true" ? "static " : "")}{(string)item.Attribute("Include")!};"));

    private static SyntaxTree Tree(string text, string path) =>
        CSharpSyntaxTree.ParseText(text, new CSharpParseOptions(LanguageVersion.Latest), path);

    private static CSharpCompilation Compilation(SyntaxTree[] trees)
    {
        var options = new CSharpCompilationOptions(OutputKind.ConsoleApplication);
        return CSharpCompilation.Create("scripts", trees, References, options);
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "ScenarioHv.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("These tests run inside a checkout.");
        }

        return folder;
    }
}
