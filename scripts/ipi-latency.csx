// vCPU 0 sends fifteen IPIs at different distances; vCPU 1 is halted ("idle"), computes ("busy"), or computes with its interrupts closed
// for a while every time ("closed"). The figures are the laboratory's: cycles from the request in IRR to the handler's first instruction.

const byte Vector = 0x40;
const uint IcrLow = 0xfee00300, IcrHigh = 0xfee00310;
const uint Fixed = 0x4000;
const int Requests = 15;
const long Idle = 0, Closed = 2;

Shared<int> answered;

async GuestTask Main(Cpu cpu)
{
    await cpu.Sti();
    if (cpu.Id != 0)
        await Target(cpu);

    await cpu.MmioWrite(IcrHigh, 1u << 24);
    for (var sent = 1; sent <= Requests; sent++)
    {
        await cpu.Work(60_000 + (sent * 1_237));
        await cpu.MmioWrite(IcrLow, Fixed | Vector);
        while (await answered.Read(cpu) < sent)
            await cpu.Work(100);
    }

    await cpu.Report("all answered");
}

async GuestTask Target(Cpu cpu)
{
    while (true)
    {
        if (cpu.Parameter("load") == Idle)
        {
            await cpu.Hlt();
            continue;
        }

        if (cpu.Parameter("load") == Closed)
        {
            await cpu.Cli();
            await cpu.Work(5_000);
            await cpu.Sti();
        }

        await cpu.Work(5_000);
    }
}

async GuestTask OnInterrupt(Cpu cpu, byte vector)
{
    var before = await answered.Read(cpu);
    await answered.Write(cpu, before + 1);
    await cpu.Eoi();
}
