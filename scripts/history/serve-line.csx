// A driver of a level device that does everything in the usual order: silence the device, then EOI. It waits for two interrupts: the
// second comes only if the I/O APIC has heard of the end of the first.

const ushort Acknowledge = 4;           // the line device's register: writing 1 lowers the line

long served;

async GuestTask Main(Cpu cpu)
{
    await cpu.Sti();
    while (true)
        await cpu.Hlt();
}

async GuestTask OnInterrupt(Cpu cpu, byte vector)
{
    var port = (ushort)cpu.Parameter("port");
    await cpu.Out32((ushort)(port + Acknowledge), 1);
    await cpu.Eoi();
    served++;
    await cpu.Report(served == 1 ? "served once" : "served twice");
}
