using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.State;

/// <summary>
/// The normal form of a machine's state: times relative to now, observables blanked, saturating counters cut, fibers only as far as their
/// frames reach. Two machines are in the same state exactly if their normal forms are the same bytes.
/// </summary>
public sealed unsafe class NormalForm
{
    private readonly int _structs;
    private readonly int[] _fibers;
    private readonly ulong[] _mask;
    private readonly int[] _instants;
    private readonly int[] _deadlines;
    private readonly SaturationRule[] _saturations;

    /// <summary>Makes the normal form of a layout.</summary>
    /// <param name="structs">Bytes of the structs.</param>
    /// <param name="slots">The structs.</param>
    /// <param name="fibers">The fibers.</param>
    /// <param name="saturations">The counters whose limits the configuration gives; those of the structs' fields are added.</param>
    internal NormalForm(int structs, List<LayoutSlot> slots, List<LayoutFiber> fibers, List<SaturationRule> saturations)
    {
        _structs = structs;
        _fibers = new int[fibers.Count];
        for (var i = 0; i < _fibers.Length; i++)
        {
            _fibers[i] = fibers[i].Slot.Offset;
        }

        _mask = new ulong[structs / 8];
        var bytes = MemoryMarshal.AsBytes(_mask.AsSpan());
        List<int> instants = [], deadlines = [];
        foreach (var (_, offset, count, rules) in slots)
        {
            for (var i = 0; i < count; i++)
            {
                var at = offset + (i * rules.Size);
                rules.Mask.CopyTo(bytes[at..]);
                rules.AddTo(at, instants, deadlines, saturations);
            }
        }

        _instants = [.. instants];
        _deadlines = [.. deadlines];
        _saturations = [.. saturations];
    }

    /// <summary>The normal form of a layout.</summary>
    /// <exception cref="InvalidOperationException">The layout is not sealed.</exception>
    public static NormalForm Of(MachineLayout layout) =>
        layout.Normal ?? throw new InvalidOperationException("The layout has no normal form before it is sealed.");

    /// <summary>Bytes of the structs, which lie before the fibers.</summary>
    internal int StructBytes => _structs;

    /// <summary>Writes the normal form of <paramref name="machine"/>.</summary>
    /// <param name="machine">The machine; it is not changed.</param>
    /// <param name="into">At least <see cref="MachineLayout.Size"/> bytes.</param>
    /// <returns>How many bytes were written.</returns>
    public int Write(Machine machine, Span<byte> into)
    {
        fixed (byte* to = into)
        {
            var now = machine.Now;
            WriteStructs(machine, to, now);
            var at = _structs;
            foreach (var fiber in _fibers)
            {
                at += WriteFiber(machine.Base + fiber, to + at, now);
            }

            return at;
        }
    }

    /// <summary>
    /// A 64-bit fingerprint of the state. Equal states have equal fingerprints; the converse is only probable. Not stable between versions.
    /// </summary>
    /// <param name="machine">The machine; it is not changed.</param>
    /// <param name="scratch">At least <see cref="MachineLayout.Size"/> bytes.</param>
    public ulong Hash(Machine machine, Span<byte> scratch) => Fingerprint.Of(scratch[..Write(machine, scratch)]);

    /// <summary>Copies the mask of the structs: 0xff for each byte that names the state, 0 for the others and for what follows.</summary>
    internal void CopyMask(Span<byte> into)
    {
        into.Clear();
        MemoryMarshal.AsBytes(_mask.AsSpan()).CopyTo(into);
    }

    /// <summary>Brings a machine's saturating counters and expired deadlines to their normal form, which no later step can tell.</summary>
    internal void Cut(Machine machine)
    {
        foreach (var offset in _deadlines)
        {
            ref var deadline = ref *(long*)(machine.Base + offset);
            deadline = Math.Max(deadline, machine.Now - 1);
        }

        foreach (var rule in _saturations)
        {
            Saturate(machine.Base + rule.Offset, rule);
        }
    }

    private void WriteStructs(Machine machine, byte* to, long now)
    {
        var from = (ulong*)machine.Base;
        var words = (ulong*)to;
        for (var i = 0; i < _mask.Length; i++)
        {
            words[i] = from[i] & _mask[i];
        }

        // The clock lies first; of its value only the bits that some step has read name the state.
        ((MachineClock*)to)->Now = now & (long)((MachineClock*)machine.Base)->ReadBits;
        foreach (var offset in _instants)
        {
            ToRelative((long*)(to + offset), now);
        }

        foreach (var offset in _deadlines)
        {
            *(long*)(to + offset) = Math.Max(*(long*)(to + offset), -1);
        }

        foreach (var rule in _saturations)
        {
            Saturate(to + rule.Offset, rule);
        }
    }

    private static int WriteFiber(byte* from, byte* to, long now)
    {
        var head = (FiberHead*)from;
        var length = sizeof(FiberHead) + head->Used;
        Unsafe.CopyBlock(to, from, (uint)length);
        ToRelative((long*)&((FiberHead*)to)->Op.Deadline, now);
        if (head->Used == 0)
        {
            return length;
        }

        for (var at = head->Top; ;)
        {
            var frame = (FrameHead*)(to + sizeof(FiberHead) + at);
            foreach (var offset in FrameTypes.Instants(frame->Type))
            {
                ToRelative((long*)((byte*)(frame + 1) + offset), now);
            }

            if (at == 0)
            {
                return length;
            }

            at = frame->Prev;
        }
    }

    private static void ToRelative(long* word, long now)
    {
        if (*word != Instant.Never.Cycle)
        {
            *word -= now;
        }
    }

    private static void Saturate(byte* at, SaturationRule rule)
    {
        switch (rule.Size)
        {
            case 1: *at = (byte)Math.Min(*at, rule.Limit + 1); break;
            case 2: *(ushort*)at = (ushort)Math.Min(*(ushort*)at, rule.Limit + 1); break;
            case 4: *(uint*)at = (uint)Math.Min(*(uint*)at, rule.Limit + 1); break;
            default: *(long*)at = Math.Min(*(long*)at, rule.Limit + 1); break;
        }
    }
}
