namespace ScenarioHv.Conformance.Tests.Naive;

// CPUs take interrupts and run handlers.
internal sealed partial class NaiveMachine
{
    /// <summary>One instruction with IF = 0: an NMI is all that can come.</summary>
    private string Instruction(int cpu)
    {
        var run = new NaiveDeliveries(100_000);
        if (CanTakeNmi(cpu))
            TakeNmi(cpu, run, 0);
        return run.IsFull ? throw new NotSupportedException("no end") : run.Text;
    }

    private string Window(int cpu, int max)
    {
        LoadMap(cpu);
        var run = new NaiveDeliveries(max);
        if (CanTakeNmi(cpu))
        {
            TakeNmi(cpu, run, 0);
            run.KeepOpen();
        }

        TakeAll(cpu, run, 0);
        return run.Text;
    }

    private string Wake(int cpu)
    {
        cpus[cpu].IsHalted = !CanTakeNmi(cpu) && !ExtIntAsks(cpu) && apics[cpu].Deliverable < 0;
        if (cpus[cpu].IsHalted)
            return "halted";
        var run = new NaiveDeliveries(cpus[cpu].HaltMax);
        TakeAll(cpu, run, 0);
        return "woke " + run.Text;
    }

    /// <summary>The recorder loaded a local APIC before each window, unless its timer ran, and loading it makes KVM's map anew.</summary>
    private void LoadMap(int cpu)
    {
        if (!isKvm || apics[cpu].TimerInitialCount != 0)
            return;
        mapIsLate = false;
        apics[cpu].LoadCommand();
    }

    private bool CanTakeNmi(int cpu) => cpus[cpu].Nmis > 0 && !cpus[cpu].NmiBlocked;

    private bool ExtIntAsks(int cpu) => cpus[cpu].ExtIntWaits || apics[cpu].PassesExtInt;

    /// <summary>IF = 1: NMI first (SDM3 6.9), then ExtINT, then the local APIC's own, until there is none.</summary>
    private void TakeAll(int cpu, NaiveDeliveries run, int depth)
    {
        while (run.HasRoom)
        {
            if (CanTakeNmi(cpu))
            {
                TakeNmi(cpu, run, depth);
            }
            else if (ExtIntAsks(cpu))
            {
                cpus[cpu].ExtIntWaits = false;
                int vector = pic.Acknowledge();
                WireIntr();
                Enter(cpu, vector, run, depth);
            }
            else if (apics[cpu].Deliverable >= 0)
            {
                int vector = apics[cpu].Deliverable;
                apics[cpu].Take(vector);
                Enter(cpu, vector, run, depth);
            }
            else
            {
                return;
            }
        }
    }

    private void TakeNmi(int cpu, NaiveDeliveries run, int depth)
    {
        cpus[cpu].Nmis--;
        cpus[cpu].NmiBlocked = true;
        Handle(cpu, 2, run, depth);
    }

    private void Enter(int cpu, int vector, NaiveDeliveries run, int depth)
    {
        if (vector is 6 or 13)
            run.Fault(vector, depth);
        else
            Handle(cpu, vector, run, depth);
    }

    /// <summary>The steps of a handler in their order; its IRET lets NMIs in again, whatever it returns from (SDM3 6.7.1).</summary>
    private void Handle(int cpu, int vector, NaiveDeliveries run, int depth)
    {
        if (depth > 500)
            throw new NotSupportedException("too deep");
        run.Add(vector, depth);
        HandlerSteps steps = cpus[cpu].Handlers[vector];
        if (steps.HasFlag(HandlerSteps.Hook))
            RunHooks(vector);
        if (steps.HasFlag(HandlerSteps.NestedWindow))
            TakeAll(cpu, run, depth + 1);
        if (steps.HasFlag(HandlerSteps.SlaveEoi))
            WritePort(0xA0, 0x20);
        if (steps.HasFlag(HandlerSteps.MasterEoi))
            WritePort(0x20, 0x20);
        if (steps.HasFlag(HandlerSteps.MmioEoi))
            WriteMemory(cpu, 0xFEE000B0, 0);
        if (steps.HasFlag(HandlerSteps.MsrEoi))
            apics[cpu].WriteMsr(0x80B, 0);
        if (steps.HasFlag(HandlerSteps.HookAgain))
            RunHooks(vector);
        cpus[cpu].NmiBlocked = false;
    }

    private void RunHooks(int vector)
    {
        foreach (RecordedOp hook in hooks)
        {
            if (hook.FirstVector == vector)
                Drive(hook, hook.IsHigh);
        }
    }
}
