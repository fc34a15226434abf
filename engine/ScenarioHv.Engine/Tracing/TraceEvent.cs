using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tracing;

/// <summary>
/// What a <see cref="TraceEvent"/> records. Names starting with Kvm are the kernel's tracepoints; the others are the laboratory's own.
/// </summary>
public enum TraceEventKind : byte
{
    /// <summary>No event.</summary>
    None = 0,

    /// <summary>kvm_entry: A rip, B VM-entry interruption information, C error code, D immediate exit (0 or 1).</summary>
    KvmEntry,

    /// <summary>
    /// kvm_exit: A reason (bit 63 set: SVM exit code), B rip,
    /// C exit qualification (SVM: EXITINFO1), D IDT-vectoring information (SVM: EXITINFO2),
    /// E bits 31:0 VM-exit interruption information (SVM: EXITINTINFO), F bits 31:0 its error code.
    /// E bits 63:32 and F bits 63:32 are the high and the low half of vcpu->requests.
    /// </summary>
    KvmExit,

    /// <summary>kvm_nested_vmexit: as <see cref="KvmExit"/>.</summary>
    KvmNestedVmexit,

    /// <summary>kvm_nested_vmexit_inject: as <see cref="KvmExit"/>, B and the requests unused.</summary>
    KvmNestedVmexitInject,

    /// <summary>kvm_set_irq: A gsi, B level, C source.</summary>
    KvmSetIrq,

    /// <summary>kvm_msi_set_irq: A destination, B vector, C delivery mode, D <see cref="ApicMessageFlags"/>.</summary>
    KvmMsiSetIrq,

    /// <summary>kvm_ioapic_set_irq: A pin, B redirection entry, C coalesced (0 or 1).</summary>
    KvmIoapicSetIrq,

    /// <summary>kvm_ioapic_delayed_eoi_inj: A redirection entry.</summary>
    KvmIoapicDelayedEoiInj,

    /// <summary>
    /// kvm_apic_accept_irq: A APIC ID, B vector, C delivery mode, D <see cref="ApicMessageFlags"/>,
    /// E where the trigger mode came from (0 MSI data or ICR, bit 15; 1 in-kernel I/O APIC, one bit).
    /// </summary>
    KvmApicAcceptIrq,

    /// <summary>kvm_apic_ipi: A ICR low, B destination.</summary>
    KvmApicIpi,

    /// <summary>kvm_eoi: A APIC ID, B vector (-1 as an unsigned 64-bit number if nothing was in service).</summary>
    KvmEoi,

    /// <summary>kvm_inj_virq: A vector, B re-injected (0 or 1), C software interrupt (0 or 1).</summary>
    KvmInjVirq,

    /// <summary>kvm_ack_irq: A irqchip (0 PIC master, 1 PIC slave, 2 IOAPIC), B pin.</summary>
    KvmAckIrq,

    /// <summary>kvm_userspace_exit: A reason number, B negative errno as an unsigned 64-bit number, 0 if none.</summary>
    KvmUserspaceExit,

    /// <summary>kvm_pio: A write (0 or 1), B port, C size in bytes, D value, E further repetitions (0 except for string I/O).</summary>
    KvmPio,

    /// <summary>kvm_mmio: A kind (0 unsatisfied-read, 1 read, 2 write), B length, C guest physical address, D value.</summary>
    KvmMmio,

    /// <summary>kvm_apic: A write (0 or 1), B register offset, C value.</summary>
    KvmApic,

    /// <summary>kvm_msr: A write (0 or 1), B index, C value, D #GP (0 or 1).</summary>
    KvmMsr,

    /// <summary>A device's interrupt line changed: A device index, B level, C GSI.</summary>
    LineChanged,

    /// <summary>A device sent a message: A device index.</summary>
    DeviceFired,

    /// <summary>A guest reported: A report index, B level (1 or 2).</summary>
    GuestReported,

    /// <summary>A guest's interrupt handler starts: A vector, B level.</summary>
    GuestInterrupt,

    /// <summary>A policy decided: A policy point, B value (its meaning is the policy's).</summary>
    PolicyDecided,

    /// <summary>A named point of a hypervisor's code was reached: A label.</summary>
    PointReached,

    /// <summary>VM entry of the bare-metal processor: A rip, B VM-entry interruption information.</summary>
    VmEntry,

