namespace ScenarioHv.Engine.Interrupts;

/// <summary>
/// An I/O APIC: a view on its header and pins, which lie in the machine (82093AA; KVM ioapic.c; QEMU hw/intc/ioapic.c). Where they differ,
/// its <see cref="IoApicPolicies"/> decide.
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
    private readonly IoApicPolicies _policies;

    /// <summary>Creates the view.</summary>
    /// <param name="header">The registers that are not per pin.</param>
    /// <param name="pins">1 to <see cref="MaximumPinCount"/> pins.</param>
    /// <param name="policies">Which I/O APIC it is.</param>
    /// <exception cref="InvalidOperationException">The number of pins is outside its range.</exception>
    public IoApic(ref IoApicHeader header, Span<IoApicPin> pins, IoApicPolicies policies)
    {
        if (pins.Length is 0 or > MaximumPinCount)
            throw new InvalidOperationException($"An I/O APIC has 1 to {MaximumPinCount} pins, not {pins.Length}.");
        _header = ref header;
        _pins = pins;
        _policies = policies;
    }

    /// <summary>The number of pins.</summary>
    public int PinCount => _pins.Length;

    /// <summary>The state of a pin.</summary>
    /// <param name="pin">0 to <see cref="PinCount"/> - 1.</param>
    public ref readonly IoApicPin this[int pin] => ref _pins[pin];

    /// <summary>The state after power-on: masked entries, lines low, the version of <see cref="IoApicPolicies.EoiRegister"/>.</summary>
    public void PowerOn()
    {
        _header = new IoApicHeader { Version = HasEoiRegister ? VersionWithEoiRegister : Version82093 };
        foreach (ref var pin in _pins)
            pin = new IoApicPin { Entry = EntryAfterReset };
    }

    /// <summary>Reset: IOREGSEL and ID 0, entries masked as <see cref="IoApicPolicies.Reset"/> has it, nothing latched.</summary>
    public void Reset()
    {
        var keepsEntries = _policies.Reset == IoApicReset.MaskOnly;
        _header.Select = 0;
        _header.Id = 0;
        foreach (ref var pin in _pins)
        {
            if (keepsEntries)
                pin.Entry.IsMasked = true;
            else
                pin.Entry = EntryAfterReset;
            pin.Flags &= keepsEntries ? IoApicPinFlags.None : IoApicPinFlags.Line;
        }
    }

    /// <summary>A line changes, or is driven again at the level it has.</summary>
    /// <param name="pin">The pin, which <see cref="IoApicPolicies.PinZero"/> may redirect.</param>
    /// <param name="high">True if the line is asserted.</param>
    /// <param name="rtcEoiOutstanding">Pin 8 with line status: an earlier interrupt awaits its EOI (KVM ioapic.c:rtc_irq_check_coalesced).
    /// It counts with <see cref="IoApicRtc.Coalesced"/> alone.</param>
    public IoApicLineChange SetLine(int pin, bool high, bool rtcEoiOutstanding = false)
    {
        if (pin == 0 && _policies.PinZero == IoApicPinZero.PinTwo)
            pin = 2;
        if (high && rtcEoiOutstanding && pin == RtcPin && _policies.Rtc == IoApicRtc.Coalesced)
            return new IoApicLineChange(IoApicLineOutcome.Coalesced, default);
        ref var state = ref _pins[pin];
        var rising = high && (state.Flags & IoApicPinFlags.Line) == 0;
        state.Flags = high ? state.Flags | IoApicPinFlags.Line : state.Flags & ~IoApicPinFlags.Line;
        var outcome = !high ? Deassert(ref state)
            : IsLevel(state.Entry) ? AssertLevel(ref state)
            : AssertEdge(ref state, rising);

        // A scan for an asserted level line looks at no mask first.
        var scans = outcome == IoApicLineOutcome.WantsService
            || (ScansTable && high && IsLevel(state.Entry) && !state.Entry.RemoteIrr);
        return new IoApicLineChange(outcome, scans ? ServiceFor(pin) : default);
    }

    /// <summary>The pins to try when one asks for service (<see cref="IoApicPolicies.ServicePins"/>).</summary>
    /// <param name="pin">The pin that asks.</param>
    public IoApicPinRange ServiceFor(int pin) => ScansTable ? new IoApicPinRange(0, PinCount) : new IoApicPinRange(pin, pin + 1);

    /// <summary>
    /// True if <see cref="TryDispatch"/> would send. With <see cref="IoApicEdgeLatch.LineHigh"/> an edge entry is sent whenever this is
    /// asked with the line high: by a rising edge and by an EOI (see <see cref="LineStillAsserted"/>), not by a scan.
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
    /// Sends the interrupt of a pin if it wants service. A latched edge is used up here. With <see cref="IoApicRemoteIrr.WhenSent"/> remote
    /// IRR is set here, before anyone has accepted; otherwise a level pin sends nothing further until <see cref="Dispatched"/> is called,
    /// which must follow.
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
        if (!IsLevel(state.Entry))
            state.Flags = LatchesEdges ? state.Flags & ~IoApicPinFlags.Irr : state.Flags | IoApicPinFlags.Delivered;
        else if (_policies.RemoteIrr == IoApicRemoteIrr.WhenSent)
            state.Entry.RemoteIrr = true;
        else
            state.Flags |= IoApicPinFlags.InFlight;
        return true;
    }

    /// <summary>
    /// The message of <see cref="TryDispatch"/> was delivered: remote IRR of a level pin is set as <see cref="IoApicPolicies.RemoteIrr"/>
    /// has it.
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
            state.Entry.RemoteIrr |= acceptedBy > 0 || (acceptedBy < 0 && _policies.RemoteIrr == IoApicRemoteIrr.UnlessRefused);
        }

        return acceptedBy;
    }

    /// <summary>
    /// The next pin, in ascending order, that the EOI of a vector reaches (<see cref="IoApicPolicies.EoiMatch"/>). Ask again after each
    /// pin: the table may have changed.
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
    /// An EOI reaches a pin. <see cref="IoApicPolicies.EoiMatch"/> says whether the entry is meant, and
    /// <see cref="IoApicPolicies.EoiWithoutRemoteIrr"/> what happens if its remote IRR is clear.
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
        if (!entry.RemoteIrr && _policies.EoiWithoutRemoteIrr == IoApicEoiWithoutRemoteIrr.Skipped)
            return false;
        entry.RemoteIrr = false;
        return true;
    }

    /// <summary>
    /// True if a pin is unmasked and its line asserted: after <see cref="ClearRemoteIrr"/>, the question whether to send again. With
    /// <see cref="IoApicEoiMatch.EveryEntry"/> the line of an edge entry that shares the vector counts too.
    /// </summary>
    /// <param name="pin">The pin.</param>
    public bool LineStillAsserted(int pin)
    {
        ref readonly var state = ref _pins[pin];
        return !state.Entry.IsMasked && (IsLevel(state.Entry) || EoiReachesEdges) && Asks(state);
    }

    /// <summary>
    /// True if delayed work sends this pin: every pin that wants service, but for an edge entry that asks only because its line is high
    /// (KVM ioapic.c:kvm_ioapic_eoi_inject_work tries level pins).
    /// </summary>
    /// <param name="pin">The pin.</param>
    public bool WantsDelayedService(int pin) => WantsService(pin) && (LatchesEdges || IsLevel(_pins[pin].Entry));

    /// <summary>
    /// Forgets an asserted level line that a resampling irqfd is going to report afresh, instead of sending it at an RTE write (KVM).
    /// </summary>
    /// <param name="pin">The pin.</param>
    /// <exception cref="InvalidOperationException">Edges are latched: not KVM's kind.</exception>
    public void DropForResample(int pin)
    {
        RequireLines();
        _pins[pin].Flags &= ~IoApicPinFlags.Line;
    }

    /// <summary>
    /// True if an assertion is held that was not sent as an edge: QEMU's <c>irr</c>, and what KVM_GET_IRQCHIP saves of KVM's.
    /// </summary>
    /// <param name="pin">The pin.</param>
    public bool IsHeld(int pin) =>
        LatchesEdges || (LatchesLevels && IsLevel(_pins[pin].Entry))
            ? (_pins[pin].Flags & IoApicPinFlags.Irr) != 0
            : IsUndelivered(_pins[pin]);

    /// <summary>The bit of <c>irr</c> that KVM_GET_IRQCHIP saves, an assertion not yet delivered.</summary>
    /// <param name="pin">The pin.</param>
    /// <exception cref="InvalidOperationException">Edges are latched: not KVM's kind.</exception>
    public bool SavedIrr(int pin)
    {
        RequireLines();
        return IsUndelivered(_pins[pin]);
    }

    /// <summary>
    /// The part of KVM_SET_IRQCHIP that loads an entry verbatim and forgets its line. When every pin is loaded, the saved pins are asserted
    /// again with <see cref="SetLine"/>, one by one, ascending.
    /// </summary>
    /// <param name="pin">The pin.</param>
    /// <param name="entry">The saved entry.</param>
    /// <exception cref="InvalidOperationException">Edges are latched: not KVM's kind.</exception>
    public void RestorePin(int pin, RedirectionEntry entry)
    {
        RequireLines();
        _pins[pin] = new IoApicPin { Entry = entry };
    }

    private bool HasEoiRegister => _policies.EoiRegister == IoApicEoiRegister.Present;

    private bool ScansTable => _policies.ServicePins == IoApicServicePins.WholeTable;

    private bool LatchesEdges => _policies.EdgeLatch == IoApicEdgeLatch.UntilSent;

    private bool LatchesLevels => _policies.LevelRequest == IoApicLevelRequest.Latch;

    private bool EoiReachesEdges => _policies.EoiMatch == IoApicEoiMatch.EveryEntry;

    private RedirectionEntry EntryAfterReset => _policies.Reset == IoApicReset.LogicalEntries
        ? new RedirectionEntry(RedirectionEntry.MaskBit | RedirectionEntry.LogicalBit)
        : RedirectionEntry.Reset;

    private IoApicLineOutcome Deassert(ref IoApicPin pin)
    {
        if (LatchesLevels && IsLevel(pin.Entry))
            pin.Flags &= ~IoApicPinFlags.Irr;
        return IoApicLineOutcome.Deasserted;
    }

    private IoApicLineOutcome AssertLevel(ref IoApicPin pin)
    {
        if (LatchesLevels)
            pin.Flags |= IoApicPinFlags.Irr;
        return pin.Entry.IsMasked || pin.Entry.RemoteIrr || (pin.Flags & IoApicPinFlags.InFlight) != 0
            ? IoApicLineOutcome.Ignored
            : IoApicLineOutcome.WantsService;
    }

    // Without a latch the line is compared before the mask is looked at: an edge that merges counts as coalesced, not as masked.
    private IoApicLineOutcome AssertEdge(ref IoApicPin pin, bool rising)
    {
        var needsRise = _policies.EdgeDetection == IoApicEdgeDetection.RisingLine;
        if (!LatchesEdges)
        {
            pin.Flags &= ~IoApicPinFlags.Delivered;
            return needsRise && !rising ? IoApicLineOutcome.Coalesced
                : pin.Entry.IsMasked ? IoApicLineOutcome.Ignored
                : IoApicLineOutcome.WantsService;
        }

        if (pin.Entry.IsMasked)
        {
            if (_policies.MaskedEdge == IoApicMaskedEdge.Latched && (rising || !needsRise))
                pin.Flags |= IoApicPinFlags.Irr;
            return IoApicLineOutcome.Ignored;
        }

        if (needsRise && (!rising || (pin.Flags & IoApicPinFlags.Irr) != 0))
            return IoApicLineOutcome.Coalesced;
        pin.Flags |= IoApicPinFlags.Irr;
        return IoApicLineOutcome.WantsService;
    }

    /// <summary>A request is there, whatever mask and remote IRR say.</summary>
    private bool Asks(in IoApicPin pin)
    {
        var latches = IsLevel(pin.Entry) ? LatchesLevels : LatchesEdges;
        return (pin.Flags & (latches ? IoApicPinFlags.Irr : IoApicPinFlags.Line)) != 0;
    }

    private static bool IsUndelivered(in IoApicPin pin) =>
        (pin.Flags & (IoApicPinFlags.Line | IoApicPinFlags.Delivered)) == IoApicPinFlags.Line;

    private bool IsLevel(RedirectionEntry entry) => entry.IsLevel
        && (_policies.EdgeModes == IoApicEdgeModes.ObeyTrigger || entry.Mode is DeliveryMode.Fixed or DeliveryMode.LowestPriority);

    private bool IsReachedByEoi(RedirectionEntry entry, byte vector) => entry.Vector == vector && (IsLevel(entry) || EoiReachesEdges);

    private void RequireLines()
    {
        if (LatchesEdges)
            throw new InvalidOperationException("This I/O APIC latches edges: its pins have no irr as KVM saves it.");
    }
}
