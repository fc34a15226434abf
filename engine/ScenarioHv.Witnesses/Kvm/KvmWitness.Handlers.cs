using ScenarioHv.Conformance;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Witnesses;

// The CPUs take interrupts, and the host has their handlers do what the policy says, one access at a time.
public sealed partial class KvmWitness
{
    private const int InvalidOpcode = 0x06;
    private const int GeneralProtection = 0x0D;
    private const int NmiVector = 2;
    private const int HaltPatience = 1;
    private const int HaltAttempts = 200;
    private const ulong NonSpecificEoi = 0x20;

    private void AddHook(RecordedOp hook)
    {
        if (hooks.Count(other => other.FirstVector == hook.FirstVector) == RecordedOp.MaxHooks)
            throw new NotSupportedException($"a handler makes at most {RecordedOp.MaxHooks} line changes");
        hooks.Add(hook);
    }

    // Has the guest execute a snippet with IF = 0; NMIs may come. False if a fault has ended the operation.
    private bool Perform(
        Core core, Deliveries run, int depth, Snippet snippet, ulong rax = 0, ulong rbx = 0, ulong rcx = 0, ulong rdx = 0)
    {
        ref KvmRegs regs = ref core.Cpu.Regs;
        (regs.Rax, regs.Rbx, regs.Rcx, regs.Rdx) = (rax, rbx, rcx, rdx);
        core.Cpu.Start(snippet, interruptFlag: false);
        return Finish(core, run, depth);
    }

    // Goes on until the snippet is through.
    private bool Finish(Core core, Deliveries run, int depth)
    {
        while (core.Cpu.RunToReport(Patience) == RunEnd.Gate)
        {
            if (!Handle(core, run, depth, null))
                return false;
        }

        return true;
    }

    // An NMI that waits is taken before IF is set: it counts, but the window opens all the same.
    private string Window(Core core, int max)
    {
        var run = new Deliveries(max);
        if (!Perform(core, run, 0, Snippet.Tick))
            return run.Text;
        if (run.Any)
            run.MakeRoom();
        Open(core, run, 0);
        return run.Text;
    }

    // KVM injects what is deliverable at each entry with IF = 1. A tick that comes through shows that nothing was.
    private bool Open(Core core, Deliveries run, int depth)
    {
        while (run.HasRoom)
        {
            Arm(core);
            core.Cpu.Start(Snippet.Tick, interruptFlag: true);
            if (core.Cpu.RunToReport(Patience) == RunEnd.Done)
            {
                Disarm(core);
                return true;
            }

            if (!Handle(core, run, depth, null) || !Finish(core, run, depth))
                return false;
        }

        return true;
    }

    private string Halt(Core core, int max)
    {
        core.HaltMax = max;
        Arm(core);
        core.Cpu.Start(Snippet.Halt, interruptFlag: false);
        for (int attempt = 0; attempt < HaltAttempts; attempt++)
        {
            timer.Start(HaltPatience);
            RunEnd end = core.Cpu.Run();
            if (end != RunEnd.Signal)
                return Wake(core, end);
            RunTimer.Clear();
            if (core.Cpu.IsHalted())
                return StayHalted(core);
        }

        throw new WitnessException($"CPU {core.Cpu.Number} did not halt within {HaltPatience * HaltAttempts} ms");
    }

    // With the signal pending, KVM only looks whether something woke the CPU. The first look carries a timer that has run out into the IRR,
    // the second one sees it there.
    private string Resume(Core core)
    {
        Arm(core);
        for (int look = 0; look < 2; look++)
        {
            timer.Raise();
            RunEnd end = core.Cpu.Run();
            if (end != RunEnd.Signal)
                return Wake(core, end);
            RunTimer.Clear();
            if (!core.Cpu.IsHalted())
                return Wake(core, core.Cpu.RunToReport(Patience));
        }

        return StayHalted(core);
    }

    private string StayHalted(Core core)
    {
        Disarm(core);
        core.IsHalted = true;
        return "halted";
    }

