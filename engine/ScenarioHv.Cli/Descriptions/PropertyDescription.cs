using ScenarioHv.Cli.Output;
using ScenarioHv.Engine.Properties;

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
            + "with a period in which no guest operation retires. A property of liveness that explains a stuck or a livelock is named."),
        ("violated", "A safety property failed. The report names the property, the vCPU and the vector, and the run ends at that step."),
        ("holds",
            "Of explore alone: no step breaks a safety property in any order of steps, and every fair path reaches the goal. Established "
            + "by visiting every state, within the bounds that are printed with it; that two states were taken for one has a probability, "
            + "which is printed too."),
        ("inconclusive",
            "A limit (--max-steps, --max-cycles; of explore --max-states, --max-depth, --time, --memory) came first, or a sample of walks "
            + "found nothing. It never counts as a pass."),
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

    private static (string, string) Safety(PropertyEntry property) => (property.Name, property.Meaning);

    private static (string, string) Liveness(PropertyEntry property) =>
        (property.Name, property.LivenessMeaning.Length == 0 ? property.Meaning : property.LivenessMeaning);

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
        page.Terms([.. PropertyTable.All.Where(property => property.Safety != SafetyProperty.None).Select(Safety)]);
        page.Heading("liveness, where a run comes to rest or its state recurs");
        page.Terms([.. PropertyTable.All.Where(property => property.Liveness != LivenessProperty.None).Select(Liveness)]);
        page.Paragraph(
            "An expectation may name one: violated(custody), stuck(live), livelock(level). Most of them compare a local APIC with its "
            + "bare-metal twin, a specification beside each that is driven by what the machine does and never decides: it counts which "
            + "dispatches are owed and which are allowed, and keeps ISR, TPR and the blocking of NMIs as the guest's own instructions make "
            + "them. Lateness is no violation. What never became a message, as a timer that did not expire, it does not see.");
        page.Heading("what the laboratory asserts of itself");
        page.Terms(Assertions);
        page.Paragraph(
            "One that fails ends the run: as a fault of a guest's script (exit code 2), if the script asked for what "
            + "cannot be, else as a defect of the laboratory (exit code 4). It is never an outcome, unlike an assertion of a script.");
        page.Heading("what is not established");
        page.Paragraph(
            "A run is one history: the actor with the smallest (cycle, order) takes each step. Other orders of steps are looked at by "
            + "explore, which replays each failure that it reports as a history of its own. "
            + "A verdict holds for the machine as it is modelled, with the policies, timing and guests of the scenario.");
    }
}
