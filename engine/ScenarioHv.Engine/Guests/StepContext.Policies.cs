using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Engine.Guests;

/// <content>What a step needs to ask policy scripts.</content>
public sealed unsafe partial class StepContext
{
    /// <summary>Where in the machine the variables of the policy script lie that is being asked; -1 if none is, or it has none.</summary>
    internal int PolicyMemory = -1;

    /// <summary>The policy script that is being asked; null if none is.</summary>
    internal PolicyScript? Asked;

    /// <summary>True while the code of the step's actor runs: before and after that, decisions have their base values.</summary>
    internal bool Acts;

    /// <summary>
    /// Cycles that the boundaries between merged steps would have taken: the next point waits for them. They belong to this step.
    /// </summary>
    internal long Owed;

    /// <summary>The choices of the machine's interrupt controllers for this step; null unless scripts make some of them.</summary>
    internal ControllerPolicies? Controllers;

    // What decisions have been asked for in this step, and what they answered; null until the first asks.
    private List<PolicyAnswer>? _answers;

    /// <summary>The answer that a decision has given in this step.</summary>
    /// <returns>False if it was not asked yet.</returns>
    internal bool HasAnswer(PolicyScript script, out ulong answer)
    {
        for (var i = 0; i < _answers?.Count; i++)
        {
            if (_answers[i].Script == script)
            {
                answer = _answers[i].Answer;
                return true;
            }
        }

        answer = 0;
        return false;
    }

    /// <summary>Keeps an answer until the end of the step.</summary>
    internal void Remember(PolicyScript script, ulong answer) => (_answers ??= []).Add(new PolicyAnswer(script, answer));

    /// <summary>The cycles that are owed, which this point pays.</summary>
    internal long TakeOwed()
    {
        var owed = Owed;
        Owed = 0;
        return owed;
    }

    private void BeginPolicies()
    {
        (Asked, PolicyMemory, Acts, Owed, Controllers) = (null, -1, false, 0, null);
        if (_answers?.Count > 0)
        {
            _answers.Clear();
        }
    }

    private readonly record struct PolicyAnswer(PolicyScript Script, ulong Answer);
}
