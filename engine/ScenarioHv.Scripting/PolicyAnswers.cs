using System.Reflection;
using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Scripting;

/// <summary>
/// The types in which a policy can answer: what the engine's records of policies are made of. A point's words are the members of an enum,
/// a plan's steps those of another.
/// </summary>
internal static class PolicyAnswers
{
    private static readonly Type[] Records = [typeof(KvmPolicies), typeof(BhyvePolicies), typeof(ControllerPolicies)];

    /// <summary>What a decision may answer.</summary>
    public static IReadOnlyCollection<Type> Decisions => Found.Value.Decisions;

    /// <summary>The steps of plans.</summary>
    public static IReadOnlyCollection<Type> Plans => Found.Value.Plans;

    private static readonly Lazy<(SortedSet<Type> Decisions, SortedSet<Type> Plans)> Found = new(Find);

    /// <summary>Answers whose members scripts name without the type: steps of a plan, and what is more than a word.</summary>
    public static bool AreBare(Type answer) =>
        !answer.IsEnum || Plans.Contains(answer);

    private static (SortedSet<Type> Decisions, SortedSet<Type> Plans) Find()
    {
        var byName = Comparer<Type>.Create((left, right) => string.CompareOrdinal(left.FullName, right.FullName));
        var decisions = new SortedSet<Type>(byName) { typeof(ImmediateExitDecision), typeof(IoApicEoiDecision) };
        var plans = new SortedSet<Type>(byName);
        var seen = new SortedSet<Type>(byName);
        foreach (var record in Records)
        {
            Add(record);
        }

        return (decisions, plans);

        void Add(Type type)
        {
            if (type.Assembly != typeof(KvmPolicies).Assembly)
            {
                return;
            }

            if (type.IsEnum)
            {
                decisions.Add(type);
            }
            else if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Plan<>))
            {
                plans.Add(type.GetGenericArguments()[0]);
            }
            else if (seen.Add(type))
            {
                foreach (var property in type.GetProperties(BindingFlags.Instance | BindingFlags.Public))
                {
                    Add(property.PropertyType);
                }
            }
        }
    }
}
