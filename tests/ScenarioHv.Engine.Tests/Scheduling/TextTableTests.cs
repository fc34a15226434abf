using System.Numerics;
using System.Text;
using ScenarioHv.Engine.Scheduling;

namespace ScenarioHv.Engine.Tests.Scheduling;

public sealed class TextTableTests
{
    [TestCase("", 0xcbf29ce484222325UL)]
    [TestCase("a", 0xaf63dc4c8601ec8cUL)]
    [TestCase("foobar", 0x85944171f73967e8UL)]
    public void The_number_is_FNV_1a_of_the_published_test_vectors(string text, ulong number) =>
        Assert.That(new TextTable(bits: 64).Number(text), Is.EqualTo(number));

    [TestCase("usb served")]
    [TestCase("clock served")]
    [TestCase("Gerät bedient")]
    public void The_number_is_FNV_1a_of_the_text_in_UTF_8(string text)
    {
        // FNV-1a, 64 bits, in arithmetic that cannot overflow: xor a byte, multiply by 2^40 + 1b3h, keep 64 bits.
        var hash = BigInteger.Parse("14695981039346656037", System.Globalization.CultureInfo.InvariantCulture);
        foreach (var unit in Encoding.UTF8.GetBytes(text))
        {
            hash = (hash ^ unit) * (BigInteger.Pow(2, 40) + 0x1b3) % BigInteger.Pow(2, 64);
        }

        Assert.That(new TextTable(bits: 64).Number(text), Is.EqualTo((ulong)hash));
    }

    [Test]
    public void A_number_does_not_depend_on_what_was_reported_before()
    {
        TextTable first = new(bits: 64), second = new(bits: 64);
        first.Number("another");

        Assert.That(first.Number("usb served"), Is.EqualTo(second.Number("usb served")));
    }

    [Test]
    public void A_number_is_turned_back_into_its_text_once_something_has_reported_it()
    {
        var table = new TextTable(bits: 64);
        var number = new TextTable(bits: 64).Number("usb served");

        Assert.That(table.Text(number), Is.Null);
        table.Number("usb served");
        Assert.That(table.Text(number), Is.EqualTo("usb served"));
    }
}
