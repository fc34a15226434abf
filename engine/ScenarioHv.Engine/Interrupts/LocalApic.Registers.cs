using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Interrupts;

// The register page (SDM3 10.4.1): 32-bit registers, each at a 16-byte boundary.
public partial struct LocalApic
{
    private const uint UpperByte = 0xFF00_0000;
    private const uint DfrFixedOnes = 0x0FFF_FFFF;

    /// <summary>
    /// A 32-bit read of the page. A reserved offset reads 0 and is an error (ESR bit 7), whose LVT error interrupt, if unmasked, is then in
    /// IRR: ask <see cref="HighestDeliverable"/> again after reading one. EOI reads 0. In any mode but xAPIC nobody answers: all ones.
    /// </summary>
    /// <param name="offset">0..FFFh. Not a multiple of 16: undefined by the manual, reads 0.</param>
    /// <param name="now">The present moment, for the current count.</param>
    /// <param name="clock">The machine's clocks, for the current count.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is outside the page.</exception>
    public uint Read(int offset, Instant now, in LocalApicTimerClock clock)
    {
        CheckOffset(offset);
        if (Mode != ApicMode.XApic)
            return uint.MaxValue;
        if ((offset & 0xF) != 0)
            return 0;
        return ReadRegister(offset, now, clock);
    }

    private uint ReadRegister(int offset, Instant now, in LocalApicTimerClock clock)
    {
        switch (offset)
        {
            case LocalApicRegister.Id: return Id;
            case LocalApicRegister.Version: return Version;
            case LocalApicRegister.Tpr: return Tpr;
            case LocalApicRegister.Ppr: return Ppr;
            case LocalApicRegister.Apr or LocalApicRegister.Eoi or LocalApicRegister.Rrd: return 0;
            case LocalApicRegister.Ldr: return Ldr;
            case LocalApicRegister.Dfr: return Dfr;
            case LocalApicRegister.Svr: return Svr;
            case >= LocalApicRegister.Isr and < LocalApicRegister.Tmr: return Isr.Word32((offset - LocalApicRegister.Isr) >> 4);
            case >= LocalApicRegister.Tmr and < LocalApicRegister.Irr: return Tmr.Word32((offset - LocalApicRegister.Tmr) >> 4);
            case >= LocalApicRegister.Irr and < LocalApicRegister.Esr: return Irr.Word32((offset - LocalApicRegister.Irr) >> 4);
            case LocalApicRegister.Esr: return (uint)Esr;
            case LocalApicRegister.LvtCmci when HasCmci: return LvtCmci;
            case LocalApicRegister.IcrLow: return IcrLow;
            case LocalApicRegister.IcrHigh: return IcrHigh;
            case >= LocalApicRegister.LvtTimer and <= LocalApicRegister.LvtError: return ReadLvt(LvtAt(offset));
            case LocalApicRegister.TimerInitialCount: return TimerInitialCount;
            case LocalApicRegister.TimerCurrentCount: return TimerCurrentCount(now, clock);
            case LocalApicRegister.TimerDivide: return TimerDivide;
            default:
                LatchError(ApicErrors.IllegalRegisterAddress);
                return 0;
        }
    }

    /// <summary>
    /// A 32-bit write to the page. Reserved bits of a register are not stored, read-only registers ignore it, a reserved offset is an error
    /// (ESR bit 7). In any mode but xAPIC nothing happens.
    /// </summary>
    /// <param name="offset">0..FFFh. Not a multiple of 16: undefined by the manual, does nothing.</param>
    /// <param name="value">The value.</param>
    /// <param name="now">The present moment, for the timer.</param>
    /// <param name="clock">The machine's clocks, for the timer.</param>
    /// <returns>What leaves the APIC.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is outside the page.</exception>
    public RegisterWriteEffect Write(int offset, uint value, Instant now, in LocalApicTimerClock clock)
    {
        CheckOffset(offset);
        if ((offset & 0xF) != 0 || Mode != ApicMode.XApic)
            return default;
        switch (offset)
        {
            case LocalApicRegister.Eoi: return WriteEoi();
            case LocalApicRegister.IcrLow: return WriteIcrLow(value);
            default: return new RegisterWriteEffect(WriteRegister(offset, value, now, clock));
        }
    }

