namespace ScenarioHv.Scenarios;

/// <summary>A scenario with every name known and every value in range. Plain data.</summary>
public sealed record Scenario
{
    /// <summary>Its name: letters, digits, '-', '_' and '.'.</summary>
    public required string Name { get; init; }

    /// <summary>One line for people; the name if the author gave none.</summary>
    public required string Title { get; init; }

    /// <summary>The thread, commit or report it comes from; empty if not given.</summary>
    public required string Source { get; init; }

    /// <summary>The path of the file, as the caller gave it.</summary>
    public required string File { get; init; }

    /// <summary>Processor, hypervisor and devices.</summary>
    public required MachineSection Machine { get; init; }

    /// <summary>The guests, L1 first.</summary>
    public required IReadOnlyList<GuestSection> Guests { get; init; }

    /// <summary>What happens from outside, in the order written; entries of one cycle happen in that order.</summary>
    public required IReadOnlyList<TimelineEntry> Timeline { get; init; }

    /// <summary>What must happen for the outcome to be <see cref="Outcome.Reached"/>.</summary>
    public required Goal Goal { get; init; }

    /// <summary>The policy points that the file's matrix compares, in the order written; empty without a matrix.</summary>
    public IReadOnlyList<string> Compared { get; init; } = [];

    /// <summary>How the author expects it to end: any of these will do; empty if the author expects nothing in particular.</summary>
    public required IReadOnlyList<Expectation> Expect { get; init; }

    /// <summary>How it is explored.</summary>
    public ExploreSection Explore { get; init; } = ExploreSection.Usual;

    /// <summary>The full paths of the scripts that it runs with: its guests', then its policies'.</summary>
    public IEnumerable<string> ScriptPaths =>
        Guests.Select(guest => guest.ScriptPath).Concat(Machine.Policies.Values.Select(value => value.ScriptPath).OfType<string>());

    /// <summary>
    /// What exploring it is expected to find, any of these: what the file says, else what follows from <see cref="Expect"/>; empty if that
    /// is.
    /// </summary>
    public IReadOnlyList<Expectation> ExpectExploring =>
        Explore.Expect.Count > 0 ? Explore.Expect : [.. Expect.Select(expectation => expectation.OfExploring)];
}

/// <summary>The level a guest runs at; the hypervisor itself is L0.</summary>
public enum GuestLevel
{
    /// <summary><c>l1</c>: runs on the hypervisor.</summary>
    L1,

    /// <summary><c>l2</c>: runs on the hypervisor that is the L1 guest.</summary>
    L2,
}

/// <summary>What a scenario, or a line of its timeline, waits for: <c>l2 reports "usb served"</c>.</summary>
/// <param name="Level">The guest that must report.</param>
/// <param name="Report">The exact text of its report.</param>
/// <param name="Mark">Where it was written.</param>
public sealed record Goal(GuestLevel Level, string Report, SourceMark Mark);

/// <summary>A guest and its script.</summary>
/// <param name="Level">The level it runs at.</param>
/// <param name="Script">The path as written.</param>
/// <param name="ScriptPath">The full path; the file existed when the scenario was read.</param>
/// <param name="With">Parameters for the script by name, in the order written.</param>
/// <param name="Mark">Where the path was written.</param>
public sealed record GuestSection(
    GuestLevel Level, string Script, string ScriptPath, IReadOnlyDictionary<string, GuestParameter> With, SourceMark Mark);

/// <summary>A parameter for a script: a number or a truth value.</summary>
/// <param name="IsBoolean">True if it was written <c>true</c> or <c>false</c>.</param>
/// <param name="Word">The 64 bits of the number, as the script reads them; 1 or 0 for a truth value.</param>
/// <param name="IsUnsigned">True if the number is 2^63 or more, which those bits say only without a sign.</param>
/// <param name="Mark">Where it was written.</param>
public sealed record GuestParameter(bool IsBoolean, long Word, bool IsUnsigned, SourceMark Mark)
{
    /// <summary>The number, -2^63..2^64-1; 1 or 0 for a truth value.</summary>
    public Int128 Value => IsUnsigned ? (ulong)Word : Word;
}

