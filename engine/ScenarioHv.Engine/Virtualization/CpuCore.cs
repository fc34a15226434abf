using System.Runtime.InteropServices;

namespace ScenarioHv.Engine.Virtualization;

// Not modelled: blocking by SMI (bit 2) and enclave interruption (bit 4) of the interruptibility state, privilege levels, nested faults.

/// <summary>Activity state, with the numbers of VMCS field 0x4826 (SDM3 24.4.2). SVM has no such field: VMRUN enters active.</summary>
public enum ActivityState : byte
{
    /// <summary>Instructions are executed.</summary>
    Active = 0,

    /// <summary>HLT was executed; the next event that is not blocked wakes.</summary>
    Hlt = 1,

    /// <summary>A triple fault or another serious error happened; maskable interrupts and debug traps do not wake.</summary>
    Shutdown = 2,

    /// <summary>Only a start-up IPI has an effect.</summary>
    WaitForSipi = 3,
}

/// <summary>Guest interruptibility state, VMCS field 0x4824 (SDM3 24.4.2).</summary>
[Flags]
public enum InterruptibilityState : uint
{
    /// <summary>Nothing is blocked by it.</summary>
    None = 0,

    /// <summary>Blocking by STI.</summary>
    BlockingBySti = 1u << 0,

    /// <summary>Blocking by MOV SS or POP SS.</summary>
    BlockingByMovSs = 1u << 1,

    /// <summary>Blocking by NMI; virtual-NMI blocking if "virtual NMIs" is 1.</summary>
    BlockingByNmi = 1u << 3,
}

/// <summary>Pending debug exceptions, VMCS field 0x6822 (SDM3 24.4.2): the debug traps of the previous instruction.</summary>
[Flags]
public enum PendingDebugExceptions : ushort
{
    /// <summary>No trap is pending.</summary>
    None = 0,

    /// <summary>Breakpoint condition of DR0 was met.</summary>
    B0 = 1 << 0,

    /// <summary>Breakpoint condition of DR1 was met.</summary>
    B1 = 1 << 1,

    /// <summary>Breakpoint condition of DR2 was met.</summary>
    B2 = 1 << 2,

    /// <summary>Breakpoint condition of DR3 was met.</summary>
    B3 = 1 << 3,

    /// <summary>At least one breakpoint that was met is enabled in DR7.</summary>
    EnabledBreakpoint = 1 << 12,

    /// <summary>Single step: RFLAGS.TF was 1.</summary>
    Bs = 1 << 14,
}

