namespace ScenarioHv.Engine.Policies;

/// <summary>
/// A policy that is an order: the micro-steps of one piece of hypervisor code, as this version of it takes them. A policy may reorder them,
/// drop one, or replace one by a guarded form. The code that carries a plan out walks it by index, so that a suspended frame holds a number
/// and no reference.
/// </summary>
/// <typeparam name="TStep">The steps that there are.</typeparam>
public sealed class Plan<TStep>
    where TStep : struct, Enum
{
    private readonly TStep[] _steps;

    /// <summary>Creates a plan.</summary>
    /// <param name="text">Its name, as a scenario writes it.</param>
    /// <param name="steps">Its steps in order; at most 255.</param>
    public Plan(string text, params ReadOnlySpan<TStep> steps)
    {
        Text = text;
        _steps = steps.ToArray();
    }

    /// <summary>Its name, as a scenario writes it.</summary>
    public string Text { get; }

    /// <summary>How many steps it has.</summary>
    public int Count => _steps.Length;

    /// <summary>A step.</summary>
    /// <param name="index">Its place, from 0.</param>
    /// <exception cref="IndexOutOfRangeException">There is no such place.</exception>
    public TStep this[int index] => _steps[index];

    /// <summary>True if it has <paramref name="step"/> at all.</summary>
    public bool Has(TStep step) => Array.IndexOf(_steps, step) >= 0;
}