/// <summary>What the timeline does to a device or a vCPU.</summary>
public enum TimelineAction
{
    /// <summary><c>raise</c>: asserts its line.</summary>
    Raise,

    /// <summary><c>lower</c>: deasserts its line.</summary>
    Lower,

    /// <summary><c>fire</c>: makes it send one message or one edge.</summary>
    Fire,

    /// <summary><c>nmi</c>: sends an NMI to a vCPU, as the monitor's command does (KVM_NMI).</summary>
    Nmi,

    /// <summary><c>nmi-window</c>: the monitor sends an NMI to a vCPU once KVM has told it that the guest can take one.</summary>
    NmiWindow,

    /// <summary><c>page-out</c>: the host takes the page with a vCPU's IDT away.</summary>
    PageOut,

    /// <summary><c>pause</c>: the monitor keeps a vCPU out of KVM_RUN.</summary>
    Pause,

    /// <summary><c>resume</c>: the monitor lets it run again.</summary>
    Resume,

    /// <summary><c>save</c>: the monitor saves a vCPU's local APIC (KVM_GET_LAPIC).</summary>
    Save,

    /// <summary><c>restore</c>: the monitor restores a vCPU's local APIC as it was last saved (KVM_SET_LAPIC), and lets it run.</summary>
    Restore,

    /// <summary><c>set-msr</c>: the monitor writes an MSR of a vCPU (KVM_SET_MSRS).</summary>
    SetMsr,

    /// <summary><c>inhibit</c>: a reason against APICv comes.</summary>
    Inhibit,

    /// <summary><c>lift</c>: it goes.</summary>
    Lift,

    /// <summary><c>preempt</c>: the host takes the CPU of a vCPU's thread for something else.</summary>
    Preempt,

    /// <summary><c>schedule</c>: it gives the thread a CPU again.</summary>
    Schedule,
}

/// <summary>Something that happens from outside.</summary>
/// <param name="At">When it first happens, from the start.</param>
/// <param name="Action">What happens.</param>
/// <param name="Device">The device's name; empty for what acts on a vCPU.</param>
/// <param name="Every">The time from one to the next; null if it happens once.</param>
/// <param name="Count">How often it happens in all; null without <paramref name="Every"/>, or when it never ends.</param>
/// <param name="Mark">Where the entry was written.</param>
public sealed record TimelineEntry(Duration At, TimelineAction Action, string Device, Duration? Every, int? Count, SourceMark Mark)
{
    /// <summary>The vCPU's number; null for what acts on a device.</summary>
    public int? Vcpu { get; init; }

    /// <summary>The MSR of <see cref="TimelineAction.SetMsr"/>.</summary>
    public uint Msr { get; init; }

    /// <summary>Its value.</summary>
    public ulong Value { get; init; }

    /// <summary>The reason of <see cref="TimelineAction.Inhibit"/> and <see cref="TimelineAction.Lift"/>; empty for the others.</summary>
    public string Reason { get; init; } = "";

    /// <summary>The timer's current count that a restore finds in the page instead of the saved one; null if not given.</summary>
    public uint? TimerCount { get; init; }

    /// <summary><c>after</c>: the report without which it does not come, each time a new one; null if it waits for none.</summary>
    public Goal? After { get; init; }

    /// <summary><c>optional</c>: a failure may be told without it; false if not given.</summary>
    public bool IsOptional { get; init; }

    /// <summary>What happens, as it is written: <c>fire: clock</c>, <c>restore: 0</c>.</summary>
    public string Words
    {
        get
        {
            var target = Vcpu is { } vcpu ? $"{vcpu}" : Device.Length > 0 ? Device : Reason;
            return Action == TimelineAction.SetMsr
                ? $"set-msr: {{ vcpu: {target}, msr: 0x{Msr:x}, value: 0x{Value:x} }}"
                : $"{TimelineActions.Names[(int)Action]}: {target}";
        }
    }
}
