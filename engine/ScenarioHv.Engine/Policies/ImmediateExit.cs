namespace ScenarioHv.Engine.Policies;

/// <summary>
/// How a hypervisor makes the processor come back right after an entry, because an event is pending that cannot be delivered before it
/// (KVM req_immediate_exit). Instances are immutable; what they remember is in <see cref="ImmediateExitMemory"/>, one per loaded control
/// structure.
/// </summary>
public interface IImmediateExitPolicy
{
    /// <summary>The value as a scenario writes it.</summary>
    string Text { get; }

    /// <summary>The memory's counter is compared only with this and below.</summary>
    long CountLimit { get; }

    /// <summary>Decides, at each entry that needs an immediate exit.</summary>
    /// <param name="rip">The guest's RIP at the moment of arming.</param>
    /// <param name="memory">The policy's memory for the control structure that is loaded.</param>
    ImmediateExitDecision Decide(ulong rip, ref ImmediateExitMemory memory);

    /// <summary>How many armings in a row it counts before it decides otherwise; 0 if it counts none.</summary>
    uint Repetitions => 0;

    /// <summary>For searches: the policy with <see cref="Repetitions"/> at most <paramref name="limit"/>, itself if they are.</summary>
    IImmediateExitPolicy Scaled(uint limit) => this;
}

/// <summary>What an immediate-exit policy remembers per loaded control structure.</summary>
public struct ImmediateExitMemory
{
    /// <summary>RIP at the last arming.</summary>
    public ulong LastRip;

    /// <summary>How often in a row that RIP was seen again.</summary>
    public uint Count;

    /// <summary>For the layout only: always 0.</summary>
    public uint Reserved;
}

/// <summary>How the exit is forced.</summary>
public enum ImmediateExitMechanism : byte
{
    /// <summary>The VMX-preemption timer.</summary>
    PreemptionTimer,

    /// <summary>An interrupt that the host CPU sends to itself.</summary>
    SelfIpi,
}

/// <summary>A decision: the mechanism and its argument.</summary>
/// <param name="Mechanism">How.</param>
/// <param name="Argument">Timer ticks, or after how many guest operations the interrupt arrives.</param>
public readonly record struct ImmediateExitDecision(ImmediateExitMechanism Mechanism, uint Argument)
{
    /// <summary>The VMX-preemption timer is loaded.</summary>
    /// <param name="ticks">With how many ticks: each is 2^shift TSC cycles, and 0 means an exit before the first instruction.</param>
    public static ImmediateExitDecision PreemptionTimer(uint ticks) => new(ImmediateExitMechanism.PreemptionTimer, ticks);

    /// <summary>The host CPU sends an interrupt to itself.</summary>
    /// <param name="after">How many guest operations retire before it arrives: 0 means that it is pending at the entry.</param>
    public static ImmediateExitDecision SelfIpi(uint after) => new(ImmediateExitMechanism.SelfIpi, after);

    /// <summary>As a script writes it: <c>PreemptionTimer(1000)</c>.</summary>
    public override string ToString() => $"{Mechanism}({Argument})";
}

/// <summary>The timer is loaded with 0: the exit comes before the first instruction (KVM since 4.19, vmx.c:vmx_update_hv_timer).</summary>
public sealed class ZeroTimer : IImmediateExitPolicy
{
    /// <inheritdoc/>
    public string Text => "zero-timer";

    /// <inheritdoc/>
    public long CountLimit => 0;

    /// <inheritdoc/>
    public ImmediateExitDecision Decide(ulong rip, ref ImmediateExitMemory memory) => new(ImmediateExitMechanism.PreemptionTimer, 0);
}

/// <summary>
/// The RFC of 28 March 2019: the first sight of a RIP counts 0, each further arming at the same RIP one more; above the limit the timer is
/// loaded with a delay, and goes on being so until the RIP changes.
/// </summary>
/// <param name="count">HV_TIMER_THROTTLE: armings at one RIP beyond which the delay is used. 0 or more.</param>
/// <param name="delay">HV_TIMER_DELAY: timer ticks, that is this many times 2^shift TSC cycles. 1 or more.</param>
public sealed class Throttle(uint count, uint delay) : IImmediateExitPolicy
{
    /// <inheritdoc/>
    public string Text => $"throttle({count}, {delay})";

    /// <inheritdoc/>
    public long CountLimit => count;

    /// <inheritdoc/>
    public uint Repetitions => count;

    /// <inheritdoc/>
    public IImmediateExitPolicy Scaled(uint limit) => count <= limit ? this : new Throttle(limit, delay);

    /// <inheritdoc/>
    public ImmediateExitDecision Decide(ulong rip, ref ImmediateExitMemory memory)
    {
        if (memory.LastRip == rip)
        {
            // The patch's counter is an int that no guest lives long enough to overflow; above the limit its value decides nothing.
            memory.Count = Math.Min(memory.Count, count) + 1;
        }
        else
        {
            memory.Count = 0;
            memory.LastRip = rip;
        }

        return new ImmediateExitDecision(ImmediateExitMechanism.PreemptionTimer, memory.Count > count ? delay : 0);
    }
}

/// <summary>
/// The host CPU sends itself a reschedule interrupt with interrupts off: VMX before 4.19 (13d83045cb61 replaced it), and SVM always.
/// If it is pending at the entry, the exit comes before the first instruction. Nested, nothing guarantees when it arrives.
/// </summary>
/// <param name="after">Guest operations that retire before it arrives: 0 means that it is pending at the entry.</param>
public sealed class SelfIpi(uint after) : IImmediateExitPolicy
{
    /// <inheritdoc/>
    public string Text => after == 0 ? "self-ipi(before-entry)" : $"self-ipi(after({after}))";

    /// <inheritdoc/>
    public long CountLimit => 0;

    /// <inheritdoc/>
    public ImmediateExitDecision Decide(ulong rip, ref ImmediateExitMemory memory) => new(ImmediateExitMechanism.SelfIpi, after);
}
