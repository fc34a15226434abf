namespace ScenarioHv.Engine.Interrupts;

/// <summary>The edge/level control registers of the 8259A pair (PIIX4): a 1 makes the input level-triggered. Reset 0.</summary>
public static class ElcrRegister
{
    /// <summary>The register of IRQ0 to IRQ7.</summary>
    public const ushort MasterPort = 0x4D0;

    /// <summary>The register of IRQ8 to IRQ15.</summary>
    public const ushort SlavePort = 0x4D1;

    /// <summary>IRQ0 (timer), IRQ1 (keyboard) and IRQ2 (cascade) are always edge-triggered.</summary>
    public const byte MasterWritable = 0xF8;

    /// <summary>IRQ8 (RTC) and IRQ13 (coprocessor) are always edge-triggered.</summary>
    public const byte SlaveWritable = 0xDE;

    /// <summary>The value that a write stores.</summary>
    /// <param name="port"><see cref="MasterPort"/> or <see cref="SlavePort"/>.</param>
    /// <param name="value">The byte written.</param>
    /// <param name="mask">Which bits can be written.</param>
    public static byte Stored(int port, byte value, Pic8259ElcrMask mask)
    {
        if (mask == Pic8259ElcrMask.Unmasked)
            return value;
        return (byte)(value & (port == MasterPort ? MasterWritable : SlaveWritable));
    }
}
