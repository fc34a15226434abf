// Two vCPUs and one vector, as bug 215972 has them: vCPU 0 sends an IPI, waits until vCPU 1's handler has answered through memory, and
// sends the next one. vCPU 0 reports when both were answered.

const byte Vector = 0x40;
const uint IcrLow = 0xfee00300, IcrHigh = 0xfee00310;
const uint Fixed = 0x4000;                  // level assert, edge, physical destination
const long HandlerWork = 20_000;            // what the handler does besides answering

Shared<int> answered;

async GuestTask Main(Cpu cpu)
{
    await cpu.Sti();
    if (cpu.Id != 0)
    {
        while (true)
            await cpu.Work(1_000_000);
    }

    await cpu.MmioWrite(IcrHigh, 1u << 24);
    for (var sent = 1; sent <= 2; sent++)
    {
        await cpu.MmioWrite(IcrLow, Fixed | Vector);
        while (await answered.Read(cpu) < sent)
            await cpu.Work(100);
    }

    await cpu.Report("both answered");
}

async GuestTask OnInterrupt(Cpu cpu, byte vector)
{
    if (cpu.Parameter("eoi-first") != 0)
    {
        await cpu.Eoi();                    // an exit, after which the vector is out of IRR
        await Answer(cpu);
        return;
    }

    await Answer(cpu);                      // "acknowledges the request by modifying a global variable. So far, there is no VMEXIT"
    await cpu.Work(HandlerWork);
    await cpu.Eoi();
}

async GuestTask Answer(Cpu cpu)
{
    var before = await answered.Read(cpu);
    await answered.Write(cpu, before + 1);
}
