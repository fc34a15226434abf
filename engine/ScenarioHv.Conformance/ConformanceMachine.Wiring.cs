using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Conformance;

// What leaves one controller and reaches another: messages, lines, EOIs.
public sealed partial class ConformanceMachine
{
    private void Apply(int cpu, in RegisterWriteEffect effect)
    {
        if ((effect.Effects & (LocalApicEffects.SendIpi | LocalApicEffects.SelfIpi)) != 0)
            Deliver(effect.Ipi.Message, new MessageSource(cpu, effect.Ipi.Shorthand));
        if (effect.Has(LocalApicEffects.Eoi) && effect.Eoi.Broadcast && IsHandled(cpu, (byte)effect.Eoi.Vector))
            chips.EndInterrupt((byte)effect.Eoi.Vector);
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
        route = ByMap(route, message, source);
        int accepted = 0;
        foreach (int target in targets.AsSpan(0, route.Count))
        {
            AcceptResult result = apics[target].Accept(route.Message);
            Take(target, result.Core);
            accepted += result.IsAccepted ? 1 : 0;
        }

        return route.NoneMatched ? -1 : accepted;
    }

    private void Take(int cpu, CoreRequest request)
    {
        switch (request)
        {
            case CoreRequest.Nmi:
                cores[cpu].LatchNmi(preset.Platform.NmiLimit());
                break;
            case CoreRequest.Unhalt:
                cores[cpu].IsUnhalted = true;
                break;
            case CoreRequest.ExtInt:
                cores[cpu].IsExtIntRequested = true;
                break;
            case CoreRequest.Init or CoreRequest.StartUp or CoreRequest.Smi:
                throw new NotSupportedException($"CPU {cpu} gets {request}, for which the recorded guest has no code");
        }
    }

    private void Drive(RecordedOp line, bool high)
    {
        chips.SetLine(line.Target, line.Pin, high);
        DriveLint0();
    }

    // INT of the master is LINT0 of every CPU. INTR itself is asked for where it is taken; here the entry's other modes get their edges.
    // KVM and Xen have no such wire: there the 8259 does nothing but ExtINT.
    private void DriveLint0()
    {
        if (preset.LocalApic.LintInputs == LintInputsPolicy.OnlyExtIntAndNmi)
            return;
        bool intr = chips.Intr;
        for (int cpu = 0; cpu < apics.Length; cpu++)
        {
            TakeFromLint(cpu, apics[cpu].SetLint(LvtEntry.Lint0, intr));
        }
    }

    // KVM has no LINT1 input: its user spaces do with LVT1 what the wire would (KVM_NMI).
    private void PulseLint1()
    {
        bool isByHost = preset.LocalApic.LintInputs == LintInputsPolicy.OnlyExtIntAndNmi;
        for (int cpu = 0; cpu < apics.Length; cpu++)
        {
            if (!isByHost || apics[cpu].IsHardwareEnabled)
                TakeFromLint(cpu, apics[cpu].SetLint(LvtEntry.Lint1, true));
            apics[cpu].SetLint(LvtEntry.Lint1, false);
        }
    }

    // An ExtINT entry passes a level on, and remembers nothing.
    private void TakeFromLint(int cpu, AcceptResult result)
    {
        if (result.Core != CoreRequest.ExtInt)
            Take(cpu, result.Core);
    }
}
