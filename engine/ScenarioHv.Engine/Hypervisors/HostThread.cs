using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Hypervisors;

/// <summary>
/// A host thread of the virtual machine, seen by its own code: a vCPU's thread, or the monitor's I/O thread. One byte, so that a suspended
/// copy is plain data.
/// </summary>
internal readonly struct HostThread(byte actor)
{
    /// <summary>The context of the step under way.</summary>
    public static StepContext Context => StepContext.Current;

    /// <summary>The machine.</summary>
    public static Machine Machine => StepContext.Current.Machine;

    /// <summary>The wiring.</summary>
    public static Board Board => StepContext.Current.Board;

    /// <summary>KVM, where it runs the guest.</summary>
    public static KvmHypervisor Kvm => (KvmHypervisor)StepContext.Current.Board.Hypervisor;

    /// <summary>Its number: that of its vCPU; behind the vCPUs the I/O thread, then the kernel's worker.</summary>
    public int Index => actor;

    /// <summary>The vCPU whose thread it is; -1 if it is no vCPU's.</summary>
    public int Vcpu => actor < Board.Config.Vcpus ? actor : -1;

    /// <summary>True if this is the thread of <paramref name="vcpu"/>.</summary>
    public bool IsVcpu(int vcpu) => actor == vcpu;

    /// <summary>The pins that are tried when one is served, as numbers, since the range itself cannot be kept across an await.</summary>
    /// <param name="pin">The pin.</param>
    public static (int First, int End) PinsServedWith(int pin)
    {
        var range = Board.IoApicOf(Machine).ServiceFor(pin);
        return (range.First, range.End);
    }

    /// <summary>From here on others may act; this thread goes on when <paramref name="cost"/> has passed.</summary>
    public Op Point(At label, TimingCost cost)
    {
        var context = Context;
        ReadyAt(context) = new Instant(context.Machine.Now) + (context.Cost(cost) + context.TakeOwed());
        return Await(context, OperationKind.Point, label);
    }

    /// <summary>From here on others may act; the stretch of code before this point costs nothing of its own.</summary>
    public Op Point(At label)
    {
        var context = Context;
        ReadyAt(context) = new Instant(context.Machine.Now) + context.TakeOwed();
        return Await(context, OperationKind.Point, label);
    }

    /// <summary>Where a point would stand, but nobody may act: its time is spent at the next one.</summary>
    /// <param name="cost">What it would cost.</param>
    public static void PassOver(TimingCost cost)
    {
        var context = Context;
        context.Owed += context.Cost(cost);
    }

    /// <summary>The thread sleeps until somebody wakes it.</summary>
    /// <param name="label">Where: a kick wakes a vCPU's thread only in the kernel.</param>
    public Op Sleep(At label = At.Sleeping)
    {
        var context = Context;
        ReadyAt(context) = Instant.Never;
        return Await(context, OperationKind.Sleep, label);
    }

    /// <summary>The thread sleeps in the kernel until a lock is free; no kick and no stimulus wakes it.</summary>
    public Op WaitForLock()
    {
        var context = Context;
        ReadyAt(context) = Instant.Never;
        return Await(context, OperationKind.Point, At.LockAwaited);
    }

    /// <summary>The thread goes on after <paramref name="delay"/>, if nothing else has woken it before.</summary>
    public void Wake(long delay)
    {
        ref var ready = ref ReadyAt(Context);
        ready = Instant.Min(ready, new Instant(Machine.Now) + delay);
    }

    internal static unsafe Op Await(StepContext context, OperationKind kind, At label)
    {
        context.Fiber->Op = new Operation { Kind = kind, Code = (uint)label, Deadline = Instant.Never };
        return default;
    }

    private ref Instant ReadyAt(StepContext context)
    {
        if (actor < context.Board.Config.Vcpus)
        {
            return ref context.Machine.Ref(context.Board.Vcpus, actor).ReadyAt;
        }

        return ref actor == context.Board.Config.Vcpus
            ? ref context.Machine.Ref(context.Board.Io).ReadyAt
            : ref context.Machine.Ref(context.Board.Worker);
    }
}
