using System.Runtime.CompilerServices;

namespace ScenarioHv.Engine.Interrupts;

/// <summary>
/// The PCI interrupt routing of q35 (ICH9 datasheet, chipset configuration and LPC bridge; QEMU lpc_ich9.c): slot and pin to PIRQ A..H
/// (0..7), PIRQ to GSI 16..23, and to a PIC input if enabled. Pins are 0..3 for INTA..INTD (configuration register 3Dh holds 1..4).
/// </summary>
/// <remarks>
/// The piix4-usb-uhci of QEMU is hard-wired to INTD: in slot 04.0 it drives PIRQH = GSI 23, in slot 1d.0 after reset PIRQD = GSI 19.
/// Not modelled: the SCI, which shares these lines.
/// </remarks>
public struct Ich9PirqRouting
{
    /// <summary>DnnIR after reset: INTA to PIRQA, B to B, C to C, D to D.</summary>
    public const ushort DeviceRouteReset = 0x3210;

    /// <summary>PIRQn_ROUT after reset: not routed to the PIC (bit 7).</summary>
    public const byte PicRouteReset = 0x80;

    /// <summary>The GSI of PIRQA.</summary>
    public const int FirstGsi = 16;

    private const int PirqCount = 8;
    private const int FirstDeviceRoute = 25;
    private const int BridgeSlot = 30;

    private DeviceRoutes _deviceRoutes;
    private PicRoutes _picRoutes;

    /// <summary>The routing after reset.</summary>
    public static Ich9PirqRouting Reset
    {
        get
        {
            var routing = default(Ich9PirqRouting);
            ((Span<ushort>)routing._deviceRoutes).Fill(DeviceRouteReset);
            routing._deviceRoutes[BridgeSlot - FirstDeviceRoute] = 0;
            ((Span<byte>)routing._picRoutes).Fill(PicRouteReset);
            return routing;
        }
    }

    /// <summary>The register DnnIR of a slot: 3 bits for each pin, at shifts 0, 4, 8, 12. D30IR reads 0.</summary>
    /// <param name="slot">25..31.</param>
    /// <exception cref="InvalidOperationException">The slot has no such register.</exception>
    public readonly ushort ReadDeviceRoute(int slot) => _deviceRoutes[DeviceRouteIndex(slot)];

    /// <summary>Writes DnnIR. D30IR is read-only.</summary>
    /// <param name="slot">25..31.</param>
    /// <param name="value">The value.</param>
    /// <exception cref="InvalidOperationException">The slot has no such register.</exception>
    public void WriteDeviceRoute(int slot, ushort value)
    {
        if (slot != BridgeSlot)
            _deviceRoutes[DeviceRouteIndex(slot)] = value;
    }

    /// <summary>The register PIRQn_ROUT of the LPC bridge (60h..63h, 68h..6Bh): bit 7 not routed, bits 3:0 the IRQ.</summary>
    /// <param name="pirq">0..7 for A..H.</param>
    public readonly byte ReadPicRoute(int pirq) => _picRoutes[RequirePirq(pirq)];

    /// <summary>Writes PIRQn_ROUT.</summary>
    /// <param name="pirq">0..7 for A..H.</param>
    /// <param name="value">The value.</param>
    public void WritePicRoute(int pirq, byte value) => _picRoutes[RequirePirq(pirq)] = value;

    /// <summary>The PIRQ of a device on the root bus.</summary>
    /// <param name="slot">0..31.</param>
    /// <param name="pin">0..3 for INTA..INTD.</param>
    /// <returns>0..7 for A..H.</returns>
    /// <exception cref="InvalidOperationException">There is no such slot or pin.</exception>
    public readonly int Pirq(int slot, int pin)
    {
        if (slot is < 0 or > 31 || pin is < 0 or > 3)
            throw new InvalidOperationException($"There is no PCI slot {slot} with pin {pin}: slots are 0 to 31, pins 0 to 3.");
        return slot switch
        {
            BridgeSlot => 4 + pin,
            >= FirstDeviceRoute => (_deviceRoutes[slot - FirstDeviceRoute] >> (4 * pin)) & 7,
            _ => 4 + (slot + pin) % 4,
        };
    }

    /// <summary>The GSI of a PIRQ.</summary>
    /// <param name="pirq">0..7 for A..H.</param>
    public static int Gsi(int pirq) => FirstGsi + RequirePirq(pirq);

    /// <summary>The GSI of a device on the root bus.</summary>
    /// <param name="slot">0..31.</param>
    /// <param name="pin">0..3 for INTA..INTD.</param>
    public readonly int Gsi(int slot, int pin) => Gsi(Pirq(slot, pin));

    /// <summary>The PIC input that a PIRQ drives besides its GSI.</summary>
    /// <param name="pirq">0..7 for A..H.</param>
    /// <returns>0..15, or -1 if it is not routed.</returns>
    public readonly int PicInput(int pirq)
    {
        var route = ReadPicRoute(pirq);
        return (route & 0x80) != 0 ? -1 : route & 0xF;
    }

    /// <summary>The pin of a PCI-PCI bridge that a device behind it drives (PCI-to-PCI bridge specification 9.1).</summary>
    /// <param name="slot">The slot of the device on the secondary bus.</param>
    /// <param name="pin">The pin of the device, 0..3.</param>
    public static int PinAtBridge(int slot, int pin) => (slot + pin) % 4;

    private static int DeviceRouteIndex(int slot) => slot is >= FirstDeviceRoute and <= 31
        ? slot - FirstDeviceRoute
        : throw new InvalidOperationException($"Slot {slot} has no interrupt route register: slots 25 to 31 have.");

    private static int RequirePirq(int pirq) => pirq is >= 0 and < PirqCount
        ? pirq
        : throw new InvalidOperationException($"There is no PIRQ {pirq}: 0 to 7 are A to H.");

    [InlineArray(7)]
    private struct DeviceRoutes
    {
        private ushort _first;
    }

    [InlineArray(PirqCount)]
    private struct PicRoutes
    {
        private byte _first;
    }
}
