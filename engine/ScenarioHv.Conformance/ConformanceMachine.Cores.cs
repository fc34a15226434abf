using System.Globalization;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Conformance;

// The CPUs: they take interrupts and run handlers.
public sealed partial class ConformanceMachine
{
    private const int NmiVector = 2;
    private const int InvalidOpcodeVector = 6;
    private const int GeneralProtectionVector = 0x0D;
    private const byte NonSpecificEoi = 0x20;

    private void AddHook(RecordedOp hook)
    {
        if (hooks.Count(other => other.FirstVector == hook.FirstVector) == RecordedOp.MaxHooks)
            throw new NotSupportedException($"a handler makes at most {RecordedOp.MaxHooks} line changes");
        hooks.Add(hook);
    }

    // One instruction with IF = 0, and the access that it makes, if any. An NMI that waits is taken before it, one that the access itself
    // raises after it. A second one waits for the next instruction: the first handler's IRET is no place to stop.
    private string Instruction(int cpu, RecordedOp? access = null)
    {
        ScanIfAsked(cpu);
        var run = new Run(RecordedOp.MaxDeliveries);
        if (cores[cpu].CanTakeNmi)
            TakeNmi(cpu, run, 0);
        string seen = "";
        if (access is not null && !run.IsOver)
        {
            int waiting = cores[cpu].PendingNmis;
            seen = Access(access);
            if (seen == Fault)
            {
                seen = "";
                run.Fault(GeneralProtectionVector, 0);
            }
            else if (cores[cpu].PendingNmis > waiting && cores[cpu].CanTakeNmi)
            {
                TakeNmi(cpu, run, 0);
            }
        }

        if (run.IsFull)
            throw new NotSupportedException("a handler's window takes interrupts without end");
        return seen.Length == 0 || run.Text.Length == 0 ? seen + run.Text : $"{seen} {run.Text}";
    }

    // An NMI that waits is taken before STI: it counts, but its handler finds no IF to clear, and the window opens all the same.
    private string Window(int cpu, int max)
    {
        var run = new Run(max);
        if (cores[cpu].CanTakeNmi)
        {
            TakeNmi(cpu, run, 0);
            run.MakeRoom();
        }

        Take(cpu, run, 0);
        return run.Text;
    }

    // A CPU that wakes has IF = 1 already.
    private string AfterHalt(int cpu)
    {
        var run = new Run(cores[cpu].HaltMax);
        Take(cpu, run, 0);
        return run.Text;
    }

    private string Resume(int cpu)
    {
        Core core = cores[cpu];
        bool isUnhalted = core.IsUnhalted;
        core.IsUnhalted = false;
        core.IsHalted = !isUnhalted && !core.CanTakeNmi && !HasExtInt(cpu) && apics[cpu].HighestDeliverable() < 0;
        return core.IsHalted ? "halted" : $"woke {AfterHalt(cpu)}";
    }

    private bool HasExtInt(int cpu) => cores[cpu].IsExtIntRequested || (apics[cpu].AcceptsPicInterrupt && chips.Intr);

    // NMI, then the 8259's interrupt, then the local APIC's (KVM irq.c:kvm_cpu_get_interrupt).
    private void Take(int cpu, Run run, int depth)
    {
        while (run.HasRoom)
        {
            LoadLocalApic(cpu);
            ScanIfAsked(cpu);
            if (cores[cpu].CanTakeNmi)
            {
                TakeNmi(cpu, run, depth);
            }
            else if (HasExtInt(cpu))
            {
                Enter(cpu, Acknowledge(cpu), run, depth);
            }
            else
            {
                int vector = apics[cpu].HighestDeliverable();
                if (vector < 0)
                    return;
                apics[cpu].Dispense(vector);
                Enter(cpu, vector, run, depth);
            }
        }
    }

    private int Acknowledge(int cpu)
    {
        cores[cpu].IsExtIntRequested = false;
        byte vector = chips.Acknowledge();
        DriveLint0();
        return vector;
    }

    private void TakeNmi(int cpu, Run run, int depth)
    {
        cores[cpu].PendingNmis--;
        cores[cpu].BlocksNmis = true;
        Handle(cpu, NmiVector, run, depth);
    }

