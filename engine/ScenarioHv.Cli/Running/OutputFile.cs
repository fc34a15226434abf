using System.Text;

namespace ScenarioHv.Cli.Running;

/// <summary>
/// A file that appears only when it is complete: it is written beside its place and renamed. What was there before stays until then.
/// </summary>
internal sealed class OutputFile : IDisposable
{
    private readonly string _option;
    private readonly string _path;
    private readonly string _temporary;
    private readonly StreamWriter _writer;
    private readonly ConsoleCancelEventHandler _onCancel;

    /// <summary>Opens the temporary file.</summary>
    /// <param name="option">The option that asks for the file, for messages.</param>
    /// <param name="path">Its place.</param>
    /// <exception cref="FileProblem">It cannot be created.</exception>
    public OutputFile(string option, string path)
    {
        _option = option;
        _path = path;
        try
        {
            var full = Path.GetFullPath(path);
            if (Directory.Exists(full))
            {
                throw new FileProblem($"{option} {path}: is a folder");
            }

            _temporary = Path.Combine(Path.GetDirectoryName(full)!, $".{Path.GetFileName(full)}.{Environment.ProcessId}.tmp");
            _writer = new StreamWriter(_temporary, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), 1 << 16);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw Unwritable(problem);
        }

        _onCancel = (_, _) => File.Delete(_temporary);
        Console.CancelKeyPress += _onCancel;
    }

    /// <summary>Takes text.</summary>
    public TextWriter Writer => _writer;

    /// <summary>Writes a whole file of bytes.</summary>
    /// <exception cref="FileProblem">It cannot be written.</exception>
    public static void Write(string option, string path, ReadOnlySpan<byte> bytes)
    {
        using var file = new OutputFile(option, path);
        file.Complete(bytes);
    }

    /// <summary>The file is these bytes: puts it in its place.</summary>
    /// <exception cref="FileProblem">It cannot be written.</exception>
    public void Complete(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _writer.BaseStream.Write(bytes);
        }
        catch (IOException problem)
        {
            throw Unwritable(problem);
        }

        Complete();
    }

    /// <summary>The file is complete: puts it in its place.</summary>
    /// <exception cref="FileProblem">It cannot be written.</exception>
    public void Complete()
    {
        try
        {
            _writer.Dispose();
            File.Move(_temporary, _path, overwrite: true);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(problem);
        }
    }

    /// <summary>Removes what is not complete.</summary>
    public void Dispose()
    {
        Console.CancelKeyPress -= _onCancel;
        try
        {
            _writer.Dispose();
            File.Delete(_temporary);
        }
        catch (IOException)
        {
            // The disk is full or gone: the failure that led here is the one to report.
        }
    }

    private FileProblem Unwritable(Exception problem) => new($"{_option} {_path}: cannot be written: {problem.Message}");
}
