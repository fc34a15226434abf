using System.Text.RegularExpressions;
using ScenarioHv.Cli.Running;
using ScenarioHv.Exploration;
using ScenarioHv.Scenarios;

namespace ScenarioHv.Cli.Tests;

/// <summary>
/// The C# in scripts/README.md. Each block is compiled and run on a machine that has what it uses: the words behind the block's language
/// say what that is. A block that reports "done" gets there.
/// </summary>
public sealed partial class ScriptSampleTests
{
    private const string DefaultMain = "async GuestTask Main(Cpu cpu) { await cpu.Sti(); while (true) await cpu.Hlt(); }\n";
    private const string DefaultHandler = "async GuestTask OnInterrupt(Cpu cpu, byte vector) { await cpu.Eoi(); }\n";
    private const int Steps = 20_000;

    private static readonly Sample[] All = [.. Read()];

    private static IEnumerable<TestCaseData> Guests => All.Where(sample => sample is { IsPolicy: false, File: null } && !sample.Has("l2"))
        .Select(sample => new TestCaseData(sample).SetArgDisplayNames($"line {sample.Line}"));

    private static IEnumerable<TestCaseData> Policies => All.Where(sample => sample.IsPolicy)
        .Select(sample => new TestCaseData(sample).SetArgDisplayNames($"line {sample.Line}"));

    [TestCaseSource(nameof(Guests))]
    public void Guest_in_the_README_compiles_and_runs(object sample)
    {
        using var folder = new SampleFolder((Sample)sample);
        var file = ScenarioFile.Read(folder.Scenario);
        var result = new CellRun(file.Cell(null), new ScriptGuests(null, keeps: false)).Run(new RunLimits { Steps = Steps });
        Assert.That(result.Outcome, Is.EqualTo(folder.Reports ? Outcome.Reached : result.Outcome), result.Run.Reason);
        Assert.That(result.Run.Steps, Is.GreaterThan(5), "it does something");
    }

    /// <summary>What the text says of the assertion: a run does not see that it fails, and a search does.</summary>
    [Test]
    public void Search_finds_the_order_in_which_the_assertion_of_the_README_fails()
    {
        using var folder = new SampleFolder(All.Single(sample => sample.Has("explore")));
        var cell = ScenarioFile.Read(folder.Scenario).Cell(null);
        var found = new CellExploration(cell, new ScriptGuests(null, keeps: false), isTimed: false).Explore(new SearchSettings());
        Assert.That(found.OutcomeWithProperty, Is.EqualTo("violated(assert)"));
        Assert.That(found.Found.Reason, Does.Contain("turns.Read(cpu) == seen + 1").And.EndWith("nobody wrote in between"));
    }

    /// <summary>
    /// The first line of a policy names its point; it takes the place of the built-in value in a scenario that has that point.
    /// </summary>
    [TestCaseSource(nameof(Policies))]
    public void Policy_in_the_README_compiles_and_runs(object sample)
    {
        using var folder = new SampleFolder((Sample)sample);
        var point = Regex.Match(((Sample)sample).Text, "^// ([a-z-]+): ").Groups[1].Value;
        var scenario = point is "immediate-exit" or "ioapic-eoi" ? "hyperv-hang" : "lapic-restore-timer";
        var file = ScenarioFile.Read(scenario, [new SettingOverride(point, folder.Script)]);
        var result = new CellRun(file.Cell(null), new ScriptGuests(null, keeps: false)).Run(new RunLimits { Steps = Steps });
        Assert.That(result.Source.AllPolicies, Has.Some.Matches<PolicyChoice>(
            policy => policy!.Point == point && policy.Value.Contains("guest.csx", StringComparison.Ordinal)));
        Assert.That(point == "immediate-exit" ? result.Outcome : Outcome.Reached, Is.EqualTo(Outcome.Reached), "the throttle of 2019");
    }

    [Test]
    public void README_shows_every_operation()
    {
        var text = string.Concat(All.Select(sample => sample.Text));
        var missing = typeof(Engine.Guests.Cpu).GetMembers().Where(member => member.DeclaringType == typeof(Engine.Guests.Cpu))
            .Select(member => member.Name).Where(name => !name.StartsWith("get_", StringComparison.Ordinal) && name != ".ctor")
            .Distinct().Where(name => !Regex.IsMatch(text, $@"\bcpu\.{name}\b"));
        Assert.That(missing, Is.EquivalentTo(Tabled));
    }

    /// <summary>Operations that differ from a shown one in a number or a name, and are in the table alone.</summary>
    private static readonly string[] Tabled = ["In8", "In16", "Out16", "AcknowledgeInterruptOnExit"];

