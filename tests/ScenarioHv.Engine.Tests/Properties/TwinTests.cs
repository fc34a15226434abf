using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Properties;

namespace ScenarioHv.Engine.Tests.Properties;

public sealed class TwinTests
{
    [Test]
    public void Request_justifies_one_dispatch()
    {
        var twin = After(0x50);

        Assert.That(
            (twin.Dispatched(0x50), twin.Dispatched(0x50)), Is.EqualTo((Justification.Requested, Justification.AlreadyServed)));
    }

    [Test]
    public void Dispatch_of_a_vector_that_was_never_requested_is_told_from_one_that_is_a_second()
    {
        var twin = After(0x50);

        Assert.That(twin.Dispatched(0x51), Is.EqualTo(Justification.NeverRequested));
    }

    [Test]
    public void Two_requests_before_the_handler_starts_give_one_or_two_dispatches()
    {
        var twin = After(0x50, 0x50);

        Assert.That(twin.Dispatched(0x50), Is.EqualTo(Justification.Requested));
        Assert.That(twin.Owed.IsEmpty, "one dispatch is all that is owed");
        Assert.That(twin.Dispatched(0x50), Is.EqualTo(Justification.Requested), "a second is allowed");
        Assert.That(twin.Dispatched(0x50), Is.EqualTo(Justification.AlreadyServed), "a third is not");
    }

    [Test]
    public void Request_after_the_handler_has_started_is_owed_one_more()
    {
        var twin = After(0x50);
        twin.Dispatched(0x50);
        twin.Accepted(0x50);

        Assert.That(twin.Owed.Highest, Is.EqualTo(0x50));
    }

    [Test]
    public void At_most_three_merged_requests_are_remembered()
    {
        var twin = After(0x50, 0x50, 0x50, 0x50, 0x50);
        var dispatches = 0;
        while (twin.Dispatched(0x50) == Justification.Requested)
        {
            dispatches++;
        }

        Assert.That(dispatches, Is.EqualTo(1 + 3));
    }

    [Test]
    public void Vectors_of_every_word_are_owed_and_the_highest_is_named([Values(0x10, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff)] byte vector)
    {
        var twin = After(0x10, vector);

        Assert.That(twin.Owed.Highest, Is.EqualTo(vector));
        Assert.That(twin.Owed.Except(VectorBits.Of(Register(0x10, vector))).IsEmpty);
        Assert.That((twin.OwesOnly(Register(0x10, vector)), twin.OwesOnly(Register(vector == 0x10 ? (byte)0x11 : (byte)0x10))),
            Is.EqualTo((true, false)));
        Assert.That(twin.Owed.Except(VectorBits.Of(Register(0x11))).Highest, Is.EqualTo(vector));
    }

    [Test]
    public void PPR_is_the_class_of_the_handler_under_way_unless_TPR_is_as_high()
    {
        var twin = After(0x51);
        twin.WriteTpr(0x23);
        Assert.That(twin.Ppr, Is.EqualTo(0x23), "no handler");
        twin.Dispatched(0x51);
        Assert.That(twin.Ppr, Is.EqualTo(0x50));
        twin.WriteTpr(0x58);
        Assert.That(twin.Ppr, Is.EqualTo(0x58), "of the same class: all of TPR (SDM3 10.8.3.1)");
        twin.WriteTpr(0);
        twin.Eoi();
        Assert.That(twin.Ppr, Is.Zero);
    }

    [Test]
    public void EOI_ends_the_highest_vector_in_service()
    {
        var twin = After(0x51, 0x92);
        twin.Dispatched(0x51);
        twin.Dispatched(0x92);
        twin.Eoi();

        Assert.That((twin.InService.Highest, twin.Ended), Is.EqualTo((0x51, 0x92)));
    }

    [Test]
    public void Vector_with_AutoEOI_is_never_in_service()
    {
        var twin = After(0x51);
        twin.Dispatched(0x51, autoEoi: true);

        Assert.That((twin.InService.IsEmpty, twin.Ppr), Is.EqualTo((true, 0)));
    }

    [Test]
    public void Vector_of_the_class_of_PPR_is_not_deliverable_and_one_above_is()
    {
        var twin = After(0x5f);
        twin.WriteTpr(0x50);
        Assert.That(twin.HighestDeliverable(), Is.EqualTo(-1));
        twin.Accepted(0x60);
        Assert.That(twin.HighestDeliverable(), Is.EqualTo(0x60));
    }

    [Test]
    public void Lower_vector_is_outranked_by_a_higher_one_that_could_be_seen_when_it_was_chosen()
    {
        var twin = After(0x51, 0x92);
        twin.Committed(0x51, Register(0x51, 0x92));

        Assert.That(twin.OutrankedBy(0x51, Register(0x92)), Is.EqualTo(0x92));
    }

