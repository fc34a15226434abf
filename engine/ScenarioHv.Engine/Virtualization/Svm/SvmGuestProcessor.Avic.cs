using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Engine.Virtualization.Svm;

/// <summary>
/// AVIC (APM2 15.29): the guest's local APIC page is the backing page, from which the processor delivers by itself. The backing page is
/// the vCPU's local APIC; its PPR follows TPR and ISR there.
/// </summary>
internal sealed partial class SvmGuestProcessor
{
    /// <inheritdoc/>
    public override bool HasVirtualInterruptDelivery(Machine machine, int vcpu) =>
        Board.HasHypervisor && machine.Ref(Board.Vmcb01, vcpu).AvicEnable != 0;

    /// <inheritdoc/>
    public override void SetVirtualInterruptDelivery(Machine machine, int vcpu, bool active) =>
        machine.Ref(Board.Vmcb01, vcpu).AvicEnable = active ? (byte)1 : (byte)0;

    /// <inheritdoc/>
    public override void SetRunning(Machine machine, int vcpu, bool running)
    {
        if (Board.Avic.Count > 0)
        {
            machine.Ref(Board.Avic, vcpu).IsRunning = running ? (byte)1 : (byte)0;
        }
    }

    /// <inheritdoc/>
    public override void RingDoorbell(Machine machine, int vcpu)
    {
        ref var avic = ref machine.Ref(Board.Avic, vcpu);
        avic.DoorbellAt = Instant.Min(avic.DoorbellAt, new Instant(machine.Now) + StepContext.Current.Cost(TimingCost.HostIpi));
        Pull(machine, vcpu, avic.DoorbellAt);
    }

    /// <inheritdoc/>
    protected override Instant NextInterruption(Machine machine, int vcpu)
    {
        var next = base.NextInterruption(machine, vcpu);
        return HasVirtualInterruptDelivery(machine, vcpu) ? Instant.Min(next, machine.Ref(Board.Avic, vcpu).DoorbellAt) : next;
    }

    /// <inheritdoc/>
    protected override GuestExit VirtualizedApicWrite(StepContext context, int vcpu, int offset, uint value)
    {
        var machine = context.Machine;
        if (!IsOnAvic(machine, vcpu))
        {
            // Without AVIC the only store that does not exit is MOV to CR8 without its intercept: it is V_TPR's.
            Loaded(machine, vcpu).VTpr = (byte)(value >> 4);
            return default;
        }

        ref var apic = ref machine.Ref(Board.Apics, vcpu);
        switch (offset)
        {
            case LocalApicRegister.Eoi when apic.Isr.Highest is var vector && vector >= 0 && apic.Tmr.Contains(vector):
                // Trap-like, but nothing has ended yet: the exit is for software to do it (avic.c:avic_unaccel_trap_write).
                return UnacceleratedWrite(offset, value) with { Info2 = (ulong)vector };
            case LocalApicRegister.Eoi:
                apic.Eoi();
                EvaluateAvic(machine, vcpu);
                return default;
            case LocalApicRegister.Tpr or LocalApicRegister.IcrHigh:
                apic.Write(offset, value, new Instant(machine.Now), Board.ApicClock);
                EvaluateAvic(machine, vcpu);
                return default;
            case LocalApicRegister.IcrLow:
                return SendIpi(context, vcpu, value);
            default:
                return UnacceleratedWrite(offset, value);
        }
    }

    private static GuestExit UnacceleratedWrite(int offset, uint value) => new(
        ExitCause.AvicUnacceleratedAccess,
        (1UL << 63) | (ulong)SvmExitCode.AvicUnacceleratedAccess,
        0,
        Avic.AccessInfo1(offset, isWrite: true),
        0,
        value);

    /// <summary>Why an access exits before it is executed; the stores that trap are executed first.</summary>
    private static ExitCause AvicExit(in Operation operation)
    {
        var offset = (int)(operation.Code & 0xfff);
        var faults = operation.Kind switch
        {
            OperationKind.MmioRead => Avic.ReadFaults(offset),
            OperationKind.MmioWrite => Avic.WriteFaults(offset),
            _ => false,
        };
        return faults ? ExitCause.AvicUnacceleratedAccess : ExitCause.None;
    }

