using ScenarioHv.Cli.Output;
using ScenarioHv.Cli.Running;
using ScenarioHv.Scenarios;
using ScenarioHv.Scenarios.Assembly;
using ScenarioHv.Scenarios.Schema;

namespace ScenarioHv.Cli.Commands;

/// <summary><c>new</c>: a scenario with its guest to begin with.</summary>
internal static class NewCommand
{
    private const string SchemaFile = "scenario.schema.json";

    private static readonly string[] Extensions = [".yaml", ".csx"];

    // Names of devices on Windows, whatever their extension.
    private static readonly string[] Devices = ["con", "prn", "aux", "nul"];

    /// <summary>Writes <c>NAME.yaml</c> and <c>NAME.csx</c>, and the schema beside them if there is none.</summary>
    /// <param name="terminal">Where it says what it has written.</param>
    /// <param name="name">The scenario's name.</param>
    /// <param name="folder">The folder; null for the current one.</param>
    /// <exception cref="InputException">The name names no scenario, the folder is not there, or one of the files is.</exception>
    /// <exception cref="FileProblem">A file cannot be written; then none is.</exception>
    public static ExitCode Run(Terminal terminal, string name, string? folder)
    {
        CheckName(name);
        if (folder is not null && !Directory.Exists(folder))
        {
            throw new InputException(File.Exists(folder) ? $"--in {folder}: is a file" : $"--in {folder}: there is no such folder");
        }

        string PathOf(string file) => folder is null ? file : Path.Combine(folder, file);
        List<(string Path, string Text)> files =
            [(PathOf(name + ".csx"), Scaffold.Script(name)), (PathOf(name + ".yaml"), Scaffold.Scenario(name))];
        if (files.FirstOrDefault(file => Path.Exists(file.Path)) is { Path: { } taken })
        {
            throw new InputException(
                $"{taken} is there already, and nothing is overwritten: choose another name, or another folder by --in");
        }

        if (!Path.Exists(PathOf(SchemaFile)))
        {
            files.Insert(0, (PathOf(SchemaFile), ScenarioSchema.Text(EngineVocabulary.Instance)));
        }

        WriteAll(files);
        foreach (var (path, _) in files)
        {
            terminal.Out.WriteLine($"written  {path}");
        }

        terminal.Out.WriteLine($"try      scenariohv matrix {PathOf(name + ".yaml")}");
        return ExitCode.AsExpected;
    }

    /// <summary>All of them or none.</summary>
    private static void WriteAll(List<(string Path, string Text)> files)
    {
        var opened = new List<OutputFile>();
        var written = new List<string>();
        try
        {
            foreach (var (path, text) in files)
            {
                opened.Add(new OutputFile("new", path));
                opened[^1].Writer.Write(text);
            }

            foreach (var (file, path) in opened.Zip(files, (file, text) => (file, text.Path)))
            {
                file.Complete();
                written.Add(path);
            }
        }
        catch (FileProblem)
        {
            written.ForEach(File.Delete);
            throw;
        }
        finally
        {
            opened.ForEach(file => file.Dispose());
        }
    }

    private static void CheckName(string name)
    {
        const string Rule = "a name has letters, digits, '-', '_' and '.', at most 80, the first no sign";
        if (Array.Find(Extensions, extension => name.EndsWith(extension, StringComparison.OrdinalIgnoreCase)) is { } extension)
        {
            throw new InputException($"new {name}: the name stands without an extension: {name[..^extension.Length]}");
        }

        if (name.Contains('/', StringComparison.Ordinal) || name.Contains('\\', StringComparison.Ordinal))
        {
            throw new InputException($"new {name}: a name and no path; --in names the folder");
        }

        if (!ScenarioName.IsValid(name))
        {
            throw new InputException($"new {name}: this cannot name a scenario: {Rule}");
        }

        if (Devices.Contains(name.Split('.')[0], StringComparer.OrdinalIgnoreCase))
        {
            throw new InputException($"new {name}: Windows has no file of this name");
        }
    }
}
