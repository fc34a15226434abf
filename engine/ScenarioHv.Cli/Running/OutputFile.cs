using System.Text;

namespace ScenarioHv.Cli.Running;

/// <summary>
/// A file that appears only when it is complete: it is written beside its place and renamed. What was there before stays until then.
/// </summary>
internal sealed class TraceFile : IDisposable
{
    private readonly string _path;
    private readonly string _temporary;
    private readonly StreamWriter _writer;
    private readonly ConsoleCancelEventHandler _onCancel;

    /// <summary>Opens the temporary file.</summary>
    /// <exception cref="FileProblem">It cannot be created.</exception>
    public TraceFile(string path)
    {
        _path = path;
        try
        {
            var full = Path.GetFullPath(path);
            if (Directory.Exists(full))
            {
                throw new FileProblem($"--trace {path}: is a folder");
            }

            _temporary = Path.Combine(Path.GetDirectoryName(full)!, $".{Path.GetFileName(full)}.{Environment.ProcessId}.tmp");
            _writer = new StreamWriter(_temporary, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), 1 << 16);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new FileProblem($"--trace {path}: cannot be written: {problem.Message}");
        }

        _onCancel = (_, _) => File.Delete(_temporary);
        Console.CancelKeyPress += _onCancel;
    }

    /// <summary>Takes the text.</summary>
    public TextWriter Writer => _writer;

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
            throw new FileProblem($"--trace {_path}: cannot be written: {problem.Message}");
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
}
