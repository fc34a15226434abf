using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ScenarioHv.Engine.Interrupts;

/// <summary>The sixteen SINT registers.</summary>
[InlineArray(SynIcState.SintCount)]
public struct SynIcSints
{
    private ulong _sint;
}

/// <summary>The registers of one virtual processor's SynIC. Make it with <see cref="SynIc.PowerOn"/>.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SynIcState
{
    /// <summary>The number of synthetic interrupt sources.</summary>
    public const int SintCount = 16;

    /// <summary>SCONTROL.</summary>
    public ulong Scontrol;

    /// <summary>SVERSION.</summary>
    public ulong Version;

    /// <summary>SIEFP.</summary>
    public ulong Siefp;

    /// <summary>SIMP.</summary>
    public ulong Simp;

    /// <summary>SINT0..15: the one source of every question about vectors.</summary>
    public SynIcSints Sints;

    /// <summary>
    /// Only with <see cref="AutoEoiBinding.WithRequest"/>: the vectors in IRR whose latest request was AutoEOI. Always a part of IRR.
    /// </summary>
    public Register256 AutoEoiRequests;

    /// <summary>1 once the SynIC is offered to the guest.</summary>
    public byte Active;

    /// <summary>Entries of the queue in use.</summary>
    public byte QueueCount;

    /// <summary>For the layout only: always 0.</summary>
    public ushort Reserved0;

    /// <summary>For the layout only: always 0.</summary>
    public uint Reserved1;
}

