using ScenarioHv.Cli.Output;
using ScenarioHv.Conformance;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Scenarios;

namespace ScenarioHv.Cli.Commands;

/// <summary>What the user asked <c>conform</c> for.</summary>
internal sealed record ConformRequest
{
    /// <summary>Files and folders.</summary>
    public required IReadOnlyList<string> Paths { get; init; }

    /// <summary>The name of the model's preset; null for the witness's own, or the recordings'.</summary>
    public string? Preset { get; init; }

    /// <summary>Policies of the model that are not the preset's.</summary>
    public IReadOnlyList<SettingOverride> Overrides { get; init; } = [];

    /// <summary>The name of a witness on this machine, or null.</summary>
    public string? Live { get; init; }

    /// <summary>How many random lists of operations, or null.</summary>
    public int? Random { get; init; }

    /// <summary>The seed of the random lists.</summary>
    public ulong Seed { get; init; }

    /// <summary>Compare KVM's internals as well.</summary>
    public bool IsStrict { get; init; }

    /// <summary>Write JSON.</summary>
    public bool Json { get; init; }
}

/// <summary><c>conform</c>: the model held against recordings of a real kernel, or against a witness on this machine.</summary>
internal static class ConformCommand
{
    /// <summary>Replays and reports.</summary>
    public static ExitCode Run(Terminal terminal, ConformRequest request)
    {
        var preset = request.Preset is { } name ? Preset(name) : null;
        if (request.Live is { } live)
        {
            return LiveConformCommand.Run(terminal, request, live, preset);
        }

        if (request.Random is not null)
        {
            throw new InputException("--random has random lists executed on a witness: add --live kvm or --live qemu");
        }

        if (request.Paths.Count == 0)
        {
            throw new InputException("conform needs recordings: expected a file or a folder, or --live with --random");
        }

        return Replay(terminal, request, WithOverrides(preset ?? ConformancePreset.Kvm618, request.Overrides));
    }

    private static ExitCode Replay(Terminal terminal, ConformRequest request, ConformancePreset preset)
    {
        var run = new ConformanceRun(preset, new Comparison(request.IsStrict));
        FileResult[] results = [.. RecordingReader.Read(request.Paths).Select(run.Replay)];
        if (request.Json)
        {
            ConformJson.Write(terminal.Out, preset, request.IsStrict, results);
        }
        else
        {
            ConformText.Write(terminal.Out, results);
        }

        return results.All(result => result.Failed == 0) ? ExitCode.AsExpected : ExitCode.NotAsExpected;
    }

    /// <summary>A preset with other policies, which its name tells.</summary>
    /// <exception cref="InputException">
    /// There is no such policy of a controller, no such value, or the machine of the recordings lacks the controller.
    /// </exception>
    public static ConformancePreset WithOverrides(ConformancePreset preset, IReadOnlyList<SettingOverride> overrides)
    {
        foreach (var option in overrides)
        {
            var point = ControllerPolicyTable.Find(option.Point)
                ?? throw new InputException($"{option.OptionText}: no controller has the policy '{option.Point}'"
                    + NearestName.Hint(option.Point, ControllerPolicyTable.Points.Select(point => point.Name)));
            if (Absent(point.Controller) is { } absent)
            {
                throw new InputException($"{option.OptionText}: the machine of the recordings has no {absent}");
            }

            var controllers = preset.Controllers;
            if (!point.TrySet(ref controllers, option.Value))
            {
                throw new InputException($"{option.OptionText}: {option.Point} has no value '{option.Value}'"
                    + NearestName.Hint(option.Value, point.Values.Select(value => value.Name)));
            }

            preset = preset with { Name = $"{preset.Name}, {option.Point}: {option.Value}", Controllers = controllers };
        }

        return preset;
    }

    private static string? Absent(ControllerKind controller) => controller switch
    {
        ControllerKind.SynIc => "SynIC",
        ControllerKind.SyntheticTimers => "synthetic timers",
        ControllerKind.Hyperv => "Hyper-V interfaces to the local APIC",
        ControllerKind.Pit => "8254",
        _ => null,
    };

    private static ConformancePreset Preset(string name)
    {
        if (ConformancePreset.Find(name) is { } preset)
        {
            return preset;
        }

        string[] names = [.. ConformancePreset.All.Select(preset => preset.Name)];
        var advice = NearestName.Of(name, names) is { } nearest ? $"did you mean '{nearest}'?" : $"expected {string.Join(" or ", names)}";
        throw new InputException($"--preset {name}: there is no such preset; {advice}");
    }
}
