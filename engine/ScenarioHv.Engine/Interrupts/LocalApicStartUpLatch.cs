using System.Runtime.InteropServices;

namespace ScenarioHv.Engine.Interrupts;

/// <summary>What a core does about INIT and start-up, in this order.</summary>
[Flags]
public enum StartUpActions : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>
    /// INIT: the core and, by <see cref="LocalApic.Init"/>, its local APIC are reset; the boot processor goes on at the reset vector.
    /// </summary>
    Reset = 1,

    /// <summary>After the reset the core waits for a start-up IPI: it is not the boot processor.</summary>
    WaitForStartUp = 2,

    /// <summary>It starts at page <see cref="LocalApicStartUpLatch.Vector"/>: CS selector xx00h, base xx000h, IP 0 (SDM3 8.4.4).</summary>
    Start = 4,
}

/// <summary>
/// INIT and start-up IPIs between their acceptance (<see cref="CoreRequest.Init"/>, <see cref="CoreRequest.StartUp"/>) and the core taking
/// them: KVM's latch (lapic.c:__apic_accept_irq, kvm_apic_accept_events), which is the manual's rule where a core takes them at once.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct LocalApicStartUpLatch
{
    private const byte InitPending = 1;
    private const byte StartUpPending = 2;

    private byte pending;

    /// <summary>The page of the latest start-up IPI.</summary>
    public byte Vector;

    /// <summary>True if the core has something to take.</summary>
    public readonly bool IsPending => pending != 0;

    /// <summary>
    /// An accepted interrupt, as <see cref="LocalApic.Accept(in ApicMessage)"/> returned it.
    /// INIT forgets an earlier start-up; the last start-up counts.
    /// </summary>
    /// <param name="accepted">The result; requests other than INIT and start-up change nothing.</param>
    public void Latch(in AcceptResult accepted)
    {
        switch (accepted.Core)
        {
            case CoreRequest.Init:
                pending = InitPending;
                break;
            case CoreRequest.StartUp:
                Vector = accepted.Vector;
                pending |= StartUpPending;
                break;
        }
    }

    /// <summary>The core looks at the latch, at an instruction boundary or while it waits.</summary>
    /// <param name="isBlocked">INIT is blocked: VMX root operation, SMM, or GIF = 0. It stays pending, and a start-up is lost.</param>
    /// <param name="isWaiting">The core waits for a start-up IPI.</param>
    /// <param name="isBsp">It is the boot processor.</param>
    /// <returns>What to do. A start-up that meets a core that does not wait is gone.</returns>
    public StartUpActions Take(bool isBlocked, bool isWaiting, bool isBsp)
    {
        if (isBlocked)
        {
            pending &= InitPending;
            return StartUpActions.None;
        }
        var actions = StartUpActions.None;
        if ((pending & InitPending) != 0)
        {
            actions = isBsp ? StartUpActions.Reset : StartUpActions.Reset | StartUpActions.WaitForStartUp;
            isWaiting = !isBsp;
        }
        if ((pending & StartUpPending) != 0 && isWaiting)
            actions |= StartUpActions.Start;
        pending = 0;
        return actions;
    }
}
