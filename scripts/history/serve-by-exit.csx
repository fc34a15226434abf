// An L1 that takes its interrupts by VM exits that acknowledge them, with RFLAGS.IF = 0 throughout, as a hypervisor does.

long served;

async GuestTask Main(Cpu cpu)
{
    while (true)
    {
        var exit = await cpu.VmResume();
        if (!exit.Is(ExternalInterrupt, out _))
            continue;
        await cpu.Work(1000);
        await cpu.Eoi();
        served++;
        await cpu.Report(served == 1 ? "served once" : "served twice");
    }
}
