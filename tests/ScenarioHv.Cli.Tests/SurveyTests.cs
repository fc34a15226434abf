using System.Text.Json;
using System.Xml.Linq;

namespace ScenarioHv.Cli.Tests;

/// <summary><c>matrix</c> of several scenarios, and its JUnit XML.</summary>
public sealed class SurveyTests : CommandFixture
{
    private const string Failing = "cells: [{ name: fails, set: { guests: { l1: throw.csx } }, expect: reached }]";
    private const string Unreadable = "scenario: unreadable\nmachine: { tsc: 2 GHz }}\n";

    private static int s_folders;

    [Test]
    public void Folder_is_every_scenario_below_it_by_name_in_one_table_with_counts()
    {
        var folder = FolderOf(("b", Text("second")), ("a/z", Text("first")), ("c", Text("third", MatrixTests.TwoCells)));

        var result = Run("matrix", folder);

        var lines = result.Out.Split('\n').Where(line => line.Length > 0).ToArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.EqualTo(NotAsExpected));
            Assert.That(lines[0], Does.Match(@"^cell +outcome +expected +cycles +time +wasted +re-injected$"));
            Assert.That(lines.Where(line => line.Contains(": A test", StringComparison.Ordinal)), Is.EqualTo(
                new[] { "first: A test of it", "second: A test of it", "third: A test of it" }));
            Assert.That(lines[2], Does.Match(@"^  base +reached +reached +\d+ +\d+\.\d{3} us +- +0$"));
            Assert.That(lines[3], Is.EqualTo("  1 cell: 1 as expected, 0 not as expected, 0 inconclusive, 0 failed to run"));
            Assert.That(lines[^2], Is.EqualTo("  3 cells: 2 as expected, 1 not as expected, 0 inconclusive, 0 failed to run"));
            Assert.That(lines[^1], Is.EqualTo(
                "3 scenarios, 0 of them cannot be used; 5 cells: 4 as expected, 1 not as expected, 0 inconclusive, 0 failed to run"));
        }
    }

    [Test]
    public void Scenario_that_cannot_be_read_and_cell_that_fails_are_told_and_the_others_run()
    {
        var folder = FolderOf(("bad", Unreadable), ("fails", Text("fails", Failing)), ("good", Text("good")));

        var result = Run("matrix", folder, "first-steps", "no-such-scenario");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.EqualTo(BadInput));
            Assert.That(result.Error, Does.Contain("bad.yaml:2:24: ").And.Contain("there is no file 'no-such-scenario'"));
            Assert.That(result.Error, Does.Contain("throw.csx:4:5: "));
            Assert.That(result.Error, Does.Contain("the guest gives up (InvalidOperationException) (cell fails of fails)"));
            Assert.That(result.Out, Does.Contain($"{folder}/bad.yaml\n  cannot be used\n"));
            Assert.That(result.Out, Does.Match(@"\n  fails +failed +- "));
            Assert.That(result.Out, Does.EndWith("5 scenarios, 2 of them cannot be used; "
                + "6 cells: 5 as expected, 0 not as expected, 0 inconclusive, 1 failed to run\n"));
        }
    }

    [Test]
    public void Exit_code_is_2_before_1()
    {
        var folder = FolderOf(("bad", Unreadable), ("wrong", Text("wrong", MatrixTests.TwoCells)));

        Assert.That(Run("matrix", folder).ExitCode, Is.EqualTo(BadInput));
        Assert.That(Run("matrix", $"{folder}/wrong.yaml", "first-steps").ExitCode, Is.EqualTo(NotAsExpected));
        Assert.That(Run("matrix", folder, "--set", "ioapic-eoi=nonsense").ExitCode, Is.EqualTo(BadInput));
    }

    [Test]
    public void Scenario_that_is_named_twice_runs_once()
    {
        var folder = FolderOf(("one", Text("one")));

        Assert.That(Run("matrix", folder, $"{folder}/one.yaml", $"./{folder}").Out, Does.Match(@"\n1 scenario, 0 of them .*; 1 cell: "));
    }

    [Test]
    public void Folder_without_a_scenario_is_bad_input()
    {
        Directory.CreateDirectory(InFolder("nothing-here"));

        AssertBadInput(Run("matrix", "nothing-here"), "nothing-here: the folder holds no scenario (*.yaml)");
    }

    [Test]
    public void Json_has_the_documented_fields()
    {
        var folder = FolderOf(("bad", Unreadable), ("fails", Text("fails", Failing)));

        var json = Run("matrix", folder, "--json").Json;

        var scenarios = json.GetProperty("scenarios");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Names(json), Is.EqualTo(new[] { "schemaVersion", "command", "scenarios", "unusable", "totals" }));
            Assert.That(json.GetProperty("unusable").GetInt32(), Is.EqualTo(1));
            Assert.That(Names(scenarios[0]), Is.EqualTo(new[] { "file", "error", "exitCode" }));
            Assert.That(Names(scenarios[1]), Is.EqualTo(
                new[] { "scenario", "title", "source", "file", "cells", "leftOut", "totals" }));
            Assert.That(Names(scenarios[1].GetProperty("cells")[1]), Is.EqualTo(new[] { "cell", "note", "error", "exitCode" }));
            Assert.That(Names(json.GetProperty("totals")), Is.EqualTo(
                new[] { "cells", "asExpected", "notAsExpected", "inconclusive", "failed" }));
            Assert.That(json.GetProperty("totals").GetProperty("failed").GetInt32(), Is.EqualTo(1));
        }

        static IEnumerable<string> Names(JsonElement element) => element.EnumerateObject().Select(property => property.Name);
    }

    [Test]
    public void JUnit_has_a_suite_per_scenario_and_a_case_per_cell()
    {
        var folder = FolderOf(
            ("bad", Unreadable), ("fails", Text("fails", Failing)), ("wrong", Text("wrong", MatrixTests.TwoCells)));

        var result = Run("matrix", folder, "--junit", "report.xml");

        var root = XDocument.Load(InFolder("report.xml")).Root!;
        var suites = root.Elements("testsuite").ToArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.EqualTo(BadInput));
            Assert.That(root.Name.LocalName, Is.EqualTo("testsuites"));
            Assert.That(Counts(root), Is.EqualTo("6 tests, 1 failures, 2 errors, 0 skipped"));
            Assert.That(suites.Select(suite => (string?)suite.Attribute("name")), Is.EqualTo(
                new[] { folder + "/bad.yaml", "fails", "wrong" }));
            Assert.That(suites.Select(Counts), Is.EqualTo(new[]
            {
                "1 tests, 0 failures, 1 errors, 0 skipped", "2 tests, 0 failures, 1 errors, 0 skipped",
                "3 tests, 1 failures, 0 errors, 0 skipped",
            }));
            Assert.That(Cases(suites[2]), Is.EqualTo(new[] { "wrong/base", "wrong/halts", "wrong/wrong" }));
            Assert.That((string?)suites[0].Element("testcase")!.Element("error")!.Attribute("message"), Does.Contain("bad.yaml:2:24: "));
            Assert.That(suites[1].Descendants("error").Single().Value, Does.Contain("the guest gives up"));
        }
    }

    [Test]
    public void JUnit_failure_says_what_was_expected_and_found_and_each_case_its_policies()
    {
        Run("matrix", FolderOf(("wrong", Text("wrong", MatrixTests.TwoCells))), "--junit", "failure.xml");

        var cases = XDocument.Load(InFolder("failure.xml")).Descendants("testcase").ToArray();
        var failure = cases[2].Element("failure")!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That((string?)failure.Attribute("type"), Is.EqualTo("livelock"));
            Assert.That((string?)failure.Attribute("message"), Is.EqualTo("expected reached, found livelock: the machine's state recurs"));
            Assert.That(failure.Value, Does.StartWith("expected: reached\noutcome: livelock\nreason: the machine's state recurs\nat: "));
            Assert.That(cases[0].Elements().Select(element => element.Name.LocalName), Is.EqualTo(new[] { "properties" }));
            Assert.That(Property(cases[0], "immediate-exit"), Is.EqualTo("zero-timer"));
            Assert.That(Property(cases[0], "outcome"), Is.EqualTo("reached"));
        }

        static string? Property(XElement element, string name) => (string?)element.Descendants("property")
            .Single(property => (string?)property.Attribute("name") == name).Attribute("value");
    }

    [Test]
    public void JUnit_names_cells_that_are_left_out_as_skipped()
    {
        Run("matrix", "hyperv-hang", "--set", "ioapic-eoi=delay-after(10000, 10 ms)", "--junit", "skipped.xml");

        var skipped = XDocument.Load(InFolder("skipped.xml")).Descendants("skipped")
            .Select(element => element.Parent!.Attribute("name")!.Value);
        Assert.That(skipped, Does.Contain("in-kernel I/O APIC, KVM 5.1"));
    }

    [Test]
    public void JUnit_of_two_runs_is_the_same_bytes_and_names_no_time()
    {
        var result = Run("matrix", "first-steps", "--junit", "one.xml");
        Run("matrix", "first-steps", "--junit", "two.xml");

        var text = File.ReadAllText(InFolder("one.xml"));
        Assert.That(File.ReadAllText(InFolder("two.xml")), Is.EqualTo(text));
        Assert.That(text, Does.StartWith("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<testsuites ").And.Not.Contain("time="));
        Assert.That(result.Out, Is.EqualTo(Run("matrix", "first-steps").Out), "the report is the same with and without");
    }

    [Test]
    public void Character_that_XML_cannot_hold_is_written_as_its_number()
    {
        File.WriteAllText(InFolder("control.csx"), """
            async GuestTask Main(Cpu cpu)
            {
                await cpu.Work(1);
                throw new System.InvalidOperationException("\u0007 \ud800 <&> \ud83d\ude00");
            }
            """);

        Run("matrix", FolderOf(("control", Text("control").Replace("done.csx", "control.csx", StringComparison.Ordinal))),
            "--junit", "control.xml");

        Assert.That(
            XDocument.Load(InFolder("control.xml")).Descendants("error").Single().Value,
            Does.Contain("\\u0007 \\ud800 <&> \ud83d\ude00"));
    }

    [Test]
    public void JUnit_is_written_also_of_one_scenario_that_fails_and_replaces_nothing_when_it_cannot_be_written()
    {
        var file = FolderOf(("fails", Text("fails", Failing))) + "/fails.yaml";

        AssertBadInput(Run("matrix", file, "--junit", "one-fails.xml"), "throw.csx:4:5: ", "(cell fails)");
        Assert.That(XDocument.Load(InFolder("one-fails.xml")).Descendants("error").Count(), Is.EqualTo(1));
        AssertBadInput(Run("matrix", file, "--junit", "no-such-folder/x.xml"), "--junit no-such-folder/x.xml: cannot be written");
        Assert.That(Directory.GetFiles(InFolder("."), ".*.xml*"), Is.Empty);
    }

    private static string Counts(XElement element) => string.Join(
        ", ", new[] { "tests", "failures", "errors", "skipped" }.Select(name => $"{element.Attribute(name)!.Value} {name}"));

    private static IEnumerable<string> Cases(XElement suite) =>
        suite.Elements("testcase").Select(test => $"{test.Attribute("classname")!.Value}/{test.Attribute("name")!.Value}");

    /// <summary>A folder in the workspace with scenarios, named relative to it; their scripts are the workspace's.</summary>
    private static string FolderOf(params (string Name, string Text)[] files)
    {
        var folder = $"survey-{Interlocked.Increment(ref s_folders)}";
        foreach (var (name, text) in files)
        {
            var path = InFolder($"{folder}/{name}.yaml");
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            var depth = string.Concat(name.Where(character => character == '/').Select(_ => "../"));
            File.WriteAllText(path, text.Replace("l1: ", $"l1: {depth}../", StringComparison.Ordinal));
        }

        return folder;
    }

    private static string Text(string name, string more = "") =>
        $$"""
        scenario: {{name}}
        title: A test of it
        machine:
          tsc: 1 GHz
          timing: skylake
          cpu: { vendor: intel, apicv: true }
          hypervisor: kvm@5.1
          host-tick: off
          devices:
            clock: { type: msi, vector: 0x60 }
        guests:
          l1: done.csx
        goal: l1 reports "done"
        expect: reached
        {{more}}

        """;
}
