namespace ScenarioHv.Engine.Interrupts;

/// <summary>
/// What ICW1 leaves standing besides the IMR, the rotation, the special mask flag and the read selection, which it always resets.
/// </summary>
public enum Pic8259Reinit : byte
{
    /// <summary>
    /// The edge-detect circuit is reset, so that each edge input needs a fresh low-to-high; AEOI and SFNM go if IC4 = 0; the ISR is kept
    /// (8259A, ICW1, which does not mention the ISR).
    /// </summary>
    KeepIsr = 0,

    /// <summary>
    /// The memory of the lines is cleared, so that a line already high is a new edge when it is driven again; the IRR keeps its level
    /// inputs; ISR and vector base are kept. If some vCPU accepts the 8259's interrupts, each edge request that is dropped is notified as
    /// acknowledged, which clears its ISR bit (KVM i8259.c:kvm_pic_reset).
    /// </summary>
    KeepIsrNotifyEdges = 1,

    /// <summary>
    /// The memory of the lines is cleared as in KVM, and ISR, vector base, all of ICW4, the poll and the rotation in AEOI go (QEMU
    /// i8259_common.c:pic_reset_common).
    /// </summary>
    Clear = 2,

    /// <summary>ISR and vector base go; each input counts as low before, so that a high line is an edge (OpenVMM chipset/pic).</summary>
    ClearAndRearm = 3,
}

/// <summary>What ICW1 bit 1 (SNGL) does.</summary>
public enum Pic8259Single : byte
{
    /// <summary>No ICW3 is expected (8259A, QEMU).</summary>
    Honoured = 0,

    /// <summary>ICW3 is expected all the same (KVM, OpenVMM).</summary>
    Ignored = 1,
}

/// <summary>What ICW1 bit 3 (LTIM) does.</summary>
public enum Pic8259LevelBit : byte
{
    /// <summary>Every input is level-triggered until the next ICW1 (8259A, recent QEMU).</summary>
    Honoured = 0,

    /// <summary>The trigger of an input is the ELCR's alone (KVM, QEMU 7.2, OpenVMM).</summary>
    Ignored = 1,
}

/// <summary>What special mask mode (OCW3 bits 6:5) does.</summary>
public enum Pic8259SpecialMask : byte
{
    /// <summary>A masked level in service blocks nothing, and a non-specific EOI passes over it (8259A).</summary>
    Works = 0,

    /// <summary>A masked level in service blocks nothing; a non-specific EOI ends the highest level, masked or not (QEMU).</summary>
    WorksWithPlainEoi = 1,

    /// <summary>The flag is stored and has no effect (KVM).</summary>
    StoredOnly = 2,

    /// <summary>The flag cannot be set (OpenVMM).</summary>
    Rejected = 3,
}

/// <summary>What reading a poll does if there is a request.</summary>
public enum Pic8259Poll : byte
{
    /// <summary>It is an INTA: the ISR bit is set (8259A, QEMU, OpenVMM).</summary>
    AsInta = 0,

    /// <summary>
    /// It is INTA and EOI at once: the request goes, level or not, and the ISR bit is cleared; on the slave, IRR and ISR bit 2 of the
    /// master go too (KVM i8259.c:pic_poll_read).
    /// </summary>
    AcknowledgesAndEnds = 1,
}

/// <summary>Bit 7 of a poll with a request.</summary>
public enum Pic8259PollBit7 : byte
{
    /// <summary>1 (8259A, QEMU, OpenVMM, KVM as recorded in 6.18).</summary>
    Set = 0,

    /// <summary>0: only the level is returned (KVM before the fix of <c>pic_poll_read</c>).</summary>
    Absent = 1,
}

/// <summary>The value of a poll without a request, of which the 8259A defines only bit 7.</summary>
public enum Pic8259PollIdle : byte
{
    /// <summary>00h (QEMU; taken for the 8259A too).</summary>
    Zero = 0,

    /// <summary>07h (KVM, OpenVMM).</summary>
    Seven = 1,
}

/// <summary>Which port's read answers a poll.</summary>
public enum Pic8259PollPorts : byte
{
    /// <summary>Either (8259A, KVM, QEMU).</summary>
    Both = 0,

