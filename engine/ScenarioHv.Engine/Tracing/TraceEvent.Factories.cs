using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tracing;

/// <summary>
/// How events are made: one method per <see cref="TraceEventKind"/>, whose parameters are the fields of the kernel's tracepoint.
/// </summary>
public readonly partial struct TraceEvent
{
    /// <summary>The value of <see cref="Vcpu"/> when no vCPU is concerned.</summary>
    public const byte NoVcpu = 255;

    /// <summary>Set in <see cref="A"/> of an exit event whose reason is an SVM exit code and not a VMX exit reason.</summary>
    public const ulong SvmExit = 1UL << 63;

    /// <summary>The reason of an exit event for an SVM exit code (VMCB 0x070, low 32 bits; APM2 appendix C).</summary>
    public static ulong SvmReason(uint exitCode) => SvmExit | exitCode;

    /// <summary>kvm_entry: the vCPU is about to run guest code at <paramref name="rip"/>.</summary>
    /// <param name="cycle">When.</param>
    /// <param name="actor">Whose step it was.</param>
    /// <param name="vcpu">Which vCPU.</param>
    /// <param name="rip">The guest's RIP.</param>
    /// <param name="intrInfo">VM-entry interruption information (VMCS 0x4016) or the low half of EVENTINJ; 0 if none.</param>
    /// <param name="errorCode">The error code injected with it.</param>
    /// <param name="immediateExit">True if KVM asked to leave again before the first instruction.</param>
    public static TraceEvent KvmEntry(
        long cycle, byte actor, byte vcpu, ulong rip, uint intrInfo = 0, uint errorCode = 0, bool immediateExit = false) =>
        new(cycle, TraceEventKind.KvmEntry, actor, vcpu, rip, intrInfo, errorCode, Bit(immediateExit));

    /// <summary>kvm_exit: the vCPU left the guest.</summary>
    /// <param name="cycle">When.</param>
    /// <param name="actor">Whose step it was.</param>
    /// <param name="vcpu">Which vCPU.</param>
    /// <param name="reason">VMX exit reason with its flags in bits 31:16 (SDM3 24.9.1), or <see cref="SvmReason"/>.</param>
    /// <param name="rip">The guest's RIP.</param>
    /// <param name="info1">Exit qualification, or EXITINFO1.</param>
    /// <param name="info2">IDT-vectoring information, or EXITINFO2.</param>
    /// <param name="intrInfo">VM-exit interruption information, or the low half of EXITINTINFO.</param>
    /// <param name="errorCode">The error code that belongs to it.</param>
    /// <param name="requests">vcpu->requests at the exit, printed by kernels of 2025.</param>
    public static TraceEvent KvmExit(
        long cycle, byte actor, byte vcpu, ulong reason, ulong rip, ulong info1, ulong info2, uint intrInfo, uint errorCode,
        ulong requests = 0) =>
        Exit(TraceEventKind.KvmExit, cycle, actor, vcpu, reason, rip, info1, info2, intrInfo, errorCode, requests);

    /// <summary>kvm_nested_vmexit: the exit that was just traced came from L2. Parameters as for <see cref="KvmExit"/>.</summary>
    public static TraceEvent KvmNestedVmexit(
        long cycle, byte actor, byte vcpu, ulong reason, ulong rip, ulong info1, ulong info2, uint intrInfo, uint errorCode,
        ulong requests = 0) =>
        Exit(TraceEventKind.KvmNestedVmexit, cycle, actor, vcpu, reason, rip, info1, info2, intrInfo, errorCode, requests);

    /// <summary>kvm_nested_vmexit_inject: L0 gives L1 a VM exit. Parameters as for <see cref="KvmExit"/>.</summary>
    public static TraceEvent KvmNestedVmexitInject(
        long cycle, byte actor, byte vcpu, ulong reason, ulong info1, ulong info2, uint intrInfo, uint errorCode) =>
        Exit(TraceEventKind.KvmNestedVmexitInject, cycle, actor, vcpu, reason, 0, info1, info2, intrInfo, errorCode, 0);

    /// <summary>kvm_set_irq: a GSI is driven to <paramref name="level"/> (0 or 1) by an interrupt source.</summary>
    public static TraceEvent KvmSetIrq(long cycle, byte actor, uint gsi, uint level, uint source) =>
        new(cycle, TraceEventKind.KvmSetIrq, actor, NoVcpu, gsi, level, source);

    /// <summary>kvm_msi_set_irq: a message enters KVM as an MSI: from a device, or from a userspace I/O APIC.</summary>
    public static TraceEvent KvmMsiSetIrq(
        long cycle, byte actor, uint destination, byte vector, DeliveryMode mode, ApicMessageFlags flags) =>
        new(cycle, TraceEventKind.KvmMsiSetIrq, actor, NoVcpu, destination, vector, (ulong)mode, (ulong)flags);

    /// <summary>kvm_ioapic_set_irq: a pin of the in-kernel I/O APIC was set; traced after the accept it caused.</summary>
    /// <param name="cycle">When.</param>
    /// <param name="actor">Whose step it was.</param>
    /// <param name="pin">The pin, 0..23.</param>
    /// <param name="redirectionEntry">The 64-bit redirection entry as it was before.</param>
    /// <param name="coalesced">True if the delivery returned 0.</param>
    public static TraceEvent KvmIoapicSetIrq(long cycle, byte actor, byte pin, ulong redirectionEntry, bool coalesced) =>
        new(cycle, TraceEventKind.KvmIoapicSetIrq, actor, NoVcpu, pin, redirectionEntry, Bit(coalesced));

    /// <summary>kvm_ioapic_delayed_eoi_inj: the re-injection of a line still high at EOI is put off.</summary>
    public static TraceEvent KvmIoapicDelayedEoiInj(long cycle, byte actor, ulong redirectionEntry) =>
        new(cycle, TraceEventKind.KvmIoapicDelayedEoiInj, actor, NoVcpu, redirectionEntry);

    /// <summary>kvm_apic_accept_irq: a message reached a local APIC. Traced before the APIC decides whether to drop it.</summary>
    /// <param name="cycle">When.</param>
    /// <param name="actor">Whose step it was.</param>
    /// <param name="vcpu">The vCPU of the local APIC.</param>
    /// <param name="apicId">The number printed as apicid: the kernel stores the vcpu_id.</param>
    /// <param name="vector">The vector.</param>
    /// <param name="mode">The delivery mode.</param>
    /// <param name="flags">The message's flags; only the trigger mode is printed.</param>
    /// <param name="fromIoapic">
    /// True if the in-kernel I/O APIC sent it: its trigger mode is one bit and survives the 8-bit field of old kernels,
    /// that of an MSI or an ICR is bit 15 and does not.
    /// </param>
    public static TraceEvent KvmApicAcceptIrq(
        long cycle, byte actor, byte vcpu, uint apicId, byte vector, DeliveryMode mode, ApicMessageFlags flags, bool fromIoapic = false) =>
        new(cycle, TraceEventKind.KvmApicAcceptIrq, actor, vcpu, apicId, vector, (ulong)mode, (ulong)flags, Bit(fromIoapic));

    /// <summary>kvm_apicv_accept_irq: a vector was posted to a vCPU with APICv. Parameters as for <see cref="KvmApicAcceptIrq"/>.</summary>
    public static TraceEvent KvmApicvAcceptIrq(
        long cycle, byte actor, byte vcpu, uint apicId, byte vector, DeliveryMode mode, ApicMessageFlags flags) =>
        new(cycle, TraceEventKind.KvmApicvAcceptIrq, actor, vcpu, apicId, vector, (ulong)mode, (ulong)flags);

    /// <summary>kvm_apic_ipi: a vCPU sent an interprocessor interrupt.</summary>
    /// <param name="cycle">When.</param>
    /// <param name="actor">Whose step it was.</param>
    /// <param name="vcpu">The sender.</param>
    /// <param name="icrLow">ICR bits 31:0.</param>
    /// <param name="destination">The destination field as written, even if a shorthand overrides it.</param>
    public static TraceEvent KvmApicIpi(long cycle, byte actor, byte vcpu, uint icrLow, uint destination) =>
        new(cycle, TraceEventKind.KvmApicIpi, actor, vcpu, icrLow, destination);

    /// <summary>kvm_eoi: an EOI reached the local APIC; <paramref name="vector"/> is -1 if nothing was in service.</summary>
    public static TraceEvent KvmEoi(long cycle, byte actor, byte vcpu, uint apicId, int vector) =>
        new(cycle, TraceEventKind.KvmEoi, actor, vcpu, apicId, unchecked((ulong)(long)vector));

    /// <summary>kvm_inj_virq: an interrupt was put into the VM-entry fields.</summary>
    public static TraceEvent KvmInjVirq(long cycle, byte actor, byte vcpu, byte vector, bool reinjected = false, bool soft = false) =>
        new(cycle, TraceEventKind.KvmInjVirq, actor, vcpu, vector, Bit(reinjected), Bit(soft));

    /// <summary>kvm_ack_irq: the acknowledgement of a pin; <paramref name="irqchip"/> is 0 PIC master, 1 PIC slave, 2 IOAPIC.</summary>
    public static TraceEvent KvmAckIrq(long cycle, byte actor, byte irqchip, byte pin) =>
        new(cycle, TraceEventKind.KvmAckIrq, actor, NoVcpu, irqchip, pin);

    /// <summary>kvm_userspace_exit: the KVM_RUN ioctl returns.</summary>
    /// <param name="cycle">When.</param>
    /// <param name="actor">Whose step it was.</param>
    /// <param name="vcpu">Which vCPU.</param>
    /// <param name="reason">The KVM_EXIT number in the shared page.</param>
    /// <param name="errno">0, or the negative error the ioctl returns (-4 is EINTR).</param>
    public static TraceEvent KvmUserspaceExit(long cycle, byte actor, byte vcpu, uint reason, int errno = 0) =>
        new(cycle, TraceEventKind.KvmUserspaceExit, actor, vcpu, reason, unchecked((ulong)(long)errno));

    /// <summary>kvm_pio: port I/O; <paramref name="size"/> is 1, 2 or 4 bytes, <paramref name="count"/> 1 or more.</summary>
    public static TraceEvent KvmPio(long cycle, byte actor, byte vcpu, bool write, ushort port, byte size, uint value, uint count = 1) =>
        new(cycle, TraceEventKind.KvmPio, actor, vcpu, Bit(write), port, size, value, count - 1);

    /// <summary>kvm_mmio: <paramref name="access"/> is 0 unsatisfied-read, 1 read, 2 write.</summary>
    public static TraceEvent KvmMmio(long cycle, byte actor, byte vcpu, byte access, byte length, ulong gpa, ulong value) =>
        new(cycle, TraceEventKind.KvmMmio, actor, vcpu, access, length, gpa, value);

    /// <summary>kvm_apic: a register of the local APIC was read or written; <paramref name="offset"/> is its xAPIC offset.</summary>
    public static TraceEvent KvmApic(long cycle, byte actor, byte vcpu, bool write, uint offset, ulong value) =>
        new(cycle, TraceEventKind.KvmApic, actor, vcpu, Bit(write), offset, value);

    /// <summary>kvm_msr: RDMSR or WRMSR was emulated; <paramref name="fault"/> if it ended in #GP.</summary>
    public static TraceEvent KvmMsr(long cycle, byte actor, byte vcpu, bool write, uint index, ulong value, bool fault = false) =>
        new(cycle, TraceEventKind.KvmMsr, actor, vcpu, Bit(write), index, value, Bit(fault));

    /// <summary>A device drove its interrupt line to <paramref name="level"/> (0 or 1).</summary>
    public static TraceEvent LineChanged(long cycle, byte actor, byte device, byte level, uint gsi) =>
        new(cycle, TraceEventKind.LineChanged, actor, NoVcpu, device, level, gsi);

    /// <summary>A device sent a message.</summary>
    public static TraceEvent DeviceFired(long cycle, byte actor, byte device) =>
        new(cycle, TraceEventKind.DeviceFired, actor, NoVcpu, device);

    /// <summary>A guest reported; <paramref name="level"/> is 1 for L1, 2 for L2.</summary>
    public static TraceEvent GuestReported(long cycle, byte actor, byte vcpu, ushort report, byte level) =>
        new(cycle, TraceEventKind.GuestReported, actor, vcpu, report, level);

    /// <summary>A guest's interrupt handler starts; <paramref name="level"/> is 1 for L1, 2 for L2.</summary>
    public static TraceEvent GuestInterrupt(long cycle, byte actor, byte vcpu, byte vector, byte level) =>
        new(cycle, TraceEventKind.GuestInterrupt, actor, vcpu, vector, level);

    /// <summary>A policy decided; what <paramref name="value"/> means is the policy's.</summary>
    public static TraceEvent PolicyDecided(long cycle, byte actor, byte vcpu, ushort point, ulong value) =>
        new(cycle, TraceEventKind.PolicyDecided, actor, vcpu, point, value);

    /// <summary>A named point of a hypervisor's code was reached.</summary>
    public static TraceEvent PointReached(long cycle, byte actor, byte vcpu, ushort label) =>
        new(cycle, TraceEventKind.PointReached, actor, vcpu, label);

    /// <summary>VM entry of the bare-metal processor.</summary>
    public static TraceEvent VmEntry(long cycle, byte actor, byte vcpu, ulong rip, uint intrInfo = 0) =>
        new(cycle, TraceEventKind.VmEntry, actor, vcpu, rip, intrInfo);

    /// <summary>VM exit of the bare-metal processor. Parameters as for <see cref="KvmExit"/>.</summary>
    public static TraceEvent VmExit(
        long cycle, byte actor, byte vcpu, ulong reason, ulong rip, ulong info1, ulong info2, uint intrInfo, uint errorCode) =>
        Exit(TraceEventKind.VmExit, cycle, actor, vcpu, reason, rip, info1, info2, intrInfo, errorCode, 0);

    /// <summary>A kernel prints a line to its log.</summary>
    public static TraceEvent KernelMessage(long cycle, byte actor, byte vcpu, byte message, bool early = false) =>
        new(cycle, TraceEventKind.KernelMessage, actor, vcpu, message, vcpu, Bit(early));

    /// <summary>kvm_apicv_inhibit_changed: a reason against APICv came or went.</summary>
    /// <param name="cycle">When.</param>
    /// <param name="actor">Whose step it was.</param>
    /// <param name="reason">The one reason.</param>
    /// <param name="set">True if it came.</param>
    /// <param name="inhibits">Every reason that is then in force.</param>
    public static TraceEvent KvmApicvInhibitChanged(long cycle, byte actor, ApicvInhibits reason, bool set, ApicvInhibits inhibits) =>
        new(cycle, TraceEventKind.KvmApicvInhibitChanged, actor, NoVcpu, (ulong)reason, Bit(set), (ulong)inhibits);

    /// <summary>kvm_avic_incomplete_ipi: AVIC could not complete an IPI; cause and index are those of EXITINFO2.</summary>
    public static TraceEvent KvmAvicIncompleteIpi(long cycle, byte actor, byte vcpu, ulong icr, uint cause, uint index) =>
        new(cycle, TraceEventKind.KvmAvicIncompleteIpi, actor, vcpu, icr, cause, index);

    /// <summary>kvm_avic_unaccelerated_access: <paramref name="vector"/> is that of an EOI, else 0.</summary>
    public static TraceEvent KvmAvicUnacceleratedAccess(
        long cycle, byte actor, byte vcpu, uint offset, bool trap, bool write, byte vector) =>
        new(cycle, TraceEventKind.KvmAvicUnacceleratedAccess, actor, vcpu, offset, Bit(trap), Bit(write), vector);

    /// <summary>kvm_avic_doorbell: the doorbell of the processor that runs a vCPU was rung.</summary>
    public static TraceEvent KvmAvicDoorbell(long cycle, byte actor, uint target, uint apicId) =>
        new(cycle, TraceEventKind.KvmAvicDoorbell, actor, NoVcpu, target, apicId);

    /// <summary>kvm_pic_set_irq: a line of the 8259A pair was driven.</summary>
    public static TraceEvent KvmPicSetIrq(long cycle, byte actor, byte chip, byte pin, bool level, bool masked, bool coalesced) =>
        new(cycle, TraceEventKind.KvmPicSetIrq, actor, NoVcpu, chip, pin, Bit(level), Bit(masked), Bit(coalesced));

    /// <summary>kvm_hv_synic_set_irq: a source of a SynIC was raised.</summary>
    public static TraceEvent KvmHvSynicSetIrq(long cycle, byte actor, byte vcpu, byte sint, byte vector, int result) =>
        new(cycle, TraceEventKind.KvmHvSynicSetIrq, actor, NoVcpu, vcpu, sint, vector, unchecked((ulong)(long)result));

    /// <summary>kvm_hv_synic_set_msr: an MSR of a SynIC was written, by the guest or by the monitor.</summary>
    public static TraceEvent KvmHvSynicSetMsr(long cycle, byte actor, byte vcpu, uint msr, ulong value, bool host) =>
        new(cycle, TraceEventKind.KvmHvSynicSetMsr, actor, vcpu, vcpu, msr, value, Bit(host));

    /// <summary>kvm_hv_synic_send_eoi: a SynIC hears of an EOI.</summary>
    public static TraceEvent KvmHvSynicSendEoi(long cycle, byte actor, byte vcpu, byte vector) =>
        new(cycle, TraceEventKind.KvmHvSynicSendEoi, actor, vcpu, vcpu, vector);

    /// <summary>kvm_pv_eoi: an EOI that the guest has omitted was performed.</summary>
    public static TraceEvent KvmPvEoi(long cycle, byte actor, byte vcpu, uint apicId, int vector) =>
        new(cycle, TraceEventKind.KvmPvEoi, actor, vcpu, apicId, unchecked((ulong)(long)vector));

    private static TraceEvent Exit(
        TraceEventKind kind, long cycle, byte actor, byte vcpu, ulong reason, ulong rip, ulong info1, ulong info2, uint intrInfo,
        uint errorCode, ulong requests) =>
        new(cycle, kind, actor, vcpu, reason, rip, info1, info2, High(requests) | intrInfo, (requests << 32) | errorCode);

    private static ulong High(ulong value) => value & 0xffffffff00000000;

    private static ulong Bit(bool value) => value ? 1UL : 0UL;
}
