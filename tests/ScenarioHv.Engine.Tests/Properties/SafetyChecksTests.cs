using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors;
using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Tests.Machines;
using ScenarioHv.Engine.Virtualization.Svm;
using ScenarioHv.Engine.Virtualization.Vmx;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;
using SvmInjection = ScenarioHv.Engine.Virtualization.Svm.EventInjection;

namespace ScenarioHv.Engine.Tests.Properties;

/// <summary>
/// Properties of single steps. They are broken by hand, a wrong word in the machine in the place of a wrong hypervisor, and beside each
/// stands what is legal and looks alike.
/// </summary>
[TestFixture]
internal sealed class SafetyChecksTests
{
    private const uint IcrLow = Apic + 0x300;
    private const uint Self = 1u << 18, NmiMode = 4u << 8;
    private const byte Higher = 0x92;

    [TestCase(true)]
    [TestCase(false)]
    public void Delivered_interrupts_break_no_property(bool apicv)
    {
        var rig = new Rig((Kvm(Guest(Spin, Serve)) with { Apicv = apicv }).Raise(20_000).Fire(20_000).Fire(20_001).Fire(90_000));
        rig.Run(300_000);

        Assert.That((rig.Vectors.Count, Broken(rig)), Is.EqualTo((3, SafetyProperty.None)), "two messages a cycle apart are merged in IRR");
    }

    [Test]
    public void Custody_fails_at_the_step_after_which_an_accepted_vector_is_nowhere()
    {
        var rig = new Rig(Kvm(Guest(Spin)).Fire(20_000));
        rig.Until(() => Has(rig, EdgeVector));
        rig.Machine.Ref(rig.Board.PostedInterrupts, 0) = default;
        rig.StepActor("vcpu0");

        Assert.That((Broken(rig), Violation(rig).Vector), Is.EqualTo((SafetyProperty.Custody, EdgeVector)));
    }

    [Test]
    public void Request_that_is_written_for_injection_is_in_custody()
    {
        var rig = new Rig(Kvm(Guest(Spin)).WithoutApicv().Fire(20_000));
        rig.Until(() => rig.Kvm().InjectedVector == EdgeVector);

        Assert.That((rig.Apic().Irr.IsEmpty, Broken(rig)), Is.EqualTo((true, SafetyProperty.None)));
        rig.Kvm().InjectedVector = 0;
        rig.StepActor("vcpu0");
        Assert.That(Broken(rig), Is.EqualTo(SafetyProperty.Custody));
    }

    [Test]
    public void Just_fails_when_a_handler_starts_that_nobody_ever_asked_for()
    {
        var rig = new Rig(Kvm(Guest(Spin))).WalkIntoGuest();
        rig.Until(() => rig.Core(1).InterruptsOpen);
        Request(rig, 0x99);
        rig.Until(() => Violation(rig).Exists);

        Assert.That((Broken(rig), Violation(rig).Vector), Is.EqualTo((SafetyProperty.Just, (byte)0x99)));
    }

    [Test]
    public void Once_fails_when_one_request_is_dispatched_twice()
    {
        var rig = new Rig(Kvm(Guest(Spin)).Fire(20_000)).UntilHandlers();
        Assert.That(Broken(rig), Is.EqualTo(SafetyProperty.None));
        rig.Until(() => rig.Apic().Isr.IsEmpty && rig.Core(1).InterruptsOpen);
        Request(rig, EdgeVector);
        rig.Until(() => Violation(rig).Exists);

        Assert.That((Broken(rig), Violation(rig).Vector), Is.EqualTo((SafetyProperty.Once, EdgeVector)));
    }

    [Test]
    public void Requests_that_are_merged_or_come_during_the_handler_are_each_dispatched_once_or_less()
    {
        var rig = new Rig(Kvm(Guest(SpinClosedThenOpen, EndsLate)).Fire(20_000).Fire(40_000).Fire(106_000)).Run(400_000);

        Assert.That((rig.Vectors.Count, Broken(rig)), Is.EqualTo((2, SafetyProperty.None)), "two merged in IRR, the third in the handler");
    }

    [Test]
    public void Priority_fails_when_the_class_is_not_above_the_PPR_that_the_guest_has_made()
    {
        var rig = new Rig(Kvm(Guest(RaisesTpr)).Fire(60_000)).UntilReport("raised");
        rig.Run(50_000);
        rig.Apic().Tpr = 0;
        rig.Apic().UpdatePpr();
        rig.Until(() => Violation(rig).Exists);

        Assert.That((Broken(rig), (PriorityFailure)Violation(rig).Detail), Is.EqualTo((SafetyProperty.Priority, PriorityFailure.BelowPpr)));
    }

