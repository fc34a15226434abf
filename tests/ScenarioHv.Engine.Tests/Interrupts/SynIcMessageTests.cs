using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.State;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>Slots, queue, event flags and AutoEOI; with kvm-unit-tests hyperv_synic.c and hyperv_connections.c.</summary>
public class SynIcMessageTests
{
    private const int Tlfs = 0;
    private const int Kvm = 1;
    private const int OpenVmm = 2;

    [TestCase(typeof(SynIcMessage), 256)]
    [TestCase(typeof(SynIcMessagePage), 4096)]
    [TestCase(typeof(SynIcEventPage), 4096)]
    [TestCase(typeof(SynIcState), 208)]
    [TestCase(typeof(SynIcQueueEntry), 264)]
    [TestCase(typeof(SyntheticTimer), 32)]
    [TestCase(typeof(SyntheticTimerPayload), 24)]
    [TestCase(typeof(ApicAssistPage), 16)]
    public void States_have_no_hidden_padding(Type type, int size) => Assert.That(FieldRules.Of(type).Size, Is.EqualTo(size));

    [TestCase(0, 0x78)]
    [TestCase(3, 0x12)]
    [TestCase(4, 3)]
    [TestCase(5, 1)]
    [TestCase(8, 0xAA)]
    [TestCase(16, 0x51)]
    [TestCase(18, 0x53)]
    public void Slot_has_type_size_flags_sender_and_payload_where_Linux_has_them(int offset, int value)
    {
        var message = new SynIcMessage { Type = 0x1234_5678, PayloadSize = 3, Flags = SynIcMessageFlags.Pending, Sender = 0xAA };
        message.PayloadBytes[0] = 0x51;
        message.PayloadBytes[2] = 0x53;
        var bytes = MemoryMarshal.AsBytes(new Span<SynIcMessage>(ref message));
        Assert.That(bytes[offset], Is.EqualTo(value));
        Assert.That(Unsafe.SizeOf<SynIcPayload>(), Is.EqualTo(240));
    }

    [TestCase(0, 0, 0, 0x01)]
    [TestCase(0, 9, 1, 0x02)]
    [TestCase(2, 2047, 3 * 256 - 1, 0x80)]
    [TestCase(15, 64, 15 * 256 + 8, 0x01)]
    public void Flag_f_of_SINT_n_is_bit_f_mod_8_of_byte_256n_plus_f_div_8(int sint, int flag, int offset, int value)
    {
        var bench = SynIcBench.For(Tlfs);
        bench.Signal(sint, flag);
        var bytes = MemoryMarshal.AsBytes(new Span<SynIcEventPage>(ref bench.Events)).ToArray();
        Assert.That(bytes[offset], Is.EqualTo(value));
        Assert.That(bytes.Count(b => b != 0), Is.EqualTo(1));
    }

    [Test]
    public void KUT_synic_1_to_3_registers_read_and_enable_without_fault([Range(0, 2)] int flavour)
    {
        var bench = SynIcBench.For(flavour);
        Assert.That(bench.Read(SynIcMsr.Eom), Is.EqualTo(0));
        Assert.That(bench.Read(SynIcMsr.Simp), Is.EqualTo(0x5001));
        Assert.That(bench.Read(SynIcMsr.Siefp), Is.EqualTo(0x6001));
        Assert.That(bench.Read(SynIcMsr.Scontrol), Is.EqualTo(1));
    }

    [Test]
    public void KUT_synic_5_all_sixteen_sources_arrive_with_AutoEOI_on_four([Range(0, 2)] int flavour)
    {
        var bench = SynIcBench.For(flavour);
        int[] autoEoi = [3, 8, 10, 14];
        for (int i = 0; i < 16; i++)
            bench.Sint(i, 0xB0 + (ulong)i | (autoEoi.Contains(i) ? SynIcSint.AutoEoiBit : 0));
        for (int i = 0; i < 16; i++)
            bench.Signal(i, 0);
        var seen = new List<int>();
        for (int vector = bench.Inta(); vector >= 0; vector = bench.Inta())
        {
            seen.Add(vector);
            if (!autoEoi.Contains(vector - 0xB0))
                bench.Eoi();
        }
        Assert.That(seen, Is.EqualTo(Enumerable.Range(0xB0, 16).Reverse()));
        Assert.That(bench.Apic.Isr.IsEmpty);
    }

