using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ScenarioHv.Engine.Interrupts;

/// <summary>Who sends a message: a device, or a local APIC with a shorthand.</summary>
/// <param name="Sender">The index of the sending local APIC, or −1 for a device.</param>
/// <param name="Shorthand">The shorthand of an IPI.</param>
public readonly record struct MessageSource(int Sender, IpiShorthand Shorthand = IpiShorthand.None)
{
    /// <summary>A device: I/O APIC or MSI.</summary>
    public static MessageSource Device => new(-1);

    /// <summary>True unless it is a device.</summary>
    public bool IsIpi => Sender >= 0;
}

/// <summary>Where a message goes.</summary>
/// <param name="Count">How many local APICs take it.</param>
/// <param name="NoneMatched">
/// Nobody was found by comparing: KVM's result −1, which sets an I/O APIC's remote IRR, unlike 0 (irq_comm.c:kvm_irq_delivery_to_apic).
/// </param>
/// <param name="Message">The message they take; fixed instead of lowest priority where it became a broadcast.</param>
public readonly record struct RouteResult(int Count, bool NoneMatched, ApicMessage Message);

/// <summary>One counter per local APIC.</summary>
[InlineArray(ArbitrationMemory.MaxApics)]
public struct ArbitrationCounters
{
    private uint first;
}

/// <summary>What lowest-priority arbitration remembers between messages. The default value is the state after RESET.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ArbitrationMemory
{
    /// <summary>How many local APICs it has room for.</summary>
    public const int MaxApics = 32;

    /// <summary>
    /// How many lowest-priority messages each took since its reset; counted with <see cref="LowestPriorityPolicy.Counters"/> alone
    /// (KVM apic_arb_prio).
    /// </summary>
    public ArbitrationCounters Counters;

    /// <summary>The last winner of <see cref="LowestPriorityPolicy.LowestPprRoundRobin"/> (Xen round_robin_prev_vcpu).</summary>
    public int PreviousWinner;

    /// <summary>A local APIC is reset: its count starts anew (KVM lapic.c:kvm_lapic_reset).</summary>
    /// <param name="apic">Its index, 0..31.</param>
    public void Reset(int apic) => Counters[apic] = 0;
}

/// <summary>
/// Which of several local APICs take a message: a pure function of their states. Each compares the destination by its own mode
/// (<see cref="LocalApic.Matches(in ApicMessage, bool)"/>); who takes a lowest-priority message is
/// <see cref="LocalApicPolicies.LowestPriority"/>'s. KVM's map of destinations is in <see cref="KvmDestinationMap"/>.
/// </summary>
public static class DestinationRouting
{
    /// <summary>Routes an IPI.</summary>
    /// <param name="apics">All local APICs, in the order of their cores; 1..32.</param>
    /// <param name="ipi">The IPI.</param>
    /// <param name="sender">The index of the sender.</param>
    /// <param name="policies">Who arbitrates.</param>
    /// <param name="memory">What arbitration remembers.</param>
    /// <param name="targets">Receives the indices of those that take it, as many places as there are APICs.</param>
    /// <exception cref="ArgumentException">There are no or more than 32 APICs, or too few places.</exception>
    public static RouteResult Targets(
        ReadOnlySpan<LocalApic> apics,
        in IpiRequest ipi,
        int sender,
        LocalApicPolicies policies,
        ref ArbitrationMemory memory,
        Span<int> targets) =>
        Targets(apics, ipi.Message, new MessageSource(sender, ipi.Shorthand), policies, ref memory, targets);

    /// <summary>Routes a message.</summary>
    /// <param name="apics">All local APICs, in the order of their cores; 1..32.</param>
    /// <param name="message">The message.</param>
    /// <param name="source">Who sends it.</param>
    /// <param name="policies">Who arbitrates.</param>
    /// <param name="memory">What arbitration remembers.</param>
    /// <param name="targets">Receives the indices of those that take it, as many places as there are APICs.</param>
    /// <exception cref="ArgumentException">There are no or more than 32 APICs, or too few places.</exception>
    public static RouteResult Targets(
        ReadOnlySpan<LocalApic> apics,
        in ApicMessage message,
        MessageSource source,
        LocalApicPolicies policies,
        ref ArbitrationMemory memory,
        Span<int> targets)
    {
        if (apics.Length is 0 or > ArbitrationMemory.MaxApics || targets.Length < apics.Length)
            throw new ArgumentException("There are 1..32 local APICs, and a place for each.", nameof(apics));
        LowestPriorityPolicy rule = policies.LowestPriority;
        bool isKvm = rule is LowestPriorityPolicy.VectorHash or LowestPriorityPolicy.Counters;
        bool isLowest = IsLowestPriority(message, rule);

        RouteResult result;
        if (!isKvm || !KvmDestinationMap.TryRoute(apics, message, source, isLowest, policies, memory, targets, out result))
        {
            // KVM makes a physical broadcast fixed; with the redirection hint it stays lowest priority all the same (irq_comm.c:
            // kvm_irq_delivery_to_apic, lapic.h:kvm_lowest_prio_delivery).
            bool becomesFixed = isLowest && isKvm && !message.IsLogical && message.Destination == 0xFF;
            ApicMessage routed = becomesFixed ? message with { Mode = DeliveryMode.Fixed } : message;
            result = isLowest && (!becomesFixed || routed.HasRedirectionHint)
                ? One(apics, routed, source, rule, ref memory, targets)
                : All(apics, routed, source, targets);
        }
        if (rule == LowestPriorityPolicy.Counters && result.Message.Mode == DeliveryMode.LowestPriority)
        {
            foreach (int target in targets[..result.Count])
                memory.Counters[target]++;
        }
        return result;
    }

