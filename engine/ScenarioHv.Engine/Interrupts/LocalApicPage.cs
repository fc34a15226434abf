using System.Runtime.InteropServices;

namespace ScenarioHv.Engine.Interrupts;

/// <summary>
/// The registers of a local APIC as a monitor saves and restores them (struct kvm_lapic_state: the register page, in xAPIC mode). PPR is
/// not among them, it follows from the others; nor is IA32_TSC_DEADLINE, which is an MSR. Plain data.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct LocalApicPage
{
    /// <summary>Interrupt request register.</summary>
    public Register256 Irr;

    /// <summary>In-service register.</summary>
    public Register256 Isr;

    /// <summary>Trigger mode register.</summary>
    public Register256 Tmr;

    /// <summary>APIC ID register.</summary>
    public uint Id;

    /// <summary>Logical destination register.</summary>
    public uint Ldr;

    /// <summary>Destination format register.</summary>
    public uint Dfr;

    /// <summary>Spurious-interrupt vector register.</summary>
    public uint Svr;

    /// <summary>Interrupt command register, low half.</summary>
    public uint IcrLow;

    /// <summary>Interrupt command register, high half.</summary>
    public uint IcrHigh;

    /// <summary>LVT timer.</summary>
    public uint LvtTimer;

    /// <summary>LVT thermal sensor.</summary>
    public uint LvtThermal;

    /// <summary>LVT performance counters.</summary>
    public uint LvtPerformance;

    /// <summary>LVT LINT0.</summary>
    public uint LvtLint0;

    /// <summary>LVT LINT1.</summary>
    public uint LvtLint1;

    /// <summary>LVT error.</summary>
    public uint LvtError;

    /// <summary>LVT CMCI.</summary>
    public uint LvtCmci;

    /// <summary>Timer initial count (TMICT).</summary>
    public uint TimerInitialCount;

    /// <summary>
    /// Timer current count (TMCCT): the whole counts that were left, 0 in the last one, after expiry and in TSC-deadline mode.
    /// </summary>
    public uint TimerCurrentCount;

    /// <summary>Task priority register.</summary>
    public byte Tpr;

    /// <summary>Timer divide configuration.</summary>
    public byte TimerDivide;

    /// <summary>Error status register.</summary>
    public ApicErrors Esr;

    /// <summary>For the layout only: always 0.</summary>
    public byte Reserved;
}

/// <summary>A moment at which a local APIC timer is to expire, computed and not armed yet.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct LocalApicTimerTarget
{
    /// <summary>The moment; never if the timer is not to run.</summary>
    public Time.Instant Deadline;

    /// <summary>How much later than exact that is, see <see cref="LocalApic.TimerDeadlineExcess"/>.</summary>
    public long Excess;
}

/// <summary>From where a restored timer that counts goes on.</summary>
public enum RestoredCount : byte
{
    /// <summary>From the initial count, whatever was left of it (KVM before 5.8).</summary>
    Initial,

    /// <summary>From the saved current count; if that is 0, from the initial count (KVM 5.8 to 6.2).</summary>
    CurrentOrInitial,

    /// <summary>
    /// From the saved current count; if that is 0 a one-shot timer has expired, and a periodic one starts a period (KVM 6.3 on).
    /// </summary>
    Current,
}
