using Microsoft.Extensions.Logging;
using ScenarioHv.Cli.Commands;
using ScenarioHv.Cli.Output;
using ScenarioHv.Exploration;
using ScenarioHv.Scripting;

namespace ScenarioHv.Cli.Tests;

/// <summary>
/// What becomes of the files of a command whose script is refused or stopped: they are as they were before, and no half of one is left. The
/// commands run in this process.
/// </summary>
public sealed class HostileScriptTests : CommandFixture
{
    private const string Old = "what was here before\n";

    private string _folder = null!;

    private static IEnumerable<TestCaseData> Scripts =>
    [
        Try("writes a file", "System.IO.File.WriteAllText(\"trace.txt\", \"mine\");"),
        Try("deletes a file", "System.IO.File.Delete(\"trace.txt\");"),
        Try("ends the process", "System.Environment.Exit(0);"),
        Try("starts a process", "System.Diagnostics.Process.Start(\"rm\", \"trace.txt\");"),
        Try("does not compile", "await cpu.Wrok(10);"),
        Try("never comes back", "while (true) ;"),
        Try("never comes back from a catch", "while (true) try { throw new Exception(); } catch { }"),
        Try("calls itself", "Again();", "void Again() => Again();"),
        Try("takes all memory", "var list = new List<long>(); while (true) list.Add(1);"),
        Try("takes all memory at once", "var a = new long[int.MaxValue];"),
        Try("makes a text without end", "var text = \"x\"; while (true) text += text;"),
        Try("throws", "throw new InvalidOperationException(\"enough\");"),
    ];

    [SetUp]
    public void SetUp() => _folder = Directory.CreateDirectory(InFolder("hostile-" + Path.GetRandomFileName())).FullName;

    [TestCaseSource(nameof(Scripts))]
    public void Run_leaves_its_files_as_they_were(string body, string more)
    {
        var file = Write(body, more);
        AssertUntouched(["trace.txt", "machine.snapshot"], () => Run(new RunRequest(file)
        {
            Trace = InHere("trace.txt"),
            SaveAt = "1",
            Save = InHere("machine.snapshot"),
        }));
    }

    [TestCaseSource(nameof(Scripts))]
    public void Exploring_leaves_its_file_as_it_was(string body, string more)
    {
        var file = Write(body, more);
        AssertUntouched(["failure.repro"], () =>
        {
            using var terminal = Terminal.OfProcess();
            new ExploreCommand(terminal, LogLevel.None).Run(new ExploreRequest(file) { Save = InHere("failure.repro") });
        });
    }

    [Test]
    public void Matrix_reports_the_cell_in_a_whole_file()
    {
        var file = Write("while (true) ;", "");
        var report = InHere("report.xml");
        File.WriteAllText(report, Old);
        var result = Run("matrix", file, "--junit", report);

        Assert.That(result.ExitCode, Is.EqualTo(BadInput));
        Assert.That(File.ReadAllText(report), Does.StartWith("<?xml").And.Contain("<error").And.EndsWith("</testsuites>\n"));
        Assert.That(Names(), Is.EqualTo(new[] { "hostile.csx", "hostile.yaml", "report.xml" }));
    }

    [Test]
    public void Matrix_of_a_folder_without_scenarios_leaves_its_report_as_it_was()
    {
        var empty = Directory.CreateDirectory(InHere("empty")).FullName;
        AssertUntouched(["report.xml"], () =>
        {
            using var terminal = Terminal.OfProcess();
            new MatrixCommand(terminal, LogLevel.None).Run(new MatrixRequest([empty]) { JUnit = InHere("report.xml") });
        });
    }

    /// <summary>The files are not there at first, and then they are; the command fails both times.</summary>
    private void AssertUntouched(string[] files, Action command)
    {
        string[] others = [.. Names()];
        Assert.That(command, Throws.InstanceOf<Exception>());
        Assert.That(Names(), Is.EqualTo(others), "no file, whole or half, of a command that failed");

        foreach (var file in files)
        {
            File.WriteAllText(InHere(file), Old);
        }

        Assert.That(command, Throws.InstanceOf<ScriptException>().Or.InstanceOf<StepException>().Or.InstanceOf<HistoryException>()
            .Or.InstanceOf<InputException>());
        Assert.That(Names(), Is.EquivalentTo(others.Concat(files)));
        Assert.That(files.Select(file => File.ReadAllText(InHere(file))), Is.All.EqualTo(Old));
    }

    private static void Run(RunRequest request)
    {
        using var terminal = Terminal.OfProcess();
        new RunCommand(terminal, LogLevel.None).Run(request);
    }

    private string Write(string body, string more)
    {
        File.WriteAllText(
            InHere("hostile.csx"),
            $"async GuestTask Main(Cpu cpu)\n{{\n    await cpu.Work(10);\n    {body}\n    await cpu.Hlt();\n}}\n{more}\n");
        File.Copy(InFolder(Scenario("hostile", "hostile.csx", "reached")), InHere("hostile.yaml"));
        return InHere("hostile.yaml");
    }

    private string InHere(string name) => Path.Combine(_folder, name);

    private IEnumerable<string> Names() =>
        Directory.GetFileSystemEntries(_folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);

    private static TestCaseData Try(string what, string body, string more = "") => new TestCaseData(body, more).SetArgDisplayNames(what);
}
