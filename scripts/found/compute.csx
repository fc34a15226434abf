// A guest that computes, says so, and serves what comes meanwhile.
// cycles: how long it computes.

async GuestTask Main(Cpu cpu)
{
    await cpu.Sti();
    await cpu.Report("begins");
    await cpu.Work(cpu.Parameter("cycles"));
    await cpu.Report("done");
    while (true)
        await cpu.Hlt();
}

async GuestTask OnInterrupt(Cpu cpu, byte vector)
{
    await cpu.Eoi();
}