    /// <summary>The even one; the odd one returns the IMR and leaves the poll for later (OpenVMM).</summary>
    EvenOnly = 1,
}

/// <summary>What becomes of an edge whose line falls before INTA.</summary>
public enum Pic8259ShortPulse : byte
{
    /// <summary>The request is withdrawn; an INTA already under way gives the spurious level 7 (8259A, OpenVMM).</summary>
    Spurious = 0,

    /// <summary>The request is latched until INTA and gives the real vector (KVM, QEMU).</summary>
    Latched = 1,
}

/// <summary>How a request of the slave reaches IR2 of the master.</summary>
public enum Pic8259Cascade : byte
{
    /// <summary>By the level of the slave's INT pin. IRQ2 is no input of a PC: driving it does nothing (8259A).</summary>
    Wire = 0,

    /// <summary>
    /// By a pulse at each recomputation for as long as the slave has a request, which needs short pulses to be latched (KVM
    /// i8259.c:pic_update_irq).
    /// </summary>
    Pulse = 1,

    /// <summary>
    /// By the level of the slave's INT pin whenever the slave is touched; until then IRQ2 can be driven to another level (QEMU
    /// i8259.c:pic_set_irq serves both; OpenVMM).
    /// </summary>
    SharedWire = 2,
}

/// <summary>What IR2 in service blocks in special fully nested mode (ICW4 bit 4 of the master).</summary>
public enum Pic8259FullyNested : byte
{
    /// <summary>Levels below it: the slave alone is not locked out (8259A, special fully nested mode).</summary>
    SlaveNests = 0,

    /// <summary>Nothing, so that a request below it interrupts too (KVM i8259.c:pic_get_irq, QEMU i8259.c:pic_get_irq).</summary>
    CascadeBlocksNothing = 1,
}

/// <summary>When the INT pin of the master follows its requests.</summary>
public enum Pic8259IntPin : byte
{
    /// <summary>Always (8259A, QEMU, OpenVMM).</summary>
    Continuous = 0,

    /// <summary>
    /// It is a stored level that ICW1 to ICW4, the ELCR and a poll of the master that finds IR2 leave as it is, so that a window
    /// opened then takes a spurious interrupt (KVM's <c>output</c>).
    /// </summary>
    AtUpdates = 1,

    /// <summary>
    /// The INT pin of either chip is a stored level that follows when one of its inputs is driven, at ICW1 and OCW1, when a request is
    /// acknowledged by INTA or a poll, and when OCW2 ends or rotates something. OCW3, ICW2 to ICW4, the ELCR, an idle poll and a spurious
    /// INTA leave it: special mask mode, for one, lets nothing through before the next of these (QEMU i8259.c:pic_update_irq).
    /// </summary>
    AtTouches = 2,
}

/// <summary>The ISR bit in AEOI mode.</summary>
public enum Pic8259AutoEoi : byte
{
    /// <summary>Set by the first INTA pulse, cleared at the end of the second (8259A, KVM, OpenVMM).</summary>
    SetsThenClears = 0,

    /// <summary>
    /// Neither set nor cleared. The slave's INT then does not fall between two of its requests, IR2 sees no edge, and the second one waits
    /// (QEMU i8259.c:pic_intack).
    /// </summary>
    NeverSets = 1,
}

/// <summary>What OCW3 with RR = 0 does to the register that reads of the even port return.</summary>
public enum Pic8259ReadSelect : byte
{
    /// <summary>The selection stays (8259A, KVM, QEMU).</summary>
    Sticky = 0,

    /// <summary>Each OCW3 replaces it whole, poll included: with RR = 0 reads return 0 (OpenVMM).</summary>
    Replaced = 1,
}

/// <summary>Which ELCR bits can be written.</summary>
public enum Pic8259ElcrMask : byte
{
    /// <summary>IRQ0, 1, 2, 8 and 13 stay edge (PIIX4, KVM, QEMU).</summary>
    Enforced = 0,

    /// <summary>All (OpenVMM).</summary>
    Unmasked = 1,
}

