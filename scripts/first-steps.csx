// The smallest guest: one CPU, one level device, one handler.

const byte Vector = 0x41;
const ushort Acknowledge = 4;       // the line device's register: writing 1 lowers the line

async GuestTask Main(Cpu cpu)
{
    await cpu.Sti();
    while (true)
        await cpu.Hlt();            // wakes for each interrupt; its handler runs first
}

async GuestTask OnInterrupt(Cpu cpu, byte vector)
{
    var port = (ushort)cpu.Parameter("port");
    if (cpu.Parameter("eoi-first") != 0)
        await cpu.Eoi();            // the line is still high: the I/O APIC sends it again

    var pending = await cpu.In32(port);
    await cpu.Out32((ushort)(port + Acknowledge), 1);
    if (cpu.Parameter("eoi-first") == 0)
        await cpu.Eoi();            // the line is low: nothing is sent again

    await cpu.Report(pending != 0 ? "served" : "nothing to serve");
}
