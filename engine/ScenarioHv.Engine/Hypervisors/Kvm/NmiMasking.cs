using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>What a kernel prints (printk) in a <see cref="TraceEventKind.KernelMessage"/>.</summary>
public enum KernelMessage : byte
{
    /// <summary>The guest's NMI-blocked state is given up after one second of guest time.</summary>
    BreakingOutOfNmiBlocked = 0,
}

/// <summary>What a <see cref="NmiTracking"/> in software found at an exit.</summary>
public enum NmiTrackingDecision : byte
{
    /// <summary>The guest has interrupts off: NMIs stay masked.</summary>
    StaysMasked,

    /// <summary>The guest is open for interrupts: its NMI handler is taken to be over.</summary>
    WindowOpen,

    /// <summary>One second of guest time has passed: the mask is lifted by force.</summary>
    TimedOut,

    /// <summary>The IRET has been executed.</summary>
    IretDone,
}

/// <summary>
/// Whether a guest can take an NMI, and how KVM finds out when it can again: by the processor, by an interrupt window, or by the IRET
/// (vmx.c:vmx_inject_nmi, enable_nmi_window, vmx_handle_exit; svm.c:svm_inject_nmi, iret_interception, svm_enable_nmi_window).
/// </summary>
/// <remarks>
/// The state is the vCPU's, as up to 4.14, and not the control structure's: NMIs that L1 wants to exit for are not modelled. Nor are V_GIF
/// and its STGI intercept, and the guest's own use of RFLAGS.TF.
/// </remarks>
internal static class NmiMasking
{
    private static KvmPolicies Policies => HostThread.Board.Config.Kvm;

    /// <summary>Whether KVM takes the guest to be inside an NMI handler (vmx_get_nmi_mask, svm_get_nmi_mask).</summary>
    public static bool IsMasked(VcpuThread vcpu) => Policies.NmiTracking switch
    {
        NmiTracking.HardwareVnmi => VcpuThread.Processor.VirtualNmisMasked(VcpuThread.Context.Machine, vcpu.Index),
        _ when Policies.TracksNmiInSoftware => vcpu.Nmi.Masked != 0,
        _ => vcpu.Core(vcpu.State.Level).NmiBlocked != 0,
    };

    /// <summary>Whether the next entry may inject an NMI (vmx_nmi_allowed, svm_nmi_allowed): either shadow holds it back.</summary>
    public static bool IsAllowed(VcpuThread vcpu) => Policies.NmiTracking != NmiTracking.NoInjection
        && vcpu.Kvm is { NestedRunPending: 0, GifClear: 0 }
        && !IsMasked(vcpu)
        && !vcpu.Core(vcpu.State.Level).InShadow;

    /// <summary>Writes an NMI for injection, for the first time or again.</summary>
    public static void Inject(VcpuThread vcpu)
    {
        var machine = VcpuThread.Context.Machine;
        if (Policies.TracksNmiInSoftware)
        {
            vcpu.Nmi.Masked = 1;
            vcpu.Nmi.BlockedTime = 0;
        }

        if (Policies.NmiTracking == NmiTracking.IretIntercept)
        {
            VcpuThread.Processor.SetIretIntercept(machine, vcpu.Index, true);
        }

        VcpuThread.Processor.WriteNmiInjection(machine, vcpu.Index);
    }

    /// <summary>An NMI waits: whatever will say that it can be injected is asked for (enable_nmi_window).</summary>
    public static void RequestWindow(VcpuThread vcpu)
    {
        var machine = VcpuThread.Context.Machine;
        switch (Policies.NmiTracking)
        {
            case NmiTracking.VirtualNmi:
                VcpuThread.Processor.SetNmiWindow(machine, vcpu.Index, true);
                break;
            case NmiTracking.Untracked or NmiTracking.IrqWindow or NmiTracking.IrqWindowTimeout:
                VcpuThread.Processor.SetInterruptWindow(machine, vcpu.Index, true);
                break;
            case NmiTracking.IretIntercept or NmiTracking.HardwareVnmi when StepHelps(vcpu):
                VcpuThread.Processor.SetSingleStep(machine, vcpu.Index, true);
                break;
        }
    }

    /// <summary>Whether the window of NMIs is asked for, or no longer.</summary>
    public static void SetWindow(VcpuThread vcpu, bool wanted)
    {
        if (wanted)
        {
            RequestWindow(vcpu);
        }
        else if (Policies.NmiTracking == NmiTracking.VirtualNmi)
        {
            VcpuThread.Processor.SetNmiWindow(VcpuThread.Context.Machine, vcpu.Index, false);
        }
    }

    /// <summary>Guest time is measured from here while NMIs are masked (vmx_vcpu_run: entry_time).</summary>
    public static void Entering(VcpuThread vcpu)
    {
        if (Policies.NmiTracking == NmiTracking.IrqWindowTimeout && vcpu.Nmi.Masked != 0)
        {
            vcpu.Nmi.Deadline = new Instant(VcpuThread.Context.Machine.Now) + (Limit - vcpu.Nmi.BlockedTime);
        }
    }

    /// <summary>The guest has been left: its time is added, and an IRET that was stepped over has ended the handler.</summary>
    public static void Left(VcpuThread vcpu)
    {
        if (Policies.NmiTracking == NmiTracking.IrqWindowTimeout && !vcpu.Nmi.Deadline.IsNever)
        {
            ref var nmi = ref vcpu.Nmi;
            nmi.BlockedTime = Math.Min(Limit + (new Instant(VcpuThread.Context.Machine.Now) - nmi.Deadline), Limit + 1);
            nmi.Deadline = Instant.Never;
        }

        if (Policies.NmiTracking == NmiTracking.IretIntercept)
        {
            CompleteIret(vcpu);
        }
    }

