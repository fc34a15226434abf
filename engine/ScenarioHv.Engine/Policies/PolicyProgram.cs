using ScenarioHv.Engine.Guests;

namespace ScenarioHv.Engine.Policies;

/// <summary>
/// A policy that is a script: what its compilation gives. Immutable; what it remembers is in the machine. It fills any point whose answers
/// are of its type: a decision has <see cref="Decide"/>, a plan <see cref="Steps"/>.
/// </summary>
public sealed class PolicyProgram
{
    /// <summary>Creates a program.</summary>
    /// <param name="name">Its name in messages: the script's file name.</param>
    /// <param name="answer">The type of what it decides, or of a plan's steps.</param>
    public PolicyProgram(string name, Type answer)
    {
        Name = name;
        Answer = answer;
    }

    /// <summary>Its name in messages.</summary>
    public string Name { get; }

    /// <summary>The type of what it decides, or the enum of a plan's steps.</summary>
    public Type Answer { get; }

    /// <summary>True if it is a plan, false if it is a decision.</summary>
    public bool IsPlan => Steps is not null;

    /// <summary>A decision: a <c>Func&lt;Situation, TAnswer&gt;</c>; null for a plan.</summary>
    public Delegate? Decide { get; init; }

    /// <summary>
    /// What an <see cref="IoApicEoiDecision"/> does when the guest has written the redirection entry: an <c>Action&lt;Situation&gt;</c>;
    /// null if it need not hear of that.
    /// </summary>
    public Action<Situation>? EntryWritten { get; init; }

    /// <summary>
    /// A plan's steps in order: a <c>Func&lt;TAnswer[]&gt;</c>, asked once, before there is a machine, and so without the script's
    /// variables; null for a decision.
    /// </summary>
    public Delegate? Steps { get; init; }

    /// <summary>
    /// Whether a step is taken: a <c>Func&lt;TAnswer, Situation, bool&gt;</c>, asked right before it; null if all are.
    /// </summary>
    public Delegate? Takes { get; init; }

    /// <summary>
    /// Whether nothing comes between a step and the next: a <c>Func&lt;TAnswer, bool&gt;</c>, asked where that would be, at the end of the
    /// step; null if others may always act there.
    /// </summary>
    public Delegate? Merges { get; init; }

    /// <summary>The struct that holds the script's variables, one copy for each of what its point is asked for; null if none.</summary>
    public Type? Variables { get; init; }
}

/// <summary>A policy script's own variables: forked and hashed with the machine.</summary>
public static class PolicyVariables
{
    /// <summary>The variables of the policy that is being asked.</summary>
    /// <typeparam name="T">The struct that the script's compilation made of them.</typeparam>
    /// <exception cref="GuestException">Nothing is being asked: there is no machine yet.</exception>
    public static unsafe ref T Of<T>() where T : unmanaged
    {
        var context = StepContext.Current;
        if (context.PolicyMemory < 0)
        {
            throw new GuestException(
                "A policy's variables are part of the machine, and a plan's steps are asked for before there is one: "
                + "what depends on a variable belongs into Takes.");
        }

        return ref *(T*)(context.Machine.Base + context.PolicyMemory);
    }
}
