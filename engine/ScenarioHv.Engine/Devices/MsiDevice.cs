using System.Numerics;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Devices;

/// <summary>
/// A device that interrupts by MSI, with the capability of PCI 3.0 section 6.8.1: up to 32 vectors, and the mask and pending bits of a
/// function with per-vector masking. Not modelled: MSI-X tables, INTx while MSI is disabled, the ordering behind DMA.
/// </summary>
public struct MsiDevice
{
    /// <summary>Bit 0 of the message control word: MSI enable.</summary>
    public const ushort EnableBit = 1;

    /// <summary>
    /// Bit 8 of the message control word, read-only: per-vector masking. Without it <see cref="WriteMask"/> has no effect.
    /// </summary>
    public const ushort PerVectorMaskBit = 1 << 8;

    /// <summary>Message address and data, as the driver programmed them.</summary>
    public MsiMessage Message;

    /// <summary>Mask bits, one for each vector.</summary>
    public uint Mask;

    /// <summary>Pending bits: events that happened under the mask.</summary>
    public uint Pending;

    /// <summary>The message control word: 0 enable, 6:4 log2 of the number of vectors, 7 64-bit address, 8 per-vector masking.</summary>
    public ushort Control;

    /// <summary>For the layout only: always 0.</summary>
    public ushort Reserved;

    /// <summary>The number of vectors enabled (control bits 6:4): 1, 2, 4, 8, 16 or 32.</summary>
    public readonly int VectorCount => 1 << Math.Min((Control >> 4) & 7, 5);

    /// <summary>Enables MSI with one vector, edge-triggered, not masked.</summary>
    /// <param name="vector">The vector.</param>
    /// <param name="destination">APIC ID or logical destination.</param>
    /// <param name="mode">The delivery mode.</param>
    /// <param name="logical">True if <paramref name="destination"/> is logical.</param>
    /// <param name="format">Where the destination is in the address.</param>
    public void Configure(byte vector, uint destination, DeliveryMode mode, bool logical, MsiDestinationFormat format)
    {
        var message = new ApicMessage
        {
            Destination = destination,
            Vector = vector,
            Mode = mode,
            Flags = logical ? ApicMessageFlags.Logical : ApicMessageFlags.None,
        };
        Message = MsiFormat.Encode(message, format);
        Control = (ushort)((Control & PerVectorMaskBit) | EnableBit);
        Mask = 0;
        Pending = 0;
    }

    /// <summary>Changes the number of vectors (control bits 6:4).</summary>
    /// <param name="count">1, 2, 4, 8, 16 or 32.</param>
    /// <exception cref="InvalidOperationException">The number is another.</exception>
    public void EnableVectors(int count)
    {
        if (count is < 1 or > 32 || !BitOperations.IsPow2(count))
            throw new InvalidOperationException($"MSI has 1, 2, 4, 8, 16 or 32 vectors, not {count}.");
        Control = (ushort)((Control & ~0x70) | BitOperations.Log2((uint)count) << 4);
    }

    /// <summary>An event happens. Under the mask it is kept in its pending bit; with MSI disabled it is lost.</summary>
    /// <param name="index">0 to <see cref="VectorCount"/> - 1: replaces the low bits of the data word.</param>
    /// <param name="message">The write to be done.</param>
    /// <returns>True if the device writes the message now.</returns>
    /// <exception cref="InvalidOperationException">The vector is not enabled.</exception>
    public bool TryFire(int index, out MsiMessage message)
    {
        if (index < 0 || index >= VectorCount)
            throw new InvalidOperationException($"Vector {index} of the device is not enabled: it has {VectorCount}.");
        message = default;
        if ((Control & EnableBit) == 0)
            return false;
        if ((Mask & 1u << index) != 0)
        {
            Pending |= 1u << index;
            return false;
        }

        message = MessageFor(index);
        return true;
    }

    /// <summary>The driver writes the mask bits; <see cref="TrySendPending"/> then sends what was pending.</summary>
    /// <param name="mask">Bit n masks vector n.</param>
    public void WriteMask(uint mask)
    {
        if ((Control & PerVectorMaskBit) != 0)
            Mask = mask;
    }

    /// <summary>
    /// Sends the lowest pending event that is no longer masked, once, and clears its pending bit. Call it until it returns false.
    /// </summary>
    /// <param name="message">The write to be done.</param>
    public bool TrySendPending(out MsiMessage message)
    {
        message = default;
        var ready = Pending & ~Mask;
        if (ready == 0 || (Control & EnableBit) == 0)
            return false;
        var index = BitOperations.TrailingZeroCount(ready);
        Pending &= ~(1u << index);
        message = MessageFor(index);
        return true;
    }

    private readonly MsiMessage MessageFor(int index)
    {
        var message = Message;
        message.Data = (message.Data & ~(uint)(VectorCount - 1)) | (uint)index;
        return message;
    }
}
