// A guest that computes for a while and then waits for its device, whose message may come at either time.
// cycles: how long it computes; 0 for not at all. halts: false if it never halts, but goes on computing.

async GuestTask Main(Cpu cpu)
{
    await cpu.Sti();
    var cycles = cpu.Parameter("cycles");
    if (cycles > 0)
        await cpu.Work(cycles);
    while (cpu.Parameter("halts") != 0)
        await cpu.Hlt();
    while (true)
        await cpu.Work(1000);
}

async GuestTask OnInterrupt(Cpu cpu, byte vector)
{
    await cpu.Eoi();
    await cpu.Report(vector == 0x61 ? "packet" : "other");
}
