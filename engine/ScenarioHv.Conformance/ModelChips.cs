using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Conformance;

/// <summary>The model's I/O APIC and 8259 pair. Not modelled: the delay of KVM's and QEMU's 10000th re-injection.</summary>
internal sealed class ModelChips : IChips
{
    private readonly ConformancePreset preset;
    private readonly MessageDelivery deliver;
    private readonly IoApicPin[] pins = new IoApicPin[IoApic.StandardPinCount];
    private IoApicHeader header;
    private Pic8259Pair pic;

    /// <summary>Powers them on.</summary>
    /// <param name="preset">Whose they are.</param>
    /// <param name="deliver">Takes the I/O APIC's messages.</param>
    public ModelChips(ConformancePreset preset, MessageDelivery deliver)
    {
        this.preset = preset;
        this.deliver = deliver;
        Chip.PowerOn();
        pic.PowerOn();
    }

    /// <inheritdoc/>
    public bool Intr => pic.IntOutput(preset.Pic);

    /// <summary>The entry that IOREGSEL selects, or null.</summary>
    public RedirectionEntry? Selected => Chip.SelectedPin is var pin && pin >= 0 ? pins[pin].Entry : null;

    private IoApic Chip => new(ref header, pins, preset.IoApic);

    /// <summary>The entries of whose vectors KVM wants to know EOIs: level ones, and the RTC's.</summary>
    public IEnumerable<RedirectionEntry> EntriesWithEoi() =>
        pins.Where((pin, number) => pin.Entry.IsLevel || number == IoApic.RtcPin).Select(pin => pin.Entry);

    /// <inheritdoc/>
    public void SetLine(LineTarget target, int pin, bool high)
    {
        if (target != LineTarget.Pic)
            Service(Chip.SetLine(pin, high).Service);
        if (target != LineTarget.IoApic)
            pic.SetLine(pin, high, preset.Pic);
    }

    /// <inheritdoc/>
    public void WriteIoApic(uint offset, uint value)
    {
        IoApicWrite write = Chip.WriteWindow(offset, value);
        Service(write.Service);
        if (write.EoiVector >= 0)
            EndInterrupt((byte)write.EoiVector);
    }

    /// <inheritdoc/>
    public uint ReadIoApic(uint offset) => Chip.ReadWindow(offset);

    /// <inheritdoc/>
    /// <remarks>A level line that is still high is sent again at once (KVM ioapic.c:kvm_ioapic_update_eoi_one).</remarks>
    public void EndInterrupt(byte vector)
    {
        for (int pin = Chip.NextEoiPin(vector, 0); pin >= 0; pin = Chip.NextEoiPin(vector, pin + 1))
        {
            if (Chip.ClearRemoteIrr(pin, vector) && Chip.LineStillAsserted(pin))
                Service(Chip.ServiceFor(pin));
        }
    }

    /// <inheritdoc/>
    public void WritePort(uint port, byte value, bool isListenedTo)
    {
        if (Pic8259Pair.Decodes((int)port))
            pic.Write((int)port, value, preset.Pic, isListenedTo);
    }

    /// <inheritdoc/>
    public byte ReadPort(uint port) =>
        Pic8259Pair.Decodes((int)port) ? pic.Read((int)port, preset.Pic).Value : byte.MaxValue;

    /// <inheritdoc/>
    public byte Acknowledge() => pic.Acknowledge(preset.Pic).Vector;

    /// <inheritdoc/>
    public string DumpIoApic() => ConformanceDumps.Of(header, Chip);

    /// <inheritdoc/>
    public string DumpPic() => ConformanceDumps.Of(pic, preset.Pic);

    /// <summary>Nothing: they are memory.</summary>
    public void Dispose()
    {
    }

    private void Service(IoApicPinRange range)
    {
        for (int pin = range.First; pin < range.End; pin++)
        {
            byte? vector = ReadsPic(pin) ? Acknowledge() : null;
            if (!Chip.TryDispatch(pin, out ApicMessage message))
                continue;
            message.Vector = vector ?? message.Vector;
            Chip.Dispatched(pin, deliver(message));
        }
    }

    // QEMU's I/O APIC acknowledges the 8259 itself for an ExtINT entry and sends the vector. It does so whenever its scan comes upon a
    // request, and looks at mask and remote IRR only then (QEMU ioapic.c:ioapic_service, ioapic_entry_parse).
    private bool ReadsPic(int pin) => preset.LocalApic.ExtIntMessages == ExtIntMessagesPolicy.AsFixed
        && Chip[pin].Entry.Mode == DeliveryMode.ExtInt && (Chip[pin].Flags & IoApicPinFlags.Irr) != 0;
}
