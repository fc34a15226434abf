using System.Globalization;
using ScenarioHv.Engine.Scheduling;

namespace ScenarioHv.Conformance;

/// <summary>
/// Random lists of operations of the kind that the recordings have: a machine is set up, then devices, guests and handlers do what they
/// may do, with few vectors and few destinations, so that things meet. The same seed and number give the same list for ever.
/// </summary>
/// <remarks>
/// Left out are INIT, start-up and SMI, for which the recorded guest has no code, and a timer that could expire at any other moment than
/// during a <c>sleep</c>.
/// </remarks>
public sealed partial class OperationGenerator
{
    private const int MinSteps = 12;
    private const int MaxSteps = 48;

    private readonly SplitMix random;
    private readonly int cpus;
    private readonly bool hasX2Apic;
    private readonly List<string> ops = [];
    private readonly bool[] isX2Apic;
    private readonly bool[] isHalted;
    private readonly int[] hooks = new int[256];

    private OperationGenerator(ulong seed, int number)
    {
        random = SplitMix.Of(seed, (ulong)number);
        cpus = random.OneIn(3) ? 2 : 1;
        hasX2Apic = random.OneIn(3);
        isX2Apic = new bool[cpus];
        isHalted = new bool[cpus];
    }

    /// <summary>Makes a list. Its log is empty.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="number">The list's number, from 0.</param>
    public static Recording Generate(ulong seed, int number)
    {
        var generator = new OperationGenerator(seed, number);
        generator.SetUp();
        int steps = MinSteps + generator.random.Below(MaxSteps - MinSteps + 1);
        for (int i = 0; i < steps; i++)
            generator.Step();
        generator.LookAtEverything();
        string name = string.Create(CultureInfo.InvariantCulture, $"random-{seed}-{number}");
        return new Recording(
            name,
            name,
            generator.cpus,
            generator.hasX2Apic,
            [.. generator.ops.Select(op => RecordedOp.Parse(op, generator.cpus))],
            [.. generator.ops.Select(_ => "")]);
    }

    private void Add(FormattableString op) => ops.Add(op.ToString(CultureInfo.InvariantCulture));

    private void SetUp()
    {
        for (int cpu = 0; cpu < cpus; cpu++)
        {
            if (hasX2Apic && random.OneIn(2))
                EnterX2Apic(cpu);
            if (!random.OneIn(12))
                Register(cpu, 0xF0, 0x1FF);
            if (!isX2Apic[cpu] && random.OneIn(2))
                Add($"mw {cpu} fee000d0 {1u << (24 + cpu):x}");
            if (!random.OneIn(6))
            {
                Add($"pol {cpu} 20-27 8");
                Add($"pol {cpu} 28-2f 18");
            }
        }

        if (!random.OneIn(8))
            InitialisePics(random.OneIn(4));
        if (random.OneIn(2))
            Register(0, 0x350, 0x700);
        for (int entries = random.Below(5); entries > 0; entries--)
            WriteEntry();
    }

    private void Step()
    {
        switch (random.Below(100))
        {
            case < 13: OpenWindow(); break;
            case < 23: DriveLine(); break;
            case < 29: Add($"pulse {LineAndPin()}"); break;
            case < 41: WriteEntry(); break;
            case < 51: WritePic(); break;
            case < 59: SendMsi(); break;
            case < 66: SendIpi(); break;
            case < 71: SetPriority(); break;
            case < 74: EndInterrupt(); break;
            case < 79: ChooseHandler(); break;
            case < 81: AddHook(); break;
            case < 83: Add($"{random.Of<string>(["nmi", "nmi", "nop"])} {Cpu()}"); break;
            case < 86: Reconfigure(); break;
            case < 90: WriteLvt(); break;
            case < 97: Look(); break;
            case < 98: HaltOrRun(); break;
            case < 99: Add($"lint1"); break;
            default: SwitchModeOrTimer(); break;
        }
    }

    private void LookAtEverything()
    {
        for (int cpu = 0; cpu < cpus; cpu++)
            Add($"dumpL {cpu}");
        Add($"dumpI");
        Add($"dumpP");
    }

    private int Cpu() => random.Below(cpus);

    // A local APIC register, written as the CPU's mode has it.
    private void Register(int cpu, uint offset, uint value)
    {
        if (isX2Apic[cpu])
            Add($"wrmsr {cpu} {0x800 + (offset >> 4):x} {value:x}");
        else
            Add($"mw {cpu} {0xFEE0_0000 + offset:x} {value:x}");
    }

    private void EnterX2Apic(int cpu)
    {
        Add($"wrmsr {cpu} 1b {(cpu == 0 ? 0xFEE0_0D00u : 0xFEE0_0C00u):x}");
        Add($"pol {cpu} 30-ff 40");
        isX2Apic[cpu] = true;
    }

    // x2APIC mode is left through the disabled state only (SDM3 10.12.5).
    private void LeaveX2Apic(int cpu)
    {
        uint bsp = cpu == 0 ? 0x100u : 0;
        Add($"wrmsr {cpu} 1b {0xFEE0_0000 + bsp:x}");
        if (random.OneIn(2))
            Add($"msi fee00000 {LegalVector():x}");
        Add($"wrmsr {cpu} 1b {0xFEE0_0800 + bsp:x}");
        Add($"pol {cpu} 30-ff 4");
        isX2Apic[cpu] = false;
        Register(cpu, 0xF0, 0x1FF);
    }

    private void SwitchModeOrTimer()
    {
        int cpu = Cpu();
        if (!hasX2Apic || random.OneIn(2))
            RunTimer(cpu);
        else if (isX2Apic[cpu])
            LeaveX2Apic(cpu);
        else
            EnterX2Apic(cpu);
    }

    // 1000h counts by 1 are 4 us in KVM and QEMU, over long before the sleep is; then the timer is stopped.
    private void RunTimer(int cpu)
    {
        Register(cpu, 0x320, LegalVector());
        Register(cpu, 0x3E0, 0xB);
        Register(cpu, 0x380, 0x1000);
        Add($"sleep 2");
        Register(cpu, 0x380, 0);
    }
}
