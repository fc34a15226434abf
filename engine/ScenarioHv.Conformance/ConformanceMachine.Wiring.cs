using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Conformance;

// What leaves one controller and reaches another: messages, lines, EOIs.
public sealed partial class ConformanceMachine
{
    private void Apply(int cpu, in RegisterWriteEffect effect)
    {
        if ((effect.Effects & (LocalApicEffects.SendIpi | LocalApicEffects.SelfIpi)) != 0)
            Deliver(effect.Ipi.Message, new MessageSource(cpu, effect.Ipi.Shorthand));
        if (effect.Has(LocalApicEffects.Eoi) && effect.Eoi.Broadcast)
            EndInterrupt((byte)effect.Eoi.Vector);
    }

    private void SendMsi(uint address, uint data)
    {
        var msi = new MsiMessage { AddressLow = address, Data = data };
        if (MsiFormat.TryDecode(msi, preset.Msi, MsiDestinationFormat.Bits8, out ApicMessage message))
            Deliver(message, MessageSource.Device);
    }

    // The result is that of KVM's kvm_irq_delivery_to_apic: how many accepted, or -1 if nobody was found.
    private int Deliver(in ApicMessage message, MessageSource source)
    {
        RouteResult route = DestinationRouting.Targets(apics, message, source, preset.LocalApic, ref arbitration, targets);
        int accepted = 0;
        foreach (int target in targets.AsSpan(0, route.Count))
        {
            AcceptResult result = apics[target].Accept(route.Message, source.IsIpi);
            if (result.Core == CoreRequest.Nmi)
                cores[target].LatchNmi();
            else if (result.Core is CoreRequest.Init or CoreRequest.StartUp or CoreRequest.Smi)
                throw new NotSupportedException($"CPU {target} gets {result.Core}, for which the recorded guest has no code");
            accepted += result.IsAccepted && result.Core != CoreRequest.ExtInt ? 1 : 0;
        }

        return route.NoneMatched ? -1 : accepted;
    }

    private void Drive(RecordedOp line, bool high)
    {
        if (line.Target != LineTarget.Pic)
            Service(Chip.SetLine(line.Pin, high).Service);
        if (line.Target != LineTarget.IoApic)
            pic.SetLine(line.Pin, high, preset.Pic);
    }

    private void WriteIoApic(uint offset, uint value)
    {
        IoApicWrite write = Chip.WriteWindow(offset, value);
        Service(write.Service);
        if (write.EoiVector >= 0)
            EndInterrupt((byte)write.EoiVector);
    }

    private void Service(IoApicPinRange range)
    {
        for (int pin = range.First; pin < range.End; pin++)
        {
            if (Chip.TryDispatch(pin, out ApicMessage message))
                Chip.Dispatched(pin, Deliver(message, MessageSource.Device));
        }
    }

    // A level line that is still high is sent again at once (KVM ioapic.c:kvm_ioapic_update_eoi_one).
    private void EndInterrupt(byte vector)
    {
        if (!IsHandled(vector))
            return;
        for (int pin = Chip.NextEoiPin(vector, 0); pin >= 0; pin = Chip.NextEoiPin(vector, pin + 1))
        {
            if (Chip.ClearRemoteIrr(pin, vector) && Chip.LineStillAsserted(pin))
                Service(Chip.ServiceFor(pin));
        }
    }

    // KVM hands an EOI to the I/O APIC only if a level entry, or that of the RTC, has the vector (ioapic.c:kvm_ioapic_scan_entry). Then it
    // tells edge entries with that vector as well. Loading a local APIC, as the recorder does at each delivery, has every CPU look anew.
    private bool IsHandled(byte vector)
    {
        for (int pin = 0; pin < Chip.PinCount; pin++)
        {
            RedirectionEntry entry = Chip[pin].Entry;
            if (entry.Vector == vector && (entry.IsLevel || pin == IoApic.RtcPin))
                return true;
        }

        return false;
    }

    // KVM has no LINT1 input: its user spaces do with LVT1 what the wire would (KVM_NMI).
    private void PulseLint1()
    {
        for (int cpu = 0; cpu < apics.Length; cpu++)
        {
            if (apics[cpu].SetLint(LvtEntry.Lint1, true).Core == CoreRequest.Nmi)
                cores[cpu].LatchNmi();
            apics[cpu].SetLint(LvtEntry.Lint1, false);
        }
    }
}
