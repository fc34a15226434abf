using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>The 82093AA (section 3.2.4), step by step, and at random against a naive reading of the same section.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public class IoApicArchitecturalTests
{
    private const uint Level = RedirectionEntry.LevelBit;
    private const uint Masked = RedirectionEntry.MaskBit;
    private const uint DeliveryStatus = RedirectionEntry.DeliveryStatusBit;

    private readonly IoApicBench _bench = new(IoApicFlavour.Architectural);

    [Test]
    public void Edge_is_recognised_once_until_its_message_is_sent()
    {
        _bench.EntryLow(3, 0x51);
        Assert.That(_bench.Chip.SetLine(3, true).Outcome, Is.EqualTo(IoApicLineOutcome.WantsService));
        _bench.Chip.SetLine(3, false);
        Assert.That(_bench.Chip.SetLine(3, true).Outcome, Is.EqualTo(IoApicLineOutcome.Coalesced));
        Assert.That(_bench.Chip.TryDispatch(3, out _), Is.True);
        Assert.That(_bench.Chip.TryDispatch(3, out _), Is.False);
    }

    // 4 NMI, 7 ExtINT, programmed as level: SDM3 10.11.2.
    [TestCase(0x400u)]
    [TestCase(0x700u)]
    public void NMI_and_ExtINT_are_edge_whatever_the_trigger_mode_says(uint mode)
    {
        _bench.EntryLow(3, mode | Level);
        _bench.Chip.SetLine(3, true);
        Assert.That(_bench.Chip.TryDispatch(3, out _), Is.True);
        _bench.Chip.Dispatched(3, 1);
        Assert.That((_bench.Chip[3].Entry.RemoteIrr, _bench.Chip.TryDispatch(3, out _)), Is.EqualTo((false, false)));
    }

    [Test]
    public void Edge_is_not_a_line_that_an_EOI_would_find_asserted()
    {
        _bench.EntryLow(3, 0x51);
        _bench.Chip.SetLine(3, true);
        Assert.That(_bench.Chip.LineStillAsserted(3), Is.False);
    }

    [Test]
    public void Edge_that_has_fallen_before_it_is_sent_is_sent()
    {
        _bench.EntryLow(3, 0x51);
        _bench.Chip.SetLine(3, true);
        _bench.Chip.SetLine(3, false);
        Assert.That(_bench.Chip.TryDispatch(3, out _), Is.True);
    }

    [Test]
    public void Level_withdrawn_before_it_is_sent_is_not_sent()
    {
        _bench.EntryLow(3, 0x51 | Level);
        _bench.Chip.SetLine(3, true);
        _bench.Chip.SetLine(3, false);
        Assert.That(_bench.Chip.TryDispatch(3, out _), Is.False);
    }

    [TestCase(Masked)]
    [TestCase(Level)]
    [TestCase(Level | Masked)]
    public void Edge_not_yet_sent_is_withdrawn_by_the_mask_and_by_the_level_mode(uint bits)
    {
        _bench.EntryLow(3, 0x51);
        _bench.Chip.SetLine(3, true);
        _bench.Chip.SetLine(3, false);
        _bench.EntryLow(3, 0x51 | bits);
        _bench.EntryLow(3, 0x51);
        Assert.That(_bench.Chip.TryDispatch(3, out _), Is.False);
    }

    [Test]
    public void Line_that_was_high_at_the_unmask_needs_a_falling_edge_first()
    {
        _bench.EntryLow(3, 0x51 | Masked);
        _bench.Line(3, true);
        _bench.EntryLow(3, 0x51);
        _bench.Line(3, true);
        Assert.That(_bench.Sent, Is.Empty);
        _bench.Line(3, false);
        _bench.Line(3, true);
        Assert.That(_bench.Sent, Has.Count.EqualTo(1));
    }

    [Test]
    public void Line_is_an_input_and_survives_reset()
    {
        _bench.Line(3, true);
        _bench.Chip.Reset();
        _bench.EntryLow(3, 0x51 | Level);
        Assert.That(_bench.SentVectors, Is.EqualTo(new[] { 0x51 }));
    }

    [Test]
    public void Delivery_status_shows_a_message_that_waits_to_be_sent_or_accepted()
    {
        _bench.EntryLow(3, 0x51 | Level);
        Assert.That(_bench.ReadLow(3) & DeliveryStatus, Is.Zero);
        _bench.Chip.SetLine(3, true);
        Assert.That(_bench.ReadLow(3) & DeliveryStatus, Is.EqualTo(DeliveryStatus), "to be sent");
        _bench.Chip.TryDispatch(3, out _);
        Assert.That(_bench.ReadLow(3) & DeliveryStatus, Is.EqualTo(DeliveryStatus), "to be accepted");
        _bench.Chip.Dispatched(3, 1);
        Assert.That(_bench.ReadLow(3), Is.EqualTo(0xC051));
    }

    [Test]
    public void Entry_made_edge_in_flight_has_no_remote_irr_after_acceptance()
    {
        _bench.EntryLow(3, 0x51 | Level);
        _bench.Chip.SetLine(3, true);
        _bench.Chip.TryDispatch(3, out _);
        _bench.EntryLow(3, 0x51 | Masked);
        _bench.EntryLow(3, 0x51 | Level | Masked);
        _bench.Chip.Dispatched(3, 1);
        Assert.That(_bench.RemoteIrr(3), Is.False);
    }

    [Test]
    public void Acceptance_of_an_edge_sets_no_remote_irr()
    {
        _bench.EntryLow(3, 0x51);
        _bench.Line(3, true);
        Assert.That(_bench.ReadLow(3), Is.EqualTo(0x51));
    }

    [Test]
    public void Reserved_bits_read_0()
    {
        _bench.EntryLow(3, 0xFFFF_FFFF);
        _bench.Write(0x17, 0xFFFF_FFFF);
        Assert.That(_bench.ReadLow(3), Is.EqualTo(0x1_AFFF));
        Assert.That(_bench.Read(0x17), Is.EqualTo(0xFF00_0000));
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    [TestCase(4)]
    [TestCase(5)]
    [TestCase(6)]
    public void Any_history_of_lines_writes_and_EOIs_agrees_with_the_naive_reading(int seed)
    {
        var random = new Random(seed);
        var bench = new IoApicBench(IoApicFlavour.Architectural, pins: 3);
        var naive = new NaiveIoApic(3);
        for (var step = 0; step < 20_000; step++)
        {
            var pin = random.Next(3);
            var vector = (byte)(0x50 + random.Next(3));
            switch (random.Next(6))
            {
                case 0:
                    var high = random.Next(2) == 1;
                    bench.Chip.SetLine(pin, high);
                    naive.SetLine(pin, high);
                    break;
                case 1:
                    var low = vector | (uint)(random.Next(0x200) << 11);
                    bench.EntryLowOnly(pin, low);
                    naive.WriteLow(pin, low);
                    break;
                case 2:
                    var destination = (byte)random.Next(256);
                    bench.EntryHighOnly(pin, destination);
                    naive.WriteDestination(pin, destination);
                    break;
                case 3:
                    var sends = bench.Chip.TryDispatch(pin, out var message);
                    Assert.That(sends ? (message.Destination, message.Vector, message.IsLevel, message.IsLogical) : default,
                        Is.EqualTo(naive.Dispatch(pin)), $"seed {seed}, step {step}");
                    break;
                case 4:
                    var acceptedBy = random.Next(-1, 3);
                    bench.Chip.Dispatched(pin, acceptedBy);
                    naive.Accepted(pin, acceptedBy > 0);
                    break;
                default:
                    bench.ClearRemoteIrrs(vector);
                    naive.Eoi(vector);
                    break;
            }

            for (var i = 0; i < 3; i++)
                Assert.That(bench.ReadLow(i), Is.EqualTo(naive.ReadLow(i)), $"seed {seed}, step {step}, pin {i}");
        }
    }

    /// <summary>One sentence of the manual each, with no thought of size or speed.</summary>
    private sealed class NaiveIoApic(int pins)
    {
        private readonly bool[] _masked = Enumerable.Repeat(true, pins).ToArray();
        private readonly bool[] _level = new bool[pins];
        private readonly bool[] _logical = new bool[pins];
        private readonly bool[] _activeLow = new bool[pins];
        private readonly bool[] _remoteIrr = new bool[pins];
        private readonly bool[] _line = new bool[pins];
        private readonly bool[] _edgeHeld = new bool[pins];
        private readonly bool[] _unanswered = new bool[pins];
        private readonly byte[] _vector = new byte[pins];
        private readonly byte[] _destination = new byte[pins];

        public void SetLine(int pin, bool high)
        {
            if (high && !_line[pin] && !_level[pin] && !_masked[pin])
                _edgeHeld[pin] = true;
            _line[pin] = high;
        }

        public void WriteLow(int pin, uint value)
        {
            _vector[pin] = (byte)(value % 256);
            _logical[pin] = (value / 0x800) % 2 == 1;
            _activeLow[pin] = (value / 0x2000) % 2 == 1;
            _level[pin] = (value / 0x8000) % 2 == 1;
            _masked[pin] = (value / 0x10000) % 2 == 1;
            if (!_level[pin])
                _remoteIrr[pin] = _unanswered[pin] = false;
            if (_level[pin] || _masked[pin])
                _edgeHeld[pin] = false;
        }

        public void WriteDestination(int pin, byte destination) => _destination[pin] = destination;

        public (uint Destination, byte Vector, bool IsLevel, bool IsLogical) Dispatch(int pin)
        {
            if (!Waits(pin))
                return default;
            _edgeHeld[pin] = false;
            _unanswered[pin] = _level[pin];
            return (_destination[pin], _vector[pin], _level[pin], _logical[pin]);
        }

        public void Accepted(int pin, bool accepted)
        {
            if (_unanswered[pin] && accepted)
                _remoteIrr[pin] = true;
            _unanswered[pin] = false;
        }

        public void Eoi(byte vector)
        {
            for (var pin = 0; pin < _level.Length; pin++)
            {
                if (_level[pin] && _vector[pin] == vector)
                    _remoteIrr[pin] = false;
            }
        }

        public uint ReadLow(int pin) => _vector[pin] + (_logical[pin] ? 0x800u : 0) + (Waits(pin) || _unanswered[pin] ? 0x1000u : 0)
            + (_activeLow[pin] ? 0x2000u : 0) + (_remoteIrr[pin] ? 0x4000u : 0) + (_level[pin] ? 0x8000u : 0)
            + (_masked[pin] ? 0x10000u : 0);

        private bool Waits(int pin) =>
            !_masked[pin] && (_level[pin] ? _line[pin] && !_remoteIrr[pin] && !_unanswered[pin] : _edgeHeld[pin]);
    }
}
