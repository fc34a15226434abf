using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Virtualization;

namespace ScenarioHv.Engine.Hypervisors;

/// <summary>What runs the guest: it makes the actors, and takes what the processor and the devices hand over.</summary>
internal abstract class Hypervisor
{
    /// <summary>The actors, in the order that breaks ties.</summary>
    public abstract IReadOnlyList<Actor> CreateActors();

    /// <summary>Puts a machine into its first state.</summary>
    public abstract void Reset(StepContext context);

    /// <summary>Guest code has stopped.</summary>
    public abstract void TakeExit(StepContext context, int vcpu, in GuestExit exit);

    /// <summary>Executes the pending operation of guest code that needs more than the processor and does not exit: on bare metal.</summary>
    /// <returns>True if it retires now; false if it goes on elsewhere.</returns>
    public abstract bool ExecuteDirectly(StepContext context, int vcpu, ref ulong result);

    /// <summary>A store to a local APIC register, and what leaves the APIC by it.</summary>
    public abstract void ApicWrite(StepContext context, int vcpu, int offset, uint value);

    /// <summary>A local APIC's timer has expired.</summary>
    public abstract void TimerExpired(StepContext context, int vcpu);

    /// <summary>The host's tick reaches the CPU of a vCPU.</summary>
    public abstract void HostTick(StepContext context, int vcpu);

    /// <summary>
    /// Where a request of a vCPU's local APIC can be that no handler has taken yet: in IRR, and where this hypervisor puts what it takes
    /// out of IRR.
    /// </summary>
    public abstract Register256 Held(Machine machine, int vcpu);

    /// <summary>
    /// The processor is about to deliver an event through the IDT. If the page with it is not there, the delivery is cut short by a nested
    /// page fault, and the page is there again the next time.
    /// </summary>
    public virtual bool DeliveryFaults(Machine machine, int vcpu) => false;

    /// <summary>True if an NMI waits somewhere for the handler of a vCPU's guest.</summary>
    public abstract bool HoldsNmi(Machine machine, int vcpu);

    /// <summary>The global interrupt flag of a vCPU's guest: true unless that is a hypervisor on AMD that has cleared it.</summary>
    public abstract bool GlobalInterruptFlag(Machine machine, int vcpu);

    /// <summary>True while a vCPU is halted: it goes on only when somebody wakes it.</summary>
    public abstract bool IsHalted(Machine machine, int vcpu);

    /// <summary>An actor for each of so many vCPUs, from the first.</summary>
    protected static Actor[] Each(int vcpus, Func<int, Actor> create)
    {
        var actors = new Actor[vcpus];
        for (var vcpu = 0; vcpu < vcpus; vcpu++)
        {
            actors[vcpu] = create(vcpu);
        }

        return actors;
    }

    /// <summary>Which vCPUs a message addresses, as a bit mask: of a lowest-priority message the one that takes it.</summary>
    protected static uint Targets(StepContext context, in ApicMessage message, MessageSource source)
    {
        ArbitrationMemory memory = default;
        Span<int> found = stackalloc int[ArbitrationMemory.MaxApics];
        var apics = context.Machine.Span(context.Board.Apics);
        var route = DestinationRouting.Targets(apics, message, source, apics[0].Policies, ref memory, found);
        uint targets = 0;
        foreach (var vcpu in found[..route.Count])
        {
            targets |= 1u << vcpu;
        }

        SafetyChecks.Routed(context, message, source, targets);
        return targets;
    }
}
