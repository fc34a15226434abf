using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;

namespace ScenarioHv.Scripting.Tests;

/// <summary>A machine of one vCPU in which a script decides how immediate exits are forced.</summary>
internal sealed class PolicyMachine
{
    private readonly DecisionScript<ImmediateExitDecision> _script;
    private readonly StepEngine _engine;
    private readonly Machine _machine;

    public PolicyMachine(PolicyProgram program)
    {
        _script = new DecisionScript<ImmediateExitDecision>("immediate-exit", PolicyScope.Vmcs, program);
        _engine = new StepEngine(new Board(new MachineConfig
        {
            L1 = new GuestProgram("nobody", _ => new GuestTask(completed: true)),
            ImmediateExit = new ScriptedImmediateExit(_script),
        }));
        _machine = _engine.Create();
    }

    /// <summary>Asks in a step, with the guest at <paramref name="rip"/>.</summary>
    public ImmediateExitDecision Ask(ulong rip = 0)
    {
        _machine.Fiber(_engine.Board.GuestFiber(0, 1)).Op.Rip = rip;
        return _engine.Ask(_machine, _script);
    }

    /// <summary>What stops the script.</summary>
    public T Failure<T>() where T : Exception
    {
        var problem = Assert.Throws<PolicyException>(() => Ask())!;
        Assert.That(problem.InnerException, Is.TypeOf<T>(), problem.Message);
        return (T)problem.InnerException!;
    }
}
