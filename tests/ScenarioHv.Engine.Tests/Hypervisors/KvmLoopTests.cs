using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors;
using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Tests.Machines;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;

namespace ScenarioHv.Engine.Tests.Hypervisors;

/// <summary>
/// vcpu_run and vcpu_enter_guest: the order of the points, the recheck after the mode is published, kicks and sleep (x86.c, 4.19 to 5.1).
/// </summary>
[TestFixture]
internal sealed class KvmLoopTests
{
    [Test]
    public void A_pass_looks_at_requests_publishes_the_mode_arms_the_exit_and_enters()
    {
        var rig = new Rig(Kvm(Guest(Spin)));
        var labels = new List<At> { rig.Label() };
        for (; rig.Vcpu().InGuest == 0; rig.StepActor("vcpu0"))
        {
            labels.Add(rig.Label());
        }

        Assert.That(labels.Distinct(), Is.EqualTo(new[] { At.KvmRun, At.RequestCheck, At.ModePublished, At.RviWritten, At.ExitArmed }));
    }

    [Test]
    public void The_mode_is_in_guest_mode_from_interrupts_off_to_the_exit()
    {
        static async GuestTask Call(Cpu cpu) => await cpu.VmCall(1);

        var rig = new Rig(Kvm(Guest(Call)));
        rig.Walk(At.RequestCheck);
        Assert.That(rig.Kvm().Mode, Is.EqualTo(VcpuMode.Outside));
        rig.Walk(At.ModePublished);
        Assert.That(rig.Kvm().Mode, Is.EqualTo(VcpuMode.InGuest));
        rig.Walk(At.ExitSeen);
        Assert.That(rig.Kvm().Mode, Is.EqualTo(VcpuMode.Outside));
    }

    [Test]
    public void The_stamp_of_the_first_exit_is_the_sum_of_the_named_costs()
    {
        static async GuestTask Call(Cpu cpu) => await cpu.VmCall(1);

        var rig = new Rig(Kvm(Guest(Call))).UntilLine("kvm_exit: reason VMCALL");
        var entry = Rig.Cost(TimingCost.ToKernel) + (2 * Rig.Cost(TimingCost.LoopPoint));
        Assert.That(rig.With("kvm_entry")[0].Cycle, Is.EqualTo(entry));
        Assert.That(
            rig.With("kvm_exit")[0].Cycle - entry,
            Is.EqualTo(
                Rig.Cost(TimingCost.LoopPoint)
                + Rig.Cost(TimingCost.VmEntry)
                + Rig.Cost(TimingCost.VmExit)
                + Rig.Cost(TimingCost.ExitHandler)));
    }

    [Test]
    public void Without_APICv_a_vector_between_choice_and_recheck_gives_the_entry_up()
    {
        var rig = new Rig(Kvm(Guest(Spin)).WithoutApicv().Fire(0));
        rig.Walk(At.ModePublished).Stimulate();
        Assert.That((rig.Kvm().Requests, rig.Kvm().Mode), Is.EqualTo((KvmRequests.Event, VcpuMode.Exiting)));
        rig.Walk(At.RequestCheck);
        Assert.That((rig.Count("kvm_entry"), rig.Kvm().Mode), Is.EqualTo((0, VcpuMode.Outside)));
    }

    [Test]
    public void An_injection_that_was_written_is_kept_when_the_entry_is_given_up()
    {
        // 0x60 is written for injection, 0xE0 arrives: the first is injected again, the second waits behind it in IRR.
        var config = Kvm(Guest(Spin)) with { Apicv = false, Devices = [Msi, Msi with { Vector = 0xe0 }] };
        var rig = new Rig(config.Fire(0, 0).Fire(0, 1)).Walk(At.ExitArmed).WalkIntoGuest().StepActor("vcpu0").StepActor("vcpu0")
            .Stimulate();
        rig.Walk(At.Acknowledged).Walk(At.ModePublished).Stimulate();
        rig.Walk(At.RequestCheck);
        Assert.That((rig.Kvm().InjectedVector, rig.Apic().Isr.Contains(0x60), rig.Apic().Irr.Contains(0xe0)),
            Is.EqualTo(((byte)0x60, true, true)));
        rig.UntilHandlers(2);
        Assert.That(rig.Vectors, Is.EqualTo(new[] { 0x60, 0xe0 }));
        Assert.That(rig.Of(TraceEventKind.KvmInjVirq).Select(e => (e.A, e.B)),
            Is.EqualTo(new[] { (0x60UL, 0UL), (0x60UL, 1UL), (0xe0UL, 0UL) }));
    }

