using System.Runtime.InteropServices;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Tests.State;

/// <summary>What a state struct can declare, and what is refused because equal states would not be equal bytes.</summary>
public sealed class FieldRulesTests
{
    [Test]
    public void Each_declaration_is_read_at_its_offset()
    {
        var rules = FieldRules.Of<Declared>();

        Assert.Multiple(() =>
        {
            Assert.That(rules.Size, Is.EqualTo(32));
            Assert.That(rules.Instants, Is.EqualTo(new[] { 8 }));
            Assert.That(rules.Saturations, Is.EqualTo(new[] { new SaturationRule(16, 4, 3) }));
            Assert.That(rules.Mask, Is.EqualTo(Ones(0, 8, 16, 24).Concat(Zeros(24, 32)).ToArray()));
        });
    }

    [Test]
    public void An_observable_struct_is_ignored_with_all_its_fields()
    {
        var rules = FieldRules.Of<Outer>();

        Assert.Multiple(() =>
        {
            Assert.That(rules.Mask, Is.EqualTo(Zeros(0, 32).Concat(Ones(32, 36, 40)).ToArray()));
            Assert.That(rules.Instants, Is.Empty, "an observable time is not made relative");
            Assert.That(rules.Saturations, Is.Empty, "an observable counter is not cut");
        });
    }

    [Test]
    public void Every_element_of_an_inline_array_has_the_rules_of_the_element() =>
        Assert.That(FieldRules.Of<ThreeInstants>().Instants, Is.EqualTo(new[] { 0, 8, 16 }));

    [TestCase(typeof(Declared))]
    public void Rules_are_the_same_for_a_struct_that_is_known_only_at_run_time(Type type) =>
        Assert.That(FieldRules.Of(type).Mask, Is.EqualTo(FieldRules.Of<Declared>().Mask));

    [TestCase(typeof(ByteThenInt), 3)]
    [TestCase(typeof(IntThenByte), 3)]
    [TestCase(typeof(PaddedInside), 7)]
    public void Hidden_padding_is_refused_and_counted(Type type, int bytes) =>
        Assert.That(
            () => FieldRules.Of(type),
            Throws.InvalidOperationException.With.Message.Contains($"{bytes} bytes of hidden padding")
                .And.Message.Contains("name every byte"));

    [Test]
    public void Hidden_padding_is_refused_by_the_layout_with_the_same_words() =>
        Assert.That(() => new MachineLayout().Add<ByteThenInt>("bad"), Throws.InvalidOperationException
            .With.Message.Contains("hidden padding"));

    [TestCase(typeof(HasDouble), "Double")]
    [TestCase(typeof(HasFloat), "Single")]
    [TestCase(typeof(HasNint), "IntPtr")]
    [TestCase(typeof(HasString), "String")]
    [TestCase(typeof(HasArray), "Int32[]")]
    [TestCase(typeof(HasObjectOfOneWord), "OneWord")]
    [TestCase(typeof(HasList), "List`1")]
    [TestCase(typeof(HasPointer), "Int32*")]
    [TestCase(typeof(string), "String")]
    public void What_is_no_plain_data_is_refused_by_its_name(Type type, string culprit) =>
        Assert.That(
            () => FieldRules.Of(type),
            Throws.InvalidOperationException.With.Message.StartsWith(culprit).And.Message.Contains("has no place in state"));

    [Test]
    public void A_class_that_refers_to_itself_is_refused_like_any_other() =>
        Assert.That(() => FieldRules.Of(typeof(HasNode)), Throws.InvalidOperationException.With.Message.Contains("Node"));

    [Test]
    public void A_refusal_is_the_same_the_second_time()
    {
        Assert.That(() => FieldRules.Of<HasDouble>(), Throws.InvalidOperationException.With.Message.Contains("Double"));
        Assert.That(() => FieldRules.Of<HasDouble>(), Throws.InvalidOperationException.With.Message.Contains("Double"));
    }

    [Test]
    public unsafe void With_automatic_layout_fields_are_found_where_the_runtime_puts_them()
    {
        Reordered value = default;
        var offset = (int)((byte*)&value.Due - (byte*)&value);

        Assert.That(offset, Is.Not.EqualTo(4), "the runtime has moved it from where it is declared");
        Assert.That(FieldRules.Of<Reordered>().Instants, Is.EqualTo(new[] { offset }));
    }

    [TestCase(typeof(DeepInside), "Double has no place in state (field Inside.Value)")]
    public void A_refusal_says_where_the_field_is(Type type, string words) =>
        Assert.That(() => FieldRules.Of(type), Throws.InvalidOperationException.With.Message.StartsWith(words));

    private static IEnumerable<byte> Ones(params int[] limits) => Enumerable.Repeat((byte)0xff, limits[^1] - limits[0]);

    private static IEnumerable<byte> Zeros(int from, int to) => Enumerable.Repeat((byte)0, to - from);

    public struct Declared
    {
        public long Plain;
        public Instant Due;
        [Saturates(3)]
        public uint Tries;
        public int Value;
        [Observable]
        public long Seen;
    }

    public struct Inner
    {
        public Instant Due;
        [Saturates(3)]
        public uint Tries;
        public int Value;
        public long Plain;
        public long Other;
    }

    public struct Outer
    {
        [Observable]
        public Inner Ignored;
        public int Left;
        public int Right;
    }

    [System.Runtime.CompilerServices.InlineArray(3)]
    public struct ThreeInstants
    {
        private Instant _first;
    }

    public struct ByteThenInt
    {
        public byte Small;
        public int Large;
    }

    public struct IntThenByte
    {
        public int Large;
        public byte Small;
    }

    public struct PaddedInside
    {
        public long Word;
        public OneByte Inside;
        public long Last;
    }

    public struct OneByte
    {
        public byte Value;
    }

    public struct HasDouble
    {
        public double Value;
    }

    public struct DeepInside
    {
        public long First;
        public HasDouble Inside;
    }

    public struct HasFloat
    {
        public float Value;
        public int Other;
    }

    public struct HasNint
    {
        public nint Value;
    }

    public struct HasString
    {
        public string Value;
    }

    public struct HasArray
    {
        public int[] Value;
    }

    public sealed class OneWord
    {
        public long Value;
    }

    public struct HasObjectOfOneWord
    {
        public OneWord Value;
    }

    public struct HasList
    {
        public List<int> Value;
    }

    public unsafe struct HasPointer
    {
        public int* Value;
    }

    public sealed class Node
    {
        public Node? Next;
    }

    public struct HasNode
    {
        public Node Value;
    }

    [StructLayout(LayoutKind.Auto)]
    public struct Reordered
    {
        public int First;
        public Instant Due;
        public int Last;
    }
}
