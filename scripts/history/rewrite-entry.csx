// A driver of a level device whose handler rewrites the pin's redirection entry before it ends the interrupt: it masks the pin until the
// EOI is done, or sends the next interrupt to vCPU 1.

const uint IoRegSel = 0xfec00000, IoWin = 0xfec00010;
const uint Level = 1u << 15, Masked = 1u << 16;
const ushort Acknowledge = 4;           // the line device's register: writing 1 lowers the line

Shared<long> served;

async GuestTask Main(Cpu cpu)
{
    await cpu.Sti();
    while (true)
        await cpu.Hlt();
}

async GuestTask OnInterrupt(Cpu cpu, byte vector)
{
    var register = 0x10 + (2 * (uint)cpu.Parameter("gsi"));
    var masks = cpu.Parameter("mask") != 0;
    if (masks)
        await Write(cpu, register, Masked | Level | vector);
    else
        await Write(cpu, register + 1, 1u << 24);           // destination: the other vCPU
    await cpu.Out32((ushort)(cpu.Parameter("port") + Acknowledge), 1);
    await cpu.Eoi();
    if (masks)
        await Write(cpu, register, Level | vector);

    var count = await served.Read(cpu) + 1;
    await served.Write(cpu, count);
    await cpu.Report(count == 1 ? "served once" : "served twice");
}

async GuestTask Write(Cpu cpu, uint register, uint value)
{
    await cpu.MmioWrite(IoRegSel, register);
    await cpu.MmioWrite(IoWin, value);
}
