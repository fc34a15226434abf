namespace ScenarioHv.Engine.Tracing;

/// <summary>
/// A line of FreeBSD's kernel trace (KTR) by bhyve's vmm: which message, for <see cref="TraceEventKind.Ktr"/>. B to E are its arguments.
/// </summary>
public enum KtrMessage : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>vlapic_set_intr_ready: B vector, C its 32-bit word of IRR. The kernel prints all eight words.</summary>
    IntrReady,

    /// <summary>A request finds its bit in IRR set: B vector, C the word of IRR. The revision of January 2018 adds such a line.</summary>
    Collapsed,

    /// <summary>vlapic_pending_intr: B vector.</summary>
    PendingInterrupt,

    /// <summary>vlapic_intr_accepted: B vector, C its word of IRR, D its word of ISR.</summary>
    IntrAccepted,

    /// <summary>A vector is put into V_INTR_VECTOR: B vector.</summary>
    VIrqProgrammed,

    /// <summary>V_IRQ after a #VMEXIT: B vector, C accepted (0 or 1).</summary>
    VIrqOutcome,

    /// <summary>V_IRQ no longer offers a vector.</summary>
    VIrqCleared,

    /// <summary>A vector is put into EVENTINJ: B vector.</summary>
    EventInjected,

    /// <summary>IF = 0 holds a vector back: B vector.</summary>
    BlockedByRflags,

    /// <summary>An interrupt shadow holds a vector back: B vector.</summary>
    BlockedByShadow,

    /// <summary>EVENTINJ is in use already: B vector, C EVENTINJ.</summary>
    BlockedByEvent,

    /// <summary>The interrupt window is asked for.</summary>
    WindowEnabled,

    /// <summary>The interrupt window is no longer asked for.</summary>
    WindowDisabled,

    /// <summary>V_TPR becomes the vLAPIC's TPR: B before, C after.</summary>
    VTprChanged,

    /// <summary>The vLAPIC's TPR changes: B before, C after.</summary>
    TprChanged,

    /// <summary>VMRUN: B rip.</summary>
    ResumeExecution,

    /// <summary>
    /// #VMEXIT: B handled by svm_vmexit (0 or 1), C reason as in <see cref="TraceEventKind.KvmExit"/>, D rip, E length of the
    /// instruction where the processor tells it.
    /// </summary>
    VmExit,

    /// <summary>A #VMEXIT has cut the delivery of an event short: B EXITINTINFO.</summary>
    IntInfoPending,

    /// <summary>That event is injected again: B EVENTINJ.</summary>
    IntInfoInjected,

    /// <summary>A register of the vLAPIC is read: B offset, C value.</summary>
    ApicRead,

    /// <summary>A register of the vLAPIC is written: B offset, C value.</summary>
    ApicWrite,

    /// <summary>An EOI: B vector.</summary>
    Eoi,

    /// <summary>An EOI with nothing in service.</summary>
    GratuitousEoi,

    /// <summary>An IPI is sent: B ICR, C vector.</summary>
    IcrWritten,

    /// <summary>A vCPU's state changes: B before, C after (0 frozen, 1 running, 2 sleeping).</summary>
    StateChanged,
}
