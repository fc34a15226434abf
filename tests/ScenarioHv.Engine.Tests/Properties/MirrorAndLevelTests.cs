using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Tests.Machines;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;

namespace ScenarioHv.Engine.Tests.Properties;

/// <summary>Copies that disagree, and pins whose interrupt has got lost on the way to the local APIC or back.</summary>
[TestFixture]
internal sealed class MirrorAndLevelTests
{
    private const uint Tpr = Apic + 0x80, Ppr = Apic + 0xa0, Isr = Apic + 0x100, Irr = Apic + 0x200, IcrLow = Apic + 0x300;
    private const uint Self = 1u << 18;

    [Test]
    public void RVI_at_an_entry_is_the_highest_vector_of_IRR()
    {
        var rig = new Rig(Kvm(Guest(SpinClosed)).Fire(1)).Stimulate().Walk(At.ExitArmed);
        rig.Machine.Ref(rig.Board.Vmcs01, 0).Rvi = 0;
        rig.WalkIntoGuest().StepActor("vcpu0");

        Assert.That((Broken(rig), Copy(rig), Violation(rig).Expected), Is.EqualTo((SafetyProperty.Mirror, MirrorFailure.Rvi, 0x60u)));
    }

    [Test]
    public void RVI_at_an_entry_may_lack_a_request_whose_notification_is_pending()
    {
        var rig = new Rig(Kvm(Guest(SpinClosed)).Fire(1)).Walk(At.ExitArmed).Stimulate();
        Assert.That(
            (rig.Board.Hypervisor.Held(rig.Machine, 0).Highest, (int)rig.Machine.Ref(rig.Board.Vmcs01, 0).Rvi), Is.EqualTo((0x60, 0)));
        rig.WalkIntoGuest().StepActor("vcpu0");

        Assert.That(Broken(rig), Is.EqualTo(SafetyProperty.None));
    }

    [Test]
    public void SVI_at_an_entry_is_the_highest_vector_of_ISR()
    {
        var rig = new Rig(Kvm(Guest(SpinClosed))).Walk(At.ExitArmed);
        rig.Machine.Ref(rig.Board.Vmcs01, 0).Svi = 0x40;
        rig.WalkIntoGuest().StepActor("vcpu0");

        Assert.That((Broken(rig), Copy(rig)), Is.EqualTo((SafetyProperty.Mirror, MirrorFailure.Svi)));
    }

    [Test]
    public void EOI_exit_bitmap_at_an_entry_is_the_set_of_vectors_that_are_forwarded()
    {
        var rig = new Rig(Kvm(Guest(SpinClosed))).Walk(At.ExitArmed);
        rig.Machine.Ref(rig.Board.Vmcs01, 0).EoiExitBitmap = default;
        rig.WalkIntoGuest().StepActor("vcpu0");

        Assert.That((Broken(rig), Copy(rig), Violation(rig).Vector),
            Is.EqualTo((SafetyProperty.Mirror, MirrorFailure.EoiExitBitmap, LevelVector)));
    }

