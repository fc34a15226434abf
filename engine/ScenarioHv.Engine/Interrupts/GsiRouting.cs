namespace ScenarioHv.Engine.Interrupts;

/// <summary>How global system interrupts reach the chips of a PC.</summary>
public enum GsiRouting : byte
{
    /// <summary>KVM's own table, before a VMM replaces it: identity, GSI 0..15 to both chips (KVM irq_comm.c:default_routing).</summary>
    KvmDefault = 0,

    /// <summary>
    /// The table QEMU gives to KVM: GSI 0 to I/O APIC pin 2 and PIC input 0, GSI 2 nowhere (QEMU kvm_pc_setup_irq_routing).
    /// </summary>
    QemuKvm = 1,

    /// <summary>QEMU's userspace chips: identity; the I/O APIC itself moves pin 0 to 2 (QEMU gsi_handler, ioapic_set_irq).</summary>
    QemuUserspace = 2,
}

/// <summary>The lookups of <see cref="GsiRouting"/>, and KVM's result of driving a GSI.</summary>
public static class GsiRoutes
{
    private const int PicInputs = 16;

    /// <summary>The I/O APIC pin of a GSI.</summary>
    /// <param name="routing">The table.</param>
    /// <param name="gsi">The GSI.</param>
    /// <param name="pinCount">The pins of the I/O APIC.</param>
    /// <returns>The pin, or -1 if there is no route.</returns>
    public static int IoApicPin(this GsiRouting routing, int gsi, int pinCount = IoApic.StandardPinCount)
    {
        if (gsi < 0 || gsi >= pinCount)
            return -1;
        return routing == GsiRouting.QemuKvm ? gsi switch { 0 => 2, 2 => -1, _ => gsi } : gsi;
    }

    /// <summary>The input of the 8259A pair (0..7 master, 8..15 slave) of a GSI.</summary>
    /// <param name="routing">The table.</param>
    /// <param name="gsi">The GSI.</param>
    /// <returns>The input, or -1 if there is no route.</returns>
    public static int PicInput(this GsiRouting routing, int gsi) =>
        gsi is < 0 or >= PicInputs || (routing == GsiRouting.QemuKvm && gsi == 2) ? -1 : gsi;

    /// <summary>
    /// The result of driving a GSI with one more route (KVM irqchip.c:kvm_set_irq): negative if every route ignored it, else the sum of the
    /// others, where 0 is coalesced. Start with -1.
    /// </summary>
    /// <param name="soFar">The result of the routes before.</param>
    /// <param name="route">The result of this route.</param>
    public static int Combine(int soFar, int route) => route < 0 ? soFar : route + (soFar < 0 ? 0 : soFar);
}

/// <summary>A GSI's new level, and whether that is a change.</summary>
public readonly struct GsiLevel
{
    /// <summary>Creates the answer.</summary>
    /// <param name="isHigh">The level.</param>
    /// <param name="changed">True if the level was another before.</param>
    public GsiLevel(bool isHigh, bool changed)
    {
        IsHigh = isHigh;
        Changed = changed;
    }

    /// <summary>True if a source asserts.</summary>
    public bool IsHigh { get; }

    /// <summary>True if the level was another before. KVM drives its chips even if not (KVM ioapic.c:kvm_ioapic_set_irq).</summary>
    public bool Changed { get; }
}

/// <summary>One shared line, the wired OR of up to 64 sources.</summary>
public struct GsiLine
{
    /// <summary>The largest number of sources.</summary>
    public const int MaximumSources = 64;

    /// <summary>Bit s is set while source s asserts.</summary>
    public ulong Sources;

    /// <summary>True if a source asserts.</summary>
    public readonly bool IsHigh => Sources != 0;

    /// <summary>A source asserts or releases the line. Doing so twice is doing so once: a source has one wire.</summary>
    /// <param name="source">0 to <see cref="MaximumSources"/> - 1.</param>
    /// <param name="high">True to assert.</param>
    /// <exception cref="InvalidOperationException">There is no such source.</exception>
    public GsiLevel Set(int source, bool high)
    {
        if (source is < 0 or >= MaximumSources)
            throw new InvalidOperationException($"A GSI has sources 0 to {MaximumSources - 1}, not {source}.");
        var wasHigh = IsHigh;
        Sources = high ? Sources | 1UL << source : Sources & ~(1UL << source);
        return new GsiLevel(IsHigh, IsHigh != wasHigh);
    }
}

/// <summary>The lines of a machine, a view indexed by GSI.</summary>
public readonly ref struct GsiLines
{
    private readonly Span<GsiLine> _lines;

    /// <summary>Creates the view.</summary>
    /// <param name="lines">One line for each GSI.</param>
    public GsiLines(Span<GsiLine> lines) => _lines = lines;

    /// <summary>The number of lines.</summary>
    public int Count => _lines.Length;

    /// <summary>True if a source asserts the GSI.</summary>
    /// <param name="gsi">The GSI.</param>
    public bool IsHigh(int gsi) => _lines[gsi].IsHigh;

    /// <summary>A source asserts or releases a GSI.</summary>
    /// <param name="gsi">The GSI.</param>
    /// <param name="source">The source, 0 to 63.</param>
    /// <param name="high">True to assert.</param>
    public GsiLevel Set(int gsi, int source, bool high) => _lines[gsi].Set(source, high);
}
