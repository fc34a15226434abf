using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Interrupts;

// The registers as MSRs 800h..83Fh (SDM3 10.12.1.2): those of the page, with ICR as one 64-bit register, SELF IPI, and #GP where the page
// has reserved offsets and ignored bits.
public partial struct LocalApic
{
    /// <summary>The MSR of the register page's offset 0.</summary>
    public const uint FirstX2ApicMsr = 0x800;

    /// <summary>The last MSR that belongs to x2APIC; those above 83Fh are reserved.</summary>
    public const uint LastX2ApicMsr = 0x8FF;

    private const uint X2ApicIcrReserved = 0xFFF3_2000;

    /// <summary>RDMSR of an x2APIC register. #GP in another mode, and for reserved and write-only registers.</summary>
    /// <param name="msr">800h..8FFh.</param>
    /// <param name="now">The present moment, for the current count.</param>
    /// <param name="clock">The machine's clocks, for the current count.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="msr"/> is none of x2APIC.</exception>
    public readonly MsrReadResult ReadMsr(uint msr, Instant now, in LocalApicTimerClock clock)
    {
        int offset = X2ApicOffset(msr);
        if (Mode != ApicMode.X2Apic || !IsX2ApicReadable(offset))
            return new MsrReadResult(true);
        if (offset == LocalApicRegister.IcrLow)
            return new MsrReadResult(false, (ulong)IcrHigh << 32 | IcrLow);

        // A readable register has no side effect when it is read: the copy is not written back.
        LocalApic copy = this;
        return new MsrReadResult(false, copy.ReadRegister(offset, now, clock));
    }

    /// <summary>
    /// WRMSR of an x2APIC register. #GP in another mode, for reserved and read-only registers, and for reserved bits as far as
    /// <see cref="LocalApicPolicies.X2ApicReservedBits"/> has them checked.
    /// </summary>
    /// <param name="msr">800h..8FFh.</param>
    /// <param name="value">The value.</param>
    /// <param name="now">The present moment, for the timer.</param>
    /// <param name="clock">The machine's clocks, for the timer.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="msr"/> is none of x2APIC.</exception>
    public MsrWriteResult WriteMsr(uint msr, ulong value, Instant now, in LocalApicTimerClock clock)
    {
        int offset = X2ApicOffset(msr);
        if (Mode != ApicMode.X2Apic || !IsX2ApicWritable(offset) || (value & X2ApicReserved(offset)) != 0)
            return new MsrWriteResult(true);
        return new MsrWriteResult(false, offset switch
        {
            LocalApicRegister.Eoi => WriteEoi(),
            LocalApicRegister.IcrLow => WriteX2ApicIcr(value),
            LocalApicRegister.SelfIpi => SendIpi((byte)value | (uint)IpiShorthand.Self << 18, 0),
            _ => new RegisterWriteEffect(WriteRegister(offset, (uint)value, now, clock)),
        });
    }

    private static int X2ApicOffset(uint msr)
    {
        if (msr is < FirstX2ApicMsr or > LastX2ApicMsr)
            throw new ArgumentOutOfRangeException(nameof(msr), msr, "The x2APIC MSRs are 800h..8FFh.");
        return (int)(msr - FirstX2ApicMsr) << 4;
    }

    private readonly bool IsX2ApicReadable(int offset) => offset switch
    {
        LocalApicRegister.Id or LocalApicRegister.Version or LocalApicRegister.Ppr or LocalApicRegister.Ldr => true,
        >= LocalApicRegister.Isr and < LocalApicRegister.Esr or LocalApicRegister.TimerCurrentCount => true,
        LocalApicRegister.Eoi or LocalApicRegister.SelfIpi => false,
        _ => IsX2ApicWritable(offset),
    };

    private readonly bool IsX2ApicWritable(int offset) => offset switch
    {
        LocalApicRegister.Tpr or LocalApicRegister.Eoi or LocalApicRegister.Svr or LocalApicRegister.Esr => true,
        LocalApicRegister.LvtCmci => HasCmci,
        LocalApicRegister.IcrLow or LocalApicRegister.SelfIpi => true,
        >= LocalApicRegister.LvtTimer and <= LocalApicRegister.TimerInitialCount or LocalApicRegister.TimerDivide => true,
        _ => false,
    };

    // The bits whose being set is #GP. KVM stores the reserved ones of TPR, SVR, LVT and divider away; OpenVMM looks at hardly any.
    private readonly ulong X2ApicReserved(int offset) => Policies.X2ApicReservedBits switch
    {
        X2ApicReservedBitsPolicy.Checked => ArchitecturallyReserved(offset),
        X2ApicReservedBitsPolicy.HighHalfAndIcr => offset is LocalApicRegister.IcrLow or LocalApicRegister.SelfIpi or LocalApicRegister.Esr
            ? ArchitecturallyReserved(offset)
            : ~(ulong)uint.MaxValue,
        _ => offset is LocalApicRegister.Eoi or LocalApicRegister.Esr ? uint.MaxValue : 0,
    };

    private readonly ulong ArchitecturallyReserved(int offset) => offset switch
    {
        LocalApicRegister.Tpr or LocalApicRegister.SelfIpi => ~0xFFUL,
        LocalApicRegister.Eoi or LocalApicRegister.Esr => ulong.MaxValue,
        LocalApicRegister.Svr => ~(ulong)SvrWritable,
        LocalApicRegister.IcrLow => X2ApicIcrReserved,
        LocalApicRegister.TimerInitialCount => ~(ulong)uint.MaxValue,
        LocalApicRegister.TimerDivide => ~(ulong)TimerDivideWritable,
        _ => ~(ulong)(DefinedBits(LvtAt(offset)) | StatusBits(LvtAt(offset))),
    };

    // Reserved bits are gone already or, where nobody looks at them, are not kept; delivery status does not exist here.
    private RegisterWriteEffect WriteX2ApicIcr(ulong value)
    {
        IcrLow = (uint)value & IcrLowWritable;
        IcrHigh = (uint)(value >> 32);
        return SendIpi(IcrLow, IcrHigh);
    }
}
