using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
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

    /// <summary>Delivers a message to every local APIC that it addresses.</summary>
    /// <returns>How many accepted it; -1 if none was addressed.</returns>
    public abstract int Deliver(StepContext context, in ApicMessage message);

    /// <summary>Which vCPUs a message addresses, as a bit mask.</summary>
    protected static uint Targets(Board board, Machine machine, in ApicMessage message)
    {
        uint targets = 0;
        for (var vcpu = 0; vcpu < board.Config.Vcpus; vcpu++)
        {
            if (machine.Ref(board.Apics, vcpu).Matches(message))
            {
                targets |= 1u << vcpu;
            }
        }

        // One of the candidates takes a lowest-priority message; KVM's default picks it by the vector (lapic.c:kvm_vector_to_index).
        return message.Mode == DeliveryMode.LowestPriority && targets != 0 ? PickByVector(targets, message.Vector) : targets;
    }

    private static uint PickByVector(uint targets, byte vector)
    {
        var skip = vector % System.Numerics.BitOperations.PopCount(targets);
        for (; skip > 0; skip--)
        {
            targets &= targets - 1;
        }

        return targets & (0u - targets);
    }
}
