using System.Globalization;
using System.Security;

namespace ScenarioHv.Scripting;

/// <summary>
/// Compiled scripts on disk, one file each, named by what went into the compilation. Entries are written whole or not at all and
/// checked before use,
/// so that several runs can share a directory and a damaged entry costs a compilation, never a wrong guest.
/// </summary>
/// <remarks>
/// Who adds an entry also keeps the bound: those that were used longest ago go first. The time of last use is the file's, and is brought up
/// to date once a day at most, so that a script from the cache costs no write.
/// </remarks>
public sealed class ScriptCache
{
    /// <summary>The environment variable that names the default directory itself.</summary>
    public const string Variable = "SCENARIOHV_CACHE";

    /// <summary>How many bytes a cache keeps unless told otherwise: more than a thousand scripts.</summary>
    private const long UsualBound = 64_000_000;

    private const string Extension = ".guest";
    private const string TemporaryExtension = ".tmp";

    /// <summary>What is not renamed by then belongs to a process that was killed.</summary>
    private static readonly TimeSpan OldestTemporary = TimeSpan.FromHours(1);

    private static readonly TimeSpan Freshness = TimeSpan.FromDays(1);

    /// <summary>Creates a cache.</summary>
    /// <param name="directory">Where the entries are; it is created when the first one is written. Null: nothing is kept.</param>
    public ScriptCache(string? directory)
        : this(directory, UsualBound)
    {
    }

    /// <summary>Creates a cache with a bound of its own.</summary>
    internal ScriptCache(string? directory, long bound) => (Place, Bound) = (directory, bound);

    /// <summary>Where the entries are; null if nothing is kept.</summary>
    public string? Place { get; }

    /// <summary>How many bytes the entries may have together; the newest one stays however large it is.</summary>
    public long Bound { get; }

