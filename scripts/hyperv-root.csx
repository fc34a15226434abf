// Hyper-V as L1, as far as the thread of 28 March 2019 shows it ("throttle immediate exit through preemtion timer").
// It runs its root partition as L2 and hears of every external interrupt by a VM exit that acknowledges it.
//
// What makes it "buggy" in the thread's word: it notes the interrupt for the root partition and ends it at once, before the root
// partition, the only party that can lower the line of a level interrupt, has done anything about the device.

const ulong VmResumeAddress = 0xfffff80006a40115;   // kvm_exit: reason VMRESUME rip 0xfffff80006a40115
const ulong AfterEoi = 0xfffff80006a17e1a;          // kvm_exit: reason EOI_INDUCED rip 0xfffff80006a17e1a: trap-like, behind the store
const ulong EoiStore = AfterEoi - 7;
const uint HvX64MsrEoi = 0x40000070;
const byte FirstVector = 0x40;

ulong irr;          // what the root partition has to be told: bit n is vector 0x40 + n
byte inService;     // the vector that it handles; 0: none

async GuestTask Main(Cpu cpu)
{
    while (true)
    {
        var exit = await cpu.VmResume(at: VmResumeAddress);
        if (exit.Is(ExternalInterrupt, out var vector))
        {
            irr |= 1UL << (vector - FirstVector);
            await cpu.Eoi(at: EoiStore);            // "so it just does 'EOI'": an edge goes without an exit, a level comes back at once
        }
        else if (exit.Is(MsrWrite) && exit.Code == HvX64MsrEoi)
        {
            inService = 0;                          // the root partition has ended its interrupt
            cpu.SkipL2Instruction();
        }

        Offer(cpu);
    }
}

// The next entry delivers the highest vector, if the root partition can take it; else an exit is asked for as soon as it can:
// "Hyper-V requires one of its VMs to run to handle the situation".
void Offer(Cpu cpu)
{
    var deliver = irr != 0 && inService == 0 && cpu.L2CanTakeInterrupt;
    cpu.RequestInterruptWindow(irr != 0 && inService == 0 && !deliver);
    if (!deliver)
        return;

    var bit = 63;
    while ((irr >> bit & 1) == 0)
        bit--;
    irr &= ~(1UL << bit);
    inService = (byte)(FirstVector + bit);
    cpu.InjectIntoL2(inService);
}
