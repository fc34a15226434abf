using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Scheduling;

namespace ScenarioHv.Engine.Policies;

/// <summary>For what a policy's script keeps a copy of its variables.</summary>
public enum PolicyScope : byte
{
    /// <summary>The virtual machine: one copy.</summary>
    Vm,

    /// <summary>Each vCPU; what the monitor's and the kernel's own threads ask for has a copy too.</summary>
    Vcpu,

    /// <summary>Each control structure that can be loaded: two for a vCPU, the guest's and its guest's.</summary>
    Vmcs,

    /// <summary>Each pin of the I/O APIC.</summary>
    Pin,
}

/// <summary>
/// A script in the place of a policy's value: the program, the point that it fills, and for what it keeps a copy of its variables.
/// Immutable; it is asked in the steps of a machine.
/// </summary>
public abstract class PolicyScript
{
    /// <summary>What a script pays for being asked, so that code that asks it for ever comes to an end.</summary>
    private const int Asking = 100;

    private protected PolicyScript(string point, PolicyScope scope, PolicyProgram program, Type answer, bool isPlan)
    {
        if (program.Answer != answer || program.IsPlan != isPlan)
        {
            throw new ArgumentException(
                $"{program.Name} is a {(program.IsPlan ? "plan" : "decision")} of {program.Answer.Name}, and {point} "
                + $"a {(isPlan ? "plan" : "decision")} of {answer.Name}.",
                nameof(program));
        }

        (Point, Scope, Program) = (point, scope, program);
    }

    /// <summary>The point that it fills, as scenarios name it.</summary>
    public string Point { get; }

    /// <summary>For what it keeps a copy of its variables.</summary>
    public PolicyScope Scope { get; }

    /// <summary>The program.</summary>
    public PolicyProgram Program { get; }

    /// <summary>How many copies of its variables a machine has.</summary>
    internal int Places(int vcpus, int pins) => Scope switch
    {
        PolicyScope.Vm => 1,
        PolicyScope.Vcpu => vcpus + 1,
        PolicyScope.Vmcs => vcpus * 2,
        _ => pins,
    };

    /// <summary>Which copy is meant; that of the other threads comes behind the vCPUs'.</summary>
    private int PlaceOf(in Situation now, int vcpus) => Scope switch
    {
        PolicyScope.Vm => 0,
        PolicyScope.Vcpu => now.Vcpu < 0 ? vcpus : now.Vcpu,
        PolicyScope.Vmcs => (now.Vcpu * 2) + now.Level - 1,
        _ => now.Pin,
    };

    /// <summary>Asks the program, with its variables at hand.</summary>
    /// <exception cref="PolicyException">The script failed.</exception>
    private protected TResult Ask<TArgument, TResult>(Func<TArgument, Situation, TResult> function, TArgument argument, in Situation now)
    {
        var context = StepContext.Current;
        if (context.Asked is { } asked)
        {
            throw new InvalidOperationException($"{Point} is asked while {asked.Point} is: an answer needs another.");
        }

        context.Asked = this;
        context.PolicyMemory = Program.Variables is null ? -1
            : context.Board.PolicyMemory(this, PlaceOf(now, context.Board.Config.Vcpus));
        try
        {
            Pay(context);
            return function(argument, now);
        }
        catch (Exception problem) when (problem is not OutOfMemoryException)
        {
            throw new PolicyException(this, problem);
        }
        finally
        {
            context.Asked = null;
            context.PolicyMemory = -1;
        }
    }

    private static void Pay(StepContext context)
    {
        if ((context.Budget -= Asking) < 0)
        {
            throw new GuestException(
                "it is asked without an end in one step, so that nobody else comes to act: does the plan ever stand at a point?");
        }
    }
}

