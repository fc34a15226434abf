// A guest that arms its local APIC timer once and waits for it. Nothing else ever happens to it but a message of a device.
// mode: 0 one-shot, 1 periodic, 2 TSC-deadline. count: initial count, in counts of 1 ns; in mode 2 the TSC value of the deadline.

const uint LvtTimer = 0xfee00320, InitialCount = 0xfee00380, DivideConfiguration = 0xfee003e0;
const uint TscDeadlineMsr = 0x6e0;
const uint DivideBy1 = 0xb;
const byte TickVector = 0xec;

async GuestTask Main(Cpu cpu)
{
    var mode = (uint)cpu.Parameter("mode");
    await cpu.MmioWrite(DivideConfiguration, DivideBy1);
    await cpu.MmioWrite(LvtTimer, mode << 17 | TickVector);
    if (mode == 2)
        await cpu.WriteMsr(TscDeadlineMsr, (ulong)cpu.Parameter("count"));
    else
        await cpu.MmioWrite(InitialCount, (uint)cpu.Parameter("count"));
    await cpu.Sti();
    while (true)
        await cpu.Hlt();
}

async GuestTask OnInterrupt(Cpu cpu, byte vector)
{
    await cpu.Eoi();
    await cpu.Report(vector == TickVector ? "tick" : "disk");
}
