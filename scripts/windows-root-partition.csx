// Windows in the root partition, as L2: it owns the UHCI controller and is the only party that can lower its line.
// The interrupts of the thread come while it is between CLI and STI; it has to run on before it can take the first one.

const ulong Interrupted = 0xfffff8022f3d8350;       // kvm_exit: reason PREEMPTION_TIMER rip 0xfffff8022f3d8350
const byte UsbVector = 0x50, ClockVector = 0x60;
const ushort UsbCommand = 0x00, UsbStatus = 0x02;   // UHCI registers USBCMD and USBSTS
const ushort Run = 1;

async GuestTask Main(Cpu cpu)
{
    var uhci = (ushort)cpu.Parameter("uhci");
    while (true)
    {
        await cpu.Work(109_500);
        await cpu.Cli();
        await cpu.Out16((ushort)(uhci + UsbCommand), Run, at: Interrupted - 2);     // QEMU's turn: both interrupts come meanwhile
        await cpu.Work(20_000, at: Interrupted);
        await cpu.Sti();
        await cpu.Work(1_000);
    }
}

async GuestTask OnInterrupt(Cpu cpu, byte vector)
{
    await cpu.Work(2_000);
    if (vector == UsbVector)
    {
        var uhci = (ushort)cpu.Parameter("uhci");
        var status = await cpu.In16((ushort)(uhci + UsbStatus));
        await cpu.Out16((ushort)(uhci + UsbStatus), status);        // write 1 to clear: the line falls
        if (status != 0)
            await cpu.Report("usb served");
    }
    else if (vector == ClockVector)
    {
        await cpu.Report("clock served");
    }
    else
    {
        await cpu.Report("disk served");
    }

    await cpu.Eoi();
}
