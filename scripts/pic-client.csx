// A guest that takes interrupts of the 8259A through LINT0 as ExtINT (virtual wire, or LVT0 programmed by itself). It works with interrupts
// off, then takes what is pending, then spins: it does nothing that exits but the EOI command of its handlers.
//
//   lint0       1: a vCPU other than the first programs its own LVT0 as ExtINT, too
//   closed      cycles of work with interrupts off, at first
//   stagger     so many cycles less for each further vCPU
//   idle        1: waits in HLT, not in a loop
//   give-up     1: such a vCPU masks its LVT0 again before it lets interrupts in
//   wanted      interrupts after which the guest reports: 1 or 2

const uint Lvt0 = 0xfee00350, ExtInt = 0x700, Masked = 0x10000;
const ushort PicMaster = 0x20;
const byte NonSpecificEoi = 0x20;

Shared<long> served;

async GuestTask Main(Cpu cpu)
{
    if (cpu.Id != 0 && cpu.Parameter("lint0") != 0)
        await cpu.MmioWrite(Lvt0, ExtInt);
    await cpu.Work(cpu.Parameter("closed") - cpu.Id * cpu.Parameter("stagger"));
    if (cpu.Id != 0 && cpu.Parameter("give-up") != 0)
        await cpu.MmioWrite(Lvt0, Masked);
    while (true)
    {
        await cpu.Sti();
        if (cpu.Parameter("idle") != 0)
            await cpu.Hlt();
        else
            await cpu.Work(100_000);
    }
}

async GuestTask OnInterrupt(Cpu cpu, byte vector)
{
    await cpu.Out8(PicMaster, NonSpecificEoi);
    var before = await served.Exchange(cpu, 1);         // one operation: two vCPUs may be here at once
    if (before + 1 == cpu.Parameter("wanted"))
        await cpu.Report("served");
}