    private static IEnumerable<Sample> Read()
    {
        var lines = File.ReadAllLines(Path.Combine(Root(), "scripts", "README.md"));
        for (var i = 0; i < lines.Length; i++)
        {
            if (lines[i].StartsWith("```csharp", StringComparison.Ordinal))
            {
                var body = lines.Skip(i + 1).TakeWhile(line => line != "```");
                yield return new Sample(i + 1, lines[i]["```csharp".Length..].Split(' '), string.Join('\n', body) + "\n");
            }
        }
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

    /// <summary>A block of the README.</summary>
    private sealed partial record Sample(int Line, string[] Words, string Text)
    {
        public string? File => Words.FirstOrDefault(word => word.StartsWith("file=", StringComparison.Ordinal))?["file=".Length..];

        public bool IsPolicy => PolicyMembers().IsMatch(Text);

        /// <summary>A whole script: statements stand in Main, and what has no Main or no handler gets one.</summary>
        public string Script
        {
            get
            {
                var text = IsPolicy || File is not null || Methods().IsMatch(Text) ? Text
                    : $"async GuestTask Main(Cpu cpu)\n{{\n{Text}}}\n";
                return IsPolicy || File is not null ? text
                    : text + (text.Contains(" Main(", StringComparison.Ordinal) ? "" : DefaultMain)
                        + (text.Contains(" OnInterrupt(", StringComparison.Ordinal) ? "" : DefaultHandler);
            }
        }

        public bool Has(string word) => Words.Contains(word);

        [GeneratedRegex(@"^async GuestTask ", RegexOptions.Multiline)]
        private static partial Regex Methods();

        [GeneratedRegex(@"\b(Decide|Takes|Merges)\(|\bSteps\s*(=>|\{)")]
        private static partial Regex PolicyMembers();
    }

    /// <summary>A folder with a sample, the files that samples load, and a scenario.</summary>
    private sealed class SampleFolder : IDisposable
    {
        private readonly string _path = Directory.CreateTempSubdirectory("scenariohv-sample-").FullName;

        public SampleFolder(Sample sample)
        {
            foreach (var file in All.Where(other => other.File is not null))
            {
                File.WriteAllText(Path.Combine(_path, file.File!), file.Script);
            }

            var l2 = sample.Has("l1") ? All.Single(other => other.Has("l2")) : null;
            File.WriteAllText(Script, sample.Script);
            File.WriteAllText(Path.Combine(_path, "l2.csx"), l2?.Script ?? "");
            File.WriteAllText(Scenario, Text(sample, l2));
            Reports = (sample.Text + l2?.Text).Contains("Report(\"done\")", StringComparison.Ordinal)
                || sample.Text.Contains("\"done\"", StringComparison.Ordinal);
        }

        public string Script => Path.Combine(_path, "guest.csx");

        public string Scenario => Path.Combine(_path, "sample.yaml");

        /// <summary>Whether there is a report that a run waits for.</summary>
        public bool Reports { get; }

        public void Dispose() => Directory.Delete(_path, recursive: true);

        private static string Text(Sample sample, Sample? l2)
        {
            var x2Apic = sample.Has("x2apic") ? ", x2apic: true" : "";
            var cpu = sample.Has("amd") ? "vendor: amd, apicv: false" : $"vendor: intel, apicv: true{x2Apic}";
            var devices = "clock: { type: msi, vector: 0x60 }, disk: { type: line, gsi: 20, vector: 0x41, io: 0xd000 }"
                + (sample.Has("pic") ? ", serial: { type: isa, irq: 4 }" : "");
            var events = new List<string>();
            Add("clock", "fire: clock");
            Add("device", "raise: disk");
            Add("nmi", "nmi: 0");
            Add("pic", "fire: serial");
            var level = sample.Text.Contains("Report(", StringComparison.Ordinal) || l2 is null ? 1 : 2;
            return $$"""
                scenario: sample
                title: a sample
                machine:
                  tsc: 2.4 GHz
                  timing: {{(sample.Has("amd") ? "epyc" : "skylake")}}
                  cpu: { {{cpu}} }
                  hypervisor: kvm@5.1
                  host-tick: off
                  vcpus: {{(sample.Has("vcpus") ? 2 : 1)}}
                  {{(sample.Has("hyperv") ? "hyperv: { vapic: true }" : "")}}
                  {{(sample.Has("pic") ? "virtual-wire: true" : "")}}
                  devices: { {{devices}} }
                guests:
                  l1: { script: guest.csx, with: { vector: 0x50, cycles: 2000 } }
                  {{(l2 is null ? "" : "l2: l2.csx")}}
                timeline: [{{string.Join(", ", events)}}]
                goal: l{{level}} reports "done"
                """;

            void Add(string word, string what)
            {
                if (sample.Has(word))
                {
                    events.Add($"{{ at: 20 us, {what} }}");
                }
            }
        }
    }
}
