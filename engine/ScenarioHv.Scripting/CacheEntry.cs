using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace ScenarioHv.Scripting;

/// <summary>
/// The bytes of an entry of the cache. They say of themselves whether they are whole: who reads them needs to trust neither the disk nor
/// whoever wrote them last.
/// </summary>
/// <remarks>
/// An entry is: magic (8 bytes), SHA-256 of everything after it (32), the key (32), length of the script's path, of the DLL and of the PDB
/// (4 + 4 + 4, little-endian), path (UTF-8), DLL, PDB.
/// </remarks>
internal static class CacheEntry
{
    private const int HashSize = SHA256.HashSizeInBytes;
    private const int BodyStart = 8 + HashSize;
    private const int LengthsStart = BodyStart + HashSize;

    /// <summary>Where the path begins.</summary>
    public const int ContentStart = LengthsStart + 12;

    private static ReadOnlySpan<byte> Magic => "SHVGUES2"u8;

    /// <summary>The entry of a compilation.</summary>
    /// <param name="key">What the result depends on.</param>
    /// <param name="script">The script's path.</param>
    /// <param name="image">The result.</param>
    public static byte[] Encode(ScriptKey key, string script, ScriptImage image)
    {
        var path = Encoding.UTF8.GetBytes(script);
        var entry = new byte[ContentStart + path.Length + image.Dll.Length + image.Pdb.Length];
        var span = entry.AsSpan();
        Magic.CopyTo(span);
        key.Hash.CopyTo(span[BodyStart..]);
        BinaryPrimitives.WriteInt32LittleEndian(span[LengthsStart..], path.Length);
        BinaryPrimitives.WriteInt32LittleEndian(span[(LengthsStart + 4)..], image.Dll.Length);
        BinaryPrimitives.WriteInt32LittleEndian(span[(LengthsStart + 8)..], image.Pdb.Length);
        path.CopyTo(span[ContentStart..]);
        image.Dll.CopyTo(span[(ContentStart + path.Length)..]);
        image.Pdb.CopyTo(span[(ContentStart + path.Length + image.Dll.Length)..]);
        SHA256.HashData(span[BodyStart..], span[Magic.Length..]);
        return entry;
    }

    /// <summary>The compilation in an entry; null if the bytes are not those of an entry with this key.</summary>
    public static ScriptImage? Decode(ReadOnlySpan<byte> entry, ReadOnlySpan<byte> key)
    {
        if (!TryRead(entry, key, out var path, out var dll))
        {
            return null;
        }

        var start = ContentStart + path;
        return new ScriptImage(entry.Slice(start, dll).ToArray(), entry[(start + dll)..].ToArray());
    }

    /// <summary>The path of the script in an entry; null if the bytes are not those of an entry with this key.</summary>
    public static string? ScriptOf(ReadOnlySpan<byte> entry, ReadOnlySpan<byte> key) =>
        TryRead(entry, key, out var path, out _) ? Encoding.UTF8.GetString(entry.Slice(ContentStart, path)) : null;

    private static bool TryRead(ReadOnlySpan<byte> entry, ReadOnlySpan<byte> key, out int path, out int dll)
    {
        (path, dll) = (0, 0);
        if (entry.Length < ContentStart || !entry.StartsWith(Magic)
            || !SHA256.HashData(entry[BodyStart..]).AsSpan().SequenceEqual(entry[Magic.Length..BodyStart])
            || !entry.Slice(BodyStart, HashSize).SequenceEqual(key))
        {
            return false;
        }

        path = BinaryPrimitives.ReadInt32LittleEndian(entry[LengthsStart..]);
        dll = BinaryPrimitives.ReadInt32LittleEndian(entry[(LengthsStart + 4)..]);
        var pdb = BinaryPrimitives.ReadInt32LittleEndian(entry[(LengthsStart + 8)..]);
        return path >= 0 && dll >= 0 && pdb >= 0 && (long)ContentStart + path + dll + pdb == entry.Length;
    }
}
