using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using ScenarioHv.Conformance;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Witnesses;

/// <summary>The I/O APIC and the 8259 pair in QEMU's saved state.</summary>
/// <param name="Master">The master.</param>
/// <param name="Slave">The slave.</param>
/// <param name="IoApic">The I/O APIC.</param>
/// <remarks>
/// A section is its type (4: a device, whole), number, name, instance and version, then the fields, then a footer (7Eh and the number) or
/// a subsection (5). It does not say how long it is, so it is searched for by its header and checked by what must follow
/// (QEMU migration/savevm.c).
/// </remarks>
internal sealed record QemuDeviceState(QemuPicState Master, QemuPicState Slave, QemuIoApicState IoApic)
{
    private const byte FullSection = 0x04;
    private const byte Subsection = 0x05;
    private const byte Footer = 0x7E;
    private const int NumberSize = 4;

    /// <summary>Finds them.</summary>
    /// <param name="saved">The stream.</param>
    /// <exception cref="WitnessException">They are not all there, or have another form than the known one.</exception>
    public static QemuDeviceState Parse(byte[] saved)
    {
        // The master is made first (QEMU i8259.c:i8259_init), and instances are counted.
        List<byte[]> pics = Sections(saved, "i8259", QemuPicState.Version, QemuPicState.Size);
        List<byte[]> ioApics = Sections(saved, "ioapic", QemuIoApicState.Version, QemuIoApicState.Size);
        if (pics.Count != 2 || ioApics.Count != 1)
            throw new WitnessException($"QEMU saves {pics.Count} 8259s and {ioApics.Count} I/O APICs in a known form, not 2 and 1");
        return new QemuDeviceState(new QemuPicState(pics[0]), new QemuPicState(pics[1]), new QemuIoApicState(ioApics[0]));
    }

    private static List<byte[]> Sections(byte[] saved, string name, uint version, int size)
    {
        var found = new List<byte[]>();
        byte[] title = [(byte)name.Length, .. Encoding.ASCII.GetBytes(name)];
        int at = saved.AsSpan().IndexOf(title);
        while (at >= 0)
        {
            if (IsSection(saved, at, title.Length, version, size))
                found.Add(saved.AsSpan(at + title.Length + 2 * NumberSize, size).ToArray());
            int next = saved.AsSpan(at + 1).IndexOf(title);
            at = next < 0 ? -1 : at + 1 + next;
        }

        return found;
    }

    private static bool IsSection(byte[] saved, int at, int titleLength, uint version, int size)
    {
        int start = at - NumberSize - 1;
        int fields = at + titleLength + 2 * NumberSize;
        int end = fields + size;
        if (start < 0 || end + 1 + NumberSize > saved.Length || saved[start] != FullSection)
            return false;
        if (BinaryPrimitives.ReadUInt32BigEndian(saved.AsSpan(fields - NumberSize)) != version)
            return false;
        return saved[end] == Subsection
            || (saved[end] == Footer && saved.AsSpan(end + 1, NumberSize).SequenceEqual(saved.AsSpan(start + 1, NumberSize)));
    }
}

/// <summary>A saved 8259 (QEMU i8259_common.c:vmstate_pic_common).</summary>
/// <param name="fields">One byte each: last_irr, irr, imr, isr, priority_add, irq_base, read_reg_select, poll, special_mask, init_state,
/// auto_eoi, rotate_on_auto_eoi, special_fully_nested_mode, init4, single_mode, elcr.</param>
internal sealed class QemuPicState(byte[] fields)
{
    /// <summary>The version of the section.</summary>
    public const uint Version = 1;

    /// <summary>The size of the fields, in bytes.</summary>
    public const int Size = 16;

    /// <summary>The interrupt mask register.</summary>
    public byte Imr => fields[2];

    /// <summary>The vector of input 0.</summary>
    public byte VectorBase => fields[5];

    /// <summary>The next read answers a poll.</summary>
    public bool IsPolled => fields[7] != 0;

    /// <summary>All fields are 0, as after power-on.</summary>
    public bool IsZero => !fields.AsSpan().ContainsAnyExcept((byte)0);

    private byte Irr => fields[1];

    private byte Isr => fields[3];

    private int HighestPriority => fields[4];

    /// <summary>
    /// The input that QEMU would acknowledge, or −1. It is QEMU's pic_get_irq over again, which nothing asks QEMU without an
    /// acknowledgement; the poll that follows is held against it.
    /// </summary>
    /// <param name="isMaster">It is the master, on which special fully nested mode leaves the slave's ISR bit out.</param>
    public int Request(bool isMaster)
    {
        int blocking = Isr;
        if (fields[8] != 0)
            blocking &= ~Imr;
        if (fields[12] != 0 && isMaster)
            blocking &= ~(1 << Pic8259Pair.CascadeIrq);
        int rank = Rank(Irr & ~Imr);
        return rank < Rank(blocking) ? (HighestPriority + rank) & 7 : -1;
    }

    /// <summary>The registers, as <c>dumpP</c> shows them.</summary>
    /// <param name="name">M or S.</param>
    public string Dump(char name) => string.Create(
        CultureInfo.InvariantCulture,
        $"{name} irr={Irr:x2} isr={Isr:x2} imr={Imr:x2} base={VectorBase:x2} low={HighestPriority} rr={fields[6]} poll={fields[7]} "
        + $"smm={fields[8]} init={fields[9]} aeoi={fields[10]} raeoi={fields[11]} sfnm={fields[12]} elcr={fields[15]:x2}");

    private int Rank(int inputs)
    {
        int rank = 0;
        while (rank < 8 && (inputs & 1 << ((HighestPriority + rank) & 7)) == 0)
            rank++;
        return rank;
    }
}

/// <summary>A saved I/O APIC (QEMU ioapic_common.c:vmstate_ioapic_common).</summary>
/// <param name="fields">The ID and IOREGSEL, one byte each; 8 bytes of old; irr, 4 bytes; the entries, 8 bytes each.</param>
internal sealed class QemuIoApicState(byte[] fields)
{
    /// <summary>The version of the section.</summary>
    public const uint Version = 3;

    /// <summary>The size of the fields, in bytes.</summary>
    public const int Size = EntriesAt + 8 * IoApic.StandardPinCount;

    private const int IrrAt = 10;
    private const int EntriesAt = 14;

    /// <summary>All is as after power-on.</summary>
    public bool IsPoweredOn =>
        fields[0] == 0 && fields[1] == 0 && Irr == 0 && Enumerable.Range(0, IoApic.StandardPinCount).All(pin => IsReset(Entry(pin)));

    private uint Irr => BinaryPrimitives.ReadUInt32BigEndian(fields.AsSpan(IrrAt));

    /// <summary>The registers, as <c>dumpI</c> shows them; <c>irr</c> is QEMU's.</summary>
    public string Dump()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"I sel={fields[1]:x2} id={fields[0]:x} irr={Irr:x6}");
        for (int pin = 0; pin < IoApic.StandardPinCount; pin++)
        {
            if (!IsReset(Entry(pin)))
                text.Append(CultureInfo.InvariantCulture, $" {pin}={Entry(pin):x16}");
        }

        return text.ToString();
    }

    private static bool IsReset(ulong entry) => entry == RedirectionEntry.Reset.Bits;

    private ulong Entry(int pin) => BinaryPrimitives.ReadUInt64BigEndian(fields.AsSpan(EntriesAt + 8 * pin));
}
