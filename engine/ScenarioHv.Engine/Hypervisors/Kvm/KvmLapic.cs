using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Engine.Virtualization;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>KVM's local APIC: what it does around the register file when a guest ends an interrupt or writes a register (lapic.c).</summary>
internal static class KvmLapic
{
    /// <summary>The hardware has ended <paramref name="vector"/> and its bit in the EOI-exit bitmap is set (kvm_apic_set_eoi_accelerated).</summary>
    public static async HostTask EoiInduced(VcpuThread vcpu, byte vector)
    {
        VcpuThread.Emit(TraceEventKind.KvmEoi, vcpu.Apic.ApicId, vector);
        vcpu.Request(KvmRequests.Event);
        await SendEoiToIoApic(vcpu, vector);
    }

    /// <summary>An access to the local APIC or I/O APIC that has to be emulated.</summary>
    public static async HostTask HandleAccess(VcpuThread vcpu, ExitCause cause)
    {
        var operation = vcpu.GuestOperation(vcpu.State.Level);
        var (isWrite, address, value) = Decode(operation);
        if (cause == ExitCause.ApicWrite)
        {
            // Trap-like: the value is in the virtual-APIC page and the instruction has retired.
            await WriteRegister(vcpu, (int)vcpu.LastExit.Info1, vcpu.LastExit.Value);
            return;
        }

        if (IsIoApic(address))
        {
            vcpu.CompleteOperation(vcpu.State.Level, AccessIoApic(vcpu, isWrite, address, value));
            return;
        }

        var level = vcpu.State.Level;
        var offset = (int)(address & 0xfff);
        if (!isWrite)
        {
            vcpu.CompleteOperation(level, ReadRegister(vcpu, operation.Kind, offset));
            return;
        }

        await WriteRegister(vcpu, offset, value);
        vcpu.CompleteOperation(level, 0);
    }

    /// <summary>Tells the I/O APIC, wherever it is, of an EOI (kvm_ioapic_send_eoi).</summary>
    public static async HostTask SendEoiToIoApic(VcpuThread vcpu, byte vector)
    {
        if (!Requests.IsHandled(ref vcpu.Kvm, vector))
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

    private static async HostTask WriteRegister(VcpuThread vcpu, int offset, uint value)
    {
        var ended = StoreRegister(vcpu, offset, value);
        if (ended >= 0)
        {
            await SendEoiToIoApic(vcpu, (byte)ended);
        }
    }

    /// <summary>Stores a register, and sends what leaves the APIC by it.</summary>
    /// <returns>The vector that was ended; -1 if none was.</returns>
    private static int StoreRegister(VcpuThread vcpu, int offset, uint value)
    {
        var context = VcpuThread.Context;
        VcpuThread.Emit(TraceEventKind.KvmApic, 1, (ulong)offset, value);
        var effect = vcpu.Apic.Write(offset, value, new Instant(context.Machine.Now), context.Board.ApicClock);
        vcpu.Request(KvmRequests.Event);
        if (effect.Has(LocalApicEffects.SendIpi))
        {
            VcpuThread.Emit(TraceEventKind.KvmApicIpi, vcpu.Apic.IcrLow, vcpu.Apic.IcrHigh >> 24);
            HostThread.Kvm.SendIpi(context, vcpu.Index, effect.Ipi);
        }

        if (!effect.Has(LocalApicEffects.Eoi))
        {
            return -1;
        }

        VcpuThread.Emit(TraceEventKind.KvmEoi, vcpu.Apic.ApicId, unchecked((ulong)effect.Eoi.Vector));
        return effect.Eoi.Vector;
    }

    private static ulong ReadRegister(VcpuThread vcpu, OperationKind kind, int offset)
    {
        if (kind == OperationKind.ReadCr8)
        {
            return (ulong)vcpu.Apic.ReadCr8();
        }

        var context = VcpuThread.Context;
        var value = vcpu.Apic.Read(offset, new Instant(context.Machine.Now), context.Board.ApicClock);
        VcpuThread.Emit(TraceEventKind.KvmApic, 0, (ulong)offset, value);
        return value;
    }

    private static (bool IsWrite, uint Address, uint Value) Decode(in Operation operation) => operation.Kind switch
    {
        OperationKind.Eoi => (true, 0xfee0_0000u + LocalApicRegister.Eoi, 0),
        OperationKind.ReadCr8 => (false, 0xfee0_0000u + LocalApicRegister.Tpr, 0),
        OperationKind.WriteCr8 => (true, 0xfee0_0000u + LocalApicRegister.Tpr, (uint)operation.Value << 4),
        OperationKind.MmioWrite => (true, operation.Code, (uint)operation.Value),
        _ => (false, operation.Code, 0),
    };

    private static bool IsIoApic(uint address) => address >> 12 == IoApic.BaseAddress >> 12;

    private static ulong AccessIoApic(VcpuThread vcpu, bool isWrite, uint address, uint value)
    {
        var context = VcpuThread.Context;
        var ioApic = context.Board.IoApicOf(context.Machine);
        if (!isWrite)
        {
            return ioApic.ReadWindow(address & 0xff);
        }

        var write = ioApic.WriteWindow(address & 0xff, value);
        HostThread.Kvm.RoutingChanged(context);
        HostThread.Kvm.ServiceNow(context, write.Service);
        return 0;
    }
}
