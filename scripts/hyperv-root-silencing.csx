// The control: an L1 that silences the device before it ends its interrupt. As hyperv-root.csx, but the controller's interrupt enable
// is cleared first, so that the line is low at the EOI, and set again when the root partition has served the device.

const byte UsbVector = 0x50, FirstVector = 0x40;
const uint HvX64MsrEoi = 0x40000070;
const ushort UsbInterruptEnable = 0x04, OnCompletion = 4;

ulong irr;          // what the root partition has to be told: bit n is vector 0x40 + n
byte inService;     // the vector that it handles; 0: none

async GuestTask Main(Cpu cpu)
{
    var enable = (ushort)(cpu.Parameter("uhci") + UsbInterruptEnable);
    while (true)
    {
        var exit = await cpu.VmResume();
        if (exit.Is(ExternalInterrupt, out var vector))
        {
            irr |= 1UL << (vector - FirstVector);
            if (vector == UsbVector)
                await cpu.Out16(enable, 0);
            await cpu.Eoi();
        }
        else if (exit.Is(MsrWrite) && exit.Code == HvX64MsrEoi)
        {
            if (inService == UsbVector)
                await cpu.Out16(enable, OnCompletion);
            inService = 0;
            cpu.SkipL2Instruction();
        }

        Offer(cpu);
    }
}

void Offer(Cpu cpu)
{
    var deliver = irr != 0 && inService == 0 && cpu.L2CanTakeInterrupt;
    cpu.RequestInterruptWindow(irr != 0 && inService == 0 && !deliver);
    if (!deliver)
        return;

    var bit = 63;
    while ((irr >> bit & 1) == 0)
        bit--;
    irr &= ~(1UL << bit);
    inService = (byte)(FirstVector + bit);
    cpu.InjectIntoL2(inService);
}
