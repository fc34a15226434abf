using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Engine.Virtualization;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>What KVM does with an exit (vmx.c:vmx_handle_exit, svm.c:handle_exit).</summary>
internal static class ExitHandlers
{
    /// <summary>Traces the exit, gives it to L1 if L1 has asked for it, else handles it.</summary>
    public static async HostTask Handle(VcpuThread vcpu, ExitCause cause)
    {
        EmitExit(vcpu, TraceEventKind.KvmExit);
        if (NmiMasking.CheckAtExit(vcpu))
        {
            return;
        }

        if (vcpu.IsL2)
        {
            EmitExit(vcpu, TraceEventKind.KvmNestedVmexit);
            if (VcpuThread.Processor.IsWantedByL1(VcpuThread.Context.Machine, vcpu.Index, cause))
            {
                await NestedEvents.Reflect(vcpu);
                return;
            }
        }

        switch (cause)
        {
            case ExitCause.VmEnter:
                await NestedEvents.Enter(vcpu);
                break;
            case ExitCause.ExternalInterrupt:
                await HandleExternalInterrupt(vcpu);
                break;
            case ExitCause.EoiInduced:
                await KvmLapic.EoiInduced(vcpu, (byte)vcpu.LastExit.Info1);
                break;
            case ExitCause.ApicAccess or ExitCause.ApicWrite or ExitCause.Mmio or ExitCause.Cr8Write or ExitCause.Cr8Read:
                await KvmLapic.HandleAccess(vcpu, cause);
                break;
            case ExitCause.AvicIncompleteIpi:
                await KvmAvic.IncompleteIpi(vcpu);
                break;
            case ExitCause.AvicUnacceleratedAccess:
                await KvmAvic.UnacceleratedAccess(vcpu);
                break;
            case ExitCause.MsrRead or ExitCause.MsrWrite:
                await HandleMsr(vcpu, cause == ExitCause.MsrWrite);
                break;
            case ExitCause.InterruptWindow:
                VcpuThread.Processor.SetInterruptWindow(VcpuThread.Context.Machine, vcpu.Index, false);
                await KvmAvic.SetWindowInhibit(vcpu, wanted: false);
                vcpu.Request(KvmRequests.Event);
                break;
            default:
                HandleSimple(vcpu, cause);
                break;
        }
    }

    /// <summary>The exits that need no further point.</summary>
    private static void HandleSimple(VcpuThread vcpu, ExitCause cause)
    {
        var level = vcpu.State.Level;
        switch (cause)
        {
            case ExitCause.PreemptionTimer:
                break;
            case ExitCause.NestedPageFault:
                // The page is mapped (kvm_mmu_page_fault); what was being delivered has been put back already.
                break;
            case ExitCause.Iret:
                NmiMasking.IretIntercepted(vcpu);
                break;
            case ExitCause.SingleStep:
                NmiMasking.Stepped(vcpu);
                break;
            case ExitCause.NmiWindow:
                VcpuThread.Processor.SetNmiWindow(VcpuThread.Context.Machine, vcpu.Index, false);
                vcpu.Request(KvmRequests.Event);
                break;
            case ExitCause.Hlt:
                vcpu.CompleteOperation(level, 0);
                vcpu.Kvm.Halted = 1;
                break;
            case ExitCause.Io:
                BeginIo(vcpu, level);
                break;
            case ExitCause.VmCall:
                // KVM answers hypercalls that it does not know with -KVM_ENOSYS.
                vcpu.CompleteOperation(level, unchecked((ulong)-1000));
                break;
            case ExitCause.Cpuid:
                vcpu.CompleteOperation(level, KvmVapic.Cpuid(HostThread.Board.Config, vcpu.GuestOperation(level).Code));
                break;
            case ExitCause.Stgi:
                vcpu.Kvm.GifClear = 0;
                vcpu.Request(KvmRequests.Event);
                vcpu.CompleteOperation(level, 0);
                break;
            case ExitCause.Clgi:
                vcpu.Kvm.GifClear = 1;
                VcpuThread.Processor.SetInterruptWindow(VcpuThread.Context.Machine, vcpu.Index, false);
                vcpu.CompleteOperation(level, 0);
                break;
            default:
                throw new InvalidOperationException($"KVM has no handler for an exit by {cause} from level {level}.");
        }
    }

