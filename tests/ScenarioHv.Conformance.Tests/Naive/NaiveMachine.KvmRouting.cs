namespace ScenarioHv.Conformance.Tests.Naive;

// Who gets a message in KVM (Linux 6.18, arch/x86/kvm/lapic.c and irq_comm.c): by a map of IDs where there is one, else by asking all.
internal sealed partial class NaiveMachine
{
    private int SendInKvm(NaiveMessage message)
    {
        bool lowest = message.Mode == NaiveMode.LowestPriority || message.Hint;
        List<int>? mapped = ByMap(message, lowest);
        if (mapped != null)
            return Deliver(mapped, message);
        if (lowest && !message.Logical && message.Destination == 0xFF)
        {
            message = message with { Mode = NaiveMode.Fixed };
            lowest = message.Hint;
        }

        var addressed = new List<int>();
        for (int cpu = 0; cpu < apics.Length; cpu++)
        {
            if (IsAddressed(cpu, message) && apics[cpu].IsPresent && (!lowest || apics[cpu].IsEnabled))
                addressed.Add(cpu);
        }

        if (addressed.Count == 0)
            return -1;
        return Deliver(lowest ? [addressed[message.Vector % addressed.Count]] : addressed, message);
    }

    private int Deliver(List<int> addressed, NaiveMessage message)
    {
        int accepted = 0;
        foreach (int cpu in addressed)
            accepted += apics[cpu].Accept(message) ? 1 : 0;
        return accepted;
    }

    /// <summary>kvm_apic_map_get_dest_lapic. Null: the map does not tell.</summary>
    private List<int>? ByMap(NaiveMessage message, bool lowest)
    {
        if (message.Shorthand == NaiveShorthand.Self)
            return [message.Sender];
        if (message.Shorthand != NaiveShorthand.None || message.Destination == 0xFFFFFFFF || HasAliases())
            return null;
        string model = LogicalModel(out int[] members);
        if (message.Destination == 0xFF && model != "x2APIC")
            return null;
        if (!message.Logical)
            return PhysicalOwner(message.Destination);
        if (model == "mixed")
            return null;
        return ByMask(model, members, message, lowest);
    }

    /// <summary>Two APICs with one ID make the map impossible (kvm_recalculate_phys_map).</summary>
    private bool HasAliases()
    {
        var seen = new List<uint>();
        foreach (NaiveLocalApic apic in apics)
        {
            if (!apic.IsPresent)
                continue;
            if (seen.Contains(apic.PhysicalId))
                return true;
            seen.Add(apic.PhysicalId);
        }

        return false;
    }

    /// <summary>Who has an ID; the APIC that was made last may be missing from the map yet.</summary>
    private List<int> PhysicalOwner(uint destination)
    {
        for (int cpu = 0; cpu < apics.Length; cpu++)
        {
            if (apics[cpu].IsPresent && apics[cpu].PhysicalId == destination)
                return mapIsLate && cpu == apics.Length - 1 ? [] : [cpu];
        }

        return [];
    }

    /// <summary>kvm_recalculate_logical_map: one model for all, and for each one bit of its cluster, or there is no map.</summary>
    private string LogicalModel(out int[] members)
    {
        string model = "none";
        members = new int[256];
        Array.Fill(members, -1);
        for (int cpu = 0; cpu < apics.Length; cpu++)
        {
            NaiveLocalApic apic = apics[cpu];
            if (!apic.IsPresent || !apic.IsEnabled || !apic.HasLogicalId)
                continue;
            string own = apic.IsX2Apic ? "x2APIC" : apic.IsFlat ? "flat" : "cluster";
            if (model != "none" && model != own)
                return "mixed";
            model = own;
            if (apic.IsX2Apic)
                continue;
            int cluster = apic.IsFlat ? 0 : (int)apic.LogicalId / 16;
            uint mask = apic.IsFlat ? apic.LogicalId : apic.LogicalId % 16;
            if (mask == 0)
                continue;
            int bit = OnlyBit(mask);
            if (bit < 0 || members[(cluster * 16) + bit] >= 0)
                return "mixed";
            members[(cluster * 16) + bit] = cpu;
        }

        return model;
    }

    private static int OnlyBit(uint mask)
    {
        int found = -1;
        for (int bit = 0; bit < 8; bit++)
        {
            if (NaiveBits.Bit(mask, bit))
            {
                if (found >= 0)
                    return -1;
                found = bit;
            }
        }

        return found;
    }

    private List<int> ByMask(string model, int[] members, NaiveMessage message, bool lowest)
    {
        uint destination = message.Destination;
        uint cluster = model == "cluster" ? NaiveBits.Field(destination, 7, 4) : 0;
        var places = new List<int>();
        for (int bit = 0; bit < 16; bit++)
        {
            bool named = model switch
            {
                "x2APIC" => NaiveBits.Bit(destination, bit) && destination < 0x100000,
                "flat" => bit < 8 && NaiveBits.Bit(destination, bit),
                "cluster" => bit < 4 && NaiveBits.Bit(destination, bit),
                _ => false,
            };
            if (named)
                places.Add(model == "x2APIC" ? MemberOfMap(((int)destination / 0x10000 * 16) + bit) : members[((int)cluster * 16) + bit]);
        }

        if (lowest && places.Count > 0)
            places = [places[message.Vector % places.Count]];
        places.RemoveAll(cpu => cpu < 0);
        return places;
    }

    // The map has a place for 256 IDs, and lowest priority may fall on one that nobody has. x2APIC mode finds its members by ID.
    private int MemberOfMap(int number) => Array.FindIndex(apics, apic => apic.IsPresent && apic.PhysicalId == number);
}
