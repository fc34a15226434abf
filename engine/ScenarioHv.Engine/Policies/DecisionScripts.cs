using System.Runtime.CompilerServices;
using ScenarioHv.Engine.Guests;

namespace ScenarioHv.Engine.Policies;

/// <summary>
/// The scripts in the place of decisions whose values are words, by the property that they stand for. Immutable. A script is asked in the
/// step in which its rule is needed first, and its answer holds for that step; outside steps the property has its own value.
/// </summary>
public sealed class DecisionScripts
{
    private readonly (string Property, PolicyScript Script)[] _scripts;

    private DecisionScripts((string Property, PolicyScript Script)[] scripts) => _scripts = scripts;

    /// <summary>No script.</summary>
    public static DecisionScripts None { get; } = new([]);

    /// <summary>True if there is none.</summary>
    public bool IsEmpty => _scripts.Length == 0;

    /// <summary>Adds the scripts to others.</summary>
    internal void AddTo(List<PolicyScript> scripts)
    {
        foreach (var (_, script) in _scripts)
        {
            scripts.Add(script);
        }
    }

    /// <summary>The same with a script for a property.</summary>
    /// <typeparam name="T">The property's type.</typeparam>
    /// <param name="property">The property.</param>
    /// <param name="script">The script.</param>
    public DecisionScripts With<T>(string property, DecisionScript<T> script)
        where T : unmanaged, Enum => new([.. _scripts.Where(entry => entry.Property != property), (property, script)]);

    /// <summary>Whether a property has a script.</summary>
    internal bool Has(string property)
    {
        foreach (var (name, _) in _scripts)
        {
            if (name == property)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The value of a property now.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    /// <param name="value">Its value without a script.</param>
    /// <param name="property">Filled in by the compiler.</param>
    /// <exception cref="PolicyException">The script failed.</exception>
    internal T Value<T>(T value, [CallerMemberName] string property = "")
        where T : unmanaged, Enum
    {
        foreach (var (name, script) in _scripts)
        {
            if (name == property)
            {
                return StepContext.IfAny is { Acts: true, Asked: null } context ? Answer((DecisionScript<T>)script, context) : value;
            }
        }

        return value;
    }

    private static T Answer<T>(DecisionScript<T> script, StepContext context)
        where T : unmanaged, Enum
    {
        if (!context.HasAnswer(script, out var word))
        {
            word = ResultWord.Write(script.Ask(Situation.Of(context)));
            context.Remember(script, word);
        }

        return ResultWord.Read<T>(word);
    }
}
