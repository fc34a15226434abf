using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Devices;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>
/// The monitor: its devices, its I/O APIC when the irqchip is split, and what it does when KVM_RUN returns (QEMU kvm_arch_handle_exit,
/// hw/intc/ioapic.c). Device models, their lines and the window of the I/O APIC are QEMU's big lock's; so are the main loop's timers. The
/// exit for an EOI runs without it, in old and new QEMU alike: such a broadcast and a change of a line can overtake each other. Not
/// modelled: that it reads an entry and writes it back without remote IRR, and so undoes what another vCPU has written there meanwhile.
/// </summary>
internal static class Userspace
{
    /// <summary>Handles an exit to userspace.</summary>
    public static async HostTask HandleExit(VcpuThread vcpu)
    {
        var reason = vcpu.Kvm.UserExit;
        vcpu.Kvm.UserExit = UserExit.None;
        switch (reason)
        {
            case UserExit.IoApicEoi:
                await EoiBroadcast(vcpu.Thread, vcpu.Kvm.PendingIoApicEoi);
                break;
            case UserExit.Mmio:
                await IoApicAccess(vcpu);
                break;
            case UserExit.NmiWindowOpen:
                vcpu.Nmi.WindowRequested = 0;
                HostThread.Kvm.QueueNmi(HostThread.Context, vcpu.Index);
                break;
            case UserExit.Interrupted:
                await Monitor.Serve(vcpu);
                break;
            default:
                await PortAccess(vcpu);
                break;
        }
    }

    /// <summary>The instruction that userspace has completed retires as soon as KVM_RUN is called again (complete_userspace_io).</summary>
    public static void CompleteIo(VcpuThread vcpu)
    {
        ref var kvm = ref vcpu.Kvm;
        if (kvm.IoSize == 0)
        {
            return;
        }

        if (kvm.IoIsWrite == 0 && kvm.IoIsMmio != 0)
        {
            VcpuThread.Emit(TraceEventKind.KvmMmio, 1, kvm.IoSize, IoApic.BaseAddress + kvm.IoPort, kvm.IoValue);
        }
        else if (kvm.IoIsWrite == 0)
        {
            VcpuThread.Emit(TraceEventKind.KvmPio, 0, kvm.IoPort, kvm.IoSize, kvm.IoValue);
        }

        kvm.IoSize = 0;
        vcpu.CompleteOperation(vcpu.State.Level, kvm.IoIsWrite == 0 ? kvm.IoValue : 0);
    }

    /// <summary>The monitor's I/O thread: applies stimuli when they come, and runs the I/O APIC's timer.</summary>
    public static async HostTask IoThread(HostThread thread)
    {
        while (true)
        {
            await thread.Sleep();
            if (HostThread.Kvm.TakeDelayedService(HostThread.Context))
            {
                await DelayedService(thread);
                continue;
            }

            var stimulus = HostThread.Kvm.TakeStimulus(HostThread.Context);
            if (stimulus < 0)
            {
                continue;
            }

            if (TryVcpu(HostThread.Board.Config.Timeline[stimulus], stimulus))
            {
                continue;
            }

            if (IsForKvm(stimulus))
            {
                await Apply(thread, stimulus);
                continue;
            }

            await DeviceEvent(thread, stimulus);
        }
    }

    private static async HostTask DeviceEvent(HostThread thread, int stimulus)
    {
        var target = HostThread.Board.Config.Timeline[stimulus].Target;
        var (kind, isPosted) = (HostThread.Board.Config.Devices[target].Kind, HostThread.Board.Config.Devices[target].IsPosted);
        if (isPosted)
        {
            await SendMessage(thread, stimulus, isPosted);
            return;
        }

        await KernelLocks.Take(thread, KernelLock.Monitor);
        if (kind == DeviceKind.Msi)
        {
            await SendMessage(thread, stimulus, isPosted);
        }
        else
        {
            await LineEvent(thread, stimulus, isPulse: kind == DeviceKind.Isa);
        }

        KernelLocks.Release(thread, KernelLock.Monitor);
    }

    private static async HostTask LineEvent(HostThread thread, int stimulus, bool isPulse)
    {
        await LockPins(thread);
        var (line, first, end) = RiseOf(stimulus);
        await LineChanged(thread, line, first, end);
        if (isPulse)
        {
            await thread.Point(At.DeviceAccessed, TimingCost.DeviceAccess);
            await LockPins(thread);
            (line, first, end) = FallOf(stimulus);
            await LineChanged(thread, line, first, end);
        }
    }

    /// <summary>A device's message: the IOMMU posts it, or the monitor passes it on.</summary>
    private static async HostTask SendMessage(HostThread thread, int stimulus, bool isPosted)
    {
        HostThread.Board.Devices.Apply(HostThread.Context, HostThread.Board.Config.Timeline[stimulus], out var message);
        await thread.Point(At.MessageSent, TimingCost.Message);
        if (isPosted)
        {
            PostedDevices.Post(HostThread.Context, message);
            return;
        }

        await InterruptDelivery.SignalMsi(thread, message);
    }

