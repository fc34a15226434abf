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
    private readonly PlanScript<TStep>? _script;

    /// <summary>Creates a plan.</summary>
    /// <param name="text">Its name, as a scenario writes it.</param>
    /// <param name="steps">Its steps in order; at most 255.</param>
    public Plan(string text, params ReadOnlySpan<TStep> steps)
    {
        Text = text;
        _steps = steps.ToArray();
    }

    /// <summary>Creates the plan of a script, which is asked for its steps.</summary>
    /// <param name="script">The script; its name is the plan's.</param>
    /// <exception cref="PolicyException">The script failed, or gives no steps or too many.</exception>
    public Plan(PlanScript<TStep> script)
    {
        (Text, _script) = (script.Program.Name, script);
        _steps = script.Steps();
    }

    /// <summary>Its name, as a scenario writes it.</summary>
    public string Text { get; }

    /// <summary>The script that guards and merges its steps; null for a plan of the laboratory's own.</summary>
    public PolicyScript? Script => _script;

    /// <summary>How many steps it has.</summary>
    public int Count => _steps.Length;

    /// <summary>A step.</summary>
    /// <param name="index">Its place, from 0.</param>
    /// <exception cref="IndexOutOfRangeException">There is no such place.</exception>
    public TStep this[int index] => _steps[index];

    /// <summary>True if it has <paramref name="step"/> at all.</summary>
    public bool Has(TStep step) => IndexOf(step) >= 0;

    /// <summary>The first place of <paramref name="step"/>; -1 if it has none.</summary>
    internal int IndexOf(TStep step) => Array.IndexOf(_steps, step);

    /// <summary>Whether a step is taken now: a script may leave it out. Asked right before the step.</summary>
    /// <param name="index">Its place.</param>
    /// <param name="vcpu">The vCPU that it concerns; -1 for none.</param>
    /// <param name="vector">The vector that it is about; -1 for none.</param>
    /// <exception cref="PolicyException">The script failed.</exception>
    internal bool Takes(int index, int vcpu, int vector = -1) =>
        _script is null || _script.Takes(_steps[index], new Situation(vcpu, vector: vector));

    /// <summary>
    /// Whether nobody may act between a step that was taken and the next: where they could, what they would have waited for is owed to the
    /// next point. Behind the last step everybody may.
    /// </summary>
    /// <param name="index">The place of the step that was taken.</param>
    /// <param name="vcpu">The vCPU that it concerns; -1 for none.</param>
    /// <exception cref="PolicyException">The script failed.</exception>
    internal bool Merges(int index, int vcpu) =>
        _script is not null && index < _steps.Length - 1 && _script.Merges(_steps[index], new Situation(vcpu));
}
