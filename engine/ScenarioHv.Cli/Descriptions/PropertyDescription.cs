using ScenarioHv.Cli.Output;

namespace ScenarioHv.Cli.Descriptions;

/// <summary><c>describe properties</c>: what each outcome establishes and how, and what is not checked.</summary>
internal static class PropertyDescription
{
    private static readonly (string, string)[] Outcomes =
    [
        ("reached",
            "The guest reported what the goal names, and every safety property held until then. Observed: it happened at the printed "
            + "cycle in this history. It says nothing about other orders of the same steps."),
        ("livelock",
            "Guest operations retire for ever without the goal. Established by the machine's state: after the prefix it is in a "
            + "state to which the period leads back. Whole states are compared byte by byte, not fingerprints, with times taken "
            + "relative to now; since a machine's next step depends on its state alone, it goes round for ever. The state is reached "
            + "once more by a run of its own and compared again before it is reported. If stimuli from outside come in the period, "
            + "the report says that the run is fed."),
        ("stuck",
            "No guest operation will ever retire again and the goal is unmet: no actor can take another step, or the state recurs "
            + "with a period in which no guest operation retires."),
        ("violated", "A safety property failed. The report names the property, the vCPU and the vector, and the run ends at that step."),
        ("inconclusive", "A limit (--max-steps, --max-cycles) came first. It is named, and never counts as a pass."),
    ];

    private static readonly (string, string)[] Safety =
    [
        ("custody",
            "A request that a local APIC has accepted and that is owed a dispatch is in IRR or written for injection. It fails at the "
            + "step that empties the last place."),
        ("just",
            "Whatever the guest takes (its handler starts, or a VM exit acknowledges the vector for it) was requested and not served "
            + "yet. Requests of one vector that wait together may be merged, as hardware may merge them. The APIC's error interrupt is "
            + "exempt."),
        ("entry", "The control structure with which a guest is entered passes the checks of a VM entry (SDM3 26.2, 26.3; APM2 15.5.1)."),
    ];

    private static readonly (string, string)[] Assertions =
    [
        ("interrupt acceptance",
            "a vector that is dispensed is in IRR and above PPR; a timer is expired only when its deadline is reached"),
        ("entry and exit",
            "what is injected has an interruption type that can be injected; only exits that exist are taken; a cause of exit has a "
            + "handler"),
        ("guest code",
            "an awaited operation belongs to the innermost frame, IRET has an interrupt to return from, a stack of frames fits its "
            + "arena, an interrupt that arrives has a handler"),
        ("state", "every frame is plain data with a known layout; machines are copied only between equal layouts"),
    ];

    /// <summary>Writes it.</summary>
    public static void Write(Page page)
    {
        page.Heading("outcomes");
        page.Terms(Outcomes);
        page.Heading("what is part of a state");
        page.Paragraph(
            "Every byte of controllers, processors, control structures, hypervisor, devices, suspended guests and hypervisor code, "
            + "pending stimuli and policy memory. Not part of it: statistics, the trace and the absolute time. A guest that reads the "
            + "TSC as a number, or uses IA32_TSC_DEADLINE, makes the absolute time part of the state from then on, and nothing recurs "
            + "any more.");
        page.Heading("safety, held against every step");
        page.Terms(Safety);
        page.Paragraph(
            "The first two compare each local APIC with its bare-metal twin, a specification that counts what is owed and what is "
            + "allowed and never decides. NMIs, priorities, and what the guest reads from its APIC are not compared.");
        page.Heading("asserted in every step");
        page.Terms(Assertions);
        page.Paragraph(
            "An assertion that fails ends the run: as a fault of a guest's script (exit code 2), if the script asked for what "
            + "cannot be, else as a defect of the laboratory (exit code 4). It is never an outcome.");
        page.Heading("what is not established");
        page.Paragraph(
            "A run is one history: the actor with the smallest (cycle, order) takes each step. Other orders of steps are not looked "
            + "at. A verdict holds for the machine as it is modelled, with the policies, timing and guests of the scenario.");
    }
}
