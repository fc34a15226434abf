using ScenarioHv.Exploration.Search;

namespace ScenarioHv.Exploration.Tests.Search;

/// <summary>
/// The counts of a Promela model of the same race with the same points, which Spin gave (its own count has one more state and two more
/// transitions, for the process that starts the others). Violations are not stepped from.
/// </summary>
public sealed class LostIpiSearchTests
{
    [TestCase(1, 3, 153, 306, 1)]
    [TestCase(2, 20, 213_909, 647_510, 1)]
    [TestCase(2, 20, 213_909, 647_510, 2)]
    [TestCase(3, 6, 881_846, 3_385_510, 1)]
    [TestCase(3, 6, 881_846, 3_385_510, 2)]
    public void Arming_that_takes_the_vector_out_of_IRR_loses_none_in_as_many_states_as_Spin_sees(
        int senders, int ipis, int states, int transitions, int threads)
    {
        var result = Search(senders, ipis, isFixed: true, threads);
        using var graph = result.Graph;

        Assert.That((result.States, result.Transitions), Is.EqualTo((states, (long)transitions)));
        Assert.That((result.Violations, result.FirstViolatedLayer, result.EndedBy), Is.EqualTo((0, (int?)null, (SearchLimit?)null)));
    }

    [TestCase(1)]
    [TestCase(2)]
    public void Arming_that_leaves_the_vector_in_IRR_loses_one(int threads)
    {
        var result = Search(1, 3, isFixed: false, threads);
        using var graph = result.Graph;

        Assert.That((result.States, result.Transitions, result.Violations), Is.EqualTo((165, 306L, 12)));
        Assert.That(result.EndedBy, Is.Null);
    }

    [TestCase(3, 6)]
    public void A_visited_state_takes_at_most_32_bytes_with_its_steps(int senders, int ipis)
    {
        var result = Search(senders, ipis, isFixed: true, 1);
        using var graph = result.Graph;

        Assert.That((double)result.BytesHeld / result.States, Is.LessThanOrEqualTo(32));
    }

    private static SearchResult Search(int senders, int ipis, bool isFixed, int threads) =>
        new LayeredSearch(() => new LostIpiSystem(senders, ipis, isFixed)) { Threads = threads }.Run();
}
