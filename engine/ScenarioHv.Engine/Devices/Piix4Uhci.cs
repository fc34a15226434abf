namespace ScenarioHv.Engine.Devices;

/// <summary>
/// The USB host controller of the PIIX4 as far as interrupts go (UHCI design guide 1.1, chapter 2; QEMU hcd-uhci.c for what the guide
/// leaves open): registers, status bits and the level of INTD. Its driver must clear USBSTS before it ends the interrupt, or the line
/// fires again.
/// </summary>
/// <remarks>
/// Not modelled: frame lists and transfers (what they lead to is said by <see cref="CompleteTransfer"/> and the others), the reset of
/// attached devices, and the gate USBPIRQDEN (LEGSUP bit 13) of the silicon, which QEMU does not have either and which resets to enabled.
/// As in QEMU, reserved bits of USBCMD and USBINTR are stored. A write of one byte reaches only SOFMOD.
/// </remarks>
public struct Piix4Uhci
{
    /// <summary>Offset of USBCMD, 16 bits.</summary>
    public const int CommandOffset = 0x00;

    /// <summary>Offset of USBSTS, 16 bits, write 1 to clear.</summary>
    public const int StatusOffset = 0x02;

    /// <summary>Offset of USBINTR, 16 bits.</summary>
    public const int InterruptEnableOffset = 0x04;

    /// <summary>Offset of FRNUM, 16 bits; written only while halted.</summary>
    public const int FrameNumberOffset = 0x06;

    /// <summary>Offset of FRBASEADD, 32 bits.</summary>
    public const int FrameListBaseOffset = 0x08;

    /// <summary>Offset of SOFMOD, 8 bits.</summary>
    public const int SofTimingOffset = 0x0C;

    /// <summary>Offset of PORTSC1; PORTSC2 follows at 12h.</summary>
    public const int PortOffset = 0x10;

    /// <summary>USBCMD bit 0: run.</summary>
    public const ushort Run = 1;

    /// <summary>USBCMD bit 1: host controller reset; reads 0 again.</summary>
    public const ushort HcReset = 1 << 1;

    /// <summary>USBCMD bit 2: global reset. It resets the registers at once and reads 0 again, as in QEMU.</summary>
    public const ushort GlobalReset = 1 << 2;

    /// <summary>USBCMD bit 3: enter global suspend.</summary>
    public const ushort GlobalSuspend = 1 << 3;

    /// <summary>USBCMD bit 4: force global resume.</summary>
    public const ushort ForceGlobalResume = 1 << 4;

    /// <summary>USBSTS bit 0: a transfer with IOC completed, or a short packet was detected.</summary>
    public const ushort UsbInterrupt = 1;

    /// <summary>USBSTS bit 1: a transfer ended in an error.</summary>
    public const ushort UsbError = 1 << 1;

    /// <summary>USBSTS bit 2: resume detected.</summary>
    public const ushort ResumeDetect = 1 << 2;

    /// <summary>USBSTS bit 3: host system error. It cannot be disabled.</summary>
    public const ushort HostSystemError = 1 << 3;

    /// <summary>USBSTS bit 4: host controller process error. It cannot be disabled.</summary>
    public const ushort ProcessError = 1 << 4;

    /// <summary>USBSTS bit 5: halted.</summary>
    public const ushort Halted = 1 << 5;

    /// <summary>USBINTR bit 0: timeout and CRC enable, for <see cref="UsbError"/>.</summary>
    public const ushort TimeoutCrcEnable = 1;

    /// <summary>USBINTR bit 1: resume enable.</summary>
    public const ushort ResumeEnable = 1 << 1;

    /// <summary>USBINTR bit 2: interrupt on complete (IOC) enable.</summary>
    public const ushort IocEnable = 1 << 2;

    /// <summary>USBINTR bit 3: short packet enable.</summary>
    public const ushort ShortPacketEnable = 1 << 3;

    /// <summary>Cause bit 0 of <see cref="Causes"/>: IOC.</summary>
    public const byte IocCause = 1;

    /// <summary>Cause bit 1 of <see cref="Causes"/>: short packet.</summary>
    public const byte ShortPacketCause = 2;

    private const ushort PortReset = 0x0080;
    private const ushort PortConnected = 1;
    private const ushort PortConnectChange = 1 << 1;
    private const ushort PortReadOnly = 0x01BB;
    private const ushort PortWriteClear = 0x000A;

    /// <summary>FRBASEADD: bits 31:12.</summary>
    public uint FrameListBase;

