namespace ScenarioHv.Engine.Interrupts;

/// <summary>The memory window of the I/O APIC (82093AA 3.1, 3.2) at <see cref="BaseAddress"/>, and the registers behind it.</summary>
public readonly ref partial struct IoApic
{
    /// <summary>The address of the window after reset.</summary>
    public const uint BaseAddress = 0xFEC0_0000;

    /// <summary>Window offset of IOREGSEL.</summary>
    public const uint IoRegSel = 0x00;

    /// <summary>Window offset of IOWIN.</summary>
    public const uint IoWin = 0x10;

    /// <summary>Window offset of the EOI register (version 20h; write only).</summary>
    public const uint EoiOffset = 0x40;

    /// <summary>Register 0: the ID in bits 27:24.</summary>
    public const byte IdRegister = 0x00;

    /// <summary>Register 1, read-only: the version in bits 7:0, the highest entry in bits 23:16.</summary>
    public const byte VersionRegister = 0x01;

    /// <summary>Register 2, read-only: the arbitration ID in bits 27:24.</summary>
    public const byte ArbitrationRegister = 0x02;

    /// <summary>Register 10h: the low half of entry 0; entry n is at 10h + 2n and 11h + 2n.</summary>
    public const byte FirstEntryRegister = 0x10;

    /// <summary>
    /// A read of the window. IOWIN is read with 4 bytes: QEMU reads 0 otherwise, and so does the architectural flavour, where it is
    /// undefined; KVM gives the low bytes, or zero-extends to 8.
    /// </summary>
    /// <param name="offset">The address; bits 7:0 are decoded.</param>
    /// <param name="size">The size in bytes: 1, 2, 4 or 8.</param>
    public uint ReadWindow(uint offset, int size = 4) => (offset & 0xFF) switch
    {
        IoRegSel => _header.Select,
        IoWin when _flavour == IoApicFlavour.KvmKernel => ReadRegister() & LowBytes(size),
        IoWin when size == 4 => ReadRegister(),
        _ => 0,
    };

    /// <summary>A write to the window. What it sets off is named in the answer.</summary>
    /// <param name="offset">The address; bits 7:0 are decoded.</param>
    /// <param name="value">The value; only its low <paramref name="size"/> bytes count.</param>
    /// <param name="size">The size in bytes, as in <see cref="ReadWindow"/>.</param>
    public IoApicWrite WriteWindow(uint offset, uint value, int size = 4)
    {
        value &= LowBytes(size);
        var decoded = size == 4 || _flavour == IoApicFlavour.KvmKernel;
        switch (offset & 0xFF)
        {
            case IoRegSel:
                _header.Select = (byte)value;
                break;
            case IoWin when decoded:
                return new IoApicWrite(WriteRegister(value), -1);
            case EoiOffset when decoded && _header.Version >= VersionWithEoiRegister:
                return new IoApicWrite(default, EoiVector(value));
        }

        return new IoApicWrite(default, -1);
    }

    /// <summary>
    /// Reads the register that IOREGSEL selects. An index without a register reads all ones in KVM, 0 in QEMU and, where the manual is
    /// silent, in the architectural flavour. There, delivery status is 1 while a message waits to be sent or accepted; KVM and QEMU
    /// always show 0.
    /// </summary>
    public uint ReadRegister()
    {
        switch (_header.Select)
        {
            case IdRegister:
            case ArbitrationRegister:
                return (uint)_header.Id << 24;
            case VersionRegister:
                return (uint)(PinCount - 1) << 16 | _header.Version;
        }

        if (!SelectsEntry(out var pin))
            return _flavour == IoApicFlavour.KvmKernel ? uint.MaxValue : 0;
        return (_header.Select & 1) != 0 ? _pins[pin].Entry.High : _pins[pin].Entry.Low | DeliveryStatus(pin);
    }

    /// <summary>
    /// Writes the register that IOREGSEL selects. Of an entry one half is written; delivery status and remote IRR stay,
    /// except that remote IRR is cleared if the entry is edge now (KVM ioapic.c:ioapic_write_indirect; QEMU ioapic_fix_edge_remote_irr).
    /// </summary>
    /// <param name="value">The value.</param>
    /// <returns>The pins to try with <see cref="TryDispatch"/>.</returns>
    public IoApicPinRange WriteRegister(uint value)
    {
        if (_header.Select == IdRegister)
            _header.Id = (byte)((value >> 24) & 0xF);
        if (!SelectsEntry(out var pin))
            return default;
        ref var state = ref _pins[pin];
        if ((_header.Select & 1) != 0)
            state.Entry.High = value & StoredHighBits;
        else
            state.Entry.Low = (value & StoredLowBits) | (state.Entry.Low & RedirectionEntry.ReadOnlyBits);
        SettleAfterWrite(ref state);
        return ServiceAfterWrite(pin);
    }

    // KVM and QEMU store the reserved bits as well (recorded from KVM: a write of all ones reads FFFFAFFFh and FFFFFFFFh).
    private uint StoredLowBits =>
        (_flavour == IoApicFlavour.Architectural ? 0x1_FFFF : uint.MaxValue) & ~RedirectionEntry.ReadOnlyBits;

    private uint StoredHighBits => _flavour == IoApicFlavour.Architectural ? 0xFF00_0000 : uint.MaxValue;

    private void SettleAfterWrite(ref IoApicPin pin)
    {
        if (!IsLevel(pin.Entry))
        {
            pin.Entry.RemoteIrr = false;
            pin.Flags &= ~IoApicPinFlags.InFlight;
        }

        // An edge that was recognised and not sent is withdrawn by the mask (82093AA 3.2.4, bit 16), and means nothing to a level entry.
        if (_flavour == IoApicFlavour.Architectural && (IsLevel(pin.Entry) || pin.Entry.IsMasked))
            pin.Flags &= ~IoApicPinFlags.Irr;
    }

    /// <summary>
    /// An asserted level line fires; an edge does not, except in QEMU, whose scan sends what irr still holds of the level.
    /// </summary>
    private IoApicPinRange ServiceAfterWrite(int pin)
    {
        if (_flavour == IoApicFlavour.QemuUserspace)
            return ServiceFor(pin);
        return IsLevel(_pins[pin].Entry) && WantsService(pin) ? ServiceFor(pin) : default;
    }

    private bool SelectsEntry(out int pin)
    {
        pin = (_header.Select - FirstEntryRegister) >> 1;
        return pin >= 0 && pin < PinCount;
    }

    private uint DeliveryStatus(int pin)
    {
        var waits = _flavour == IoApicFlavour.Architectural
            && (WantsService(pin) || (_pins[pin].Flags & IoApicPinFlags.InFlight) != 0);
        return waits ? RedirectionEntry.DeliveryStatusBit : 0;
    }

    /// <summary>QEMU compares all 32 bits with the vectors, so that a value above FFh ends nothing.</summary>
    private int EoiVector(uint value) =>
        _flavour == IoApicFlavour.QemuUserspace && value > 0xFF ? -1 : (byte)value;

    private static uint LowBytes(int size) => size switch
    {
        1 => 0xFF,
        2 => 0xFFFF,
        4 or 8 => uint.MaxValue,
        _ => throw new InvalidOperationException($"An access has 1, 2, 4 or 8 bytes, not {size}."),
    };
}
