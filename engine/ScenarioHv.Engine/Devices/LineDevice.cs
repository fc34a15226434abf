namespace ScenarioHv.Engine.Devices;

/// <summary>
/// The plainest device with a level-triggered line: a request bit holds the line until the driver acknowledges it.
/// It stands for any INTx function of which only the line matters. Requests made before the acknowledgement merge.
/// </summary>
public struct LineDevice
{
    /// <summary>Register offset 0, read-only: bit 0 is 1 while a request is pending.</summary>
    public const int StatusOffset = 0;

    /// <summary>Register offset 4, write-only: bit 0 written 1 ends the request and releases the line.</summary>
    public const int AcknowledgeOffset = 4;

    /// <summary>The status register: bit 0 request pending.</summary>
    public uint Status;

    /// <summary>The level of the line: asserted while a request is pending.</summary>
    public readonly bool LineLevel => (Status & 1) != 0;

    /// <summary>The device wants service.</summary>
    /// <returns>True if the line rose, false if a request was pending already.</returns>
    public bool Raise()
    {
        var rises = !LineLevel;
        Status |= 1;
        return rises;
    }

    /// <summary>The driver reads a register. Other offsets read 0.</summary>
    /// <param name="offset">The offset in bytes.</param>
    public readonly uint ReadRegister(int offset) => offset == StatusOffset ? Status : 0;

    /// <summary>The driver writes a register. Other offsets ignore it.</summary>
    /// <param name="offset">The offset in bytes.</param>
    /// <param name="value">The value.</param>
    /// <returns>True if the line fell.</returns>
    public bool WriteRegister(int offset, uint value)
    {
        var falls = offset == AcknowledgeOffset && (value & 1) != 0 && LineLevel;
        if (falls)
            Status &= ~1u;
        return falls;
    }
}