    /// <summary>The host's own handler runs; the guest does not notice.</summary>
    private static async HostTask HandleExternalInterrupt(VcpuThread vcpu)
    {
        ref var state = ref vcpu.State;
        state.HostInterrupts = HostInterrupts.None;
        state.HostInterruptAt = Instant.Never;
        await vcpu.Point(At.ExitSeen, TimingCost.HostInterrupt);
    }

    /// <summary>Port I/O is userspace's.</summary>
    private static void BeginIo(VcpuThread vcpu, int level)
    {
        ref var operation = ref vcpu.GuestOperation(level);
        ref var kvm = ref vcpu.Kvm;
        kvm.IoPort = (ushort)operation.Code;
        kvm.IoSize = operation.Size;
        kvm.IoIsWrite = operation.Kind == OperationKind.Out ? (byte)1 : (byte)0;
        kvm.IoIsMmio = 0;
        kvm.IoValue = (uint)operation.Value;
        if (kvm.IoIsWrite != 0)
        {
            VcpuThread.Emit(TraceEventKind.KvmPio, 1, kvm.IoPort, kvm.IoSize, kvm.IoValue);
        }

        if (KvmPic.Exists && Pic8259Pair.Decodes(kvm.IoPort))
        {
            // The kernel's own device: the access ends here and now.
            kvm.IoValue = KvmPic.Access(kvm.IoPort, kvm.IoIsWrite != 0, (byte)kvm.IoValue);
            Userspace.CompleteIo(vcpu);
            return;
        }

        vcpu.ExitToUserspace(UserExit.Io);
    }

    private static async HostTask HandleMsr(VcpuThread vcpu, bool write)
    {
        var level = vcpu.State.Level;
        var (msr, value) = (vcpu.GuestOperation(level).Code, vcpu.GuestOperation(level).Value);
        if (write)
        {
            await WriteMsr(vcpu, msr, value);
        }
        else
        {
            value = ReadMsr(vcpu, msr);
        }

        VcpuThread.Emit(TraceEventKind.KvmMsr, write ? 1UL : 0, msr, value);
        vcpu.CompleteOperation(level, value);
    }

    private static async HostTask WriteMsr(VcpuThread vcpu, uint msr, ulong value)
    {
        if (KvmVapic.IsApicMsr(msr))
        {
            await KvmVapic.Write(vcpu, msr, value);
        }
        else if (KvmHyperv.IsSynIcMsr(msr) && HostThread.Board.SynIcs.Count > 0)
        {
            await KvmHyperv.Write(vcpu.Thread, vcpu.Index, msr, value, host: false);
        }
        else
        {
            AbsoluteTime(msr);
            await KvmTimer.WriteDeadline(vcpu, value);
        }
    }

    private static ulong ReadMsr(VcpuThread vcpu, uint msr)
    {
        if (KvmVapic.IsApicMsr(msr))
        {
            return KvmVapic.Read(vcpu, msr);
        }

        if (KvmHyperv.IsSynIcMsr(msr) && HostThread.Board.SynIcs.Count > 0)
        {
            return KvmHyperv.Read(vcpu.Index, msr);
        }

        var now = AbsoluteTime(msr);
        return vcpu.Apic.ReadTscDeadline((ulong)now.Cycle, now);
    }

    /// <summary>IA32_TSC_DEADLINE is the one other MSR; using it makes the absolute time part of the state.</summary>
    private static Instant AbsoluteTime(uint msr)
    {
        const uint TscDeadline = 0x6e0;
        var context = VcpuThread.Context;
        if (msr != TscDeadline)
        {
            throw new GuestException(
                $"The guest uses MSR 0x{msr:x}, which this machine does not model; it has IA32_TSC_DEADLINE (0x6e0), "
                + "and with 'hyperv' or 'x2apic' the MSRs of these.");
        }

        context.Machine.Ref(context.Board.Layout.Clock).ReadAbsolute();
        return new Instant(context.Machine.Now);
    }

    private static void EmitExit(VcpuThread vcpu, TraceEventKind kind)
    {
        // EXITINTINFO stands where VMX has the VM-exit interruption information; IDT-vectoring information has a place of its own.
        var exit = vcpu.LastExit;
        var isSvm = (exit.Reason & TraceEvent.SvmExit) != 0;
        VcpuThread.Emit(
            kind,
            exit.Reason,
            exit.Rip,
            exit.Info1,
            isSvm ? exit.Info2 : exit.Vectoring,
            isSvm ? exit.Vectoring : exit.InterruptionInformation);
    }
}
