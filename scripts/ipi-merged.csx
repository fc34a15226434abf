// vCPU 1 keeps its interrupts closed while vCPU 0 sends it the same vector twice. On hardware the second request finds the first in IRR and
// merges with it: one run of the handler. The exit between the two finds V_IRQ still 1. vCPU 0 reports what it has seen.

const byte Vector = 0x40;
const uint IcrLow = 0xfee00300, IcrHigh = 0xfee00310;
const uint Fixed = 0x4000;

Shared<int> closed, sent, runs;

async GuestTask Main(Cpu cpu)
{
    if (cpu.Id != 0)
    {
        await closed.Write(cpu, 1);
        while (await sent.Read(cpu) == 0)
            await cpu.Work(100);
        await cpu.Work(20_000);             // the second notification has made it exit by now
        await cpu.Sti();
        while (true)
            await cpu.Work(1_000_000);
    }

    while (await closed.Read(cpu) == 0)
        await cpu.Work(100);
    await cpu.MmioWrite(IcrHigh, 1u << 24);
    await cpu.MmioWrite(IcrLow, Fixed | Vector);
    await cpu.Work(20_000);                 // the first notification has made it exit, and V_IRQ is programmed
    await cpu.MmioWrite(IcrLow, Fixed | Vector);
    await sent.Write(cpu, 1);
    while (await runs.Read(cpu) == 0)
        await cpu.Work(100);
    await cpu.Work(200_000);                // time for one more
    if (await runs.Read(cpu) == 1)
        await cpu.Report("merged");
    else
        await cpu.Report("twice");
}

async GuestTask OnInterrupt(Cpu cpu, byte vector)
{
    var before = await runs.Read(cpu);
    await runs.Write(cpu, before + 1);
    await cpu.Eoi();
}
