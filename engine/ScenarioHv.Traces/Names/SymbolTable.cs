using System.Collections.Frozen;

namespace ScenarioHv.Traces.Names;

/// <summary>Numbers and their names, written as the kernel's tables are.</summary>
internal static class SymbolTable
{
    public static FrozenDictionary<uint, string> Of(params Symbol[] rows) => rows.ToFrozenDictionary(row => row.Value, row => row.Name);

    /// <summary>One row; made from a pair.</summary>
    internal readonly record struct Symbol(uint Value, string Name)
    {
        public static implicit operator Symbol((uint Value, string Name) row) => new(row.Value, row.Name);
    }
}
