using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Properties;

/// <summary>
/// The bare-metal twin of a local APIC: what an ideal one would allow the guest to see. It is driven by what the machine does and never
/// decides.
/// <list type="bullet">
/// <item>Per vector: whether one dispatch is owed (must) and how many more are allowed (may, up to 3). A request that comes while one is
/// owed may be merged with it, as hardware could have done; a request that comes after the handler has started is owed one more.</item>
/// <item>ISR and TPR as the guest's own instructions make them: a vector is in service from the moment its handler starts (or an exit
/// acknowledges it) to its EOI, whatever the machine's copies say meanwhile. PPR follows from both.</item>
/// <item>NMIs: one is latched (must), others that come meanwhile may be merged with it (may); an NMI's handler blocks NMIs until an
/// IRET of the same level.</item>
/// </list>
/// IF and the shadows of STI and MOV SS are the core's own: only the guest's instructions change them, and there is no second copy.
/// Not modelled: INIT, interrupts of an 8259A, and a vector that the APIC's own error raises (it is dispatched without a request).
/// </summary>
public struct Twin
{
    private const int MostMerged = 3;

    private VectorBits _must;
    private VectorBits _mayLow;
    private VectorBits _mayHigh;
    private VectorBits _requested;
    private VectorBits _isr;
    private VectorBits _sentToSelf;
    private byte _tpr;
    private byte _ended;
    private byte _committed;
    private byte _outranking;
    private byte _begun;
    private byte _nmiMust;
    private byte _nmiMay;
    private byte _nmiBlocked;

    /// <summary>The processor priority that the guest's TPR and the handlers under way give (SDM3 10.8.3.1).</summary>
    public readonly byte Ppr => LocalApic.ProcessorPriority(_tpr, _isr.Highest);

    /// <summary>The task priority as the guest has written it.</summary>
    public readonly byte Tpr => _tpr;

    /// <summary>True while an NMI is owed a dispatch.</summary>
    public readonly bool OwesNmi => _nmiMust != 0;

    /// <summary>
    /// The vector that the guest's last instruction ended; 0 if that was no EOI. Its broadcast is under way until the next one retires.
    /// </summary>
    public readonly byte Ended => _ended;

    /// <summary>The vectors that are owed a dispatch.</summary>
    internal readonly VectorBits Owed => _must;

    /// <summary>True if whatever is owed a dispatch is requested in <paramref name="irr"/>: so it is in nearly every step.</summary>
    internal readonly bool OwesOnly(in Register256 irr) => _must.IsWithin(irr);

    /// <summary>True while the handler of <paramref name="vector"/> has started and not ended.</summary>
    internal readonly bool IsInService(int vector) => _isr.Test(vector);

    /// <summary>The vectors whose handlers have started and not ended.</summary>
    internal readonly VectorBits InService => _isr;

    /// <summary>A local APIC has accepted a fixed request for <paramref name="vector"/>.</summary>
    public void Accepted(int vector)
    {
        _requested.Set(vector);
        if (!_must.Test(vector))
        {
            _must.Set(vector);
        }
        else if (!_mayLow.Test(vector))
        {
            _mayLow.Set(vector);
        }
        else if (!_mayHigh.Test(vector))
        {
            _mayLow.Clear(vector);
            _mayHigh.Set(vector);
        }
    }

    /// <summary>Every request, served or not, is forgotten: its local APIC is about to be restored.</summary>
    public void ForgetRequests()
    {
        _must = _mayLow = _mayHigh = _requested = _sentToSelf = default;
        _committed = _outranking = _begun = 0;
    }

    /// <summary>A local APIC was restored: it requests and has in service what the page says, and TPR is the page's.</summary>
    /// <param name="apic">The local APIC.</param>
    /// <param name="injected">A vector that is in its ISR and whose handler has not started yet; 0 if there is none.</param>
    public void Load(in LocalApic apic, byte injected)
    {
        _isr = VectorBits.Of(apic.Isr);
        if (injected != 0)
        {
            _isr.Clear(injected);
        }

        _tpr = apic.Tpr;
        for (var vector = apic.Irr.Highest; vector >= 0; vector--)
        {
            if (apic.Irr.Contains(vector))
            {
                Accepted(vector);
            }
        }
    }

    /// <summary>The guest has sent <paramref name="vector"/> to itself: it finds it in IRR.</summary>
    public void SentToSelf(int vector)
    {
        if (_must.Test(vector))
        {
            _sentToSelf.Set(vector);
        }
    }

    /// <summary>
    /// <paramref name="vector"/> is chosen to be dispatched next, but not dispatched in the same step: what comes after this is as if it
    /// came after the handler had started.
    /// </summary>
    /// <param name="vector">The vector.</param>
    /// <param name="irr">What could be seen when it was chosen.</param>
    public void Committed(int vector, in Register256 irr)
    {
        _committed = (byte)vector;
        _outranking = (byte)Math.Max(0, Outranking(vector, irr));
    }

    /// <summary>The processor itself chose <paramref name="vector"/>, of those that it had been told of.</summary>
    public void CommittedByProcessor(int vector)
    {
        _committed = (byte)vector;
        _outranking = 0;
    }

    /// <summary>The delivery of <paramref name="vector"/> has begun and will be begun again.</summary>
    public void DeliveryCutShort(int vector) => _begun = (byte)vector;

