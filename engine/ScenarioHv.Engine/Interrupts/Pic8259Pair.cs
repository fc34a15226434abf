using System.Runtime.InteropServices;

namespace ScenarioHv.Engine.Interrupts;

/// <summary>
/// The two 8259As of a PC: the slave's INT drives IR2 of the master, the master's INT is what LINT0 and a core's INTR see.
/// The pin is not latched at the processor: it is sampled, and <see cref="Acknowledge"/> is the INTA sequence.
/// </summary>
/// <remarks>
/// The default value is not a pair: call <see cref="PowerOn"/> first.
/// Not modelled: time within an INTA sequence (the two pulses are one moment, so that no line changes between them), the count of KVM's
/// interrupt sources that share a line (the caller forms the OR), KVM's mask notifiers, and the moment of its ack notifiers: KVM calls
/// them before it recomputes the pin, here the IRQs are returned after. With <see cref="Pic8259Cascade.Wire"/> and
/// <see cref="Pic8259ShortPulse.Spurious"/> the slave's INT, and with it IR2, falls together with its request, so the spurious interrupt
/// is then the master's; IRQ15 comes only if IR2 can be driven by itself (<see cref="Pic8259Cascade.SharedWire"/>). OpenVMM's 2-byte
/// write to both command ports and its assertion that a slave acknowledged has a request are not modelled.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public struct Pic8259Pair
{
    /// <summary>Even port of the master.</summary>
    public const ushort MasterPort = 0x20;

    /// <summary>Even port of the slave.</summary>
    public const ushort SlavePort = 0xA0;

    /// <summary>The input of the master that the slave drives.</summary>
    public const int CascadeIrq = 2;

    /// <summary>The level that a chip supplies when it has no request.</summary>
    public const int SpuriousLevel = 7;

    /// <summary>IRQ0 to IRQ7.</summary>
    public Pic8259 Master;

    /// <summary>IRQ8 to IRQ15.</summary>
    public Pic8259 Slave;

    /// <summary>
    /// 1 if the INT pin of the master is high, as KVM's <c>output</c>. Always 0 with <see cref="Pic8259IntPin.Continuous"/>: it is
    /// computed.
    /// </summary>
    public byte StoredInt;

    /// <summary>For the layout only: always 0.</summary>
    public byte Reserved;

    /// <summary>True if the pair answers to a port.</summary>
    /// <param name="port">The I/O port.</param>
    public static bool Decodes(int port) =>
        port is MasterPort or MasterPort + 1 or SlavePort or SlavePort + 1 or ElcrRegister.MasterPort or ElcrRegister.SlavePort;

    /// <summary>The state after power-on: both chips uninitialised, lines low.</summary>
    public void PowerOn()
    {
        this = default;
        Master.PowerOn(1 << CascadeIrq);
        Slave.PowerOn(0);
    }

    /// <summary>The level of the INT pin of the master.</summary>
    /// <param name="policies">The machine's policies.</param>
    public readonly bool IntOutput(in Pic8259Policies policies) =>
        policies.IntPin == Pic8259IntPin.Continuous ? Master.Request(policies) >= 0 : StoredInt != 0;

    /// <summary>A line changes, or is driven again at the level it has.</summary>
    /// <param name="irq">0 to 15. IRQ2 is no input of a PC: what driving it does is <see cref="Pic8259Policies.Cascade"/>.</param>
    /// <param name="high">True if the line is high.</param>
    /// <param name="policies">The machine's policies.</param>
    /// <exception cref="InvalidOperationException">There is no such IRQ.</exception>
    public Pic8259LineOutcome SetLine(int irq, bool high, in Pic8259Policies policies)
    {
        if (irq is < 0 or > 15)
            throw new InvalidOperationException($"The 8259A pair has IRQ0 to IRQ15, not {irq}.");
        if (irq == CascadeIrq && policies.Cascade == Pic8259Cascade.Wire)
            return Pic8259LineOutcome.Done;
        var outcome = irq < 8 ? Master.SetLine(irq, high, policies) : Slave.SetLine(irq - 8, high, policies);
        Update(slaveTouched: irq >= 8, policies);
        return outcome;
    }

    /// <summary>
    /// The INTA sequence: the master's request, and if that is the cascade the slave's, is put in service, and its vector is read.
    /// A chip without a request supplies level 7 and sets no ISR bit; the master's bit 2 is set even if the slave had none.
    /// </summary>
    /// <param name="policies">The machine's policies.</param>
    public Pic8259Acknowledge Acknowledge(in Pic8259Policies policies)
    {
        int input = Master.Request(policies);
        if (input < 0)
        {
            if (policies.IntPin != Pic8259IntPin.AtTouches)
                Update(slaveTouched: false, policies);
            return new Pic8259Acknowledge((byte)(Master.VectorBase | SpuriousLevel), SpuriousLevel, isSpurious: true, 0);
        }

        if ((Master.CascadeInputs & 1 << input) != 0)
            return AcknowledgeSlave(input, policies);
        Master.BeginService(input, policies);
        byte ended = Master.EndOfAcknowledge(input, policies);
        Update(slaveTouched: false, policies);
        return new Pic8259Acknowledge((byte)(Master.VectorBase | input), input, isSpurious: false, ended);
    }

    /// <summary>A byte is written to a port.</summary>
    /// <param name="port">20h, 21h, A0h, A1h, 4D0h or 4D1h.</param>
    /// <param name="value">The byte.</param>
    /// <param name="policies">The machine's policies.</param>
    /// <param name="isAccepted">
    /// KVM, ICW1: some vCPU accepts the pair's interrupts, so that the edge requests dropped are notified
    /// (see <see cref="Pic8259Reinit.KeepIsrNotifyEdges"/>).
    /// </param>
    /// <returns>The IRQs 0 to 15, one bit each, whose EOI it was.</returns>
    /// <exception cref="InvalidOperationException">The pair has no such port.</exception>
    public ushort Write(int port, byte value, in Pic8259Policies policies, bool isAccepted = true)
    {
        ref Pic8259 chip = ref Chip(ref this, port, out bool isSlave);
        if (port is ElcrRegister.MasterPort or ElcrRegister.SlavePort)
        {
            chip.Elcr = ElcrRegister.Stored(port, value, policies.ElcrMask);
            UpdateUnlessStored(isSlave, policies);
            return 0;
        }

        var effect = (port & 1) != 0 ? chip.WriteOdd(value) : chip.WriteEven(value, policies, isAccepted);
        if (effect.Updates)
            Update(isSlave, policies);
        else
            UpdateUnlessStored(isSlave, policies);
        return (ushort)(isSlave ? effect.Ended << 8 : effect.Ended);
    }

    /// <summary>A byte is read from a port.</summary>
    /// <param name="port">20h, 21h, A0h, A1h, 4D0h or 4D1h.</param>
    /// <param name="policies">The machine's policies.</param>
    /// <exception cref="InvalidOperationException">The pair has no such port.</exception>
    public Pic8259Read Read(int port, in Pic8259Policies policies)
    {
        ref Pic8259 chip = ref Chip(ref this, port, out bool isSlave);
        if (port is ElcrRegister.MasterPort or ElcrRegister.SlavePort)
            return new Pic8259Read(chip.Elcr, 0);
        bool odd = (port & 1) != 0;
        if (!chip.Polls(odd, policies))
            return new Pic8259Read(chip.ReadRegister(odd, policies), 0);
        byte value = chip.ReadPoll(policies, out int input, out byte ended);
        bool endsAtOnce = policies.Poll == Pic8259Poll.AcknowledgesAndEnds && input >= 0;
        if (endsAtOnce && isSlave)
            Master.Forget(CascadeIrq, policies);
        // KVM leaves its output alone when a poll of the master has found the cascade: the slave is to be polled next.
        bool leavesPin = endsAtOnce ? !isSlave && input == CascadeIrq : input < 0 && policies.IntPin == Pic8259IntPin.AtTouches;
        if (leavesPin)
            UpdateUnlessStored(isSlave, policies);
        else
            Update(isSlave, policies);
        return new Pic8259Read(value, (ushort)(isSlave ? ended << 8 : ended));
    }

    private Pic8259Acknowledge AcknowledgeSlave(int cascade, in Pic8259Policies policies)
    {
        int input = Slave.Request(policies);
        int ended = policies.IntPin == Pic8259IntPin.AtTouches
            ? AcknowledgeInTurn(input, cascade, policies)
            : AcknowledgeAtOnce(input, cascade, policies);
        int level = input >= 0 ? input : SpuriousLevel;
        return new Pic8259Acknowledge((byte)(Slave.VectorBase | level), 8 + level, input < 0, (ushort)ended);
    }

    // The slave goes first: its INT falls while the master still has the request, and may rise again only when AEOI has ended it.
    private int AcknowledgeAtOnce(int input, int cascade, in Pic8259Policies policies)
    {
        if (input >= 0)
            Slave.BeginService(input, policies);
        DriveWire(policies);
        Master.BeginService(cascade, policies);
        int ended = input >= 0 ? Slave.EndOfAcknowledge(input, policies) << 8 : 0;
        ended |= Master.EndOfAcknowledge(cascade, policies);
        Update(slaveTouched: true, policies);
        return ended;
    }

    // QEMU i8259.c:pic_read_irq: one chip is done with before the other, AEOI included, and a slave without a request is not touched.
    private int AcknowledgeInTurn(int input, int cascade, in Pic8259Policies policies)
    {
        int ended = 0;
        if (input >= 0)
        {
            Slave.BeginService(input, policies);
            ended = Slave.EndOfAcknowledge(input, policies) << 8;
            Update(slaveTouched: true, policies);
        }

        Master.BeginService(cascade, policies);
        ended |= Master.EndOfAcknowledge(cascade, policies);
        Update(slaveTouched: false, policies);
        return ended;
    }

    private static ref Pic8259 Chip(ref Pic8259Pair pair, int port, out bool isSlave)
    {
        if (!Decodes(port))
            throw new InvalidOperationException($"The 8259A pair has no port {port:X}h.");
        isSlave = port is SlavePort or SlavePort + 1 or ElcrRegister.SlavePort;
        return ref isSlave ? ref pair.Slave : ref pair.Master;
    }

    /// <summary>The cascade and the pin follow the requests.</summary>
    private void Update(bool slaveTouched, in Pic8259Policies policies)
    {
        if (policies.Cascade == Pic8259Cascade.Pulse)
        {
            if (Slave.Request(policies) >= 0)
            {
                Master.SetLine(CascadeIrq, high: true, policies);
                Master.SetLine(CascadeIrq, high: false, policies);
            }
        }
        else if (slaveTouched)
        {
            DriveWire(policies);
        }

        StoredInt = policies.IntPin != Pic8259IntPin.Continuous && Master.Request(policies) >= 0 ? (byte)1 : (byte)0;
    }

    /// <summary>After an operation that neither KVM nor QEMU recomputes after.</summary>
    private void UpdateUnlessStored(bool slaveTouched, in Pic8259Policies policies)
    {
        if (policies.IntPin == Pic8259IntPin.Continuous)
            Update(slaveTouched, policies);
    }

    private void DriveWire(in Pic8259Policies policies)
    {
        if (policies.Cascade != Pic8259Cascade.Pulse)
            Master.SetLine(CascadeIrq, Slave.Request(policies) >= 0, policies);
    }
}
