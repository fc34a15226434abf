using System.Text;

namespace ScenarioHv.Cli.Output;

/// <summary>
/// The process's streams. Text is UTF-8 with line feeds on every system; colour and progress are only for a person who watches.
/// </summary>
internal sealed class Terminal : IDisposable
{
    private Terminal(TextWriter output, TextWriter error, bool outIsWatched, bool errorIsWatched, int width)
    {
        Out = output;
        Error = error;
        OutIsWatched = outIsWatched;
        ErrorIsWatched = errorIsWatched;
        Width = width;
    }

    /// <summary>Standard output.</summary>
    public TextWriter Out { get; }

    /// <summary>Standard error.</summary>
    public TextWriter Error { get; }

    /// <summary>True if a person sees standard output as it is written, and wants colour.</summary>
    public bool OutIsWatched { get; }

    /// <summary>True if a person sees standard error as it is written, and wants colour.</summary>
    public bool ErrorIsWatched { get; }

    /// <summary>Columns for wrapped text.</summary>
    public int Width { get; }

    /// <summary>The streams of this process.</summary>
    public static Terminal OfProcess()
    {
        var colour = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
            && Environment.GetEnvironmentVariable("TERM") != "dumb";
        var watched = colour && !Console.IsOutputRedirected;
        return new Terminal(
            Writer(Console.OpenStandardOutput(), autoFlush: false),
            Writer(Console.OpenStandardError(), autoFlush: true),
            watched,
            colour && !Console.IsErrorRedirected,
            watched ? WidthOfConsole() : 100);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Out.Dispose();
        Error.Dispose();
    }

    private static StreamWriter Writer(Stream stream, bool autoFlush) =>
        new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { NewLine = "\n", AutoFlush = autoFlush };

    private static int WidthOfConsole()
    {
        try
        {
            return Math.Clamp(Console.WindowWidth, 60, 140);
        }
        catch (Exception problem) when (problem is IOException or PlatformNotSupportedException)
        {
            return 100;
        }
    }
}
