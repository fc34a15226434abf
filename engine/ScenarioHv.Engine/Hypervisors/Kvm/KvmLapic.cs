using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Engine.Virtualization;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>
/// KVM's local APIC: what it does around the register file when a guest ends an interrupt or writes a register (lapic.c).
/// </summary>
internal static class KvmLapic
{
    /// <summary>
    /// A vector goes from IRR to ISR by software, and the hardware's copy of the latter follows. An AutoEOI vector of the SynIC ends by
    /// that (kvm_apic_ack_interrupt).
    /// </summary>
    public static void Acknowledge(VcpuThread vcpu, int vector)
    {
        if (KvmHyperv.IsAutoEoi(vcpu.Index, vector))
        {
            vcpu.Apic.Irr.Clear(vector);
            return;
        }

        vcpu.Apic.Dispense(vector);
        KvmVapic.Dispensed(vcpu, vector);
        VcpuThread.Processor.WriteServicingVector(VcpuThread.Context.Machine, vcpu.Index);
    }

    /// <summary>
    /// The hardware has ended <paramref name="vector"/> and its bit in the EOI-exit bitmap is set (kvm_apic_set_eoi_accelerated).
    /// </summary>
    public static async HostTask EoiInduced(VcpuThread vcpu, byte vector)
    {
        KvmVapic.Ended(vcpu, vector);
        await AfterEoi(vcpu, vector, emulated: false);
    }

    /// <summary>An access to the local APIC or I/O APIC that has to be emulated.</summary>
    public static async HostTask HandleAccess(VcpuThread vcpu, ExitCause cause)
    {
        if (cause == ExitCause.ApicWrite)
        {
            await RegisterWritten(vcpu, (int)vcpu.LastExit.Info1, vcpu.LastExit.Value);
            return;
        }

        var level = vcpu.State.Level;
        var operation = vcpu.GuestOperation(level);
        if (cause is ExitCause.Cr8Read or ExitCause.Cr8Write)
        {
            vcpu.CompleteOperation(level, AccessCr8(vcpu, operation));
            return;
        }

        var (isWrite, address, value) = Decode(operation);
        if (address >> 12 == IoApic.BaseAddress >> 12)
        {
            await AccessIoApic(vcpu, isWrite, address, value);
            return;
        }

        var offset = (int)(address & 0xfff);
        if (!isWrite)
        {
            vcpu.CompleteOperation(level, ReadRegister(vcpu, offset));
            return;
        }

        // A store to EOI through the APIC-access page is not decoded, so that no kvm_mmio is traced (vmx.c:handle_apic_access).
        if (cause != ExitCause.ApicAccess || offset != LocalApicRegister.Eoi)
        {
            VcpuThread.Emit(TraceEventKind.KvmMmio, 2, 4, address, value);
        }

        await RegisterWritten(vcpu, offset, value);
        vcpu.CompleteOperation(level, 0);
    }

    /// <summary>The vector has left ISR: what follows is the plan <see cref="KvmPolicies.Eoi"/>.</summary>
    public static async HostTask AfterEoi(VcpuThread vcpu, byte vector, bool emulated)
    {
        for (var i = 0; i < VcpuThread.Policies.Eoi.Count; i++)
        {
            var step = VcpuThread.Policies.Eoi[i];
            if (!VcpuThread.Policies.Eoi.Takes(i, vcpu.Index, vector))
            {
                continue;
            }

            if (step == EoiStep.RequestEvent)
            {
                vcpu.Request(KvmRequests.Event);
            }
            else if (step == EoiStep.TellIoApic || emulated)
            {
                await SendEoiToIoApic(vcpu, vector);
            }
        }
    }

    /// <summary>Tells the I/O APIC, wherever it is, of an EOI, unless the guest has forbidden that (kvm_ioapic_send_eoi).</summary>
    private static async HostTask SendEoiToIoApic(VcpuThread vcpu, byte vector)
    {
        if (!Requests.IsHandled(ref vcpu.Kvm, vector) || vcpu.Apic.SuppressesEoiBroadcast)
        {
            return;
        }

        if (VcpuThread.Context.Board.Config.Irqchip == Configuration.IrqchipKind.Split)
        {
            vcpu.Kvm.PendingIoApicEoi = vector;
            vcpu.Request(KvmRequests.IoApicEoiExit);
            return;
        }

        await KernelIoApic.EndOfInterrupt(vcpu.Thread, vector, vcpu.Apic.Tmr.Contains(vector));
    }

    /// <summary>
    /// A store that is in the virtual-APIC page, or backing page, and has retired: what it means is done now (kvm_apic_write_nodecode).
    /// </summary>
    public static async HostTask RegisterWritten(VcpuThread vcpu, int offset, uint value)
    {
        var (ended, sends) = Store(vcpu, offset, value, out var ipi);
        if (sends)
        {
            await InterruptDelivery.SendIpi(vcpu, ipi);
        }

        if (ended >= 0)
        {
            await AfterEoi(vcpu, (byte)ended, emulated: true);
        }
    }

