namespace ScenarioHv.Traces;

/// <summary>Whose guest code an exit left or an entry resumes.</summary>
public enum GuestLevel : byte
{
    /// <summary>Not known: the explanation says "the guest".</summary>
    Unknown = 0,

    /// <summary>The hypervisor's own guest.</summary>
    L1 = 1,

    /// <summary>A guest of that guest.</summary>
    L2 = 2,
}

/// <summary>What one event does not say but its neighbours do. The default value is: nothing is known.</summary>
public readonly record struct ExplanationContext
{
    /// <summary>The level that ran before an exit or runs after an entry.</summary>
    public GuestLevel Level { get; init; }

    /// <summary>For an exit: whether the entry before it asked to leave at once. Null if not known.</summary>
    public bool? ImmediateExit { get; init; }

    /// <summary>Names for the numbers in the laboratory's own events.</summary>
    public TraceNames? Names { get; init; }

    internal string Guest => Level == GuestLevel.Unknown ? "the guest" : Level.ToString();

    internal TraceNames NamesOrNone => Names ?? TraceNames.None;
}
