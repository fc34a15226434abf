using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ScenarioHv.Engine.Guests;

namespace ScenarioHv.Engine.State;

/// <summary>
/// States of machines whose clock stands still, in few bytes. A machine is taken apart: the structs of each vCPU, its fibers, and what is
/// nobody's own. A part has few contents as long as one looks at it alone, so each is kept once, and a state is a number for each part
/// (Holzmann's COLLAPSE, State compression in SPIN, 1997); a part with too many contents is written out. Observables are left out and
/// saturating counters cut, as in the <see cref="NormalForm"/>; times stay as they are. Two machines whose clocks agree are in the same
/// state exactly if they pack to the same bytes. Any number of threads can share it.
/// </summary>
public sealed unsafe class PackedState
{
    private const int Vector = 32;
    private const int Word = sizeof(ulong);
    private const int MostParts = 64;
    private const int StructParts = 3;
    private const int FiberParts = 2;
    private const int PartsPerVcpu = StructParts + FiberParts;

    private readonly MachineLayout _layout;
    private readonly NormalForm _normal;
    private readonly int[] _fibers;
    private readonly byte[] _memory;
    private readonly byte* _first;
    private readonly byte* _rare;
    private readonly byte[] _partOf;
    private readonly StatePart[] _parts;
    private readonly int _headBytes;

    /// <summary>Packs the states of the machine of which <paramref name="sample"/> is one.</summary>
    /// <param name="sample">Which words change as a rule. Bytes are comparable only if they come from the same instance.</param>
    /// <param name="vcpus">How many vCPUs the machine has: nothing depends on it but how few bytes a state takes.</param>
    /// <param name="mostContents">
    /// Of a part, so many contents are kept: one that has more has no few contents, and is better written out in each state.
    /// </param>
    public PackedState(StateSample sample, int vcpus, int mostContents = 1 << 16)
    {
        _layout = sample.First.Layout;
        _normal = sample.Normal;
        _fibers = [.. _layout.Fibers.Select(fiber => fiber.Slot.Offset)];
        var block = ((_layout.Size + Vector - 1) & ~(Vector - 1)) + Vector;
        _memory = GC.AllocateArray<byte>((2 * block) + Vector, pinned: true);
        _first = (byte*)(((nuint)Unsafe.AsPointer(ref _memory[0]) + Vector - 1) & ~(nuint)(Vector - 1));
        _rare = _first + block;
        sample.Mask.CopyTo(new Span<byte>(_rare, _layout.Size));
        for (var at = 0; at < _layout.Size; at++)
        {
            _first[at] = (byte)(sample.First.Base[at] & _rare[at]);
        }

        (int At, ulong Mask)[] usual = [.. sample.Changing.Select(at => (at, *(ulong*)(_rare + at)))];
        foreach (var (at, _) in usual)
        {
            *(ulong*)(_rare + at) = 0;
        }

        _partOf = PartsOfWords(vcpus, out var parts);
        _parts = [.. Enumerable.Range(0, parts).Select(part => Part(part, usual, mostContents))];
        _headBytes = parts * Word;
        MaxBytes = _headBytes + _parts.Sum(part => Word + part.MaxBytes);
    }

    /// <summary>Room that <see cref="Pack"/> needs: more than most states take by far.</summary>
    public int MaxBytes { get; }

    /// <summary>Words that can change and did not in the sample.</summary>
    public int RareWords => _parts.Sum(part => part.RareWords);

    /// <summary>Bytes that the contents of the parts take.</summary>
    public long HeldBytes => _parts.Sum(part => part.Contents.Bytes);

    /// <summary>How many parts there are.</summary>
    internal int PartCount => _parts.Length;

    /// <summary>Writes the state of <paramref name="machine"/>, whose saturating counters are cut, which no later step can tell.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="into">At least <see cref="MaxBytes"/> bytes.</param>
    /// <returns>How many bytes the state takes, a multiple of 8; what is written behind them means nothing.</returns>
    /// <exception cref="ArgumentException"><paramref name="into"/> is too short.</exception>
    public int Pack(Machine machine, Span<byte> into)
    {
        Cut(machine);
        return PackCut(machine, into, new LoadedParts(_parts.Length), 0, 0);
    }

    /// <summary>As <see cref="Pack"/>, of a machine whose counters are cut and which was in a known state.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="into">At least <see cref="MaxBytes"/> bytes.</param>
    /// <param name="loaded">The state in which it was.</param>
    /// <param name="changed">The parts that have changed since, a bit each.</param>
    /// <param name="rare">Those in which a word has changed that did not in the sample.</param>
    internal int PackCut(Machine machine, Span<byte> into, LoadedParts loaded, ulong changed, ulong rare)
    {
        if (into.Length < MaxBytes)
        {
            throw new ArgumentException($"A packed state needs room for {MaxBytes} bytes.", nameof(into));
        }

        fixed (byte* start = into)
        {
            var contents = (byte**)start;
            var known = (byte**)loaded.Contents;
            var to = start + _headBytes;
            var usual = loaded.Usual & ~rare;
            changed |= loaded.WrittenOut;
            for (var i = 0; i < _parts.Length; i++, changed >>= 1, usual >>= 1)
            {
                if ((changed & 1) == 0)
                {
                    contents[i] = known[i];
                    continue;
                }

                var part = _parts[i];
                var length = part.Pack(machine.Base, to + Word, (usual & 1) != 0);
                contents[i] = part.Contents.Find(to + Word, length);
                if (contents[i] == null)
                {
                    *(long*)to = Word + length;
                    to += Word + length;
                }
            }

            return (int)(to - start);
        }
    }

