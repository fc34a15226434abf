using System.Runtime.CompilerServices;
using ScenarioHv.Engine.Guests;

namespace ScenarioHv.Engine.State;

/// <summary>
/// The layout of a machine block: which state struct lies where, made once from the configuration and sealed before the first machine.
/// Structs come first, fibers last, because a fiber names the state only as far as its frames reach.
/// </summary>
public sealed class MachineLayout
{
    private readonly List<LayoutSlot> _slots = [];
    private readonly List<LayoutFiber> _fibers = [];
    private readonly List<SaturationRule> _extra = [];
    private int _size;

    /// <summary>Creates a layout that holds only the clock.</summary>
    public MachineLayout() => Clock = Add<MachineClock>("clock");

    /// <summary>The machine's clock.</summary>
    public Slot<MachineClock> Clock { get; }

    /// <summary>Bytes of a block. Known after <see cref="Seal"/>.</summary>
    public int Size { get; private set; }

    /// <summary>True once <see cref="Seal"/> was called.</summary>
    public bool IsSealed => Normal is not null;

    /// <summary>The fibers, in the order in which they lie.</summary>
    public IReadOnlyList<LayoutFiber> Fibers => _fibers;

    /// <summary>The structs, in the order in which they lie.</summary>
    public IEnumerable<(string Name, int Offset, int Bytes)> Slots =>
        _slots.Select(slot => (slot.Name, slot.Offset, slot.Count * slot.Rules.Size));

    internal NormalForm? Normal { get; private set; }

    /// <summary>Reserves <paramref name="count"/> elements of <typeparamref name="T"/>.</summary>
    /// <param name="name">Its name in messages.</param>
    /// <param name="count">0 or more; 0 costs no byte.</param>
    /// <param name="saturation">A counter whose limit is known only from the configuration; the offset counts from the start of an
    /// element.</param>
    /// <exception cref="InvalidOperationException">The layout is sealed, or the struct is not plain data.</exception>
    public Slot<T> Add<T>(string name, int count = 1, SaturationRule? saturation = null) where T : unmanaged
    {
        RequireOpen();
        var rules = FieldRules.Of<T>();
        var offset = Reserve(name, rules, count);
        for (var i = 0; saturation is { } rule && i < count; i++)
        {
            _extra.Add(rule with { Offset = offset + (i * rules.Size) + rule.Offset });
        }

        return new Slot<T>(offset, count);
    }

    /// <summary>Reserves <paramref name="count"/> elements of a struct that is known only by its rules, as bytes.</summary>
    public Slot<byte> AddRaw(string name, FieldRules rules, int count)
    {
        RequireOpen();
        return new Slot<byte>(Reserve(name, rules, count), count * rules.Size);
    }

    /// <summary>Reserves a fiber with <paramref name="arena"/> bytes for frames. Its slot is known after <see cref="Seal"/>.</summary>
    /// <param name="name">Its name in messages.</param>
    /// <param name="arena">Bytes for frames.</param>
    /// <param name="vcpu">The vCPU whose it is; -1 if it is nobody's.</param>
    /// <returns>The number by which <see cref="Fiber"/> finds it.</returns>
    public int AddFiber(string name, int arena, int vcpu = -1)
    {
        RequireOpen();
        _fibers.Add(new LayoutFiber(name, new FiberSlot(-1, Align(arena), _fibers.Count)) { Vcpu = vcpu });
        return _fibers.Count - 1;
    }

    /// <summary>The slot of fiber number <paramref name="number"/>.</summary>
    public FiberSlot Fiber(int number) => number < 0 ? FiberSlot.None : _fibers[number].Slot;

    /// <summary>Places the fibers and fixes the layout.</summary>
    public void Seal()
    {
        RequireOpen();
        var structs = _size;
        for (var number = 0; number < _fibers.Count; number++)
        {
            var arena = _fibers[number].Slot.Arena;
            _fibers[number] = _fibers[number] with { Slot = new FiberSlot(_size, arena, number) };
            _size += Unsafe.SizeOf<FiberHead>() + arena;
        }

        Size = _size;
        Normal = new NormalForm(structs, _slots, _fibers, _extra);
    }

    /// <summary>
    /// The structs one by one, then the fibers, each in whole words, with the vCPU whose own it is: -1 for nobody's. An array of as many
    /// structs as there are vCPUs, or of a multiple of that, is taken for theirs.
    /// </summary>
    /// <param name="vcpus">How many vCPUs there are.</param>
    internal IEnumerable<LayoutPiece> Pieces(int vcpus)
    {
        for (var number = 0; number < _slots.Count; number++)
        {
            var (_, offset, count, rules) = _slots[number];
            var isTheirs = count % vcpus == 0 && rules.Size % sizeof(ulong) == 0;
            for (var i = 0; isTheirs && i < count; i++)
            {
                yield return new LayoutPiece(offset + (i * rules.Size), rules.Size, i * vcpus / count, number, false);
            }

            if (!isTheirs)
            {
                yield return new LayoutPiece(offset, Align(count * rules.Size), -1, number, false);
            }
        }

        for (var number = 0; number < _fibers.Count; number++)
        {
            var slot = _fibers[number].Slot;
            yield return new LayoutPiece(
                slot.Offset, Unsafe.SizeOf<FiberHead>() + slot.Arena, _fibers[number].Vcpu, number, true);
        }
    }

    /// <summary>A size rounded up to whole 64-bit words.</summary>
    internal static int Align(int size) => (size + 7) & ~7;

    private int Reserve(string name, FieldRules rules, int count)
    {
        var offset = _size;
        _slots.Add(new LayoutSlot(name, offset, count, rules));
        _size = Align(_size + (count * rules.Size));
        return offset;
    }

    private void RequireOpen()
    {
        if (IsSealed)
        {
            throw new InvalidOperationException("The machine's layout is sealed: a machine exists already.");
        }
    }
}

/// <summary>A fiber in a <see cref="MachineLayout"/>.</summary>
/// <param name="Name">Its name in messages.</param>
/// <param name="Slot">Where it lies; before the layout is sealed it does not yet.</param>
public sealed record LayoutFiber(string Name, FiberSlot Slot)
{
    /// <summary>The vCPU whose it is; -1 if it is nobody's.</summary>
    internal int Vcpu { get; init; }
}

/// <summary>An array of structs in a <see cref="MachineLayout"/>.</summary>
/// <param name="Name">Its name in messages.</param>
/// <param name="Offset">Where it begins, in bytes.</param>
/// <param name="Count">How many structs; 0 or more.</param>
/// <param name="Rules">What their fields declare.</param>
internal sealed record LayoutSlot(string Name, int Offset, int Count, FieldRules Rules);

/// <summary>A struct or a fiber in a <see cref="MachineLayout"/>.</summary>
/// <param name="Offset">Where it begins, in bytes.</param>
/// <param name="Bytes">How long it is, a multiple of 8.</param>
/// <param name="Vcpu">Whose it is; -1 for nobody's.</param>
/// <param name="Number">The number of its array of structs, or of the fiber.</param>
/// <param name="IsFiber">Which of both.</param>
internal readonly record struct LayoutPiece(int Offset, int Bytes, int Vcpu, int Number, bool IsFiber);