    [Test]
    public void KUT_synic_6_cleanup_disconnects_every_vector([Range(0, 2)] int flavour)
    {
        var bench = SynIcBench.For(flavour);
        for (int i = 0; i < 16; i++)
            Assert.That(bench.Sint(i, 0x100FF).IsFault, Is.False);
        Assert.That(bench.SynIc.VectorBitmap.IsEmpty);
    }

    [Test]
    public void KUT_connections_message_lies_in_the_slot_with_one_interrupt([Range(0, 2)] int flavour)
    {
        var bench = SynIcBench.For(flavour);
        Assert.That(bench.Post(8, 0x42, 1, 2, 3, 4, 5, 6, 7, 8).Outcome, Is.EqualTo(SynIcPostOutcome.Delivered));
        Assert.That(bench.Page[8].Type, Is.EqualTo(0x42));
        Assert.That(bench.Page[8].PayloadSize, Is.EqualTo(8));
        Assert.That(bench.Page[8].Sender, Is.EqualTo(7));
        Assert.That(bench.Page[8].IsPending, Is.False);
        Assert.That(bench.Page[8].PayloadBytes[..8].ToArray(), Is.EqualTo(new byte[] { 1, 2, 3, 4, 5, 6, 7, 8 }));
        Assert.That(bench.Raised, Is.EqualTo(new[] { 0xA8 }));
    }

    [Test]
    public void KUT_connections_message_to_a_busy_slot_is_queued_and_leaves_only_the_flag([Range(0, 2)] int flavour)
    {
        var bench = SynIcBench.For(flavour);
        bench.Post(8, 0x42, 1);
        Assert.That(bench.Post(8, 0x43, 2), Is.EqualTo(new SynIcPost(SynIcPostOutcome.Queued)));
        Assert.That(bench.Page[8].Type, Is.EqualTo(0x42));
        Assert.That(bench.Page[8].PayloadBytes[0], Is.EqualTo(1));
        Assert.That(bench.Page[8].IsPending);
        Assert.That(bench.Raised, Has.Count.EqualTo(1));
    }

    [TestCase(Tlfs)]
    [TestCase(Kvm)]
    public void KUT_connections_EOM_brings_the_queued_message_with_one_interrupt(int flavour)
    {
        var bench = SynIcBench.For(flavour);
        bench.Post(8, 0x42, 1);
        bench.Post(8, 0x43, 2);
        bench.Empty(8);
        Assert.That(bench.Page[8].Type, Is.EqualTo(0x43));
        Assert.That(bench.Page[8].IsPending, Is.False);
        Assert.That(bench.Raised, Is.EqualTo(new[] { 0xA8, 0xA8 }));
    }

    [Test]
    public void KUT_connections_event_sets_one_flag_and_a_second_one_changes_nothing([Range(0, 2)] int flavour)
    {
        var bench = SynIcBench.For(flavour);
        Assert.That(bench.Signal(9, 100).Outcome, Is.EqualTo(SynIcSignalOutcome.Signaled));
        Assert.That(bench.Signal(9, 100), Is.EqualTo(new SynIcSignal(SynIcSignalOutcome.AlreadySet)));
        Assert.That(bench.Raised, Is.EqualTo(new[] { 0xA9 }));
        bench.Events.Clear(9, 100);
        bench.Signal(9, 100);
        Assert.That(bench.Raised, Has.Count.EqualTo(2));
    }

