namespace ScenarioHv.Scenarios;

/// <summary>Every name of the engine that a scenario may use. The reader knows none of them by itself.</summary>
public sealed record Vocabulary
{
    /// <summary>The points at which hypervisors differ, with their values.</summary>
    public required IEnumerable<PolicyPointInfo> PolicyPoints { get; init; }

    /// <summary>Presets for <c>hypervisor</c>: <c>kvm@5.1</c>, <c>bare-metal</c>.</summary>
    public required IReadOnlyList<PresetInfo> Hypervisors { get; init; }

    /// <summary>Presets for <c>userspace</c>: <c>qemu@3.1</c>.</summary>
    public required IReadOnlyList<PresetInfo> Userspaces { get; init; }

    /// <summary>Types of devices.</summary>
    public required IReadOnlyList<DeviceTypeInfo> DeviceTypes { get; init; }

    /// <summary>Timing profiles and the costs they consist of.</summary>
    public required TimingInfo Timing { get; init; }

    /// <summary>Reasons against APICv that the timeline can bring.</summary>
    public IEnumerable<string> InhibitReasons { get; init; } = [];

    /// <summary>The properties that explain an outcome.</summary>
    public required IEnumerable<PropertyInfo> Properties { get; init; }
}

/// <summary>A rule that hypervisors disagree on, or that a patch changes.</summary>
/// <param name="Name">Name in scenarios: <c>immediate-exit</c>.</param>
/// <param name="Summary">One line for lists and hovers.</param>
/// <param name="Values">What it can be set to.</param>
/// <param name="MakeScript">Says what <see cref="Script"/> is; null if no script can stand in the place of a value.</param>
public sealed record PolicyPointInfo(
    string Name, string Summary, IReadOnlyList<PolicyValueInfo> Values, Func<PolicyScriptInfo>? MakeScript = null)
{
    /// <summary>What a script has to be that stands in the place of a value; null if none can.</summary>
    public PolicyScriptInfo? Script => MakeScript?.Invoke();
}

/// <summary>One value of a policy point, or one choice for a parameter of another value.</summary>
/// <param name="Name">Name in scenarios: <c>throttle</c>.</param>
/// <param name="Parameters">Its parameters in order, all of them required; empty for a plain word.</param>
/// <param name="Summary">One line for lists and hovers.</param>
/// <param name="Source">Where it comes from: a commit, a file and function, a thread.</param>
public sealed record PolicyValueInfo(string Name, IReadOnlyList<ParameterInfo> Parameters, string Summary, string Source)
{
    /// <summary>The value as it is written: <c>throttle(exits, pause)</c>.</summary>
    public string Signature
    {
        get
        {
            var names = new string[Parameters.Count];
            for (var i = 0; i < names.Length; i++)
                names[i] = Parameters[i].Name;
            return names.Length == 0 ? Name : $"{Name}({string.Join(", ", names)})";
        }
    }
}

/// <summary>What a parameter of a policy value is.</summary>
public enum ParameterKind
{
    /// <summary>A whole number, decimal or 0x hexadecimal.</summary>
    Count,

    /// <summary>A time with its unit.</summary>
    Duration,

    /// <summary>One of a list of words, each of which may take arguments itself: <c>before-entry</c>, <c>after(3)</c>.</summary>
    Choice,
}

/// <summary>A parameter of a policy value.</summary>
/// <param name="Name">Name in signatures and errors; values are given by position.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Minimum">Smallest count, or shortest duration in TSC cycles.</param>
/// <param name="Maximum">Largest count, or longest duration in TSC cycles.</param>
public sealed record ParameterInfo(string Name, ParameterKind Kind, long Minimum = 0, long Maximum = Duration.MaximumCycles)
{
    /// <summary>The words of a <see cref="ParameterKind.Choice"/>; empty for the other kinds.</summary>
    public IReadOnlyList<PolicyValueInfo> Choices { get; init; } = [];
}