    /// <summary>What the monitor does in KVM itself, and what takes steps: reasons against APICv, and sources of a SynIC.</summary>
    private static bool IsForKvm(int stimulus)
    {
        var config = HostThread.Board.Config.Timeline[stimulus];
        return config.Action is StimulusAction.Inhibit or StimulusAction.Lift
            || HostThread.Board.Config.Devices[config.Target].Kind == DeviceKind.SynIc;
    }

    private static async HostTask Apply(HostThread thread, int stimulus)
    {
        var action = HostThread.Board.Config.Timeline[stimulus].Action;
        if (action == StimulusAction.Fire)
        {
            HostThread.Context.Emit(TraceEventKind.DeviceFired, (ulong)HostThread.Board.Config.Timeline[stimulus].Target);
            await KvmHyperv.SetIrq(thread, HostThread.Board.Config.Timeline[stimulus].Target);
            return;
        }

        var reason = (ApicvInhibits)HostThread.Board.Config.Timeline[stimulus].Value;
        await KvmApicv.Change(thread, reason, action == StimulusAction.Inhibit);
    }

    private static (GsiChange Line, int First, int End) RiseOf(int stimulus)
    {
        var output = HostThread.Board.Devices.Apply(HostThread.Context, HostThread.Board.Config.Timeline[stimulus], out _);
        return (output.Line, output.Service.First, output.Service.End);
    }

    private static (GsiChange Line, int First, int End) FallOf(int stimulus)
    {
        var output = HostThread.Board.Devices.EndPulse(HostThread.Context, HostThread.Board.Config.Timeline[stimulus]);
        return (output.Line, output.Service.First, output.Service.End);
    }

    /// <summary>
    /// What is done in one step: the monitor's NMI to a vCPU, at once or as soon as KVM says that the guest can take it, or the loss of the
    /// page with its IDT, which the host reclaims, or of its CPU. To pause, save or restore a vCPU, and to write an MSR of it, is its own
    /// thread's work.
    /// </summary>
    /// <param name="stimulus">What happens.</param>
    /// <param name="line">Which line of the timeline that is.</param>
    /// <returns>False if it happens to a device.</returns>
    private static bool TryVcpu(StimulusConfig stimulus, int line)
    {
        switch (stimulus.Action)
        {
            case StimulusAction.Nmi:
                HostThread.Kvm.QueueNmi(HostThread.Context, stimulus.Target);
                return true;
            case StimulusAction.NmiWindow:
                HostThread.Kvm.RequestNmiWindow(HostThread.Context, stimulus.Target);
                return true;
            case StimulusAction.Pause or StimulusAction.Resume or StimulusAction.Save or StimulusAction.Restore or StimulusAction.SetMsr:
                Monitor.Ask(new VcpuThread((byte)stimulus.Target), stimulus.Action, line);
                return true;
            case StimulusAction.Preempt:
                HostScheduler.Preempt(HostThread.Context, stimulus.Target);
                return true;
            case StimulusAction.Schedule:
                HostScheduler.Schedule(HostThread.Context, stimulus.Target);
                return true;
            case StimulusAction.PageOut:
                HostThread.Machine.Ref(HostThread.Board.MissingIdtPages, stimulus.Target) = 1;
                return true;
            default:
                return false;
        }
    }

    /// <summary>IN or OUT: a register access and the line change that it causes are one step.</summary>
    private static async HostTask PortAccess(VcpuThread vcpu)
    {
        await vcpu.Point(At.DeviceAccessed, TimingCost.DeviceAccess);
        await KernelLocks.Take(vcpu.Thread, KernelLock.Monitor);
        if (vcpu.Kvm.IoIsWrite == 0)
        {
            ReadPort(vcpu);
        }
        else
        {
            await LockPins(vcpu.Thread);
            var (line, first, end) = WritePort(vcpu);
            await LineChanged(vcpu.Thread, line, first, end);
        }

        KernelLocks.Release(vcpu.Thread, KernelLock.Monitor);
    }

    /// <summary>A register of the monitor's I/O APIC (ioapic_mem_read, ioapic_mem_write).</summary>
    private static async HostTask IoApicAccess(VcpuThread vcpu)
    {
        await vcpu.Point(At.DeviceAccessed, TimingCost.DeviceAccess);
        await KernelLocks.Take(vcpu.Thread, KernelLock.Monitor);
        if (vcpu.Kvm.IoIsWrite == 0)
        {
            vcpu.Kvm.IoValue = HostThread.Board.IoApicOf(HostThread.Machine).ReadWindow(vcpu.Kvm.IoPort);
        }
        else
        {
            var (first, end, ended) = WriteIoApic(vcpu);
            if (ended >= 0)
            {
                await EoiBroadcast(vcpu.Thread, (byte)ended);
            }

            for (var pin = first; pin < end; pin++)
            {
                await ServicePin(vcpu.Thread, pin);
            }
        }

        KernelLocks.Release(vcpu.Thread, KernelLock.Monitor);
    }

