using ScenarioHv.Engine.Guests;

namespace ScenarioHv.Engine.Policies;

/// <summary>An immediate exit as a script decides it; it remembers in its own variables, one copy per loaded control structure.</summary>
/// <param name="script">The script, with <see cref="PolicyScope.Vmcs"/>.</param>
public sealed class ScriptedImmediateExit(DecisionScript<ImmediateExitDecision> script) : IImmediateExitPolicy
{
    /// <inheritdoc/>
    public string Text => script.Program.Name;

    /// <inheritdoc/>
    public long CountLimit => 0;

    /// <summary>The script.</summary>
    internal PolicyScript Script => script;

    /// <inheritdoc/>
    public ImmediateExitDecision Decide(ulong rip, ref ImmediateExitMemory memory) => script.Ask(Situation.Of(StepContext.Current));
}

/// <summary>
/// What an EOI does as a script decides it; it remembers in its own variables, one copy per pin, and may want to hear of a written entry.
/// </summary>
/// <param name="script">The script, with <see cref="PolicyScope.Pin"/>.</param>
public sealed class ScriptedIoApicEoi(DecisionScript<IoApicEoiDecision> script) : IIoApicEoiPolicy
{
    /// <inheritdoc/>
    public string Text => script.Program.Name;

    /// <inheritdoc/>
    public bool CanDelay => true;

    /// <summary>The script.</summary>
    internal PolicyScript Script => script;

    /// <inheritdoc/>
    public IoApicEoiDecision Decide(int pin, bool stillAsserted, ref IoApicEoiMemory memory) => script.Ask(At(pin, stillAsserted));

    /// <inheritdoc/>
    public void EntryWritten(int pin, ref IoApicEoiMemory memory) => script.TellEntryWritten(
        At(pin, StepContext.Current.Board.IoApicOf(StepContext.Current.Machine).LineStillAsserted(pin)));

    private static Situation At(int pin, bool isLineHigh)
    {
        var context = StepContext.Current;
        var vector = context.Machine.Ref(context.Board.IoApicPins, pin).Entry.Vector;
        return new Situation(Situation.Of(context).Vcpu, pin, vector, isLineHigh);
    }
}

/// <summary>A script in the place of a rule of the interrupt controllers: it is asked at the beginning of each step.</summary>
public sealed class ControllerScript
{
    private readonly Func<Situation, ControllerPolicies, ControllerPolicies> _apply;

    private ControllerScript(PolicyScript script, Func<Situation, ControllerPolicies, ControllerPolicies> apply) =>
        (Script, _apply) = (script, apply);

    /// <summary>The script.</summary>
    public PolicyScript Script { get; }

    /// <summary>Puts a script into a point.</summary>
    /// <typeparam name="T">The type of the point's values.</typeparam>
    /// <param name="script">The script, with <see cref="PolicyScope.Vm"/>.</param>
    /// <param name="set">The choices with an answer.</param>
    internal static ControllerScript Of<T>(DecisionScript<T> script, Func<ControllerPolicies, T, ControllerPolicies> set)
        where T : struct, Enum => new(script, (now, policies) => set(policies, script.Ask(now)));

    /// <summary>Asks: the choices with the answer.</summary>
    /// <exception cref="PolicyException">The script failed.</exception>
    internal ControllerPolicies Applied(in Situation now, in ControllerPolicies policies) => _apply(now, policies);
}
