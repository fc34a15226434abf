using ScenarioHv.Scenarios;

namespace ScenarioHv.Cli.Running;

/// <summary>What a script makes of a machine.</summary>
internal enum TryVerdict
{
    /// <summary>With a value that a cell has it ends badly, and with the script at its goal.</summary>
    Cured,

    /// <summary>It ends badly with the usual value and with the script.</summary>
    Remains,

    /// <summary>It ends at its goal with the usual value and badly with the script.</summary>
    Broken,

    /// <summary>It ends at its goal with every value and with the script.</summary>
    Good,

    /// <summary>The scenario is not about the point, and the script changes no event, or a bug of another point is what it was.</summary>
    Same,

    /// <summary>The machine has not the point, or cannot do what the script decides.</summary>
    NotApplicable,

    /// <summary>A limit ended the run with the script.</summary>
    Unknown,

    /// <summary>It could not be run to its end.</summary>
    Failed,
}

/// <summary>The verdict on a script, from how a machine ends with it and with the values that its cells have.</summary>
internal static class TryVerdicts
{
    /// <summary>The verdict's word in reports.</summary>
    public static string Word(TryVerdict verdict) => verdict switch
    {
        TryVerdict.Cured => "cured",
        TryVerdict.Remains => "remains",
        TryVerdict.Broken => "broken",
        TryVerdict.Good => "good",
        TryVerdict.Same => "no difference",
        TryVerdict.NotApplicable => "not applicable",
        TryVerdict.Unknown => "not known",
        _ => "failed",
    };

    /// <summary>The verdict.</summary>
    /// <param name="script">How it ends with the script.</param>
    /// <param name="reference">How it ends with the usual value, or with the first of the cells' values if none is the usual one.</param>
    /// <param name="rivals">How it ends with each of the cells' values.</param>
    public static TryVerdict Of(Outcome script, Outcome? reference, IEnumerable<Outcome> rivals) =>
        script == Outcome.Inconclusive ? TryVerdict.Unknown
        : script == Outcome.Reached ? rivals.Any(IsBad) ? TryVerdict.Cured : TryVerdict.Good
        : reference == Outcome.Reached ? TryVerdict.Broken
        : TryVerdict.Remains;

    /// <summary>What the process returns for a machine, as far as nothing could not be used.</summary>
    public static ExitCode CodeOf(TryVerdict verdict) => verdict switch
    {
        TryVerdict.Remains or TryVerdict.Broken => ExitCode.NotAsExpected,
        TryVerdict.Unknown => ExitCode.Inconclusive,
        _ => ExitCode.AsExpected,
    };

    /// <summary>True for what nobody wants.</summary>
    public static bool IsBad(Outcome outcome) => outcome is Outcome.Livelock or Outcome.Stuck or Outcome.Violated;
}