    [Test]
    public void With_APICv_a_vector_before_the_mode_is_published_is_seen_by_the_same_entry()
    {
        var rig = new Rig(Kvm(Guest(Spin)).Fire(0)).Walk(At.RequestCheck).Stimulate();
        Assert.That(rig.Kvm().Requests & KvmRequests.Event, Is.EqualTo(KvmRequests.None));
        rig.Walk(At.RviWritten);
        Assert.That(rig.Machine.Ref(rig.Board.Vmcs01, 0).Rvi, Is.EqualTo(EdgeVector));
        rig.WalkIntoGuest();
        Assert.That(rig.Count("kvm_entry"), Is.EqualTo(1));
    }

    [TestCase(At.ModePublished)]
    [TestCase(At.ExitArmed)]
    public void With_APICv_a_vector_after_that_is_notified_and_processed_in_the_guest_without_an_exit(At label)
    {
        var rig = new Rig(Kvm(Guest(Spin)).Fire(0)).Walk(label).Stimulate();
        Assert.That(rig.Vcpu().HostInterrupts, Is.EqualTo(HostInterrupts.PostedNotification));
        rig.UntilHandlers();
        Assert.That((rig.Count("kvm_entry"), rig.Count("kvm_exit")), Is.EqualTo((1, 0)));
    }

    [Test]
    public void Without_APICv_the_kick_of_a_running_vCPU_is_an_IPI_and_an_exit_by_the_reschedule_vector()
    {
        var rig = new Rig(Kvm(Guest(Spin)).WithoutApicv().Fire(50_000)).UntilLine("kvm_exit: reason EXTERNAL_INTERRUPT");
        var accepted = rig.With("kvm_apic_accept_irq")[0].Cycle;
        Assert.That(accepted, Is.EqualTo(50_000 + Rig.Cost(TimingCost.Message)));
        Assert.That(Rig.Text(rig.Events[^1]), Does.EndWith("info 0 800000fd"));
        Assert.That(
            rig.Events[^1].Cycle - accepted,
            Is.EqualTo(Rig.Cost(TimingCost.HostIpi) + Rig.Cost(TimingCost.VmExit) + Rig.Cost(TimingCost.ExitHandler)));
    }

    [Test]
    public void A_vCPU_that_is_kicked_already_is_not_sent_a_second_IPI()
    {
        var rig = new Rig((Kvm(Guest(Spin)) with { Apicv = false }).Fire(50_000).Raise(50_000)).UntilHandlers(2);
        Assert.That((rig.Count("kvm_apic_accept_irq"), rig.Count("kvm_exit: reason EXTERNAL_INTERRUPT")), Is.EqualTo((2, 1)));
    }

    [Test]
    public void The_kick_of_a_vCPU_outside_the_guest_sends_nothing()
    {
        var rig = new Rig(Kvm(Guest(Spin)).WithoutApicv().Fire(0)).Walk(At.RequestCheck).Stimulate();
        Assert.That((rig.Vcpu().HostInterrupts, rig.Vcpu().HostInterruptAt.IsNever), Is.EqualTo((HostInterrupts.None, true)));
        rig.UntilHandlers();
        Assert.That(rig.Count("kvm_exit: reason EXTERNAL_INTERRUPT"), Is.Zero);
    }

    [TestCase(true)]
    [TestCase(false)]
    public void HLT_blocks_and_the_kick_of_a_sleeping_vCPU_costs_a_wake(bool apicv)
    {
        var rig = new Rig((Kvm(Guest(Idle)) with { Apicv = apicv }).Fire(50_000)).Run(50_000);
        Assert.That((rig.Label(), rig.Kvm().Halted, rig.Vcpu().ReadyAt.IsNever), Is.EqualTo((At.Sleeping, (byte)1, true)));
        rig.UntilLine("kvm_apic_accept_irq");
        while (rig.Vcpu().ReadyAt.IsNever)
        {
            rig.StepActor("io");
        }

        Assert.That(rig.Vcpu().ReadyAt - new Instant(rig.Machine.Now), Is.EqualTo(Rig.Cost(TimingCost.Wake)));
        rig.UntilHandlers();
        Assert.That(rig.Count("kvm_exit: reason HLT"), Is.EqualTo(1));
    }

