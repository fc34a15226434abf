// vCPU 1 raises its task priority by CR8 above the class of the vector that vCPU 0 sends it, and lowers it again: neither write makes it
// exit, unless they are intercepted. After that it computes, and has no reason to exit.

const byte Vector = 0x40;
const byte AboveVector = 8;
const uint IcrLow = 0xfee00300, IcrHigh = 0xfee00310;
const uint Fixed = 0x4000;

Shared<int> raised, sent, answered;

async GuestTask Main(Cpu cpu)
{
    await cpu.Sti();
    if (cpu.Id != 0)
    {
        await cpu.WriteCr8(AboveVector);
        await raised.Write(cpu, 1);
        while (await sent.Read(cpu) == 0)
            await cpu.Work(100);
        await cpu.Work(20_000);             // the notification has made it exit: the hypervisor knows the raised priority
        await cpu.WriteCr8(0);
        while (true)
            await cpu.Work(1_000_000);
    }

    while (await raised.Read(cpu) == 0)
        await cpu.Work(100);
    await cpu.MmioWrite(IcrHigh, 1u << 24);
    await cpu.MmioWrite(IcrLow, Fixed | Vector);
    await sent.Write(cpu, 1);
    while (await answered.Read(cpu) == 0)
        await cpu.Work(1_000);
    await cpu.Report("answered");
}

async GuestTask OnInterrupt(Cpu cpu, byte vector)
{
    await answered.Write(cpu, 1);
    await cpu.Eoi();
}
