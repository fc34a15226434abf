using ScenarioHv.Engine.Policies;
using ScenarioHv.Scenarios.Assembly;

namespace ScenarioHv.Scenarios;

/// <summary>What a script has to be that fills a policy point, and when it is asked.</summary>
/// <param name="Answer">The type of what it decides, or of a plan's steps.</param>
/// <param name="IsPlan">True if it lists steps, false if it decides.</param>
/// <param name="Scope">For what it keeps a copy of its variables.</param>
/// <param name="Asked">When it is asked, in words.</param>
public sealed record PolicyScriptInfo(Type Answer, bool IsPlan, PolicyScope Scope, string Asked)
{
    /// <summary>What it has to be: <c>a plan of EnterStep</c>, <c>a decision that gives TimerFire</c>.</summary>
    public string Kind => KindOf(IsPlan, Answer);

    /// <summary>For what it keeps a copy of its variables, in words.</summary>
    public string ScopeWords => Scope switch
    {
        PolicyScope.Vm => "the virtual machine",
        PolicyScope.Vcpu => "each vCPU",
        PolicyScope.Vmcs => "each control structure that is loaded",
        _ => "each pin of the I/O APIC",
    };

    /// <summary>True if <paramref name="program"/> is made for such a point.</summary>
    public bool Takes(PolicyProgram program) => program.IsPlan == IsPlan && program.Answer == Answer;

    /// <summary>Refuses a script that is made for another point.</summary>
    /// <param name="program">The script.</param>
    /// <param name="point">The point.</param>
    /// <param name="mark">Where the point is given it.</param>
    /// <exception cref="ScenarioException">It is.</exception>
    internal void Require(PolicyProgram program, string point, SourceMark mark)
    {
        if (Takes(program))
        {
            return;
        }

        var points = PolicyTable.PointsFor(program);
        var made = points.Count == 0 ? "which no point takes" : $"made for {string.Join(" and ", points)}";
        throw mark.Error($"{program.Name} is {KindOf(program.IsPlan, program.Answer)}, {made}; {point} takes {Kind}");
    }

    private static string KindOf(bool isPlan, Type answer) => isPlan ? $"a plan of {answer.Name}" : $"a decision that gives {answer.Name}";
}
