using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Exploration.Tests;

/// <summary>
/// Guests that do at random what a guest may do with its local APIC, on machines with random devices. No property fails: on the processor
/// itself there is nothing that could be wrong, and hypervisors that are right are no worse.
/// </summary>
public sealed class RandomMachineTests
{
    private const uint Apic = 0xfee00000, IcrLow = Apic + 0x300, IcrHigh = Apic + 0x310;
    private const int Seeds = 40;
    private static readonly byte[] Vectors = [0x31, 0x3e, 0x52, 0x53, 0x71, 0x9f, 0xe0];

    private struct State
    {
        public ulong Random;
    }

    [Test]
    public void Nothing_that_a_guest_can_do_breaks_a_property_on_bare_metal([Values] CpuVendor vendor, [Values(1, 2)] int vcpus) =>
        RequireNothingBroken(seed => Machine(seed, HypervisorKind.BareMetal, vendor, vcpus, apicv: false));

    [Test]
    public void Nothing_that_a_guest_can_do_breaks_a_property_under_KVM(
        [Values] CpuVendor vendor, [Values] bool apicv, [Values(1, 2)] int vcpus, [Values] IrqchipKind irqchip) =>
        RequireNothingBroken(seed => Machine(seed, HypervisorKind.Kvm, vendor, vcpus, apicv) with { Irqchip = irqchip });

    /// <summary>Only classes are written to TPR: bhyve keeps no more of it over an exit (vlapic_set_cr8).</summary>
    [Test]
    public void Nothing_that_a_guest_can_do_breaks_a_property_under_bhyve_once_it_is_fixed(
        [Values(SvmInjection.VIrqPendingState, SvmInjection.EventInjection)] SvmInjection injection, [Values(1, 2)] int vcpus) =>
        RequireNothingBroken(seed => Machine(seed, HypervisorKind.Bhyve, CpuVendor.Amd, vcpus, apicv: false, tprMask: 0xf0) with
        {
            Bhyve = new BhyvePolicies { Injection = injection },
        });

    private static void RequireNothingBroken(Func<int, MachineConfig> machine)
    {
        long steps = 0, stimuli = 0;
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var result = machine(seed).Run(new RunLimits { Steps = 4_000 });
            Assert.That(result.Outcome, Is.Not.EqualTo(RunOutcome.Violated), $"seed {seed}: {result.Property}: {result.Reason}");
            Assert.That(result.Property, Is.Null, $"seed {seed}: {result.Reason}");
            steps += result.Steps;
            stimuli += result.Totals.Stimuli;
        }

        Assert.That(steps, Is.GreaterThan(400L * Seeds), "the machines do something");
        Assert.That(stimuli, Is.GreaterThan(10L * Seeds));
    }

    internal static MachineConfig Machine(int seed, HypervisorKind hypervisor, CpuVendor vendor, int vcpus, bool apicv, long tprMask = 0xff)
    {
        var random = new Random(seed);
        var devices = new List<DeviceConfig>();
        for (var i = 0; i < 4; i++)
        {
            devices.Add(new DeviceConfig($"d{i}", i < 2 ? DeviceKind.Line : DeviceKind.Msi)
            {
                Gsi = i < 2 ? 10 + i : 0,
                Vector = Vectors[random.Next(Vectors.Length)],
                Destination = (byte)random.Next(vcpus),
                IoBase = (ushort)(i < 2 ? 0x1000 + (i * 8) : 0),
            });
        }

        var timeline = new List<StimulusConfig>();
        for (var i = 0; i < 20; i++)
        {
            var device = random.Next(devices.Count);
            var action = device >= 2 ? StimulusAction.Fire : random.Next(4) == 0 ? StimulusAction.Lower : StimulusAction.Raise;
            timeline.Add(new StimulusConfig(random.Next(400_000), action, device));
        }

        return new MachineConfig
        {
            Hypervisor = hypervisor,
            Vendor = vendor,
            Apicv = apicv,
            Vcpus = vcpus,
            Devices = devices,
            Timeline = timeline,
            Goal = new GoalConfig(1, "never"),
            L1 = new GuestProgram("random", MainLine)
            {
                OnInterrupt = Handler,
                Variables = typeof(State),
                Parameters = new SortedDictionary<string, long>(StringComparer.Ordinal) { ["seed"] = seed, ["mask"] = tprMask },
            },
        };
    }

    private static int Next(int bound)
    {
        ref var state = ref ScriptVariables.Of<State>().Random;
        state = (state * 6364136223846793005) + 1442695040888963407;
        return (int)((state >> 33) % (ulong)bound);
    }

    private static async GuestTask MainLine(Cpu cpu)
    {
        ScriptVariables.Of<State>().Random = (ulong)((cpu.Parameter("seed") * 64) + cpu.Id);
        await cpu.Sti();
        while (true)
            await Anything(cpu);
    }

    private static async GuestTask Handler(Cpu cpu, byte vector)
    {
        // Handlers of low classes can be interrupted; a stack has room for a few of them.
        if (vector < 0x60 && Next(2) == 0)
            await cpu.Sti();
        for (var i = Next(4); i > 0; i--)
            await UseLocalApic(cpu);
        await cpu.Work(1 + Next(5_000));
        if (Next(4) != 0)
            await cpu.Out32((ushort)(0x1004 + (8 * Next(2))), 1);
        await cpu.Cli();
        await cpu.Eoi();
        if (Next(4) == 0)
            await UseLocalApic(cpu);
    }

    private static async GuestTask Anything(Cpu cpu)
    {
        switch (Next(12))
        {
            case 0: await cpu.Cli(); await cpu.Work(1 + Next(3_000)); await cpu.Sti(); break;
            case 1: await cpu.Out32((ushort)(0x1004 + (8 * Next(2))), 1); break;
            case 2: await cpu.MovSs(); break;
            case 3 when Next(4) == 0: await cpu.Sti(); await cpu.Hlt(); break;
            case < 8: await UseLocalApic(cpu); break;
            default: await cpu.Work(1 + Next(20_000)); break;
        }
    }

    private static async GuestTask UseLocalApic(Cpu cpu)
    {
        switch (Next(8))
        {
            case 0: await cpu.WriteCr8((byte)(Next(2) * Next(9))); break;
            case 1: await cpu.MmioWrite(Apic + 0x80, (uint)(Next(2) * Next(0x90) & cpu.Parameter("mask"))); break;
            case 2: await cpu.ReadCr8(); break;
            case 3: await cpu.MmioRead(Apic + 0x80); break;
            case 4: await cpu.MmioRead(Apic + 0xa0); break;
            case 5: await cpu.MmioRead(Apic + 0x100 + (uint)(Next(8) * 0x10)); break;
            case 6: await cpu.MmioRead(Apic + 0x200 + (uint)(Next(8) * 0x10)); break;
            default: await SendIpi(cpu); break;
        }
    }

    private static async GuestTask SendIpi(Cpu cpu)
    {
        var vector = (uint)(0x31 + (0x10 * Next(12)) + Next(2));
        if (Next(2) == 0)
        {
            await cpu.MmioWrite(IcrLow, (1u << 18) | vector);
            await cpu.MmioRead(Apic + 0x200 + ((vector >> 5) * 0x10));
        }
        else
        {
            await cpu.MmioWrite(IcrHigh, (uint)Next(2) << 24);
            await cpu.MmioWrite(IcrLow, vector);
        }
    }
}
