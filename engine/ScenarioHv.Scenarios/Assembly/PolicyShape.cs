using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Scenarios.Assembly;

/// <summary>What a script has to be that fills a policy point, when it is asked, and what it does to a machine's configuration.</summary>
/// <param name="Info">In words, and the type.</param>
/// <param name="Fill">The configuration with a script that is of that type. The rule gives the values that the machine can have.</param>
internal sealed record PolicyShape(
    PolicyScriptInfo Info, Func<PolicyRule, PolicyProgram, MachineConfig, MachineConfig> Fill)
{
    private const string OncePerStep = "in each step that needs the rule, once";

    /// <summary>A script in the place of a plan.</summary>
    /// <typeparam name="TStep">The steps.</typeparam>
    /// <param name="scope">For what it keeps its variables.</param>
    /// <param name="set">The configuration with the plan.</param>
    public static PolicyShape Plan<TStep>(PolicyScope scope, Func<MachineConfig, Plan<TStep>, MachineConfig> set)
        where TStep : struct, Enum => new(
            new PolicyScriptInfo(
                typeof(TStep),
                IsPlan: true,
                scope,
                "Steps once, before the machine is made; Takes right before a step, Merges right behind it"),
            (rule, program, config) => set(config, new Plan<TStep>(new PlanScript<TStep>(rule.Name, scope, program))));

    /// <summary>A script in the place of a word that is looked at while the machine runs.</summary>
    /// <typeparam name="T">The type whose members the words stand for.</typeparam>
    /// <param name="scope">For what it keeps its variables.</param>
    /// <param name="get">The choice of a configuration.</param>
    /// <param name="set">The configuration with the script.</param>
    public static PolicyShape Decision<T>(
        PolicyScope scope, Func<MachineConfig, T> get, Func<MachineConfig, DecisionScript<T>, MachineConfig> set)
        where T : struct, Enum => new(
            new PolicyScriptInfo(typeof(T), IsPlan: false, scope, OncePerStep),
            (rule, program, config) => set(config, new DecisionScript<T>(rule.Name, scope, program, Problems(rule, get, config))));

    /// <summary>A script in the place of a word that says what a machine is made of.</summary>
    /// <typeparam name="T">The type whose members the words stand for.</typeparam>
    /// <param name="get">The choice of a configuration.</param>
    public static PolicyShape OfMaking<T>(Func<MachineConfig, T> get)
        where T : struct, Enum => new(
            new PolicyScriptInfo(typeof(T), IsPlan: false, PolicyScope.Vm, "once, when the machine is made, of its boot processor"),
            (rule, program, config) =>
            {
                var script = new DecisionScript<T>(rule.Name, PolicyScope.Vm, program, Problems(rule, get, config));
                var answer = script.AskAtMaking(config);
                return WithWords(rule, config).First(value => EqualityComparer<T>.Default.Equals(get(value.Config), answer)).Config;
            });

    /// <summary>A script in the place of a value with a type of its own.</summary>
    /// <typeparam name="T">What it decides.</typeparam>
    /// <param name="scope">For what it keeps its variables.</param>
    /// <param name="asked">When it is asked.</param>
    /// <param name="problem">Why a machine cannot have an answer; null if it can.</param>
    /// <param name="set">The configuration with the script.</param>
    public static PolicyShape Of<T>(
        PolicyScope scope,
        string asked,
        Func<MachineConfig, T, string?> problem,
        Func<MachineConfig, DecisionScript<T>, MachineConfig> set)
        where T : struct => new(
            new PolicyScriptInfo(typeof(T), IsPlan: false, scope, asked),
            (rule, program, config) =>
                set(config, new DecisionScript<T>(rule.Name, scope, program, answer => problem(config, answer))));

    /// <summary>Which answers the machine cannot have, by what the words do to its configuration.</summary>
    private static Func<T, string?> Problems<T>(PolicyRule rule, Func<MachineConfig, T> get, MachineConfig config)
        where T : struct, Enum
    {
        var problems = WithWords(rule, config).ToLookup(value => get(value.Config), value => value.Entry.Problem(config));
        return answer => problems.Contains(answer) ? problems[answer].First() : $"{rule.Name} has no such value";
    }

    private static IEnumerable<(PolicyEntry Entry, MachineConfig Config)> WithWords(PolicyRule rule, MachineConfig config) =>
        rule.Values.Select(entry => (entry, entry.Apply(new PolicyValue(entry.Info.Name, [], new SourceMark("", 0, 0)), config)));
}
