namespace ScenarioHv.Engine.Interrupts;

// Which vectors are the SynIC's, which of them are AutoEOI, and what an EOI means. Nothing of this is stored: it is read off the SINT
// registers each time, so that it cannot disagree with them. The one exception is the attribute that travels with a request.
public readonly ref partial struct SynIc
{
    /// <summary>True if an unmasked SINT has the vector: its EOI is wanted (KVM vec_bitmap, part of the EOI-exit bitmap).</summary>
    /// <param name="vector">0..255.</param>
    public bool IsConnected(int vector) => SintsOf(vector) != 0;

    /// <summary>True if any SINT is AutoEOI now, so that hardware virtual-interrupt delivery cannot be used.</summary>
    public bool AutoEoiInUse
    {
        get
        {
            foreach (ulong value in _state.Sints)
            {
                if (new SynIcSint(value) is { IsConnected: true, IsAutoEoi: true })
                    return true;
            }
            return false;
        }
    }

    /// <summary>All vectors of unmasked SINTs (KVM vec_bitmap).</summary>
    public Register256 VectorBitmap => Bitmap(autoEoi: false);

    /// <summary>All vectors with an unmasked AutoEOI SINT (KVM auto_eoi_bitmap).</summary>
    public Register256 AutoEoiBitmap => Bitmap(autoEoi: true);

    /// <summary>
    /// Whether the vector, which is being dispensed, ends by that: its IRR bit goes, no ISR bit comes, PPR stays. A vector is AutoEOI if
    /// any unmasked SINT with it is, whoever asked for the interrupt; with <see cref="AutoEoiBinding.WithRequest"/> if its request was.
    /// </summary>
    /// <param name="vector">0..255, as <see cref="LocalApic.HighestDeliverable"/> returned it.</param>
    public bool IsAutoEoi(int vector)
    {
        if (_policy.AutoEoi == AutoEoiBinding.WithRequest)
            return _state.AutoEoiRequests.Contains(vector);
        foreach (ulong value in _state.Sints)
        {
            if (new SynIcSint(value) is { IsConnected: true, IsAutoEoi: true } sint && sint.Vector == vector)
                return true;
        }
        return false;
    }

    /// <summary>
    /// The local APIC accepted a message into IRR, of the SynIC or not, merged or not: the vector and its attribute are published together.
    /// </summary>
    /// <param name="vector">0..255.</param>
    /// <param name="autoEoi"><see cref="SynIcInterrupt.IsAutoEoi"/>; false for a message of anyone else.</param>
    public void Requested(int vector, bool autoEoi)
    {
        if (_policy.AutoEoi != AutoEoiBinding.WithRequest)
            return;
        if (autoEoi)
            _state.AutoEoiRequests.Set(vector);
        else
            _state.AutoEoiRequests.Clear(vector);
    }

    /// <summary>The vector left IRR: an attribute that came with its request is used up.</summary>
    /// <param name="vector">0..255.</param>
    public void Dispensed(int vector) => _state.AutoEoiRequests.Clear(vector);

    /// <summary>
    /// A vector left ISR by an EOI. An AutoEOI vector never does, so that only EOM frees its slots for what waits.
    /// </summary>
    /// <param name="vector">0..255.</param>
    /// <returns>Bit n: SINTn is to be scanned. 0 if the policy does not scan at an EOI.</returns>
    public ushort NotifyEoi(int vector) => RescansAtEoiAndEom ? SintsOf(vector) : (ushort)0;

    private ushort SintsOf(int vector)
    {
        int mask = 0;
        for (int i = 0; i < SynIcState.SintCount; i++)
        {
            if (this[i] is { IsConnected: true } sint && sint.Vector == vector)
                mask |= 1 << i;
        }
        return (ushort)mask;
    }

    private Register256 Bitmap(bool autoEoi)
    {
        Register256 vectors = default;
        foreach (ulong value in _state.Sints)
        {
            if (new SynIcSint(value) is { IsConnected: true } sint && (sint.IsAutoEoi || !autoEoi))
                vectors.Set(sint.Vector);
        }
        return vectors;
    }
}