    /// <summary>USBCMD.</summary>
    public ushort Command;

    /// <summary>USBSTS.</summary>
    public ushort Status;

    /// <summary>USBINTR.</summary>
    public ushort InterruptEnable;

    /// <summary>FRNUM: bits 10:0.</summary>
    public ushort FrameNumber;

    /// <summary>PORTSC1.</summary>
    public ushort Port1;

    /// <summary>PORTSC2.</summary>
    public ushort Port2;

    /// <summary>SOFMOD.</summary>
    public byte SofTiming;

    /// <summary>Why <see cref="UsbInterrupt"/> is set, which the register does not tell: QEMU's hidden <c>status2</c>.</summary>
    public byte Causes;

    /// <summary>Causes of the running frame, shown at its end: QEMU's <c>pending_int_mask</c>.</summary>
    public byte FrameCauses;

    /// <summary>For the layout only: always 0.</summary>
    public byte Reserved;

    /// <summary>The controller after reset: halted, SOFMOD 64.</summary>
    public static Piix4Uhci Reset => new() { Status = Halted, SofTiming = 64, Port1 = PortReset, Port2 = PortReset };

    /// <summary>The level of the interrupt line (QEMU hcd-uhci.c:uhci_update_irq).</summary>
    public readonly bool LineLevel =>
        ((Causes & IocCause) != 0 && (InterruptEnable & IocEnable) != 0)
        || ((Causes & ShortPacketCause) != 0 && (InterruptEnable & ShortPacketEnable) != 0)
        || ((Status & UsbError) != 0 && (InterruptEnable & TimeoutCrcEnable) != 0)
        || ((Status & ResumeDetect) != 0 && (InterruptEnable & ResumeEnable) != 0)
        || (Status & (HostSystemError | ProcessError)) != 0;

    /// <summary>
    /// The driver reads. A 32-bit read of two 16-bit registers gives both; unused offsets read FF7Fh (QEMU: a disabled port).
    /// </summary>
    /// <param name="offset">The offset in bytes; bits 4:0 count.</param>
    /// <param name="size">1, 2 or 4 bytes.</param>
    public readonly uint ReadRegister(int offset, int size)
    {
        RequireSize(size);
        offset &= 0x1F;
        var word = ReadWord(offset & ~1);
        return size switch
        {
            1 => (byte)(word >> (8 * (offset & 1))),
            2 => word,
            _ => word | (uint)ReadWord((offset + 2) & 0x1E) << 16,
        };
    }

    /// <summary>The driver writes. A 32-bit write is two 16-bit writes, the low one first, except of FRBASEADD.</summary>
    /// <param name="offset">The offset in bytes; bits 4:0 count.</param>
    /// <param name="size">1, 2 or 4 bytes.</param>
    /// <param name="value">The value.</param>
    /// <returns>True if the level of the line changed.</returns>
    public bool WriteRegister(int offset, int size, uint value)
    {
        RequireSize(size);
        offset &= 0x1F;
        var before = LineLevel;
        if (size == 1)
        {
            if (offset == SofTimingOffset)
                SofTiming = (byte)value;
            return false;
        }

        WriteWord(offset & ~1, (ushort)value);
        if (size == 4)
            WriteWord((offset + 2) & 0x1E, (ushort)(value >> 16));
        return LineLevel != before;
    }

    /// <summary>
    /// A transfer of the running frame completes. The guest sees it at the end of the frame (<see cref="EndFrame"/>).
    /// </summary>
    /// <param name="ioc">True if its descriptor asks for an interrupt on completion.</param>
    /// <param name="shortPacket">True if the packet was short and the descriptor detects that.</param>
    public void CompleteTransfer(bool ioc, bool shortPacket) =>
        FrameCauses |= (byte)((ioc ? IocCause : 0) | (shortPacket ? ShortPacketCause : 0));

    /// <summary>A transfer fails (stall, babble, timeout, CRC): USBERR at once, and USBINT as well if its descriptor has IOC.</summary>
    /// <param name="ioc">True if its descriptor asks for an interrupt on completion.</param>
    /// <returns>True if the level of the line changed.</returns>
    public bool FailTransfer(bool ioc) => Raise((ushort)(UsbError | (ioc ? UsbInterrupt : 0)));

