using System.Reflection;
using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Tests.Guests;
using ScenarioHv.Engine.Tests.Machines;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;

namespace ScenarioHv.Engine.Tests.Policies;

/// <summary>Every rule of the interrupt controllers as a script that always gives the same answer.</summary>
[TestFixture]
internal sealed class ScriptedControllerTests
{
    private const int Steps = 500;

    private static readonly MachineConfig[] Machines =
    [
        Busy with { Irqchip = IrqchipKind.Kernel, VirtualWire = true, Apicv = false },
        Busy with { Irqchip = IrqchipKind.Split, X2Apic = true },
        Busy with { Hypervisor = HypervisorKind.BareMetal },
    ];

    public static IEnumerable<TestCaseData> Points =>
        ControllerPolicyTable.Points.Select(point => new TestCaseData(point).SetArgDisplayNames(point.Name));

    [TestCaseSource(nameof(Points))]
    public void A_script_that_always_gives_a_word_acts_as_the_word(ControllerPolicyPoint point)
    {
        foreach (var config in Machines)
        {
            foreach (var (value, i) in point.Values.Select((value, i) => (value, i)))
            {
                var controllers = ControllerPolicies.Usual(config.Hypervisor, config.Irqchip);
                point.TrySet(ref controllers, value.Name);
                var word = new Bench(config with { Controllers = controllers }).Run(Steps);
                var script = new Bench(point.WithScript(Always(point, value.Name), _ => null, config)).Run(Steps);
                Assert.That(word.Events, Has.Count.GreaterThan(20));
                Assert.That(script.Events, Is.EqualTo(word.Events), value.Name);
                for (var vcpu = 0; vcpu < config.Vcpus; vcpu++)
                {
                    script.Machine.Ref(script.Board.Apics, vcpu).Policies = word.Machine.Ref(word.Board.Apics, vcpu).Policies;
                }

                Assert.That(Bench.StateOf(script.Machine), Is.EqualTo(Bench.StateOf(word.Machine)), value.Name);
            }
        }
    }

    [TestCaseSource(nameof(Points))]
    public void A_word_that_the_machine_cannot_have_is_no_answer(ControllerPolicyPoint point)
    {
        var refused = point.Values[0].Name;
        Assert.That(
            () => new Bench(point.WithScript(Always(point, refused), value => value == refused ? "not here" : null, Machines[0])).Run(1),
            Throws.InstanceOf<PolicyException>().With.Message.Contains("not here").And.Message.Contains(point.Name));
    }

    /// <summary>Guests that use what controllers have: lines, messages, IPIs to several, registers, a timer, masks.</summary>
    private static MachineConfig Busy
    {
        get
        {
            static async GuestTask Main(Cpu cpu)
            {
                await cpu.MmioWrite(Apic + 0x3e0, 0xb);
                await cpu.MmioWrite(Apic + 0x320, 0x20040);
                await cpu.MmioWrite(Apic + 0x380, 20_000);
                await cpu.Sti();
                if (cpu.Id == 0)
                {
                    await cpu.MmioWrite(Apic + 0x300, 0xc0071);
                    await cpu.MmioWrite(Apic + 0x310, 0x03000000);
                    await cpu.MmioWrite(Apic + 0x300, 0x00872);
                    await cpu.MmioWrite(Apic + 0x300, 0x40005);
                    await cpu.MmioRead(Apic + 0x280);
                    await cpu.MmioWrite(IoRegSel, 0x10 + (2 * Gsi));
                    await cpu.MmioRead(IoWin);
                    await cpu.MmioWrite(IoWin, 0x18050);
                    await cpu.MmioWrite(IoWin, 0x08050);
                    await cpu.MmioWrite(Apic + 0xf0, 0xff);
                    await cpu.Work(2_000);
                    await cpu.MmioWrite(Apic + 0xf0, 0x1ff);
                }

                while (true)
                {
                    await cpu.Work(5_000);
                }
            }

            var guest = new GuestProgram("guest", Main) { OnInterrupt = Serve, OnNmi = async cpu => await cpu.Work(10) };
            return (Kvm(guest) with { Vcpus = 2, Devices = [Line, Msi with { Destination = 1 }] })
                .Raise(10_000).Fire(12_000).Fire(12_100).Raise(60_000);
        }
    }

    private static PolicyProgram Always(ControllerPolicyPoint point, string value)
    {
        var answer = Enum.GetValues(point.Answer).Cast<object>().Single(v => ControllerPolicyName.Kebab(v.ToString()!) == value);
        return (PolicyProgram)typeof(ScriptedControllerTests).GetMethod(nameof(AlwaysOf), BindingFlags.Static | BindingFlags.NonPublic)!
            .MakeGenericMethod(point.Answer).Invoke(null, [answer])!;
    }

    private static PolicyProgram AlwaysOf<T>(T answer) => new("test.csx", typeof(T)) { Decide = (Situation _) => answer };
}
