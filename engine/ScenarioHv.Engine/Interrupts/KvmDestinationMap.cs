using System.Numerics;

namespace ScenarioHv.Engine.Interrupts;

/// <summary>
/// KVM's fast path: messages are looked up in a map of the APICs' IDs, and only what the map cannot answer is compared with each APIC
/// (lapic.c:kvm_recalculate_apic_map, kvm_apic_map_get_dest_lapic). It shows: a logical destination finds software-enabled APICs only, and
/// vector hashing counts members of the set that no APIC has.
/// </summary>
internal static class KvmDestinationMap
{
    private const int Absent = -1;
    private const int FlatBits = 8;
    private const int ClusterBits = 4;
    private const int X2ApicBits = 16;
    private const uint Broadcast = 0xFF;
    private const uint X2ApicBroadcast = 0xFFFF_FFFF;

    private enum LogicalMode
    {
        SoftwareDisabled,
        Flat,
        Cluster,
        X2Apic,
        MapDisabled,
    }

    /// <summary>Routes by the map. False: the slow path decides.</summary>
    public static bool TryRoute(
        ReadOnlySpan<LocalApic> apics,
        in ApicMessage message,
        MessageSource source,
        bool isLowest,
        LocalApicPolicies policies,
        in ArbitrationMemory memory,
        Span<int> targets,
        out RouteResult result)
    {
        result = new RouteResult(0, false, message);
        if (source.IsIpi && source.Shorthand == IpiShorthand.Self)
        {
            targets[0] = source.Sender;
            result = result with { Count = 1 };
            return true;
        }
        LogicalMode mode = ModeOf(apics, policies);
        bool isGivenUp = policies.SharedIds == SharedIdsPolicy.All && HasAliases(apics);
        if (source.Shorthand != IpiShorthand.None || isGivenUp || IsBroadcast(apics, message, source, mode, policies))
            return false;
        if (!message.IsLogical)
        {
            result = result with { Count = Physical(apics, message.Destination, targets) };
            return true;
        }
        if (mode == LogicalMode.MapDisabled)
            return false;

        Span<int> members = stackalloc int[X2ApicBits];
        uint mask = Members(apics, message.Destination, mode, members);
        if (isLowest && mask != 0)
            mask = PickOne(mask, members, message.Vector, policies, memory);
        int count = 0;
        for (; mask != 0; mask &= mask - 1)
        {
            int member = members[BitOperations.TrailingZeroCount(mask)];
            if (member != Absent)
                targets[count++] = member;
        }
        result = result with { Count = count };
        return true;
    }

    // Which logical IDs the map holds: all software-enabled APICs with an LDR must be in one mode, and in xAPIC mode each must have one bit
    // that no other has.
    private static LogicalMode ModeOf(ReadOnlySpan<LocalApic> apics, LocalApicPolicies policies)
    {
        Span<int> members = stackalloc int[X2ApicBits];
        var mode = LogicalMode.SoftwareDisabled;
        for (int i = 0; i < apics.Length; i++)
        {
            ref readonly LocalApic apic = ref apics[i];
            if (!IsMapped(apic))
                continue;
            LogicalMode own = ModeOf(apic);
            if (mode != LogicalMode.SoftwareDisabled && mode != own)
                return LogicalMode.MapDisabled;
            mode = own;
            uint bits = LogicalBits(apic, own);
            if (own == LogicalMode.X2Apic || bits == 0)
                continue;
            Members(apics[..i], apic.Ldr >> 24, own, members);
            if (BitOperations.PopCount(bits) != 1 || members[BitOperations.TrailingZeroCount(bits)] != Absent)
                return LogicalMode.MapDisabled;
        }
        return mode;
    }

    private static bool IsMapped(in LocalApic apic) => apic.IsHardwareEnabled && apic.IsSoftwareEnabled && apic.Ldr != 0;

    private static LogicalMode ModeOf(in LocalApic apic) => apic.Mode == ApicMode.X2Apic ? LogicalMode.X2Apic
        : apic.Dfr == uint.MaxValue ? LogicalMode.Flat
        : LogicalMode.Cluster;

