using System.Runtime.InteropServices;

namespace ScenarioHv.Engine.Devices;

/// <summary>What becomes of ticks of channel 0 that expire before the guest has acknowledged the last one.</summary>
public enum PitReinjectionRule : byte
{
    /// <summary>Every expiry is a pulse, and those that find the last one pending merge with it (82C54; QEMU i8254.c).</summary>
    Off = 0,

    /// <summary>They are counted and sent again, one at each acknowledgement (KVM i8254.c:pit_do_work, kvm_pit_ack_irq).</summary>
    On = 1,
}

/// <summary>
/// KVM's account of the ticks of channel 0 that the guest has not seen (KVM i8254.c: <c>pending</c>, <c>irq_ack</c>). It says for each
/// expiry and each EOI of IRQ0 whether a pulse, high then low, is sent now. With <see cref="IsOn"/> = 0 (KVM_REINJECT_CONTROL) every expiry
/// is a pulse.
/// </summary>
/// <remarks>
/// Not modelled: the kernel thread between the timer and the pulse: what KVM queues happens here at once, so an EOI that comes while a
/// pulse
/// is queued cannot be told from one that comes after it.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public struct PitReinjection
{
    /// <summary>Expiries not yet acknowledged.</summary>
    public uint Pending;

    /// <summary>1 if the last pulse was acknowledged, or none was sent since the count was written.</summary>
    public byte IsAcknowledged;

    /// <summary>1 if missed ticks are sent again.</summary>
    public byte IsOn;

    /// <summary>For the layout only: always 0.</summary>
    public ushort Reserved;

    /// <summary>The state of a new timer.</summary>
    /// <param name="rule">KVM creates it with <see cref="PitReinjectionRule.On"/>.</param>
    public PitReinjection(PitReinjectionRule rule)
    {
        IsOn = rule == PitReinjectionRule.On ? (byte)1 : (byte)0;
        IsAcknowledged = 1;
    }

    /// <summary>A count was written: nothing is owed.</summary>
    public void CountWritten()
    {
        Pending = 0;
        IsAcknowledged = 1;
    }

    /// <summary>The timer expires.</summary>
    /// <returns>True if a pulse is sent.</returns>
    public bool Expired()
    {
        if (IsOn == 0)
            return true;
        Pending++;
        return Send();
    }

    /// <summary>The guest ended IRQ0 at the 8259 or at the I/O APIC.</summary>
    /// <returns>True if a pulse that was owed is sent.</returns>
    public bool Acknowledged()
    {
        if (IsOn == 0)
            return false;
        IsAcknowledged = 1;
        if (Pending == 0)
            return false;
        Pending--;
        return Pending > 0 && Send();
    }

    private bool Send()
    {
        if (IsAcknowledged == 0)
            return false;
        IsAcknowledged = 0;
        return true;
    }
}
