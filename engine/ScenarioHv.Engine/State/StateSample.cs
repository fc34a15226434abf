using System.Runtime.CompilerServices;
using ScenarioHv.Engine.Guests;

namespace ScenarioHv.Engine.State;

/// <summary>
/// Which words of a machine's block change at all, seen in a sample of its states. <see cref="PackedState"/> expects changes there, and is
/// only slower and longer where they come elsewhere.
/// </summary>
public sealed unsafe class StateSample
{
    private readonly bool[] _changes;
    private readonly int[] _heads;

    /// <summary>Begins a sample.</summary>
    /// <param name="first">The state with which the others are compared.</param>
    public StateSample(Machine first)
    {
        Normal = NormalForm.Of(first.Layout);
        First = first.Fork();
        Normal.Cut(First);
        _heads = [.. first.Layout.Fibers.Select(fiber => fiber.Slot.Offset)];
        Mask = new byte[first.Layout.Size];
        Normal.CopyMask(Mask);
        foreach (var head in _heads)
        {
            Mask.AsSpan(head, sizeof(FiberHead)).Fill(0xff);
        }

        _changes = new bool[first.Layout.Size / sizeof(ulong)];
    }

    /// <summary>The state with which the others are compared.</summary>
    internal Machine First { get; }

    /// <summary>The normal form of its layout.</summary>
    internal NormalForm Normal { get; }

    /// <summary>0xff for each byte of structs and heads of fibers that names the state.</summary>
    internal byte[] Mask { get; }

    /// <summary>Offsets of the words that change, ascending: in the structs and in the heads of the fibers, not in frames.</summary>
    internal IEnumerable<int> Changing =>
        Enumerable.Range(0, _changes.Length).Where(word => _changes[word]).Select(word => word * sizeof(ulong));

    /// <summary>Adds a state.</summary>
    /// <param name="machine">A machine with the same layout; its saturating counters are cut, which no later step can tell.</param>
    public void Add(Machine machine)
    {
        Normal.Cut(machine);
        AddWords(machine, 0, Normal.StructBytes);
        foreach (var head in _heads)
        {
            AddWords(machine, head, head + sizeof(FiberHead));
        }
    }

    private void AddWords(Machine machine, int from, int to)
    {
        for (var at = from; at < to; at += sizeof(ulong))
        {
            var mask = Unsafe.ReadUnaligned<ulong>(ref Mask[at]);
            _changes[at / sizeof(ulong)] |= ((*(ulong*)(machine.Base + at) ^ *(ulong*)(First.Base + at)) & mask) != 0;
        }
    }
}
