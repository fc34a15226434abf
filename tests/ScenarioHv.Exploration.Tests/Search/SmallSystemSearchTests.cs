using ScenarioHv.Exploration.Search;

namespace ScenarioHv.Exploration.Tests.Search;

/// <summary>Systems whose states and steps can be counted on paper.</summary>
public sealed class SmallSystemSearchTests
{
    /// <summary>
    /// A thread is at one of 4 places, two threads at one of 16 pairs. Locks exclude: both-both, both-first and first-both, so 13.
    /// Steps: 2 from (free, free), (first, free) and (free, first); none from (first, first), where each waits for the other, and from the
    /// goal (done, done); 1 from each of the other 8. 3 * 2 + 8 = 14.
    /// </summary>
    [Test]
    public void Locks_taken_in_two_orders_have_13_states_and_14_steps_and_a_deadlock_two_steps_away()
    {
        var result = Search(new DiningLocks(isOrdered: false));
        using var graph = result.Graph;

        Assert.That((result.States, result.Transitions, result.Depth, result.Goals), Is.EqualTo((13, 14L, 6, 1)));
        Assert.That(Stuck(graph).Select(graph.Layer), Is.EqualTo(new[] { 2 }));
    }

    /// <summary>
    /// While one thread holds A, for two places, the other is free or done: 2 * 2 * 2 = 8 pairs; and 4 where neither holds it: 12.
    /// Two steps from (free, free), none from (done, done), one from each of the other 10: the other one waits or is done.
    /// </summary>
    [Test]
    public void Locks_taken_in_one_order_have_12_states_and_12_steps_and_no_deadlock()
    {
        var result = Search(new DiningLocks(isOrdered: true));
        using var graph = result.Graph;

        Assert.That((result.States, result.Transitions, result.Goals), Is.EqualTo((12, 12L, 1)));
        Assert.That(Stuck(graph), Is.Empty);
    }

    /// <summary>
    /// (sleeper, waker) with L(ooks), G(oes to sleep), A(sleep), D(one) and S(ets the flag), W(akes), D(one). Steps from each:
    /// LS 2 (GS, LW), GS 2 (AS, GW), AS 1 (AW), LW 2 (DW, LD), GW 2 (AW, GD), AW 1 (LD), DW 1 (DD), LD 1 (DD), GD 1 (AD), AD 0: stuck,
    /// DD 0: the goal. 11 states, 13 steps; LS-GS-GW-GD-AD is the shortest way to sleep for ever.
    /// </summary>
    [Test]
    public void A_look_before_the_sleep_can_lose_the_wakeup_in_11_states_and_13_steps()
    {
        var result = Search(new LostWakeup(isAtomic: false));
        using var graph = result.Graph;

        Assert.That((result.States, result.Transitions, result.Goals), Is.EqualTo((11, 13L, 1)));
        Assert.That(Stuck(graph).Select(graph.Layer), Is.EqualTo(new[] { 4 }));
    }

    /// <summary>LS 2 (AS, LW), AS 1 (AW), AW 1 (LD), LW 2 (DW, LD), DW 1 (DD), LD 1 (DD), DD 0: 7 states, 8 steps.</summary>
    [Test]
    public void A_look_and_sleep_that_is_one_step_loses_nothing_in_7_states_and_8_steps()
    {
        var result = Search(new LostWakeup(isAtomic: true));
        using var graph = result.Graph;

        Assert.That((result.States, result.Transitions, result.Goals), Is.EqualTo((7, 8L, 1)));
        Assert.That(Stuck(graph), Is.Empty);
    }

