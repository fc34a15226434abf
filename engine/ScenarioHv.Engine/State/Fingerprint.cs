using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ScenarioHv.Engine.State;

/// <summary>
/// A fast 64-bit hash of bytes, the same on every processor. Pairs of words are added to keys and multiplied, and the halves of the
/// products summed (NH, as in UMAC, RFC 4418, but for the carry between the halves): for random keys two different texts of one length
/// have the same sums with a probability of at most 2⁻⁶³ per 4 KiB. No product waits for another, which is what makes it fast.
/// </summary>
public static class Fingerprint
{
    private const int ChunkWords = 512;
    private const ulong Prime1 = 0x9E3779B185EBCA87;
    private const ulong Prime2 = 0xC2B2AE3D27D4EB4F;
    private const ulong Prime3 = 0x165667B19E3779F9;

    private static readonly ulong[] Keys = MakeKeys();

    /// <summary>The fingerprint of <paramref name="bytes"/>, whose length is a multiple of 8.</summary>
    public static ulong Of(ReadOnlySpan<byte> bytes)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        var hash = (ulong)words.Length * Prime3;
        while (words.Length > ChunkWords)
        {
            hash = Chunk(words[..ChunkWords], hash);
            words = words[ChunkWords..];
        }

        return Chunk(words, hash);
    }

    private static ulong Chunk(ReadOnlySpan<ulong> words, ulong hash)
    {
        ref var word = ref MemoryMarshal.GetReference(words);
        ref var key = ref MemoryMarshal.GetArrayDataReference(Keys);
        ulong low = 0, high = 0;
        nint i = 0;
        for (; i + 2 <= words.Length; i += 2)
        {
            var left = Unsafe.Add(ref word, i) + Unsafe.Add(ref key, i);
            var right = Unsafe.Add(ref word, i + 1) + Unsafe.Add(ref key, i + 1);
            high += Math.BigMul(left, right, out var part);
            low += part;
        }

        if (i < words.Length)
        {
            high += Math.BigMul(Unsafe.Add(ref word, i) + Unsafe.Add(ref key, i), Unsafe.Add(ref key, i + 1), out var part);
            low += part;
        }

        return Finish(low, high, hash);
    }

    /// <summary>All bits of the sum and of what came before go into all bits of the result.</summary>
    private static ulong Finish(ulong low, ulong high, ulong hash)
    {
        var up = Math.BigMul(low ^ Prime1, BitOperations.RotateLeft(high, 32) ^ hash ^ Prime2, out var down);
        var mixed = up ^ down ^ low ^ (high * Prime3);
        mixed = (mixed ^ (mixed >> 32)) * Prime2;
        return mixed ^ (mixed >> 29);
    }

    /// <summary>SplitMix64 from 0: any numbers without pattern will do.</summary>
    private static ulong[] MakeKeys()
    {
        var keys = new ulong[ChunkWords + 1];
        for (var i = 0; i < keys.Length; i++)
        {
            var word = (ulong)(i + 1) * 0x9E3779B97F4A7C15;
            word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9;
            word = (word ^ (word >> 27)) * 0x94D049BB133111EB;
            keys[i] = word ^ (word >> 31);
        }

        return keys;
    }
}
