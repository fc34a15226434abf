namespace ScenarioHv.Tidy.Tests;

/// <summary>How the files of the checkout are written.</summary>
internal sealed class FileTests
{
    private const int MostColumns = 140;
    private const int MostLines = 600;

    [Test]
    public void Csharp_lines_have_at_most_140_columns()
    {
        Assert.That(LinesOf(Checkout.With(".cs"), line => line.Length > MostColumns), Is.Empty);
    }

    [Test]
    public void Csharp_files_have_at_most_600_lines()
    {
        var tooLong = Checkout.With(".cs").Where(file => Checkout.Lines(file).Length > MostLines);
        Assert.That(tooLong, Is.Empty);
    }

    [Test]
    public void No_line_has_a_tab_or_ends_with_a_blank()
    {
        var files = Checkout.With(".cs", ".csx", ".yaml", ".md", ".csproj", ".props");
        Assert.That(LinesOf(files, line => line.Contains('\t') || (line.Length > 0 && char.IsWhiteSpace(line[^1]))), Is.Empty);
    }

    [Test]
    public void Every_text_file_ends_with_one_newline()
    {
        var others = Checkout.Files.Where(Checkout.IsText).Where(file => !EndsWithOneNewline(Checkout.Read(file)));
        Assert.That(others, Is.Empty);
    }

    [TestCase("a\n", true)]
    [TestCase("a", false)]
    [TestCase("a\n\n", false)]
    [TestCase("a\r\n\r\n", false)]
    [TestCase("", false)]
    public void One_newline_at_the_end_is_neither_none_nor_two(string text, bool expected)
    {
        Assert.That(EndsWithOneNewline(text), Is.EqualTo(expected));
    }

    [Test]
    public void Files_of_every_part_are_looked_at()
    {
        Assert.That(Checkout.Files, Does.Contain("README.md").And.Contain("engine/ScenarioHv.Engine/ScenarioHv.Engine.csproj")
            .And.Contain("scenarios/README.md").And.Contain("scripts/README.md").And.Contain("tests/ScenarioHv.Tidy.Tests/FileTests.cs"));
    }

    private static IEnumerable<string> LinesOf(IEnumerable<string> files, Func<string, bool> isWrong) =>
        from file in files
        from line in Checkout.Lines(file).Select((text, index) => (Text: text, Number: index + 1))
        where isWrong(line.Text)
        select $"{file}:{line.Number}";

    private static bool EndsWithOneNewline(string text) =>
        text is [.., not '\n', '\n'] && !text.EndsWith("\n\r\n", StringComparison.Ordinal);
}
