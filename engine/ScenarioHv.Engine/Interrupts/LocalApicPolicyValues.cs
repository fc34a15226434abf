namespace ScenarioHv.Engine.Interrupts;

/// <summary>What becomes of IRR bits that were pending when the APIC was software-disabled (SVR[8] = 0).</summary>
public enum PendingWhileDisabledPolicy : byte
{
    /// <summary>
    /// They are dispensed as before: the manual's "held" read as KVM reads it (SDM3 10.4.7.2; KVM lapic.c:kvm_apic_has_interrupt).
    /// </summary>
    Dispensed = 0,

    /// <summary>
    /// They wait until SVR[8] is 1 again (QEMU apic.c:apic_irq_pending; OpenVMM next_irr; Xen vlapic.c:vlapic_has_pending_irq).
    /// </summary>
    HeldBack = 1,
}

/// <summary>What a software-disabled APIC does with a fixed or lowest-priority message.</summary>
public enum FixedWhileDisabledPolicy : byte
{
    /// <summary>It does not accept it (SDM3 10.4.7.2; KVM lapic.c:__apic_accept_irq).</summary>
    Dropped = 0,

    /// <summary>It enters IRR (QEMU apic.c:apic_set_irq looks at no enable bit).</summary>
    Accepted = 1,
}

/// <summary>What clearing SVR[8] does to the local vector table.</summary>
public enum SoftwareDisableLvtPolicy : byte
{
    /// <summary>All masks are set, and stay so until the APIC is enabled and the entry written (SDM3 10.4.7.2).</summary>
    Masks = 0,

    /// <summary>Nothing; ExtINT passes on (QEMU apic.c:apic_mem_write).</summary>
    Unchanged = 1,
}

/// <summary>What becomes of a fixed interrupt with a vector 0..15.</summary>
public enum IllegalVectorsPolicy : byte
{
    /// <summary>
    /// An error of the sender (ESR bit 5) or receiver (bit 6); it never enters IRR (SDM3 10.5.3; Xen vlapic.c:vlapic_set_irq).
    /// </summary>
    Refused = 0,

    /// <summary>It enters IRR and stays there: its class is never above PPR's (KVM lapic.c:__apic_accept_irq).</summary>
    AcceptedInert = 1,

    /// <summary>It is dropped without an error (OpenVMM SharedState::request_interrupt).</summary>
    DroppedSilently = 2,

    /// <summary>It enters IRR and is delivered while PPR is 00h, when the class is not compared (QEMU apic.c:apic_irq_pending).</summary>
    Delivered = 3,
}

/// <summary>How the error status register works.</summary>
public enum ErrorStatusPolicy : byte
{
    /// <summary>Errors collect out of sight; a write to ESR makes them readable (SDM3 10.5.3).</summary>
    Latched = 0,

    /// <summary>ESR is always 0 (KVM lapic.c, OpenVMM).</summary>
    None = 1,

    /// <summary>Bit 7 alone, readable at once, never cleared, without interrupt (QEMU apic.c:apic_mem_read).</summary>
    RegistersOnly = 2,

    /// <summary>Bits 5 and 6, readable at once, never cleared (Xen vlapic.c:vlapic_error).</summary>
    VectorsOnly = 3,
}

/// <summary>What INTA gets when nothing is deliverable any more.</summary>
public enum SpuriousVectorPolicy : byte
{
    /// <summary>The vector in SVR[7:0] (SDM3 10.9; QEMU apic.c:apic_get_interrupt).</summary>
    Delivered = 0,

    /// <summary>Nothing: the interrupt is not taken (KVM, OpenVMM, Xen).</summary>
    Never = 1,
}

/// <summary>Which bits of an LVT entry software can store.</summary>
public enum LvtReservedBitsPolicy : byte
{
    /// <summary>Only the defined ones; delivery status and remote IRR are read-only (SDM3 10.5.1; OpenVMM write_register).</summary>
    ReadOnly = 0,

    /// <summary>Bits 12 and, in LINT entries, 14 as well (KVM lapic.c:apic_lvt_mask; Xen vlapic.c:vlapic_lvt_mask).</summary>
    StatusBitsStored = 1,

    /// <summary>Every bit (QEMU apic.c:apic_mem_write).</summary>
    AllStored = 2,
}

