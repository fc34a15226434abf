using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Tests.Guests;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Tests.State;

/// <summary>Two machines are in the same state exactly if their normal forms are the same bytes.</summary>
public sealed class NormalFormTests
{
    [Test]
    public void An_observable_field_does_not_name_the_state() =>
        Assert.That(State(new Fields { Seen = 1 }), Is.EqualTo(State(new Fields { Seen = 2 })));

    [Test]
    public void A_plain_field_names_the_state_as_it_stands()
    {
        Assert.That(State(new Fields { Plain = 100 }), Is.Not.EqualTo(State(new Fields { Plain = 101 })));
        Assert.That(State(new Fields { Plain = 100 }, now: 100), Is.Not.EqualTo(State(new Fields { Plain = 200 }, now: 200)),
            "not relative to now");
    }

    [TestCase(3u, 4u, false)]
    [TestCase(2u, 3u, false)]
    [TestCase(4u, 5u, true)]
    [TestCase(4u, uint.MaxValue, true)]
    [TestCase(3u, uint.MaxValue, false)]
    public void Values_above_the_limit_are_one_state_and_the_limit_is_not_among_them(uint left, uint right, bool same) =>
        Assert.That(State(new Fields { Tries = left }).SequenceEqual(State(new Fields { Tries = right })), Is.EqualTo(same));

    [TestCase(99L, 42L, true)]
    [TestCase(100L, 99L, false)]
    [TestCase(101L, 102L, false)]
    public void A_deadline_that_has_passed_is_one_state_and_now_is_not_among_them(long left, long right, bool same) =>
        Assert.That(Expiring(left).SequenceEqual(Expiring(right)), Is.EqualTo(same));

    [TestCase(1, 0xffL)]
    [TestCase(2, 0xffffL)]
    [TestCase(4, 0xffffffffL)]
    [TestCase(8, long.MaxValue)]
    public void A_counter_of_any_width_saturates_only_within_its_own_bytes(int width, long most)
    {
        var rule = new SaturationRule(8, width, 7);

        Assert.That(Words(rule, 0x11, 9), Is.EqualTo(Words(rule, 0x11, most)));
        Assert.That(Words(rule, 0x11, 7), Is.Not.EqualTo(Words(rule, 0x11, 8)));
        Assert.That(Words(rule, 0x11, 9), Is.Not.EqualTo(Words(rule, 0x12, 9)), "the word before it still counts");
        if (width < 8)
        {
            Assert.That(Words(rule, 0, 9), Is.Not.EqualTo(Words(rule, 0, 9 + (1L << (8 * width)))), "the byte behind it still counts");
        }
    }

    [Test]
    public void A_limit_that_only_the_configuration_knows_holds_for_every_element()
    {
        var layout = new MachineLayout();
        var slot = layout.Add<TwoWords>("counters", 3, new SaturationRule(8, 8, 5));
        layout.Seal();
        var machine = new Machine(layout);
        for (var i = 0; i < 3; i++)
        {
            machine.Ref(slot, i).Second = 6;
            var atSix = Bench.StateOf(machine);
            machine.Ref(slot, i).Second = 1000;
            Assert.That(Bench.StateOf(machine), Is.EqualTo(atSix), $"element {i}");
            machine.Ref(slot, i).Second = 5;
            Assert.That(Bench.StateOf(machine), Is.Not.EqualTo(atSix), $"element {i}");
        }
    }

    [Test]
    public void A_time_names_the_state_by_its_distance_from_now()
    {
        var early = State(new Fields { Due = new Instant(1_000) }, now: 900);

        Assert.That(State(new Fields { Due = new Instant(1_000_000) }, now: 999_900), Is.EqualTo(early), "100 cycles ahead, later");
        Assert.That(State(new Fields { Due = new Instant(1_000) }, now: 901), Is.Not.EqualTo(early), "99 cycles ahead");
    }

    [Test]
    public void A_time_that_is_past_names_the_state_by_its_distance_too() =>
        Assert.That(State(new Fields { Due = new Instant(90) }, now: 100),
            Is.EqualTo(State(new Fields { Due = new Instant(990) }, now: 1000)));

    [Test]
    public void Never_is_the_same_in_every_state()
    {
        Assert.That(State(new Fields { Due = Instant.Never }, now: 0), Is.EqualTo(State(new Fields { Due = Instant.Never }, now: 12345)));
        Assert.That(State(new Fields { Due = Instant.Never }), Is.Not.EqualTo(State(new Fields { Due = new Instant(long.MaxValue - 1) })));
    }

    [Test]
    public void The_clock_alone_names_no_state() => Assert.That(State(Quiet, now: 5), Is.EqualTo(State(Quiet, now: 6)));

    [TestCase(0, 1L, true)]
    [TestCase(5, 32L, true)]
    [TestCase(5, 1L << 40, true)]
    [TestCase(5, 16L, false)]
    [TestCase(5, 1L, false)]
    [TestCase(62, 1L << 62, true)]
    [TestCase(62, 1L << 61, false)]
    public void A_phase_that_was_read_names_the_state_in_its_low_bits_only(int bits, long later, bool same)
    {
        var (first, second) = (Phase(bits, now: 3), Phase(bits, now: 3 + later));

        Assert.That(first.SequenceEqual(second), Is.EqualTo(same));
    }

