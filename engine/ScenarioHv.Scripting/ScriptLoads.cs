using System.Reflection;
using ScenarioHv.Engine.Naming;

namespace ScenarioHv.Scripting;

/// <summary>
/// Which files a script loads: <c>#load "helper.csx"</c> names one by its path from the file that says so. It lies in the folder of the
/// script or below, so that a script and what it needs can be copied as one folder. Each is loaded once, whoever names it.
/// </summary>
internal static class ScriptLoads
{
    /// <summary>How many files a script can load. Operations without an address have one made of line and file.</summary>
    public const int MostFiles = 32;

    private const int ShownNames = 8;

    /// <summary>
    /// Reads all that <paramref name="script"/> may load. What cannot be read is left out: the compiler comes to it, and tells.
    /// </summary>
    public static IReadOnlyList<ScriptSource> Follow(ScriptSource script)
    {
        var found = new List<ScriptSource>();
        var seen = new HashSet<string>(StringComparer.Ordinal) { script.FullPath };
        Follow(script, script, found, seen);
        return found;
    }

    /// <summary>The file that a directive names.</summary>
    /// <param name="script">The script.</param>
    /// <param name="loading">The file with the directive: the script, or one that it loads.</param>
    /// <param name="named">What the directive says.</param>
    /// <returns>The absolute path, or why there is none.</returns>
    public static (string? Path, string Problem) Resolve(ScriptSource script, ScriptSource loading, string named)
    {
        if (named.Length == 0 || named.Any(char.IsControl))
        {
            return (null, "#load names a file beside this one or below: #load \"helper.csx\".");
        }

        if (named.Contains('\\', StringComparison.Ordinal))
        {
            return (null, $"write '/' between the folders of '{named}': the script is to work on every system.");
        }

        if (Path.IsPathRooted(named) || named.Contains(':', StringComparison.Ordinal))
        {
            return (null, $"'{named}' would be found on one machine only: name the file by its path from this one.");
        }

        var full = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(loading.FullPath)!, named));
        if (!ScriptFiles.IsBelow(full, FolderOf(script)))
        {
            return (null, $"'{named}' lies outside of the folder of {Path.GetFileName(script.FullPath)}: a script loads files beside it or "
                + "below, so that it can be copied, checked and replayed together with them.");
        }

        return File.Exists(full) ? (full, string.Empty)
            : (null, Directory.Exists(full) ? $"'{named}' is a folder; #load names a file." : $"there is no file '{named}'{Instead(full)}");
    }

    /// <summary>How messages show a file that <paramref name="script"/> loads.</summary>
    public static string NameOf(ScriptSource script, string full) =>
        Path.Combine(Path.GetDirectoryName(script.Name) ?? string.Empty, Path.GetRelativePath(FolderOf(script), full));

    private static void Follow(ScriptSource script, ScriptSource loading, List<ScriptSource> found, HashSet<string> seen)
    {
        foreach (var named in Named(loading.Text))
        {
            if (Resolve(script, loading, named).Path is not { } path || !seen.Add(path) || found.Count >= MostFiles)
            {
                continue;
            }

            ScriptSource helper;
            try
            {
                helper = ScriptSource.ReadFile(NameOf(script, path), path);
            }
            catch (ScriptException)
            {
                continue;
            }

            found.Add(helper);
            Follow(script, helper, found, seen);
        }
    }

    /// <summary>What stands between quotes on each line that begins with <c>#load</c>, in a comment or an inactive region too.</summary>
    private static IEnumerable<string> Named(string text)
    {
        if (!text.Contains("load", StringComparison.Ordinal))
        {
            yield break;
        }

        foreach (var line in text.Split('\n', '\r', '\u0085', '\u2028', '\u2029'))
        {
            var rest = line.TrimStart();
            if (!rest.StartsWith('#') || !(rest = rest[1..].TrimStart()).StartsWith("load", StringComparison.Ordinal))
            {
                continue;
            }

            var parts = rest.Split('"');
            if (parts.Length > 2)
            {
                yield return parts[1];
            }
        }
    }

    /// <summary>The end of a message about a script that is not there: the one that was meant, or those that are there.</summary>
    public static string Instead(string full)
    {
        var there = Neighbours(full);
        return NearestName.Of(Path.GetFileName(full), there) is { } nearest ? $"; did you mean '{nearest}'?"
            : there.Length == 0 ? "."
            : $". The folder has {string.Join(", ", there.Take(ShownNames))}.";
    }

    /// <summary>The scripts of the folder in which a file was looked for.</summary>
    private static string[] Neighbours(string full)
    {
        try
        {
            return [.. Directory.EnumerateFiles(Path.GetDirectoryName(full)!, "*.csx").Select(file => Path.GetFileName(file)!)
                .Order(StringComparer.Ordinal)];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static string FolderOf(ScriptSource script) => Path.GetDirectoryName(script.FullPath)!;
}

/// <summary>The files that a script is made of, for those that copy or compare scripts.</summary>
public static class ScriptFiles
{
    /// <summary>The absolute paths of the script at <paramref name="path"/> and of the files that it may load, the script first.</summary>
    /// <exception cref="ScriptException">The script cannot be read.</exception>
    public static IReadOnlyList<string> Of(string path)
    {
        var script = ScriptSource.Read(path);
        return [script.FullPath, .. script.Helpers.Select(helper => helper.FullPath)];
    }

    /// <summary>The absolute path of a file of a compiled script.</summary>
    /// <param name="script">The assembly.</param>
    /// <param name="number">0 for the script itself, from 1 for what it loads.</param>
    /// <returns>Null if the assembly is no script.</returns>
    public static string? Of(Assembly script, int number) =>
        script.GetType(LoadedScript.ClassName)?.GetField(LoadedScript.FilesName)?.GetRawConstantValue() is string files
            ? files.Split('\n')[number] : null;

    /// <summary>Whether a file lies in a folder or in one of the folders in it. The root of a drive is a folder like others.</summary>
    /// <param name="path">The file's absolute path.</param>
    /// <param name="folder">The folder's absolute path.</param>
    public static bool IsBelow(string path, string folder) =>
        path.StartsWith(
            Path.EndsInDirectorySeparator(folder) ? folder : folder + Path.DirectorySeparatorChar,
            StringComparison.Ordinal);
}