    // The redirection hint asks for lowest priority whatever the delivery mode is (SDM3 10.11.1, KVM lapic.h:kvm_lowest_prio_delivery);
    // the other emulators and the P6 do not know it.
    private static bool IsLowestPriority(in ApicMessage message, LowestPriorityPolicy rule)
    {
        bool isKvm = rule is LowestPriorityPolicy.VectorHash or LowestPriorityPolicy.Counters;
        bool knowsHint = isKvm || rule == LowestPriorityPolicy.LowestTaskPriority;
        return message.Mode == DeliveryMode.LowestPriority || (message.HasRedirectionHint && knowsHint);
    }

    private static bool IsAddressed(in LocalApic apic, int index, in ApicMessage message, MessageSource source) => source.IsIpi
        ? apic.IsAddressedBy(new IpiRequest(message, source.Shorthand), index == source.Sender)
        : apic.Matches(message);

    private static RouteResult All(ReadOnlySpan<LocalApic> apics, in ApicMessage message, MessageSource source, Span<int> targets)
    {
        int count = 0;
        for (int i = 0; i < apics.Length; i++)
        {
            if (IsAddressed(apics[i], i, message, source))
                targets[count++] = i;
        }
        return new RouteResult(count, count == 0, message);
    }

    private static RouteResult One(
        ReadOnlySpan<LocalApic> apics,
        in ApicMessage message,
        MessageSource source,
        LowestPriorityPolicy rule,
        ref ArbitrationMemory memory,
        Span<int> targets)
    {
        Span<int> candidates = stackalloc int[ArbitrationMemory.MaxApics];
        int count = 0;
        for (int i = 0; i < apics.Length; i++)
        {
            bool isCandidate = apics[i].IsSoftwareEnabled || rule == LowestPriorityPolicy.LowestIndex;
            if (isCandidate && IsAddressed(apics[i], i, message, source))
                candidates[count++] = i;
        }
        if (count == 0)
            return new RouteResult(0, true, message);
        targets[0] = Pick(apics, candidates[..count], message.Vector, rule, ref memory);
        return new RouteResult(1, false, message);
    }

    private static int Pick(
        ReadOnlySpan<LocalApic> apics, ReadOnlySpan<int> candidates, byte vector, LowestPriorityPolicy rule, ref ArbitrationMemory memory)
    {
        switch (rule)
        {
            case LowestPriorityPolicy.VectorHash:
                return candidates[vector % candidates.Length];
            case LowestPriorityPolicy.Counters:
                return LeastUsed(candidates, memory);
            case LowestPriorityPolicy.LowestIndex:
                return candidates[0];
            case LowestPriorityPolicy.LowestPprRoundRobin:
                return memory.PreviousWinner = LowestPpr(apics, candidates, memory.PreviousWinner);
            case LowestPriorityPolicy.FocusThenApr:
                foreach (int index in candidates)
                {
                    if (IsFocus(apics[index], vector))
                        return index;
                }
                break;
        }
        int best = candidates[0];
        foreach (int index in candidates[1..])
        {
            if (Rank(apics[index], rule) < Rank(apics[best], rule))
                best = index;
        }
        return best;
    }

    /// <summary>The candidate with the smallest count, the first of equals (KVM lapic.c:kvm_apic_compare_prio).</summary>
    internal static int LeastUsed(ReadOnlySpan<int> candidates, in ArbitrationMemory memory)
    {
        int best = candidates[0];
        foreach (int index in candidates[1..])
        {
            if (memory.Counters[index] < memory.Counters[best])
                best = index;
        }
        return best;
    }

    private static int LowestPpr(ReadOnlySpan<LocalApic> apics, ReadOnlySpan<int> candidates, int previous)
    {
        int first = 0;
        while (first < candidates.Length && candidates[first] <= previous)
            first++;
        int best = candidates[first % candidates.Length];
        for (int i = 1; i < candidates.Length; i++)
        {
            int index = candidates[(first + i) % candidates.Length];
            if (apics[index].Ppr < apics[best].Ppr)
                best = index;
        }
        return best;
    }

    private static uint Rank(in LocalApic apic, LowestPriorityPolicy rule) => rule switch
    {
        LowestPriorityPolicy.FirstEnabledById => apic.PhysicalId,
        LowestPriorityPolicy.FocusThenApr => ArbitrationPriority(apic),
        _ => (uint)apic.Tpr >> 4,
    };

    private static bool IsFocus(in LocalApic apic, byte vector) =>
        (apic.Svr & SvrBits.FocusDisable) == 0 && (apic.Irr.Contains(vector) || apic.Isr.Contains(vector));

    /// <summary>The arbitration priority register of the P6 (SDM3 10.6.2.4), which no APIC here shows.</summary>
    /// <param name="apic">The local APIC.</param>
    public static byte ArbitrationPriority(in LocalApic apic)
    {
        int tpr = apic.Tpr;
        int irrv = Math.Max(apic.Irr.Highest, 0);
        int isrv = Math.Max(apic.Isr.Highest, 0);
        if (tpr >> 4 >= irrv >> 4 && tpr >> 4 > isrv >> 4)
            return apic.Tpr;
        return (byte)Math.Max(tpr & isrv & 0xF0, irrv & 0xF0);
    }

    // Not modelled: the bus arbitration ID that breaks ties on the P6 (the lowest index wins), and a chipset's memory of task priorities
    // that are out of date.
}