    [TestCase(Isr + 0x30, MirrorFailure.IsrRead)]
    [TestCase(Irr + 0x30, MirrorFailure.IrrRead)]
    [TestCase(Tpr, MirrorFailure.TprRead)]
    [TestCase(Ppr, MirrorFailure.PprRead)]
    public void What_the_guest_reads_of_its_local_APIC_is_what_its_instructions_have_made(uint register, MirrorFailure copy)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.WriteCr8(3);
            await cpu.Work(1_000);
            await cpu.MmioRead((uint)cpu.Parameter("register"));
            await cpu.Report("read");
        }

        var machine = Kvm(With(Main, End, ("register", register))) with { Hypervisor = HypervisorKind.BareMetal };
        Assert.That(Broken(new Rig(machine).UntilReport("read")), Is.EqualTo(SafetyProperty.None));

        var rig = new Rig(machine).Run(500);
        rig.Apic().Isr.Set(0x61);
        rig.Apic().Irr.Set(0x62);
        rig.Apic().Tpr = 0x40;
        rig.Apic().UpdatePpr();
        rig.UntilReport("read");
        Assert.That((Broken(rig), Copy(rig)), Is.EqualTo((SafetyProperty.Mirror, copy)));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void CR8_that_the_guest_reads_is_the_one_that_it_has_written(bool right)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(Tpr, 0x35);
            await cpu.Work(1_000);
            await cpu.ReadCr8();
            await cpu.Report("read");
        }

        var rig = new Rig(Kvm(Guest(Main)) with { Hypervisor = HypervisorKind.BareMetal }).Run(500);
        rig.Apic().Tpr = right ? rig.Apic().Tpr : (byte)0;
        rig.UntilReport("read");

        Assert.That(Broken(rig), Is.EqualTo(right ? SafetyProperty.None : SafetyProperty.Mirror));
    }

    [Test]
    public void Registers_that_a_handler_reads_are_right_on_bare_metal_and_under_KVM(
        [Values(HypervisorKind.BareMetal, HypervisorKind.Kvm)] HypervisorKind hypervisor, [Values] bool apicv)
    {
        static async GuestTask ReadsAll(Cpu cpu, byte vector)
        {
            await cpu.MmioWrite(IcrLow, Self | 0x71);
            for (uint word = 0; word < 8; word++)
            {
                await cpu.MmioRead(Isr + (word * 0x10));
                await cpu.MmioRead(Irr + (word * 0x10));
            }

            await cpu.MmioRead(Ppr);
            await cpu.MmioRead(Tpr);
            await cpu.ReadCr8();
            await cpu.Eoi();
            await cpu.MmioRead(Ppr);
            await cpu.Report("read");
        }

        static async GuestTask Handler(Cpu cpu, byte vector)
        {
            if (vector == EdgeVector)
                await ReadsAll(cpu, vector);
            else
                await cpu.Eoi();
        }

        var rig = new Rig((Kvm(Guest(Spin, Handler)) with { Hypervisor = hypervisor, Apicv = apicv }).Fire(20_000)).UntilReport("read");
        rig.UntilHandlers(2);

        Assert.That((rig.Vectors[^1], Broken(rig)), Is.EqualTo((0x71, SafetyProperty.None)));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Level_fails_when_an_EOI_is_not_forwarded_and_remote_IRR_stays(bool forwarded)
    {
        var rig = new Rig(Kvm(Guest(Spin, ServesSlowly)).Raise(20_000)).UntilHandlers();
        rig.Until(() => rig.Vcpu().InGuest != 0 && rig.Vcpu().EntryPending == 0);
        if (!forwarded)
        {
            // After the entry, where it is compared: as if the entry had been chosen before the pin was level.
            rig.UntilReport("ending");
            rig.Machine.Ref(rig.Board.Vmcs01, 0).EoiExitBitmap = default;
        }

        rig.UntilReport("ended");
        Assert.That(Broken(rig), Is.EqualTo(forwarded ? SafetyProperty.None : SafetyProperty.Level));
        Assert.That(rig.Entry(Gsi).RemoteIrr, Is.EqualTo(!forwarded));
    }

    // An EOI looks for the vector of level entries, masked or not and wherever they point (82093AA 3.2.4).
    [TestCase(0x0000_0000_0001_0000UL, SafetyProperty.Level)]
    [TestCase(0x0100_0000_0000_0000UL, SafetyProperty.Level)]
    [TestCase(0x0000_0000_0000_0001UL, SafetyProperty.None)]
    [TestCase(0x0000_0000_0000_8000UL, SafetyProperty.None)]
    public void Pin_whose_vector_or_mode_the_guest_changes_while_its_remote_IRR_is_set_is_its_own_affair(ulong changed,
        SafetyProperty broken)
    {
        var rig = new Rig(Kvm(Guest(Spin, ServesSlowly)).Raise(20_000)).UntilReport("ending");
        ref var entry = ref rig.Machine.Ref(rig.Board.IoApicPins, Gsi).Entry;
        entry = new RedirectionEntry(entry.Bits ^ changed);
        rig.StepActor("vcpu0");
        rig.Machine.Ref(rig.Board.Vmcs01, 0).EoiExitBitmap = default;
        rig.UntilReport("ended");

        Assert.That((rig.Entry(Gsi).RemoteIrr, Broken(rig)), Is.EqualTo((true, broken)));
    }

    [Test]
    public void Level_begins_again_with_the_next_message_which_an_EOI_of_the_one_before_does_not_stand_for()
    {
        // QEMU sets remote IRR when it sends: the message is under way while the EOI of the one before is the guest's last instruction.
        static async GuestTask EndsAndGoesOn(Cpu cpu, byte vector)
        {
            await cpu.Out32(Acknowledge, 1);
            await cpu.Eoi();
            await cpu.Report("ended");
        }

        var rig = new Rig(Kvm(Guest(Spin, EndsAndGoesOn)).Raise(20_000).Raise(20_000_000));
        rig.UntilLine("kvm_eoi").Until(() => rig.Vcpu().InGuest != 0 && rig.Vcpu().EntryPending == 0);
        rig.StepActor("io");
        Assert.That((rig.Entry(Gsi).RemoteIrr, rig.Apic().Irr.Contains(LevelVector)), Is.EqualTo((true, false)), "sent and not accepted");
        rig.StepActor("vcpu0");

        Assert.That((rig.Reports.Single(), Broken(rig)), Is.EqualTo(("ended", SafetyProperty.None)));
    }

    [TestCase(IrqchipKind.Kernel)]
    [TestCase(IrqchipKind.Split)]
    public void Level_interrupt_that_is_sent_again_and_again_breaks_nothing(IrqchipKind irqchip)
    {
        var rig = new Rig((Kvm(Guest(Spin)) with { Irqchip = irqchip }).Raise(20_000).Lower(400_000)).Run(800_000);

        Assert.That(rig.Vectors, Has.Count.GreaterThan(5));
        Assert.That(Broken(rig), Is.EqualTo(SafetyProperty.None));
    }

    private static async GuestTask ServesSlowly(Cpu cpu, byte vector)
    {
        await cpu.Out32(Acknowledge, 1);
        await cpu.Report("ending");
        await cpu.Work(1_000);
        await cpu.Eoi();
        await cpu.Work(10);
        await cpu.Report("ended");
    }

    private static Violation Violation(Rig rig) => rig.Machine.Ref(rig.Board.Check).Violation;

    private static SafetyProperty Broken(Rig rig) => Violation(rig).Property;

    private static MirrorFailure Copy(Rig rig) => (MirrorFailure)Violation(rig).Detail;
}