/// <summary>SVR bit 9, focus checking disabled.</summary>
public enum FocusBitPolicy : byte
{
    /// <summary>It reads back as written (KVM, Xen).</summary>
    Stored = 0,

    /// <summary>It does not exist (QEMU apic.c:apic_mem_write, OpenVMM write_register).</summary>
    ReadsZero = 1,
}

/// <summary>Which reserved bits of the xAPIC ICR read back.</summary>
public enum IcrReservedBitsPolicy : byte
{
    /// <summary>None (SDM3 10.6.1).</summary>
    ReadZero = 0,

    /// <summary>Those of the low half, but for delivery status (KVM lapic.c:kvm_lapic_reg_write; Xen vlapic.c:vlapic_reg_write).</summary>
    LowStored = 1,

    /// <summary>All of both halves (QEMU apic.c:apic_mem_write).</summary>
    AllStored = 2,
}

/// <summary>What trigger mode and level mean in the ICR of a fixed IPI.</summary>
public enum IpiTriggerPolicy : byte
{
    /// <summary>Nothing: IPIs are edge (SDM3 10.6.1 for the Pentium 4 and later; Xen vlapic.c:vlapic_accept_irq).</summary>
    AlwaysEdge = 0,

    /// <summary>Level, asserted, sets TMR; level, de-asserted, is dropped (KVM lapic.c:__apic_accept_irq).</summary>
    LevelHonoured = 1,

    /// <summary>Level sets TMR; bit 14 is not looked at (QEMU apic.c:apic_deliver).</summary>
    LevelWithoutAssert = 2,

    /// <summary>Level counts with the shorthand self alone (OpenVMM handle_ipi).</summary>
    LevelToSelf = 3,
}

/// <summary>Whom a logical destination of all ones addresses (FFh, or FFFFFFFFh in x2APIC mode).</summary>
public enum LogicalBroadcastPolicy : byte
{
    /// <summary>Every APIC, whatever its LDR (SDM3 10.6.2.2; KVM lapic.c:kvm_apic_match_logical_addr).</summary>
    Everyone = 0,

    /// <summary>
    /// Those whose LDR matches: an LDR of 0 or a cluster but the last never does (QEMU apic.c:apic_get_delivery_bitmask, Xen).
    /// </summary>
    ByMatch = 1,

    /// <summary>Everyone but in the flat model, where LDR must have a bit set (OpenVMM GlobalState::request_interrupt).</summary>
    NotInFlat = 2,
}

/// <summary>Whom FFh from a device (I/O APIC, MSI) addresses among APICs in x2APIC mode.</summary>
public enum DeviceBroadcastPolicy : byte
{
    /// <summary>APIC ID 255, or members 7:0 of cluster 0 (SDM3 10.12.9).</summary>
    PlainId = 0,

    /// <summary>All: it is read as FFFFFFFFh (KVM lapic.c:kvm_apic_mda without KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK).</summary>
    Rewritten = 1,
}

/// <summary>What a change between one-shot and periodic does to a running timer.</summary>
public enum TimerModeSwitchPolicy : byte
{
    /// <summary>The count goes on (KVM lapic.c:apic_update_lvtt, Xen, OpenVMM; KUT apic.c test_apic_change_mode).</summary>
    KeepsCounting = 0,

    /// <summary>The timer stops until the initial count is written: the manual's letter (SDM3 10.5.4.1).</summary>
    Disarms = 1,

    /// <summary>The next expiry is computed anew from the moment of loading (QEMU apic.c:apic_timer_update).</summary>
    RecomputedFromLoad = 2,
}

/// <summary>How many counts an initial count of N lasts.</summary>
public enum TimerPeriodPolicy : byte
{
    /// <summary>N (SDM3 10.5.4; KVM, Xen, OpenVMM).</summary>
    Count = 0,

    /// <summary>N + 1, the last of them at 0 (QEMU apic_common.c:apic_next_timer).</summary>
    CountPlusOne = 1,
}

/// <summary>What becomes of the registers when IA32_APIC_BASE[11] is cleared and set again.</summary>
public enum HardwareDisablePolicy : byte
{
    /// <summary>Reset when it is disabled (SDM3 10.4.3 allows it; OpenVMM set_apic_base_inner).</summary>
    Reset = 0,

