using System.Numerics;
using System.Runtime.InteropServices;

namespace ScenarioHv.Engine.Interrupts;

/// <summary>
/// One 8259A (8259A datasheet; KVM i8259.c; QEMU i8259.c; OpenVMM chipset/pic). It knows nothing of its partner: <see cref="Pic8259Pair"/>
/// wires two of them.
/// </summary>
/// <remarks>
/// Not modelled: 8080/8085 mode (uPM = 0 behaves as 8086 mode, as in every PC model), buffered mode, the value of ICW3 (the wiring of
/// the PC
/// is assumed), the vector of IR2 on a chip that is programmed as single (it stays the slave's), accesses of other widths than a byte.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public struct Pic8259
{
    private const byte Icw1 = 0x10;
    private const byte Ocw3 = 0x08;
    private const byte IdlePollLevel = 7;

    /// <summary><see cref="Pic8259ShortPulse.Latched"/>: the IRR. Otherwise 0: the IRR is computed.</summary>
    public byte Latched;

    /// <summary>The inputs as last driven. KVM and QEMU (<c>last_irr</c>) forget them at ICW1.</summary>
    public byte Lines;

    /// <summary>
    /// <see cref="Pic8259ShortPulse.Spurious"/>: high inputs whose edge is used up, by INTA or ICW1. A fall re-arms. Otherwise 0.
    /// </summary>
    public byte Spent;

    /// <summary>In-service register.</summary>
    public byte Isr;

    /// <summary>Interrupt mask register: 1 = masked.</summary>
    public byte Imr;

    /// <summary>Bits 7:3 of the vectors (ICW2).</summary>
    public byte VectorBase;

    /// <summary>The input with the highest priority, 0 to 7; the one before it has the lowest. 0 after ICW1.</summary>
    public byte HighestPriority;

    /// <summary>What the odd port expects.</summary>
    public Pic8259Init Init;

    /// <summary>The chip's half of the ELCR: 1 = level.</summary>
    public byte Elcr;

    /// <summary>The inputs that a slave drives: 04h on the master of a PC, 0 on the slave.</summary>
    public byte CascadeInputs;

    /// <summary>The one-bit state.</summary>
    public Pic8259Modes Modes;

    /// <summary>The state after power-on: uninitialised, all zero, lines low.</summary>
    /// <param name="cascadeInputs">The inputs that a slave drives.</param>
    public void PowerOn(byte cascadeInputs) => this = new Pic8259 { CascadeInputs = cascadeInputs };

    /// <summary>True if all of <paramref name="modes"/> are set.</summary>
    /// <param name="modes">The modes to look at.</param>
    public readonly bool Has(Pic8259Modes modes) => (Modes & modes) == modes;

    /// <summary>Interrupt request register.</summary>
    /// <param name="policies">The machine's policies.</param>
    public readonly byte Irr(in Pic8259Policies policies) =>
        policies.ShortPulse == Pic8259ShortPulse.Latched ? Latched : (byte)(Lines & (LevelInputs | ~Spent));

    /// <summary>
    /// The input that is requesting service: the unmasked request with the highest priority, if that is above everything in
    /// service; -1 if there is none.
    /// </summary>
    /// <param name="policies">The machine's policies.</param>
    public readonly int Request(in Pic8259Policies policies)
    {
        int requests = Irr(policies) & ~Imr;
        int blocking = Isr;
        if (Has(Pic8259Modes.SpecialMask)
            && policies.SpecialMask is Pic8259SpecialMask.Works or Pic8259SpecialMask.WorksWithPlainEoi)
            blocking &= ~Imr;
        bool nestsInSlave = Has(Pic8259Modes.SpecialFullyNested);
        if (nestsInSlave && policies.FullyNested == Pic8259FullyNested.CascadeBlocksNothing)
            blocking &= ~CascadeInputs;
        int rank = HighestRank(requests);
        int limit = HighestRank(blocking);
        if (nestsInSlave && limit < 8 && (CascadeInputs & 1 << AtRank(limit)) != 0)
            limit++;
        return rank < limit ? AtRank(rank) : -1;
    }

    /// <summary>A line changes, or is driven again at the level it has.</summary>
    /// <param name="input">0 to 7.</param>
    /// <param name="high">True if the line is high.</param>
    /// <param name="policies">The machine's policies.</param>
    public Pic8259LineOutcome SetLine(int input, bool high, in Pic8259Policies policies)
    {
        var bit = (byte)(1 << input);
        bool counts = high && ((Lines & bit) == 0 || (LevelInputs & bit) != 0);
        bool coalesced = counts && (Irr(policies) & bit) != 0;
        Lines = (byte)(high ? Lines | bit : Lines & ~bit);
        if (policies.ShortPulse == Pic8259ShortPulse.Latched)
        {
            if (counts)
                Latched |= bit;
            else if (!high && (LevelInputs & bit) != 0)
                Latched = (byte)(Latched & ~bit);
        }
        else if (!high)
        {
            Spent = (byte)(Spent & ~bit);
        }

        if ((Imr & bit) != 0)
            return Pic8259LineOutcome.Masked;
        return coalesced ? Pic8259LineOutcome.Coalesced : Pic8259LineOutcome.Done;
    }

    /// <summary>The first INTA pulse takes a request: its ISR bit is set, and an edge is used up.</summary>
    /// <param name="input">The answer of <see cref="Request"/>.</param>
    /// <param name="policies">The machine's policies.</param>
    public void BeginService(int input, in Pic8259Policies policies)
    {
        var bit = (byte)(1 << input);
        if (!Has(Pic8259Modes.AutoEoi) || policies.AutoEoi == Pic8259AutoEoi.SetsThenClears)
            Isr |= bit;
        if ((LevelInputs & bit) == 0)
            Latched = (byte)(Latched & ~bit);
        if (policies.ShortPulse == Pic8259ShortPulse.Spurious)
            Spent |= (byte)(Lines & bit);
    }

    /// <summary>The end of the last INTA pulse: in AEOI mode the ISR bit is cleared, with rotation if that is on.</summary>
    /// <param name="input">The input of <see cref="BeginService"/>.</param>
    /// <param name="policies">The machine's policies.</param>
    /// <returns>The inputs ended, one bit each.</returns>
    public byte EndOfAcknowledge(int input, in Pic8259Policies policies)
    {
        if (!Has(Pic8259Modes.AutoEoi))
            return 0;
        if (Has(Pic8259Modes.RotateInAutoEoi))
            MakeLowest(input);
        return policies.AutoEoi == Pic8259AutoEoi.NeverSets ? (byte)(1 << input) : EndService(input);
    }

    /// <summary>A write to the even port: ICW1, OCW2 or OCW3.</summary>
    /// <param name="value">The byte.</param>
    /// <param name="policies">The machine's policies.</param>
    /// <param name="isAccepted">KVM: some vCPU accepts the pair's interrupts (<c>kvm_apic_accept_pic_intr</c>); ICW1 looks at it.</param>
    public Pic8259Effect WriteEven(byte value, in Pic8259Policies policies, bool isAccepted)
    {
        if ((value & Icw1) != 0)
        {
            byte ended = Reinitialise(value, policies, isAccepted);
            return new Pic8259Effect(ended, updates: policies.IntPin == Pic8259IntPin.AtTouches);
        }

        if ((value & Ocw3) == 0)
            return WriteOcw2(value >> 5, value & 7, policies);
        WriteOcw3(value, policies);
        return default;
    }

    /// <summary>A write to the odd port: OCW1, or what an initialisation expects.</summary>
    /// <param name="value">The byte.</param>
    public Pic8259Effect WriteOdd(byte value)
    {
        Pic8259Init last = Has(Pic8259Modes.Icw4Follows) ? Pic8259Init.ExpectsIcw4 : Pic8259Init.Ready;
        switch (Init)
        {
            case Pic8259Init.Ready:
                Imr = value;
                return new Pic8259Effect(0, updates: true);
            case Pic8259Init.ExpectsIcw2:
                VectorBase = (byte)(value & 0xF8);
                Init = Has(Pic8259Modes.Single) ? last : Pic8259Init.ExpectsIcw3;
                return default;
            case Pic8259Init.ExpectsIcw3:
                Init = last;
                return default;
            case Pic8259Init.ExpectsIcw4:
                SetMode(Pic8259Modes.AutoEoi, (value & 0x02) != 0);
                SetMode(Pic8259Modes.SpecialFullyNested, (value & 0x10) != 0);
                Init = Pic8259Init.Ready;
                return default;
            default:
                throw new InvalidOperationException($"No initialisation state {(int)Init}.");
        }
    }

    /// <summary>True if the next read of a port is the answer to a poll: call <see cref="ReadPoll"/>.</summary>
    /// <param name="odd">True for the odd port.</param>
    /// <param name="policies">The machine's policies.</param>
    public readonly bool Polls(bool odd, in Pic8259Policies policies) =>
        Has(Pic8259Modes.Poll) && (!odd || policies.PollPorts == Pic8259PollPorts.Both);

    /// <summary>A read that is no poll: the IMR from the odd port, IRR or ISR from the even one.</summary>
    /// <param name="odd">True for the odd port.</param>
    /// <param name="policies">The machine's policies.</param>
    public readonly byte ReadRegister(bool odd, in Pic8259Policies policies)
    {
        if (odd)
            return Imr;
        if (Has(Pic8259Modes.ReadNothing))
            return 0;
        return Has(Pic8259Modes.ReadIsr) ? Isr : Irr(policies);
    }

    /// <summary>A read that is a poll. The poll is over.</summary>
    /// <param name="policies">The machine's policies.</param>
    /// <param name="input">The input that was requesting, or -1.</param>
    /// <param name="ended">The inputs ended, one bit each.</param>
    public byte ReadPoll(in Pic8259Policies policies, out int input, out byte ended)
    {
        SetMode(Pic8259Modes.Poll, false);
        ended = 0;
        input = Request(policies);
        if (input < 0)
            return policies.PollIdle == Pic8259PollIdle.Seven ? IdlePollLevel : (byte)0;
        if (policies.Poll == Pic8259Poll.AcknowledgesAndEnds)
        {
            Forget(input, policies);
            ended = (byte)(1 << input);
        }
        else
        {
            BeginService(input, policies);
            ended = EndOfAcknowledge(input, policies);
        }

        return (byte)(policies.PollBit7 == Pic8259PollBit7.Set ? 0x80 | input : input);
    }

    /// <summary>IRR and ISR bit of an input go, whatever its trigger (KVM i8259.c:pic_poll_read).</summary>
    /// <param name="input">0 to 7.</param>
    /// <param name="policies">The machine's policies.</param>
    public void Forget(int input, in Pic8259Policies policies)
    {
        var bit = (byte)(1 << input);
        Latched = (byte)(Latched & ~bit);
        Isr = (byte)(Isr & ~bit);
        if (policies.ShortPulse == Pic8259ShortPulse.Spurious)
            Spent |= (byte)(Lines & bit);
    }

    // LTIM, where it is honoured, outranks the ELCR.
    private readonly byte LevelInputs => Has(Pic8259Modes.LevelTriggered) ? (byte)0xFF : Elcr;

    /// <summary>Priority is a rank, 0 the highest, from <see cref="HighestPriority"/> on; 8 is lower than all.</summary>
    private readonly int HighestRank(int inputs)
    {
        int byRank = (inputs >> HighestPriority | inputs << (8 - HighestPriority)) & 0xFF;
        return byRank == 0 ? 8 : BitOperations.TrailingZeroCount(byRank);
    }

    private readonly int AtRank(int rank) => (HighestPriority + rank) & 7;

    private void MakeLowest(int input) => HighestPriority = (byte)((input + 1) & 7);

    private byte EndService(int input)
    {
        Isr = (byte)(Isr & ~(1 << input));
        return (byte)(1 << input);
    }

    private void SetMode(Pic8259Modes mode, bool on) => Modes = on ? Modes | mode : Modes & ~mode;

    private byte Reinitialise(byte icw1, in Pic8259Policies policies, bool isAccepted)
    {
        var droppedEdges = (byte)(Latched & ~Elcr);
        byte ended = 0;
        SetMode(Pic8259Modes.Icw4Follows, (icw1 & 0x01) != 0);
        SetMode(Pic8259Modes.Single, (icw1 & 0x02) != 0 && policies.Single == Pic8259Single.Honoured);
        SetMode(Pic8259Modes.LevelTriggered, (icw1 & 0x08) != 0 && policies.LevelBit == Pic8259LevelBit.Honoured);
        Modes &= ~(Pic8259Modes.SpecialMask | Pic8259Modes.ReadIsr | Pic8259Modes.ReadNothing);
        if ((icw1 & 0x01) == 0 || policies.Reinit == Pic8259Reinit.Clear)
            Modes &= ~(Pic8259Modes.AutoEoi | Pic8259Modes.SpecialFullyNested);
        Imr = 0;
        HighestPriority = 0;
        Latched = (byte)(Latched & LevelInputs);
        Init = Pic8259Init.ExpectsIcw2;
        switch (policies.Reinit)
        {
            case Pic8259Reinit.KeepIsr:
                Spent = policies.ShortPulse == Pic8259ShortPulse.Spurious ? Lines : (byte)0;
                break;
            case Pic8259Reinit.KeepIsrNotifyEdges:
                Lines = 0;
                Spent = 0;
                ended = isAccepted ? droppedEdges : (byte)0;
                Isr = (byte)(Isr & ~ended);
                break;
            case Pic8259Reinit.Clear:
                Lines = 0;
                Spent = 0;
                Isr = 0;
                VectorBase = 0;
                Modes &= ~(Pic8259Modes.Poll | Pic8259Modes.RotateInAutoEoi);
                break;
            case Pic8259Reinit.ClearAndRearm:
                Spent = 0;
                Isr = 0;
                VectorBase = 0;
                break;
        }

        return ended;
    }

    private Pic8259Effect WriteOcw2(int command, int level, in Pic8259Policies policies)
    {
        switch (command)
        {
            case 0 or 4:
                SetMode(Pic8259Modes.RotateInAutoEoi, command == 4);
                return default;
            case 1 or 5:
                int rank = HighestRank(EndedByNonSpecificEoi(policies));
                if (rank == 8)
                    return default;
                level = AtRank(rank);
                break;
            case 2:
                return default;
        }

        if (command >= 5)
            MakeLowest(level);
        return new Pic8259Effect(command == 6 ? 0 : EndService(level), updates: true);
    }

    private readonly int EndedByNonSpecificEoi(in Pic8259Policies policies) =>
        Has(Pic8259Modes.SpecialMask) && policies.SpecialMask == Pic8259SpecialMask.Works ? Isr & ~Imr : Isr;

    private void WriteOcw3(byte value, in Pic8259Policies policies)
    {
        bool reads = (value & 0x02) != 0;
        bool polls = (value & 0x04) != 0;
        if (policies.ReadSelect == Pic8259ReadSelect.Replaced)
        {
            SetMode(Pic8259Modes.Poll, polls);
            SetMode(Pic8259Modes.ReadNothing, !reads);
        }
        else if (polls)
        {
            SetMode(Pic8259Modes.Poll, true);
        }

        if (reads)
            SetMode(Pic8259Modes.ReadIsr, (value & 0x01) != 0);
        if ((value & 0x40) != 0 && policies.SpecialMask != Pic8259SpecialMask.Rejected)
            SetMode(Pic8259Modes.SpecialMask, (value & 0x20) != 0);
    }
}
