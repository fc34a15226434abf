using System.IO.Compression;
using System.IO.Enumeration;
using System.Text;
using System.Text.Json;

namespace ScenarioHv.Conformance;

/// <summary>One file of recordings.</summary>
/// <param name="Path">Its path, as it was given or found.</param>
/// <param name="Recordings">Its cases, in its order.</param>
public sealed record RecordingFile(string Path, IReadOnlyList<Recording> Recordings);

/// <summary>
/// Reads recordings: JSON Lines, one case a line, plain (<c>.jsonl</c>) or compressed (<c>.jsonl.gz</c>). Members that a replay does not
/// need (<c>src</c>, <c>tags</c>) are passed over.
/// </summary>
public static class RecordingReader
{
    /// <summary>The longest line, in characters.</summary>
    public const int MaxLine = 4 << 20;

    /// <summary>The largest number of operations in a case.</summary>
    public const int MaxOps = 100_000;

    /// <summary>The largest number of cases in a file.</summary>
    public const int MaxCases = 1_000_000;

    private const string Plain = ".jsonl";
    private const string Compressed = ".jsonl.gz";

    /// <summary>Reads files, and the recordings that lie in folders and the folders below, these by name.</summary>
    /// <param name="paths">Files and folders.</param>
    /// <exception cref="RecordingException">A path cannot be read, a folder has no recordings, or a line is no case.</exception>
    public static IReadOnlyList<RecordingFile> Read(IEnumerable<string> paths) => [.. paths.SelectMany(Files).Select(ReadFile)];

    /// <summary>Reads one file.</summary>
    /// <param name="path">The file; its name says whether it is compressed.</param>
    /// <exception cref="RecordingException">It cannot be read, has no cases, or a line is no case.</exception>
    public static RecordingFile ReadFile(string path)
    {
        try
        {
            using FileStream raw = File.OpenRead(path);
            using Stream text = path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(raw, CompressionMode.Decompress) : raw;
            using var reader = new StreamReader(text, new UTF8Encoding(false, throwOnInvalidBytes: true));
            return new RecordingFile(path, Read(reader, path));
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or InvalidDataException or ArgumentException)
        {
            throw new RecordingException($"{path}: {problem.Message}", problem);
        }
    }

    /// <summary>Reads cases.</summary>
    /// <param name="reader">The text.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="RecordingException">There are no cases, or a line is no case.</exception>
    public static IReadOnlyList<Recording> Read(TextReader reader, string name)
    {
        var cases = new List<Recording>();
        var line = new StringBuilder();
        for (int number = 1; TryReadLine(reader, line, $"{name}:{number}"); number++)
        {
            if (string.IsNullOrWhiteSpace(line.ToString()))
                continue;
            if (cases.Count == MaxCases)
                throw new RecordingException($"{name}:{number}: more than {MaxCases} cases");
            cases.Add(Parse(line.ToString(), $"{name}:{number}"));
        }

        return cases.Count > 0 ? cases : throw new RecordingException($"{name}: no recordings");
    }

    /// <summary>Reads one case.</summary>
    /// <param name="line">The JSON object.</param>
    /// <param name="source">What messages call it.</param>
    /// <exception cref="RecordingException">It is no case.</exception>
    public static Recording Parse(string line, string source)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(line);
            return Case(json.RootElement, source);
        }
        catch (JsonException problem)
        {
            throw new RecordingException($"{source}: not JSON: column {problem.BytePositionInLine + 1}", problem);
        }
        catch (FormatException problem)
        {
            throw new RecordingException($"{source}: {problem.Message}", problem);
        }
    }

    private static string[] Files(string path)
    {
        if (!Directory.Exists(path))
            return [path];
        try
        {
            string[] files = [.. Below(path).Order(StringComparer.Ordinal)];
            return files.Length > 0 ? files : throw new RecordingException($"{path}: no file ends with {Plain} or {Compressed}");
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new RecordingException($"{path}: {problem.Message}", problem);
        }
    }

    // A symbolic link to a folder is not followed: it could lead back.
    private static FileSystemEnumerable<string> Below(string folder) =>
        new(
            folder,
            (ref FileSystemEntry entry) => entry.ToSpecifiedFullPath(),
            new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = false, AttributesToSkip = FileAttributes.None })
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory && IsRecording(entry.FileName),
            ShouldRecursePredicate = (ref FileSystemEntry entry) => (entry.Attributes & FileAttributes.ReparsePoint) == 0,
        };

    private static bool IsRecording(ReadOnlySpan<char> name) => name.EndsWith(Plain) || name.EndsWith(Compressed);

    // StreamReader.ReadLine has no limit: a compressed file could ask for any amount of memory.
    private static bool TryReadLine(TextReader reader, StringBuilder line, string source)
    {
        line.Clear();
        int character;
        while ((character = reader.Read()) >= 0 && character != '\n')
        {
            if (line.Length == MaxLine)
                throw new RecordingException($"{source}: a line of more than {MaxLine} characters");
            line.Append((char)character);
        }

        return character >= 0 || line.Length > 0;
    }

    private static Recording Case(JsonElement root, string source)
    {
        JsonElement setup = Member(root, "setup", JsonValueKind.Object);
        int cpus = Number(setup, "vcpus", 1, Recording.MaxCpus);
        string[] ops = Strings(root, "ops");
        string[] log = Strings(root, "log");
        if (ops.Length != log.Length)
            throw new FormatException($"{ops.Length} ops, but {log.Length} entries in the log");
        return new Recording(
            Member(root, "name", JsonValueKind.String).GetString()!,
            source,
            cpus,
            Number(setup, "x2apic", 0, 1) == 1,
            [.. ops.Select((op, i) => ParseOp(op, i, cpus))],
            log);
    }

    private static RecordedOp ParseOp(string text, int index, int cpus)
    {
        try
        {
            return RecordedOp.Parse(text, cpus);
        }
        catch (FormatException problem)
        {
            throw new FormatException($"op {index}: {problem.Message}", problem);
        }
    }

    private static JsonElement Member(JsonElement parent, string name, JsonValueKind kind)
    {
        if (parent.ValueKind != JsonValueKind.Object || !parent.TryGetProperty(name, out JsonElement member) || member.ValueKind != kind)
            throw new FormatException($"expected a member \"{name}\" ({kind})");
        return member;
    }

    private static int Number(JsonElement parent, string name, int min, int max)
    {
        if (!Member(parent, name, JsonValueKind.Number).TryGetInt32(out int value) || value < min || value > max)
            throw new FormatException($"\"{name}\" is {min}..{max}");
        return value;
    }

    private static string[] Strings(JsonElement root, string name)
    {
        JsonElement array = Member(root, name, JsonValueKind.Array);
        if (array.GetArrayLength() > MaxOps)
            throw new FormatException($"\"{name}\" has more than {MaxOps} entries");
        return [.. array.EnumerateArray().Select(entry => entry.ValueKind == JsonValueKind.String
            ? entry.GetString()!
            : throw new FormatException($"\"{name}\" has an entry that is no string"))];
    }
}
