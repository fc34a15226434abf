// A guest that waits for its device in HLT.
// spurious: 1 if an HLT may also return for no reason, where every order is visited. A run takes the first way: it sleeps.

async GuestTask Main(Cpu cpu)
{
    await cpu.Sti();
    await cpu.Report("waits");
    while (true)
    {
        if (cpu.Parameter("spurious") == 0 || await cpu.Choose(2) == 0)
            await cpu.Hlt();
        await cpu.Work(1000);
    }
}

async GuestTask OnInterrupt(Cpu cpu, byte vector)
{
    await cpu.Eoi();
    await cpu.Report("packet");
}