    /// <summary>The store itself.</summary>
    /// <returns>The vector that it ends, -1 if it ends none; and whether it sends <paramref name="ipi"/>.</returns>
    private static (int Ended, bool Sends) Store(VcpuThread vcpu, int offset, uint value, out IpiRequest ipi)
    {
        var context = VcpuThread.Context;
        VcpuThread.Emit(TraceEventKind.KvmApic, 1, (ulong)offset, value);
        var effect = vcpu.Apic.Write(offset, value, new Instant(context.Machine.Now), context.Board.ApicClock);
        if (offset != LocalApicRegister.Eoi)
        {
            vcpu.Request(KvmRequests.Event);
        }

        if (offset == LocalApicRegister.TimerInitialCount && effect.Has(LocalApicEffects.TimerChanged))
        {
            KvmTimer.Forget(ref vcpu.Kvm);
        }

        ipi = effect.Ipi;
        return Apply(vcpu, effect);
    }

    /// <summary>What a store to a register means for others is traced: an IPI, and an EOI.</summary>
    /// <returns>The vector that it ends, -1 if it ends none; and whether it sends an IPI.</returns>
    public static (int Ended, bool Sends) Apply(VcpuThread vcpu, in RegisterWriteEffect effect)
    {
        var context = VcpuThread.Context;
        var sends = effect.Has(LocalApicEffects.SendIpi) || effect.Has(LocalApicEffects.SelfIpi);
        if (sends)
        {
            var destination = vcpu.Apic.Mode == ApicMode.X2Apic ? vcpu.Apic.IcrHigh : vcpu.Apic.IcrHigh >> 24;
            VcpuThread.Emit(TraceEventKind.KvmApicIpi, vcpu.Apic.IcrLow, destination);
        }

        if (!effect.Has(LocalApicEffects.Eoi))
        {
            return (-1, sends);
        }

        KvmVapic.Ended(vcpu, effect.Eoi.Vector);
        VcpuThread.Processor.WriteServicingVector(context.Machine, vcpu.Index);
        return (effect.Eoi.Vector, sends);
    }

    /// <summary>MOV to or from CR8 is no access to a register of the page and shows in no trace line of the local APIC.</summary>
    private static ulong AccessCr8(VcpuThread vcpu, in Operation operation)
    {
        if (operation.Kind == OperationKind.ReadCr8)
        {
            return (ulong)vcpu.Apic.ReadCr8();
        }

        vcpu.Apic.WriteCr8((int)operation.Value);
        vcpu.Request(KvmRequests.Event);
        return 0;
    }

    private static ulong ReadRegister(VcpuThread vcpu, int offset)
    {
        var context = VcpuThread.Context;
        var value = vcpu.Apic.Read(offset, new Instant(context.Machine.Now), context.Board.ApicClock);
        VcpuThread.Emit(TraceEventKind.KvmApic, 0, (ulong)offset, value);
        VcpuThread.Emit(TraceEventKind.KvmMmio, 1, 4, MsiFormat.Address + (uint)offset, value);
        return value;
    }

    private static (bool IsWrite, uint Address, uint Value) Decode(in Operation operation) => operation.Kind switch
    {
        OperationKind.Eoi => (true, 0xfee0_0000u + LocalApicRegister.Eoi, 0),
        OperationKind.MmioWrite => (true, operation.Code, (uint)operation.Value),
        _ => (false, operation.Code, 0),
    };

    /// <summary>The kernel's I/O APIC is accessed here and now; with a split irqchip the access is userspace's.</summary>
    private static async HostTask AccessIoApic(VcpuThread vcpu, bool isWrite, uint address, uint value)
    {
        if (VcpuThread.Context.Board.Config.Irqchip == Configuration.IrqchipKind.Split)
        {
            BeginUserspaceAccess(vcpu, isWrite, address, value);
        }
        else if (isWrite)
        {
            VcpuThread.Emit(TraceEventKind.KvmMmio, 2, 4, address, value);
            await KernelIoApic.Write(vcpu.Thread, address & 0xff, value);
            vcpu.CompleteOperation(vcpu.State.Level, 0);
        }
        else
        {
            await KernelLocks.Take(vcpu.Thread, KernelLock.IoApic);
            var result = HostThread.Board.IoApicOf(HostThread.Machine).ReadWindow(address & 0xff);
            KernelLocks.Release(vcpu.Thread, KernelLock.IoApic);
            VcpuThread.Emit(TraceEventKind.KvmMmio, 1, 4, address, result);
            vcpu.CompleteOperation(vcpu.State.Level, result);
        }
    }

    private static void BeginUserspaceAccess(VcpuThread vcpu, bool isWrite, uint address, uint value)
    {
        ref var kvm = ref vcpu.Kvm;
        kvm.IoPort = (ushort)(address & 0xfff);
        kvm.IoSize = 4;
        kvm.IoIsWrite = isWrite ? (byte)1 : (byte)0;
        kvm.IoIsMmio = 1;
        kvm.IoValue = value;
        VcpuThread.Emit(TraceEventKind.KvmMmio, isWrite ? 2UL : 0, 4, address, value);
        vcpu.ExitToUserspace(UserExit.Mmio);
    }
}