    private static uint LogicalBits(in LocalApic apic, LogicalMode mode) => apic.Ldr >> 24 & (mode == LogicalMode.Cluster ? 0xFu : 0xFF);

    // The set bits of the destination, and for each bit the APIC that has it or Absent.
    private static uint Members(ReadOnlySpan<LocalApic> apics, uint destination, LogicalMode mode, Span<int> members)
    {
        members.Fill(Absent);
        switch (mode)
        {
            case LogicalMode.X2Apic:
                for (int bit = 0; bit < X2ApicBits; bit++)
                    members[bit] = IndexOf(apics, (destination >> 16) * X2ApicBits + (uint)bit);
                return destination & 0xFFFF;
            case LogicalMode.Flat or LogicalMode.Cluster:
                int size = mode == LogicalMode.Flat ? FlatBits : ClusterBits;
                for (int i = 0; i < apics.Length; i++)
                {
                    ref readonly LocalApic apic = ref apics[i];
                    bool isOfCluster = mode == LogicalMode.Flat || (destination >> 4 & 0xF) == apic.Ldr >> 28;
                    uint bits = LogicalBits(apic, mode);
                    if (IsMapped(apic) && isOfCluster && bits != 0)
                        members[BitOperations.TrailingZeroCount(bits)] = i;
                }
                return destination & ((1u << size) - 1);
            default:
                return 0;
        }
    }

    private static uint PickOne(
        uint mask, ReadOnlySpan<int> members, byte vector, LocalApicPolicies policies, in ArbitrationMemory memory)
    {
        if (policies.LowestPriority == LowestPriorityPolicy.VectorHash)
        {
            for (int skip = vector % BitOperations.PopCount(mask); skip > 0; skip--)
                mask &= mask - 1;
            return mask & (0 - mask);
        }
        Span<int> present = stackalloc int[X2ApicBits];
        int count = 0;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int member = members[BitOperations.TrailingZeroCount(rest)];
            if (member != Absent)
                present[count++] = member;
        }
        return count == 0 ? 0 : 1u << members.IndexOf(DestinationRouting.LeastUsed(present[..count], memory));
    }

    private static bool IsBroadcast(
        ReadOnlySpan<LocalApic> apics, in ApicMessage message, MessageSource source, LogicalMode mode, LocalApicPolicies policies)
    {
        if (policies.DeviceBroadcast == DeviceBroadcastPolicy.PlainId)
            return message.Destination == X2ApicBroadcast || (message.Destination == Broadcast && mode != LogicalMode.X2Apic);
        bool isX2ApicIpi = source.IsIpi && apics[source.Sender].Mode == ApicMode.X2Apic;
        return message.Destination == (isX2ApicIpi ? X2ApicBroadcast : Broadcast);
    }

    private static bool HasAliases(ReadOnlySpan<LocalApic> apics)
    {
        for (int i = 0; i < apics.Length; i++)
        {
            if (apics[i].IsHardwareEnabled && IndexOf(apics, apics[i].PhysicalId) != i)
                return true;
        }
        return false;
    }

    private static int Physical(ReadOnlySpan<LocalApic> apics, uint destination, Span<int> targets)
    {
        targets[0] = IndexOf(apics, destination);
        return targets[0] == Absent ? 0 : 1;
    }

    // Where two have the same ID, the one in x2APIC mode has the place, else the first.
    private static int IndexOf(ReadOnlySpan<LocalApic> apics, uint id)
    {
        int found = Absent;
        for (int i = 0; i < apics.Length; i++)
        {
            if (!apics[i].IsHardwareEnabled || apics[i].PhysicalId != id)
                continue;
            if (apics[i].Mode == ApicMode.X2Apic)
                return i;
            found = found == Absent ? i : found;
        }
        return found;
    }

    // Not modelled: KVM_X2APIC_API_USE_32BIT_IDS finding APIC IDs above FFh in xAPIC mode.
}
