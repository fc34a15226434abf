using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Engine.Tests.Policies;

/// <summary>Policy programs made of delegates, as the compilation of a script makes them.</summary>
internal static class PolicyPrograms
{
    /// <summary>Variables of a policy: a RIP and a count.</summary>
    public struct Memory
    {
        public ulong LastRip;
        public uint Count;
        public uint Reserved;
    }

    public static ref Memory Vars => ref PolicyVariables.Of<Memory>();

    /// <summary>The RFC of 28 March 2019.</summary>
    public static PolicyProgram Throttle(uint limit, uint delay) => Decision(now =>
    {
        Vars.Count = now.Rip == Vars.LastRip ? Math.Min(Vars.Count, limit) + 1 : 0;
        Vars.LastRip = now.Rip;
        return ImmediateExitDecision.PreemptionTimer(Vars.Count > limit ? delay : 0);
    });

    public static PolicyProgram Decision<T>(Func<Situation, T> decide) =>
        new("test.csx", typeof(T)) { Decide = decide, Variables = typeof(Memory) };

    public static PolicyProgram PlanOf<TStep>(
        TStep[] steps, Func<TStep, Situation, bool>? takes = null, Func<TStep, bool>? merges = null)
        where TStep : struct, Enum =>
        new("test.csx", typeof(TStep)) { Steps = () => steps, Takes = takes, Merges = merges, Variables = typeof(Memory) };

    /// <summary>A plan of a script's, with its memory for each vCPU.</summary>
    public static Plan<TStep> Scripted<TStep>(
        TStep[] steps, Func<TStep, Situation, bool>? takes = null, Func<TStep, bool>? merges = null)
        where TStep : struct, Enum =>
        new(new PlanScript<TStep>("point", PolicyScope.Vcpu, PlanOf(steps, takes, merges)));

    /// <summary>A script's plan that takes the same steps as <paramref name="plan"/>, each of which it guards and does not merge.</summary>
    public static Plan<TStep> Like<TStep>(Plan<TStep> plan)
        where TStep : struct, Enum =>
        Scripted(StepsOf(plan), (_, _) => true, _ => false);

    /// <summary>
    /// A script's plan that lists every step that there is before each of those of <paramref name="plan"/>, and leaves the others out.
    /// </summary>
    public static Plan<TStep> GuardedLike<TStep>(Plan<TStep> plan)
        where TStep : struct, Enum
    {
        var steps = StepsOf(plan);
        var others = Enum.GetValues<TStep>().Except(steps).ToArray();
        return Scripted([.. steps.SelectMany(step => others.Append(step))], (step, _) => steps.Contains(step));
    }

    /// <summary>Of what <see cref="Any"/> is made.</summary>
    [field: ThreadStatic]
    public static Random? Seed { get; set; }

    /// <summary>Some steps in some order, with a guard and merges that say now this, now that.</summary>
    public static Plan<TStep> Any<TStep>()
        where TStep : struct, Enum
    {
        var seed = Seed!;
        var all = Enum.GetValues<TStep>();
        var steps = Enumerable.Range(0, seed.Next(1, 8)).Select(_ => all[seed.Next(all.Length)]).ToArray();
        var (guards, merges) = (seed.Next(4), seed.Next(4));
        return Scripted(
            steps,
            guards == 0 ? null : (step, now) => (++Vars.Count & guards) != 0 || now.IsOwnThread,
            merges == 0 ? null : step => (Convert.ToInt32(step) & merges) != 0);
    }

    public static IImmediateExitPolicy ImmediateExit(PolicyProgram program) =>
        new ScriptedImmediateExit(new DecisionScript<ImmediateExitDecision>("immediate-exit", PolicyScope.Vmcs, program));

    public static IIoApicEoiPolicy IoApicEoi(PolicyProgram program) =>
        new ScriptedIoApicEoi(new DecisionScript<IoApicEoiDecision>("ioapic-eoi", PolicyScope.Pin, program));

    private static TStep[] StepsOf<TStep>(Plan<TStep> plan)
        where TStep : struct, Enum => [.. Enumerable.Range(0, plan.Count).Select(i => plan[i])];
}