    [Test]
    public void The_clock_read_as_a_number_makes_every_cycle_another_state()
    {
        var (layout, slot) = Layout();
        var machine = new Machine(layout);
        machine.Ref(slot) = Quiet;
        machine.Ref(layout.Clock).ReadAbsolute();
        var states = new HashSet<string>();
        for (var bit = 0; bit < 63; bit++)
        {
            machine.Ref(layout.Clock).Now = 1L << bit;
            states.Add(Convert.ToHexString(Bench.StateOf(machine)));
        }

        Assert.That(states, Has.Count.EqualTo(63));
    }

    [Test]
    public void That_the_clock_was_read_is_itself_part_of_the_state() =>
        Assert.That(Phase(bits: 5, now: 0), Is.Not.EqualTo(Phase(bits: 0, now: 0)));

    [Test]
    public void Equal_states_have_equal_fingerprints()
    {
        var (layout, slot) = Layout();
        Machine left = new(layout), right = new(layout);
        left.Ref(slot) = new Fields { Due = new Instant(7), Seen = 1, Tries = 9 };
        right.Ref(slot) = new Fields { Due = new Instant(107), Seen = 2, Tries = 10 };
        right.Ref(layout.Clock).Now = 100;
        var scratch = new byte[layout.Size];
        var normal = NormalForm.Of(layout);

        Assert.That(normal.Hash(right, scratch), Is.EqualTo(normal.Hash(left, scratch)));
        right.Ref(slot).Plain = 1;
        Assert.That(normal.Hash(right, scratch), Is.Not.EqualTo(normal.Hash(left, scratch)));
    }

    [Test]
    public void Writing_the_normal_form_does_not_change_the_machine()
    {
        var (layout, slot) = Layout();
        var machine = new Machine(layout);
        machine.Ref(slot) = new Fields { Due = new Instant(7), Seen = 1, Tries = 9, Plain = 3 };
        machine.Ref(layout.Clock).Now = 5;
        var before = machine.Bytes.ToArray();
        Bench.StateOf(machine);

        Assert.That(machine.Bytes.ToArray(), Is.EqualTo(before));
    }

    [Test]
    public void A_layout_has_no_normal_form_before_it_is_sealed() =>
        Assert.That(
            () => NormalForm.Of(new MachineLayout()),
            Throws.InstanceOf<InvalidOperationException>().With.Message.Contains("sealed"));

    [Test]
    public void Nothing_is_added_to_a_sealed_layout()
    {
        var (layout, _) = Layout();

        Assert.That(() => layout.Add<Fields>("late"), Throws.InstanceOf<InvalidOperationException>().With.Message.Contains("sealed"));
        Assert.That(() => layout.AddFiber("late", 64), Throws.InstanceOf<InvalidOperationException>().With.Message.Contains("sealed"));
        Assert.That(layout.Seal, Throws.InstanceOf<InvalidOperationException>().With.Message.Contains("sealed"));
    }

    [Test]
    public void A_machine_is_made_only_of_a_sealed_layout() =>
        Assert.That(() => new Machine(new MachineLayout()), Throws.InstanceOf<InvalidOperationException>().With.Message.Contains("sealed"));

    [TestCase(-1)]
    [TestCase(1)]
    public void An_element_that_is_not_there_is_refused(int index)
    {
        var (layout, slot) = Layout();

        Assert.That(() => new Machine(layout).Ref(slot, index).Plain, Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    private static Fields Quiet => new() { Due = Instant.Never };

    private static (MachineLayout Layout, Slot<Fields> Slot) Layout()
    {
        var layout = new MachineLayout();
        var slot = layout.Add<Fields>("fields");
        layout.Seal();
        return (layout, slot);
    }

    private static byte[] State(Fields fields, long now = 0)
    {
        var (layout, slot) = Layout();
        var machine = new Machine(layout);
        machine.Ref(slot) = fields;
        machine.Ref(layout.Clock).Now = now;
        return Bench.StateOf(machine);
    }

    private static byte[] Phase(int bits, long now)
    {
        var (layout, slot) = Layout();
        var machine = new Machine(layout);
        machine.Ref(slot) = Quiet;
        machine.Ref(layout.Clock).Now = now;
        machine.Ref(layout.Clock).ReadPhase(bits);
        return Bench.StateOf(machine);
    }

    private static byte[] Words(SaturationRule rule, long first, long second)
    {
        var layout = new MachineLayout();
        var slot = layout.Add<TwoWords>("words", 1, rule);
        layout.Seal();
        var machine = new Machine(layout);
        machine.Ref(slot) = new TwoWords { First = first, Second = second };
        return Bench.StateOf(machine);
    }

    private static byte[] Expiring(long due)
    {
        var layout = new MachineLayout();
        var slot = layout.Add<Deadline>("deadline");
        layout.Seal();
        var machine = new Machine(layout);
        machine.Ref(layout.Clock).Now = 100;
        machine.Ref(slot).Due = new Instant(due);
        return Bench.StateOf(machine);
    }

    public struct Deadline
    {
        [Expires]
        public Instant Due;
    }

    public struct TwoWords
    {
        public long First;
        public long Second;
    }

    public struct Fields
    {
        public long Plain;
        public Instant Due;
        [Saturates(3)]
        public uint Tries;
        public int Value;
        [Observable]
        public long Seen;
    }
}
