namespace ScenarioHv.Engine.Virtualization.Vmx;

/// <summary>
/// The VMX-preemption timer (SDM3 25.5.1): it counts down by 1 whenever bit X of the TSC changes because of an increment, X =
/// IA32_VMX_MISC 4:0, so its ticks are at the multiples of 2^X of the host's TSC, whatever the guest's TSC offset and scaling are.
/// </summary>
/// <remarks>Not modelled: C-states deeper than C2, in which it stands still, and the errata that make it count at another rate.</remarks>
public static class VmxPreemptionTimer
{
    /// <summary>The rate that KVM gives its guest hypervisors, and the usual one of hardware: one tick in 2^5 cycles.</summary>
    public const int TypicalShift = 5;

    /// <summary>The TSC at which a timer that is loaded at <paramref name="tsc"/> expires.</summary>
    /// <param name="tsc">Host TSC at the VM entry, 0 or more.</param>
    /// <param name="value">The value that is loaded, ticks. 0 expires at once.</param>
    /// <param name="shift">X, 0..31.</param>
    /// <returns>For 0 the TSC itself, else the multiple of 2^X that is <paramref name="value"/> ticks ahead.</returns>
    /// <exception cref="InvalidOperationException"><paramref name="shift"/> is out of range.</exception>
    public static long Deadline(long tsc, uint value, int shift)
    {
        CheckShift(shift);
        return value == 0 ? tsc : ((tsc >> shift) + value) << shift;
    }

    /// <summary>
    /// True if the distance to the deadline depends on where the TSC stands between two ticks: an absolute phase, which is an observable.
    /// </summary>
    /// <param name="value">The value that is loaded, ticks.</param>
    /// <param name="shift">X, 0..31. At rate 0 every cycle is a tick.</param>
    /// <exception cref="InvalidOperationException"><paramref name="shift"/> is out of range.</exception>
    public static bool ReadsPhase(uint value, int shift)
    {
        CheckShift(shift);
        return value != 0 && shift != 0;
    }

    /// <summary>The value that an exit saves under "save VMX-preemption timer value"; 0 once it has expired.</summary>
    /// <param name="tsc">Host TSC at the VM exit.</param>
    /// <param name="deadline">What <see cref="Deadline"/> gave at the entry.</param>
    /// <param name="shift">X, 0..31.</param>
    /// <exception cref="InvalidOperationException"><paramref name="shift"/> is out of range, or more than 32 bits are left.</exception>
    public static uint ValueAt(long tsc, long deadline, int shift)
    {
        CheckShift(shift);
        var left = Math.Max(0, (deadline >> shift) - (tsc >> shift));
        return left <= uint.MaxValue
            ? (uint)left
            : throw new InvalidOperationException($"{left} ticks are left, more than the 32-bit timer can hold.");
    }

    /// <summary>What a VM exit leaves in field 0x482E: the rest with the save control, else what was there.</summary>
    /// <param name="vmcs">The current VMCS.</param>
    /// <param name="tsc">Host TSC at the VM exit.</param>
    /// <param name="deadline">What <see cref="Deadline"/> gave at the entry.</param>
    /// <param name="shift">X, 0..31.</param>
    public static void SaveAtExit(ref Vmcs vmcs, long tsc, long deadline, int shift)
    {
        if (vmcs.Has(PinBasedControls.ActivatePreemptionTimer) && vmcs.Has(ExitControls.SavePreemptionTimer))
            vmcs.PreemptionTimerValue = ValueAt(tsc, deadline, shift);
    }

    private static void CheckShift(int shift)
    {
        if (shift is < 0 or > 31)
            throw new InvalidOperationException($"VMX-preemption timer rate {shift} is not in 0..31.");
    }
}
