namespace ScenarioHv.Conformance.Tests.Naive;

// What KVM knows of before it is needed, and not always in time (Linux 6.18, arch/x86/kvm/ioapic.c and lapic.c).
internal sealed partial class NaiveMachine
{
    /// <summary>For each CPU the vectors whose EOI is told, and whether each is there only because it was pending.</summary>
    private readonly Dictionary<int, Dictionary<int, bool>> told = [];

    private readonly HashSet<int> toScan = [];

    private void MakeMap()
    {
        mapIsLate = false;
        for (int cpu = 0; cpu < apics.Length; cpu++)
            toScan.Add(cpu);
    }

    /// <summary>ioapic_write_indirect: a fixed entry concerns those whom it addresses or addressed, any other entry everybody.</summary>
    private void EntryWritten(NaiveEntry before, NaiveEntry after)
    {
        for (int cpu = 0; cpu < apics.Length; cpu++)
        {
            if (!after.IsFixed || IsFor(cpu, before) || IsFor(cpu, after))
                toScan.Add(cpu);
        }
    }

    private bool IsFor(int cpu, NaiveEntry entry) =>
        entry.Logical ? apics[cpu].IsAtLogical(entry.Destination) : apics[cpu].IsAtPhysical(entry.Destination);

    /// <summary>kvm_ioapic_scan_entry, as the CPU is entered.</summary>
    private void Scan(int cpu)
    {
        if (!isKvm || !toScan.Remove(cpu))
            return;
        var vectors = new Dictionary<int, bool>();
        foreach (NaiveEntry entry in ioApic.Entries)
        {
            if (!entry.WantsEoi)
                continue;
            if (IsFor(cpu, entry))
                vectors.TryAdd(entry.Vector, false);
            else if (apics[cpu].Holds(entry.Vector))
                vectors[entry.Vector] = true;
        }

        told[cpu] = vectors;
    }

    /// <summary>kvm_ioapic_send_eoi: the highest vector that is told because it was pending has its CPU scan again.</summary>
    private bool TellsEoi(int cpu, int vector)
    {
        if (!told.TryGetValue(cpu, out Dictionary<int, bool>? vectors) || !vectors.ContainsKey(vector))
            return false;
        int highest = vectors.Where(entry => entry.Value).Select(entry => entry.Key).DefaultIfEmpty(-1).Max();
        if (highest == vector)
            toScan.Add(cpu);
        return true;
    }

    /// <summary>Below the page of an APIC that does not answer there, nothing does (the quirk LAPIC_MMIO_HOLE).</summary>
    private bool IsHole(int cpu, uint address) =>
        isKvm && (!apics[cpu].IsPresent || apics[cpu].IsX2Apic) && apics[cpu].Base / 4096 == address / 4096;
}
