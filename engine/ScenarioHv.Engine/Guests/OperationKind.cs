namespace ScenarioHv.Engine.Guests;

/// <summary>The operations that a guest's or a hypervisor's code can await.</summary>
public enum OperationKind : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>The outermost method has returned: nothing more will ever happen here.</summary>
    Finished,

    /// <summary>Ordinary instructions for a number of cycles.</summary>
    Work,

    /// <summary>IN.</summary>
    In,

    /// <summary>OUT.</summary>
    Out,

    /// <summary>Load from a local APIC or I/O APIC register through memory.</summary>
    MmioRead,

    /// <summary>Store to a local APIC or I/O APIC register through memory.</summary>
    MmioWrite,

    /// <summary>RDMSR.</summary>
    ReadMsr,

    /// <summary>WRMSR.</summary>
    WriteMsr,

    /// <summary>MOV from CR8.</summary>
    ReadCr8,

    /// <summary>MOV to CR8.</summary>
    WriteCr8,

    /// <summary>STI.</summary>
    Sti,

    /// <summary>CLI.</summary>
    Cli,

    /// <summary>MOV SS.</summary>
    MovSs,

    /// <summary>HLT.</summary>
    Hlt,

    /// <summary>IRET, at the end of a handler.</summary>
    Iret,

    /// <summary>RDTSC, as a number.</summary>
    ReadTsc,

    /// <summary>CPUID.</summary>
    Cpuid,

    /// <summary>BTR of bit 0 of the assist page: whether an EOI may be omitted.</summary>
    AssistEoi,

    /// <summary>The end of an interrupt, by the fastest means the guest has.</summary>
    Eoi,

    /// <summary>VMLAUNCH or VMRESUME, or VMRUN on AMD.</summary>
    VmEnter,

    /// <summary>VMCALL or VMMCALL.</summary>
    VmCall,

    /// <summary>STGI.</summary>
    Stgi,

    /// <summary>CLGI.</summary>
    Clgi,

    /// <summary>Load from memory that vCPUs share.</summary>
    SharedRead,

    /// <summary>Store to memory that vCPUs share.</summary>
    SharedWrite,

    /// <summary>XCHG with memory that vCPUs share.</summary>
    SharedExchange,

    /// <summary>The guest tells the laboratory something.</summary>
    Report,

    /// <summary>The guest leaves it to the scheduler which of several ways it goes.</summary>
    Choose,

    /// <summary>A hypervisor's code: from here on others may act.</summary>
    Point,

    /// <summary>A hypervisor's code: the processor runs the guest until it exits.</summary>
    EnterGuest,

    /// <summary>A hypervisor's code: sleeps until something wakes this thread.</summary>
    Sleep,
}