    /// <summary>
    /// The vector that should have been dispatched before <paramref name="vector"/>: owed and visible when that was chosen, and owed
    /// still.
    /// </summary>
    /// <param name="vector">The vector that is dispatched now.</param>
    /// <param name="irr">What can be seen now, for a vector that was chosen in this step.</param>
    /// <returns>-1 if there is none.</returns>
    public readonly int OutrankedBy(int vector, in Register256 irr)
    {
        var other = _begun == vector ? 0 : _committed == vector ? _outranking : Outranking(vector, irr);
        return other > vector && _must.Test(other) ? other : -1;
    }

    /// <summary>The handler of <paramref name="vector"/> starts, or an exit acknowledges the vector for it.</summary>
    /// <param name="vector">The vector.</param>
    /// <param name="autoEoi">True if that ends the interrupt as well (AutoEOI of a synthetic interrupt source).</param>
    public Justification Dispatched(int vector, bool autoEoi = false)
    {
        if (_committed == vector)
        {
            _committed = _outranking = 0;
        }

        if (_begun == vector)
        {
            _begun = 0;
        }

        _sentToSelf.Clear(vector);
        if (autoEoi)
        {
            _ended = (byte)vector;
        }
        else
        {
            _isr.Set(vector);
        }

        return Serve(vector) ? Justification.Requested
            : _requested.Test(vector) ? Justification.AlreadyServed
            : Justification.NeverRequested;
    }

    /// <summary>The guest ends the interrupt with the highest priority (SDM3 10.8.5).</summary>
    public void Eoi()
    {
        var vector = _isr.Highest;
        if (vector >= 0)
        {
            _isr.Clear(vector);
            _ended = (byte)vector;
        }
    }

    /// <summary>The guest sets its task priority.</summary>
    public void WriteTpr(byte value) => _tpr = value;

    /// <summary>An instruction of the guest retires: the broadcast of an EOI before it has arrived by now.</summary>
    public void InstructionRetired() => _ended = 0;

    /// <summary>What the guest reads of ISR is what is in service.</summary>
    /// <param name="index">Which of the eight registers.</param>
    /// <param name="value">What it reads.</param>
    public readonly bool AllowsIsr(int index, uint value) => value == _isr.Word32(index);

    /// <summary>
    /// What the guest reads of IRR was requested and may still come, and what it has sent to itself and not received is there.
    /// </summary>
    /// <param name="index">Which of the eight registers.</param>
    /// <param name="value">What it reads.</param>
    public readonly bool AllowsIrr(int index, uint value)
    {
        var allowed = _must.Or(_mayLow).Or(_mayHigh).Word32(index);
        return (value & ~allowed) == 0 && (_sentToSelf.Word32(index) & ~value) == 0;
    }

    /// <summary>An NMI has arrived.</summary>
    public void NmiAccepted()
    {
        if (_nmiMust == 0)
        {
            _nmiMust = 1;
        }
        else
        {
            _nmiMay = (byte)Math.Min(_nmiMay + 1, MostMerged);
        }
    }

    /// <summary>An NMI's handler starts.</summary>
    /// <param name="level">The level whose handler it is: 1 or 2.</param>
    /// <returns>What is wrong with that.</returns>
    public NmiFailure NmiDispatched(int level)
    {
        var nested = IsNmiBlocked(level);
        SetNmiBlocked(level, true);
        if (_nmiMust != 0)
        {
            _nmiMust = 0;
        }
        else if (_nmiMay != 0)
        {
            _nmiMay--;
        }
        else
        {
            return NmiFailure.NeverRequested;
        }

        return nested ? NmiFailure.Blocked : NmiFailure.None;
    }

    /// <summary>The guest executes IRET, which ends the blocking of NMIs whatever it returns from (SDM3 6.7.1).</summary>
    public void Iret(int level) => SetNmiBlocked(level, false);

    /// <summary>True from the start of an NMI's handler to the next IRET of its level.</summary>
    public readonly bool IsNmiBlocked(int level) => (_nmiBlocked & level) != 0;

    /// <summary>The vector that an ideal APIC would deliver now, if the core lets it: the highest that is owed, above PPR.</summary>
    /// <returns>-1 if there is none.</returns>
    public readonly int HighestDeliverable()
    {
        var vector = _must.Highest;
        return vector >> 4 > Ppr >> 4 ? vector : -1;
    }

    private readonly int Outranking(int vector, in Register256 irr)
    {
        var highest = _must.And(VectorBits.Of(irr)).Highest;
        return highest > vector ? highest : -1;
    }

    private bool Serve(int vector)
    {
        if (_must.Test(vector))
        {
            _must.Clear(vector);
            return true;
        }

        if (_mayLow.Test(vector))
        {
            _mayLow.Clear(vector);
            return true;
        }

        if (_mayHigh.Test(vector))
        {
            _mayHigh.Clear(vector);
            _mayLow.Set(vector);
            return true;
        }

        return false;
    }

    /// <summary>Levels 1 and 2 are bits 0 and 1.</summary>
    private void SetNmiBlocked(int level, bool blocked) => _nmiBlocked = (byte)(blocked ? _nmiBlocked | level : _nmiBlocked & ~level);
}

/// <summary>Whether a dispatch was asked for.</summary>
public enum Justification : byte
{
    /// <summary>A request for it was not served yet.</summary>
    Requested,

    /// <summary>It was requested, and each request has been served.</summary>
    AlreadyServed,

    /// <summary>Nobody ever requested it.</summary>
    NeverRequested,
}
