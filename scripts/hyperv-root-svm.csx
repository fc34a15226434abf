// The same L1 on an AMD processor: the INTR exit carries no vector and acknowledges nothing. The interrupt is taken through L1's own IDT
// when STGI opens the global interrupt flag. The handler closes it again before its EOI, so that one exit takes one interrupt.

const uint HvX64MsrEoi = 0x40000070;
const byte FirstVector = 0x40;

ulong irr;          // what the root partition has to be told: bit n is vector 0x40 + n
byte inService;     // the vector that it handles; 0: none

async GuestTask Main(Cpu cpu)
{
    await cpu.Clgi();
    await cpu.Sti();
    while (true)
    {
        var exit = await cpu.VmRun();
        if (exit.Is(ExternalInterrupt))
        {
            await cpu.Stgi();                       // the interrupt comes here
            await cpu.Clgi();
        }
        else if (exit.Is(MsrWrite) && exit.Code == HvX64MsrEoi)
        {
            inService = 0;
            cpu.SkipL2Instruction();
        }

        Offer(cpu);
    }
}

async GuestTask OnInterrupt(Cpu cpu, byte vector)
{
    irr |= 1UL << (vector - FirstVector);
    await cpu.Clgi();
    await cpu.Eoi();
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