    // An NMI that waited comes before STI: it counts as what woke the CPU, which does not halt any more.
    private string Wake(Core core, RunEnd end)
    {
        timer.Start(Patience);
        core.IsHalted = false;
        var run = new Deliveries(core.HaltMax);
        if (end == RunEnd.Done)
            Disarm(core);
        else if (!Handle(core, run, 0, Snippet.Tick) || !Finish(core, run, 0))
            return $"woke {run.Text}";
        Open(core, run, 0);
        return $"woke {run.Text}";
    }

    // A gate has reported. False if the operation has ended; else the CPU is about to return, to a snippet if one is named.
    private bool Handle(Core core, Deliveries run, int depth, Snippet? target)
    {
        int vector = core.Cpu.Vector;
        KvmRegs interrupted = core.Cpu.Regs;
        Acknowledge(core, vector);
        if (vector is InvalidOpcode or GeneralProtection)
        {
            run.Fault(vector, depth);
            core.Cpu.GiveUp(vector);
            core.Cpu.RunToReport(Patience);
            return false;
        }

        if (depth > RecordedOp.MaxDepth)
            throw new NotSupportedException($"handlers nest more than {RecordedOp.MaxDepth} deep");
        run.Add(vector, depth);
        if (!DoSteps(core, run, depth + 1, vector))
            return false;
        core.Cpu.Regs = interrupted;
        core.Cpu.ReturnFrom(vector, target);
        return true;
    }

    private bool DoSteps(Core core, Deliveries run, int depth, int vector)
    {
        const uint EoiMsr = LocalApic.FirstX2ApicMsr + (LocalApicRegister.Eoi >> 4);
        const uint EoiAddress = (uint)ApicBaseBits.DefaultAddress | LocalApicRegister.Eoi;
        HandlerSteps steps = core.Handlers[vector];
        if (steps.HasFlag(HandlerSteps.Hook))
            RunHooks(vector);
        bool goesOn = !steps.HasFlag(HandlerSteps.NestedWindow) || Open(core, run, depth);
        if (goesOn && steps.HasFlag(HandlerSteps.SlaveEoi))
            goesOn = Perform(core, run, depth, Snippet.WritePort, rax: NonSpecificEoi, rdx: Pic8259Pair.SlavePort);
        if (goesOn && steps.HasFlag(HandlerSteps.MasterEoi))
            goesOn = Perform(core, run, depth, Snippet.WritePort, rax: NonSpecificEoi, rdx: Pic8259Pair.MasterPort);
        if (goesOn && steps.HasFlag(HandlerSteps.MmioEoi))
            goesOn = Perform(core, run, depth, Snippet.WriteMmio, rbx: EoiAddress);
        if (goesOn && steps.HasFlag(HandlerSteps.MsrEoi))
            goesOn = Perform(core, run, depth, Snippet.WriteMsr, rcx: EoiMsr);
        if (goesOn && steps.HasFlag(HandlerSteps.HookAgain))
            RunHooks(vector);
        return goesOn;
    }

    private void RunHooks(int vector)
    {
        foreach (RecordedOp hook in hooks)
        {
            if (hook.FirstVector == vector)
                machine.Drive(hook.Target, hook.Pin, hook.IsHigh);
        }
    }

    /// <summary>A CPU, and what the operations said of it.</summary>
    private sealed class Core
    {
        public Core(KvmCpu cpu)
        {
            Cpu = cpu;
            Array.Fill(Handlers, HandlerSteps.MmioEoi);
            Handlers[NmiVector] = HandlerSteps.None;
        }

        public KvmCpu Cpu { get; }

        public HandlerSteps[] Handlers { get; } = new HandlerSteps[256];

        public bool IsHalted { get; set; }

        public int HaltMax { get; set; }

        public LapicPage ReadLapic()
        {
            LapicPage lapic = default;
            Cpu.ReadLapic(ref lapic);
            return lapic;
        }
    }
}