/// <summary>
/// The synthetic interrupt controller of one virtual processor: a view on its registers, its two pages and the hypervisor's queue, which
/// lie in the machine (TLFS inter-partition-communication; KVM hyperv.c; OpenVMM synic.rs). Its interrupts go to the local APIC of the
/// same virtual processor, and are returned. With an <c>apic</c> the caller strings the two together in this order:
/// <list type="number">
/// <item>An interrupt leaves: <c>apic.Accept(interrupt.ToMessage(id))</c>; if it was accepted, in the same step
/// <see cref="Requested"/>, which is also called for every other message that the APIC accepts.</item>
/// <item>INTA: <c>v = apic.HighestDeliverable()</c>; if <see cref="IsAutoEoi"/> says so <c>apic.Irr.Clear(v)</c>, and ISR and PPR stay as
/// they are, else <c>apic.Dispense(v)</c>; then <see cref="Dispensed"/>.</item>
/// <item>EOI: <c>apic.Eoi()</c>, then <see cref="NotifyEoi"/> with the vector, then the broadcast to the I/O APICs.</item>
/// <item>Each SINT of a rescan mask: <see cref="TryDeliverQueued"/>; then <see cref="SyntheticTimers.Acknowledge"/>.</item>
/// </list>
/// Not modelled: where in guest memory the pages lie (the caller brings the pages that SIMP and SIEFP name, and OpenVMM's neglect of
/// SIMP's enable bit is not copied: a disabled page is never ready), intercept messages as such, ports and connections, SINT bit 19,
/// messages for "any virtual processor", virtual trust levels, KVM's resampling lines (a rescan mask is what would notify them).
/// The SINT settings of a source may be changed while it is unmasked, which the TLFS asks guests not to do.
/// </summary>
public readonly ref partial struct SynIc
{
    private readonly ref SynIcState _state;
    private readonly ref SynIcMessagePage _messages;
    private readonly ref SynIcEventPage _events;
    private readonly Span<SynIcQueueEntry> _queue;
    private readonly SynIcPolicy _policy;

    /// <summary>Creates the view.</summary>
    /// <param name="state">The registers.</param>
    /// <param name="messages">The page that SIMP names.</param>
    /// <param name="events">The page that SIEFP names.</param>
    /// <param name="queue">
    /// 5 to 255 entries. The last four are the timers' message buffers, one each; posted messages never take more than the others.
    /// </param>
    /// <param name="policy">Whose SynIC it is.</param>
    /// <exception cref="InvalidOperationException">The queue has too few or too many entries.</exception>
    public SynIc(
        ref SynIcState state, ref SynIcMessagePage messages, ref SynIcEventPage events, Span<SynIcQueueEntry> queue, SynIcPolicy policy)
    {
        if (queue.Length is <= SyntheticTimers.Count or > byte.MaxValue)
            throw new InvalidOperationException($"A SynIC queue has {SyntheticTimers.Count + 1} to 255 entries, not {queue.Length}.");
        _state = ref state;
        _messages = ref messages;
        _events = ref events;
        _queue = queue;
        _policy = policy;
    }

    /// <summary>True once <see cref="Activate"/> was called: before, every access by the guest is #GP.</summary>
    public bool IsActive => _state.Active != 0;

    /// <summary>The number of messages that wait.</summary>
    public int QueuedCount => _state.QueueCount;

    /// <summary>Bit n: a message waits for SINTn.</summary>
    public ushort QueuedSints
    {
        get
        {
            int mask = 0;
            foreach (ref readonly var entry in _queue[.._state.QueueCount])
                mask |= 1 << entry.Sint;
            return (ushort)mask;
        }
    }

    /// <summary>The register of a source.</summary>
    /// <param name="sint">0..15.</param>
    public SynIcSint this[int sint] => new(_state.Sints[sint]);

    /// <summary>
    /// The state after the virtual processor is created: every SINT <see cref="SynIcSint.Reset"/>, SVERSION 1, the rest 0, nothing queued,
    /// not active. The pages are cleared with <see cref="SynIcPageClearing.AtReset"/>. <see cref="SyntheticTimers.PowerOn"/> goes with it.
    /// </summary>
    public void PowerOn()
    {
        _state = new SynIcState { Version = 1 };
        foreach (ref ulong sint in _state.Sints)
            sint = SynIcSint.Reset;
        _queue.Clear();
        if (_policy.PageClearing != SynIcPageClearing.AtReset)
            return;
        _messages = default;
        _events = default;
    }

    /// <summary>
    /// The guest gets the SynIC: its partition has the privilege (TLFS), or the monitor enabled KVM_CAP_HYPERV_SYNIC.
    /// SCONTROL takes its reset value here.
    /// </summary>
    public void Activate()
    {
        _state.Active = 1;
        _state.Scontrol = _policy.ScontrolReset == SynIcScontrolReset.Enabled ? SynIcMsr.EnableBit : 0;
    }

    /// <summary>RDMSR of SCONTROL .. SINT15.</summary>
    /// <param name="msr">The address.</param>
    /// <param name="fromHost">The monitor reads (KVM_GET_MSRS), which may do so before <see cref="Activate"/>.</param>
    /// <param name="value">The value; 0 with #GP. EOM reads 0.</param>
    /// <returns>False: #GP, for an inactive SynIC or an address that is none of these.</returns>
    public bool TryReadMsr(uint msr, bool fromHost, out ulong value)
    {
        value = 0;
        if (!IsActive && !fromHost)
            return false;
        switch (msr)
        {
            case SynIcMsr.Scontrol: value = _state.Scontrol; return true;
            case SynIcMsr.Sversion: value = _state.Version; return true;
            case SynIcMsr.Siefp: value = _state.Siefp; return true;
            case SynIcMsr.Simp: value = _state.Simp; return true;
            case SynIcMsr.Eom: return true;
            case >= SynIcMsr.Sint0 and <= SynIcMsr.Sint15: value = _state.Sints[(int)(msr - SynIcMsr.Sint0)]; return true;
            default: return false;
        }
    }

    /// <summary>WRMSR of SCONTROL .. SINT15. Reserved bits are stored as written.</summary>
    /// <param name="msr">The address.</param>
    /// <param name="value">The value.</param>
    /// <param name="fromHost">
    /// The monitor restores a saved state (KVM_SET_MSRS): SVERSION and any vector may be written, pages are not cleared, and an inactive
    /// SynIC takes 0 (KVM hyperv.c:synic_set_msr).
    /// </param>
    public SynIcWrite WriteMsr(uint msr, ulong value, bool fromHost)
    {
        if (!IsActive && (!fromHost || value != 0))
            return SynIcWrite.Fault;
        switch (msr)
        {
            case SynIcMsr.Scontrol:
                _state.Scontrol = value;
                return default;
            case SynIcMsr.Sversion when fromHost:
                _state.Version = value;
                return default;
            case SynIcMsr.Siefp:
                if (MustClear(_state.Siefp, value, fromHost))
                    _events = default;
                _state.Siefp = value;
                return default;
            case SynIcMsr.Simp:
                if (MustClear(_state.Simp, value, fromHost))
                    _messages = default;
                _state.Simp = value;
                return default;
            case SynIcMsr.Eom:
                return new SynIcWrite(false, IsActive && RescansAtEoiAndEom ? ushort.MaxValue : (ushort)0);
            case >= SynIcMsr.Sint0 and <= SynIcMsr.Sint15:
                return WriteSint((int)(msr - SynIcMsr.Sint0), value, fromHost);
            default:
                return SynIcWrite.Fault;
        }
    }

    private SynIcWrite WriteSint(int index, ulong value, bool fromHost)
    {
        var sint = new SynIcSint(value);
        bool refused = _policy.VectorCheck switch
        {
            SintVectorCheck.Always => true,
            SintVectorCheck.UnlessMasked => !sint.IsMasked,
            _ => false,
        };
        if (refused && !fromHost && sint.Vector < SynIcSint.FirstValidVector)
            return SynIcWrite.Fault;
        bool before = AutoEoiInUse;
        _state.Sints[index] = value;
        return new SynIcWrite(false, 0, (AutoEoiInUse ? 1 : 0) - (before ? 1 : 0));
    }

    private bool MustClear(ulong before, ulong value, bool fromHost)
    {
        if (fromHost || (value & SynIcMsr.EnableBit) == 0)
            return false;
        return _policy.PageClearing switch
        {
            SynIcPageClearing.AtEveryEnable => true,
            SynIcPageClearing.AtEnableOrMove => (before & SynIcMsr.EnableBit) == 0 || before >> 12 != value >> 12,
            _ => false,
        };
    }

    private bool RescansAtEoiAndEom => _policy.Rescan != SynIcRescan.EachPass;

    private bool RescansAtPost => _policy.Rescan == SynIcRescan.AtEoiEomAndPost;
}
