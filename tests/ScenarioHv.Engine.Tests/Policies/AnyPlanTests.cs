using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Tests.Guests;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Tests.Policies;

/// <summary>
/// Whatever steps a script lists, leaves out and merges: the machine may be broken, the laboratory is not, and no step is endless.
/// </summary>
[TestFixture]
internal sealed class AnyPlanTests
{
    private const int Plans = 40;
    private const int Steps = 1_500;

    public static IEnumerable<TestCaseData> Machines => ScriptedPlanTests.BuiltIn;

    [TestCaseSource(nameof(Machines))]
    public void Any_list_of_steps_with_any_guard_makes_a_machine_that_runs_or_an_error_of_the_script(MachineConfig config, Delegate change)
    {
        for (var seed = 0; seed < Plans; seed++)
        {
            Try(seed, () => new Bench(((ScriptedPlanTests.Change)change)(config, ScriptedPlanTests.Form.Any)).Run(Steps));
        }
    }

    [TestCaseSource(nameof(Machines))]
    public void In_whatever_order_others_act_it_does_as_well(MachineConfig config, Delegate change)
    {
        var untimed = config with { Time = new ClassTime(2_400), Timing = TimingProfile.Untimed };
        for (var seed = 0; seed < Plans; seed++)
        {
            var orders = new Random(seed);
            Try(seed, () => Walk(new Bench(((ScriptedPlanTests.Change)change)(untimed, ScriptedPlanTests.Form.Any)), orders));
        }
    }

    private static void Walk(Bench bench, Random orders)
    {
        for (var i = 0; i < Steps && bench.Engine.Enabled(bench.Machine) is var enabled and not 0; i++)
        {
            var actors = bench.Board.Actors.Where(actor => (enabled >> actor.Index & 1) != 0).ToList();
            bench.Engine.Step(bench.Machine, actors[orders.Next(actors.Count)], orders.Next(2));
        }
    }

    private static void Try(int seed, Action run)
    {
        PolicyPrograms.Seed = new Random(seed);
        try
        {
            run();
        }
        catch (PolicyException problem)
        {
            Assert.That(problem.Message, Does.Contain("without an end in one step"));
        }
        finally
        {
            PolicyPrograms.Seed = null;
        }
    }
}
