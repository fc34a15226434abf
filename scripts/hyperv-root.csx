// Hyper-V as L1, as far as the thread of 28 March 2019 shows it ("throttle immediate exit through preemtion timer").
// It runs its root partition as L2 and hears of every external interrupt by a VM exit that acknowledges it.
//
// What makes it "buggy" in the thread's word: while the root partition has not taken the first interrupt, it ends a second one
// without having done anything about the device, and so leaves the line of a level interrupt high.

const ulong VmResumeAddress = 0xfffff80006a40115;   // kvm_exit: reason VMRESUME rip 0xfffff80006a40115
const ulong AfterEoi = 0xfffff80006a17e1a;          // kvm_exit: reason EOI_INDUCED rip 0xfffff80006a17e1a: trap-like, behind the store
const ulong EoiStore = AfterEoi - 7;
const uint HvX64MsrEoi = 0x40000070;
const byte UsbVector = 0x50;                        // level, GSI 23

byte inRoot;      // the vector that the root partition has to take, or is handling; 0: none
byte waiting;     // 1 while that vector waits for the root partition to open its interrupt window

async GuestTask Main(Cpu cpu)
{
    while (true)
    {
        var exit = await cpu.VmResume(at: VmResumeAddress);
        if (exit.Is(ExternalInterrupt, out var vector))
            await Dispatch(cpu, vector);
        else if (exit.Is(InterruptWindow))
            Inject(cpu);
        else if (exit.Is(MsrWrite) && exit.Code == HvX64MsrEoi)
            await RootHasEnded(cpu);
    }
}

async GuestTask Dispatch(Cpu cpu, byte vector)
{
    if (inRoot != 0)
    {
        await cpu.Eoi(at: EoiStore);                // "Hyper-V doesn't want to deal with the second irq", so it just does EOI
        return;
    }

    inRoot = vector;
    waiting = 1;
    if (vector != UsbVector)
        await cpu.Eoi();                            // edge: ended at once, without an exit
    if (cpu.L2CanTakeInterrupt)
        Inject(cpu);
    else
        cpu.RequestInterruptWindow(true);           // "Hyper-V requires one of its VMs to run to handle the situation"
}

void Inject(Cpu cpu)
{
    if (waiting == 0)
        return;
    waiting = 0;
    cpu.RequestInterruptWindow(false);
    cpu.InjectIntoL2(inRoot);
}

async GuestTask RootHasEnded(Cpu cpu)               // the root partition's EOI: now the interrupt ends here too
{
    var vector = inRoot;
    inRoot = 0;
    cpu.SkipL2Instruction();
    if (vector == UsbVector)
        await cpu.Eoi();
}
