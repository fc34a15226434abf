using ScenarioHv.Engine.Guests;

namespace ScenarioHv.Engine.Policies;

/// <summary>
/// What an I/O APIC does when an EOI reaches a level pin whose line is still asserted. Instances are immutable; what they remember is in
/// <see cref="IoApicEoiMemory"/>, one per pin.
/// </summary>
public interface IIoApicEoiPolicy
{
    /// <summary>The value as a scenario writes it.</summary>
    string Text { get; }

    /// <summary>Decides, after remote IRR was cleared.</summary>
    /// <param name="pin">The pin.</param>
    /// <param name="stillAsserted">True if the pin is unmasked and its line is high.</param>
    /// <param name="memory">The policy's memory for the pin.</param>
    IoApicEoiDecision Decide(int pin, bool stillAsserted, ref IoApicEoiMemory memory);

    /// <summary>The guest has written the pin's redirection entry.</summary>
    /// <param name="pin">The pin.</param>
    /// <param name="memory">The policy's memory for the pin.</param>
    void EntryWritten(int pin, ref IoApicEoiMemory memory);

    /// <summary>True if it may answer that sending is put off.</summary>
    bool CanDelay { get; }

    /// <summary>How many EOIs in a row it counts before it delays; 0 if it counts none.</summary>
    uint Repetitions => 0;

    /// <summary>For searches: the policy with <see cref="Repetitions"/> at most <paramref name="limit"/>, itself if they are.</summary>
    IIoApicEoiPolicy Scaled(uint limit) => this;
}

/// <summary>What an I/O APIC EOI policy remembers per pin.</summary>
public struct IoApicEoiMemory
{
    /// <summary>EOIs in a row that found the line still asserted (KVM ioapic.h:irq_eoi).</summary>
    public uint Count;

    /// <summary>For the layout only: always 0.</summary>
    public uint Reserved;
}

/// <summary>What is done about a pin at EOI.</summary>
public enum IoApicEoiAction : byte
{
    /// <summary>Nothing to send.</summary>
    Nothing,

    /// <summary>Send again at once.</summary>
    Resend,

    /// <summary>Look again after the delay.</summary>
    Delay,
}

/// <summary>A decision about a pin at EOI.</summary>
/// <param name="Action">What is done.</param>
/// <param name="Cycles">The delay in cycles, 1 or more; 0 without one.</param>
public readonly record struct IoApicEoiDecision(IoApicEoiAction Action, long Cycles = 0)
{
    /// <summary>Nothing is sent.</summary>
    public static IoApicEoiDecision Nothing => default;

    /// <summary>The interrupt is sent again at once.</summary>
    public static IoApicEoiDecision Resend => new(IoApicEoiAction.Resend);

    /// <summary>All pins are looked at again later: the earliest delay counts. For a policy that is asked in a step.</summary>
    /// <param name="microseconds">When: 1 .. 1 000 000 000; KVM's and QEMU's are 10 000.</param>
    /// <exception cref="GuestException">The delay is none.</exception>
    public static IoApicEoiDecision Delay(long microseconds) => microseconds is >= 1 and <= 1_000_000_000
        ? new(IoApicEoiAction.Delay, Math.Max(1, (long)((Int128)StepContext.Current.Board.Config.TscHz * microseconds / 1_000_000)))
        : throw new GuestException($"Delay({microseconds}): a delay is 1..1000000000 microseconds.");

    /// <summary>Its name: <c>Resend</c>.</summary>
    public override string ToString() => Action.ToString();
}

/// <summary>A line that is still high is sent again at once, inside the EOI (82093AA 3.2.4; KVM before 3.18, QEMU before 4.1).</summary>
public sealed class Reinject : IIoApicEoiPolicy
{
    /// <inheritdoc/>
    public string Text => "reinject";

    /// <inheritdoc/>
    public IoApicEoiDecision Decide(int pin, bool stillAsserted, ref IoApicEoiMemory memory) =>
        stillAsserted ? IoApicEoiDecision.Resend : IoApicEoiDecision.Nothing;

    /// <inheritdoc/>
    public void EntryWritten(int pin, ref IoApicEoiMemory memory)
    {
    }

    /// <inheritdoc/>
    public bool CanDelay => false;
}

/// <summary>
/// QEMU's delayed re-assertion (hw/intc/ioapic.c:ioapic_eoi_broadcast, 958a01dab8e0): every <paramref name="count"/>th EOI in a row that
/// finds the line high arms one timer for all pins instead of sending. The count starts anew when an EOI finds the line low or masked, and
/// when the entry is rewritten.
/// </summary>
/// <param name="count">SUCCESSIVE_IRQ_MAX_COUNT, 1 or more.</param>
/// <param name="delay">The delay in cycles, 1 or more.</param>
public sealed class QemuDelayAfter(uint count, long delay) : IIoApicEoiPolicy
{
    /// <inheritdoc/>
    public string Text => $"delay-after({count}, {delay} cycles)";

    /// <inheritdoc/>
    public IoApicEoiDecision Decide(int pin, bool stillAsserted, ref IoApicEoiMemory memory)
    {
        if (!stillAsserted)
        {
            memory.Count = 0;
            return IoApicEoiDecision.Nothing;
        }

        memory.Count++;
        if (memory.Count >= count)
        {
            memory.Count = 0;
            return new IoApicEoiDecision(IoApicEoiAction.Delay, delay);
        }

        return IoApicEoiDecision.Resend;
    }

    /// <inheritdoc/>
    public void EntryWritten(int pin, ref IoApicEoiMemory memory) => memory.Count = 0;

    /// <inheritdoc/>
    public bool CanDelay => true;

    /// <inheritdoc/>
    public uint Repetitions => count;

    /// <inheritdoc/>
    public IIoApicEoiPolicy Scaled(uint limit) => count <= limit ? this : new QemuDelayAfter(limit, delay);
}

/// <summary>
/// KVM's delayed re-injection (ioapic.c:kvm_ioapic_update_eoi_one, 184564efae4d, 3.18): when the count of EOIs in a row that find the line
/// high is exactly <paramref name="count"/>, work is scheduled instead of sending. The count starts anew when an EOI finds the line low or
/// masked; rewriting the entry does not matter.
/// </summary>
/// <param name="count">IOAPIC_SUCCESSIVE_IRQ_MAX_COUNT, 1 or more.</param>
/// <param name="delay">The delay in cycles, 1 or more: HZ/100 jiffies.</param>
public sealed class KvmDelayAfter(uint count, long delay) : IIoApicEoiPolicy
{
    /// <inheritdoc/>
    public string Text => $"delay-after-kvm({count}, {delay} cycles)";

    /// <inheritdoc/>
    public IoApicEoiDecision Decide(int pin, bool stillAsserted, ref IoApicEoiMemory memory)
    {
        if (!stillAsserted)
        {
            memory.Count = 0;
            return IoApicEoiDecision.Nothing;
        }

        memory.Count++;
        if (memory.Count == count)
        {
            memory.Count = 0;
            return new IoApicEoiDecision(IoApicEoiAction.Delay, delay);
        }

        return IoApicEoiDecision.Resend;
    }

    /// <inheritdoc/>
    public void EntryWritten(int pin, ref IoApicEoiMemory memory)
    {
    }

    /// <inheritdoc/>
    public bool CanDelay => true;

    /// <inheritdoc/>
    public uint Repetitions => count;

    /// <inheritdoc/>
    public IIoApicEoiPolicy Scaled(uint limit) => count <= limit ? this : new KvmDelayAfter(limit, delay);
}
