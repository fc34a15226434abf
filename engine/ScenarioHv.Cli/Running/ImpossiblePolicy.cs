using ScenarioHv.Engine.Policies;
using ScenarioHv.Scenarios;

namespace ScenarioHv.Cli.Running;

/// <summary>Tells what a machine cannot have from what else may go wrong with it.</summary>
internal static class ImpossiblePolicy
{
    /// <summary>True if a policy of the command line does not exist on the machine, or its script answers what cannot be there.</summary>
    /// <param name="problem">What went wrong.</param>
    /// <param name="options">The policies of the command line.</param>
    public static bool IsOf(Exception problem, IEnumerable<SettingOverride> options) => problem is ScenarioException impossible
        ? options.Any(option => option.OptionText == impossible.Diagnostic.File)
        : Answer(problem) is { } policy && options.Any(option => option.Point == policy.Script.Point);

    /// <summary>Why a machine cannot have what a script has answered, when it was made or in a step; null for other problems.</summary>
    public static string? ReasonOf(Exception problem) => (Answer(problem)?.InnerException as ImpossibleAnswerException)?.Reason;

    private static PolicyException? Answer(Exception problem)
    {
        for (var inner = problem; inner is not null; inner = inner.InnerException)
        {
            if (inner is PolicyException { InnerException: ImpossibleAnswerException } policy)
            {
                return policy;
            }
        }

        return null;
    }
}
