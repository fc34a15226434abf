using System.Diagnostics.CodeAnalysis;

namespace ScenarioHv.Traces;

/// <summary>The dialects there are. One more is a file in Dialects and a line here.</summary>
public static class TraceDialects
{
    /// <summary>trace-cmd report with plugin_kvm on kernels around 5.1: the form of the traces on the lists in 2019.</summary>
    public static TraceDialect Kvm51 => Dialects.Kvm51.Dialect;

    /// <summary>The print formats of kernel 6.16.</summary>
    public static TraceDialect Kvm616 => Dialects.Kvm616.Dialect;

    /// <summary>bhyve's lines in FreeBSD's kernel trace.</summary>
    public static TraceDialect BhyveKtr => Dialects.BhyveKtr.Dialect;

    /// <summary>All of them: KVM's, oldest first, then bhyve's.</summary>
    public static IReadOnlyList<TraceDialect> All { get; } = [Kvm51, Kvm616, BhyveKtr];

    /// <summary>Finds a dialect by its exact name.</summary>
    public static bool TryGet(string name, [NotNullWhen(true)] out TraceDialect? dialect)
    {
        dialect = All.FirstOrDefault(known => known.Name == name);
        return dialect is not null;
    }

    /// <summary>The dialect with this exact name.</summary>
    /// <exception cref="ArgumentException">There is none; the message names those there are.</exception>
    public static TraceDialect Get(string name)
    {
        if (TryGet(name, out var dialect))
            return dialect;
        var known = string.Join(", ", All);
        throw new ArgumentException($"There is no trace dialect '{name}'. Known: {known}.", nameof(name));
    }
}
