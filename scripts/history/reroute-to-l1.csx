// Two vCPUs of an L1. vCPU 1 runs an L2 and serves its own interrupts when they end L2; vCPU 0 sends the device's interrupt there, while
// L2 runs, and does nothing more.

const uint IoRegSel = 0xfec00000, IoWin = 0xfec00010;
const ushort Acknowledge = 4;           // the line device's register: writing 1 lowers the line

long served;

async GuestTask Main(Cpu cpu)
{
    if (cpu.Id == 0)
    {
        await cpu.Work(48_000);
        await cpu.MmioWrite(IoRegSel, 0x11 + (2 * (uint)cpu.Parameter("gsi")));
        await cpu.MmioWrite(IoWin, 1u << 24);
        await cpu.Report("rerouted");
        return;
    }

    while (true)
    {
        var exit = await cpu.VmResume();
        if (!exit.Is(ExternalInterrupt, out _))
            continue;
        await cpu.Out32((ushort)(cpu.Parameter("port") + Acknowledge), 1);
        await cpu.Eoi();
        served++;
        await cpu.Report(served == 1 ? "served once" : "served twice");
    }
}