    /// <summary>Kept, but for the xAPIC ID (KVM lapic.c:__kvm_apic_set_base).</summary>
    Kept = 1,

    /// <summary>Reset when it is enabled again (Xen vlapic.c:guest_wrmsr_apic_base).</summary>
    ResetOnEnable = 2,

    /// <summary>Kept, but SVR[8] is cleared (QEMU apic.c:apic_set_base).</summary>
    KeptSoftwareDisabled = 3,
}

/// <summary>Which writes of IA32_APIC_BASE are taken.</summary>
public enum ApicBaseWritesPolicy : byte
{
    /// <summary>
    /// Reserved bits and forbidden transitions fault, base and BSP flag are stored (SDM3 10.12.5; KVM lapic.c:kvm_apic_set_base).
    /// </summary>
    Architectural = 0,

    /// <summary>The same, and a base other than FEE00000h in xAPIC mode faults (Xen vlapic.c:guest_wrmsr_apic_base).</summary>
    FixedBase = 1,

    /// <summary>
    /// Only bits 11:10 change; what is forbidden is ignored, and disabled to x2APIC is allowed (OpenVMM set_apic_base_inner).
    /// </summary>
    OnlyModeBits = 2,

    /// <summary>Nothing faults; bit 11 cannot be set again, bits 10 and 8 not changed (QEMU apic.c:apic_set_base).</summary>
    OnceDisabled = 3,
}

/// <summary>Whether software can write the xAPIC ID.</summary>
public enum ApicIdRegisterPolicy : byte
{
    /// <summary>Bits 31:24 (KVM lapic.c:kvm_lapic_reg_write, QEMU, Xen).</summary>
    Writable = 0,

    /// <summary>Writes are ignored (recent processors, SDM3 10.4.6; OpenVMM).</summary>
    ReadOnly = 1,
}

/// <summary>Which reserved bits of an x2APIC MSR fault when written.</summary>
public enum X2ApicReservedBitsPolicy : byte
{
    /// <summary>All (SDM3 10.12.1.3; Xen vlapic.c:guest_wrmsr_x2apic).</summary>
    Checked = 0,

    /// <summary>Bits 63:32, and those of ICR, SELF IPI and ESR (KVM lapic.c:kvm_lapic_msr_write).</summary>
    HighHalfAndIcr = 1,

    /// <summary>Bits 31:0 of EOI and ESR (OpenVMM write_register).</summary>
    EoiAndEsr = 2,
}

/// <summary>Whether SVR bit 12, where the version register shows it, suppresses EOI broadcasts.</summary>
public enum EoiBroadcastPolicy : byte
{
    /// <summary>It does (SDM3 10.8.5).</summary>
    Suppressible = 0,

    /// <summary>It is stored and not obeyed (KVM with a split irqchip, lapic.c:kvm_ioapic_send_eoi).</summary>
    AlwaysSent = 1,
}

/// <summary>When INTR from the 8259A passes LINT0 of an enabled APIC.</summary>
public enum PicGatePolicy : byte
{
    /// <summary>LVT0 is unmasked and in mode ExtINT (SDM3 10.5.1; KVM lapic.c:kvm_apic_accept_pic_intr).</summary>
    ExtInt = 0,

    /// <summary>LVT0 is unmasked, in any mode (QEMU apic.c:apic_accept_pic_intr).</summary>
    AnyUnmasked = 1,
}

/// <summary>What the LINT inputs do beside ExtINT and NMI.</summary>
public enum LintInputsPolicy : byte
{
    /// <summary>Every mode of the manual, level with remote IRR (SDM3 10.5.1).</summary>
    Delivered = 0,

    /// <summary>Nothing (KVM: LINT0 is the 8259A's, LINT1 the VMM's for NMI; Xen).</summary>
    OnlyExtIntAndNmi = 1,

    /// <summary>A level-triggered entry delivers nothing, whatever its mode (OpenVMM LocalApicSet::lint).</summary>
    LevelRefused = 2,

    /// <summary>Level, fixed: each assertion sets IRR, and withdrawing LINT0 clears it (QEMU apic.c:apic_deliver_pic_intr).</summary>
    WithoutRemoteIrr = 3,
}

