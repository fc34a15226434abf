using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Traces.Explanations;
using ScenarioHv.Traces.Names;
using static System.FormattableString;

namespace ScenarioHv.Traces;

/// <summary>
/// One English sentence per event: what happened, which register moved, by which rule. It says what the event and the given context
/// say and nothing more. Sources: SDM3 in the editions up to 2022, APM2, and functions of KVM.
/// </summary>
public static class TraceExplainer
{
    /// <summary>The sentence, without a full stop.</summary>
    /// <exception cref="ArgumentException">The event has no kind.</exception>
    public static string Explain(in TraceEvent traceEvent, in ExplanationContext context = default) => traceEvent.Kind switch
    {
        TraceEventKind.KvmEntry => Entry("L0", traceEvent, context),
        TraceEventKind.KvmExit => Exit("L0", traceEvent, context),
        TraceEventKind.KvmNestedVmexit => NestedVmexit(traceEvent),
        TraceEventKind.KvmNestedVmexitInject => NestedVmexitInject(traceEvent),
        TraceEventKind.KvmSetIrq => SetIrq(traceEvent),
        TraceEventKind.KvmMsiSetIrq => MsiSetIrq(traceEvent),
        TraceEventKind.KvmIoapicSetIrq => IoapicSetIrq(traceEvent),
        TraceEventKind.KvmIoapicDelayedEoiInj => DelayedEoi(traceEvent),
        TraceEventKind.KvmApicAcceptIrq => AcceptIrq(traceEvent),
        TraceEventKind.KvmApicvAcceptIrq => PostedIrq(traceEvent),
        TraceEventKind.KvmApicIpi => Ipi(traceEvent),
        TraceEventKind.KvmEoi => Eoi(traceEvent),
        TraceEventKind.KvmInjVirq => InjVirq(traceEvent),
        TraceEventKind.KvmAckIrq => AckIrq(traceEvent),
        TraceEventKind.KvmUserspaceExit => UserspaceExit(traceEvent),
        TraceEventKind.KvmPio => Pio(traceEvent),
        TraceEventKind.KvmMmio => Mmio(traceEvent),
        TraceEventKind.KvmApic => ApicRegister(traceEvent),
        TraceEventKind.KvmMsr => Msr(traceEvent),
        TraceEventKind.KernelMessage => Message(traceEvent),
        TraceEventKind.KvmApicvInhibitChanged => AvicExplanations.Inhibit(traceEvent),
        TraceEventKind.KvmAvicIncompleteIpi => AvicExplanations.IncompleteIpi(traceEvent),
        TraceEventKind.KvmAvicUnacceleratedAccess => AvicExplanations.UnacceleratedAccess(traceEvent),
        TraceEventKind.KvmAvicDoorbell => AvicExplanations.Doorbell(traceEvent),
        TraceEventKind.KvmPicSetIrq => HypervExplanations.PicSetIrq(traceEvent),
        TraceEventKind.KvmHvSynicSetIrq => HypervExplanations.SetIrq(traceEvent),
        TraceEventKind.KvmHvSynicSetMsr => HypervExplanations.SetMsr(traceEvent),
        TraceEventKind.KvmHvSynicSendEoi => HypervExplanations.SendEoi(traceEvent),
        TraceEventKind.KvmPvEoi => HypervExplanations.PvEoi(traceEvent),
        TraceEventKind.Ktr => KtrExplanations.Of(traceEvent),
        _ => Laboratory(traceEvent, context),
    };

    private static string Laboratory(in TraceEvent e, in ExplanationContext context) => e.Kind switch
    {
        TraceEventKind.LineChanged => Invariant(
            $"The interrupt line of {context.NamesOrNone.Device(e.A)}, GSI {e.C}, goes {(e.B != 0 ? "high" : "low")}"),
        TraceEventKind.DeviceFired => $"A message leaves {context.NamesOrNone.Device(e.A)} (SDM3 10.11)",
        TraceEventKind.GuestReported => Invariant($"L{e.B} on vCPU {e.Vcpu} reports {context.NamesOrNone.Report(e.A)}"),
        TraceEventKind.GuestInterrupt => Invariant(
            $"L{e.B} on vCPU {e.Vcpu} starts its handler of vector {(byte)e.A}, called through the IDT (SDM3 6.12.1)"),
        TraceEventKind.PolicyDecided => $"The policy {context.NamesOrNone.PolicyPoint(e.A)} decides: {PolicyDecisionText.Of(e)}",
        TraceEventKind.PointReached => $"The hypervisor's code reaches {context.NamesOrNone.Label(e.A)}",
        TraceEventKind.VmEntry => Entry("The hypervisor", e, context),
        TraceEventKind.VmExit => Exit("The hypervisor", e, context),
        TraceEventKind.AvicRequest => Invariant(
            $"The sender's processor sets IRR[{(byte)e.A}] in the backing page of vCPU {e.Vcpu}, without an exit (APM2 15.29)"),
        _ => throw new ArgumentException($"An event of kind {e.Kind} has no explanation.", nameof(e)),
    };

