
namespace ScenarioHv.Cli.Running;

/// <summary>The scenarios that lie beside the executable, found by name from every folder.</summary>
internal static class ShippedScenarios
{
    private const string Extension = ".yaml";

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "scenarios");

    private static IReadOnlyList<(string Name, string Path)>? s_all;

    /// <summary>Name and path of each, by name; a scenario in a subfolder is named with it: <c>history/one</c>.</summary>
    public static IReadOnlyList<(string Name, string Path)> All => s_all ??= Directory.Exists(Folder)
        ? [.. Directory.EnumerateFiles(Folder, "*" + Extension, SearchOption.AllDirectories)
            .Select(path => (NameOf(path), path))
            .OrderBy(entry => entry.Item1, StringComparer.Ordinal)]
        : [];

    /// <summary>The path of what the user named: a file if there is one, else a shipped scenario.</summary>
    /// <param name="name">A path, or a name with or without extension.</param>
    /// <exception cref="InputException">It is neither.</exception>
    public static string Resolve(string name)
    {
        if (File.Exists(name))
        {
            return name;
        }

        // A folder is no scenario; the reader says so.
        return Find(name) ?? (Directory.Exists(name) ? name : throw Unknown(name, WithoutExtension(name)));
    }

    /// <summary>True if this is the name of a shipped scenario.</summary>
    public static bool Has(string name) => Find(name) is not null;

    private static string? Find(string name)
    {
        var wanted = WithoutExtension(name);
        var direct = Path.Combine(Folder, wanted + Extension);
        return !wanted.Contains('.', StringComparison.Ordinal) && !Path.IsPathRooted(wanted) && File.Exists(direct)
            ? direct
            : FindAmongAll(wanted);
    }

    private static string? FindAmongAll(string wanted)
    {
        var found = All.FirstOrDefault(entry => entry.Name == wanted);
        if (found.Path is null && All.Count(entry => LastPart(entry.Name) == wanted) == 1)
        {
            found = All.First(entry => LastPart(entry.Name) == wanted);
        }

        return found.Path;
    }

    private static string WithoutExtension(string name) =>
        name.EndsWith(Extension, StringComparison.Ordinal) ? name[..^Extension.Length] : name;

    private static InputException Unknown(string name, string wanted)
    {
        var hint = NearestName.Hint(wanted, All.Select(entry => entry.Name));
        return new InputException(
            $"there is no file '{name}' and no shipped scenario of that name{hint} ('scenariohv list' shows those there are)");
    }

    private static string NameOf(string path) => Path.GetRelativePath(Folder, path)[..^Extension.Length].Replace('\\', '/');

    private static string LastPart(string name) => name[(name.LastIndexOf('/') + 1)..];
}
