namespace ScenarioHv.Conformance;

/// <summary>One case: what was done to a kernel's interrupt controllers, and what could be seen of each operation.</summary>
/// <param name="Name">The case's name.</param>
/// <param name="Source">The file and line it comes from: <c>directed.jsonl:12</c>.</param>
/// <param name="Cpus">How many CPUs there are.</param>
/// <param name="HasX2Apic">CPUID offers x2APIC mode.</param>
/// <param name="Ops">The operations.</param>
/// <param name="Log">What each operation showed, empty if nothing.</param>
public sealed record Recording(
    string Name, string Source, int Cpus, bool HasX2Apic, IReadOnlyList<RecordedOp> Ops, IReadOnlyList<string> Log)
{
    /// <summary>The largest number of CPUs.</summary>
    public const int MaxCpus = 8;

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>A recording cannot be used. The message names file and line.</summary>
/// <param name="message">What the user sees.</param>
/// <param name="inner">What was found.</param>
public sealed class RecordingException(string message, Exception? inner = null) : Exception(message, inner);