    private static string Message(in TraceEvent e) => (KernelMessage)e.A switch
    {
        KernelMessage.BreakingOutOfNmiBlocked => Invariant(
            $"vCPU {e.B} has run for more than 1 s since its NMI without being open for interrupts, and another NMI waits: KVM takes the ")
            + "handler to be over (KVM vmx.c:vmx_handle_exit)",
        _ => throw new ArgumentException($"The kernel's message {e.A} has no explanation.", nameof(e)),
    };

    private static string Entry(string host, in TraceEvent e, in ExplanationContext context)
    {
        var sentence = Invariant($"{host} lets {context.Guest} run on vCPU {e.Vcpu} from rip 0x{e.A:x}");
        if (EventInformation.IsValid(e.B))
            sentence += $"; the entry delivers {EventInformation.Text(e.B)} first (SDM3 26.6, APM2 15.20)";
        if (e.D != 0)
            sentence += "; an immediate exit is requested, so that no instruction is to run (KVM x86.c:vcpu_enter_guest)";
        return sentence;
    }

    private static string Exit(string host, in TraceEvent e, in ExplanationContext context)
    {
        var svm = ExitFields.IsSvm(e);
        var sentence = $"{host} regains control: " + (svm ? SvmExitExplanations.Cause(e, context) : VmxExitExplanations.Cause(e, context));
        if (svm && EventInformation.IsValid(ExitFields.IntrInfo(e)))
            sentence += $"; it interrupted the delivery of {EventInformation.Text(ExitFields.IntrInfo(e))} (APM2 15.7.2)";
        if (!svm && EventInformation.IsValid(e.D))
            sentence += $"; it interrupted the delivery of {EventInformation.Text(e.D)} (SDM3 27.2.4)";
        return sentence;
    }

    private static string NestedVmexit(in TraceEvent e)
    {
        var (reason, vendor) = ExitFields.IsSvm(e)
            ? (SvmExitCodes.KernelText(ExitFields.Reason(e)), "svm")
            : (VmxExitReasons.KernelText(ExitFields.Reason(e)), "vmx");
        return $"The exit was L2's, {reason}: KVM decides whether L0 or L1 handles it (KVM {vendor}/nested.c)";
    }

    private static string NestedVmexitInject(in TraceEvent e)
    {
        if (ExitFields.IsSvm(e))
            return $"L1 gets the #VMEXIT {SvmExitCodes.KernelText(ExitFields.Reason(e))} from L0 (KVM svm/nested.c:nested_svm_vmexit)";

        var information = ExitFields.IntrInfo(e);
        var exit = $"L1 gets the VM exit {VmxExitReasons.KernelText(ExitFields.Reason(e))} from L0";
        if (ExitFields.Reason(e) != 1)
            return $"{exit} (KVM vmx/nested.c:nested_vmx_vmexit)";
        return EventInformation.IsValid(information)
            ? Invariant($"{exit} with vector {EventInformation.Vector(information)} acknowledged: it moves from IRR to ISR (SDM3 27.2.2)")
            : $"{exit} without acknowledgement: the vector stays in IRR (SDM3 27.2.2)";
    }

    private static string SetIrq(in TraceEvent e) =>
        Invariant($"GSI {e.A} is driven {(e.B != 0 ? "high" : "low")} by source {e.C} (KVM irqchip.c:kvm_set_irq)");

    private static string MsiSetIrq(in TraceEvent e)
    {
        var destinationMode = (e.D & (ulong)ApicMessageFlags.Logical) != 0 ? "logical" : "physical";
        var trigger = (e.D & (ulong)ApicMessageFlags.Level) != 0 ? "level" : "edge";
        return Invariant(
            $"A message asks for {Request(e.C, (byte)e.B)}, {trigger} triggered, at {destinationMode} destination 0x{e.A:x} (SDM3 10.11)");
    }

    private static string IoapicSetIrq(in TraceEvent e)
    {
        const ulong level = 1 << 15;
        const ulong remoteIrr = 1 << 14;
        const ulong masked = 1 << 16;
        var outcome = e.B switch
        {
            var rte when (rte & masked) != 0 => "the entry is masked, nothing is sent",
            var rte when (rte & level) != 0 && (rte & remoteIrr) != 0 => "remote IRR is 1, it waits for the EOI",
            _ when e.C != 0 => "it is coalesced with one that was still pending",
            _ => Invariant($"the entry sends {Request(e.B >> 8 & 7, (byte)e.B)}"),
        };
        return Invariant($"Pin {e.A} of the I/O APIC is set: {outcome} (KVM ioapic.c:ioapic_set_irq)");
    }

    private static string DelayedEoi(in TraceEvent e) => Invariant(
        $"Vector {(byte)e.A} was EOIed 10000 times with its line high: the next one waits 10 ms (KVM ioapic.c:kvm_ioapic_update_eoi)");

