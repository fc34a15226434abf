using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Policies;

/// <summary>The choices of an I/O APIC in words.</summary>
internal static class IoApicPolicyTable
{
    /// <summary>The points.</summary>
    public static IReadOnlyList<ControllerPolicyPoint> Points { get; } =
    [
        Of(
            nameof(IoApicPolicies.EoiRegister),
            "whether there is an EOI register, and with it which version the I/O APIC shows",
            p => p.EoiRegister, (p, value) => p with { EoiRegister = value },
            (IoApicEoiRegister.Absent,
                "version 11h: offset 40h is nothing",
                "82093AA 3.1; KVM ioapic.h; Xen vioapic.h; OpenVMM IO_APIC_VERSION"),
            (IoApicEoiRegister.Present,
                "version 20h: a write to offset 40h ends a vector",
                "Linux io_apic.c:__eoi_ioapic_pin; QEMU ioapic.c")),
        Of(
            nameof(IoApicPolicies.EdgeDetection),
            "what an edge is at an edge-triggered entry",
            p => p.EdgeDetection, (p, value) => p with { EdgeDetection = value },
            (IoApicEdgeDetection.RisingLine,
                "the line was low before",
                "82093AA 3.2.4; KVM ioapic_set_irq; Xen irq.c:assert_gsi; OpenVMM IrqEntry::assert"),
            (IoApicEdgeDetection.EveryAssertion, "each assertion of the line, high before or not", "QEMU ioapic.c:ioapic_set_irq")),
        Of(
            nameof(IoApicPolicies.EdgeLatch),
            "what an edge-triggered entry sends",
            p => p.EdgeLatch, (p, value) => p with { EdgeLatch = value },
            (IoApicEdgeLatch.UntilSent,
                "each recognised edge once: it is latched until it is sent",
                "82093AA 3.2.4; QEMU ioapic.c:ioapic_service"),
            (IoApicEdgeLatch.LineHigh,
                "the line, as long as it is high, whenever the pin is served: nothing is used up",
                "KVM ioapic.c:ioapic_service")),
        Of(
            nameof(IoApicPolicies.MaskedEdge),
            "what becomes of an edge at a masked entry",
            p => p.MaskedEdge, (p, value) => p with { MaskedEdge = value },
            (IoApicMaskedEdge.Lost, "it is lost, even if the line is still high at the unmask", "82093AA 3.2.4; KVM, QEMU, OpenVMM, Xen"),
            (IoApicMaskedEdge.Latched,
                "it is sent at the unmask",
                "early QEMU, hw/ioapic.c:ioapic_set_irq, which did not look at the mask")),
        Of(
            nameof(IoApicPolicies.LevelRequest),
            "what a level-triggered entry asks for",
            p => p.LevelRequest, (p, value) => p with { LevelRequest = value },
            (IoApicLevelRequest.Line, "the line as it is now, whatever the entry was when it rose", "82093AA 3.2.4; KVM, OpenVMM, Xen"),
            (IoApicLevelRequest.Latch,
                "a latch that an assertion sets: one sent as an edge, or ignored at a masked edge entry, is gone",
                "QEMU ioapic.c:ioapic_set_irq")),
        Of(
            nameof(IoApicPolicies.LatchAtWrite),
            "what a rewritten entry does to a request that was latched under the old one",
            p => p.LatchAtWrite, (p, value) => p with { LatchAtWrite = value },
            (IoApicLatchAtWrite.Withdrawn,
                "nothing of it is left: the line of a level entry made edge is not sent",
                "82093AA 3.2.4; KVM, OpenVMM, Xen"),
            (IoApicLatchAtWrite.Kept,
                "it counts under the new entry: a level line that is high is sent once more as an edge",
                "QEMU ioapic_service")),
        Of(
            nameof(IoApicPolicies.RemoteIrr),
            "when remote IRR of a level-triggered entry is set",
            p => p.RemoteIrr, (p, value) => p with { RemoteIrr = value },
            (IoApicRemoteIrr.IfAccepted, "when a local APIC has accepted the message", "82093AA 3.2.4"),
            (IoApicRemoteIrr.UnlessRefused,
                "then, and if the message addresses nobody at all, which is result -1 and not 0",
                "KVM ioapic.c:ioapic_service"),
            (IoApicRemoteIrr.WhenSent,
                "before the message is sent, whoever accepts it",
                "QEMU ioapic.c:ioapic_service; OpenVMM evaluate; Xen vioapic.c")),
        Of(
            nameof(IoApicPolicies.RemoteIrrAtWrite),
            "what a write to the low half of an entry does to remote IRR of a level-triggered one",
            p => p.RemoteIrrAtWrite, (p, value) => p with { RemoteIrrAtWrite = value },
            (IoApicRemoteIrrAtWrite.Kept, "nothing: the bit is read-only", "82093AA 3.2.4; KVM, QEMU, Xen"),
            (IoApicRemoteIrrAtWrite.Cleared,
                "it clears it, so that a line that is still high is sent again",
                "OpenVMM write_redirection_register")),
        Of(
            nameof(IoApicPolicies.ServicePins),
            "which pins are tried when one asks for service",
            p => p.ServicePins, (p, value) => p with { ServicePins = value },
            (IoApicServicePins.OwnPin, "that pin", "82093AA 3.2.4; KVM, OpenVMM, Xen"),
            (IoApicServicePins.WholeTable,
                "all of them, in ascending order, and after every write of an entry",
                "QEMU ioapic.c:ioapic_service")),
        Of(
            nameof(IoApicPolicies.EoiMatch),
            "which entries the EOI of a vector reaches",
            p => p.EoiMatch, (p, value) => p with { EoiMatch = value },
            (IoApicEoiMatch.LevelEntries, "the level-triggered ones that have the vector now", "82093AA 3.2.4; QEMU, OpenVMM, Xen"),
            (IoApicEoiMatch.EveryEntry,
                "all that have it; an edge-triggered one whose line is high is sent again",
                "KVM ioapic.c:kvm_ioapic_update_eoi_one")),
        Of(
            nameof(IoApicPolicies.EoiWithoutRemoteIrr),
            "what an EOI does at an entry with its vector whose remote IRR is clear",
            p => p.EoiWithoutRemoteIrr, (p, value) => p with { EoiWithoutRemoteIrr = value },
            (IoApicEoiWithoutRemoteIrr.SamplesLine,
                "the line is looked at and sent if it is high",
                "KVM, OpenVMM, Xen; 82093AA says nothing"),
            (IoApicEoiWithoutRemoteIrr.Skipped, "nothing", "QEMU ioapic.c:ioapic_eoi_broadcast")),
        Of(
            nameof(IoApicPolicies.EoiValue),
            "which bits of the EOI register are the vector",
            p => p.EoiValue, (p, value) => p with { EoiValue = value },
            (IoApicEoiValue.LowByte, "bits 7:0", "Linux io_apic.c:__eoi_ioapic_pin"),
            (IoApicEoiValue.AllBits, "all 32, so that a value above FFh ends nothing", "QEMU ioapic.c:ioapic_eoi_broadcast")),
        Of(
            nameof(IoApicPolicies.WindowAccess),
            "which sizes of access IOWIN takes",
            p => p.WindowAccess, (p, value) => p with { WindowAccess = value },
            (IoApicWindowAccess.Dwords,
                "4 bytes: others read 0 and write nothing",
                "QEMU ioapic.c:ioapic_mem_read; undefined in 82093AA 3.1"),
            (IoApicWindowAccess.AnySize,
                "1, 2, 4 and 8 bytes, cut off or extended by zeroes",
                "KVM ioapic.c:ioapic_mmio_read; Xen vioapic.c:vioapic_read"),
            (IoApicWindowAccess.AnyRead, "any size is read, 4 bytes alone are written", "OpenVMM mmio_read, mmio_write")),
        Of(
            nameof(IoApicPolicies.UnknownIndex),
            "what an index reads that selects no register",
            p => p.UnknownIndex, (p, value) => p with { UnknownIndex = value },
            (IoApicUnknownIndex.Zero, "0", "QEMU ioapic.c:ioapic_mem_read; Xen vioapic.c:vioapic_read_indirect; 82093AA says nothing"),
            (IoApicUnknownIndex.Ones, "FFFFFFFFh", "KVM ioapic.c:ioapic_read_indirect"),
            (IoApicUnknownIndex.OnesBelowTable, "FFFFFFFFh below the table, 0 behind it", "OpenVMM read_register")),
        Of(
            nameof(IoApicPolicies.ReservedBits),
            "which bits of an entry software can store beside the defined ones",
            p => p.ReservedBits, (p, value) => p with { ReservedBits = value },
            (IoApicReservedBits.ReadZero, "none", "82093AA 3.2.4"),
            (IoApicReservedBits.Stored,
                "all: ones read back as FFFFAFFFh",
                "KVM ioapic.c:ioapic_write_indirect; QEMU ioapic.c; Xen vioapic_write_redirent"),
            (IoApicReservedBits.ExtendedDestination, "bits 55:48, the extended destination", "OpenVMM REDIRECTION_WRITE_MASK")),
        Of(
            nameof(IoApicPolicies.DeliveryStatus),
            "bit 12 of an entry",
            p => p.DeliveryStatus, (p, value) => p with { DeliveryStatus = value },
            (IoApicDeliveryStatus.WhileWaiting, "1 while a message waits to be sent or accepted", "82093AA 3.2.4"),
            (IoApicDeliveryStatus.Zero, "always 0", "KVM, QEMU, OpenVMM, Xen")),
        Of(
            nameof(IoApicPolicies.ArbitrationId),
            "register 2, the arbitration ID",
            p => p.ArbitrationId, (p, value) => p with { ArbitrationId = value },
            (IoApicArbitrationId.LoadedWithId, "the ID, as which it is loaded", "82093AA 3.2.3; KVM, QEMU, Xen"),
            (IoApicArbitrationId.Zero, "0", "OpenVMM read_register")),
        Of(
            nameof(IoApicPolicies.Reset),
            "what a reset leaves",
            p => p.Reset, (p, value) => p with { Reset = value },
            (IoApicReset.Entries,
                "entries of 10000h; the lines are inputs and stay",
                "82093AA 3.2.4; QEMU ioapic_common.c; Xen vioapic_reset"),
            (IoApicReset.MaskOnly, "the mask is set and the rest of the entry kept; lines count as low", "KVM ioapic.c:kvm_ioapic_reset"),
            (IoApicReset.LogicalEntries,
                "entries of 10800h, masked and logical, after power-on as well",
                "OpenVMM RedirectionEntry::init")),
        Of(
            nameof(IoApicPolicies.PinZero),
            "which pin line 0 is",
            p => p.PinZero, (p, value) => p with { PinZero = value },
            (IoApicPinZero.Own, "pin 0: the wiring is the board's", "82093AA 2.4; KVM, OpenVMM, Xen"),
            (IoApicPinZero.PinTwo, "pin 2, where ISA IRQ 0 is", "QEMU ioapic.c:ioapic_set_irq")),
        Of(
            nameof(IoApicPolicies.Rtc),
            "what an assertion of pin 8 does while an earlier RTC interrupt awaits its EOI",
            p => p.Rtc, (p, value) => p with { Rtc = value },
            (IoApicRtc.Plain, "what it does at any other pin", "82093AA 3.2.4; QEMU, OpenVMM, Xen"),
            (IoApicRtc.Coalesced, "it is coalesced and leaves no trace", "KVM ioapic.c:rtc_irq_check_coalesced")),
        Of(
            nameof(IoApicPolicies.EdgeModes),
            "how an entry of delivery mode SMI, NMI, INIT or ExtINT with trigger mode level acts",
            p => p.EdgeModes, (p, value) => p with { EdgeModes = value },
            (IoApicEdgeModes.AlwaysEdge, "as edge-triggered: nobody sends an EOI for it", "SDM3 10.11.2; OpenVMM IrqEntry::evaluate"),
            (IoApicEdgeModes.ObeyTrigger,
                "as level-triggered",
                "KVM ioapic.c:ioapic_service; QEMU ioapic.c:ioapic_service; Xen vioapic.c")),
    ];

    private static ControllerPolicyPoint Of<T>(
        string property,
        string summary,
        Func<IoApicPolicies, T> get,
        Func<IoApicPolicies, T, IoApicPolicies> set,
        params ReadOnlySpan<(T Value, string Meaning, string Source)> values)
        where T : struct, Enum =>
        ControllerPolicyPoint.Of(
            new ControllerPolicyName(ControllerKind.IoApic, property),
            summary,
            controllers => get(controllers.IoApic),
            (controllers, value) => controllers with { IoApic = set(controllers.IoApic, value) },
            values);
}
