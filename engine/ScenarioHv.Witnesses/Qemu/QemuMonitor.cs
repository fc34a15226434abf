using System.IO.Pipes;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ScenarioHv.Conformance;

namespace ScenarioHv.Witnesses;

/// <summary>QEMU's monitor, in its machine protocol (QMP).</summary>
internal sealed class QemuMonitor : IDisposable
{
    private readonly QemuProcess process;
    private readonly NetworkStream stream;
    private readonly StreamReader reader;

    /// <summary>Greets it.</summary>
    /// <param name="process">The process.</param>
    /// <exception cref="WitnessException">It gives no greeting that is understood.</exception>
    public QemuMonitor(QemuProcess process)
    {
        this.process = process;
        stream = new NetworkStream(process.MonitorSocket) { ReadTimeout = QemuProcess.ExchangeTimeout };
        reader = new StreamReader(stream, Encoding.UTF8);
        JsonNode? version = Read()["QMP"]?["version"]?["qemu"];
        Version = $"{version?["major"]}.{version?["minor"]}.{version?["micro"]}";
        Execute("qmp_capabilities");
    }

    /// <summary>QEMU's version: <c>7.2.22</c>.</summary>
    public string Version { get; }

    /// <summary>Executes a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <returns>What it returns.</returns>
    /// <exception cref="WitnessException">It is refused, or there is no answer in time.</exception>
    public JsonNode Execute(string command, params (string Name, JsonNode Value)[] arguments) => Execute(command, arguments, out _);

    /// <summary>Resets the machine, and waits until that is done.</summary>
    /// <exception cref="WitnessException">There is no answer in time.</exception>
    public void Reset()
    {
        Execute("system_reset", [], out bool isDone);
        while (!isDone)
            isDone = IsReset(Read());
    }

    /// <summary>The state of all devices, as a migration has it.</summary>
    /// <returns>QEMU's migration stream, without memory.</returns>
    /// <exception cref="WitnessException">It is refused, or there is no answer in time.</exception>
    /// <remarks>The command was made for Xen and is in every x86 QEMU. It stops the machine, which is stopped already.</remarks>
    public byte[] SaveDevices()
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.In);
        Task<byte[]> saved = Task.Run(() => ReadAll(pipe));
        string path = $"/proc/{Environment.ProcessId}/fd/{pipe.GetClientHandleAsString()}";
        try
        {
            Execute("xen-save-devices-state", ("filename", path), ("live", false));
        }
        finally
        {
            pipe.DisposeLocalCopyOfClientHandle();
        }

        if (!saved.Wait(QemuProcess.ExchangeTimeout))
            throw process.Failure("QEMU does not end its saved state");
        return saved.Result;
    }

    /// <summary>Closes the connection.</summary>
    public void Dispose()
    {
        reader.Dispose();
        stream.Dispose();
    }

    private static byte[] ReadAll(AnonymousPipeServerStream pipe)
    {
        using var all = new MemoryStream();
        pipe.CopyTo(all);
        return all.ToArray();
    }

    private static bool IsReset(JsonNode line) => (string?)line["event"] == "RESET";

    private JsonNode Execute(string command, (string Name, JsonNode Value)[] arguments, out bool wasReset)
    {
        var values = new JsonObject();
        foreach ((string name, JsonNode value) in arguments)
            values[name] = value;
        Write(new JsonObject { ["execute"] = command, ["arguments"] = values });
        wasReset = false;
        while (true)
        {
            JsonNode line = Read();
            wasReset |= IsReset(line);
            if (line["error"] is { } error)
                throw new WitnessException($"QEMU refuses '{command}': {error["desc"]}");
            if (line["return"] is { } result)
                return result;
        }
    }

    private void Write(JsonObject line)
    {
        try
        {
            stream.Write(Encoding.UTF8.GetBytes($"{line.ToJsonString()}\n"));
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            throw process.Failure("QEMU's monitor is gone", error);
        }
    }

    private JsonNode Read()
    {
        try
        {
            string line = reader.ReadLine() ?? throw process.Failure("QEMU's monitor has ended");
            return JsonNode.Parse(line) as JsonObject ?? throw new WitnessException($"QEMU's monitor says '{line}'");
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            throw process.Failure("QEMU's monitor does not answer", error);
        }
        catch (JsonException error)
        {
            throw new WitnessException("QEMU's monitor gives an answer that is no JSON", error);
        }
    }
}
