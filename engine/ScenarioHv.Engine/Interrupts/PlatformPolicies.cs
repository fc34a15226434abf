namespace ScenarioHv.Engine.Interrupts;

/// <summary>How many NMIs wait at a CPU that cannot take one yet.</summary>
public enum PendingNmisPolicy : byte
{
    /// <summary>One: what comes while it waits is lost (SDM3 6.7.1; QEMU CPU_INTERRUPT_NMI).</summary>
    One = 0,

    /// <summary>Two, but one while the CPU is in an NMI handler or on its way into one (KVM x86.c:process_nmi).</summary>
    Two = 1,
}

/// <summary>How many bytes from FEC00000h the I/O APIC decodes; of an address in them bits 7:0 count.</summary>
public enum IoApicWindowPolicy : byte
{
    /// <summary>20h: the registers of version 11h (82093AA 3.1; OpenVMM chipset/ioapic).</summary>
    Bytes32 = 0,

    /// <summary>100h (KVM ioapic.h:IOAPIC_MEM_LENGTH; Xen vioapic.h:VIOAPIC_MEM_LENGTH).</summary>
    Bytes256 = 1,

    /// <summary>1000h, the whole page (QEMU ioapic.c).</summary>
    Bytes4096 = 2,
}

/// <summary>What answers an access to the page of a local APIC that is disabled or in x2APIC mode.</summary>
public enum MmioHolePolicy : byte
{
    /// <summary>Whatever else decodes the address (SDM3 10.4.3, 10.12.2; Xen vlapic.c:vlapic_range).</summary>
    Absent = 0,

    /// <summary>Nothing: it reads all ones (KVM lapic.c:apic_mmio_read with KVM_X86_QUIRK_LAPIC_MMIO_HOLE).</summary>
    Present = 1,
}

/// <summary>When it is computed whom a message addresses.</summary>
public enum DestinationMapPolicy : byte
{
    /// <summary>At each message: every local APIC compares for itself (SDM3 10.6.2).</summary>
    WhenNeeded = 0,

    /// <summary>
    /// Ahead, in a map; the CPU that was created last is missing from the first one (KVM lapic.c:kvm_recalculate_apic_map).
    /// </summary>
    Ahead = 1,
}

/// <summary>Which vectors of level-triggered interrupts the I/O APIC is told the EOI of.</summary>
public enum EoiVectorsPolicy : byte
{
    /// <summary>Every one: it compares for itself (SDM3 10.8.5).</summary>
    Every = 0,

    /// <summary>
    /// Those that the CPU found in the I/O APIC's entries when it last looked, which can be out of date (KVM
    /// ioapic.c:kvm_ioapic_scan_entry).
    /// </summary>
    Scanned = 1,
}

/// <summary>
/// The choices between the controllers and what they stand in: who decodes an address, what a CPU remembers, what is computed when. None
/// of it is a controller's own state. The default is the manuals'.
/// </summary>
public readonly record struct PlatformPolicies
{
    /// <summary>The manuals.</summary>
    public static PlatformPolicies Architectural => default;

    /// <summary>Linux 6.18 KVM.</summary>
    public static PlatformPolicies Kvm => new()
    {
        PendingNmis = PendingNmisPolicy.Two,
        Window = IoApicWindowPolicy.Bytes256,
        MmioHole = MmioHolePolicy.Present,
        DestinationMap = DestinationMapPolicy.Ahead,
        EoiVectors = EoiVectorsPolicy.Scanned,
    };

    /// <summary>QEMU 7.2, TCG.</summary>
    public static PlatformPolicies Qemu => new() { Window = IoApicWindowPolicy.Bytes4096 };

    /// <summary>OpenVMM.</summary>
    public static PlatformPolicies OpenVmm => default;

    /// <summary>Xen.</summary>
    public static PlatformPolicies Xen => new() { Window = IoApicWindowPolicy.Bytes256 };

    /// <summary>How many NMIs wait at a CPU.</summary>
    public PendingNmisPolicy PendingNmis { get; init; }

    /// <summary>How many bytes the I/O APIC decodes.</summary>
    public IoApicWindowPolicy Window { get; init; }

    /// <summary>What answers for a local APIC that does not decode its page.</summary>
    public MmioHolePolicy MmioHole { get; init; }

    /// <summary>When it is computed whom a message addresses.</summary>
    public DestinationMapPolicy DestinationMap { get; init; }

    /// <summary>Which vectors the I/O APIC is told the EOI of.</summary>
    public EoiVectorsPolicy EoiVectors { get; init; }

    /// <summary>The most NMIs that wait at a CPU, one of which may be about to be taken: 1 or 2.</summary>
    public int NmiLimit() => PendingNmis == PendingNmisPolicy.Two ? 2 : 1;

    /// <summary>Whether the I/O APIC decodes an address.</summary>
    /// <param name="address">The physical address.</param>
    public bool IsIoApic(uint address)
    {
        var size = Window switch
        {
            IoApicWindowPolicy.Bytes32 => 0x20u,
            IoApicWindowPolicy.Bytes256 => 0x100u,
            _ => 0x1000u,
        };
        return address - IoApic.BaseAddress < size;
    }
}