    /// <summary>
    /// Looks at the software flag at an exit, before the exit's own handler (vmx_handle_exit). No event is requested: a kernel that looks
    /// for events on request only does not notice that the flag was cleared by force.
    /// </summary>
    /// <returns>True if userspace has asked for this moment, so that the exit is not handled now.</returns>
    public static bool CheckAtExit(VcpuThread vcpu)
    {
        if (!Policies.TracksNmiByInterruptWindow || vcpu.Nmi.Masked == 0)
        {
            return false;
        }

        ref var nmi = ref vcpu.Nmi;
        var decision = NmiTrackingDecision.StaysMasked;
        if (vcpu.Core(1).InterruptsOpen)
        {
            decision = NmiTrackingDecision.WindowOpen;
        }
        else if (nmi.BlockedTime > Limit && (vcpu.Kvm.NmiPending > 0 || IsWindowRequested(vcpu)))
        {
            decision = NmiTrackingDecision.TimedOut;
            VcpuThread.Emit(
                TraceEventKind.KernelMessage,
                (ulong)KernelMessage.BreakingOutOfNmiBlocked,
                (ulong)vcpu.Index,
                EventInjection.IsEarly ? 1UL : 0);
        }

        nmi.Masked = decision == NmiTrackingDecision.StaysMasked ? (byte)1 : (byte)0;
        Decided(decision);
        return nmi.Masked == 0 && TellUserspace(vcpu);
    }

    /// <summary>
    /// Leaves KVM_RUN if userspace waits for the moment at which the guest can take an NMI, and it has come (KVM_EXIT_NMI_WINDOW_OPEN).
    /// </summary>
    /// <returns>True if KVM_RUN is left.</returns>
    public static bool TellUserspace(VcpuThread vcpu)
    {
        if (!IsWindowRequested(vcpu) || vcpu.Kvm is not { NmiPending: 0, NmiQueued: 0 } || !IsAllowed(vcpu))
        {
            return false;
        }

        vcpu.ExitToUserspace(UserExit.NmiWindowOpen);
        return true;
    }

    /// <summary>Whether the monitor waits for that moment.</summary>
    public static bool IsWindowRequested(VcpuThread vcpu) => Policies.TellsNmiWindows && vcpu.Nmi.WindowRequested != 0;

    /// <summary>An IRET is about to be executed: NMIs stay masked until it is behind us (iret_interception).</summary>
    public static void IretIntercepted(VcpuThread vcpu)
    {
        vcpu.Nmi.AwaitingIret = 1;
        vcpu.Nmi.IretRip = vcpu.LastExit.Rip;
        VcpuThread.Processor.SetIretIntercept(VcpuThread.Context.Machine, vcpu.Index, false);
        vcpu.Request(KvmRequests.Event);
    }

    /// <summary>One instruction has been stepped over (db_interception).</summary>
    public static void Stepped(VcpuThread vcpu)
    {
        VcpuThread.Processor.SetSingleStep(VcpuThread.Context.Machine, vcpu.Index, false);
        vcpu.Request(KvmRequests.Event);
    }

    /// <summary>
    /// NMIs that have arrived become pending (x86.c:process_nmi): as many as <see cref="Interrupts.PlatformPolicies.PendingNmis"/> says,
    /// and one only while the guest is in an NMI handler or on its way into one. The processor takes one of them if it has a place for it.
    /// </summary>
    public static void Queue(VcpuThread vcpu)
    {
        ref var kvm = ref vcpu.Kvm;
        var limit = IsMasked(vcpu) || kvm.NmiInjected != 0 ? 1 : HostThread.Board.Controllers.Platform.NmiLimit();
        var machine = VcpuThread.Context.Machine;
        var inHardware = Policies.NmiTracking == NmiTracking.HardwareVnmi;
        if (inHardware && VcpuThread.Processor.VirtualNmiPending(machine, vcpu.Index))
        {
            limit--;
        }

        kvm.NmiPending = (byte)Math.Min(kvm.NmiPending + kvm.NmiQueued, limit);
        kvm.NmiQueued = 0;
        if (inHardware && kvm.NmiPending > 0 && VcpuThread.Processor.TrySetVirtualNmi(machine, vcpu.Index))
        {
            kvm.NmiPending--;
        }

        vcpu.Request(KvmRequests.Event);
    }

    /// <summary>One second, in cycles.</summary>
    private static long Limit => HostThread.Board.Config.TscHz;

    /// <summary>
    /// While the handler has not come to its IRET there is nothing to step over, and with GIF = 0 the window opens at STGI
    /// (svm_enable_nmi_window).
    /// </summary>
    private static bool StepHelps(VcpuThread vcpu) =>
        vcpu.Kvm.GifClear == 0 && (!IsMasked(vcpu) || (Policies.TracksNmiInSoftware && vcpu.Nmi.AwaitingIret != 0));

    /// <summary>An exit at another address than that of the intercepted IRET: it has been executed (svm_complete_interrupts).</summary>
    private static void CompleteIret(VcpuThread vcpu)
    {
        ref var nmi = ref vcpu.Nmi;
        if (nmi.AwaitingIret == 0 || VcpuThread.Processor.Rip(VcpuThread.Context.Machine, vcpu.Index, 1) == nmi.IretRip)
        {
            return;
        }

        nmi.AwaitingIret = 0;
        nmi.IretRip = 0;
        nmi.Masked = 0;
        Decided(NmiTrackingDecision.IretDone);
        vcpu.Request(KvmRequests.Event);
    }

    private static void Decided(NmiTrackingDecision decision) =>
        VcpuThread.Emit(TraceEventKind.PolicyDecided, (ulong)PolicyPoint.NmiTracking, (ulong)decision);
}
