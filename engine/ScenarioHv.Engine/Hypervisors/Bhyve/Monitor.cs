using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Hypervisors.Bhyve;

/// <summary>The monitor, bhyve(8): its devices, and the thread on which they get their events.</summary>
internal static class Monitor
{
    /// <summary>Port I/O is the monitor's (vm_handle_inout; the ports that vmm has itself are not modelled).</summary>
    public static void BeginIo(BhyveVcpuThread vcpu)
    {
        ref var operation = ref vcpu.GuestOperation;
        ref var vmm = ref vcpu.Vmm;
        vmm.IoPort = (ushort)operation.Code;
        vmm.IoSize = operation.Size;
        vmm.IoIsWrite = operation.Kind == OperationKind.Out ? (byte)1 : (byte)0;
        vmm.IoValue = (uint)operation.Value;
    }

    /// <summary>The instruction that the monitor has completed retires when VM_RUN is called again.</summary>
    public static void CompleteIo(BhyveVcpuThread vcpu)
    {
        ref var vmm = ref vcpu.Vmm;
        if (vmm.IoSize != 0)
        {
            vmm.IoSize = 0;
            vcpu.CompleteOperation(vmm.IoIsWrite == 0 ? vmm.IoValue : 0);
        }
    }

    /// <summary>IN or OUT: a register access and the line change that it causes are one step.</summary>
    public static async HostTask PortAccess(BhyveVcpuThread vcpu)
    {
        await vcpu.Point(At.DeviceAccessed, TimingCost.DeviceAccess);
        if (vcpu.Vmm.IoIsWrite == 0)
        {
            ReadPort(vcpu);
            return;
        }

        await KernelLocks.Take(vcpu.Thread, KernelLock.IoApic);
        var (first, end) = WritePort(vcpu);
        await VIoApic.Service(vcpu.Thread, first, end);
        KernelLocks.Release(vcpu.Thread, KernelLock.IoApic);
    }

    /// <summary>The thread that applies stimuli when they come.</summary>
    public static async HostTask IoThread(HostThread thread)
    {
        while (true)
        {
            await thread.Sleep();
            var stimulus = BhyveHypervisor.TakeStimulus(HostThread.Context);
            if (stimulus < 0)
            {
                continue;
            }

            if (HostThread.Board.Config.Timeline[stimulus].Action == StimulusAction.PageOut)
            {
                HostThread.Machine.Ref(HostThread.Board.Bhyve, HostThread.Board.Config.Timeline[stimulus].Target).IdtMissing = 1;
                continue;
            }

            await DeviceEvent(thread, stimulus);
        }
    }

    /// <summary>
    /// A device sends its message, or its line changes: what the device does and what that does to the pin are one step, under the lock.
    /// </summary>
    private static async HostTask DeviceEvent(HostThread thread, int stimulus)
    {
        if (HostThread.Board.Config.Devices[HostThread.Board.Config.Timeline[stimulus].Target].Kind == DeviceKind.Msi)
        {
            HostThread.Board.Devices.Apply(HostThread.Context, HostThread.Board.Config.Timeline[stimulus], out var message);
            await thread.Point(At.MessageSent, TimingCost.Message);
            await VLapic.Deliver(thread, BhyveHypervisor.TargetsOf(HostThread.Context, message), message);
            return;
        }

        await KernelLocks.Take(thread, KernelLock.IoApic);
        var (first, end) = RiseOf(stimulus);
        await VIoApic.Service(thread, first, end);
        KernelLocks.Release(thread, KernelLock.IoApic);
    }

    private static (int First, int End) RiseOf(int stimulus)
    {
        var output = HostThread.Board.Devices.Apply(HostThread.Context, HostThread.Board.Config.Timeline[stimulus], out _);
        return (output.Service.First, output.Service.End);
    }

    private static void ReadPort(BhyveVcpuThread vcpu)
    {
        ref var vmm = ref vcpu.Vmm;
        vmm.IoValue = HostThread.Board.Devices.Read(HostThread.Machine, vmm.IoPort, vmm.IoSize);
    }

    private static (int First, int End) WritePort(BhyveVcpuThread vcpu)
    {
        ref var vmm = ref vcpu.Vmm;
        var output = HostThread.Board.Devices.Write(HostThread.Context, vmm.IoPort, vmm.IoSize, vmm.IoValue);
        return (output.Service.First, output.Service.End);
    }
}