    /// <summary>
    /// A store to ICR low: each target's vIRR first, then a doorbell to those that run. The backing page's TMR does not change.
    /// </summary>
    private GuestExit SendIpi(StepContext context, int vcpu, uint value)
    {
        var machine = context.Machine;
        ref var sender = ref machine.Ref(Board.Apics, vcpu);
        var vector = (byte)value;
        if (!Avic.Sends(value))
        {
            return IncompleteIpi(sender, value, AvicIpiFailure.InvalidInterruptType, 0);
        }

        if (vector < 16)
        {
            return IncompleteIpi(sender, value, AvicIpiFailure.InvalidVector, 0);
        }

        var ipi = sender.Write(LocalApicRegister.IcrLow, value, new Instant(machine.Now), Board.ApicClock).Ipi;
        var (sleeping, found) = (-1, false);
        for (var target = 0; target < Board.Config.Vcpus; target++)
        {
            if (!machine.Ref(Board.Apics, target).IsAddressedBy(ipi, target == vcpu))
            {
                continue;
            }

            found = true;
            machine.Ref(Board.Apics, target).Irr.Set(vector);
            context.EmitOf(target, TraceEventKind.AvicRequest, vector);
            SafetyChecks.Accepted(context, target, vector);
            if (target == vcpu)
            {
                EvaluateAvic(machine, vcpu);
            }
            else if (machine.Ref(Board.Avic, target).IsRunning != 0)
            {
                RingDoorbell(machine, target);
            }
            else if (sleeping < 0)
            {
                sleeping = target;
            }
        }

        return sleeping >= 0 ? IncompleteIpi(sender, value, AvicIpiFailure.TargetNotRunning, sleeping)
            : !found && ipi.Shorthand == IpiShorthand.None ? IncompleteIpi(sender, value, AvicIpiFailure.InvalidTarget, 0)
            : default;
    }

    private static GuestExit IncompleteIpi(in LocalApic sender, uint icrLow, AvicIpiFailure cause, int index) => new(
        ExitCause.AvicIncompleteIpi,
        (1UL << 63) | (ulong)SvmExitCode.AvicIncompleteIpi,
        0,
        Avic.IpiInfo1(sender.IcrHigh, icrLow),
        0,
        icrLow,
        Avic.IpiInfo2(cause, (uint)index));

    private void ResetAvic(Machine machine, int vcpu)
    {
        if (Board.Avic.Count > 0)
        {
            machine.Ref(Board.Avic, vcpu) = new AvicVcpu { DoorbellAt = Instant.Never, Valid = 1 };
            SetVirtualInterruptDelivery(machine, vcpu, active: true);
        }
    }

    /// <summary>The processor reads vIRR. A doorbell that arrived before has no more to say.</summary>
    private void EvaluateAvic(Machine machine, int vcpu)
    {
        if (!IsOnAvic(machine, vcpu))
        {
            return;
        }

        ref var avic = ref machine.Ref(Board.Avic, vcpu);
        avic.Seen = (byte)Math.Max(0, machine.Ref(Board.Apics, vcpu).Irr.Highest);
        avic.DoorbellAt = avic.DoorbellAt.Cycle <= machine.Now ? Instant.Never : avic.DoorbellAt;
    }

    /// <summary>A doorbell that has arrived makes the processor look; what it saw is deliverable if its class is above PPR's.</summary>
    private bool RecognizesAvic(Machine machine, int vcpu)
    {
        if (!IsOnAvic(machine, vcpu))
        {
            return false;
        }

        if (machine.Ref(Board.Avic, vcpu).DoorbellAt.Cycle <= machine.Now)
        {
            EvaluateAvic(machine, vcpu);
        }

        return machine.Ref(Board.Avic, vcpu).Seen >> 4 > machine.Ref(Board.Apics, vcpu).Ppr >> 4;
    }

    private void DeliverAvic(StepContext context, int vcpu)
    {
        var machine = context.Machine;
        var vector = machine.Ref(Board.Avic, vcpu).Seen;
        machine.Ref(Board.Apics, vcpu).Dispense(vector);
        SafetyChecks.CommittedByProcessor(context, vcpu, vector);
        EvaluateAvic(machine, vcpu);
        WakeFromHlt(context, vcpu);
        if (Board.Hypervisor.DeliveryFaults(machine, vcpu))
        {
            CutShort(context, vcpu, EventInjection.Make(SvmEventType.Intr, vector));
            return;
        }

        EnterHandler(context, vcpu, vector, nmi: false);
        machine.Ref(Board.Vcpus, vcpu).ReadyAt = After(context, TimingCost.IdtDelivery);
    }

    /// <summary>True while the level that runs is one that AVIC serves; a nested guest never is.</summary>
    private bool IsOnAvic(Machine machine, int vcpu) =>
        machine.Ref(Board.Vcpus, vcpu).Level == 1 && HasVirtualInterruptDelivery(machine, vcpu);
}
