using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Policies;

/// <summary>The choices of an 8259A pair in words.</summary>
internal static class Pic8259PolicyTable
{
    /// <summary>The points.</summary>
    public static IReadOnlyList<ControllerPolicyPoint> Points { get; } =
    [
        Of(
            nameof(Pic8259Policies.Reinit),
            "what ICW1 leaves standing besides the IMR, the rotation, the special mask flag and the read selection, which it always "
                + "resets",
            p => p.Reinit, (p, value) => p with { Reinit = value },
            (Pic8259Reinit.KeepIsr,
                "the edge-detect circuit is reset, so that each edge input needs a fresh low-to-high; AEOI and SFNM go if IC4 = 0; "
                    + "the ISR is kept",
                "8259A, ICW1, which does not mention the ISR"),
            (Pic8259Reinit.KeepIsrNotifyEdges,
                "the memory of the lines is cleared, so that a line already high is a new edge when it is driven again; the IRR "
                    + "keeps its level inputs; ISR and vector base are kept. If some vCPU accepts the 8259's interrupts, each edge "
                    + "request that is dropped is notified as acknowledged, which clears its ISR bit",
                "KVM i8259.c:kvm_pic_reset"),
            (Pic8259Reinit.Clear,
                "the memory of the lines is cleared as in KVM, and ISR, vector base, all of ICW4, the poll and the rotation in AEOI go",
                "QEMU i8259_common.c:pic_reset_common"),
            (Pic8259Reinit.ClearAndRearm,
                "ISR and vector base go; each input counts as low before, so that a high line is an edge",
                "OpenVMM chipset/pic")),
        Of(
            nameof(Pic8259Policies.Single),
            "what ICW1 bit 1 (SNGL) does",
            p => p.Single, (p, value) => p with { Single = value },
            (Pic8259Single.Honoured, "no ICW3 is expected", "8259A, QEMU"),
            (Pic8259Single.Ignored, "ICW3 is expected all the same", "KVM, OpenVMM")),
        Of(
            nameof(Pic8259Policies.LevelBit),
            "what ICW1 bit 3 (LTIM) does",
            p => p.LevelBit, (p, value) => p with { LevelBit = value },
            (Pic8259LevelBit.Honoured, "every input is level-triggered until the next ICW1", "8259A, recent QEMU"),
            (Pic8259LevelBit.Ignored, "the trigger of an input is the ELCR's alone", "KVM, QEMU 7.2, OpenVMM")),
        Of(
            nameof(Pic8259Policies.SpecialMask),
            "what special mask mode (OCW3 bits 6:5) does",
            p => p.SpecialMask, (p, value) => p with { SpecialMask = value },
            (Pic8259SpecialMask.Works, "a masked level in service blocks nothing, and a non-specific EOI passes over it", "8259A"),
            (Pic8259SpecialMask.WorksWithPlainEoi,
                "a masked level in service blocks nothing; a non-specific EOI ends the highest level, masked or not",
                "QEMU"),
            (Pic8259SpecialMask.StoredOnly, "the flag is stored and has no effect", "KVM"),
            (Pic8259SpecialMask.Rejected, "the flag cannot be set", "OpenVMM")),
        Of(
            nameof(Pic8259Policies.Poll),
            "what reading a poll does if there is a request",
            p => p.Poll, (p, value) => p with { Poll = value },
            (Pic8259Poll.AsInta, "it is an INTA: the ISR bit is set", "8259A, QEMU, OpenVMM"),
            (Pic8259Poll.AcknowledgesAndEnds,
                "it is INTA and EOI at once: the request goes, level or not, and the ISR bit is cleared; on the slave, IRR and ISR "
                    + "bit 2 of the master go too",
                "KVM i8259.c:pic_poll_read")),
        Of(
            nameof(Pic8259Policies.PollBit7),
            "bit 7 of a poll with a request",
            p => p.PollBit7, (p, value) => p with { PollBit7 = value },
            (Pic8259PollBit7.Set, "1", "8259A, QEMU, OpenVMM, KVM as recorded in 6.18"),
            (Pic8259PollBit7.Absent, "0: only the level is returned", "KVM before the fix of pic_poll_read")),
        Of(
            nameof(Pic8259Policies.PollIdle),
            "the value of a poll without a request, of which the 8259A defines only bit 7",
            p => p.PollIdle, (p, value) => p with { PollIdle = value },
            (Pic8259PollIdle.Zero, "00h", "QEMU; taken for the 8259A too"),
            (Pic8259PollIdle.Seven, "07h", "KVM, OpenVMM")),
        Of(
            nameof(Pic8259Policies.PollPorts),
            "which port's read answers a poll",
            p => p.PollPorts, (p, value) => p with { PollPorts = value },
            (Pic8259PollPorts.Both, "either", "8259A, KVM, QEMU"),
            (Pic8259PollPorts.EvenOnly, "the even one; the odd one returns the IMR and leaves the poll for later", "OpenVMM")),
        Of(
            nameof(Pic8259Policies.ShortPulse),
            "what becomes of an edge whose line falls before INTA",
            p => p.ShortPulse, (p, value) => p with { ShortPulse = value },
            (Pic8259ShortPulse.Spurious,
                "the request is withdrawn; an INTA already under way gives the spurious level 7",
                "8259A, OpenVMM"),
            (Pic8259ShortPulse.Latched, "the request is latched until INTA and gives the real vector", "KVM, QEMU")),
        Of(
            nameof(Pic8259Policies.Cascade),
            "how a request of the slave reaches IR2 of the master",
            p => p.Cascade, (p, value) => p with { Cascade = value },
            (Pic8259Cascade.Wire, "by the level of the slave's INT pin. IRQ2 is no input of a PC: driving it does nothing", "8259A"),
            (Pic8259Cascade.Pulse,
                "by a pulse at each recomputation for as long as the slave has a request, which needs short pulses to be latched",
                "KVM i8259.c:pic_update_irq"),
            (Pic8259Cascade.SharedWire,
                "by the level of the slave's INT pin whenever the slave is touched; until then IRQ2 can be driven to another level",
                "QEMU i8259.c:pic_set_irq serves both; OpenVMM")),
        Of(
            nameof(Pic8259Policies.FullyNested),
            "what IR2 in service blocks in special fully nested mode (ICW4 bit 4 of the master)",
            p => p.FullyNested, (p, value) => p with { FullyNested = value },
            (Pic8259FullyNested.SlaveNests, "levels below it: the slave alone is not locked out", "8259A, special fully nested mode"),
            (Pic8259FullyNested.CascadeBlocksNothing,
                "nothing, so that a request below it interrupts too",
                "KVM i8259.c:pic_get_irq, QEMU i8259.c:pic_get_irq")),
        Of(
            nameof(Pic8259Policies.IntPin),
            "when the INT pin of the master follows its requests",
            p => p.IntPin, (p, value) => p with { IntPin = value },
            (Pic8259IntPin.Continuous, "always", "8259A, QEMU, OpenVMM"),
            (Pic8259IntPin.AtUpdates,
                "it is a stored level that ICW1 to ICW4, the ELCR and a poll of the master that finds IR2 leave as it is, so that a "
                    + "window opened then takes a spurious interrupt",
                "KVM's output"),
            (Pic8259IntPin.AtTouches,
                "the INT pin of either chip is a stored level that follows when one of its inputs is driven, at ICW1 and OCW1, when "
                    + "a request is acknowledged by INTA or a poll, and when OCW2 ends or rotates something. OCW3, ICW2 to ICW4, the "
                    + "ELCR, an idle poll and a spurious INTA leave it: special mask mode, for one, lets nothing through before the next "
                    + "of these",
                "QEMU i8259.c:pic_update_irq")),
        Of(
            nameof(Pic8259Policies.AutoEoi),
            "the ISR bit in AEOI mode",
            p => p.AutoEoi, (p, value) => p with { AutoEoi = value },
            (Pic8259AutoEoi.SetsThenClears, "set by the first INTA pulse, cleared at the end of the second", "8259A, KVM, OpenVMM"),
            (Pic8259AutoEoi.NeverSets,
                "neither set nor cleared. The slave's INT then does not fall between two of its requests, IR2 sees no edge, and the "
                    + "second one waits",
                "QEMU i8259.c:pic_intack")),
        Of(
            nameof(Pic8259Policies.ReadSelect),
            "what OCW3 with RR = 0 does to the register that reads of the even port return",
            p => p.ReadSelect, (p, value) => p with { ReadSelect = value },
            (Pic8259ReadSelect.Sticky, "the selection stays", "8259A, KVM, QEMU"),
            (Pic8259ReadSelect.Replaced, "each OCW3 replaces it whole, poll included: with RR = 0 reads return 0", "OpenVMM")),
        Of(
            nameof(Pic8259Policies.ElcrMask),
            "which ELCR bits can be written",
            p => p.ElcrMask, (p, value) => p with { ElcrMask = value },
            (Pic8259ElcrMask.Enforced, "IRQ0, 1, 2, 8 and 13 stay edge", "PIIX4, KVM, QEMU"),
            (Pic8259ElcrMask.Unmasked, "all", "OpenVMM")),
    ];

    private static ControllerPolicyPoint Of<T>(
        string property,
        string summary,
        Func<Pic8259Policies, T> get,
        Func<Pic8259Policies, T, Pic8259Policies> set,
        params ReadOnlySpan<(T Value, string Meaning, string Source)> values)
        where T : struct, Enum =>
        ControllerPolicyPoint.Of(
            new ControllerPolicyName(ControllerKind.Pic, property),
            summary,
            controllers => get(controllers.Pic),
            (controllers, value) => controllers with { Pic = set(controllers.Pic, value) },
            values);
}
