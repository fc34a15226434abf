// A nested guest that computes for ever.

async GuestTask Main(Cpu cpu)
{
    while (true)
        await cpu.Work(1000);
}