    private static string AcceptIrq(in TraceEvent e)
    {
        var vector = (byte)e.B;
        if (e.C > (ulong)DeliveryMode.LowestPriority)
            return Invariant($"Local APIC {e.A} is sent {Request(e.C, vector)}: it goes to the core, not through IRR (SDM3 10.8.1)");
        var tmr = (e.D & (ulong)ApicMessageFlags.Level) != 0 ? "set: level" : "cleared: edge";
        return Invariant(
            $"Local APIC {e.A} is sent vector {vector}: if it is enabled, IRR[{vector}] is set and TMR[{vector}] {tmr} (SDM3 10.8.4)");
    }

    private static string PostedIrq(in TraceEvent e) => Invariant(
        $"Vector {(byte)e.B} is left to the hardware of vCPU {e.A}, in PIR with VMX, in IRR with SVM (KVM vmx.c, svm.c:deliver_interrupt)");

    private static string Ipi(in TraceEvent e)
    {
        var target = KvmNames.Shorthand(e.A >> 18) switch
        {
            "dst" => Invariant($"destination 0x{e.B:x}"),
            "self" => "itself",
            "all" => "all",
            _ => "all but itself",
        };
        return Invariant($"vCPU {e.Vcpu} writes ICR: {Request(e.A >> 8 & 7, (byte)e.A)} goes to {target} (SDM3 10.6.1)");
    }

    private static string Eoi(in TraceEvent e) => unchecked((int)e.B) < 0
        ? Invariant($"Local APIC {e.A} gets an EOI with nothing in service: ISR stays empty (SDM3 10.8.5)")
        : Invariant($"Local APIC {e.A} gets the EOI of vector {(int)e.B}: ISR[{(int)e.B}] is clear now (SDM3 10.8.5)");

    private static string InjVirq(in TraceEvent e)
    {
        var what = e.C != 0 ? "INT" : "Vector";
        var again = e.B != 0 ? " again, since its delivery was interrupted" : "";
        return Invariant($"{what} {(byte)e.A} is put into the VM-entry fields{again}: the next entry delivers it (SDM3 26.6, APM2 15.20)");
    }

    private static string AckIrq(in TraceEvent e) =>
        Invariant($"Pin {e.B} of {KvmNames.Irqchip(e.A)} is acknowledged: its notifiers run (KVM eventfd.c:kvm_notify_acked_irq)");

    private static string UserspaceExit(in TraceEvent e)
    {
        const int eintr = -4;
        return unchecked((int)e.B) switch
        {
            eintr => "KVM_RUN returns EINTR: a signal is pending (KVM api.rst 5)",
            < 0 => Invariant($"KVM_RUN returns error {-unchecked((int)e.B)} (KVM api.rst 4.10)"),
            _ when e.A == 26 => "KVM_RUN returns KVM_EXIT_IOAPIC_EOI: the userspace I/O APIC has to process the EOI (KVM api.rst 5)",
            _ => $"KVM_RUN returns {KvmNames.UserspaceReason((uint)e.A)} to userspace (KVM api.rst 5)",
        };
    }

    private static string Pio(in TraceEvent e) =>
        Invariant($"L0 emulates {(e.A != 0 ? "OUT" : "IN")} of {e.C} at port 0x{e.B:x} (KVM x86.c:emulator_pio_in_out)");

    private static string Mmio(in TraceEvent e)
    {
        var outcome = e.A == 0 ? "the value has to come from userspace" : Invariant($"value 0x{e.D:x}");
        var access = e.A == 2 ? "write" : "read";
        return Invariant($"L0 emulates a {access} of {e.B} at guest-physical 0x{e.C:x}: {outcome} (KVM x86.c:emulator_read_write)");
    }

    private static string ApicRegister(in TraceEvent e)
    {
        var register = KvmNames.ApicRegister((uint)e.B);
        return e.A != 0
            ? Invariant($"{register} of vCPU {e.Vcpu} is written with 0x{e.C:x} (KVM lapic.c:kvm_lapic_reg_write)")
            : Invariant($"{register} of vCPU {e.Vcpu} is read as 0x{e.C:x} (KVM lapic.c:kvm_lapic_reg_read)");
    }

    private static string Msr(in TraceEvent e)
    {
        var access = e.A != 0 ? Invariant($"WRMSR 0x{e.B:x} = 0x{e.C:x}") : Invariant($"RDMSR 0x{e.B:x}");
        if (e.D != 0)
            return $"L0 answers {access} with #GP (KVM x86.c)";
        return e.A != 0 ? $"L0 emulates {access} (KVM x86.c)" : Invariant($"L0 emulates {access}: 0x{e.C:x} (KVM x86.c)");
    }

    private static string Request(ulong mode, byte vector) => (DeliveryMode)mode switch
    {
        DeliveryMode.Fixed => Invariant($"vector {vector}"),
        DeliveryMode.LowestPriority => Invariant($"vector {vector} at lowest priority"),
        DeliveryMode.StartUp => Invariant($"a start-up IPI with vector {vector}"),
        _ => KvmNames.DeliveryMode(mode),
    };
}