/// <summary>
/// Every rule on which the 8259A and its models differ. Configuration of the machine, not state. The default value is
/// <see cref="Architectural"/>.
/// </summary>
public readonly record struct Pic8259Policies
{
    /// <summary>The 8259A datasheet.</summary>
    public static Pic8259Policies Architectural => default;

    /// <summary>KVM's in-kernel pair as recorded in Linux 6.18 (KVM i8259.c).</summary>
    public static Pic8259Policies Kvm => new()
    {
        Reinit = Pic8259Reinit.KeepIsrNotifyEdges,
        Single = Pic8259Single.Ignored,
        LevelBit = Pic8259LevelBit.Ignored,
        SpecialMask = Pic8259SpecialMask.StoredOnly,
        Poll = Pic8259Poll.AcknowledgesAndEnds,
        PollIdle = Pic8259PollIdle.Seven,
        ShortPulse = Pic8259ShortPulse.Latched,
        Cascade = Pic8259Cascade.Pulse,
        FullyNested = Pic8259FullyNested.CascadeBlocksNothing,
        IntPin = Pic8259IntPin.AtUpdates,
    };

    /// <summary>QEMU 7.2's userspace pair (QEMU i8259.c, i8259_common.c).</summary>
    public static Pic8259Policies Qemu => new()
    {
        Reinit = Pic8259Reinit.Clear,
        LevelBit = Pic8259LevelBit.Ignored,
        SpecialMask = Pic8259SpecialMask.WorksWithPlainEoi,
        ShortPulse = Pic8259ShortPulse.Latched,
        Cascade = Pic8259Cascade.SharedWire,
        FullyNested = Pic8259FullyNested.CascadeBlocksNothing,
        IntPin = Pic8259IntPin.AtTouches,
        AutoEoi = Pic8259AutoEoi.NeverSets,
    };

    /// <summary>OpenVMM's pair (chipset/pic). Rotation, AEOI and SFNM, of which nothing else is known, are the datasheet's.</summary>
    public static Pic8259Policies OpenVmm => new()
    {
        Reinit = Pic8259Reinit.ClearAndRearm,
        Single = Pic8259Single.Ignored,
        LevelBit = Pic8259LevelBit.Ignored,
        SpecialMask = Pic8259SpecialMask.Rejected,
        PollIdle = Pic8259PollIdle.Seven,
        PollPorts = Pic8259PollPorts.EvenOnly,
        Cascade = Pic8259Cascade.SharedWire,
        ReadSelect = Pic8259ReadSelect.Replaced,
        ElcrMask = Pic8259ElcrMask.Unmasked,
    };

    /// <summary>What ICW1 leaves standing.</summary>
    public Pic8259Reinit Reinit { get; init; }

    /// <summary>What SNGL does.</summary>
    public Pic8259Single Single { get; init; }

    /// <summary>What LTIM does.</summary>
    public Pic8259LevelBit LevelBit { get; init; }

    /// <summary>What special mask mode does.</summary>
    public Pic8259SpecialMask SpecialMask { get; init; }

    /// <summary>What a poll with a request does.</summary>
    public Pic8259Poll Poll { get; init; }

    /// <summary>Bit 7 of a poll with a request.</summary>
    public Pic8259PollBit7 PollBit7 { get; init; }

    /// <summary>A poll without a request.</summary>
    public Pic8259PollIdle PollIdle { get; init; }

    /// <summary>Which port answers a poll.</summary>
    public Pic8259PollPorts PollPorts { get; init; }

    /// <summary>What becomes of an edge whose line falls before INTA.</summary>
    public Pic8259ShortPulse ShortPulse { get; init; }

    /// <summary>How the slave reaches the master.</summary>
    public Pic8259Cascade Cascade { get; init; }

    /// <summary>What IR2 in service blocks in special fully nested mode.</summary>
    public Pic8259FullyNested FullyNested { get; init; }

    /// <summary>When the INT pin follows.</summary>
    public Pic8259IntPin IntPin { get; init; }

    /// <summary>The ISR bit in AEOI mode.</summary>
    public Pic8259AutoEoi AutoEoi { get; init; }

    /// <summary>What OCW3 with RR = 0 does.</summary>
    public Pic8259ReadSelect ReadSelect { get; init; }

    /// <summary>Which ELCR bits can be written.</summary>
    public Pic8259ElcrMask ElcrMask { get; init; }
}