    /// <summary>
    /// The cache of this user: <c>$SCENARIOHV_CACHE</c>, or <c>scenariohv/scripts</c> below <c>$XDG_CACHE_HOME</c> or the
    /// platform's local application data.
    /// </summary>
    public static ScriptCache Default() =>
        new(DefaultDirectory(
            Environment.GetEnvironmentVariable,
            Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)));

    /// <summary>The entries as they lie there, by script and then by name.</summary>
    /// <exception cref="IOException">The directory cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The directory cannot be read.</exception>
    public IReadOnlyList<CachedScript> Entries() =>
        [.. Files().Where(IsEntry).Select(Describe).OfType<CachedScript>()
            .OrderBy(entry => entry.Script, StringComparer.Ordinal).ThenBy(entry => entry.Name, StringComparer.Ordinal)];

    /// <summary>Removes every entry, and what killed processes have left; nothing else that may lie in the directory.</summary>
    /// <returns>How many files that were, and how many bytes.</returns>
    /// <exception cref="IOException">One cannot be removed.</exception>
    /// <exception cref="UnauthorizedAccessException">One cannot be removed.</exception>
    public (int Files, long Bytes) Clear()
    {
        var (count, bytes) = (0, 0L);
        foreach (var file in Files().Where(file => IsEntry(file) || IsTemporary(file)))
        {
            var length = file.Length;
            file.Delete();
            (count, bytes) = (count + 1, bytes + length);
        }

        return (count, bytes);
    }

    /// <summary>Where the default cache is; null if the platform names no place.</summary>
    internal static string? DefaultDirectory(Func<string, string?> environment, string localData)
    {
        if (environment(Variable) is { Length: > 0 } chosen)
        {
            return chosen;
        }

        var root = environment("XDG_CACHE_HOME") is { Length: > 0 } home && Path.IsPathRooted(home) ? home : localData;
        return root.Length == 0 ? null : Path.Combine(root, "scenariohv", "scripts");
    }

    /// <summary>The entry of <paramref name="key"/>; null if there is none or it is damaged.</summary>
    internal ScriptImage? Read(ScriptKey key)
    {
        if (Place is null)
        {
            return null;
        }

        var path = PathOf(key);
        try
        {
            var image = CacheEntry.Decode(File.ReadAllBytes(path), key.Hash);
            if (image is not null && DateTime.UtcNow - File.GetLastWriteTimeUtc(path) > Freshness)
            {
                Touch(path);
            }

            return image;
        }
        catch (Exception error) when (IsOfFiles(error))
        {
            return null;
        }
    }

    /// <summary>Keeps <paramref name="image"/> of the script at <paramref name="script"/>, and no more than the bound allows.</summary>
    /// <returns>False if the directory cannot be written.</returns>
    internal bool Write(ScriptKey key, string script, ScriptImage image)
    {
        if (Place is null)
        {
            return false;
        }

        var temporary = Path.Combine(Place, $".{key.Text}.{Guid.NewGuid():N}{TemporaryExtension}");
        var path = PathOf(key);
        try
        {
            Directory.CreateDirectory(Place);
            File.WriteAllBytes(temporary, CacheEntry.Encode(key, script, image));
            if (Directory.Exists(path))
            {
                // Nothing of ours; it goes if it is empty.
                Directory.Delete(path);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception error) when (IsOfFiles(error))
        {
            Remove(new FileInfo(temporary));
            return false;
        }

        KeepBound(Path.GetFullPath(path));
        return true;
    }

    internal string PathOf(ScriptKey key) => Path.Combine(Place ?? string.Empty, key.Text + Extension);

    /// <summary>Several processes may do this at once: what one does not find any more another has removed.</summary>
    private void KeepBound(string newest)
    {
        try
        {
            var files = Files().ToArray();
            foreach (var file in files.Where(file => IsTemporary(file) && DateTime.UtcNow - file.LastWriteTimeUtc > OldestTemporary))
            {
                Remove(file);
            }

            var kept = 0L;
            foreach (var file in files.Where(IsEntry)
                .OrderByDescending(file => file.FullName == newest).ThenByDescending(file => file.LastWriteTimeUtc))
            {
                kept += file.Length;
                if (kept > Bound && file.FullName != newest)
                {
                    Remove(file);
                }
            }
        }
        catch (Exception error) when (IsOfFiles(error))
        {
            // A directory that cannot be listed is not kept small. The entry is there, and that is what counts.
        }
    }

    private IEnumerable<FileInfo> Files() =>
        Place is null ? []
        : Directory.Exists(Place) ? new DirectoryInfo(Place).EnumerateFiles()
        : File.Exists(Place) ? throw new IOException($"{Place} is a file, not a folder")
        : [];

    private static bool IsEntry(FileInfo file) => file.Extension == Extension && IsName(Path.GetFileNameWithoutExtension(file.Name));

    private static bool IsTemporary(FileInfo file) =>
        file.Extension == TemporaryExtension && file.Name.Split('.') is ["", var name, _, _] && IsName(name);

    private static bool IsName(string name) => name.Length == 64 && name.All(char.IsAsciiHexDigitLower);

    private static CachedScript? Describe(FileInfo file)
    {
        try
        {
            var name = Path.GetFileNameWithoutExtension(file.Name);
            var script = CacheEntry.ScriptOf(File.ReadAllBytes(file.FullName), Convert.FromHexString(name));
            return new CachedScript(name, script, file.Length, file.LastWriteTimeUtc);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>A cache that cannot be written is used all the same.</summary>
    private static void Touch(string path)
    {
        try
        {
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow);
        }
        catch (Exception error) when (IsOfFiles(error))
        {
            // Then its entries have no last use, and nobody can remove them either.
        }
    }

    private static void Remove(FileInfo file)
    {
        try
        {
            file.Delete();
        }
        catch (Exception error) when (IsOfFiles(error))
        {
            // Another process has it open, or nothing can be written here: it is tried again with the next entry.
        }
    }

    private static bool IsOfFiles(Exception error) => error is IOException or UnauthorizedAccessException or SecurityException;
}

/// <summary>An entry of a cache.</summary>
/// <param name="Name">Its key: 64 hexadecimal digits.</param>
/// <param name="Script">The path of the script that was compiled; null if the entry is damaged and will be compiled anew.</param>
/// <param name="Bytes">Its size on disk.</param>
/// <param name="LastUse">When it was last used, to a day.</param>
public sealed record CachedScript(string Name, string? Script, long Bytes, DateTime LastUse)
{
    /// <summary>The day of the last use in coordinated universal time: <c>2026-11-21</c>.</summary>
    public string Day => LastUse.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}

/// <summary>A compiled script.</summary>
/// <param name="Dll">The assembly.</param>
/// <param name="Pdb">Its debug information (portable PDB).</param>
internal sealed record ScriptImage(byte[] Dll, byte[] Pdb);
