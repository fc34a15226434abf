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

    /// <summary>A read of the window. IOWIN is read with the sizes of <see cref="IoApicPolicies.WindowAccess"/>.</summary>
    /// <param name="offset">The address; bits 7:0 are decoded.</param>
    /// <param name="size">The size in bytes: 1, 2, 4 or 8.</param>
    public uint ReadWindow(uint offset, int size = 4) => (offset & 0xFF) switch
    {
        IoRegSel => _header.Select,
        IoWin when size == 4 || _policies.WindowAccess != IoApicWindowAccess.Dwords => ReadRegister() & LowBytes(size),
        _ => 0,
    };

    /// <summary>A write to the window. What it sets off is named in the answer.</summary>
    /// <param name="offset">The address; bits 7:0 are decoded.</param>
    /// <param name="value">The value; only its low <paramref name="size"/> bytes count.</param>
    /// <param name="size">The size in bytes, as in <see cref="ReadWindow"/>.</param>
    public IoApicWrite WriteWindow(uint offset, uint value, int size = 4)
    {
        value &= LowBytes(size);
        var decoded = size == 4 || _policies.WindowAccess == IoApicWindowAccess.AnySize;
        switch (offset & 0xFF)
        {
            case IoRegSel:
                _header.Select = (byte)value;
                break;
            case IoWin when decoded:
                return new IoApicWrite(WriteRegister(value), -1);
            case EoiOffset when decoded && HasEoiRegister:
                return new IoApicWrite(default, EoiVector(value));
        }

        return new IoApicWrite(default, -1);
    }

    /// <summary>Reads the register that IOREGSEL selects.</summary>
    public uint ReadRegister()
    {
        switch (_header.Select)
        {
            case ArbitrationRegister when _policies.ArbitrationId == IoApicArbitrationId.Zero:
                return 0;
            case IdRegister:
            case ArbitrationRegister:
                return (uint)_header.Id << 24;
            case VersionRegister:
                return (uint)(PinCount - 1) << 16 | _header.Version;
        }

        if (!SelectsEntry(out var pin))
            return UnknownIndex;
        return (_header.Select & 1) != 0 ? _pins[pin].Entry.High : _pins[pin].Entry.Low | DeliveryStatus(pin);
    }

    /// <summary>
    /// Writes the register that IOREGSEL selects. Of an entry one half is written; delivery status and remote IRR stay, unless
    /// <see cref="IoApicPolicies.RemoteIrrAtWrite"/> says otherwise, and except that remote IRR is cleared if the entry is edge now (KVM
    /// ioapic.c:ioapic_write_indirect; QEMU ioapic_fix_edge_remote_irr; Xen vioapic.c:vioapic_write_redirent).
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
        var before = state.Entry;
        if ((_header.Select & 1) != 0)
            state.Entry.High = value & StoredHighBits;
        else
            state.Entry.Low = (value & StoredLowBits) | (state.Entry.Low & KeptLowBits);
        SettleAfterWrite(ref state, IsLevel(before));
        return ServiceAfterWrite(pin, isUnmasked: before.IsMasked && !state.Entry.IsMasked);
    }

    private uint StoredLowBits =>
        (_policies.ReservedBits == IoApicReservedBits.Stored ? uint.MaxValue : 0x1_FFFF) & ~RedirectionEntry.ReadOnlyBits;

    private uint StoredHighBits => _policies.ReservedBits switch
    {
        IoApicReservedBits.Stored => uint.MaxValue,
        IoApicReservedBits.ExtendedDestination => 0xFFFF_0000,
        _ => 0xFF00_0000,
    };

    private uint KeptLowBits => _policies.RemoteIrrAtWrite == IoApicRemoteIrrAtWrite.Kept
        ? RedirectionEntry.ReadOnlyBits
        : RedirectionEntry.DeliveryStatusBit;

    private uint UnknownIndex => _policies.UnknownIndex switch
    {
        IoApicUnknownIndex.Ones => uint.MaxValue,
        IoApicUnknownIndex.OnesBelowTable when _header.Select < FirstEntryRegister => uint.MaxValue,
        _ => 0,
    };

    private void SettleAfterWrite(ref IoApicPin pin, bool wasLevel)
    {
        if (!IsLevel(pin.Entry))
        {
            pin.Entry.RemoteIrr = false;
            pin.Flags &= ~IoApicPinFlags.InFlight;
        }

        // An edge that was recognised and not sent is withdrawn by the mask as well (82093AA 3.2.4, bit 16).
        var isMaskedEdge = !IsLevel(pin.Entry) && pin.Entry.IsMasked && _policies.MaskedEdge == IoApicMaskedEdge.Lost;
        if (_policies.LatchAtWrite == IoApicLatchAtWrite.Withdrawn && (isMaskedEdge || IsLevel(pin.Entry) != wasLevel))
            pin.Flags &= ~IoApicPinFlags.Irr;
    }

    /// <summary>An asserted level line fires. An edge does not, unless it was held for this: by the mask, or as what is latched.</summary>
    private IoApicPinRange ServiceAfterWrite(int pin, bool isUnmasked)
    {
        if (ScansTable)
            return ServiceFor(pin);
        var fires = IsLevel(_pins[pin].Entry)
            || (IsHeld(pin) && (_policies.LatchAtWrite == IoApicLatchAtWrite.Kept
                || (isUnmasked && _policies.MaskedEdge == IoApicMaskedEdge.Latched)));
        return fires && WantsService(pin) ? ServiceFor(pin) : default;
    }

    /// <summary>The pin whose entry IOREGSEL selects, or −1.</summary>
    public int SelectedPin
    {
        get
        {
            var pin = (_header.Select - FirstEntryRegister) >> 1;
            return pin < PinCount ? Math.Max(pin, -1) : -1;
        }
    }

    private bool SelectsEntry(out int pin) => (pin = SelectedPin) >= 0;

    private uint DeliveryStatus(int pin)
    {
        var waits = _policies.DeliveryStatus == IoApicDeliveryStatus.WhileWaiting
            && (WantsService(pin) || (_pins[pin].Flags & IoApicPinFlags.InFlight) != 0);
        return waits ? RedirectionEntry.DeliveryStatusBit : 0;
    }

    private int EoiVector(uint value) => value > 0xFF && _policies.EoiValue == IoApicEoiValue.AllBits ? -1 : (byte)value;

    private static uint LowBytes(int size) => size switch
    {
        1 => 0xFF,
        2 => 0xFFFF,
        4 or 8 => uint.MaxValue,
        _ => throw new InvalidOperationException($"An access has 1, 2, 4 or 8 bytes, not {size}."),
    };
}