    /// <summary>
    /// The 1 ms frame ends: FRNUM advances, and what completed in the frame becomes visible in USBSTS and on the line.
    /// A halted controller has no frames.
    /// </summary>
    /// <returns>True if the level of the line changed.</returns>
    public bool EndFrame()
    {
        if ((Command & Run) == 0)
            return false;
        FrameNumber = (ushort)((FrameNumber + 1) & 0x7FF);
        if (FrameCauses == 0)
            return false;
        var before = LineLevel;
        Causes |= FrameCauses;
        FrameCauses = 0;
        Status |= UsbInterrupt;
        return LineLevel != before;
    }

    /// <summary>A device on the bus signals resume. Only a globally suspended controller detects it, and forces global resume.</summary>
    /// <returns>True if the level of the line changed.</returns>
    public bool RaiseResume()
    {
        if ((Command & GlobalSuspend) == 0)
            return false;
        Command |= ForceGlobalResume;
        return Raise(ResumeDetect);
    }

    /// <summary>A device is plugged into a port: connect status and its change bit, and a resume signal.</summary>
    /// <param name="port">0 or 1.</param>
    /// <returns>True if the level of the line changed.</returns>
    public bool Attach(int port)
    {
        Port(port) |= PortConnected | PortConnectChange;
        return RaiseResume();
    }

    /// <summary>A PCI error during an access of the controller: it halts (UHCI 2.1.2).</summary>
    /// <returns>True if the level of the line changed.</returns>
    public bool RaiseHostSystemError() => Stop(HostSystemError);

    /// <summary>A descriptor makes no sense: the controller halts (UHCI 2.1.2).</summary>
    /// <returns>True if the level of the line changed.</returns>
    public bool RaiseProcessError() => Stop(ProcessError);

    private bool Stop(ushort error)
    {
        Command &= unchecked((ushort)~Run);
        return Raise((ushort)(error | Halted));
    }

    private bool Raise(ushort status)
    {
        var before = LineLevel;
        Status |= status;
        return LineLevel != before;
    }

    private readonly ushort ReadWord(int offset) => offset switch
    {
        CommandOffset => Command,
        StatusOffset => Status,
        InterruptEnableOffset => InterruptEnable,
        FrameNumberOffset => FrameNumber,
        FrameListBaseOffset => (ushort)FrameListBase,
        FrameListBaseOffset + 2 => (ushort)(FrameListBase >> 16),
        SofTimingOffset => SofTiming,
        PortOffset => Port1,
        PortOffset + 2 => Port2,
        _ => 0xFF7F,
    };

    private void WriteWord(int offset, ushort value)
    {
        switch (offset)
        {
            case CommandOffset:
                WriteCommand(value);
                break;
            case StatusOffset:
                Status &= (ushort)~value;
                Causes = (value & UsbInterrupt) != 0 ? (byte)0 : Causes;
                break;
            case InterruptEnableOffset:
                InterruptEnable = value;
                break;
            case FrameNumberOffset when (Status & Halted) != 0:
                FrameNumber = (ushort)(value & 0x7FF);
                break;
            case FrameListBaseOffset:
                FrameListBase = (FrameListBase & 0xFFFF_0000) | (value & 0xF000u);
                break;
            case FrameListBaseOffset + 2:
                FrameListBase = (FrameListBase & 0xFFFF) | (uint)value << 16;
                break;
            case SofTimingOffset:
                SofTiming = (byte)value;
                break;
            case PortOffset or PortOffset + 2:
                ref var port = ref Port((offset - PortOffset) / 2);
                port = (ushort)(((port & PortReadOnly) | (value & ~PortReadOnly)) & ~(value & PortWriteClear));
                break;
        }
    }

    private void WriteCommand(ushort value)
    {
        if ((value & (HcReset | GlobalReset)) != 0)
        {
            this = Reset with { Port1 = KeepDevice(Port1), Port2 = KeepDevice(Port2) };
            return;
        }

        if ((value & Run) == 0)
            Status |= Halted;
        else if ((Command & Run) == 0)
            Status &= unchecked((ushort)~Halted);
        Command = value;
    }

    // A device that is plugged in is found again after the reset.
    private static ushort KeepDevice(ushort port) =>
        (ushort)((port & PortConnected) != 0 ? PortReset | PortConnected | PortConnectChange : PortReset);

    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    private ref ushort Port(int index)
    {
        switch (index)
        {
            case 0:
                return ref Port1;
            case 1:
                return ref Port2;
            default:
                throw new InvalidOperationException($"The controller has ports 0 and 1, not {index}.");
        }
    }

    private static void RequireSize(int size)
    {
        if (size is not (1 or 2 or 4))
            throw new InvalidOperationException($"An access has 1, 2 or 4 bytes, not {size}.");
    }
}
