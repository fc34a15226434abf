// A guest that ends level interrupts in two parts where it may: at the local APIC at once, at the I/O APIC when the device is quiet, which
// only its main line can see to. Where the local APIC has no SVR bit 12, the handler silences the device itself.

const uint Version = 0xfee00030, Spurious = 0xfee000f0, IoApicEoi = 0xfec00040;
const ushort Acknowledge = 4;           // the line device's register: writing 1 lowers the line

bool directed;
bool pending;
long served;

async GuestTask Main(Cpu cpu)
{
    directed = (await cpu.MmioRead(Version) >> 24 & 1) != 0;
    if (directed)
        await cpu.MmioWrite(Spurious, 0x11ff);          // suppress EOI broadcast
    await cpu.Sti();
    while (served < 2)
    {
        await cpu.Work(1000);
        if (!pending)
            continue;
        pending = false;
        await Silence(cpu);
        await cpu.MmioWrite(IoApicEoi, (uint)cpu.Parameter("vector"));
        await Served(cpu);
    }
}

async GuestTask OnInterrupt(Cpu cpu, byte vector)
{
    if (directed)
    {
        pending = true;
    }
    else
    {
        await Silence(cpu);
    }

    await cpu.Eoi();
    if (!directed)
        await Served(cpu);
}

async GuestTask Served(Cpu cpu)
{
    served++;
    await cpu.Report(served == 1 ? "served once" : "served twice");
}

async GuestTask Silence(Cpu cpu) => await cpu.Out32((ushort)(cpu.Parameter("port") + Acknowledge), 1);
