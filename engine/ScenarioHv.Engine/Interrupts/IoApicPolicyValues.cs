namespace ScenarioHv.Engine.Interrupts;

/// <summary>Whether there is an EOI register, and with it which version the I/O APIC shows.</summary>
public enum IoApicEoiRegister : byte
{
    /// <summary>Version 11h: offset 40h is nothing (82093AA 3.1; KVM ioapic.h; Xen vioapic.h; OpenVMM IO_APIC_VERSION).</summary>
    Absent = 0,

    /// <summary>Version 20h: a write to offset 40h ends a vector (Linux io_apic.c:__eoi_ioapic_pin; QEMU ioapic.c).</summary>
    Present = 1,
}

/// <summary>What an edge is at an edge-triggered entry.</summary>
public enum IoApicEdgeDetection : byte
{
    /// <summary>The line was low before (82093AA 3.2.4; KVM ioapic_set_irq; Xen irq.c:assert_gsi; OpenVMM IrqEntry::assert).</summary>
    RisingLine = 0,

    /// <summary>Each assertion of the line, high before or not (QEMU ioapic.c:ioapic_set_irq).</summary>
    EveryAssertion = 1,
}

/// <summary>What an edge-triggered entry sends.</summary>
public enum IoApicEdgeLatch : byte
{
    /// <summary>Each recognised edge once: it is latched until it is sent (82093AA 3.2.4; QEMU ioapic.c:ioapic_service).</summary>
    UntilSent = 0,

    /// <summary>The line, as long as it is high, whenever the pin is served: nothing is used up (KVM ioapic.c:ioapic_service).</summary>
    LineHigh = 1,
}

/// <summary>What becomes of an edge at a masked entry.</summary>
public enum IoApicMaskedEdge : byte
{
    /// <summary>It is lost, even if the line is still high at the unmask (82093AA 3.2.4; KVM, QEMU, OpenVMM, Xen).</summary>
    Lost = 0,

    /// <summary>It is sent at the unmask (early QEMU, hw/ioapic.c:ioapic_set_irq, which did not look at the mask).</summary>
    Latched = 1,
}

/// <summary>What a level-triggered entry asks for.</summary>
public enum IoApicLevelRequest : byte
{
    /// <summary>The line as it is now, whatever the entry was when it rose (82093AA 3.2.4; KVM, OpenVMM, Xen).</summary>
    Line = 0,

    /// <summary>
    /// A latch that an assertion sets: one sent as an edge, or ignored at a masked edge entry, is gone (QEMU ioapic.c:ioapic_set_irq).
    /// </summary>
    Latch = 1,
}

/// <summary>What a rewritten entry does to a request that was latched under the old one.</summary>
public enum IoApicLatchAtWrite : byte
{
    /// <summary>Nothing of it is left: the line of a level entry made edge is not sent (82093AA 3.2.4; KVM, OpenVMM, Xen).</summary>
    Withdrawn = 0,

    /// <summary>It counts under the new entry: a level line that is high is sent once more as an edge (QEMU ioapic_service).</summary>
    Kept = 1,
}

/// <summary>When remote IRR of a level-triggered entry is set.</summary>
public enum IoApicRemoteIrr : byte
{
    /// <summary>When a local APIC has accepted the message (82093AA 3.2.4).</summary>
    IfAccepted = 0,

    /// <summary>Then, and if the message addresses nobody at all, which is result -1 and not 0 (KVM ioapic.c:ioapic_service).</summary>
    UnlessRefused = 1,

    /// <summary>Before the message is sent, whoever accepts it (QEMU ioapic.c:ioapic_service; OpenVMM evaluate; Xen vioapic.c).</summary>
    WhenSent = 2,
}

/// <summary>What a write to the low half of an entry does to remote IRR of a level-triggered one.</summary>
public enum IoApicRemoteIrrAtWrite : byte
{
    /// <summary>Nothing: the bit is read-only (82093AA 3.2.4; KVM, QEMU, Xen).</summary>
    Kept = 0,

    /// <summary>It clears it, so that a line that is still high is sent again (OpenVMM write_redirection_register).</summary>
    Cleared = 1,
}

/// <summary>Which pins are tried when one asks for service.</summary>
public enum IoApicServicePins : byte
{
    /// <summary>That pin (82093AA 3.2.4; KVM, OpenVMM, Xen).</summary>
    OwnPin = 0,

    /// <summary>All of them, in ascending order, and after every write of an entry (QEMU ioapic.c:ioapic_service).</summary>
    WholeTable = 1,
}

/// <summary>Which entries the EOI of a vector reaches.</summary>
public enum IoApicEoiMatch : byte
{
    /// <summary>The level-triggered ones that have the vector now (82093AA 3.2.4; QEMU, OpenVMM, Xen).</summary>
    LevelEntries = 0,

    /// <summary>
    /// All that have it; an edge-triggered one whose line is high is sent again (KVM ioapic.c:kvm_ioapic_update_eoi_one).
    /// </summary>
    EveryEntry = 1,
}

/// <summary>What an EOI does at an entry with its vector whose remote IRR is clear.</summary>
public enum IoApicEoiWithoutRemoteIrr : byte
{
    /// <summary>The line is looked at and sent if it is high (KVM, OpenVMM, Xen; 82093AA says nothing).</summary>
    SamplesLine = 0,

