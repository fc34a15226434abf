using System.Globalization;
using System.Text;
using System.Xml;
using ScenarioHv.Cli.Running;

namespace ScenarioHv.Cli.Output;

/// <summary>
/// The outcome of <c>matrix</c> in the XML of JUnit that CI servers read: a suite per scenario, a case per cell. The elements stand in the
/// order of the schema of Jenkins' xUnit plugin (junit-10.xsd). No <c>time</c> and no <c>timestamp</c>: two runs write the same bytes, and
/// the time of the machine, which is the same in both, is not the time that a test took.
/// </summary>
internal static class JUnitXml
{
    private static readonly XmlWriterSettings Settings = new()
    {
        Encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
        Indent = true,
        NewLineChars = "\n",
    };

    /// <summary>The document, in UTF-8.</summary>
    public static byte[] Write(IReadOnlyList<ScenarioEnd> scenarios)
    {
        using var stream = new MemoryStream();
        using (var xml = XmlWriter.Create(stream, Settings))
        {
            xml.WriteStartElement("testsuites");
            Attribute(xml, "name", "scenariohv matrix");
            WriteCounts(xml, scenarios);
            foreach (var scenario in scenarios)
            {
                WriteSuite(xml, scenario);
            }

            xml.WriteEndElement();
        }

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    private static void WriteSuite(XmlWriter xml, ScenarioEnd scenario)
    {
        xml.WriteStartElement("testsuite");
        Attribute(xml, "name", scenario.Name);
        WriteCounts(xml, [scenario]);
        Attribute(xml, "file", scenario.Path);
        if (scenario.Problem is { } problem)
        {
            // A suite without a case is passed over by those who read it.
            StartCase(xml, scenario, "scenario");
            WriteError(xml, problem);
            xml.WriteEndElement();
        }

        foreach (var end in scenario.Cells)
        {
            StartCase(xml, scenario, end.Cell.Name);
            WriteEnd(xml, end);
            xml.WriteEndElement();
        }

        xml.WriteEndElement();
    }

    private static void StartCase(XmlWriter xml, ScenarioEnd scenario, string name)
    {
        xml.WriteStartElement("testcase");
        Attribute(xml, "classname", scenario.Name);
        Attribute(xml, "name", name);
    }

    private static void WriteEnd(XmlWriter xml, CellEnd end)
    {
        if (end.Result is { } result)
        {
            WriteProperties(xml, result);
            WriteFailure(xml, result);
        }
        else if (end.Problem is { } problem)
        {
            WriteError(xml, problem);
        }
        else
        {
            xml.WriteStartElement("skipped");
            Attribute(xml, "message", "what --set chooses does not exist on the machine of this cell");
            xml.WriteEndElement();
        }
    }

    private static void WriteProperties(XmlWriter xml, CellResult result)
    {
        xml.WriteStartElement("properties");
        foreach (var (point, value) in result.Source.Policies)
        {
            WriteProperty(xml, point, value);
        }

        WriteProperty(xml, "outcome", result.OutcomeWithProperty);
        WriteProperty(xml, "cycles", Wording.Number(result.Run.Cycles));
        WriteProperty(xml, "trace", result.ShortHash);
        xml.WriteEndElement();
    }

    private static void WriteProperty(XmlWriter xml, string name, string value)
    {
        xml.WriteStartElement("property");
        Attribute(xml, "name", name);
        Attribute(xml, "value", value);
        xml.WriteEndElement();
    }

    /// <summary>A cell that a limit ended is no pass, and so a failure.</summary>
    private static void WriteFailure(XmlWriter xml, CellResult result)
    {
        if (result.ExitCode == ExitCode.AsExpected)
        {
            return;
        }

        var expected = result.Expected.Count == 0 ? "an outcome" : string.Join(" or ", result.Expected);
        var ended = Wording.Cycles(result.Run.Cycles, result.Config.TscHz);
        xml.WriteStartElement("failure");
        Attribute(xml, "message", $"expected {expected}, found {result.OutcomeWithProperty}: {result.Run.Reason}");
        Attribute(xml, "type", result.OutcomeWithProperty);
        xml.WriteString(Clean(
            $"expected: {expected}\noutcome: {result.OutcomeWithProperty}\nreason: {result.Run.Reason}\n"
            + $"at: {ended}, after {Wording.Count(result.Run.Steps, "step", "steps")}\n"
            + (result.Source.Cell.Note.Length == 0 ? "" : $"note: {result.Source.Cell.Note.TrimEnd()}\n")));
        xml.WriteEndElement();
    }

    private static void WriteError(XmlWriter xml, Exception problem)
    {
        var (code, message) = FailureReport.Classify(problem);
        xml.WriteStartElement("error");
        Attribute(xml, "message", message);
        Attribute(xml, "type", code.ToString());
        xml.WriteString(Clean(message));
        xml.WriteEndElement();
    }

    private static void WriteCounts(XmlWriter xml, IReadOnlyList<ScenarioEnd> scenarios)
    {
        var counts = MatrixCounts.Of(scenarios);
        var unusable = scenarios.Count(scenario => scenario.Problem is not null);
        var skipped = scenarios.Sum(scenario => scenario.LeftOut.Count);
        Attribute(xml, "tests", Wording.Number(counts.Cells + unusable + skipped));
        Attribute(xml, "failures", Wording.Number(counts.NotAsExpected + counts.Inconclusive));
        Attribute(xml, "errors", Wording.Number(counts.Failed + unusable));
        Attribute(xml, "skipped", Wording.Number(skipped));
    }

    private static void Attribute(XmlWriter xml, string name, string value) => xml.WriteAttributeString(name, Clean(value));

    /// <summary>The text with what XML 1.0 cannot hold (2.2: most control characters, half surrogates) as <c>\u001b</c>.</summary>
    private static string Clean(string text)
    {
        var clean = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (i + 1 < text.Length && XmlConvert.IsXmlSurrogatePair(text[i + 1], text[i]))
            {
                clean.Append(text, i++, 2);
            }
            else if (XmlConvert.IsXmlChar(text[i]))
            {
                clean.Append(text[i]);
            }
            else
            {
                clean.Append(CultureInfo.InvariantCulture, $"\\u{(int)text[i]:x4}");
            }
        }

        return clean.ToString();
    }
}
