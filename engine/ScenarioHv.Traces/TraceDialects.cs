using System.Diagnostics.CodeAnalysis;

namespace ScenarioHv.Traces;

/// <summary>The dialects there are. One more is a file in Dialects and three lines here.</summary>
public static class TraceDialects
{
    /// <summary>trace-cmd report with plugin_kvm on kernels around 5.1: the form of the traces on the lists in 2019.</summary>
    public static TraceDialect Kvm51 => Dialects.Kvm51.Dialect;

    /// <summary>The print formats of kernel 6.16.</summary>
    public static TraceDialect Kvm616 => Dialects.Kvm616.Dialect;

    /// <summary>bhyve's lines in FreeBSD's kernel trace.</summary>
    public static TraceDialect BhyveKtr => Dialects.BhyveKtr.Dialect;

    /// <summary>Their names: KVM's, oldest first, then bhyve's.</summary>
    public static IReadOnlyList<string> Names { get; } = [Dialects.Kvm51.Name, Dialects.Kvm616.Name, Dialects.BhyveKtr.Name];

    /// <summary>All of them, in the order of their names; a dialect is made when it is first asked for.</summary>
    public static IReadOnlyList<TraceDialect> All => [Kvm51, Kvm616, BhyveKtr];

    /// <summary>Finds a dialect by its exact name.</summary>
    public static bool TryGet(string name, [NotNullWhen(true)] out TraceDialect? dialect)
    {
        dialect = Names.Contains(name) ? All.First(known => known.Name == name) : null;
        return dialect is not null;
    }

    /// <summary>The dialect with this exact name.</summary>
    /// <exception cref="ArgumentException">There is none; the message names those there are.</exception>
    public static TraceDialect Get(string name)
    {
        if (TryGet(name, out var dialect))
            return dialect;
        var known = string.Join(", ", Names);
        throw new ArgumentException($"There is no trace dialect '{name}'. Known: {known}.", nameof(name));
    }
}
