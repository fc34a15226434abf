using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Virtualization;

namespace ScenarioHv.Engine.Properties;

/// <summary>
/// The liveness properties, over the states in which a machine stays for ever: the one in which nobody can act, or those of a period. What
/// is owed in all of them is never dispatched; if an ideal machine would have dispatched it in one of them, that explains why nothing goes
/// on. It decides nothing and is no part of a state.
/// </summary>
public sealed class LivenessWatch
{
    private readonly Board _board;
    private readonly VcpuWatch[] _vcpus;
    private readonly PinWatch[] _pins;

    /// <summary>Creates a watch that has seen no state.</summary>
    public LivenessWatch(Board board)
    {
        _board = board;
        _vcpus = new VcpuWatch[board.Config.Vcpus];
        _pins = new PinWatch[board.LevelPins.Count];
        foreach (ref var watch in _vcpus.AsSpan())
        {
            watch = new VcpuWatch { Owed = VectorBits.All, OwesNmi = true, WaitsForPic = true, Halted = true };
        }

        foreach (ref var watch in _pins.AsSpan())
        {
            watch = new PinWatch { Waits = true, Orphaned = true };
        }
    }

    /// <summary>The machine is in this state for ever, again and again.</summary>
    public void Observe(Machine machine)
    {
        for (var vcpu = 0; vcpu < _vcpus.Length; vcpu++)
        {
            Observe(machine, vcpu, ref _vcpus[vcpu]);
        }

        for (var i = 0; i < _pins.Length; i++)
        {
            Observe(machine, i, ref _pins[i]);
        }
    }

    /// <summary>What explains it.</summary>
    /// <param name="words">What that is here; empty if nothing does.</param>
    /// <returns><see cref="LivenessProperty.None"/> if no property does.</returns>
    public LivenessProperty Explain(out string words)
    {
        for (var vcpu = 0; vcpu < _vcpus.Length; vcpu++)
        {
            ref var watch = ref _vcpus[vcpu];
            var vector = watch.Owed.And(watch.Deliverable).Highest;
            var nmi = watch.OwesNmi && watch.NmiDeliverable;
            if (vector < 0 && !nmi && !(watch.WaitsForPic && watch.PicDeliverable))
            {
                continue;
            }

            var what = vector >= 0 ? $"vector 0x{vector:x2}" : nmi ? "an NMI (vector 2)" : "the interrupt of the 8259A (ExtINT)";
            words = watch.Halted ? $"vCPU {vcpu} is halted, could take {what}, and nobody wakes it"
                : $"vCPU {vcpu} is owed {what}, could take it, and never gets it";
            return watch.Halted ? LivenessProperty.Wake : LivenessProperty.Live;
        }

        for (var i = 0; i < _pins.Length; i++)
        {
            var pin = _board.LevelPins[i];
            words = _pins[i].Waits ? $"the line of pin {pin} is high and the pin could send, and no local APIC gets its interrupt"
                : $"remote IRR of pin {pin} stays set, and its vector is requested, injected or in service nowhere";
            if (_pins[i].Waits || _pins[i].Orphaned)
            {
                return LivenessProperty.Level;
            }
        }

        words = "";
        return LivenessProperty.None;
    }

    private void Observe(Machine machine, int vcpu, ref VcpuWatch watch)
    {
        ref var twin = ref machine.Ref(_board.Twins, vcpu);
        var halted = _board.Hypervisor.IsHalted(machine, vcpu);
        watch.Owed = watch.Owed.And(twin.Owed);
        watch.OwesNmi &= twin.OwesNmi;
        watch.Halted &= halted;
        ref var apic = ref machine.Ref(_board.Apics, vcpu);
        if (twin.HighestDeliverable() is var vector && vector >= 0
            && apic.IsSoftwareEnabled && apic.IsHardwareEnabled && TakesInterrupts(machine, vcpu))
        {
            watch.Deliverable.Set(vector);
        }

        var level = machine.Ref(_board.Vcpus, vcpu).Level;
        watch.WaitsForPic &= _board.Pic.Count > 0
            && machine.Ref(_board.Pic).IntOutput(_board.Controllers.Pic)
            && apic.AcceptsPicInterrupt;
        watch.PicDeliverable |= watch.WaitsForPic && TakesInterrupts(machine, vcpu);
        watch.NmiDeliverable |= twin.OwesNmi && !twin.IsNmiBlocked(level) && !Core(machine, vcpu, level).InShadow
            && _board.Hypervisor.GlobalInterruptFlag(machine, vcpu);
    }