    private static (int First, int End, int Ended) WriteIoApic(VcpuThread vcpu)
    {
        var write = HostThread.Kvm.WriteIoApic(HostThread.Context, vcpu.Kvm.IoPort, vcpu.Kvm.IoValue);
        return (write.Service.First, write.Service.End, write.EoiVector);
    }

    private static void ReadPort(VcpuThread vcpu)
    {
        ref var kvm = ref vcpu.Kvm;
        kvm.IoValue = HostThread.Board.Devices.Read(HostThread.Machine, kvm.IoPort, kvm.IoSize);
    }

    private static (GsiChange Line, int First, int End) WritePort(VcpuThread vcpu)
    {
        ref var kvm = ref vcpu.Kvm;
        var output = HostThread.Board.Devices.Write(HostThread.Context, kvm.IoPort, kvm.IoSize, kvm.IoValue);
        return (output.Line, output.Service.First, output.Service.End);
    }

    /// <summary>
    /// What is about to change a line takes the lock of the kernel's pins before, since an access to a device and what its line does to a
    /// pin are one step.
    /// </summary>
    private static async HostTask LockPins(HostThread thread)
    {
        if (HostThread.Board.Config.Irqchip == IrqchipKind.Kernel)
        {
            await KernelLocks.Take(thread, KernelLock.IoApic);
        }
    }

    /// <summary>
    /// A line of the machine has changed: its I/O APIC, in the kernel or here, sends what it has to send. The lock of the kernel's pins is
    /// let go behind that.
    /// </summary>
    private static async HostTask LineChanged(HostThread thread, GsiChange line, int first, int end)
    {
        if (HostThread.Board.Config.Irqchip == IrqchipKind.Kernel)
        {
            if (line.Gsi != 0)
            {
                HostThread.Context.Emit(TraceEventKind.KvmSetIrq, (ulong)line.Gsi, line.High ? 1UL : 0);
                KvmPic.SetLine(line.Gsi, line.High);
                await KernelIoApic.SetLine(thread, line.Gsi, first, end);
            }

            KernelLocks.Release(thread, KernelLock.IoApic);
            return;
        }

        for (var pin = first; pin < end; pin++)
        {
            await ServicePin(thread, pin);
        }
    }

    /// <summary>
    /// QEMU's ioapic_eoi_broadcast: clear remote IRR, look at the line, send again or arm the timer. Under the big lock only if the guest
    /// has written to the EOI register.
    /// </summary>
    private static async HostTask EoiBroadcast(HostThread thread, byte vector)
    {
        for (var pin = Next(vector, 0); pin >= 0; pin = Next(vector, pin + 1))
        {
            if (!HostThread.Board.IoApicOf(HostThread.Machine).ClearRemoteIrr(pin, vector))
            {
                continue;
            }

            await thread.Point(At.RemoteIrrCleared, TimingCost.DeviceAccess);
            var decision = HostThread.Kvm.DecideEoi(HostThread.Context, pin);
            await thread.Point(At.LineSampled, TimingCost.LoopPoint);
            if (decision.Action == IoApicEoiAction.Resend)
            {
                var (first, end) = HostThread.PinsServedWith(pin);
                for (var other = first; other < end; other++)
                {
                    await ServicePin(thread, other);
                }
            }
            else if (decision.Action == IoApicEoiAction.Delay)
            {
                HostThread.Kvm.DelayService(HostThread.Context, decision.Cycles);
            }
        }
    }

    private static async HostTask DelayedService(HostThread thread)
    {
        if (HostThread.Board.Config.Irqchip == IrqchipKind.Kernel)
        {
            await KernelIoApic.DelayedWork(thread);
            return;
        }

        await KernelLocks.Take(thread, KernelLock.Monitor);
        for (var pin = 0; pin < IoApic.StandardPinCount; pin++)
        {
            await ServicePin(thread, pin);
        }

        KernelLocks.Release(thread, KernelLock.Monitor);
    }

    /// <summary>
    /// Sends the interrupt of a pin if it wants service: with a split irqchip by raising the GSI that is routed to its message
    /// (ioapic_service).
    /// </summary>
    private static async HostTask ServicePin(HostThread thread, int pin)
    {
        if (!HostThread.Board.IoApicOf(HostThread.Machine).TryDispatch(pin, out var message))
        {
            return;
        }

        await thread.Point(At.MessageSent, TimingCost.Message);
        HostThread.Context.Emit(TraceEventKind.KvmSetIrq, (ulong)pin, 1);
        var accepted = await InterruptDelivery.SignalMsi(thread, message);
        HostThread.Board.IoApicOf(HostThread.Machine).Dispatched(pin, accepted);
        if (!message.IsLevel)
        {
            HostThread.Context.Emit(TraceEventKind.KvmSetIrq, (ulong)pin, 0);
        }
    }

    private static int Next(byte vector, int from) => HostThread.Board.IoApicOf(HostThread.Machine).NextEoiPin(vector, from);
}