    /// <summary>
    /// Puts <paramref name="machine"/> into a state. Its clock shows what it has shown, and its observables are 0.
    /// </summary>
    /// <param name="state">What <see cref="Pack"/> has written.</param>
    /// <param name="machine">A machine with the same layout.</param>
    public void Unpack(ReadOnlySpan<byte> state, Machine machine)
    {
        var now = machine.Now;
        Unsafe.CopyBlockUnaligned(machine.Base, _first, (uint)_normal.StructBytes);
        ((MachineClock*)machine.Base)->Now = now;
        UnpackOver(state, machine, machine, new LoadedParts(_parts.Length));
    }

    /// <summary>As <see cref="Unpack"/>, and faster where less has to be written.</summary>
    /// <param name="state">What <see cref="Pack"/> has written.</param>
    /// <param name="machine">A machine with the same layout.</param>
    /// <param name="other">Another one, which is in the same state as the first, and comes into the same state; or the first again.</param>
    /// <param name="loaded">The state in which they are, then that to which they have come.</param>
    internal void UnpackOver(ReadOnlySpan<byte> state, Machine machine, Machine other, LoadedParts loaded)
    {
        fixed (byte* start = state)
        {
            var contents = (byte**)start;
            var known = (byte**)loaded.Contents;
            var written = start + _headBytes;
            for (var i = 0; i < _parts.Length; i++)
            {
                var content = contents[i];
                if (content != known[i] || content == null)
                {
                    var from = content == null ? written + Word : content;
                    written += content == null ? *(long*)written : 0;
                    var bit = 1UL << i;
                    var isUsual = _parts[i].Unpack(from, machine.Base, other.Base, (loaded.Usual & bit) != 0);
                    loaded.Usual = isUsual ? loaded.Usual | bit : loaded.Usual & ~bit;
                    loaded.WrittenOut = content == null ? loaded.WrittenOut | bit : loaded.WrittenOut & ~bit;
                    known[i] = content;
                }
            }
        }
    }

    /// <summary>Puts <paramref name="machine"/> into the state of another one; frames that are not in use are not copied.</summary>
    /// <param name="from">The other one.</param>
    /// <param name="machine">A machine with the same layout.</param>
    public void Copy(Machine from, Machine machine)
    {
        Unsafe.CopyBlockUnaligned(machine.Base, from.Base, (uint)_normal.StructBytes);
        foreach (var offset in _fibers)
        {
            var fiber = from.Base + offset;
            var length = sizeof(FiberHead) + ((FiberHead*)fiber)->Used;
            for (var at = 0; at < length; at += Vector)
            {
                // Up to 31 bytes behind the end are overwritten, and what belongs there comes later.
                Vector256.Load(fiber + at).Store(machine.Base + offset + at);
            }
        }
    }

    /// <summary>Cuts the saturating counters of a machine.</summary>
    internal void Cut(Machine machine) => _normal.Cut(machine);

    /// <summary>The part to which a word belongs, as a bit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ulong PartOf(int at) => 1UL << _partOf[at / Word];

    /// <summary>True if a word of the structs or of a fiber's head has changed where that is rare.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool IsRare(Machine machine, int at) =>
        ((*(ulong*)(machine.Base + at) ^ *(ulong*)(_first + at)) & *(ulong*)(_rare + at)) != 0;

    /// <summary>
    /// The structs of a vCPU are dealt out to some parts in turn, and so are its fibers: the contents of each stay few, and a step changes
    /// few of them. What is nobody's, or of a vCPU for which no part is left, is the last.
    /// </summary>
    private byte[] PartsOfWords(int vcpus, out int parts)
    {
        var last = Math.Min(vcpus, (MostParts - 1) / PartsPerVcpu) * PartsPerVcpu;
        parts = last + 1;
        var partOf = new byte[_layout.Size / Word];
        partOf.AsSpan().Fill((byte)last);
        foreach (var piece in _layout.Pieces(vcpus).Where(piece => piece.Vcpu >= 0 && piece.Vcpu * PartsPerVcpu < last))
        {
            var part = piece.IsFiber ? StructParts + (piece.Number % FiberParts) : piece.Number % StructParts;
            partOf.AsSpan(piece.Offset / Word, piece.Bytes / Word).Fill((byte)((piece.Vcpu * PartsPerVcpu) + part));
        }

        return partOf;
    }

    private StatePart Part(int part, IEnumerable<(int At, ulong Mask)> usual, int mostContents)
    {
        var rare = Enumerable.Range(0, _layout.Size / Word)
            .Where(word => _partOf[word] == part && ((ulong*)_rare)[word] != 0).Select(word => word * Word);
        return new StatePart(
            _first, _rare, [.. usual.Where(word => _partOf[word.At / Word] == part)], rare,
            [.. _layout.Fibers.Select(fiber => fiber.Slot).Where(slot => _partOf[slot.Offset / Word] == part)],
            mostContents);
    }
}

/// <summary>The state in which a machine is, as far as it was packed.</summary>
internal sealed unsafe class LoadedParts
{
    private readonly nint[] _contents;

    /// <summary>Nothing is known.</summary>
    /// <param name="parts">How many parts there are.</param>
    public LoadedParts(int parts)
    {
        _contents = GC.AllocateArray<nint>(parts, pinned: true);
        Contents = (nint*)Unsafe.AsPointer(ref _contents[0]);
        WrittenOut = ulong.MaxValue;
    }

    /// <summary>Where the content of each part is kept; 0 if it is not, or is not known.</summary>
    public nint* Contents { get; }

    /// <summary>The parts whose contents are not kept, or not known, a bit each.</summary>
    public ulong WrittenOut { get; set; }

    /// <summary>The parts without rare words, a bit each.</summary>
    public ulong Usual { get; set; }
}
