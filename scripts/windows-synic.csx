// Windows as KVM's guest, as far as the thread of May 2021 shows it ("Conditionally allow SynIC with APICv/AVIC"): it reads from CPUID what
// it is offered and advised to use. Unless AutoEOI is deprecated it uses it for its VMBus interrupt; if Hyper-V's MSRs of the local APIC are
// recommended it uses them, and the assist page, in place of the local APIC's page; and it picks x2APIC mode when it can.

const uint HvFeatures = 0x40000003, HvAdvice = 0x40000004;
const uint ApicBase = 0x1b, X2ApicEoi = 0x80b;
const uint HvEoi = 0x40000070, HvAssistPage = 0x40000073, HvSint2 = 0x40000092;
const uint AdviceApicMsrs = 1 << 3, AdviceNoAutoEoi = 1 << 9;
const ulong SintAutoEoi = 1 << 17;
const byte VmbusVector = 0x52, NicVector = 0x51;    // one priority class: a VMBus vector that stays in service holds the NIC's back

bool autoEoi, apicMsrs, x2Apic;
int vmbus, nic;

async GuestTask Main(Cpu cpu)
{
    var features = await cpu.Cpuid(1);
    var advice = await cpu.Cpuid(HvAdvice);
    x2Apic = (features & 1 << 21) != 0;
    apicMsrs = (advice & AdviceApicMsrs) != 0;
    autoEoi = (advice & AdviceNoAutoEoi) == 0;
    if (x2Apic)
        await cpu.WriteMsr(ApicBase, 0xfee00d00);
    if (apicMsrs)
        await cpu.WriteMsr(HvAssistPage, 0x1000 | 1);
    if (cpu.Parameter("sint") != 0)
        await cpu.WriteMsr(HvSint2, VmbusVector | (autoEoi ? SintAutoEoi : 0));
    await cpu.Report("ready for vmbus");
    await cpu.Report("ready for nic");
    while (true)
    {
        await cpu.Sti();
        await cpu.Hlt();
    }
}

async GuestTask OnInterrupt(Cpu cpu, byte vector)
{
    if (vector == VmbusVector)
        vmbus++;
    else
        nic++;
    await cpu.Work(2000);
    if (vector != VmbusVector || !autoEoi)          // else it ended when it was delivered
        await EndOfInterrupt(cpu);
    await cpu.Report(vector == VmbusVector ? "ready for vmbus" : "ready for nic");
    if (vmbus == 3 && nic == 3)
        await cpu.Report("all served");
}

async GuestTask EndOfInterrupt(Cpu cpu)
{
    if (x2Apic)
        await cpu.WriteMsr(X2ApicEoi, 0);
    else if (!apicMsrs)
        await cpu.Eoi();
    else if (!await cpu.AssistEoi())
        await cpu.WriteMsr(HvEoi, 0);
}
