using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Conformance;

// What KVM computes ahead and may find out of date: the map of destinations, and for each vCPU the vectors whose EOI the I/O APIC is told.
public sealed partial class ConformanceMachine
{
    private readonly EoiCache[] eoiCaches;

    private bool HasEoiCaches => preset.Platform.EoiVectors == EoiVectorsPolicy.Scanned;

    // KVM makes its map while it makes a vCPU, which is not yet one of the VM's: the last vCPU is missing from the map until something has
    // it made anew (lapic.c:kvm_recalculate_apic_map). Until then a message to its APIC ID is lost; broadcasts, shorthands and logical
    // destinations do not come that way. QEMU loads every local APIC at reset, and so no guest of QEMU sees it.
    private bool isMapIncomplete;

    private RouteResult ByMap(RouteResult route, in ApicMessage message, MessageSource source)
    {
        bool isLookedUp = isMapIncomplete
            && source.Shorthand == IpiShorthand.None
            && !message.IsLogical
            && message.Destination != byte.MaxValue
            && route.Count == 1
            && targets[0] == apics.Length - 1;
        return isLookedUp ? route with { Count = 0 } : route;
    }

    // The recorder saves and loads a local APIC around everything that can be taken, unless its timer runs. Then the map is made anew, and
    // in x2APIC mode the page's ICR2 becomes the 64-bit ICR's high half (lapic.c:kvm_apic_state_fixup).
    private void LoadLocalApic(int cpu)
    {
        ref LocalApic apic = ref apics[cpu];
        if (apic.TimerInitialCount != 0)
            return;
        MakeMap();
        if (apic.Mode == ApicMode.X2Apic && apic.Policies.IcrAcrossModes == IcrAcrossModesPolicy.TwoHighHalves)
            apic.OtherIcrHigh = apic.IcrHigh;
    }

    private void MakeMap()
    {
        isMapIncomplete = false;
        foreach (ref EoiCache cache in eoiCaches.AsSpan())
            cache.IsOld = true;
    }

    private static (ApicMode Mode, bool IsEnabled) MapKey(in LocalApic apic) => (apic.Mode, apic.IsSoftwareEnabled);

    private void Rewrite(int cpu, (ApicMode Mode, bool IsEnabled) before, int offset = 0)
    {
        if (offset is LocalApicRegister.Id or LocalApicRegister.Ldr or LocalApicRegister.Dfr || MapKey(apics[cpu]) != before)
            MakeMap();
    }

    // Only those whom a fixed entry addresses, now or before, look anew (ioapic.c:ioapic_write_indirect).
    private void EntryRewritten(RedirectionEntry before, RedirectionEntry after)
    {
        for (int cpu = 0; cpu < apics.Length; cpu++)
        {
            bool looks = after.Mode != DeliveryMode.Fixed || IsAddressedBy(cpu, before) || IsAddressedBy(cpu, after);
            eoiCaches[cpu].IsOld |= looks;
        }
    }

    private bool IsAddressedBy(int cpu, RedirectionEntry entry) => apics[cpu].Matches(entry.ToMessage());

    // Before a vCPU is entered. A level entry, or that of the RTC, has the EOI of its vector told if the vCPU is addressed by it, or has
    // the vector pending (ioapic.c:kvm_ioapic_scan_entry).
    private void ScanIfAsked(int cpu)
    {
        ref EoiCache cache = ref eoiCaches[cpu];
        if (!HasEoiCaches || !cache.IsOld || chips is not ModelChips model)
            return;
        cache = default;
        foreach (RedirectionEntry entry in model.EntriesWithEoi())
        {
            if (IsAddressedBy(cpu, entry))
            {
                cache.Vectors.Set(entry.Vector);
            }
            else if (apics[cpu].Irr.Contains(entry.Vector) || apics[cpu].Isr.Contains(entry.Vector))
            {
                cache.Vectors.Set(entry.Vector);
                cache.HighestStale = Math.Max(cache.HighestStale, entry.Vector);
            }
        }
    }

    // An EOI that was told for a pending vector alone has the vCPU look anew (lapic.c:kvm_ioapic_send_eoi).
    private bool IsHandled(int cpu, byte vector)
    {
        if (!HasEoiCaches)
            return true;
        ref EoiCache cache = ref eoiCaches[cpu];
        if (!cache.Vectors.Contains(vector))
            return false;
        cache.IsOld |= cache.HighestStale == vector && vector != 0;
        return true;
    }

    /// <summary>KVM's <c>ioapic_handled_vectors</c> of a vCPU.</summary>
    private struct EoiCache
    {
        /// <summary>The vectors.</summary>
        public Register256 Vectors;

        /// <summary>
        /// The highest of them that is there because it was pending (<c>highest_stale_pending_ioapic_eoi</c>); 0 for none.
        /// </summary>
        public int HighestStale;

        /// <summary>The next entry computes them anew (<c>KVM_REQ_SCAN_IOAPIC</c>).</summary>
        public bool IsOld;
    }
}