    /// <summary>VM exit of the bare-metal processor: as <see cref="KvmExit"/>.</summary>
    VmExit,

    /// <summary>
    /// kvm_apicv_inhibit_changed, before 5.18 kvm_apicv_update_request: A the reason, B set (0 or 1), C the reasons afterwards, both as
    /// <see cref="Hypervisors.Kvm.ApicvInhibits"/>.
    /// </summary>
    KvmApicvInhibitChanged,

    /// <summary>kvm_avic_incomplete_ipi: A ICR 63:0, B cause, C index.</summary>
    KvmAvicIncompleteIpi,

    /// <summary>kvm_avic_unaccelerated_access: A register offset, B trap (0 or 1: fault), C write (0 or 1), D vector.</summary>
    KvmAvicUnacceleratedAccess,

    /// <summary>kvm_avic_doorbell: A vCPU, B APIC ID of the host's processor, which is numbered as the vCPU here.</summary>
    KvmAvicDoorbell,

    /// <summary>AVIC has set a vector in the vIRR of another vCPU, or of the sender, without an exit: A vector.</summary>
    AvicRequest,

    /// <summary>A line of bhyve's trace in FreeBSD's kernel: A <see cref="KtrMessage"/>, B to E its arguments.</summary>
    Ktr,

    /// <summary>
    /// A line of the kernel's log, which ftrace shows as the event console: A which message (KernelMessage), B the vCPU that it names,
    /// C 1 if a kernel of 2.6.29 or before prints it.
    /// </summary>
    KernelMessage,

    /// <summary>kvm_apicv_accept_irq: as <see cref="KvmApicAcceptIrq"/>.</summary>
    KvmApicvAcceptIrq,

    /// <summary>kvm_pic_set_irq: A chip (0 master, 1 slave), B pin, C level (ELCR), D masked, E coalesced (each 0 or 1).</summary>
    KvmPicSetIrq,

    /// <summary>kvm_hv_synic_set_irq: A vCPU, B SINT, C vector, D result.</summary>
    KvmHvSynicSetIrq,

    /// <summary>kvm_hv_synic_set_msr: A vCPU, B MSR, C value, D by the monitor (0 or 1).</summary>
    KvmHvSynicSetMsr,

    /// <summary>kvm_hv_synic_send_eoi: A vCPU, B vector.</summary>
    KvmHvSynicSendEoi,

    /// <summary>kvm_pv_eoi: A APIC ID, B vector.</summary>
    KvmPvEoi,
}

/// <summary>One line of history: plain data, no references, the same bytes on every machine. Text is made of it elsewhere.</summary>
public readonly partial struct TraceEvent
{
    /// <summary>Creates an event; what <paramref name="a"/> to <paramref name="f"/> mean depends on the kind.</summary>
    public TraceEvent(
        long cycle, TraceEventKind kind, byte actor, byte vcpu,
        ulong a = 0, ulong b = 0, ulong c = 0, ulong d = 0, ulong e = 0, ulong f = 0)
    {
        Cycle = cycle;
        Kind = kind;
        Actor = actor;
        Vcpu = vcpu;
        A = a;
        B = b;
        C = c;
        D = d;
        E = e;
        F = f;
    }

    /// <summary>The cycle at which it happened.</summary>
    public long Cycle { get; }

    /// <summary>What happened.</summary>
    public TraceEventKind Kind { get; }

    /// <summary>The actor whose step it was.</summary>
    public byte Actor { get; }

    /// <summary>The vCPU it concerns; 255 if none.</summary>
    public byte Vcpu { get; }

    /// <summary>First value; see <see cref="TraceEventKind"/>.</summary>
    public ulong A { get; }

    /// <summary>Second value.</summary>
    public ulong B { get; }

    /// <summary>Third value.</summary>
    public ulong C { get; }

    /// <summary>Fourth value.</summary>
    public ulong D { get; }

    /// <summary>Fifth value.</summary>
    public ulong E { get; }

    /// <summary>Sixth value.</summary>
    public ulong F { get; }
}

/// <summary>Receives events in the order in which they happen.</summary>
public interface ITraceSink
{
    /// <summary>Takes one event. Must not change the machine.</summary>
    void Emit(in TraceEvent traceEvent);
}