    [Test]
    public void HLT_with_a_deliverable_interrupt_and_IF_0_goes_on_blocking()
    {
        static async GuestTask HaltClosed(Cpu cpu)
        {
            await cpu.Hlt();
            await cpu.Report("woken");
        }

        var rig = new Rig(Kvm(Guest(HaltClosed)).Fire(50_000)).Run(10_000_000);
        Assert.That((rig.Apic().HighestDeliverable(), rig.Kvm().Halted, rig.Reports.Count), Is.EqualTo(((int)EdgeVector, (byte)1, 0)));
    }

    [Test]
    public void HLT_with_a_request_pending_in_the_shadow_of_STI_does_not_sleep()
    {
        static async GuestTask Late(Cpu cpu)
        {
            await cpu.Work(100_000);
            await cpu.Sti();
            await cpu.Hlt();
            await cpu.Report("woken");
        }

        var rig = new Rig(Kvm(Guest(Late)).Fire(50_000)).UntilReport("woken");
        Assert.That(rig.Vectors, Is.EqualTo(new[] { (int)EdgeVector }));
        Assert.That(rig.Machine.Now, Is.LessThan(100_000 + Rig.Cost(TimingCost.Wake)));
    }

    [TestCase(0x18u, (ushort)0x80, 1, "kvm_pio: pio_write at 0x80 size 1 count 1 val 0x18")]
    [TestCase(0x1234u, (ushort)0x1f0, 2, "kvm_pio: pio_write at 0x1f0 size 2 count 1 val 0x1234")]
    [TestCase(0x12345678u, (ushort)0xcf8, 4, "kvm_pio: pio_write at 0xcf8 size 4 count 1 val 0x12345678")]
    public void Port_output_is_traced_goes_to_userspace_and_retires_when_KVM_RUN_is_called_again(uint value, ushort port, int size,
        string line)
    {
        static async GuestTask Write(Cpu cpu)
        {
            var port = (ushort)cpu.Parameter("port");
            switch (cpu.Parameter("size"))
            {
                case 1: await cpu.Out8(port, (byte)cpu.Parameter("value"), at: 0x10); break;
                case 2: await cpu.Out16(port, (ushort)cpu.Parameter("value"), at: 0x10); break;
                default: await cpu.Out32(port, (uint)cpu.Parameter("value"), at: 0x10); break;
            }

            await cpu.Report("done");
        }

        var guest = With(Write, End, ("port", port), ("size", size), ("value", value));
        var rig = new Rig(Kvm(guest)).UntilReport("done");
        var qualification = ((uint)port << 16) | (uint)(size - 1);
        Assert.That(rig.Lines, Is.EqualTo(new[]
        {
            "kvm_entry: vcpu 0", $"kvm_exit: reason IO_INSTRUCTION rip 0x10 info {qualification:x} 0", line,
            "kvm_userspace_exit: reason KVM_EXIT_IO (2)", "kvm_entry: vcpu 0",
        }));
    }

    [Test]
    public void Port_input_is_traced_when_userspace_has_answered()
    {
        static async GuestTask Read(Cpu cpu) => await cpu.Report(await cpu.In16(0x80) == 0xffff ? "floating" : "driven");

        var rig = new Rig(Kvm(Guest(Read))).UntilReport("floating");
        Assert.That(rig.Lines.Skip(2), Is.EqualTo(new[]
        {
            "kvm_userspace_exit: reason KVM_EXIT_IO (2)", "kvm_pio: pio_read at 0x80 size 2 count 1 val 0xffff", "kvm_entry: vcpu 0",
        }));
    }

    [Test]
    public void An_unknown_hypercall_gets_minus_KVM_ENOSYS()
    {
        static async GuestTask Call(Cpu cpu) => await cpu.Report(await cpu.VmCall(1234) == unchecked((ulong)-1000) ? "ENOSYS" : "other");

        Assert.That(new Rig(Kvm(Guest(Call))).UntilReport("ENOSYS").Count("kvm_exit: reason VMCALL"), Is.EqualTo(1));
    }
}
