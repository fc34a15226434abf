namespace ScenarioHv.Cli.Running;

/// <summary>The scenarios that a list of paths stands for.</summary>
internal static class ScenarioPaths
{
    private const string Pattern = "*.yaml";

    private static readonly EnumerationOptions Below = new() { RecurseSubdirectories = true, IgnoreInaccessible = false };

    /// <summary>True if what the user named can only be one scenario: a file, or the name of a shipped one.</summary>
    public static bool IsOne(IReadOnlyList<string> paths) => paths.Count == 1 && !IsFolder(paths[0]);

    /// <summary>Files and names as they are; of a folder every <c>*.yaml</c> below it, by name. What is named twice comes once.</summary>
    /// <exception cref="InputException">A folder holds no scenario or cannot be read.</exception>
    public static IReadOnlyList<string> Find(IReadOnlyList<string> paths) =>
        [.. paths.SelectMany(path => IsFolder(path) ? FilesOf(path) : [path]).DistinctBy(Path.GetFullPath, StringComparer.Ordinal)];

    private static bool IsFolder(string path) => Directory.Exists(path) && !ShippedScenarios.Has(path);

    private static string[] FilesOf(string folder)
    {
        try
        {
            string[] files = [.. Directory.EnumerateFiles(folder, Pattern, Below).Order(StringComparer.Ordinal)];
            return files.Length > 0 ? files : throw new InputException($"{folder}: the folder holds no scenario ({Pattern})");
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{folder}: the folder cannot be read: {problem.Message}");
        }
    }
}
