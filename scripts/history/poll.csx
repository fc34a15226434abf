// A CPU that goes through its hypervisor once and then only polls: it exits for nothing but the EOIs of its handler, so that an interrupt
// that was not seen on the way in is seen only if something else makes it exit.

long served;

async GuestTask Main(Cpu cpu)
{
    await cpu.Sti();
    await cpu.VmCall(0);                // a pass through the hypervisor
    while (served < cpu.Parameter("vectors"))
        await cpu.Work(1000);
    await cpu.Report("served");
}

async GuestTask OnInterrupt(Cpu cpu, byte vector)
{
    served++;
    await cpu.Work(cpu.Parameter("handler"));
    await cpu.Eoi();
}
