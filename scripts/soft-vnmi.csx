// A guest that takes NMIs, as its watchdog or a debugger makes them. What its code does is said by parameters:
//
//   shadow   true if its main line, with interrupts off, is MOV SS again and again, and half of its time the shadow of one
//   handler  cycles that its NMI handler takes
//   sti      true if that handler enables interrupts, as no handler of a "well-behaving guest" does
//   off      cycles for which its main line keeps interrupts off from the start; -1: for ever, which is a guest that hangs
//   polls    how often the main line waits for a device, with interrupts off, after that
//   port     where that device is

byte nmis;              // NMI handlers that have come to their end
bool interruptsOn;      // the main line has executed STI
bool clockServed;

async GuestTask Main(Cpu cpu)
{
    while (cpu.Parameter("shadow") != 0)
    {
        await cpu.MovSs();
        await cpu.Work(240_000);
    }

    while (cpu.Parameter("off") < 0)
        await cpu.Work(10_000);

    if (cpu.Parameter("off") > 0)
        await cpu.Work(cpu.Parameter("off"));
    for (var i = 0; i < cpu.Parameter("polls"); i++)
        await cpu.In32((ushort)cpu.Parameter("port"));

    interruptsOn = true;
    await cpu.Sti();
    while (true)
        await cpu.Work(10_000);
}

async GuestTask OnNmi(Cpu cpu)
{
    if (nmis == 0)
        await cpu.Report("first NMI begun");
    if (cpu.Parameter("sti") != 0)
        await cpu.Sti();
    await cpu.Work(cpu.Parameter("handler"));
    await cpu.Cli();
    if (++nmis == 1)
    {
        await cpu.Report("first NMI served");
    }
    else
    {
        await cpu.Report("second NMI served");
        if (interruptsOn)
            await cpu.Report("second NMI served behind STI");
    }

    if (clockServed)
        await cpu.Report("clock and NMI served");
}

async GuestTask OnInterrupt(Cpu cpu, byte vector)
{
    await cpu.Work(1_000);
    await cpu.Eoi();
    clockServed = true;
    await cpu.Report("clock served");
    if (nmis > 0)
        await cpu.Report("clock and NMI served");
}