/// <summary>
/// What one processor, at one virtualization level, remembers from one instruction to the next and an interrupt depends on.
/// For a guest it is at the same time the interruptibility state, the activity state and the pending debug exceptions of the guest-state
/// area: there is no second copy in the VMCS or VMCB.
/// </summary>
/// <remarks>
/// The default value is active, IF = 0, GIF = 1 and nothing blocked. One instruction is: its operation here (if it has one), then
/// <see cref="InstructionRetired"/>, then the boundary. A shadow counts the retirements it still has to see: 2 while the instruction that
/// makes it is in flight, 1 at the boundary that it covers.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public struct CpuCore
{
    /// <summary>RFLAGS.IF, 0 or 1.</summary>
    public byte InterruptFlag;

    /// <summary>Blocking by STI: 0 none, 1 covers the next instruction, 2 the STI itself has not retired.</summary>
    public byte StiShadow;

    /// <summary>Blocking by MOV SS or POP SS: 0 none, 1 covers the next instruction, 2 the load itself has not retired.</summary>
    public byte MovSsShadow;

    /// <summary>
    /// Blocking by NMI, 0 or 1. In a guest with "virtual NMIs" = 1 it is virtual-NMI blocking (SDM3 24.4.2, table for bit 3).
    /// SVM's V_NMI_MASK is not this bit but the VMCB's.
    /// </summary>
    public byte NmiBlocked;

    /// <summary>The activity state.</summary>
    public ActivityState Activity;

    /// <summary>1 while GIF = 0 (APM2 15.17). Always 0 on a processor without SVM.</summary>
    public byte GifCleared;

    /// <summary>Debug traps of the previous instruction that are not delivered yet.</summary>
    public PendingDebugExceptions PendingDebugTrap;

    /// <summary>True in the shadow of STI or MOV SS: one instruction must complete first (SDM3 6.8.1, 6.8.3).</summary>
    public readonly bool InShadow => (StiShadow | MovSsShadow) != 0;

    /// <summary>True if maskable interrupts are not blocked: IF = 1 and no shadow. GIF and the activity state are not looked at.</summary>
    public readonly bool InterruptsOpen => InterruptFlag != 0 && !InShadow;

    /// <summary>
    /// The interruptibility state as it is saved at a VM exit (field 0x4824). Setting it makes a shadow cover the next instruction.
    /// </summary>
    /// <exception cref="InvalidOperationException">A bit other than 0, 1 and 3 is set.</exception>
    public InterruptibilityState Interruptibility
    {
        readonly get =>
            (StiShadow != 0 ? InterruptibilityState.BlockingBySti : 0)
            | (MovSsShadow != 0 ? InterruptibilityState.BlockingByMovSs : 0)
            | (NmiBlocked != 0 ? InterruptibilityState.BlockingByNmi : 0);
        set
        {
            const InterruptibilityState Modelled =
                InterruptibilityState.BlockingBySti | InterruptibilityState.BlockingByMovSs | InterruptibilityState.BlockingByNmi;
            if ((value & ~Modelled) != 0)
                throw new InvalidOperationException($"Interruptibility state 0x{(uint)value:x} has bits that are not modelled.");

            StiShadow = (byte)((value & InterruptibilityState.BlockingBySti) != 0 ? 1 : 0);
            MovSsShadow = (byte)((value & InterruptibilityState.BlockingByMovSs) != 0 ? 1 : 0);
            NmiBlocked = (byte)((value & InterruptibilityState.BlockingByNmi) != 0 ? 1 : 0);
        }
    }

    /// <summary>STI. A shadow comes only from IF 0 to 1 (SDM3 6.8.1; kvm-unit-tests vmx_intr_window_test: STI, STI).</summary>
    public void Sti()
    {
        if (InterruptFlag == 0)
            StiShadow = 2;
        InterruptFlag = 1;
    }

    /// <summary>CLI.</summary>
    public void Cli() => InterruptFlag = 0;

    /// <summary>
    /// MOV SS or POP SS. Of consecutive loads only the first is sure to block (SDM3 6.8.3), and here only the first does, as in KVM
    /// (emulate.c) and Bochs.
    /// </summary>
    public void MovSs()
    {
        if (MovSsShadow == 0)
            MovSsShadow = 2;
    }

    /// <summary>HLT, where it is not intercepted.</summary>
    public void Hlt() => Activity = ActivityState.Hlt;

    /// <summary>CLGI, where it is not intercepted and V_GIF is not enabled.</summary>
    public void Clgi() => GifCleared = 1;

    /// <summary>STGI, where it is not intercepted and V_GIF is not enabled.</summary>
    public void Stgi() => GifCleared = 0;

    /// <summary>An instruction completes: the shadows that were there before it end, its own begins.</summary>
    public void InstructionRetired()
    {
        if (StiShadow != 0)
            StiShadow--;
        if (MovSsShadow != 0)
            MovSsShadow--;
    }

    /// <summary>A maskable interrupt is delivered through an interrupt gate: IF = 0, no shadow, active (SDM3 6.12.1.2).</summary>
    public void TakeInterrupt() => TakeException(interruptGate: true);

    /// <summary>An NMI is delivered through an interrupt gate; further NMIs are blocked until IRET (SDM3 6.7.1).</summary>
    public void TakeNmi()
    {
        TakeException(interruptGate: true);
        BlockNmi();
    }

    /// <summary>An exception or software interrupt is delivered; a trap gate leaves IF as it is.</summary>
    /// <param name="interruptGate">True for an interrupt gate, false for a trap gate.</param>
    public void TakeException(bool interruptGate)
    {
        if (interruptGate)
            InterruptFlag = 0;
        EndShadows();
        Activity = ActivityState.Active;
    }

    /// <summary>
    /// The event of a VM entry is vectored. Blocking by NMI is not touched: the injection has set it where it must (VMX, or V_NMI_MASK
    /// under SVM).
    /// </summary>
    /// <param name="injected">What the injection returned; nothing happens if it has no vector.</param>
    /// <param name="interruptGate">True for an interrupt gate, false for a trap gate.</param>
    public void TakeInjected(in InjectedEvent injected, bool interruptGate)
    {
        if (injected.Kind is not (InjectedEventKind.None or InjectedEventKind.MonitorTrap))
            TakeException(interruptGate);
    }

    /// <summary>The pending debug traps are delivered as one #DB.</summary>
    /// <param name="interruptGate">True for an interrupt gate, false for a trap gate.</param>
    public void TakeDebugTrap(bool interruptGate)
    {
        TakeException(interruptGate);
        PendingDebugTrap = PendingDebugExceptions.None;
    }

    /// <summary>
    /// NMIs are blocked from here: by delivery, by injection, or in the host because an NMI caused the VM exit (SDM3 27.5.5).
    /// </summary>
    public void BlockNmi() => NmiBlocked = 1;

    /// <summary>IRET. It makes no shadow; call <see cref="InstructionRetired"/> as for any instruction.</summary>
    /// <param name="restoredIf">The IF that is popped, 0 or 1.</param>
    /// <param name="unblockNmi">Whether it ends blocking by NMI: always on bare metal, by the controls in a guest.</param>
    public void Iret(byte restoredIf, bool unblockNmi)
    {
        InterruptFlag = restoredIf;
        if (unblockNmi)
            NmiBlocked = 0;
    }

    /// <summary>Ends both shadows, as delivery and injection do.</summary>
    public void EndShadows()
    {
        StiShadow = 0;
        MovSsShadow = 0;
    }
}
