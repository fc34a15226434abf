using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Engine.Scheduling;

/// <summary>
/// The only thing that changes a machine: it makes the first state, says who can act, and takes one actor's step.
/// One engine belongs to one thread; any number of engines can share a board.
/// </summary>
public sealed class StepEngine
{
    private readonly StepContext _context;
    private readonly Actor[] _actors;

    /// <summary>Creates an engine for the machines of <paramref name="board"/>.</summary>
    /// <param name="board">The wiring.</param>
    /// <param name="sink">Takes the trace events; null for none.</param>
    public StepEngine(Board board, ITraceSink? sink = null)
    {
        Board = board;
        _actors = [.. board.Actors];
        _context = new StepContext(board) { Sink = sink };
    }

    /// <summary>The wiring.</summary>
    public Board Board { get; }

    /// <summary>Makes a machine in its first state.</summary>
    /// <exception cref="InvalidOperationException">A guest's code failed before its first operation.</exception>
    public Machine Create()
    {
        var machine = new Machine(Board.Layout);
        try
        {
            Enter(machine);
            machine.Ref(Board.Layout.Clock).Now = Board.Classes is null ? 0 : Configuration.ClassTime.Now;
            Reset(machine);
            Board.Classes?.Stepped(machine, -1, 0, false);
            _context.RequireSettled();
            SafetyChecks.AfterStep(_context);
        }
        catch (Exception) when (HasAssertionFailed(machine))
        {
            // The machine ends in the state in which the script's code has left it.
        }
        finally
        {
            StepContext.Leave();
        }

        return machine;
    }

    /// <summary>The actor with the smallest (cycle, actor order).</summary>
    /// <returns>Null if nobody can ever act again.</returns>
    public Actor? Next(Machine machine)
    {
        Actor? next = null;
        var earliest = Instant.Never;
        foreach (var actor in _actors)
        {
            var ready = actor.ReadyAt(machine);
            if (ready < earliest)
            {
                (next, earliest) = (actor, ready);
            }
        }

        return next;
    }

    /// <summary>
    /// The actors whose step may be the next, bit n for the actor with index n: with time in cycles those that are ready first, at the same
    /// moment; where the clock stands still all that can act.
    /// </summary>
    public ulong Enabled(Machine machine) => Board.Classes is { } classes ? classes.Enabled(machine) : Earliest(machine);

    /// <summary>True if an operation of a guest has retired in the last step.</summary>
    public bool HasRetired => _context.RetiredLevels != 0;

    /// <summary>
    /// True if the next step of <paramref name="actor"/> is one that nobody else can tell from the step before it, so that a search can
    /// take both as one. Where a policy is a script none is: what it looks at, and what it remembers, may be anybody's.
    /// </summary>
    /// <param name="machine">The machine.</param>
    /// <param name="actor">The actor.</param>
    /// <param name="label">Where it is, so that a caller notices a loop.</param>
    public bool IsPrivate(Machine machine, Actor actor, out ulong label)
    {
        label = 0;
        return actor.Index < Board.Config.Vcpus
            && !Board.HasPolicyScripts
            && actor.ReadyAt(machine).Cycle <= machine.Now
            && Hypervisors.PrivateSteps.IsNext(Board, machine, actor.Index, out label);
    }

    /// <summary>
    /// Takes one step of <paramref name="actor"/>; the clock moves to the moment at which it was ready, unless it stands still.
    /// </summary>
    /// <param name="machine">The machine.</param>
    /// <param name="actor">Whose step.</param>
    /// <param name="choice">Which of the ways in which the step can go on: from 0.</param>
    /// <returns>In how many ways it can go on; a larger <paramref name="choice"/> has repeated one of them.</returns>
    public int Step(Machine machine, Actor actor, int choice = 0)
    {
        try
        {
            Enter(machine, choice);
            _context.Actor = actor.Index;
            if (Board.Classes is { } classes)
            {
                StepInClasses(classes, machine, actor);
            }
            else
            {
                ref var clock = ref machine.Ref(Board.Layout.Clock);
                clock.Now = Math.Max(clock.Now, actor.ReadyAt(machine).Cycle);
                Act(actor);
            }

            _context.RequireSettled();
            SafetyChecks.AfterStep(_context);
            return _context.Ways;
        }
        catch (Exception) when (HasAssertionFailed(machine))
        {
            return _context.Ways;
        }
        finally
        {
            StepContext.Leave();
        }
    }

