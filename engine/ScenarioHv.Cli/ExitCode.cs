namespace ScenarioHv.Cli;

/// <summary>What the process returns.</summary>
internal enum ExitCode
{
    /// <summary>Every expectation was met.</summary>
    AsExpected = 0,

    /// <summary>An expectation was not met, or a reproducer does not reproduce.</summary>
    NotAsExpected = 1,

    /// <summary>
    /// The command line, a scenario, a recording, a script, a snapshot, a schedule or a reproducer cannot be used, or a file cannot be
    /// written.
    /// </summary>
    BadInput = 2,

    /// <summary>A limit came before an answer, or this machine has no witness that could give one.</summary>
    Inconclusive = 3,

    /// <summary>The laboratory itself failed.</summary>
    Defect = 4,
}
