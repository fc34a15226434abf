namespace ScenarioHv.Engine.Virtualization.Vmx;

// The bits that event delivery depends on; the other control bits have no name here.

/// <summary>Pin-based VM-execution controls, VMCS field 0x4000 (SDM3 24.6.1).</summary>
[Flags]
public enum PinBasedControls : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>External interrupts cause exit 1, whatever IF is.</summary>
    ExternalInterruptExiting = 1u << 0,

    /// <summary>NMIs cause exit 0.</summary>
    NmiExiting = 1u << 3,

    /// <summary>Bit 3 of the interruptibility state is virtual-NMI blocking; physical NMIs are never blocked.</summary>
    VirtualNmis = 1u << 5,

    /// <summary>The VMX-preemption timer counts down in the guest.</summary>
    ActivatePreemptionTimer = 1u << 6,

    /// <summary>Interrupts with the notification vector are processed without exit.</summary>
    ProcessPostedInterrupts = 1u << 7,
}

/// <summary>Primary processor-based VM-execution controls, VMCS field 0x4002 (SDM3 24.6.2).</summary>
[Flags]
public enum PrimaryControls : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Exit 7 as soon as IF = 1 and nothing blocks.</summary>
    InterruptWindowExiting = 1u << 2,

    /// <summary>HLT causes exit 12.</summary>
    HltExiting = 1u << 7,

    /// <summary>MOV to CR8 causes an exit.</summary>
    Cr8LoadExiting = 1u << 19,

    /// <summary>MOV from CR8 causes an exit.</summary>
    Cr8StoreExiting = 1u << 20,

    /// <summary>CR8 and TPR accesses go to the virtual-APIC page.</summary>
    UseTprShadow = 1u << 21,

    /// <summary>Exit 8 as soon as there is no virtual-NMI blocking.</summary>
    NmiWindowExiting = 1u << 22,

    /// <summary>Exit 37 after each instruction.</summary>
    MonitorTrapFlag = 1u << 27,

    /// <summary>The secondary controls count; otherwise they are taken as 0.</summary>
    ActivateSecondaryControls = 1u << 31,
}

/// <summary>Secondary processor-based VM-execution controls, VMCS field 0x401E (SDM3 24.6.2).</summary>
[Flags]
public enum SecondaryControls : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Accesses to the APIC-access page are virtualized.</summary>
    VirtualizeApicAccesses = 1u << 0,

    /// <summary>RDMSR and WRMSR of 800h..8FFh are virtualized.</summary>
    VirtualizeX2ApicMode = 1u << 4,

    /// <summary>Most APIC registers are read from the virtual-APIC page.</summary>
    ApicRegisterVirtualization = 1u << 8,

    /// <summary>Virtual interrupts are evaluated and delivered by the processor.</summary>
    VirtualInterruptDelivery = 1u << 9,
}

/// <summary>VM-exit controls, VMCS field 0x400C (SDM3 24.7.1).</summary>
[Flags]
public enum ExitControls : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>An external-interrupt exit acknowledges the interrupt controller and saves the vector.</summary>
    AcknowledgeInterruptOnExit = 1u << 15,

    /// <summary>Every exit saves what is left of the VMX-preemption timer.</summary>
    SavePreemptionTimer = 1u << 22,
}
