namespace ScenarioHv.Engine.Virtualization.Svm;

/// <summary>Why VMRUN ends with #VMEXIT(INVALID).</summary>
public enum VmrunFailure : byte
{
    /// <summary>The VMCB is consistent.</summary>
    None = 0,

    /// <summary>The VMRUN intercept is clear.</summary>
    VmrunInterceptClear,

    /// <summary>V_NMI_ENABLE without the NMI intercept.</summary>
    VirtualNmiWithoutNmiIntercept,

    /// <summary>EVENTINJ has a type that is not defined (1, 5, 6, 7).</summary>
    EventTypeReserved,

    /// <summary>EVENTINJ of type exception with vector 2 or above 31.</summary>
    EventExceptionVector,
}

/// <summary>The consistency checks of VMRUN that concern events (APM2 15.5.1, 15.20, 15.21.10).</summary>
public static class VmrunChecks
{
    /// <summary>The first check that fails, or none.</summary>
    /// <param name="vmcb">The VMCB that VMRUN names.</param>
    public static VmrunFailure Check(in Vmcb vmcb)
    {
        if (!vmcb.Has(Intercept4.Vmrun))
            return VmrunFailure.VmrunInterceptClear;
        if (vmcb.VNmiEnable != 0 && !vmcb.Has(Intercept3.Nmi))
            return VmrunFailure.VirtualNmiWithoutNmiIntercept;
        if (!EventInjection.IsValid(vmcb.EventInj))
            return VmrunFailure.None;

        var vector = EventInjection.Vector(vmcb.EventInj);
        return EventInjection.Type(vmcb.EventInj) switch
        {
            SvmEventType.Intr or SvmEventType.Nmi or SvmEventType.SoftwareInterrupt => VmrunFailure.None,
            SvmEventType.Exception => vector is 2 or > 31 ? VmrunFailure.EventExceptionVector : VmrunFailure.None,
            _ => VmrunFailure.EventTypeReserved,
        };
    }

    /// <summary>Writes #VMEXIT(INVALID): EXITCODE = -1. The event is not injected and EVENTINJ.V becomes 0 as at every #VMEXIT.</summary>
    /// <param name="vmcb">The VMCB.</param>
    public static void RecordInvalid(ref Vmcb vmcb)
    {
        vmcb.ExitCode = ulong.MaxValue;
        SvmProcessor.ClearInjectionAtExit(ref vmcb);
    }
}