    [TestCase(16, 0)]
    [TestCase(0, 2048)]
    [TestCase(0, -1)]
    public void There_are_2048_flags_and_16_sources(int sint, int flag)
    {
        var page = new SynIcEventPage();
        Assert.That(() => page.Contains(sint, flag), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Without_EOM_a_queued_message_waits_on_if_its_vector_is_AutoEOI()
    {
        var bench = SynIcBench.For(Kvm);
        bench.Sint(8, 0xB0 | SynIcSint.AutoEoiBit);
        bench.Post(8, 1);
        bench.Post(8, 2);
        Assert.That(bench.Inta(), Is.EqualTo(0xB0));
        bench.Page[8].Type = 0;
        bench.Eoi();
        Assert.That(bench.Page[8].IsEmpty, "nothing was in service, so no vector ended");
        bench.Write(SynIcMsr.Eom, 0);
        Assert.That(bench.Page[8].Type, Is.EqualTo(2));
    }

    [Test]
    public void EOI_of_an_ordinary_vector_brings_the_queued_message([Range(0, 1)] int flavour)
    {
        var bench = SynIcBench.For(flavour);
        bench.Post(8, 1);
        bench.Post(8, 2);
        bench.Inta();
        bench.Page[8].Type = 0;
        bench.Eoi();
        Assert.That(bench.Page[8].Type, Is.EqualTo(2));
    }

    [Test]
    public void OpenVMM_brings_the_queued_message_on_the_next_pass_and_not_at_EOM_or_EOI()
    {
        var bench = SynIcBench.For(OpenVmm);
        bench.Post(8, 1);
        bench.Post(8, 2);
        bench.Inta();
        bench.Empty(8);
        bench.Eoi();
        Assert.That(bench.Page[8].IsEmpty);
        bench.Rescan(bench.SynIc.QueuedSints);
        Assert.That(bench.Page[8].Type, Is.EqualTo(2));
    }

    [Test]
    public void TLFS_posting_another_message_delivers_the_one_that_waited()
    {
        var bench = SynIcBench.For(Tlfs);
        bench.Post(8, 1);
        bench.Post(8, 2);
        bench.Page[8].Type = 0;
        var third = bench.Post(8, 3);
        Assert.That(third.Outcome, Is.EqualTo(SynIcPostOutcome.Queued));
        Assert.That(third.Interrupt, Is.EqualTo(new SynIcInterrupt(0xA8, false)));
        Assert.That(bench.Page[8].Type, Is.EqualTo(2));
        Assert.That(bench.Page[8].IsPending, "the third waits behind it");
    }

    [Test]
    public void QEMU_stages_one_message_and_refuses_the_next()
    {
        var bench = SynIcBench.For(Kvm);
        bench.Post(8, 1);
        bench.Post(8, 2);
        Assert.That(bench.Post(8, 3).Outcome, Is.EqualTo(SynIcPostOutcome.InsufficientBuffers));
        Assert.That(bench.Post(9, 3).Outcome, Is.EqualTo(SynIcPostOutcome.Delivered), "another source has its own");
    }

    [Test]
    public void Posted_messages_never_take_the_timers_buffers()
    {
        var bench = new SynIcBench(SynIcPolicy.Tlfs, queue: 6);
        bench.Post(8, 1);
        bench.Post(8, 2);
        bench.Post(8, 3);
        Assert.That(bench.Post(8, 4).Outcome, Is.EqualTo(SynIcPostOutcome.InsufficientBuffers));
        Assert.That(bench.SynIc.QueuedCount, Is.EqualTo(2));
    }

    [Test]
    public void Queue_is_first_in_first_out_per_source_and_its_unused_entries_are_zero()
    {
        var bench = SynIcBench.For(Tlfs);
        for (uint i = 1; i <= 3; i++)
        {
            bench.Post(4, 0x40 + i);
            bench.Post(5, 0x50 + i);
        }
        Assert.That(bench.SynIc.QueuedSints, Is.EqualTo(1 << 4 | 1 << 5));
        bench.Empty(5);
        Assert.That(bench.Page[5].Type, Is.EqualTo(0x52));
        Assert.That(bench.Page[4].Type, Is.EqualTo(0x41), "its slot is still busy");
        bench.Empty(4);
        bench.Empty(4);
        Assert.That(bench.Page[4].Type, Is.EqualTo(0x43));
        Assert.That(bench.SynIc.QueuedSints, Is.EqualTo(1 << 5));
    }

    [TestCase(Tlfs, SynIcPostOutcome.Delivered)]
    [TestCase(Kvm, SynIcPostOutcome.Delivered)]
    [TestCase(OpenVmm, SynIcPostOutcome.InvalidSynicState)]
    public void Message_to_a_masked_source_is_written_and_its_interrupt_lost_or_it_is_refused(int flavour, SynIcPostOutcome outcome)
    {
        var bench = SynIcBench.For(flavour);
        bench.Sint(8, 0x100A8);
        Assert.That(bench.Post(8, 1).Outcome, Is.EqualTo(outcome));
        Assert.That(bench.Page[8].IsEmpty, Is.EqualTo(outcome != SynIcPostOutcome.Delivered));
        Assert.That(bench.Raised, Is.Empty);
    }

    [TestCase(Tlfs, SynIcSignalOutcome.InvalidSynicState)]
    [TestCase(Kvm, SynIcSignalOutcome.Signaled)]
    [TestCase(OpenVmm, SynIcSignalOutcome.InvalidSynicState)]
    public void Event_for_a_masked_source_is_refused_or_sets_the_flag_in_silence(int flavour, SynIcSignalOutcome outcome)
    {
        var bench = SynIcBench.For(flavour);
        bench.Sint(8, 0x100A8);
        Assert.That(bench.Signal(8, 3).Outcome, Is.EqualTo(outcome));
        Assert.That(bench.Events.Contains(8, 3), Is.EqualTo(outcome == SynIcSignalOutcome.Signaled));
        Assert.That(bench.Raised, Is.Empty);
    }

    [TestCase(Tlfs, 0)]
    [TestCase(Kvm, 1)]
    [TestCase(OpenVmm, 0)]
    public void Polling_source_raises_nothing_but_in_KVM(int flavour, int interrupts)
    {
        var bench = SynIcBench.For(flavour);
        bench.Sint(8, 0xA8 | SynIcSint.PollingBit);
        Assert.That(bench.Post(8, 1).Outcome, Is.EqualTo(SynIcPostOutcome.Delivered));
        Assert.That(bench.Raised, Has.Count.EqualTo(interrupts));
    }

    [TestCase(Tlfs, false)]
    [TestCase(Kvm, false)]
    [TestCase(OpenVmm, true)]
    public void Proxy_source_is_refused_by_OpenVMM_alone(int flavour, bool refused)
    {
        var bench = SynIcBench.For(flavour);
        bench.Sint(8, 0xA8 | SynIcSint.ProxyBit);
        Assert.That(bench.Post(8, 1).Outcome == SynIcPostOutcome.InvalidSynicState, Is.EqualTo(refused));
        Assert.That(bench.Signal(8, 1).Outcome == SynIcSignalOutcome.InvalidSynicState, Is.EqualTo(refused));
    }

    [TestCase(Tlfs, SynIcPostOutcome.InvalidSynicState)]
    [TestCase(Kvm, SynIcPostOutcome.Delivered)]
    [TestCase(OpenVmm, SynIcPostOutcome.Delivered)]
    public void SCONTROL_gates_messages_in_the_TLFS_and_events_everywhere(int flavour, SynIcPostOutcome outcome)
    {
        var bench = SynIcBench.For(flavour);
        bench.Write(SynIcMsr.Scontrol, 0);
        Assert.That(bench.Post(8, 1).Outcome, Is.EqualTo(outcome));
        Assert.That(bench.Signal(8, 1).Outcome, Is.EqualTo(SynIcSignalOutcome.InvalidSynicState));
    }

    [Test]
    public void Disabled_pages_take_nothing([Range(0, 2)] int flavour)
    {
        var bench = SynIcBench.For(flavour);
        bench.Write(SynIcMsr.Simp, 0x5000);
        bench.Write(SynIcMsr.Siefp, 0x6000);
        Assert.That(bench.Post(8, 1).Outcome, Is.EqualTo(SynIcPostOutcome.InvalidSynicState));
        Assert.That(bench.Signal(8, 1).Outcome, Is.EqualTo(SynIcSignalOutcome.InvalidSynicState));
        Assert.That(bench.Page[8].IsEmpty);
    }

    [Test]
    public void Only_the_payloads_own_bytes_are_written()
    {
        var bench = SynIcBench.For(Kvm);
        bench.Page[8].PayloadBytes[2] = 0xEE;
        bench.Post(8, 1, 0x11, 0x22);
        Assert.That(bench.Page[8].PayloadBytes[..3].ToArray(), Is.EqualTo(new byte[] { 0x11, 0x22, 0xEE }));
    }

    [TestCase(0u, 0)]
    [TestCase(1u, 241)]
    public void Message_without_type_or_beyond_240_bytes_cannot_be_posted(uint type, int size)
    {
        var bench = SynIcBench.For(Tlfs);
        var message = new SynIcMessage { Type = type, PayloadSize = (byte)size };
        Assert.That(() => bench.SynIc.Post(0, message, 0), Throws.InvalidOperationException);
    }

    [TestCase(4)]
    [TestCase(256)]
    public void Queue_must_hold_the_timers_and_one_more(int length)
    {
        Assert.That(() => new SynIcBench(SynIcPolicy.Tlfs, queue: length), Throws.InvalidOperationException);
    }

    [Test]
    public void AutoEOI_handler_is_interrupted_again_by_the_same_vector_and_PPR_stays()
    {
        var bench = SynIcBench.For(Tlfs);
        bench.Sint(8, 0xB0 | SynIcSint.AutoEoiBit);
        bench.Signal(8, 0);
        Assert.That(bench.Inta(), Is.EqualTo(0xB0));
        Assert.That(bench.Apic.Ppr, Is.EqualTo(0));
        bench.Signal(8, 1);
        Assert.That(bench.Inta(), Is.EqualTo(0xB0));
        Assert.That(bench.Apic.Isr.IsEmpty);
    }

    [Test]
    public void EOI_in_an_AutoEOI_handler_retires_an_unrelated_interrupt()
    {
        var bench = SynIcBench.For(Tlfs);
        bench.Signal(1, 0);
        Assert.That(bench.Inta(), Is.EqualTo(0xA1));
        bench.Sint(8, 0xB0 | SynIcSint.AutoEoiBit);
        bench.Signal(8, 0);
        Assert.That(bench.Inta(), Is.EqualTo(0xB0));
        Assert.That(bench.Apic.Eoi().Vector, Is.EqualTo(0xA1));
    }

    [TestCase(Tlfs, false)]
    [TestCase(Kvm, false)]
    [TestCase(OpenVmm, true)]
    public void AutoEOI_bit_cleared_while_the_interrupt_is_pending_counts_at_dispense_or_not(int flavour, bool autoEoi)
    {
        var bench = SynIcBench.For(flavour);
        bench.Sint(8, 0xB0 | SynIcSint.AutoEoiBit);
        bench.Signal(8, 0);
        bench.Sint(8, 0xB0);
        Assert.That(bench.Inta(), Is.EqualTo(0xB0));
        Assert.That(bench.Apic.Isr.Contains(0xB0), Is.EqualTo(!autoEoi));
    }

    [Test]
    public void Ordinary_request_after_an_AutoEOI_one_of_the_same_vector_does_not_inherit_it()
    {
        var bench = SynIcBench.For(OpenVmm);
        bench.Sint(8, 0xB0 | SynIcSint.AutoEoiBit);
        bench.Signal(8, 0);
        Assert.That(bench.Inta(), Is.EqualTo(0xB0));
        bench.Apic.Accept(new ApicMessage { Destination = 1, Vector = 0xB0 });
        bench.SynIc.Requested(0xB0, autoEoi: false);
        bench.Inta();
        Assert.That(bench.Apic.Isr.Contains(0xB0));
        Assert.That(bench.State.AutoEoiRequests.IsEmpty);
    }

    [Test]
    public void Of_two_requests_that_merge_the_last_decides()
    {
        var bench = SynIcBench.For(OpenVmm);
        bench.Sint(8, 0xB0 | SynIcSint.AutoEoiBit);
        bench.Sint(9, 0xB0);
        bench.Signal(8, 0);
        bench.Signal(9, 0);
        Assert.That(bench.SynIc.IsAutoEoi(0xB0), Is.False);
        bench.Signal(8, 1);
        Assert.That(bench.SynIc.IsAutoEoi(0xB0));
    }

    [Test]
    public void Interrupt_is_fixed_edge_and_for_the_own_APIC()
    {
        var message = new SynIcInterrupt(0xB0, true).ToMessage(5);
        Assert.That(message.Destination, Is.EqualTo(5));
        Assert.That(message.Mode, Is.EqualTo(DeliveryMode.Fixed));
        Assert.That(message is { IsLevel: false, IsAssert: true, IsLogical: false, Vector: 0xB0 });
    }
}