/// <summary>A named set of policies: a hypervisor or userspace at a version.</summary>
/// <param name="Name">Name in scenarios: <c>kvm@5.1</c>.</param>
/// <param name="Summary">One line for lists and hovers.</param>
/// <param name="Source">Which sources it follows.</param>
public sealed record PresetInfo(string Name, string Summary, string Source);

/// <summary>A type of device.</summary>
/// <param name="Name">Name in scenarios: <c>piix4-uhci</c>.</param>
/// <param name="Summary">One line for lists and hovers.</param>
/// <param name="Source">Data sheet or source file.</param>
/// <param name="Keys">The keys it takes besides <c>type</c>.</param>
/// <param name="Actions">What the timeline can do to it.</param>
public sealed record DeviceTypeInfo(
    string Name, string Summary, string Source, IReadOnlyList<DeviceKeyInfo> Keys, IReadOnlyList<TimelineAction> Actions);

/// <summary>What a key of a device is.</summary>
public enum DeviceKeyKind
{
    /// <summary>Device and function on PCI bus 0, <c>04.0</c>, hexadecimal.</summary>
    Slot,

    /// <summary>An interrupt vector, 0x10..0xff.</summary>
    Vector,

    /// <summary>A global system interrupt, 0..23.</summary>
    Gsi,

    /// <summary>An APIC destination, 0..0xff.</summary>
    Destination,

    /// <summary>A whole number.</summary>
    Integer,

    /// <summary><c>true</c> or <c>false</c>.</summary>
    Boolean,

    /// <summary>A time with its unit.</summary>
    Duration,

    /// <summary>A frequency with its unit.</summary>
    Frequency,

    /// <summary>One of a list of words.</summary>
    Word,
}

/// <summary>A key that a type of device takes.</summary>
/// <param name="Name">
/// The key. <c>slot</c>, <c>vector</c>, <c>gsi</c> and <c>destination</c> have the kind of that name and become properties of
/// <see cref="DeviceSection"/>; every other one is found in <see cref="DeviceSection.Settings"/>.
/// </param>
/// <param name="Kind">What it is.</param>
/// <param name="IsRequired">True if a device of this type must have it.</param>
/// <param name="Minimum">Smallest integer, shortest duration in TSC cycles, or lowest frequency in hertz; unused for other kinds.</param>
/// <param name="Maximum">Largest integer, longest duration in TSC cycles, or highest frequency in hertz; unused for other kinds.</param>
public sealed record DeviceKeyInfo(
    string Name, DeviceKeyKind Kind, bool IsRequired = false, long Minimum = 0, long Maximum = Duration.MaximumCycles)
{
    /// <summary>The words of a <see cref="DeviceKeyKind.Word"/>; empty for the other kinds.</summary>
    public IReadOnlyList<string> Words { get; init; } = [];
}

/// <summary>The timing profiles, and the costs that a scenario may override in any of them.</summary>
/// <param name="Profiles">Profiles by name: <c>skylake</c>.</param>
/// <param name="Costs">Costs by name: <c>vm-exit</c>.</param>
public sealed record TimingInfo(IReadOnlyList<TimingProfileInfo> Profiles, IReadOnlyList<TimingCostInfo> Costs);

/// <summary>A timing profile.</summary>
/// <param name="Name">Name in scenarios.</param>
/// <param name="Summary">One line for lists and hovers.</param>
/// <param name="Source">Where its numbers come from.</param>
public sealed record TimingProfileInfo(string Name, string Summary, string Source);

/// <summary>A cost that every timing profile has.</summary>
/// <param name="Name">Name in scenarios.</param>
/// <param name="Summary">One line for lists and hovers.</param>
/// <param name="Minimum">Fewest TSC cycles.</param>
/// <param name="Maximum">Most TSC cycles.</param>
public sealed record TimingCostInfo(string Name, string Summary, long Minimum, long Maximum);

/// <summary>A property that is held against every run.</summary>
/// <param name="Name">Name in expectations: <c>custody</c>.</param>
/// <param name="Outcomes">The outcomes that it can explain.</param>
public sealed record PropertyInfo(string Name, IReadOnlyList<Outcome> Outcomes);
