using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Net.Sockets;
using ScenarioHv.Conformance;

namespace ScenarioHv.Witnesses;

/// <summary>
/// A QEMU process whose CPU never runs: it is started stopped (<c>-S</c>), and only its devices are used. It has two sockets, one for its
/// monitor and one for its test protocol, and a standard error on which all that it sends is told in order.
/// </summary>
/// <remarks>
/// The sockets are abstract, so that no file is ever left. A shell stands between: it reads a pipe of ours that nobody writes, and
/// when that ends, as it does however our process ends, it kills QEMU, which by itself would live on without its peers.
/// </remarks>
internal sealed class QemuProcess : IDisposable
{
    /// <summary>How long an exchange may take, in milliseconds. They take less than one; this is for a machine under load.</summary>
    public const int ExchangeTimeout = 10_000;

    private const int StartTimeout = 30_000;
    private const int PollMicroseconds = 20_000;
    private const int KeptLines = 8;
    private const string Guard =
        "trap '' HUP INT QUIT TERM; \"$@\" </dev/null & qemu=$!; exec >/dev/null 2>&1; read -r _; kill -9 $qemu; wait $qemu";

    private readonly Process shell;
    private readonly BlockingCollection<string> lines = [];
    private readonly Queue<string> lastLines = [];
    private bool isDisposed;

    private QemuProcess(Process shell)
    {
        this.shell = shell;
        var reader = new Thread(ReadLines) { IsBackground = true, Name = "QEMU's standard error" };
        reader.Start();
    }

    /// <summary>The monitor's socket.</summary>
    public Socket MonitorSocket { get; private set; } = null!;

    /// <summary>The test protocol's socket.</summary>
    public Socket TestSocket { get; private set; } = null!;

    /// <summary>Starts one and waits until it is connected.</summary>
    /// <param name="executable">The program's path.</param>
    /// <exception cref="WitnessUnavailableException">It does not start.</exception>
    public static QemuProcess Start(string executable)
    {
        string name = $"scenariohv-{Environment.ProcessId}-{Guid.NewGuid():N}";
        using Socket monitor = Listen($"{name}-qmp");
        using Socket test = Listen($"{name}-qtest");
        var process = new QemuProcess(Launch(executable, name));
        try
        {
            long deadline = Environment.TickCount64 + StartTimeout;
            process.TestSocket = process.Accept(test, deadline);
            process.MonitorSocket = process.Accept(monitor, deadline);
            return process;
        }
        catch
        {
            process.Dispose();
            throw;
        }
    }

    /// <summary>The next line of the standard error.</summary>
    /// <exception cref="WitnessException">There is none in time, or the process has ended.</exception>
    public string ReadLine()
    {
        if (!lines.TryTake(out string? line, ExchangeTimeout))
            throw Failure(lines.IsCompleted ? "QEMU has ended" : "QEMU does not answer");
        Keep(line);
        return line;
    }

    /// <summary>Ends the process, which does not do as it should: nothing will wait for it again.</summary>
    /// <param name="message">What is wrong.</param>
    /// <param name="inner">What was found.</param>
    /// <returns>What to throw.</returns>
    public WitnessException Failure(string message, Exception? inner = null)
    {
        string said = Said();
        Dispose();
        return new WitnessException($"{message}{said}", inner);
    }

    /// <summary>Ends the process.</summary>
    public void Dispose()
    {
        if (isDisposed)
            return;
        isDisposed = true;
        MonitorSocket?.Dispose();
        TestSocket?.Dispose();
        try
        {
            shell.StandardInput.Close();
        }
        catch (IOException)
        {
            // The shell has ended before us.
        }

        shell.WaitForExit(ExchangeTimeout);
        shell.Dispose();
    }

    private static Process Launch(string executable, string name)
    {
        var start = new ProcessStartInfo("/bin/sh")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        string[] arguments =
        [
            "-c", Guard, "sh", executable,
            "-machine", "pc", "-accel", "tcg", "-m", "1M", "-S", "-nodefaults", "-no-user-config", "-display", "none",
            "-trace", QemuOutput.MessageEvent,
            "-qtest", $"unix:{name}-qtest,abstract=on",
            "-chardev", $"socket,id=monitor,path={name}-qmp,abstract=on", "-mon", "chardev=monitor,mode=control",
        ];
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception error)
        {
            throw new WitnessUnavailableException($"/bin/sh, which guards QEMU, does not start: {error.Message}");
        }
    }

    // A name that begins with NUL is in the abstract namespace of Linux.
    private static Socket Listen(string name)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint($"\0{name}"));
        socket.Listen(1);
        return socket;
    }

    private Socket Accept(Socket listener, long deadline)
    {
        while (!listener.Poll(PollMicroseconds, SelectMode.SelectRead))
        {
            if (lines.IsAddingCompleted)
                throw new WitnessUnavailableException($"QEMU does not start{Said()}");
            if (Environment.TickCount64 > deadline)
                throw new WitnessUnavailableException($"QEMU does not connect within {StartTimeout / 1000} seconds{Said()}");
        }

        return listener.Accept();
    }

    private void ReadLines()
    {
        try
        {
            while (shell.StandardError.ReadLine() is { } line)
                lines.Add(line);
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // It is being disposed of.
        }

        lines.CompleteAdding();
    }

    private void Keep(string line)
    {
        lastLines.Enqueue(line);
        if (lastLines.Count > KeptLines)
            lastLines.Dequeue();
    }

    // What it wrote last, which is where it says why it gave up.
    private string Said()
    {
        while (lines.TryTake(out string? line))
            Keep(line);
        return lastLines.Count == 0 ? "" : $": {string.Join(" / ", lastLines)}";
    }
}
