using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ScenarioHv.Exploration.Schedules;
using ScenarioHv.Scenarios;
using static System.FormattableString;

namespace ScenarioHv.Cli.Running;

/// <summary>
/// A reproducer as one file that people can read: a line that says what it is, lines of a word and what belongs to it, and behind each line
/// <c>file:</c>, which says how many bytes they are, a file. The last line is the SHA-256 of all before it.
/// </summary>
internal static class ReproducerFile
{
    private const string SaveOption = "--save";
    private const string Magic = "scenariohv-reproducer";
    private const int Format = 1;
    private const int MaximumSize = 1 << 24;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Writes a file, which appears when it is complete.</summary>
    /// <exception cref="FileProblem">It cannot be written.</exception>
    public static void Write(string path, Reproducer reproducer) => OutputFile.Write(SaveOption, path, BytesOf(reproducer));

    /// <summary>True if a file says of itself that it is a reproducer.</summary>
    public static bool IsOne(string path)
    {
        if (!File.Exists(path))
        {
            return false;
        }

        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            var begin = new byte[Magic.Length];
            return stream.CanSeek && stream.ReadAtLeast(begin, begin.Length, throwOnEndOfStream: false) == begin.Length
                && begin.AsSpan().SequenceEqual(Utf8.GetBytes(Magic));
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // Whoever reads it says why it cannot be read.
            return false;
        }
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="InputException">It is no reproducer, or damaged.</exception>
    public static Reproducer Read(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            var bytes = new byte[MaximumSize];
            var count = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return count < MaximumSize ? new Reader(path, bytes[..count]).Read()
                : throw new InputException(Invariant($"{path}: is larger than a reproducer can be, {MaximumSize} bytes"));
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {problem.Message}");
        }
    }

    private static byte[] BytesOf(Reproducer reproducer)
    {
        using var bytes = new MemoryStream();
        Line(Magic, Invariant($"{Format}; 'scenariohv run' with this file replays the history in it"));
        Line("version", reproducer.Version);
        Line("build", reproducer.Build);
        if (reproducer.Cell is { } cell)
        {
            Line("cell", cell);
        }

        foreach (var setting in reproducer.Overrides)
        {
            Line("set", $"{setting.Point}={setting.Value}");
        }

        foreach (var part in reproducer.Without)
        {
            Line("without", part);
        }

        Line("shows", reproducer.Shows.ToString());
        Line("schedule", reproducer.Schedule.ToString());
        Line("trace", reproducer.TraceHash);
        foreach (var part in reproducer.Parts)
        {
            Line("file", Invariant($"{part.Bytes.Length} bytes, {part.Name}"));
            bytes.Write(part.Bytes);
            bytes.Write("\n"u8);
        }

        Line("sha256", Convert.ToHexStringLower(SHA256.HashData(bytes.GetBuffer().AsSpan(0, (int)bytes.Length))));
        return bytes.ToArray();

        void Line(string word, string text) => bytes.Write(Utf8.GetBytes($"{word}: {text}\n"));
    }

    /// <summary>Goes through the bytes of a file, line by line.</summary>
    private sealed class Reader(string path, byte[] bytes)
    {
        private const string Sum = "sha256: ";
        private const int SumLength = 8 + 64 + 1;

        private readonly List<ReproducerPart> _parts = [];
        private readonly Dictionary<string, List<string>> _lines = new(StringComparer.Ordinal);
        private int _at;

        public Reproducer Read()
        {
            RequireFormat();
            RequireSum();
            var end = bytes.Length - SumLength;
            while (_at < end)
            {
                var (word, text) = Line(end);
                if (word == "file")
                {
                    _parts.Add(Part(text, end));
                }
                else
                {
                    if (!_lines.TryGetValue(word, out var texts))
                    {
                        _lines.Add(word, texts = []);
                    }

                    texts.Add(text);
                }
            }

            return Whole();
        }

        private void RequireFormat()
        {
            var (word, text) = Line(bytes.Length);
            if (word != Magic)
            {
                throw new InputException($"{path}: is no reproducer: it does not begin with '{Magic}:'");
            }

            var number = text.Split(';')[0];
            if (number != Invariant($"{Format}"))
            {
                throw new InputException(
                    Invariant($"{path}: is a reproducer of format '{Short(number)}', and this version reads format {Format}"));
            }
        }

        private void RequireSum()
        {
            var end = bytes.Length - SumLength;
            if (end < _at || !bytes.AsSpan(end).StartsWith(Utf8.GetBytes(Sum)) || bytes[^1] != '\n')
            {
                throw new InputException($"{path}: the reproducer is cut off: its last line, 'sha256:', is missing");
            }

            var sum = Convert.ToHexStringLower(SHA256.HashData(bytes.AsSpan(0, end)));
            if (!bytes.AsSpan(end + Sum.Length, sum.Length).SequenceEqual(Utf8.GetBytes(sum)))
            {
                throw new InputException($"{path}: the reproducer is damaged, or was changed: its SHA-256 is not the one in its last line");
            }
        }

        private (string Word, string Text) Line(int end)
        {
            var length = bytes.AsSpan(_at, end - _at).IndexOf((byte)'\n');
            var line = Text(bytes.AsSpan(_at, length < 0 ? Math.Min(end - _at, 200) : length));
            _at = length < 0 ? end : _at + length + 1;
            var colon = line.IndexOf(": ", StringComparison.Ordinal);
            return colon < 0 ? ("", line) : (line[..colon], line[(colon + 2)..]);
        }

        private string Text(ReadOnlySpan<byte> text)
        {
            try
            {
                return Utf8.GetString(text);
            }
            catch (DecoderFallbackException)
            {
                throw Malformed("a line is not UTF-8 text");
            }
        }

        private ReproducerPart Part(string text, int end)
        {
            var middle = text.IndexOf(" bytes, ", StringComparison.Ordinal);
            if (middle < 0 || !int.TryParse(text.AsSpan(0, middle), NumberStyles.None, CultureInfo.InvariantCulture, out var length)
                || length > end - _at - 1)
            {
                throw Malformed($"expected 'file: <number> bytes, <name>', found '{Short(text)}'");
            }

            var name = text[(middle + 8)..];
            if (!IsBelow(name) || _parts.Exists(part => part.Name == name))
            {
                throw Malformed($"'{Short(name)}' is no name of a file in it");
            }

            var part = new ReproducerPart(name, bytes[_at..(_at + length)]);
            _at += length + 1;
            return part;
        }

        /// <summary>True for a relative path that leads nowhere else on any system.</summary>
        private static bool IsBelow(string name) =>
            name.Split('/') is var parts
            && parts.All(part => part.Length > 0 && part is not ("." or ".."))
            && !name.Any(character => char.IsControl(character) || character is '\\' or ':' or '"');

        private Reproducer Whole() => new()
        {
            Version = One("version"),
            Build = One("build"),
            Cell = All("cell") is { Count: > 0 } cells ? cells[0] : null,
            Overrides = [.. All("set").Select(SettingOverride.Parse)],
            Without = All("without"),
            Shows = Expected(One("shows")),
            Schedule = History(One("schedule")),
            TraceHash = One("trace"),
            Parts = _parts.Count > 0 ? _parts : throw Malformed("it holds no scenario"),
        };

        private List<string> All(string word) => _lines.TryGetValue(word, out var texts) ? texts : [];

        private string One(string word) => All(word) is [var text] ? text : throw Malformed($"expected one line '{word}:'");

        private Expectation Expected(string text)
        {
            var name = text.Split('(')[0];
            var index = Expectation.OutcomeNames.ToList().IndexOf(name);
            var property = text.Length > name.Length + 2 ? text[(name.Length + 1)..^1] : null;
            return index >= 0 ? new Expectation((Outcome)index, property) : throw Malformed($"'{Short(text)}' is no outcome");
        }

        private Schedule History(string text)
        {
            try
            {
                return Schedule.Parse(text);
            }
            catch (ScheduleException problem)
            {
                throw Malformed(problem.Message);
            }
        }

        private InputException Malformed(string what) => new($"{path}: the reproducer cannot be read: {what}");

        private static string Short(string text) =>
            string.Concat(text.Take(60).Select(character => char.IsControl(character) ? '?' : character)) + (text.Length > 60 ? "..." : "");
    }
}
