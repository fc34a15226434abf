using System.Runtime.InteropServices;
using ScenarioHv.Engine.State;

namespace ScenarioHv.Engine.Tests.State;

/// <summary>Fingerprints of states that are nearly the same: the sums that NH and a multilinear hash promise, and no two alike.</summary>
public sealed class FingerprintTests
{
    private const int Many = 1 << 20;

    private struct Counters
    {
        public uint A, B;
        public ulong Large;
    }

    [TestCase(1)]
    [TestCase(7)]
    [TestCase(103)]
    [TestCase(512)]
    [TestCase(1200)]
    public void No_two_texts_that_differ_in_one_or_two_bits_have_the_same_fingerprint(int words)
    {
        var seen = new HashSet<ulong>();
        var text = new ulong[words];
        var bits = Math.Min(words * 64, 1_400);
        for (var i = 0; i < bits; i++)
        {
            Flip(text, Place(i, bits, words));
            Assert.That(seen.Add(Of(text)), $"bit {i}");
            for (var j = 0; j < i; j++)
            {
                Flip(text, Place(j, bits, words));
                if (!seen.Add(Of(text)))
                {
                    Assert.Fail($"bits {i} and {j}");
                }

                Flip(text, Place(j, bits, words));
            }

            Flip(text, Place(i, bits, words));
        }
    }

    [Test]
    public void No_two_of_a_million_texts_of_small_counters_have_the_same_fingerprint()
    {
        var seen = new HashSet<ulong>(Many);
        var text = new ulong[64];
        for (var i = 0; i < Many; i++)
        {
            (text[3], text[4], text[20], text[63]) = ((ulong)(i & 31), (ulong)(i >> 5 & 31) << 32, (ulong)(i >> 10 & 31), (ulong)i >> 15);
            Assert.That(seen.Add(Of(text)));
        }
    }

    [Test]
    public void Zeros_behind_a_text_make_another_one() =>
        Assert.That(Enumerable.Range(0, 1_100).Select(words => Of(new ulong[words])).Distinct().Count(), Is.EqualTo(1_100));

    [Test]
    public void No_two_of_a_million_states_of_small_counters_have_the_same_fingerprint_and_the_way_to_them_does_not_matter()
    {
        var layout = new MachineLayout();
        var slot = layout.Add<Counters>("counters", 3);
        layout.Seal();
        var first = new Machine(layout);
        var packed = new PackedState(new StateSample(first), 1);
        var state = new SteppedState(packed, first);
        var (seen, random) = (new Dictionary<ulong, int>(Many), new Random(1));
        for (var i = 0; i < Many; i++)
        {
            Assert.That(seen.TryAdd(Fingerprint(state, slot, i), i));
            if (i % 1_000 == 0)
            {
                // On from here, and later from elsewhere.
                state.Load(state.Result);
            }
        }

        for (var i = 0; i < 1_000; i++)
        {
            var number = random.Next(Many);
            Assert.That(seen[Fingerprint(state, slot, number)], Is.EqualTo(number));
            state.Load(state.Result);
        }
    }

    private static ulong Fingerprint(SteppedState state, Slot<Counters> slot, int number)
    {
        state.Back();
        var counters = state.Machine.Span(slot);
        counters[0].A = (uint)number & 31;
        counters[0].B = (uint)number >> 5 & 31;
        counters[1].A = (uint)number >> 10 & 31;
        counters[2].Large = (ulong)number >> 15;
        return state.Stepped();
    }

    private static (int Word, int Bit) Place(int i, int bits, int words) => ((int)((long)i * words / bits), i * 29 % 64);

    private static void Flip(ulong[] text, (int Word, int Bit) place) => text[place.Word] ^= 1UL << place.Bit;

    private static ulong Of(ulong[] text) => Engine.State.Fingerprint.Of(MemoryMarshal.AsBytes(text.AsSpan()));
}
