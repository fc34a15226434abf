namespace ScenarioHv.Scenarios.Yaml;

/// <summary>What a scenario file may cost. A file written by hand stays far below; a file made to exhaust a reader stops here.</summary>
public static class YamlLimits
{
    /// <summary>Largest file in bytes: 1 MiB. A larger one is refused before its content is read.</summary>
    public const int FileBytes = 1 << 20;

    /// <summary>Deepest nesting of maps and lists.</summary>
    public const int Depth = 64;

    /// <summary>Most nodes (scalars, maps and lists; keys are not counted).</summary>
    public const int Nodes = 50_000;

    /// <summary>Most values that the cells may make of one file: each cell binds the whole file again.</summary>
    public const int NodesOfAllCells = 1_000_000;
}
