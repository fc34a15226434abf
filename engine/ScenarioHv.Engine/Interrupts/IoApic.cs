namespace ScenarioHv.Engine.Interrupts;

/// <summary>
/// An I/O APIC: a view on its header and pins, which lie in the machine (82093AA; KVM ioapic.c; QEMU hw/intc/ioapic.c).
/// Each operation is what happens between two moments at which another CPU could look; the caller strings them together:
/// <list type="number">
/// <item><see cref="SetLine"/> or <see cref="WriteWindow"/> names the pins to try;</item>
/// <item><see cref="TryDispatch"/> on each, ascending, gives the message; the caller delivers it;</item>
/// <item><see cref="Dispatched"/> tells how many local APICs accepted;</item>
/// <item><see cref="NextEoiPin"/>, <see cref="ClearRemoteIrr"/> and <see cref="LineStillAsserted"/> are the steps of an EOI. Whether a line
/// that is still asserted is sent again at once (<see cref="ServiceFor"/>), later, or not, and any count of such EOIs, is the caller's
/// policy.</item>
/// </list>
/// Not modelled: polarity (lines are assertions), the message latency of the APIC bus, KVM's mask and ack notifiers and its count of RTC
/// EOIs (the caller says in <see cref="SetLine"/> whether one is outstanding), QEMU's INTA cycle for ExtINT entries that are masked
/// or coalesced (<c>ioapic_entry_parse</c> reads the 8259A before it looks at the mask), interrupt remapping.
/// The delivery modes that ought to be edge (SMI, NMI, INIT, ExtINT) obey the trigger bit, as they do in KVM and QEMU.
/// </summary>
public readonly ref partial struct IoApic
{
    /// <summary>The pins of the 82093AA, and of KVM's and QEMU's model.</summary>
    public const int StandardPinCount = 24;

    /// <summary>
    /// The largest number of pins that the version register can announce (82093AA 3.2.2). Entries from 120 on have no index of 8 bits.
    /// </summary>
    public const int MaximumPinCount = 240;

    /// <summary>The version of the 82093AA.</summary>
    public const byte Version82093 = 0x11;

    /// <summary>The version of I/O APICs with an EOI register.</summary>
    public const byte VersionWithEoiRegister = 0x20;

    /// <summary>The pin of the RTC, whose EOIs KVM counts (KVM ioapic.h RTC_GSI).</summary>
    public const int RtcPin = 8;

    private readonly ref IoApicHeader _header;
    private readonly Span<IoApicPin> _pins;
    private readonly IoApicFlavour _flavour;

    /// <summary>Creates the view.</summary>
    /// <param name="header">The registers that are not per pin.</param>
    /// <param name="pins">1 to <see cref="MaximumPinCount"/> pins.</param>
    /// <param name="flavour">Whose I/O APIC it is.</param>
    /// <exception cref="InvalidOperationException">The number of pins is outside its range.</exception>
    public IoApic(ref IoApicHeader header, Span<IoApicPin> pins, IoApicFlavour flavour)
    {
        if (pins.Length is 0 or > MaximumPinCount)
            throw new InvalidOperationException($"An I/O APIC has 1 to {MaximumPinCount} pins, not {pins.Length}.");
        _header = ref header;
        _pins = pins;
        _flavour = flavour;
    }

    /// <summary>The number of pins.</summary>
    public int PinCount => _pins.Length;

    /// <summary>The state of a pin.</summary>
    /// <param name="pin">0 to <see cref="PinCount"/> - 1.</param>
    public ref readonly IoApicPin this[int pin] => ref _pins[pin];

    /// <summary>The state after power-on: <see cref="RedirectionEntry.Reset"/> in every entry, lines low.</summary>
    /// <param name="version"><see cref="Version82093"/> or, except in KVM, <see cref="VersionWithEoiRegister"/>.</param>
    /// <exception cref="InvalidOperationException">The flavour has no such version.</exception>
    public void PowerOn(byte version)
    {
        if (version != Version82093 && (version != VersionWithEoiRegister || _flavour == IoApicFlavour.KvmKernel))
            throw new InvalidOperationException($"The {_flavour} I/O APIC has no version {version:X2}h.");
        _header = new IoApicHeader { Version = version };
        foreach (ref var pin in _pins)
            pin = new IoApicPin { Entry = RedirectionEntry.Reset };
    }

    /// <summary>
    /// Reset: IOREGSEL and ID 0, entries masked, nothing latched. KVM only sets the mask bit of an entry (KVM ioapic.c:kvm_ioapic_reset).
    /// </summary>
    public void Reset()
    {
        _header.Select = 0;
        _header.Id = 0;
        foreach (ref var pin in _pins)
        {
            if (_flavour == IoApicFlavour.KvmKernel)
                pin.Entry.IsMasked = true;
            else
                pin.Entry = RedirectionEntry.Reset;
            pin.Flags &= IoApicPinFlags.Line;
        }
    }

    /// <summary>A line changes, or is driven again at the level it has.</summary>
    /// <param name="pin">The pin. QEMU connects pin 0 to pin 2 (ISA IRQ 0).</param>
    /// <param name="high">True if the line is asserted.</param>
    /// <param name="rtcEoiOutstanding">KVM only, pin 8 with line status: an earlier interrupt awaits its EOI, so that an assertion is
    /// coalesced and leaves no trace (KVM ioapic.c:rtc_irq_check_coalesced).</param>
    public IoApicLineChange SetLine(int pin, bool high, bool rtcEoiOutstanding = false)
    {
        if (_flavour == IoApicFlavour.QemuUserspace && pin == 0)
            pin = 2;
        ref var state = ref _pins[pin];
        var outcome = _flavour switch
        {
            IoApicFlavour.Architectural => SampleLine(ref state, high),
            IoApicFlavour.KvmKernel when high && rtcEoiOutstanding && pin == RtcPin => IoApicLineOutcome.Coalesced,
            IoApicFlavour.KvmKernel => SetKvmIrr(ref state, high),
            IoApicFlavour.QemuUserspace => SetQemuIrr(ref state, high),
            _ => throw UnknownFlavour(),
        };
        // QEMU runs its scan for an asserted level line without looking at the mask first.
        var scans = outcome == IoApicLineOutcome.WantsService
            || (_flavour == IoApicFlavour.QemuUserspace && high && IsLevel(state.Entry) && !state.Entry.RemoteIrr);
        return new IoApicLineChange(outcome, scans ? ServiceFor(pin) : default);
    }

    /// <summary>
    /// The pins to try when one asks for service: itself, or in QEMU, whose <c>ioapic_service</c> scans the table, all of them.
    /// </summary>
    /// <param name="pin">The pin that asks.</param>
    public IoApicPinRange ServiceFor(int pin) =>
        _flavour == IoApicFlavour.QemuUserspace ? new IoApicPinRange(0, PinCount) : new IoApicPinRange(pin, pin + 1);

    /// <summary>
    /// True if <see cref="TryDispatch"/> would send. KVM's <c>ioapic_service</c> sends an edge entry whenever it is called with the line
    /// high: it is called by a rising edge and by an EOI (see <see cref="LineStillAsserted"/>), not by a scan.
    /// </summary>
    /// <param name="pin">The pin.</param>
    public bool WantsService(int pin)
    {
        ref readonly var state = ref _pins[pin];
        if (state.Entry.IsMasked || !Asks(state))
            return false;
        return !IsLevel(state.Entry) || (!state.Entry.RemoteIrr && (state.Flags & IoApicPinFlags.InFlight) == 0);
    }

    /// <summary>
    /// Sends the interrupt of a pin if it wants service. An edge is used up here. QEMU sets remote IRR here, before anyone has accepted.
    /// In the other flavours a level pin sends nothing further until <see cref="Dispatched"/> is called, which must follow.
    /// </summary>
    /// <param name="pin">The pin.</param>
    /// <param name="message">The message to deliver. Mode <see cref="DeliveryMode.ExtInt"/>: the vector comes from the 8259A.</param>
    public bool TryDispatch(int pin, out ApicMessage message)
    {
        message = default;
        if (!WantsService(pin))
            return false;
        ref var state = ref _pins[pin];
        message = state.Entry.ToMessage();
        if (IsLevel(state.Entry) && _flavour == IoApicFlavour.QemuUserspace)
            state.Entry.RemoteIrr = true;
        else if (IsLevel(state.Entry))
            state.Flags |= IoApicPinFlags.InFlight;
        else
            state.Flags = _flavour == IoApicFlavour.KvmKernel ? state.Flags | IoApicPinFlags.Delivered : state.Flags & ~IoApicPinFlags.Irr;
        return true;
    }

    /// <summary>
    /// The message of <see cref="TryDispatch"/> was delivered. Remote IRR of a level pin is set if a local APIC accepted;
    /// KVM sets it for every result but 0, and so also for -1 (KVM ioapic.c:ioapic_service). QEMU does not look at the result.
    /// </summary>
    /// <param name="pin">The pin.</param>
    /// <param name="acceptedBy">The number of local APICs that accepted; -1 if KVM's slow path found no destination at all.</param>
    /// <returns><paramref name="acceptedBy"/>, the result of KVM's <c>kvm_ioapic_set_irq</c>.</returns>
    public int Dispatched(int pin, int acceptedBy)
    {
        ref var state = ref _pins[pin];
        if ((state.Flags & IoApicPinFlags.InFlight) != 0)
        {
            state.Flags &= ~IoApicPinFlags.InFlight;
            state.Entry.RemoteIrr |= _flavour == IoApicFlavour.KvmKernel ? acceptedBy != 0 : acceptedBy > 0;
        }

        return acceptedBy;
    }

    /// <summary>
    /// The next pin, in ascending order, that the EOI of a vector reaches: every level entry with that vector now, and in KVM every entry
    /// with it, because ack notifiers of edge entries are called too. Ask again after each pin: the table may have changed.
    /// </summary>
    /// <param name="vector">The vector ended.</param>
    /// <param name="from">The first pin to look at.</param>
    /// <returns>The pin, or -1.</returns>
    public int NextEoiPin(byte vector, int from)
    {
        for (var pin = from; pin < PinCount; pin++)
        {
            if (IsReachedByEoi(_pins[pin].Entry, vector))
                return pin;
        }

        return -1;
    }

    /// <summary>
    /// An EOI reaches a pin. KVM matches the vector only and trusts the TMR for the rest; QEMU passes over a pin whose remote IRR is clear.
    /// </summary>
    /// <param name="pin">The pin.</param>
    /// <param name="vector">The vector ended.</param>
    /// <param name="tmr">The TMR bit of the vector in the local APIC; the EOI of an edge interrupt ends nothing here.
    /// The EOI exit of a split irqchip comes whatever the TMR is: true.</param>
    /// <param name="directed">True if broadcasts are suppressed in the SVR (bit 12); KVM comes here all the same, for its
    /// notifiers.</param>
    /// <returns>True if the EOI was this pin's, and the line is to be looked at next.</returns>
    public bool ClearRemoteIrr(int pin, byte vector, bool tmr = true, bool directed = false)
    {
        ref var entry = ref _pins[pin].Entry;
        if (!tmr || directed || !IsReachedByEoi(entry, vector))
            return false;
        if (_flavour == IoApicFlavour.QemuUserspace && !entry.RemoteIrr)
            return false;
        entry.RemoteIrr = false;
        return true;
    }

    /// <summary>
    /// True if a pin is unmasked and its line asserted: after <see cref="ClearRemoteIrr"/>, the question whether to send again.
    /// KVM also answers for an edge entry that shares the vector, whose line would then be sent again.
    /// </summary>
    /// <param name="pin">The pin.</param>
    public bool LineStillAsserted(int pin)
    {
        ref readonly var state = ref _pins[pin];
        return !state.Entry.IsMasked && (IsLevel(state.Entry) || _flavour != IoApicFlavour.Architectural) && Asks(state);
    }

    /// <summary>
    /// True if delayed work sends this pin: KVM tries level pins only (KVM ioapic.c:kvm_ioapic_eoi_inject_work),
    /// the others every pin that wants service.
    /// </summary>
    /// <param name="pin">The pin.</param>
    public bool WantsDelayedService(int pin) =>
        WantsService(pin) && (IsLevel(_pins[pin].Entry) || _flavour != IoApicFlavour.KvmKernel);

    /// <summary>
    /// KVM: forgets an asserted level line that a resampling irqfd is going to report afresh, instead of sending it at an RTE write.
    /// </summary>
    /// <param name="pin">The pin.</param>
    /// <exception cref="InvalidOperationException">Not KVM's I/O APIC.</exception>
    public void DropForResample(int pin)
    {
        RequireKvm();
        _pins[pin].Flags &= ~IoApicPinFlags.Irr;
    }

    /// <summary>KVM: the bit of <c>irr</c> that KVM_GET_IRQCHIP saves, an assertion not yet delivered.</summary>
    /// <param name="pin">The pin.</param>
    /// <exception cref="InvalidOperationException">Not KVM's I/O APIC.</exception>
    public bool SavedIrr(int pin)
    {
        RequireKvm();
        return (_pins[pin].Flags & (IoApicPinFlags.Irr | IoApicPinFlags.Delivered)) == IoApicPinFlags.Irr;
    }

    /// <summary>
    /// KVM: the part of KVM_SET_IRQCHIP that loads an entry verbatim and forgets its line. When every pin is loaded,
    /// the saved pins are asserted again with <see cref="SetLine"/>, one by one, ascending.
    /// </summary>
    /// <param name="pin">The pin.</param>
    /// <param name="entry">The saved entry.</param>
    /// <exception cref="InvalidOperationException">Not KVM's I/O APIC.</exception>
    public void RestorePin(int pin, RedirectionEntry entry)
    {
        RequireKvm();
        _pins[pin] = new IoApicPin { Entry = entry };
    }

    private IoApicLineOutcome SampleLine(ref IoApicPin pin, bool high)
    {
        var rising = high && (pin.Flags & IoApicPinFlags.Line) == 0;
        pin.Flags = high ? pin.Flags | IoApicPinFlags.Line : pin.Flags & ~IoApicPinFlags.Line;
        if (!high)
            return IoApicLineOutcome.Deasserted;
        if (IsLevel(pin.Entry))
            return LevelOutcome(pin);
        if (pin.Entry.IsMasked)
            return IoApicLineOutcome.Ignored;
        if (!rising || (pin.Flags & IoApicPinFlags.Irr) != 0)
            return IoApicLineOutcome.Coalesced;
        pin.Flags |= IoApicPinFlags.Irr;
        return IoApicLineOutcome.WantsService;
    }

    private IoApicLineOutcome SetKvmIrr(ref IoApicPin pin, bool high)
    {
        var wasHigh = (pin.Flags & IoApicPinFlags.Irr) != 0;
        pin.Flags = high ? pin.Flags | IoApicPinFlags.Irr : pin.Flags & ~IoApicPinFlags.Irr;
        if (!high)
            return IoApicLineOutcome.Deasserted;
        if (IsLevel(pin.Entry))
            return LevelOutcome(pin);
        pin.Flags &= ~IoApicPinFlags.Delivered;
        if (wasHigh)
            return IoApicLineOutcome.Coalesced;
        return pin.Entry.IsMasked ? IoApicLineOutcome.Ignored : IoApicLineOutcome.WantsService;
    }

    private IoApicLineOutcome SetQemuIrr(ref IoApicPin pin, bool high)
    {
        if (!high)
        {
            if (IsLevel(pin.Entry))
                pin.Flags &= ~IoApicPinFlags.Irr;
            return IoApicLineOutcome.Deasserted;
        }

        if (!IsLevel(pin.Entry) && pin.Entry.IsMasked)
            return IoApicLineOutcome.Ignored;
        pin.Flags |= IoApicPinFlags.Irr;
        return IsLevel(pin.Entry) ? LevelOutcome(pin) : IoApicLineOutcome.WantsService;
    }

    private static IoApicLineOutcome LevelOutcome(in IoApicPin pin) =>
        pin.Entry.IsMasked || pin.Entry.RemoteIrr || (pin.Flags & IoApicPinFlags.InFlight) != 0
            ? IoApicLineOutcome.Ignored
            : IoApicLineOutcome.WantsService;

    /// <summary>A request is there, whatever mask and remote IRR say.</summary>
    private bool Asks(in IoApicPin pin)
    {
        var source = _flavour == IoApicFlavour.Architectural && IsLevel(pin.Entry) ? IoApicPinFlags.Line : IoApicPinFlags.Irr;
        return (pin.Flags & source) != 0;
    }

    private bool IsReachedByEoi(RedirectionEntry entry, byte vector) =>
        entry.Vector == vector && (IsLevel(entry) || _flavour == IoApicFlavour.KvmKernel);

    private void RequireKvm()
    {
        if (_flavour != IoApicFlavour.KvmKernel)
            throw new InvalidOperationException($"The {_flavour} I/O APIC has no such operation: it is KVM's.");
    }

    private InvalidOperationException UnknownFlavour() => new($"No I/O APIC flavour {(int)_flavour}.");

    // NMI, SMI, INIT and ExtINT are edge-triggered whatever the trigger mode says (SDM3 10.11.2): nobody sends an EOI that could clear
    // their remote IRR. KVM and QEMU obey the trigger mode.
    private bool IsLevel(RedirectionEntry entry) => entry.IsLevel
        && (_flavour != IoApicFlavour.Architectural || entry.Mode is DeliveryMode.Fixed or DeliveryMode.LowestPriority);
}