/// <summary>LINT0 of the boot processor after RESET and INIT.</summary>
public enum BspLint0Policy : byte
{
    /// <summary>00010000h (SDM3 10.4.7.1).</summary>
    Masked = 0,

    /// <summary>
    /// 00000700h, firmware's virtual wire (KVM lapic.c:kvm_lapic_reset with KVM_X86_QUIRK_LINT0_REENABLED; QEMU apic_common.c).
    /// </summary>
    ExtInt = 1,
}

/// <summary>What becomes of a message with delivery mode ExtINT: of a redirection entry, or an MSI.</summary>
public enum ExtIntMessagesPolicy : byte
{
    /// <summary>INTR of the core is asked for once; the 8259A supplies the vector at INTA (82093AA 3.2.4; OpenVMM).</summary>
    ReachCore = 0,

    /// <summary>Nothing (KVM lapic.c:__apic_accept_irq; Xen vioapic.c:vioapic_deliver).</summary>
    Dropped = 1,

    /// <summary>
    /// It is fixed: the I/O APIC has read the vector from the 8259A when it sent it (QEMU ioapic.c:ioapic_entry_parse,
    /// apic.c:apic_bus_deliver).
    /// </summary>
    AsFixed = 2,
}

/// <summary>What becomes of the ICR's high half between xAPIC and x2APIC mode.</summary>
public enum IcrAcrossModesPolicy : byte
{
    /// <summary>It is 0 afterwards: its layout is another one, and software writes it anew (SDM3 10.12.5 promises nothing).</summary>
    Cleared = 0,

    /// <summary>
    /// Each mode has its own and finds it again: ICR2 of the xAPIC page, and bits 63:32 of the 64-bit ICR (KVM
    /// lapic.c:kvm_x2apic_icr_write, where ICR is not split as AMD's x2AVIC has it).
    /// </summary>
    TwoHighHalves = 1,
}

/// <summary>What becomes of a message with delivery mode 3, remote read on the oldest processors and reserved since.</summary>
public enum RemoteReadsPolicy : byte
{
    /// <summary>Nothing (SDM3 10.6.1: reserved; QEMU apic.c:apic_bus_deliver, OpenVMM, Xen).</summary>
    Dropped = 0,

    /// <summary>It is accepted and has the vCPU leave HLT, the paravirtual unhalt (KVM lapic.c:__apic_accept_irq, APIC_DM_REMRD).</summary>
    Unhalt = 1,
}

/// <summary>Who takes a message to a physical ID that several local APICs have, since software has rewritten theirs.</summary>
public enum SharedIdsPolicy : byte
{
    /// <summary>All of them: each compares for itself (SDM3 10.6.2.1; KVM by default, whose map gives up then).</summary>
    All = 0,

    /// <summary>
    /// One in x2APIC mode, else the first: the place in KVM's map with KVM_X2APIC_API_USE_32BIT_IDS (lapic.c:kvm_recalculate_phys_map).
    /// </summary>
    FirstInMap = 1,
}

/// <summary>Which of the addressed APICs takes a lowest-priority message.</summary>
public enum LowestPriorityPolicy : byte
{
    /// <summary>
    /// The software-enabled one with the lowest class of TPR, then the lowest index: what a chipset knows (SDM3 10.6.2.4).
    /// </summary>
    LowestTaskPriority = 0,

    /// <summary>
    /// The candidate with index vector mod n, absent ones counted in the fast path (KVM lapic.c:kvm_vector_to_index, its default).
    /// </summary>
    VectorHash = 1,

    /// <summary>KVM with vector_hashing off: the one that took fewest so far (lapic.c:kvm_apic_compare_prio).</summary>
    Counters = 2,

    /// <summary>The first that is addressed, software-enabled or not (QEMU apic.c:apic_bus_deliver).</summary>
    LowestIndex = 3,

    /// <summary>The software-enabled one with the lowest APIC ID (OpenVMM request_set_interrupt).</summary>
    FirstEnabledById = 4,

    /// <summary>The lowest PPR, looking from after the last winner (Xen vlapic.c:vlapic_lowest_prio).</summary>
    LowestPprRoundRobin = 5,

    /// <summary>The focus processor, else the lowest APR: the P6 bus (SDM3 10.6.2.4).</summary>
    FocusThenApr = 6,
}
