using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Engine.Virtualization;
using ScenarioHv.Engine.Virtualization.Svm;

namespace ScenarioHv.Engine.Hypervisors.Bhyve;

/// <summary>A vCPU as its own thread's code sees it. One byte, so that a suspended copy is plain data.</summary>
internal readonly struct BhyveVcpuThread(byte index)
{
    /// <summary>The vCPU's number.</summary>
    public int Index => index;

    /// <summary>The thread, for code that any thread can run.</summary>
    public HostThread Thread => new(index);

    /// <summary>bhyve.</summary>
    public static BhyveHypervisor Bhyve => (BhyveHypervisor)StepContext.Current.Board.Hypervisor;

    /// <summary>Its policies.</summary>
    public static BhyvePolicies Policies => StepContext.Current.Board.Config.Bhyve;

    /// <summary>The processor.</summary>
    public static GuestProcessor Processor => StepContext.Current.Board.Processor;

    /// <summary>vmm's state of the vCPU.</summary>
    public ref BhyveVcpu Vmm => ref HostThread.Machine.Ref(HostThread.Board.Bhyve, index);

    /// <summary>The part of its state that does not depend on the hypervisor.</summary>
    public ref VcpuState State => ref HostThread.Machine.Ref(HostThread.Board.Vcpus, index);

    /// <summary>Its vLAPIC.</summary>
    public ref LocalApic Apic => ref HostThread.Machine.Ref(HostThread.Board.Apics, index);

    /// <summary>The guest's core.</summary>
    public ref CpuCore Core => ref HostThread.Machine.Ref(HostThread.Board.Cores, Board.CoreIndex(index, 1));

    /// <summary>Its VMCB.</summary>
    public ref Vmcb Vmcb => ref HostThread.Machine.Ref(HostThread.Board.Vmcb01, index);

    /// <summary>The operation that the guest has handed over.</summary>
    public ref Operation GuestOperation => ref HostThread.Machine.Fiber(HostThread.Board.GuestFiber(index, 1)).Op;

    /// <summary>Where the guest is.</summary>
    public ulong Rip => Processor.Rip(HostThread.Machine, index, 1);

    /// <summary>The last exit.</summary>
    public GuestExit LastExit => Processor.LastExit(HostThread.Machine, index);

    /// <summary>From here on others may act.</summary>
    public Op Point(At label, TimingCost cost) => Thread.Point(label, cost);

    /// <summary>VMRUN; yields the <see cref="ExitCause"/> with which the processor comes back.</summary>
    public Op<ExitCause> VmRun()
    {
        var context = HostThread.Context;
        ref var state = ref State;
        context.Machine.Ref(context.Board.Exits, index) = default;
        state.InGuest = 1;
        state.EntryPending = 1;
        state.ReadyAt = new Instant(context.Machine.Now) + context.Cost(TimingCost.VmEntry);
        HostThread.Await(context, OperationKind.EnterGuest, At.VmcbProgrammed);
        return default;
    }

    /// <summary>CLGI: an interrupt of the host that has arrived before was taken by the host.</summary>
    public void ClearGif()
    {
        Vmm.GifClear = 1;
        TakeHostInterrupts();
    }

    /// <summary>STGI: what is pending is taken by the host.</summary>
    public void SetGif()
    {
        Vmm.GifClear = 0;
        TakeHostInterrupts();
    }

    /// <summary>The vCPU's state as others see it (vcpu_set_state); with AVIC, senders of IPIs among them.</summary>
    public void Enter(BhyveRunState state)
    {
        ref var current = ref Vmm.State;
        Ktr(KtrMessage.StateChanged, (ulong)current, (ulong)state);
        current = state;
        Processor.SetRunning(HostThread.Machine, index, state == BhyveRunState.Running);
    }

    /// <summary>The guest's instruction has been emulated: it retires with a result.</summary>
    public void CompleteOperation(ulong result) => Processor.CompleteOperation(HostThread.Context, index, 1, result);

    /// <summary>A line of the kernel's trace about this vCPU.</summary>
    public void Ktr(KtrMessage message, ulong b = 0, ulong c = 0, ulong d = 0, ulong e = 0) =>
        HostThread.Context.EmitOf(index, TraceEventKind.Ktr, (ulong)message, b, c, d, e);

    private void TakeHostInterrupts()
    {
        ref var state = ref State;
        if (state.HostInterruptAt.Cycle <= HostThread.Machine.Now)
        {
            state.HostInterruptAt = Instant.Never;
            state.HostInterrupts = HostInterrupts.None;
        }
    }
}
