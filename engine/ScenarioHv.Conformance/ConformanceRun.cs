namespace ScenarioHv.Conformance;

/// <summary>Where the model first showed something else than the recording.</summary>
/// <param name="Op">The operation's index, from 0.</param>
/// <param name="Text">The operation.</param>
/// <param name="Expected">What was recorded.</param>
/// <param name="Found">What the model showed.</param>
public sealed record Difference(int Op, string Text, string Expected, string Found);

/// <summary>What became of a case.</summary>
/// <param name="Recording">The case.</param>
/// <param name="Difference">The first difference, or null.</param>
public sealed record CaseResult(Recording Recording, Difference? Difference)
{
    /// <summary>True if every operation showed what was recorded.</summary>
    public bool Passed => Difference is null;
}

/// <summary>What became of a file.</summary>
/// <param name="Path">The file.</param>
/// <param name="Cases">Its cases, in its order.</param>
public sealed record FileResult(string Path, IReadOnlyList<CaseResult> Cases)
{
    /// <summary>How many cases passed.</summary>
    public int Passed => Cases.Count(result => result.Passed);

    /// <summary>How many did not.</summary>
    public int Failed => Cases.Count - Passed;
}

/// <summary>Replays recordings on the model and holds each operation's log against the recorded one.</summary>
/// <param name="preset">Whose controllers the machine has.</param>
/// <param name="comparison">What of the logs has to be the same.</param>
public sealed class ConformanceRun(ConformancePreset preset, Comparison comparison)
{
    /// <summary>Replays a file.</summary>
    /// <param name="file">The file.</param>
    public FileResult Replay(RecordingFile file) => new(file.Path, [.. file.Recordings.Select(Replay)]);

    /// <summary>Replays one case, as far as its first difference.</summary>
    /// <param name="recording">The case.</param>
    public CaseResult Replay(Recording recording)
    {
        using var machine = new ConformanceMachine(preset, recording.Cpus, recording.HasX2Apic);
        for (int i = 0; i < recording.Ops.Count; i++)
        {
            RecordedOp op = recording.Ops[i];
            string found = Execute(machine, op);
            if (!comparison.Agree(op, recording.Log[i], found))
                return new CaseResult(recording, new Difference(i, op.Text, recording.Log[i], found));
        }

        return new CaseResult(recording, null);
    }

    private static string Execute(ConformanceMachine machine, RecordedOp op)
    {
        try
        {
            return machine.Execute(op);
        }
        catch (NotSupportedException limit)
        {
            return $"(not modelled: {limit.Message})";
        }
    }
}
