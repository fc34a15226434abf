using System.Buffers.Binary;
using System.Security.Cryptography;

namespace ScenarioHv.Scripting;

/// <summary>
/// Compiled scripts on disk, one file each, named by what went into the compilation. Entries are written whole or not at all and
/// checked before use,
/// so that several runs can share a directory and a damaged entry costs a compilation, never a wrong guest.
/// </summary>
/// <remarks>
/// An entry is: magic (8 bytes), SHA-256 of everything after it (32), the key (32), length of the DLL and of the PDB (4 + 4,
/// little-endian), DLL, PDB.
/// Nothing removes old entries; the directory can be deleted at any time.
/// </remarks>
public sealed class ScriptCache
{
    /// <summary>The environment variable that names the default directory itself.</summary>
    public const string Variable = "SCENARIOHV_CACHE";

    private const int HashSize = SHA256.HashSizeInBytes;
    private const int BodyStart = 8 + HashSize;
    private const int ImageStart = BodyStart + HashSize + 8;

    private readonly string? _directory;

    /// <summary>Creates a cache.</summary>
    /// <param name="directory">Where the entries are; it is created when the first one is written. Null: nothing is kept.</param>
    public ScriptCache(string? directory) => _directory = directory;

    private static ReadOnlySpan<byte> Magic => "SHVGUEST"u8;

    /// <summary>
    /// The cache of this user: <c>$SCENARIOHV_CACHE</c>, or <c>scenariohv/scripts</c> below <c>$XDG_CACHE_HOME</c> or the
    /// platform's local application data.
    /// </summary>
    public static ScriptCache Default() =>
        new(DefaultDirectory(
            Environment.GetEnvironmentVariable,
            Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)));

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
        if (_directory is null)
        {
            return null;
        }

        try
        {
            return Decode(File.ReadAllBytes(PathOf(key)), key);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Keeps <paramref name="image"/>.</summary>
    /// <returns>False if the directory cannot be written.</returns>
    internal bool Write(ScriptKey key, ScriptImage image)
    {
        if (_directory is null)
        {
            return false;
        }

        var temporary = Path.Combine(_directory, $".{key.Text}.{Guid.NewGuid():N}.tmp");
        try
        {
            Directory.CreateDirectory(_directory);
            File.WriteAllBytes(temporary, Encode(key, image));
            File.Move(temporary, PathOf(key), overwrite: true);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Remove(temporary);
            return false;
        }
    }

    internal string PathOf(ScriptKey key) => Path.Combine(_directory ?? string.Empty, key.Text + ".guest");

    private static byte[] Encode(ScriptKey key, ScriptImage image)
    {
        var entry = new byte[ImageStart + image.Dll.Length + image.Pdb.Length];
        var span = entry.AsSpan();
        Magic.CopyTo(span);
        key.Hash.CopyTo(span[BodyStart..]);
        BinaryPrimitives.WriteInt32LittleEndian(span[(ImageStart - 8)..], image.Dll.Length);
        BinaryPrimitives.WriteInt32LittleEndian(span[(ImageStart - 4)..], image.Pdb.Length);
        image.Dll.CopyTo(span[ImageStart..]);
        image.Pdb.CopyTo(span[(ImageStart + image.Dll.Length)..]);
        SHA256.HashData(span[BodyStart..], span[Magic.Length..]);
        return entry;
    }

    private static ScriptImage? Decode(ReadOnlySpan<byte> entry, ScriptKey key)
    {
        if (entry.Length < ImageStart || !entry.StartsWith(Magic)
            || !SHA256.HashData(entry[BodyStart..]).AsSpan().SequenceEqual(entry[Magic.Length..BodyStart])
            || !entry.Slice(BodyStart, HashSize).SequenceEqual(key.Hash))
        {
            return null;
        }

        long dll = BinaryPrimitives.ReadInt32LittleEndian(entry[(ImageStart - 8)..]);
        long pdb = BinaryPrimitives.ReadInt32LittleEndian(entry[(ImageStart - 4)..]);
        return dll < 0 || pdb < 0 || ImageStart + dll + pdb != entry.Length
            ? null
            : new ScriptImage(entry.Slice(ImageStart, (int)dll).ToArray(), entry[(ImageStart + (int)dll)..].ToArray());
    }

    private static void Remove(string temporary)
    {
        try
        {
            File.Delete(temporary);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // What could not be written can hardly be removed; it is a hidden file that nothing reads.
        }
    }
}

/// <summary>A compiled script.</summary>
/// <param name="Dll">The assembly.</param>
/// <param name="Pdb">Its debug information (portable PDB).</param>
internal sealed record ScriptImage(byte[] Dll, byte[] Pdb);
