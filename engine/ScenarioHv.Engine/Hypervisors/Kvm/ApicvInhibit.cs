namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>
/// Why hardware must not deliver interrupts itself: bits by the numbers of kernels from 6.2 on (asm/kvm_host.h: APICV_INHIBIT_REASON_*).
/// Earlier kernels numbered them otherwise; the trace dialects know.
/// </summary>
[Flags]
public enum ApicvInhibits : ushort
{
    /// <summary>Nothing speaks against it.</summary>
    None = 0,

    /// <summary>0: switched off by a module parameter, or the hardware has none.</summary>
    Disabled = 1 << 0,

    /// <summary>1: a SynIC vector with AutoEOI is in use.</summary>
    HyperV = 1 << 1,

    /// <summary>2: there is no local APIC in the kernel.</summary>
    Absent = 1 << 2,

    /// <summary>3: a debugger blocks interrupts (KVM_GUESTDBG_BLOCKIRQ).</summary>
    BlockIrq = 1 << 3,

    /// <summary>4: two vCPUs have one physical APIC ID.</summary>
    PhysicalIdAliased = 1 << 4,

    /// <summary>5: an xAPIC ID is not the vCPU's number.</summary>
    ApicIdModified = 1 << 5,

    /// <summary>6: IA32_APIC_BASE is not FEE00000h.</summary>
    ApicBaseModified = 1 << 6,

    /// <summary>7: AVIC only: the guest has, or is in, a nested guest.</summary>
    Nested = 1 << 7,

    /// <summary>8: AVIC only: an interrupt window is asked for.</summary>
    IrqWindow = 1 << 8,

    /// <summary>9: AVIC only: the 8254 counts the EOIs of its ticks.</summary>
    PitReinject = 1 << 9,

    /// <summary>10: AVIC only: encrypted guest memory.</summary>
    Sev = 1 << 10,

    /// <summary>11: AVIC only: two vCPUs have one logical APIC ID.</summary>
    LogicalIdAliased = 1 << 11,

    /// <summary>12: AVIC only, kernels before 6.2, as their number 5: the guest may use x2APIC mode.</summary>
    X2Apic = 1 << 12,

    /// <summary>The reasons that VMX looks at too (VMX_REQUIRED_APICV_INHIBITS).</summary>
    OfVmx = Disabled | HyperV | Absent | BlockIrq | PhysicalIdAliased | ApicIdModified | ApicBaseModified,

    /// <summary>All of them: what SVM looks at (AVIC_REQUIRED_APICV_INHIBITS).</summary>
    OfSvm = OfVmx | Nested | IrqWindow | PitReinject | Sev | LogicalIdAliased | X2Apic,
}

/// <summary>KVM's own state of a virtual machine (struct kvm and kvm_arch), as far as event delivery uses it.</summary>
public struct KvmVm
{
    /// <summary>Why APICv or AVIC is off; none if nothing speaks against it (apicv_inhibit_reasons).</summary>
    public ApicvInhibits Inhibits;

    /// <summary>vCPUs that have a SINT with AutoEOI (synic_auto_eoi_used).</summary>
    public byte AutoEoiVcpus;

    /// <summary>
    /// AMD: 1 while the guest's accesses to the local APIC's page find memory there, which AVIC needs; without AVIC they then reach
    /// nobody.
    /// </summary>
    public byte ApicPageMapped;

    /// <summary>1 while a work item is queued that inhibits APICv or lifts that.</summary>
    public byte WorkQueued;

    /// <summary>For the layout only: always 0.</summary>
    public byte Reserved0;

    /// <summary>For the layout only: always 0.</summary>
    public ushort Reserved1;
}
