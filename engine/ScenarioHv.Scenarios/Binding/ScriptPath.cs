using ScenarioHv.Scenarios.Yaml;

namespace ScenarioHv.Scenarios.Binding;

/// <summary>Scripts that a scenario names: the file must be there when the scenario is read, and is not opened.</summary>
internal static class ScriptPath
{
    /// <summary>What a script's name ends in.</summary>
    public const string Extension = ".csx";

    /// <summary>The folder of a scenario file, where the paths in it begin.</summary>
    public static string FolderOf(string scenarioFile)
    {
        var full = Path.GetFullPath(scenarioFile);
        return Path.GetDirectoryName(full) ?? Path.GetPathRoot(full)!;
    }

    /// <summary>The full path of the script that a text names.</summary>
    /// <param name="script">The path as written.</param>
    /// <param name="owner">Whose script it is, for messages.</param>
    /// <param name="folder">Where a relative path begins.</param>
    /// <exception cref="ScenarioException">There is no such file.</exception>
    public static string Resolve(YamlScalar script, string owner, string folder)
    {
        string path;
        try
        {
            path = Path.GetFullPath(Path.Combine(folder, script.Text));
        }
        catch (Exception error) when (error is ArgumentException or IOException or NotSupportedException)
        {
            throw script.Mark.Error($"{script.Description} is no path for the script of {owner}: {error.Message}");
        }
        if (Directory.Exists(path))
            throw script.Mark.Error($"the script of {owner}, {script.Description}, is a directory: {path}");
        return File.Exists(path)
            ? path
            : throw script.Mark.Error($"the script of {owner}, {script.Description}, does not exist; looked for {path}{Nearest(path)}");
    }

    /// <summary>The script beside the missing one that was probably meant.</summary>
    private static string Nearest(string path)
    {
        try
        {
            var beside = Directory.EnumerateFiles(Path.GetDirectoryName(path) ?? path, "*" + Extension);
            string[] names = [.. beside.Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];
            return NearestName.Hint(Path.GetFileName(path), names);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
