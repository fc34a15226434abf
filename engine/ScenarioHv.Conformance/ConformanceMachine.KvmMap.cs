using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Conformance;

// KVM makes its map of destinations while it makes a vCPU, which is not yet one of the VM's: the last vCPU is missing from the map until
// something has it made anew (lapic.c:kvm_recalculate_apic_map). Until then a message to its APIC ID is lost; broadcasts, shorthands and
// logical destinations do not come that way. QEMU loads every local APIC at reset, and so no guest of QEMU sees it.
public sealed partial class ConformanceMachine
{
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

    // The recorder saves and loads a local APIC before each window, unless its timer runs. Then the map is made anew, and in x2APIC mode
    // the page's ICR2 becomes the 64-bit ICR's high half (lapic.c:kvm_apic_state_fixup).
    private void LoadBeforeWindow(int cpu)
    {
        ref LocalApic apic = ref apics[cpu];
        if (apic.TimerInitialCount != 0)
            return;
        isMapIncomplete = false;
        if (apic.Mode == ApicMode.X2Apic && apic.Policies.IcrAcrossModes == IcrAcrossModesPolicy.TwoHighHalves)
            apic.OtherIcrHigh = apic.IcrHigh;
    }

    private static (ApicMode Mode, bool IsEnabled) MapKey(in LocalApic apic) => (apic.Mode, apic.IsSoftwareEnabled);

    private void Rewrite(int cpu, (ApicMode Mode, bool IsEnabled) before, int offset = 0)
    {
        bool isOfMap = offset is LocalApicRegister.Id or LocalApicRegister.Ldr or LocalApicRegister.Dfr;
        isMapIncomplete &= !isOfMap && MapKey(apics[cpu]) == before;
    }
}