/// <summary>A script that decides: it is asked when its rule is needed.</summary>
/// <typeparam name="TAnswer">What it answers.</typeparam>
public sealed class DecisionScript<TAnswer> : PolicyScript
    where TAnswer : struct
{
    private readonly Func<TAnswer, string?>? _problem;
    private readonly Func<bool, Situation, TAnswer> _decide;
    private readonly Func<bool, Situation, bool>? _entryWritten;

    /// <summary>Puts a program into a point.</summary>
    /// <param name="point">The point, as scenarios name it.</param>
    /// <param name="scope">For what the variables are kept.</param>
    /// <param name="program">A decision of <typeparamref name="TAnswer"/>.</param>
    /// <param name="problem">Why the machine cannot have an answer; null if it can. Null if it can have all.</param>
    /// <exception cref="ArgumentException">The program is made for something else.</exception>
    public DecisionScript(string point, PolicyScope scope, PolicyProgram program, Func<TAnswer, string?>? problem = null)
        : base(point, scope, program, typeof(TAnswer), isPlan: false)
    {
        var decide = program.Decide as Func<Situation, TAnswer>
            ?? throw new ArgumentException($"{program.Name} has no Decide that takes a situation.", nameof(program));
        _problem = problem;
        _decide = (_, now) => Possible(decide(now));
        _entryWritten = program.EntryWritten is not { } heard ? null : (_, now) =>
        {
            heard(now);
            return true;
        };
    }

    /// <summary>
    /// Asks what a machine is made of: once, of a machine at its reset that has no guests yet. The situation is that of its boot processor.
    /// </summary>
    /// <param name="config">The machine, as far as it is known.</param>
    /// <exception cref="PolicyException">The script failed, or answered what this machine cannot have.</exception>
    public TAnswer AskAtMaking(MachineConfig config)
    {
        var nobody = new GuestProgram("nobody", _ => new GuestTask(completed: true));
        var made = config with { L1 = nobody, L2 = config.L2 is null ? null : nobody, Timeline = [], Time = null, Making = this };
        var engine = new StepEngine(new Board(made));
        return engine.Ask(engine.Create(), this);
    }

    /// <summary>Asks, in a step.</summary>
    /// <exception cref="PolicyException">The script failed, or answered what this machine cannot have.</exception>
    internal TAnswer Ask(in Situation now) => Ask(_decide, false, now);

    /// <summary>Tells it that the guest has written the redirection entry.</summary>
    /// <exception cref="PolicyException">The script failed.</exception>
    internal void TellEntryWritten(in Situation now)
    {
        if (_entryWritten is not null)
        {
            Ask(_entryWritten, false, now);
        }
    }

    private TAnswer Possible(TAnswer answer) => _problem?.Invoke(answer) is { } problem
        ? throw new ImpossibleAnswerException($"{answer}", problem) : answer;
}

/// <summary>A script that lists, guards and merges the steps of a plan.</summary>
/// <typeparam name="TStep">The steps that there are.</typeparam>
public sealed class PlanScript<TStep> : PolicyScript
    where TStep : struct, Enum
{
    private readonly Func<TStep[]> _steps;
    private readonly Func<TStep, Situation, bool> _takes;
    private readonly Func<TStep, Situation, bool>? _merges;

    /// <summary>Puts a program into a point.</summary>
    /// <param name="point">The point, as scenarios name it.</param>
    /// <param name="scope">For what the variables are kept.</param>
    /// <param name="program">A plan of <typeparamref name="TStep"/>.</param>
    /// <exception cref="ArgumentException">The program is made for something else.</exception>
    public PlanScript(string point, PolicyScope scope, PolicyProgram program)
        : base(point, scope, program, typeof(TStep), isPlan: true)
    {
        if (program is not
            { Steps: Func<TStep[]> steps, Takes: null or Func<TStep, Situation, bool>, Merges: null or Func<TStep, bool> })
        {
            throw new ArgumentException($"{program.Name} has not the methods of a plan of {typeof(TStep).Name}.", nameof(program));
        }

        _steps = steps;
        _takes = program.Takes as Func<TStep, Situation, bool> ?? ((_, _) => true);
        _merges = program.Merges is Func<TStep, bool> merges ? (step, _) => merges(step) : null;
    }

    /// <summary>The steps, asked for before there is a machine.</summary>
    /// <exception cref="PolicyException">The script failed, or the list is not one that can be walked.</exception>
    internal TStep[] Steps()
    {
        var context = new StepContext(null!);
        StepContext.Enter(context);
        context.Asked = this;
        try
        {
            var steps = _steps();
            return steps is { Length: > 0 and <= byte.MaxValue } ? [.. steps]
                : throw new GuestException($"Steps gives {steps?.Length ?? 0} steps: a plan has 1..{byte.MaxValue}.");
        }
        catch (Exception problem) when (problem is not OutOfMemoryException)
        {
            throw new PolicyException(this, problem);
        }
        finally
        {
            StepContext.Leave();
        }
    }

    /// <summary>Whether a step is taken: asked right before it.</summary>
    /// <exception cref="PolicyException">The script failed.</exception>
    internal bool Takes(TStep step, in Situation now) => Ask(_takes, step, now);

    /// <summary>Whether nothing comes between a step and the next: asked at its end.</summary>
    /// <exception cref="PolicyException">The script failed.</exception>
    internal bool Merges(TStep step, in Situation now) => _merges is not null && Ask(_merges, step, now);
}

/// <summary>A policy's script failed, or answered what cannot be.</summary>
public sealed class PolicyException : GuestException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="script">The script in its point.</param>
    /// <param name="problem">What was thrown.</param>
    public PolicyException(PolicyScript script, Exception problem)
        : base($"{script.Point} ({script.Program.Name}): {problem.Message}", problem) => Script = script;

    /// <summary>The script in its point.</summary>
    public PolicyScript Script { get; }
}

/// <summary>A policy's script has answered what its machine cannot have.</summary>
public sealed class ImpossibleAnswerException : GuestException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="answer">The answer in words.</param>
    /// <param name="reason">Why the machine cannot have it.</param>
    public ImpossibleAnswerException(string answer, string reason)
        : base($"the answer {answer} does not exist here: {reason}") => Reason = reason;

    /// <summary>Why the machine cannot have it.</summary>
    public string Reason { get; }
}
