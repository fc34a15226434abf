namespace ScenarioHv.Tidy.Tests;

/// <summary>The checkout that these tests were built from.</summary>
internal static class Checkout
{
    private static readonly HashSet<string> Built =
    [
        "bin", "obj", ".git", ".vs", ".idea", ".vscode", "artifacts", "nupkg", "TestResults", "BenchmarkDotNet.Artifacts",
    ];

    private static readonly HashSet<string> TextExtensions =
    [
        ".cs", ".csproj", ".csx", ".json", ".jsonl", ".md", ".props", ".sln", ".targets", ".txt", ".yaml",
    ];

    private static readonly HashSet<string> TextNames = [".editorconfig", ".gitignore", "LICENSE", "run"];

    public static string Root { get; } = FindRoot();

    /// <summary>The files, as paths from the root with forward slashes, in ordinal order; without what a build leaves behind.</summary>
    public static IReadOnlyList<string> Files { get; } = [.. FilesIn(Root).Select(Relative).Order(StringComparer.Ordinal)];

    /// <summary>What a build or an editor leaves at the top level, and git ignores.</summary>
    public static bool IsBuilt(string name) => Built.Contains(name);

    public static bool IsText(string file) =>
        TextExtensions.Contains(Path.GetExtension(file)) || TextNames.Contains(Path.GetFileName(file));

    public static IEnumerable<string> With(params string[] extensions) =>
        Files.Where(file => extensions.Contains(Path.GetExtension(file), StringComparer.Ordinal));

    public static string Read(string file) => File.ReadAllText(Full(file));

    /// <summary>The lines of a file; the newline at its end begins none.</summary>
    public static string[] Lines(string file)
    {
        var lines = Read(file).Split('\n');
        return lines[^1].Length == 0 ? lines[..^1] : lines;
    }

    public static bool Exists(string path) => Path.Exists(Full(path));

    public static string Full(string path) => Path.Combine(Root, path);

    private static string Relative(string file) => Path.GetRelativePath(Root, file).Replace('\\', '/');

    private static IEnumerable<string> FilesIn(string folder) =>
        Directory.EnumerateFiles(folder).Concat(
            Directory.EnumerateDirectories(folder).Where(inner => !IsBuilt(Path.GetFileName(inner))).SelectMany(FilesIn));

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "ScenarioHv.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"No ScenarioHv.sln above {AppContext.BaseDirectory}: these tests look at the checkout.");
    }
}