    private readonly uint SvrWritable => 0xFF | SvrBits.Enable
        | (Policies.FocusBit == FocusBitPolicy.Stored ? SvrBits.FocusDisable : 0)
        | ((Version & LocalApicOptions.EoiBroadcastSuppression) != 0 ? SvrBits.SuppressEoiBroadcast : 0);

    private static void CheckOffset(int offset) =>
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)offset, (uint)LocalApicRegister.PageSize, nameof(offset));

    private static LvtEntry LvtAt(int offset) =>
        offset == LocalApicRegister.LvtCmci ? LvtEntry.Cmci : (LvtEntry)((offset - LocalApicRegister.LvtTimer) >> 4);

    private static LocalApicEffects ErrorEffects(bool raised) =>
        raised ? LocalApicEffects.ErrorInterrupt | LocalApicEffects.DeliverabilityMayHaveChanged : LocalApicEffects.None;

    private static LocalApicEffects Deliverability(bool changed) =>
        changed ? LocalApicEffects.DeliverabilityMayHaveChanged : LocalApicEffects.None;

    private LocalApicEffects WriteRegister(int offset, uint value, Instant now, in LocalApicTimerClock clock)
    {
        switch (offset)
        {
            case LocalApicRegister.Id when Policies.ApicIdRegister == ApicIdRegisterPolicy.ReadOnly: return LocalApicEffects.None;
            case LocalApicRegister.Id: return Store(ref Id, value & UpperByte);
            case LocalApicRegister.Tpr: return Deliverability(WriteTpr((byte)value));
            case LocalApicRegister.Ldr: return Store(ref Ldr, value & UpperByte);
            case LocalApicRegister.Dfr: return Store(ref Dfr, value | DfrFixedOnes);
            case LocalApicRegister.Svr: return WriteSvr(value);
            case LocalApicRegister.Esr: return WriteEsr();
            case LocalApicRegister.IcrHigh: return WriteIcrHigh(value);
            case LocalApicRegister.LvtTimer: return WriteLvtTimer(value, now, clock);
            case LocalApicRegister.LvtCmci when HasCmci:
            case > LocalApicRegister.LvtTimer and <= LocalApicRegister.LvtError: return WriteLvt(LvtAt(offset), value);
            case LocalApicRegister.TimerInitialCount: return WriteInitialCount(value, now, clock);
            case LocalApicRegister.TimerDivide: return WriteTimerDivide(value, now, clock);
            case LocalApicRegister.Version or LocalApicRegister.Ppr or LocalApicRegister.Apr or LocalApicRegister.Rrd:
            case >= LocalApicRegister.Isr and < LocalApicRegister.Esr or LocalApicRegister.TimerCurrentCount: return LocalApicEffects.None;
            default: return ErrorEffects(LatchError(ApicErrors.IllegalRegisterAddress));
        }
    }

    private static LocalApicEffects Store(ref uint register, uint value)
    {
        register = value;
        return LocalApicEffects.None;
    }

    private RegisterWriteEffect WriteEoi()
    {
        EoiResult result = Eoi();
        return new RegisterWriteEffect(LocalApicEffects.Eoi | Deliverability(result.Vector >= 0), result);
    }

    // Any value: the errors collected so far become readable, and collecting starts afresh (SDM3 10.5.3).
    private LocalApicEffects WriteEsr()
    {
        if (Policies.ErrorStatus != ErrorStatusPolicy.Latched)
            return LocalApicEffects.None;
        Esr = PendingErrors;
        PendingErrors = ApicErrors.None;
        return LocalApicEffects.None;
    }

    // Disabling masks the whole LVT; enabling again does not unmask it (SDM3 10.4.7.2).
    private LocalApicEffects WriteSvr(uint value)
    {
        bool extIntBefore = ExtIntAsserted;
        bool dispensedBefore = Dispenses;
        Svr = value & SvrWritable;
        if (!IsSoftwareEnabled && Policies.SoftwareDisableLvt == SoftwareDisableLvtPolicy.Masks)
            MaskLvt();
        return Deliverability(ExtIntAsserted != extIntBefore || Dispenses != dispensedBefore);
    }
}