    /// <summary>
    /// The guest whose code the last step was in, or had come from, of a step that has failed; null if there was none.
    /// </summary>
    public GuestPlace? FailedGuest
    {
        get
        {
            var machine = _context.Machine;
            var vcpu = _context.Vcpu;
            if (vcpu >= Board.Config.Vcpus)
            {
                return null;
            }

            var level = _context.Level != 0 ? _context.Level : machine.Ref(Board.Vcpus, vcpu).Level;
            return Board.Guest(level) is { } program
                ? new GuestPlace(vcpu, level, program, machine.Fiber(Board.GuestFiber(vcpu, level)).Op.Rip) : null;
        }
    }

    /// <summary>True if what was thrown is an assertion, or follows from one: no machine goes on behind a violation.</summary>
    private bool HasAssertionFailed(Machine machine) => machine.Ref(Board.Check).Violation.Property == SafetyProperty.Assert;

    /// <summary>Asks a script about a machine that is being made.</summary>
    internal T Ask<T>(Machine machine, Policies.DecisionScript<T> script)
        where T : struct
    {
        try
        {
            Enter(machine);
            return script.Ask(new Policies.Situation(vcpu: 0));
        }
        finally
        {
            StepContext.Leave();
        }
    }

    /// <summary>The actor's own code runs: from here to its end policy scripts are asked.</summary>
    private void Act(Actor actor)
    {
        if (!Board.HasPolicyScripts)
        {
            actor.Step(_context);
            return;
        }

        _context.Vcpu = actor.Index < Board.Config.Vcpus ? actor.Index : byte.MaxValue;
        _context.Acts = true;
        if (Board.HasControllerScripts)
        {
            Board.ChooseControllers(_context);
            actor.Step(_context);
            Board.ForgetControllers(_context);
        }
        else
        {
            actor.Step(_context);
        }

        _context.Acts = false;
    }

    private void StepInClasses(ClassClock classes, Machine machine, Actor actor)
    {
        var vcpus = Board.Config.Vcpus;
        var wasInGuest = actor.Index < vcpus && machine.Ref(Board.Vcpus, actor.Index).InGuest != 0;
        actor.Come(_context);
        Act(actor);
        var enters = actor.Index < vcpus && !wasInGuest && machine.Ref(Board.Vcpus, actor.Index).InGuest != 0;
        classes.Stepped(machine, actor.Index, _context.RetiredLevels, enters);
    }

    private ulong Earliest(Machine machine)
    {
        ulong first = 0;
        var earliest = Instant.Never;
        foreach (var actor in _actors)
        {
            var ready = actor.ReadyAt(machine);
            if (ready < earliest)
            {
                (first, earliest) = (0, ready);
            }

            first |= ready == earliest && !ready.IsNever ? 1UL << actor.Index : 0;
        }

        return first;
    }

    private void Enter(Machine machine, int choice = 0)
    {
        StepContext.Enter(_context, choice);
        _context.Machine = machine;
    }

    private void Reset(Machine machine)
    {
        machine.Ref(Board.Io).ReadyAt = Instant.Never;
        machine.Ref(Board.Io).DelayedService = Instant.Never;
        Hypervisors.Stimuli.Reset(Board, machine);
        foreach (ref var tick in machine.Span(Board.HostTicks))
        {
            tick = new Instant(Board.Config.TscHz / Board.Config.HostTickHz);
        }

        Board.Devices.Reset(machine);
        for (var vcpu = 0; vcpu < Board.Config.Vcpus; vcpu++)
        {
            ResetVcpu(machine, vcpu);
        }

        Board.Hypervisor.Reset(_context);
    }

    /// <summary>
    /// A vCPU whose guest has booted: local APIC enabled with its LVT masked, interrupts off, its main line before its first operation.
    /// </summary>
    private void ResetVcpu(Machine machine, int vcpu)
    {
        ref var state = ref machine.Ref(Board.Vcpus, vcpu);
        state.ReadyAt = new Instant(machine.Now);
        state.HostInterruptAt = Instant.Never;
        state.PreemptionDeadline = Instant.Never;
        state.Level = 1;
        ref var apic = ref machine.Ref(Board.Apics, vcpu);
        apic.Reset((uint)vcpu, vcpu == 0, Board.ApicOptions);
        apic.Write(LocalApicRegister.Svr, 0x1ff, new Instant(0), Board.ApicClock);
        Board.Processor.Reset(machine, vcpu);
        for (var level = 1; level <= (Board.L2 is null ? 1 : 2); level++)
        {
            var program = Board.Guest(level)!;
            var cpu = new Cpu(vcpu);
            _context.Vcpu = (byte)vcpu;
            _context.Level = (byte)level;
            _context.Start(Board.GuestFiber(vcpu, level), () => program.Main(cpu).Completed);
        }
    }
}