    [Test]
    public void Vector_of_a_class_that_TPR_holds_back_waits_without_harm()
    {
        var rig = new Rig(Kvm(Guest(RaisesTpr)).Fire(60_000)).UntilReport("raised").Run(400_000);

        Assert.That((rig.Vectors.Count, Has(rig, EdgeVector), Broken(rig)), Is.EqualTo((0, true, SafetyProperty.None)));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Priority_is_judged_by_what_was_requested_before_the_vector_was_chosen(bool before)
    {
        var high = new DeviceConfig("high", DeviceKind.Msi) { Vector = Higher };
        var machine = Kvm(Guest(Spin)).WithoutApicv() with { Devices = [Line, Msi, high] };
        var rig = new Rig(machine.Fire(20_000).Fire(1_000_000, device: 2));
        rig.Until(() => rig.Kvm().InjectedVector == EdgeVector && rig.Label() == At.Acknowledged);
        rig.Stimulate();
        Assert.That(Has(rig, Higher), "it comes between the choice of the lower one and its handler");
        if (before)
        {
            rig.Machine.Ref(rig.Board.Twins, 0).Committed(EdgeVector, rig.Apic().Irr);
        }

        rig.UntilHandlers();
        Assert.That(rig.Vectors, Is.EqualTo(new[] { (int)EdgeVector }));
        Assert.That((Broken(rig), Violation(rig).Expected),
            Is.EqualTo(before ? (SafetyProperty.Priority, (uint)Higher) : (SafetyProperty.None, 0u)));
    }

    [Test]
    public void Interrupt_that_VMRUN_injects_with_IF_0_breaks_priority()
    {
        var rig = new Rig(Kvm(Guest(SpinClosed)) with { Vendor = CpuVendor.Amd, Apicv = false });
        rig.Until(() => rig.Vcpu().EntryPending != 0);
        rig.Machine.Ref(rig.Board.Vmcb01, 0).EventInj = SvmInjection.Make(SvmEventType.Intr, EdgeVector);
        rig.StepActor("vcpu0");

        Assert.That((Broken(rig), (PriorityFailure)Violation(rig).Detail),
            Is.EqualTo((SafetyProperty.Priority, PriorityFailure.InterruptsOff)));
    }

    [Test]
    public void Entry_fails_when_VMX_injects_an_interrupt_while_IF_is_0()
    {
        var rig = new Rig(Kvm(Guest(SpinClosed)));
        rig.Until(() => rig.Vcpu().EntryPending != 0);
        rig.Machine.Ref(rig.Board.Vmcs01, 0).EntryInterruptionInformation = InterruptionInfo.ExternalInterrupt(EdgeVector);
        rig.StepActor("vcpu0");

        Assert.That(Broken(rig), Is.EqualTo(SafetyProperty.Entry));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void NMI_inside_the_handler_of_another_breaks_nmi_unless_it_waits_for_IRET(bool forgets)
    {
        var rig = new Rig(Kvm(WithNmi(SendsNmi, SendsOneMore))).UntilReport("nmi");
        if (forgets)
        {
            rig.Until(() => rig.Kvm().NmiPending > 0);
            rig.Core(1).NmiBlocked = 0;
        }

        rig.UntilReport("nmi", 2);
        Assert.That(Broken(rig), Is.EqualTo(forgets ? SafetyProperty.Nmi : SafetyProperty.None));
        Assert.That((NmiFailure)Violation(rig).Detail, Is.EqualTo(forgets ? NmiFailure.Blocked : NmiFailure.None));
    }

    [Test]
    public void NMI_that_is_dropped_breaks_nmi_and_one_that_is_merged_with_another_does_not()
    {
        var rig = new Rig(Kvm(WithNmi(SendsNmi, SendsThreeMore))).UntilReport("main");
        Assert.That(Broken(rig), Is.EqualTo(SafetyProperty.None), "three become one");

        rig = new Rig(Kvm(WithNmi(SendsNmi, SendsOneMore)));
        rig.Until(() => rig.Kvm().NmiPending > 0);
        rig.Kvm().NmiPending = 0;
        rig.StepActor("vcpu0");
        Assert.That((Broken(rig), (NmiFailure)Violation(rig).Detail), Is.EqualTo((SafetyProperty.Nmi, NmiFailure.Lost)));
    }

    [Test]
    public void NMI_that_nobody_has_sent_breaks_nmi()
    {
        var rig = new Rig(Kvm(WithNmi(Spin, SendsOneMore))).WalkIntoGuest();
        rig.Until(() => rig.Vcpu().EntryPending == 0);
        rig.Kvm().NmiQueued = 1;
        rig.Kvm().Requests |= KvmRequests.Nmi;
        ((KvmHypervisor)rig.Board.Hypervisor).Kick(Context(rig), 0);
        rig.Until(() => Violation(rig).Exists);

        Assert.That((Broken(rig), (NmiFailure)Violation(rig).Detail), Is.EqualTo((SafetyProperty.Nmi, NmiFailure.NeverRequested)));
    }

    [TestCase(0x02u, DeliveryMode.Fixed, false, 0b100u, true)]
    [TestCase(0x02u, DeliveryMode.Fixed, false, 0b000u, false)]
    [TestCase(0x02u, DeliveryMode.Fixed, false, 0b101u, false)]
    [TestCase(0xffu, DeliveryMode.Fixed, false, 0b111u, true)]
    [TestCase(0xffu, DeliveryMode.Fixed, false, 0b011u, false)]
    [TestCase(0x06u, DeliveryMode.LowestPriority, true, 0b010u, true)]
    [TestCase(0x06u, DeliveryMode.LowestPriority, true, 0b100u, true)]
    [TestCase(0x06u, DeliveryMode.LowestPriority, true, 0b110u, false)]
    [TestCase(0x06u, DeliveryMode.LowestPriority, true, 0b001u, false)]
    [TestCase(0x06u, DeliveryMode.LowestPriority, true, 0b000u, false)]
    [TestCase(0xf0u, DeliveryMode.LowestPriority, true, 0b000u, true)]
    public void Message_reaches_the_CPUs_that_it_names_and_of_lowest_priority_one_of_them(
        uint destination, DeliveryMode mode, bool logical, uint reached, bool right)
    {
        var rig = new Rig(Kvm(Guest(Spin)) with { Vcpus = 3 });
        for (var vcpu = 0; vcpu < 3; vcpu++)
        {
            rig.Apic(vcpu).Ldr = 0x0100_0000u << vcpu;
        }

        var message = new ApicMessage
        {
            Destination = destination,
            Vector = EdgeVector,
            Mode = mode,
            Flags = logical ? ApicMessageFlags.Logical : 0,
        };
        SafetyChecks.Routed(Context(rig), message, MessageSource.Device, reached);

        Assert.That(Broken(rig), Is.EqualTo(right ? SafetyProperty.None : SafetyProperty.Destination));
    }

    [Test]
    public void IPI_of_lowest_priority_reaches_one_CPU()
    {
        static async GuestTask Main(Cpu cpu)
        {
            if (cpu.Id == 0)
            {
                await cpu.Work(100_000);
                await cpu.MmioWrite(Apic + 0x310, 0x0600_0000);
                await cpu.MmioWrite(IcrLow, 0x900 | EdgeVector);
            }

            await Spin(cpu);
        }

        var rig = new Rig(Kvm(Guest(Main)) with { Vcpus = 3 });
        for (var vcpu = 0; vcpu < 3; vcpu++)
        {
            rig.Apic(vcpu).Ldr = 0x0100_0000u << vcpu;
        }

        rig.Run(300_000);
        Assert.That((rig.Vectors.Count, Broken(rig)), Is.EqualTo((1, SafetyProperty.None)));
    }

    private static async GuestTask SpinClosedThenOpen(Cpu cpu)
    {
        await cpu.Work(100_000);
        await Spin(cpu);
    }

    private static async GuestTask EndsLate(Cpu cpu, byte vector)
    {
        await cpu.Work(30_000);
        await cpu.Eoi();
    }

    private static async GuestTask RaisesTpr(Cpu cpu)
    {
        await cpu.WriteCr8(EdgeVector >> 4);
        await cpu.Report("raised");
        await Spin(cpu);
    }

    private static async GuestTask SendsNmi(Cpu cpu)
    {
        await cpu.MmioWrite(IcrLow, Self | NmiMode);
        await cpu.Report("main");
        await Spin(cpu);
    }

    private static async GuestTask SendsOneMore(Cpu cpu)
    {
        await cpu.Report("nmi");
        if (await new Shared<ulong>(0).Exchange(cpu, 1) == 0)
            await cpu.MmioWrite(IcrLow, Self | NmiMode);
        await cpu.Work(10_000);
    }

    private static async GuestTask SendsThreeMore(Cpu cpu)
    {
        await cpu.Report("nmi");
        if (await new Shared<ulong>(0).Exchange(cpu, 1) != 0)
            return;
        await cpu.MmioWrite(IcrLow, Self | NmiMode);
        await cpu.MmioWrite(IcrLow, Self | NmiMode);
        await cpu.MmioWrite(IcrLow, Self | NmiMode);
    }

    private static GuestProgram WithNmi(Func<Cpu, GuestTask> main, Func<Cpu, GuestTask> nmi) =>
        new("guest", main) { OnInterrupt = End, OnNmi = nmi, SharedWords = 8 };

    /// <summary>A request that no message has brought: the processor is made to see it at once.</summary>
    private static void Request(Rig rig, byte vector)
    {
        rig.Apic().Irr.Set(vector);
        rig.Machine.Ref(rig.Board.Vmcs01, 0).Rvi = vector;
        rig.Board.Processor.Pull(rig.Machine, 0, new Time.Instant(rig.Machine.Now));
    }

    private static StepContext Context(Rig rig) => new(rig.Board) { Machine = rig.Machine };

    private static bool Has(Rig rig, byte vector) => rig.Board.Hypervisor.Held(rig.Machine, 0).Contains(vector);

    private static Violation Violation(Rig rig) => rig.Machine.Ref(rig.Board.Check).Violation;

    private static SafetyProperty Broken(Rig rig) => Violation(rig).Property;
}
