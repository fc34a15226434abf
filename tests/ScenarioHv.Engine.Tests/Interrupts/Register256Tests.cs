using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

public class Register256Tests
{
    [Test]
    public void The_default_is_empty()
    {
        Register256 register = default;
        Assert.That(register.IsEmpty, Is.True);
        Assert.That(register.Highest, Is.EqualTo(-1));
        Assert.That(register.Count, Is.Zero);
    }

    [Test]
    public void Every_vector_can_be_set_and_is_then_the_highest_and_only_one([Range(0, 255, 17)] int vector)
    {
        Register256 register = default;
        register.Set(vector);
        Assert.That(register.Highest, Is.EqualTo(vector));
        Assert.That(Enumerable.Range(0, 256).Where(v => register[v]), Is.EqualTo(new[] { vector }));
    }

    [TestCase(63, 64)]
    [TestCase(127, 128)]
    [TestCase(191, 192)]
    [TestCase(0, 255)]
    [TestCase(0x31, 0x32)]
    public void Clearing_the_highest_uncovers_the_next_across_words(int low, int high)
    {
        Register256 register = default;
        register.Set(high);
        register.Set(low);
        Assert.That(register.Highest, Is.EqualTo(high));
        register.Clear(high);
        Assert.That(register.Highest, Is.EqualTo(low));
        register.Clear(low);
        Assert.That(register.IsEmpty, Is.True);
    }

    [Test]
    public void Setting_twice_is_setting_once_and_clearing_a_clear_bit_is_nothing()
    {
        Register256 register = default;
        register.Set(70);
        register.Set(70);
        register.Clear(71);
        Assert.That(register.Count, Is.EqualTo(1));
        register.Clear(70);
        Assert.That(register.IsEmpty, Is.True);
    }

    [TestCase(0, 0, 0x1u)]
    [TestCase(31, 0, 0x8000_0000u)]
    [TestCase(32, 1, 0x1u)]
    [TestCase(0x51, 2, 0x2_0000u)]
    [TestCase(255, 7, 0x8000_0000u)]
    public void Vector_v_is_bit_v_mod_32_of_MMIO_word_v_div_32(int vector, int word, uint value)
    {
        Register256 register = default;
        register.Set(vector);
        for (int i = 0; i < 8; i++)
            Assert.That(register.Word32(i), Is.EqualTo(i == word ? value : 0));
    }

    [TestCase(-1)]
    [TestCase(256)]
    public void A_vector_outside_0_to_255_is_refused(int vector)
    {
        Register256 register = default;
        Assert.That(() => register.Set(vector), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => register.Clear(vector), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => register.Contains(vector), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [TestCase(-1)]
    [TestCase(8)]
    public void A_word_outside_0_to_7_is_refused(int index)
    {
        Register256 register = default;
        Assert.That(() => register.Word32(index), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Any_history_of_sets_and_clears_equals_a_sorted_set_and_its_bytes_depend_on_the_set_alone()
    {
        var random = new LocalApicLcg(256);
        Register256 register = default;
        var reference = new SortedSet<int>();
        for (int i = 0; i < 20_000; i++)
        {
            int vector = random.Next(256);
            // Phases of filling and of emptying, so that words do become empty.
            if (random.Next(8) < (i / 1000 % 2 == 0 ? 6 : 1))
            {
                register.Set(vector);
                reference.Add(vector);
            }
            else
            {
                register.Clear(vector);
                reference.Remove(vector);
            }
            Assert.That(register.Highest, Is.EqualTo(reference.Count == 0 ? -1 : reference.Max));
            Assert.That(register.Contains(vector), Is.EqualTo(reference.Contains(vector)));
        }
        Register256 rebuilt = default;
        foreach (int vector in reference)
            rebuilt.Set(vector);
        Assert.That(Bytes(ref register), Is.EqualTo(Bytes(ref rebuilt)));
    }

    [Test]
    public void It_is_40_bytes() => Assert.That(Unsafe.SizeOf<Register256>(), Is.EqualTo(40));

    private static byte[] Bytes(ref Register256 register) => MemoryMarshal.AsBytes(new Span<Register256>(ref register)).ToArray();
}
