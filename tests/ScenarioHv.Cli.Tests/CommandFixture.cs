using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace ScenarioHv.Cli.Tests;

/// <summary>What one process of the command did.</summary>
public sealed record CommandResult(int ExitCode, string Out, string Error)
{
    /// <summary>Standard output as JSON.</summary>
    public JsonElement Json => JsonDocument.Parse(Out).RootElement;

    /// <summary>The text of the report's line that begins with a label.</summary>
    public string Line(string label) =>
        Out.Split('\n').First(line => line.StartsWith(label + " ", StringComparison.Ordinal))[label.Length..].Trim();
}

/// <summary>Starts the built command as a process of its own, in a folder with a few scenarios and scripts.</summary>
public abstract class CommandFixture
{
    /// <summary>Why a run that ends as expected returns 0.</summary>
    protected const int AsExpected = 0, NotAsExpected = 1, BadInput = 2, Inconclusive = 3;

    private static readonly string Command = Path.Combine(AppContext.BaseDirectory, "scenariohv.dll");

    private static readonly Dictionary<string, string> Texts = new(StringComparer.Ordinal);

    private static string Folder => Workspace.Folder;

    protected static string InFolder(string name) => Path.Combine(Folder, name);

    /// <summary>Runs the command in the folder of the scenarios.</summary>
    protected static CommandResult Run(params string[] arguments) => RunIn(Folder, arguments);

    protected static CommandResult RunIn(string folder, params string[] arguments) => End(Start(folder, arguments));

    /// <summary>Waits for the end of a process, and reads what it says until then.</summary>
    protected static CommandResult End(Process started)
    {
        using var process = started;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new CommandResult(process.ExitCode, output, error.Result);
    }

    /// <summary>Runs the command with variables of the environment besides those it always has.</summary>
    protected static CommandResult RunWith(IReadOnlyDictionary<string, string> environment, params string[] arguments) =>
        End(Start(Folder, arguments, environment));

    /// <summary>Starts the command in a folder.</summary>
    protected static Process Start(string folder, string[] arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        start.ArgumentList.Add(Command);
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["SCENARIOHV_CACHE"] = Workspace.Cache;
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    /// <summary>A scenario of one guest in a file of its own. Tests run side by side: one name stands for one text.</summary>
    protected static string Scenario(string name, string script, string expect, string more = "")
    {
        var text = $$"""
            scenario: {{name}}
            title: A test of {{name}}
            machine:
              tsc: 1 GHz
              timing: skylake
              cpu: { vendor: intel, apicv: true }
              hypervisor: kvm@5.1
              host-tick: off
              devices:
                clock: { type: msi, vector: 0x60 }
            guests:
              l1: {{script}}
            goal: l1 reports "done"
            expect: {{expect}}
            {{more}}
            """;
        lock (Texts)
        {
            if (Texts.TryAdd(name, text))
            {
                File.WriteAllText(InFolder(name + ".yaml"), text);
            }

            Assert.That(Texts[name], Is.EqualTo(text), "another test has a scenario of this name");
        }

        return name + ".yaml";
    }

    /// <summary>A failure that the user caused: nothing on standard output, one message without a stack trace.</summary>
    protected static void AssertBadInput(CommandResult result, params string[] parts)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.EqualTo(BadInput), result.Error);
            Assert.That(result.Out, Is.Empty);
            Assert.That(result.Error, Does.Not.Contain("   at "));
            foreach (var part in parts)
            {
                Assert.That(result.Error, Does.Contain(part));
            }
        }
    }
}
