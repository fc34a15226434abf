using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Engine.Tests.Guests;

/// <summary>
/// The machine of the thread of 28 March 2019 with its two guests as C# methods: scripts/hyperv-root.csx and
/// scripts/windows-root-partition.csx, operation for operation. Built by hand, so that the engine's tests need neither the scenario reader
/// nor the script compiler.
/// </summary>
internal static class HypervMachine
{
    private const ushort UhciPort = 0xc040;
    private const byte UsbVector = 0x50;
    private const byte ClockVector = 0x60;
    private const long FiftyMicroseconds = 120_000;

    /// <summary>The machine with the bug: a zero preemption timer, and an I/O APIC that sends again at once.</summary>
    public static MachineConfig Livelock { get; } = new()
    {
        Irqchip = IrqchipKind.Split,
        Devices =
        [
            new DeviceConfig("usb", DeviceKind.Piix4Uhci) { Slot = 4, Gsi = 23, Vector = UsbVector, IoBase = UhciPort },
            new DeviceConfig("clock", DeviceKind.Msi) { Vector = ClockVector },
        ],
        Timeline = [new StimulusConfig(FiftyMicroseconds, StimulusAction.Raise, 0),
            new StimulusConfig(FiftyMicroseconds, StimulusAction.Fire, 1)],
        L1 = new GuestProgram("hyperv-root", HypervRoot.Run) { Variables = typeof(HypervRoot.Variables) },
        L2 = new GuestProgram("windows-root-partition", WindowsRootPartition.Run)
        {
            OnInterrupt = WindowsRootPartition.OnInterrupt,
            Parameters = new SortedDictionary<string, long>(StringComparer.Ordinal) { ["uhci"] = UhciPort },
        },
        Goal = new GoalConfig(2, "usb served"),
    };

    /// <summary>The same machine with the RFC's throttle: it reaches the goal.</summary>
    public static MachineConfig Throttled { get; } = Livelock with { ImmediateExit = new Throttle(100, 1000) };

    /// <summary>The hypervisor of the thread.</summary>
    private static class HypervRoot
    {
        private const ulong VmResumeAddress = 0xfffff80006a40115;
        private const ulong AfterEoi = 0xfffff80006a17e1a;
        private const ulong EoiStore = AfterEoi - 7;
        private const uint HvX64MsrEoi = 0x40000070;

        public struct Variables
        {
            public byte InRoot;
            public byte Waiting;
        }

        private static ref Variables Vars => ref ScriptVariables.Of<Variables>();

        public static async GuestTask Run(Cpu cpu)
        {
            while (true)
            {
                var exit = await cpu.VmResume(at: VmResumeAddress);
                if (exit.Is(ExitKind.ExternalInterrupt, out var vector))
                    await Dispatch(cpu, vector);
                else if (exit.Is(ExitKind.InterruptWindow))
                    Inject(cpu);
                else if (exit.Is(ExitKind.MsrWrite) && exit.Code == HvX64MsrEoi)
                    await RootHasEnded(cpu);
            }
        }

        private static async GuestTask Dispatch(Cpu cpu, byte vector)
        {
            if (Vars.InRoot != 0)
            {
                await cpu.Eoi(at: EoiStore);
                return;
            }

            Vars.InRoot = vector;
            Vars.Waiting = 1;
            if (vector != UsbVector)
                await cpu.Eoi();
            if (cpu.L2CanTakeInterrupt)
                Inject(cpu);
            else
                cpu.RequestInterruptWindow(true);
        }

        private static void Inject(Cpu cpu)
        {
            if (Vars.Waiting == 0)
                return;
            Vars.Waiting = 0;
            cpu.RequestInterruptWindow(false);
            cpu.InjectIntoL2(Vars.InRoot);
        }

        private static async GuestTask RootHasEnded(Cpu cpu)
        {
            var vector = Vars.InRoot;
            Vars.InRoot = 0;
            cpu.SkipL2Instruction();
            if (vector == UsbVector)
                await cpu.Eoi();
        }
    }

    /// <summary>Windows in the root partition.</summary>
    private static class WindowsRootPartition
    {
        private const ulong Interrupted = 0xfffff8022f3d8350;
        private const ushort UsbCommand = 0x00;
        private const ushort UsbStatus = 0x02;
        private const ushort RunStop = 1;

        public static async GuestTask Run(Cpu cpu)
        {
            var uhci = (ushort)cpu.Parameter("uhci");
            while (true)
            {
                await cpu.Work(109_500);
                await cpu.Cli();
                await cpu.Out16((ushort)(uhci + UsbCommand), RunStop, at: Interrupted - 2);
                await cpu.Work(20_000, at: Interrupted);
                await cpu.Sti();
                await cpu.Work(1_000);
            }
        }

        public static async GuestTask OnInterrupt(Cpu cpu, byte vector)
        {
            if (vector == UsbVector)
            {
                var uhci = (ushort)cpu.Parameter("uhci");
                var status = await cpu.In16((ushort)(uhci + UsbStatus));
                await cpu.Out16((ushort)(uhci + UsbStatus), status);
                await cpu.Report("usb served");
            }
            else
            {
                await cpu.Work(5_000);
            }

            await cpu.Eoi();
        }
    }
}
