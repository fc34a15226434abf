using System.Runtime.CompilerServices;
using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;

namespace ScenarioHv.Engine.Tests.Machines;

/// <summary>What cannot be, or is not modelled, ends the step with words that say what.</summary>
[TestFixture]
internal sealed class AssertionTests
{
    [TestCase(HypervisorKind.Kvm, false)]
    [TestCase(HypervisorKind.Kvm, true)]
    [TestCase(HypervisorKind.BareMetal, false)]
    [TestCase(HypervisorKind.BareMetal, true)]
    public void An_MSR_that_is_not_modelled(HypervisorKind hypervisor, bool write)
    {
        static async GuestTask Main(Cpu cpu)
        {
            if (cpu.Parameter("write") != 0)
                await cpu.WriteMsr(0x1b, 0);
            else
                await cpu.ReadMsr(0x1b);
        }

        var guest = With(Main, End, ("write", write ? 1 : 0));
        Fails(Kvm(guest) with { Hypervisor = hypervisor }, "MSR 0x1b, which this machine does not model");
    }

    [Test]
    public void An_interrupt_without_a_handler() =>
        Fails(Kvm(new GuestProgram("guest", Spin)).Fire(50_000), "guest: vector 0x60 arrived and the script has no OnInterrupt");

    [Test]
    public void An_NMI_without_a_handler()
    {
        static async GuestTask Main(Cpu cpu) => await cpu.MmioWrite(Apic + 0x300, (1u << 18) | (4u << 8));

        Fails(Kvm(Guest(Main)), "an NMI arrived and the script has no OnNmi");
    }

    [TestCase(HypervisorKind.Kvm)]
    [TestCase(HypervisorKind.BareMetal)]
    public void A_physical_address_at_which_nothing_answers(HypervisorKind hypervisor)
    {
        static async GuestTask Main(Cpu cpu) => await cpu.MmioRead(0xfed00000);

        Fails(Kvm(Guest(Main)) with { Hypervisor = hypervisor }, "Nothing answers at physical address 0xfed00000");
    }

    [Test]
    public void An_instruction_of_the_other_vendor()
    {
        static async GuestTask Main(Cpu cpu) => await cpu.Stgi();

        Fails(Kvm(Guest(Main)), "an instruction of AMD processors");
    }

    [Test]
    public void A_hypercall_with_nobody_below()
    {
        static async GuestTask Main(Cpu cpu) => await cpu.VmCall(1);

        Fails(Kvm(Guest(Main)) with { Hypervisor = HypervisorKind.BareMetal }, "no hypervisor below it");
    }

    [Test]
    public void An_INIT_that_reaches_a_vCPU()
    {
        static async GuestTask Main(Cpu cpu) => await cpu.MmioWrite(Apic + 0x300, (3u << 18) | 0x4500);

        Fails(Kvm(Guest(Main)) with { Vcpus = 2 }, "Init is not modelled under KVM");
    }

    [Test]
    public void A_local_APIC_of_L2()
    {
        static async GuestTask L2(Cpu cpu) => await cpu.MmioRead(Apic + 0x20);

        Fails(Kvm(Guest(RunL2), Guest(L2)), "the local APIC that L1 makes for L2 is not modelled");
    }

    [Test]
    public void A_nested_guest_where_there_is_none()
    {
        static async GuestTask Main(Cpu cpu) => await cpu.VmResume();

        Fails(Kvm(Guest(Main)), "l1 has no l2");
    }

    [Test]
    public void A_skipped_instruction_that_did_not_exit()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.VmResume();
            cpu.SkipL2Instruction();
        }

        Fails(Kvm(Guest(Main), Guest(SpinClosed)).Fire(50_000), "did not exit by an instruction");
    }

    [Test]
    public void A_parameter_that_the_scenario_does_not_give()
    {
        static async GuestTask Main(Cpu cpu) => await cpu.Work(cpu.Parameter("missing"));

        Fails(Kvm(Guest(Main)), "no parameter 'missing'");
    }

    [Test]
    public void More_messages_on_the_bus_than_it_can_carry()
    {
        var config = Kvm(Guest(SpinClosed)) with { Hypervisor = HypervisorKind.BareMetal };
        var timing = config.Timing.With(Time.TimingCost.Message, 1_000_000);
        var timeline = new[] { new StimulusConfig(50_000, StimulusAction.Fire, 1) { Count = 40, Every = 10 } };
        Fails(config with { Timing = timing, Timeline = timeline }, "More than 32 interrupt messages");
    }

    [Test]
    public void Every_frame_of_the_hypervisors_code_is_plain_data()
    {
        var frames = typeof(Hypervisor).Assembly.GetTypes().Where(type =>
            type.IsValueType && type.Namespace?.StartsWith("ScenarioHv.Engine.Hypervisors", StringComparison.Ordinal) == true
            && typeof(IAsyncStateMachine).IsAssignableFrom(type));
        var frame = typeof(GuestTask).Assembly.GetType("ScenarioHv.Engine.Guests.FrameOf`1", throwOnError: true)!;
        Assert.Multiple(() =>
        {
            foreach (var type in frames)
            {
                Assert.That(() => RuntimeHelpers.RunClassConstructor(frame.MakeGenericType(type).TypeHandle), Throws.Nothing,
                    type.FullName);
            }
        });
        Assert.That(frames.Count(), Is.GreaterThan(20));
    }

    private static void Fails(MachineConfig config, string message) =>
        Assert.That(() => new Rig(config).Run(10_000_000), Throws.InstanceOf<InvalidOperationException>().With.Message.Contains(message));
}