    // The recorded guest's gates of #UD and #GP report a fault and give the operation up.
    private void Enter(int cpu, int vector, Run run, int depth)
    {
        LoadLocalApic(cpu);
        if (vector is InvalidOpcodeVector or GeneralProtectionVector)
            run.Fault(vector, depth);
        else
            Handle(cpu, vector, run, depth);
    }

    // A fault gives up the handlers as well: they end nothing and return nowhere. An IRET lets NMIs in again, be it the NMI handler's or
    // that of an interrupt taken in between (SDM3 6.7.1).
    private void Handle(int cpu, int vector, Run run, int depth)
    {
        if (depth > RecordedOp.MaxDepth)
            throw new NotSupportedException($"handlers nest more than {RecordedOp.MaxDepth} deep");
        run.Add(vector, depth);
        HandlerSteps steps = cores[cpu].Handlers[vector];
        if (steps.HasFlag(HandlerSteps.Hook))
            RunHooks(vector);
        if (steps.HasFlag(HandlerSteps.NestedWindow))
            Take(cpu, run, depth + 1);
        if (run.IsOver)
            return;
        ScanIfAsked(cpu);
        if (steps.HasFlag(HandlerSteps.SlaveEoi))
            WritePort(Pic8259Pair.SlavePort, NonSpecificEoi);
        if (steps.HasFlag(HandlerSteps.MasterEoi))
            WritePort(Pic8259Pair.MasterPort, NonSpecificEoi);
        if (steps.HasFlag(HandlerSteps.MmioEoi))
            WriteMmio(cpu, (uint)ApicBaseBits.DefaultAddress | LocalApicRegister.Eoi, 0);
        if (steps.HasFlag(HandlerSteps.MsrEoi) && WriteMsr(cpu, LocalApic.FirstX2ApicMsr + (LocalApicRegister.Eoi >> 4), 0))
        {
            run.Fault(GeneralProtectionVector, depth + 1);
            return;
        }

        if (steps.HasFlag(HandlerSteps.HookAgain))
            RunHooks(vector);
        cores[cpu].BlocksNmis = false;
    }

    private void RunHooks(int vector)
    {
        foreach (RecordedOp hook in hooks)
        {
            if (hook.FirstVector == vector)
                Drive(hook, hook.IsHigh);
        }
    }

    /// <summary>What a CPU has beside its local APIC.</summary>
    private sealed class Core
    {
        public Core()
        {
            Array.Fill(Handlers, HandlerSteps.MmioEoi);
            Handlers[NmiVector] = HandlerSteps.None;
        }

        public HandlerSteps[] Handlers { get; } = new HandlerSteps[256];

        public bool IsHalted { get; set; }

        public int HaltMax { get; set; }

        public int PendingNmis { get; set; }

        /// <summary>An NMI was taken, and no IRET executed yet.</summary>
        public bool BlocksNmis { get; set; }

        public bool CanTakeNmi => PendingNmis > 0 && !BlocksNmis;

        /// <summary>A message of KVM's own mode came, which has it leave HLT.</summary>
        public bool IsUnhalted { get; set; }

        /// <summary>A message of mode ExtINT came, and no INTA yet.</summary>
        public bool IsExtIntRequested { get; set; }

        // While NMIs are blocked, one waits at most (KVM x86.c:process_nmi).
        public void LatchNmi(int limit) => PendingNmis = Math.Min(PendingNmis + 1, BlocksNmis ? 1 : limit);
    }

    /// <summary>The deliveries of one operation.</summary>
    private sealed class Run(int max)
    {
        private readonly List<string> taken = [];
        private int room = max;

        public bool IsOver { get; private set; }

        public bool IsFull => taken.Count >= room;

        public bool HasRoom => !IsOver && !IsFull;

        public string Text => string.Join(' ', taken);

        public void Add(int vector, int depth) =>
            taken.Add(string.Create(CultureInfo.InvariantCulture, $"{new string('>', depth)}{vector:x2}"));

        public void MakeRoom() => room = Math.Max(room, taken.Count + 1);

        public void Fault(int vector, int depth)
        {
            taken.Add(string.Create(CultureInfo.InvariantCulture, $"{new string('>', depth)}#{vector:x2}"));
            IsOver = true;
        }
    }
}
