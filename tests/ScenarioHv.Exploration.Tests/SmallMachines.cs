using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Exploration.Tests;

/// <summary>Machines so small that their runs can be counted by hand. Their goal is the report "done" of the guest.</summary>
internal static class SmallMachines
{
    /// <summary>Cycles of one ordinary instruction.</summary>
    public static long Instruction { get; } = TimingProfile.Shipped[0][TimingCost.Instruction];

    /// <summary>One processor without a hypervisor.</summary>
    public static MachineConfig BareMetal(Func<Cpu, GuestTask> main, params (string Name, long Value)[] parameters) => new()
    {
        Hypervisor = HypervisorKind.BareMetal,
        L1 = Program(main, parameters),
        Goal = new GoalConfig(1, "done"),
    };

    /// <summary>The same guest under KVM.</summary>
    public static MachineConfig Kvm(Func<Cpu, GuestTask> main, params (string Name, long Value)[] parameters) =>
        BareMetal(main, parameters) with { Hypervisor = HypervisorKind.Kvm };

    /// <summary>The guest with a handler.</summary>
    public static MachineConfig WithHandler(this MachineConfig config, Func<Cpu, byte, GuestTask> handler) => config with
    {
        L1 = new GuestProgram(config.L1.Name, config.L1.Main)
        {
            OnInterrupt = handler,
            Variables = config.L1.Variables,
            Parameters = config.L1.Parameters
        },
    };

    /// <summary>
    /// A device that sends vector 0x60 at <paramref name="at"/>, and again every <paramref name="every"/> cycles if that is not 0.
    /// </summary>
    public static MachineConfig WithMessage(this MachineConfig config, long at, long every = 0) => config with
    {
        Devices = [new DeviceConfig("msi", DeviceKind.Msi) { Vector = 0x60 }],
        Timeline = [new StimulusConfig(at, StimulusAction.Fire, 0) { Every = every, Count = every == 0 ? 1 : 0 }],
    };

    /// <summary>Runs the machine.</summary>
    public static RunResult Run(this MachineConfig config, RunLimits? limits = null) => new Runner(new Board(config), limits).Run();

    private static GuestProgram Program(Func<Cpu, GuestTask> main, (string Name, long Value)[] parameters) => new("guest", main)
    {
        Variables = typeof(Guests.Variables),
        Parameters = new SortedDictionary<string,
            long>(parameters.ToDictionary(entry => entry.Name, entry => entry.Value), StringComparer.Ordinal),
    };
}

/// <summary>The guests of the small machines.</summary>
internal static class Guests
{
    public struct Variables
    {
        public long Count;
    }

    private static ref long Count => ref ScriptVariables.Of<Variables>().Count;

    /// <summary>Works for ever, on each CPU for its own time.</summary>
    public static async GuestTask Works(Cpu cpu)
    {
        while (true)
            await cpu.Work(cpu.Parameter(cpu.Id == 0 ? "a" : "b"));
    }

    public static async GuestTask WorksAfterTwoInstructions(Cpu cpu)
    {
        await cpu.Cli();
        await cpu.Cli();
        while (true)
            await cpu.Work(cpu.Parameter("a"));
    }

    public static async GuestTask WorksInTurn(Cpu cpu)
    {
        while (true)
        {
            await cpu.Work(cpu.Parameter("a"));
            await cpu.Work(cpu.Parameter("b"));
        }
    }

    public static async GuestTask CountsInALocal(Cpu cpu)
    {
        var modulus = cpu.Parameter("k");
        long count = 0;
        while (true)
        {
            await cpu.Work(cpu.Parameter("a"));
            count = (count + 1) % modulus;
        }
    }

    public static async GuestTask CountsInAVariable(Cpu cpu)
    {
        while (true)
        {
            await cpu.Work(cpu.Parameter("a"));
            Count = (Count + 1) % cpu.Parameter("k");
        }
    }

    /// <summary>A rho: counts to k, and from there on between c and k.</summary>
    public static async GuestTask CountsAndFallsBack(Cpu cpu)
    {
        while (true)
        {
            await cpu.Work(cpu.Parameter("a"));
            Count = Count == cpu.Parameter("k") ? cpu.Parameter("c") : Count + 1;
        }
    }

    public static async GuestTask CountsForEver(Cpu cpu)
    {
        while (true)
        {
            await cpu.Work(cpu.Parameter("a"));
            Count++;
        }
    }

    public static async GuestTask ReadsTheTsc(Cpu cpu)
    {
        while (true)
            await cpu.ReadTsc();
    }

    public static async GuestTask ReadsCr8(Cpu cpu)
    {
        while (true)
            await cpu.ReadCr8();
    }

    public static async GuestTask WaitsForADeadline(Cpu cpu)
    {
        while (true)
        {
            var deadline = cpu.Deadline(cpu.Parameter("k"));
            while (!cpu.Expired(deadline))
                await cpu.Work(cpu.Parameter("a"));
        }
    }

    public static async GuestTask ReportsAfterWork(Cpu cpu)
    {
        await cpu.Work(cpu.Parameter("a"));
        await cpu.Report("done");
    }

    public static async GuestTask Halts(Cpu cpu) => await cpu.Hlt();

    public static async GuestTask Ends(Cpu cpu) => await cpu.Work(100);

    public static async GuestTask WorksOpen(Cpu cpu)
    {
        await cpu.Sti();
        while (true)
            await cpu.Work(cpu.Parameter("a"));
    }

    public static async GuestTask HaltsOpen(Cpu cpu)
    {
        await cpu.Sti();
        while (true)
            await cpu.Hlt();
    }

    public static async GuestTask Acknowledges(Cpu cpu, byte vector) => await cpu.Eoi();

    public static async GuestTask ReportsDone(Cpu cpu, byte vector)
    {
        await cpu.Report("done");
        await cpu.Eoi();
    }

    public static async GuestTask FailsAfterWork(Cpu cpu)
    {
        await cpu.Work(cpu.Parameter("a"));
        await cpu.Cli();
        throw new InvalidOperationException("the guest has a bug");
    }

    public static GuestTask FailsAtOnce(Cpu cpu) => throw new InvalidOperationException("the guest has no beginning");
}