    /// <summary>
    /// A side is at 0 (about to store), 1 (about to load), s (seen) or n (not seen), the last three with its store in the buffer (b) or in
    /// memory (m): 7 places. s needs the other's store in memory: sb and sm of the vCPU stand beside 1m, sm, nm of the sender only, and the
    /// other way round. By the vCPU's place, the sender's places: 0: 0 1b 1m nb nm (5); 1b: the same (5); 1m: all (7); sb: 1m nm (2);
    /// sm: 1m sm nm (3); nb: 0 1b 1m, and the violations nb nm (5); nm: 0 1b 1m sb sm, and the violation nb (6). The violation (nm, nm) has
    /// violations before it only. That is 33 states with 3 violations.
    /// Steps from a place: 0 1, 1b 2, 1m 1, sb and nb 1, sm and nm 0. For each of the vCPU's places, its own steps for every
    /// non-violating place of the sender, and those places' steps: 0: 5 + 5; 1b: 10 + 5; 1m: 7 + 6; sb: 2 + 1; sm: 0 + 1; nb: 3 + 4;
    /// nm: 0 + 5. That is 54.
    /// </summary>
    [Test]
    public void The_mode_handshake_without_barriers_loses_a_request_in_33_states_and_54_steps()
    {
        var result = Search(new ModeHandshake(false, false));
        using var graph = result.Graph;

        Assert.That((result.States, result.Transitions, result.Violations), Is.EqualTo((33, 54L, 3)));
        Assert.That(result.FirstViolatedLayer, Is.EqualTo(4));
    }

    /// <summary>
    /// Nobody loads with a store in the buffer: 0 1b 1m sm nm are left. By the vCPU's place, the sender's places: 0: 0 1b 1m nm (4);
    /// 1b: the same (4); 1m: all (5); sm: 1m sm nm (3); nm: 0 1b 1m sm (4). (nm, nm) would need that each load came before the other's
    /// store was in memory, and after its own. 20 states. Each of 0 1b 1m has one step: 0: 4 + 3; 1b: 4 + 3; 1m: 5 + 3; sm: 1; nm: 3. 26.
    /// </summary>
    [Test]
    public void The_mode_handshake_with_both_barriers_loses_nothing_in_20_states_and_26_steps()
    {
        var result = Search(new ModeHandshake(true, true));
        using var graph = result.Graph;

        Assert.That((result.States, result.Transitions, result.Violations), Is.EqualTo((20, 26L, 0)));
    }

    [TestCase(true, false)]
    [TestCase(false, true)]
    public void The_mode_handshake_needs_both_barriers(bool vcpuHasBarrier, bool senderHasBarrier)
    {
        var result = Search(new ModeHandshake(vcpuHasBarrier, senderHasBarrier));
        using var graph = result.Graph;

        Assert.That(result.Violations, Is.Not.Zero);
        // Two stores, two loads, and the buffer of the side with the barrier in between.
        Assert.That(result.FirstViolatedLayer, Is.EqualTo(5));
    }

    /// <summary>
    /// (posted, in IRR, handled): 000 1 step, 110 2 steps (post again, handle), 210 1, 101 1, 201 0: stuck with one of two, 211 1, 202 the
    /// goal. 7 states, 6 steps.
    /// </summary>
    [Test]
    public void Two_IPIs_of_one_vector_can_be_one_interrupt_in_7_states_and_6_steps()
    {
        var result = Search(new TwoIpis());
        using var graph = result.Graph;

        Assert.That((result.States, result.Transitions, result.Goals), Is.EqualTo((7, 6L, 1)));
        Assert.That(Stuck(graph).Select(graph.Layer), Is.EqualTo(new[] { 3 }));
    }

    [Test]
    public void A_first_state_that_is_the_goal_is_all_there_is()
    {
        var result = Search(new Finished());
        using var graph = result.Graph;

        Assert.That((result.States, result.Transitions, result.Depth, result.Goals), Is.EqualTo((1, 0L, 0, 1)));
        Assert.That((result.EndedBy, graph.Kind(0), graph.Edges(0).Length), Is.EqualTo(((SearchLimit?)null, StateKind.Goal, 0)));
    }

    private static SearchResult Search(ITransitionSystem system) => new LayeredSearch(() => system).Run();

    private static IEnumerable<int> Stuck(SearchGraph graph) =>
        Enumerable.Range(0, graph.States).Where(state => graph.Kind(state) == StateKind.Open && graph.Edges(state).IsEmpty);

    private sealed class Finished : ToySystem<int>
    {
        public override int Actors => 1;

        public override int First => 0;

        public override bool IsEnabled(in int state, int actor) => true;

        public override int Step(ref int state, int actor, int choice) =>
            throw new InvalidOperationException("A goal is not stepped from.");

        public override StateKind KindOf(in int state) => StateKind.Goal;
    }
}
