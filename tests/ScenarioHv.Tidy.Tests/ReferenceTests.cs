using System.Xml.Linq;

namespace ScenarioHv.Tidy.Tests;

/// <summary>What the projects of the engine may know of each other and of others' packages.</summary>
internal sealed class ReferenceTests
{
    private static readonly string[] Projects =
        [.. Checkout.With(".csproj").Where(file => file.StartsWith("engine/", StringComparison.Ordinal))];

    [Test]
    public void The_engine_needs_nothing_but_the_logging_abstractions_at_run_time()
    {
        var engine = Load("engine/ScenarioHv.Engine/ScenarioHv.Engine.csproj");
        var needed = Packages(engine).Where(package => (string?)package.Attribute("PrivateAssets") != "all");
        Assert.That(needed.Select(Name), Is.EqualTo(new[] { "Microsoft.Extensions.Logging.Abstractions" }));
        Assert.That(Packages(engine).Except(needed).Select(Name), Is.All.EndsWith("Analyzers"));
        Assert.That(engine.Descendants("Reference").Concat(engine.Descendants("FrameworkReference")), Is.Empty);
    }

    [TestCaseSource(nameof(Projects))]
    public void References_point_downwards(string project)
    {
        var name = Path.GetFileNameWithoutExtension(project);
        string[] below = name switch
        {
            "ScenarioHv.Cli" => [.. Projects.Select(other => Path.GetFileNameWithoutExtension(other)!).Where(other => other != name)],
            "ScenarioHv.Engine" => [],
            "ScenarioHv.Witnesses" => ["ScenarioHv.Conformance", "ScenarioHv.Engine"],
            _ => ["ScenarioHv.Engine"],
        };
        Assert.That(Load(project).Descendants("ProjectReference").Select(ProjectName), Is.SubsetOf(below));
    }

    [Test]
    public void No_project_of_the_engine_refers_to_a_test()
    {
        var references = Projects.SelectMany(project => Load(project).Descendants("ProjectReference").Select(Name));
        Assert.That(references.Where(reference => reference.Contains("tests/", StringComparison.Ordinal)), Is.Empty);
    }

    [Test]
    public void The_solution_holds_every_project()
    {
        var solution = Checkout.Read("ScenarioHv.sln").Replace('\\', '/');
        Assert.That(Checkout.With(".csproj").Where(project => !solution.Contains($"\"{project}\"", StringComparison.Ordinal)), Is.Empty);
    }

    private static XDocument Load(string project) => XDocument.Load(Checkout.Full(project));

    private static IEnumerable<XElement> Packages(XDocument project) => project.Descendants("PackageReference");

    private static string Name(XElement reference) => (string)reference.Attribute("Include")!;

    private static string ProjectName(XElement reference) => Path.GetFileNameWithoutExtension(Name(reference).Replace('\\', '/'));
}
