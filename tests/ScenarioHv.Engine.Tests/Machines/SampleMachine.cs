using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;

namespace ScenarioHv.Engine.Tests.Machines;

/// <summary>Machines and guests that many tests share.</summary>
internal static class SampleMachine
{
    public const byte LevelVector = 0x50, EdgeVector = 0x60;
    public const int Gsi = 10;
    public const ushort Port = 0x100, Acknowledge = Port + 4;
    public const uint Apic = 0xfee00000, IoRegSel = 0xfec00000, IoWin = 0xfec00010;

    public static DeviceConfig Line => new("line", DeviceKind.Line) { Gsi = Gsi, Vector = LevelVector, IoBase = Port };

    public static DeviceConfig Msi => new("msi", DeviceKind.Msi) { Vector = EdgeVector };

    /// <summary>KVM with the hardware's virtual-interrupt delivery, a level device (0) and an MSI device (1).</summary>
    public static MachineConfig Kvm(GuestProgram l1, GuestProgram? l2 = null) => new() { L1 = l1, L2 = l2, Devices = [Line, Msi] };

    public static MachineConfig WithoutApicv(this MachineConfig config) => config with { Apicv = false };

    public static MachineConfig Raise(this MachineConfig config, long at, int device = 0) =>
        config.Add(new StimulusConfig(at, StimulusAction.Raise, device));

    public static MachineConfig Lower(this MachineConfig config, long at) => config.Add(new StimulusConfig(at, StimulusAction.Lower, 0));

    public static MachineConfig Fire(this MachineConfig config, long at, int device = 1) =>
        config.Add(new StimulusConfig(at, StimulusAction.Fire, device));

    private static MachineConfig Add(this MachineConfig config, StimulusConfig stimulus) =>
        config with { Timeline = [.. config.Timeline, stimulus] };

    public static GuestProgram Guest(Func<Cpu, GuestTask> main, Func<Cpu, byte, GuestTask>? onInterrupt = null) =>
        new("guest", main) { OnInterrupt = onInterrupt ?? End, SharedWords = 8 };

    /// <summary>A guest with parameters, as a scenario gives them.</summary>
    public static GuestProgram With(Func<Cpu, GuestTask> main, Func<Cpu, byte, GuestTask> onInterrupt,
        params (string Name, long Value)[] parameters) =>
        new("guest", main)
        {
            OnInterrupt = onInterrupt,
            SharedWords = 8,
            Parameters = new SortedDictionary<string, long>(parameters.ToDictionary(p => p.Name, p => p.Value)),
        };

    /// <summary>Interrupts on, and work without end.</summary>
    public static async GuestTask Spin(Cpu cpu)
    {
        await cpu.Sti();
        while (true)
        {
            await cpu.Work(1_000_000);
        }
    }

    /// <summary>Work without end with IF = 0.</summary>
    public static async GuestTask SpinClosed(Cpu cpu)
    {
        while (true)
        {
            await cpu.Work(1_000_000);
        }
    }

    /// <summary>STI; HLT for ever.</summary>
    public static async GuestTask Idle(Cpu cpu)
    {
        while (true)
        {
            await cpu.Sti();
            await cpu.Hlt();
        }
    }

    /// <summary>The handler only ends the interrupt.</summary>
    public static async GuestTask End(Cpu cpu, byte vector) => await cpu.Eoi();

    /// <summary>The handler lowers the line of the level device, and then ends the interrupt.</summary>
    public static async GuestTask Serve(Cpu cpu, byte vector)
    {
        await cpu.Out32(Acknowledge, 1);
        await cpu.Eoi();
    }

    /// <summary>Enters L2 again and again; an acknowledged interrupt is ended.</summary>
    public static async GuestTask RunL2(Cpu cpu)
    {
        while (true)
        {
            var exit = await cpu.VmResume(at: 0x1000);
            if (exit.Is(ExitKind.ExternalInterrupt))
            {
                await cpu.Eoi();
            }
        }
    }
}
