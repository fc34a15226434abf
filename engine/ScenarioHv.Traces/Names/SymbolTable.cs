using System.Diagnostics.CodeAnalysis;

namespace ScenarioHv.Traces.Names;

/// <summary>
/// Numbers and their names, written as the kernel's tables are. Few names are looked up in a run, so that a table that is quickly made
/// serves better than one that is quickly searched.
/// </summary>
public sealed class SymbolTable
{
    private readonly uint[] _values;
    private readonly string[] _names;

    private SymbolTable(uint[] values, string[] names) => (_values, _names) = (values, names);

    /// <summary>How many numbers have a name.</summary>
    public int Count => _values.Length;

    /// <summary>The name of a number.</summary>
    /// <param name="value">The number.</param>
    /// <exception cref="KeyNotFoundException">It has none.</exception>
    public string this[uint value] => TryGetValue(value, out var name) ? name : throw new KeyNotFoundException($"{value} has no name.");

    /// <summary>Finds the name of a number.</summary>
    /// <param name="value">The number.</param>
    /// <param name="name">Its name; null if it has none.</param>
    public bool TryGetValue(uint value, [NotNullWhen(true)] out string? name)
    {
        var index = Array.IndexOf(_values, value);
        name = index < 0 ? null : _names[index];
        return index >= 0;
    }

    internal static SymbolTable Of(params Symbol[] rows) =>
        new(Array.ConvertAll(rows, row => row.Value), Array.ConvertAll(rows, row => row.Name));

    internal static SymbolTable Of(uint[] values, Converter<uint, string> name) => new(values, Array.ConvertAll(values, name));

    /// <summary>One row; made from a pair.</summary>
    internal readonly record struct Symbol(uint Value, string Name)
    {
        public static implicit operator Symbol((uint Value, string Name) row) => new(row.Value, row.Name);
    }
}
