using System.Text;

namespace ScenarioHv.Scripting;

/// <summary>The text of a script file, and of those that it loads.</summary>
/// <param name="Name">The path as the caller gave it: what messages show.</param>
/// <param name="FullPath">The absolute path: what debug information names.</param>
/// <param name="Text">Its text, without a byte order mark.</param>
/// <param name="Bytes">The file as it is on disk.</param>
internal sealed record ScriptSource(string Name, string FullPath, string Text, byte[] Bytes)
{
    private const int MaximumSize = 1 << 20;

    /// <summary>
    /// The files that the script may load by <c>#load</c>, with those that these load, each once: every line is followed that looks like
    /// the directive, so that what the compilation depends on is known without the compiler. Empty for one that is loaded.
    /// </summary>
    public IReadOnlyList<ScriptSource> Helpers { get; private init; } = [];

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads the script at <paramref name="path"/> and what it loads.</summary>
    /// <param name="path">The file.</param>
    /// <param name="kind">What it is to be.</param>
    /// <exception cref="ScriptException">It is not there, cannot be read, or is not the text of a script.</exception>
    public static ScriptSource Read(string path, ScriptKind kind = ScriptKind.Guest)
    {
        var full = Path.GetFullPath(path);
        if (!File.Exists(full))
        {
            throw new ScriptException(path, Directory.Exists(full)
                ? "this is a folder; a script is a .csx file."
                : $"there is no such script{ScriptLoads.Instead(full)}");
        }

        var script = ReadFile(path, full);
        return string.IsNullOrWhiteSpace(script.Text)
            ? throw new ScriptException(path, $"the script is empty; {ScriptWords.Of(kind).Least}.")
            : script with { Helpers = ScriptLoads.Follow(script) };
    }

    /// <summary>Reads one file, which is there.</summary>
    /// <param name="path">What messages show.</param>
    /// <param name="full">Its absolute path.</param>
    /// <exception cref="ScriptException">It cannot be read, or is not the text of a script.</exception>
    public static ScriptSource ReadFile(string path, string full)
    {
        if (!CanBeNamed(full))
        {
            throw new ScriptException(path, "a script's path cannot contain quotes or control characters: debug information names it.");
        }

        var bytes = ReadBytes(path, full);
        return new ScriptSource(path, full, Decode(path, bytes), bytes);
    }

    private static bool CanBeNamed(string path)
    {
        foreach (var c in path)
        {
            if (c == '"' || char.IsControl(c))
            {
                return false;
            }
        }

        return true;
    }

    private static byte[] ReadBytes(string path, string full)
    {
        try
        {
            using var stream = new FileStream(full, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (!stream.CanSeek)
            {
                // Scripts are read once per machine that uses them; a pipe would give its text only to the first.
                throw new ScriptException(path, "this is a pipe or a device, expected a script file.");
            }

            if (stream.Length >= MaximumSize)
            {
                throw new ScriptException(path, $"the file has {stream.Length} bytes; a script has less than {MaximumSize}.");
            }

            // A device may have no length and never end, so the limit holds for what is read as well.
            var bytes = new byte[MaximumSize];
            var count = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return count < MaximumSize
                ? bytes[..count]
                : throw new ScriptException(path, $"the file has more bytes than a script may have, which is less than {MaximumSize}.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ScriptException(path, $"the script cannot be read: {error.Message}");
        }
    }

    private static string Decode(string path, byte[] bytes)
    {
        ReadOnlySpan<byte> content = bytes;
        content = content.StartsWith(Encoding.UTF8.Preamble) ? content[3..] : content;
        if (content.Contains((byte)0))
        {
            throw new ScriptException(path, "this is a binary file, not a script (it contains a zero byte; UTF-16 is refused too).");
        }

        try
        {
            return Utf8.GetString(content);
        }
        catch (DecoderFallbackException error)
        {
            throw new ScriptException(path, $"the script is not UTF-8 text (byte {error.Index} of the file); save it as UTF-8.");
        }
    }
}
