using System.Text;

namespace ScenarioHv.Scenarios.Tests;

public class SourceFileTests : ScenarioFixture
{
    [Test]
    public void Missing_file_is_named() => AssertError(ErrorOfFile(ScenarioPath), 1, 1, "the scenario file does not exist");

    [Test]
    public void Directory_is_no_scenario()
    {
        Directory.CreateDirectory(ScenarioPath);
        AssertError(ErrorOfFile(ScenarioPath), 1, 1, "is a directory");
    }

    [TestCase("", "the file is empty")]
    [TestCase(" \n\n", "the file is empty")]
    [TestCase("# a comment\n# another\n", "the file has only comments")]
    public void File_without_a_scenario_says_how_one_begins(string text, string expected) =>
        AssertError(ErrorOf(text), 1, 1, expected, "a scenario begins with 'scenario: <name>'");

    [Test]
    public void NUL_byte_is_named_with_its_offset() =>
        AssertError(ErrorOf("scenario: x\nti\0le: y\n"), 2, 3, "not a text file: byte 0x00 at offset 14");

    [Test]
    public void Program_is_no_text_file() =>
        AssertError(ErrorOf([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]), 1, 1, "not a text file: byte 0x7f at offset 0");

    // 0xe4 begins three bytes of UTF-8; Latin-1 writes an a-umlaut with it.
    [Test]
    public void Latin_1_is_not_UTF_8() =>
        AssertError(ErrorOf([.. "title: \u00e9 "u8, 0xe4, .. "x\n"u8]), 1, 10, "byte 0xe4 at offset 10 is not UTF-8");

    [TestCase(new byte[] { 0xc0, 0x80 }, TestName = "Overlong_encoding_of_NUL_is_not_UTF_8")]
    [TestCase(new byte[] { 0xed, 0xa0, 0x80 }, TestName = "Encoded_surrogate_is_not_UTF_8")]
    [TestCase(new byte[] { 0xe2, 0x82 }, TestName = "Truncated_character_is_not_UTF_8")]
    public void Invalid_sequence(byte[] content) => AssertError(ErrorOf(content), 1, 1, "is not UTF-8");

    [Test]
    public void Byte_order_mark_and_CRLF_are_accepted()
    {
        File.WriteAllText(ScenarioPath, Good.Replace("\n", "\r\n", StringComparison.Ordinal), new UTF8Encoding(true));
        var document = ScenarioReader.Read(ScenarioPath, SampleVocabulary.Create());
        Assert.That(document.Base.Name, Is.EqualTo("hyperv-hang"));
    }

    [Test]
    public void Hundred_megabytes_are_refused_before_they_are_read()
    {
        using (var stream = File.Create(ScenarioPath))
            stream.SetLength(100_000_000);
        AssertError(ErrorOfFile(ScenarioPath), 1, 1, "100000000 bytes", "at most 1048576");
    }

    [TestCase(1 << 20, false)]
    [TestCase((1 << 20) + 1, true)]
    public void One_mebibyte_is_the_limit(int length, bool refused)
    {
        File.WriteAllText(ScenarioPath, Good + "#" + new string('x', length - Good.Length - 1));
        Assert.That(
            () => ScenarioReader.Read(ScenarioPath, SampleVocabulary.Create()),
            refused ? Throws.TypeOf<ScenarioException>() : Throws.Nothing);
    }

    [Test]
    public void Device_that_never_ends_is_read_up_to_the_limit()
    {
        if (!File.Exists("/dev/zero"))
            Assert.Ignore("no /dev/zero on this system");
        Assert.That(ErrorOfFile("/dev/zero").Message, Does.Contain("more than 1048576 bytes"));
    }
}