    /// <summary>Nothing (QEMU ioapic.c:ioapic_eoi_broadcast).</summary>
    Skipped = 1,
}

/// <summary>Which bits of the EOI register are the vector.</summary>
public enum IoApicEoiValue : byte
{
    /// <summary>Bits 7:0 (Linux io_apic.c:__eoi_ioapic_pin).</summary>
    LowByte = 0,

    /// <summary>All 32, so that a value above FFh ends nothing (QEMU ioapic.c:ioapic_eoi_broadcast).</summary>
    AllBits = 1,
}

/// <summary>Which sizes of access IOWIN takes.</summary>
public enum IoApicWindowAccess : byte
{
    /// <summary>4 bytes: others read 0 and write nothing (QEMU ioapic.c:ioapic_mem_read; undefined in 82093AA 3.1).</summary>
    Dwords = 0,

    /// <summary>1, 2, 4 and 8 bytes, cut off or extended by zeroes (KVM ioapic.c:ioapic_mmio_read; Xen vioapic.c:vioapic_read).</summary>
    AnySize = 1,

    /// <summary>Any size is read, 4 bytes alone are written (OpenVMM mmio_read, mmio_write).</summary>
    AnyRead = 2,
}

/// <summary>What an index reads that selects no register.</summary>
public enum IoApicUnknownIndex : byte
{
    /// <summary>0 (QEMU ioapic.c:ioapic_mem_read; Xen vioapic.c:vioapic_read_indirect; 82093AA says nothing).</summary>
    Zero = 0,

    /// <summary>FFFFFFFFh (KVM ioapic.c:ioapic_read_indirect).</summary>
    Ones = 1,

    /// <summary>FFFFFFFFh below the table, 0 behind it (OpenVMM read_register).</summary>
    OnesBelowTable = 2,
}

/// <summary>Which bits of an entry software can store beside the defined ones.</summary>
public enum IoApicReservedBits : byte
{
    /// <summary>None (82093AA 3.2.4).</summary>
    ReadZero = 0,

    /// <summary>All: ones read back as FFFFAFFFh (KVM ioapic.c:ioapic_write_indirect; QEMU ioapic.c; Xen vioapic_write_redirent).</summary>
    Stored = 1,

    /// <summary>Bits 55:48, the extended destination (OpenVMM REDIRECTION_WRITE_MASK).</summary>
    ExtendedDestination = 2,
}

/// <summary>Bit 12 of an entry.</summary>
public enum IoApicDeliveryStatus : byte
{
    /// <summary>1 while a message waits to be sent or accepted (82093AA 3.2.4).</summary>
    WhileWaiting = 0,

    /// <summary>Always 0 (KVM, QEMU, OpenVMM, Xen).</summary>
    Zero = 1,
}

/// <summary>Register 2, the arbitration ID.</summary>
public enum IoApicArbitrationId : byte
{
    /// <summary>The ID, as which it is loaded (82093AA 3.2.3; KVM, QEMU, Xen).</summary>
    LoadedWithId = 0,

    /// <summary>0 (OpenVMM read_register).</summary>
    Zero = 1,
}

/// <summary>What a reset leaves.</summary>
public enum IoApicReset : byte
{
    /// <summary>Entries of 10000h; the lines are inputs and stay (82093AA 3.2.4; QEMU ioapic_common.c; Xen vioapic_reset).</summary>
    Entries = 0,

    /// <summary>The mask is set and the rest of the entry kept; lines count as low (KVM ioapic.c:kvm_ioapic_reset).</summary>
    MaskOnly = 1,

    /// <summary>Entries of 10800h, masked and logical, after power-on as well (OpenVMM RedirectionEntry::init).</summary>
    LogicalEntries = 2,
}

/// <summary>Which pin line 0 is.</summary>
public enum IoApicPinZero : byte
{
    /// <summary>Pin 0: the wiring is the board's (82093AA 2.4; KVM, OpenVMM, Xen).</summary>
    Own = 0,

    /// <summary>Pin 2, where ISA IRQ 0 is (QEMU ioapic.c:ioapic_set_irq).</summary>
    PinTwo = 1,
}

/// <summary>What an assertion of pin 8 does while an earlier RTC interrupt awaits its EOI.</summary>
public enum IoApicRtc : byte
{
    /// <summary>What it does at any other pin (82093AA 3.2.4; QEMU, OpenVMM, Xen).</summary>
    Plain = 0,

    /// <summary>It is coalesced and leaves no trace (KVM ioapic.c:rtc_irq_check_coalesced).</summary>
    Coalesced = 1,
}

/// <summary>How an entry of delivery mode SMI, NMI, INIT or ExtINT with trigger mode level acts.</summary>
public enum IoApicEdgeModes : byte
{
    /// <summary>As edge-triggered: nobody sends an EOI for it (SDM3 10.11.2; OpenVMM IrqEntry::evaluate).</summary>
    AlwaysEdge = 0,

    /// <summary>As level-triggered (KVM ioapic.c:ioapic_service; QEMU ioapic.c:ioapic_service; Xen vioapic.c).</summary>
    ObeyTrigger = 1,
}
