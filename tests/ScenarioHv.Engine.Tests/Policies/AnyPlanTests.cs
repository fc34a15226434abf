using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Tests.Guests;

namespace ScenarioHv.Engine.Tests.Policies;

/// <summary>Whatever steps a script lists, leaves out and merges: the machine may be broken, the laboratory is not, and no step is endless.</summary>
[TestFixture]
internal sealed class AnyPlanTests
{
    private const int Plans = 100;
    private const int Steps = 1_500;

    public static IEnumerable<TestCaseData> Machines => ScriptedPlanTests.BuiltIn;

    [TestCaseSource(nameof(Machines))]
    public void Any_list_of_steps_with_any_guard_makes_a_machine_that_runs_or_an_error_of_the_script(MachineConfig config, Delegate change)
    {
        for (var seed = 0; seed < Plans; seed++)
        {
            PolicyPrograms.Seed = new Random(seed);
            try
            {
                new Bench(((ScriptedPlanTests.Change)change)(config, ScriptedPlanTests.Form.Any)).Run(Steps);
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
}