    [Test]
    public void Higher_vector_that_comes_between_choice_and_handler_outranks_nothing()
    {
        var twin = After(0x51);
        twin.Committed(0x51, Register(0x51));
        twin.Accepted(0x92);

        Assert.That(twin.OutrankedBy(0x51, Register(0x92)), Is.EqualTo(-1));
    }

    [Test]
    public void Higher_vector_that_the_processor_was_not_told_of_outranks_nothing()
    {
        var twin = After(0x51, 0x92);
        twin.CommittedByProcessor(0x51);

        Assert.That(twin.OutrankedBy(0x51, Register(0x92)), Is.EqualTo(-1));
    }

    [Test]
    public void Higher_vector_that_has_been_dispatched_meanwhile_outranks_nothing()
    {
        var twin = After(0x51, 0x92);
        twin.Committed(0x51, Register(0x51, 0x92));
        twin.Dispatched(0x92);

        Assert.That(twin.OutrankedBy(0x51, default), Is.EqualTo(-1));
    }

    [Test]
    public void IRR_that_is_read_may_lack_what_hardware_could_have_taken_but_has_nothing_that_was_never_requested()
    {
        var twin = After(0x41, 0x41, 0x42);
        twin.Dispatched(0x41);

        Assert.That(twin.AllowsIrr(2, 0), Is.True);
        Assert.That(twin.AllowsIrr(2, 0b110), Is.True, "0x41 may still come a second time");
        Assert.That(twin.AllowsIrr(2, 0b1000), Is.False);
    }

    [Test]
    public void IRR_that_is_read_has_what_the_guest_has_sent_to_itself_until_its_handler_starts()
    {
        var twin = After(0x41);
        twin.SentToSelf(0x41);
        Assert.That((twin.AllowsIrr(2, 0), twin.AllowsIrr(2, 0b10)), Is.EqualTo((false, true)));
        twin.Dispatched(0x41);
        Assert.That(twin.AllowsIrr(2, 0), Is.True);
    }

    [Test]
    public void ISR_that_is_read_is_what_is_in_service_and_no_bit_else()
    {
        var twin = After(0x41);
        twin.Dispatched(0x41);

        Assert.That((twin.AllowsIsr(2, 0b10), twin.AllowsIsr(2, 0), twin.AllowsIsr(2, 0b11), twin.AllowsIsr(3, 0)),
            Is.EqualTo((true, false, false, true)));
    }

    [Test]
    public void NMI_in_the_handler_of_another_is_owed_and_must_wait_for_IRET()
    {
        Twin twin = default;
        twin.NmiAccepted();
        Assert.That(twin.NmiDispatched(1), Is.EqualTo(NmiFailure.None));
        twin.NmiAccepted();
        Assert.That((twin.OwesNmi, twin.IsNmiBlocked(1)), Is.EqualTo((true, true)));
        twin.Iret(1);
        Assert.That(twin.NmiDispatched(1), Is.EqualTo(NmiFailure.None));
    }

    [Test]
    public void NMI_that_starts_before_the_IRET_of_another_is_nested()
    {
        Twin twin = default;
        twin.NmiAccepted();
        twin.NmiDispatched(1);
        twin.NmiAccepted();

        Assert.That(twin.NmiDispatched(1), Is.EqualTo(NmiFailure.Blocked));
    }

    [Test]
    public void Two_NMIs_before_the_handler_starts_give_one_or_two_of_them()
    {
        Twin twin = default;
        twin.NmiAccepted();
        twin.NmiAccepted();
        twin.NmiDispatched(1);
        Assert.That(twin.OwesNmi, Is.False);
        twin.Iret(1);
        Assert.That(twin.NmiDispatched(1), Is.EqualTo(NmiFailure.None));
        twin.Iret(1);
        Assert.That(twin.NmiDispatched(1), Is.EqualTo(NmiFailure.NeverRequested));
    }

    [Test]
    public void NMIs_are_blocked_for_each_level_by_itself()
    {
        Twin twin = default;
        twin.NmiAccepted();
        twin.NmiDispatched(2);

        Assert.That((twin.IsNmiBlocked(1), twin.IsNmiBlocked(2)), Is.EqualTo((false, true)));
    }

    private static Register256 Register(params byte[] vectors)
    {
        Register256 register = default;
        foreach (var vector in vectors)
        {
            register.Set(vector);
        }

        return register;
    }

    private static Twin After(params byte[] accepted)
    {
        Twin twin = default;
        foreach (var vector in accepted)
        {
            twin.Accepted(vector);
        }

        return twin;
    }
}
