using System.Text;

namespace ScenarioHv.Scenarios.Yaml;

/// <summary>Reads a file that must be text: size first, then bytes, then characters.</summary>
public static class SourceFile
{
    /// <summary>The file's text, without a byte order mark.</summary>
    /// <param name="path">The path as the author will see it in errors.</param>
    /// <exception cref="ScenarioException">It is missing, a directory, too large, unreadable, or not UTF-8 text.</exception>
    public static string ReadText(string path)
    {
        var start = SourceMark.StartOf(path);
        try
        {
            if (Directory.Exists(path))
                throw start.Error("is a directory, expected a scenario file");
            if (!File.Exists(path))
                throw start.Error("the scenario file does not exist");
            return Decode(path, ReadBytes(path, start));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw start.Error($"the scenario file cannot be read: {error.Message}");
        }
    }

    private static ReadOnlySpan<byte> ReadBytes(string path, SourceMark start)
    {
        var length = new FileInfo(path).Length;
        if (length > YamlLimits.FileBytes)
            throw start.Error($"the file has {length} bytes; a scenario has at most {YamlLimits.FileBytes}");

        // A pipe or a device says 0 and may never end, so the limit holds for what is read as well.
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        var bytes = new byte[Math.Max(length + 1, 4096)];
        var count = 0;
        for (int read; (read = stream.Read(bytes, count, bytes.Length - count)) > 0;)
        {
            count += read;
            if (count > YamlLimits.FileBytes)
                throw start.Error($"the file has more than {YamlLimits.FileBytes} bytes, the most a scenario may have");
            if (count == bytes.Length)
                Array.Resize(ref bytes, bytes.Length * 2);
        }
        return bytes.AsSpan(0, count);
    }

    private static string Decode(string path, ReadOnlySpan<byte> bytes)
    {
        for (var offset = 0; offset < bytes.Length; offset++)
        {
            if (bytes[offset] is (< 0x20 and not (byte)'\t' and not (byte)'\n' and not (byte)'\r') or 0x7f)
                throw MarkOf(path, bytes, offset).Error($"not a text file: byte 0x{bytes[offset]:x2} at offset {offset}");
        }

        var rest = bytes.StartsWith("\uFEFF"u8) ? bytes[3..] : bytes;
        for (var remaining = rest; !remaining.IsEmpty;)
        {
            if (Rune.DecodeFromUtf8(remaining, out _, out var consumed) != System.Buffers.OperationStatus.Done)
            {
                var offset = bytes.Length - remaining.Length;
                throw MarkOf(path, bytes, offset).Error($"not a text file: byte 0x{bytes[offset]:x2} at offset {offset} is not UTF-8");
            }
            remaining = remaining[consumed..];
        }
        return Encoding.UTF8.GetString(rest);
    }

    private static SourceMark MarkOf(string path, ReadOnlySpan<byte> bytes, int offset)
    {
        var before = bytes[..offset];
        var line = before.Count((byte)'\n') + 1;
        var column = 1;
        foreach (var value in before[(before.LastIndexOf((byte)'\n') + 1)..])
            column += (value & 0xc0) == 0x80 ? 0 : 1;
        return new SourceMark(path, line, column);
    }
}