    /// <summary>
    /// Whether the guest could take an interrupt of its local APIC here. While its own guest runs and exits for interrupts, it can whatever
    /// that guest's IF is; on AMD its own IF has to be 1 (APM2 15.21.1).
    /// </summary>
    private bool TakesInterrupts(Machine machine, int vcpu)
    {
        var level = machine.Ref(_board.Vcpus, vcpu).Level;
        if (level == 2 && _board.Processor.NestedExitsOnInterrupt(machine, vcpu))
        {
            return _board.Config.Vendor == CpuVendor.Intel || Core(machine, vcpu, 1).InterruptFlag != 0;
        }

        return Core(machine, vcpu, level).InterruptsOpen && (level == 2 || _board.Hypervisor.GlobalInterruptFlag(machine, vcpu));
    }

    /// <summary>What the guest has done to an entry is no excuse here, but for a vector that an edge source shares.</summary>
    private void Observe(Machine machine, int index, ref PinWatch watch)
    {
        var pin = _board.LevelPins[index];
        var entry = machine.Ref(_board.IoApicPins, pin).Entry;
        watch.Waits &= entry is { IsLevel: true, IsMasked: false, RemoteIrr: false }
            && machine.Ref(_board.GsiLines, pin).IsHigh
            && IsAddressed(machine, entry);
        watch.Orphaned &= entry.RemoteIrr
            && entry.Mode is DeliveryMode.Fixed or DeliveryMode.LowestPriority
            && (machine.Ref(_board.LevelChecks, index).Excuse & LevelExcuse.SharedVector) == 0
            && !LevelChecks.IsSomewhere(_board, machine, entry.Vector);
    }

    /// <summary>Whether some local APIC would take the pin's interrupt.</summary>
    private bool IsAddressed(Machine machine, RedirectionEntry entry)
    {
        var message = entry.ToMessage();
        foreach (ref var apic in machine.Span(_board.Apics))
        {
            if (apic.IsSoftwareEnabled && apic.Matches(message))
            {
                return true;
            }
        }

        return false;
    }

    private ref CpuCore Core(Machine machine, int vcpu, int level) => ref machine.Ref(_board.Cores, Board.CoreIndex(vcpu, level));

    private struct VcpuWatch
    {
        /// <summary>Vectors that are owed in every state.</summary>
        public VectorBits Owed;

        /// <summary>Vectors that could have been taken in some state: the highest owed, above PPR, with the guest open.</summary>
        public VectorBits Deliverable;

        /// <summary>An NMI is owed in every state.</summary>
        public bool OwesNmi;

        /// <summary>It could have been taken in some state.</summary>
        public bool NmiDeliverable;

        /// <summary>In every state the 8259A's output is active, and the local APIC passes it on as ExtINT.</summary>
        public bool WaitsForPic;

        /// <summary>Its interrupt could have been taken in some state.</summary>
        public bool PicDeliverable;

        /// <summary>The vCPU is halted in every state.</summary>
        public bool Halted;
    }

    private struct PinWatch
    {
        /// <summary>In every state the line is high and the pin free to send.</summary>
        public bool Waits;

        /// <summary>In every state remote IRR is set, and the vector is nowhere.</summary>
        public bool Orphaned;
    }
}
