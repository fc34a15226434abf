using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Exploration;
using ScenarioHv.Scenarios.Yaml;
using ScenarioHv.Traces;

namespace ScenarioHv.Cli;

/// <summary>
/// A short run is mostly first calls: of libraries that are loaded, of types that are laid out. Those that every command with a scenario
/// makes are made on another thread while the command line and the scenario are read. Nothing comes of them but time.
/// </summary>
internal sealed class FirstCalls : IDisposable
{
    private const int Steps = 300;
    private const int Events = 60;
    private const int CycleWidth = 12;

    private static readonly string[] Commands = ["run", "matrix", "explore", "try", "check"];

    private readonly Thread? _thread;

    private FirstCalls(Thread? thread) => _thread = thread;

    /// <summary>Begins, if the command needs it, and if there is a processor to spare.</summary>
    /// <param name="command">The first word of the command line; null for none.</param>
    public static FirstCalls For(string? command)
    {
        if (Environment.ProcessorCount == 1 || !Commands.Contains(command))
        {
            return new FirstCalls(null);
        }

        var thread = new Thread(Try) { IsBackground = true };
        thread.Start();
        return new FirstCalls(thread);
    }

    /// <summary>Waits for the end: a process does not end while a library is being loaded.</summary>
    public void Dispose() => _thread?.Join();

    /// <summary>Makes the calls.</summary>
    public static void Make()
    {
        YamlReader.Read("", "a: [b, { c: \"d\" }]");
        RunMachine();
        WriteNothing();
    }

    private static void Try()
    {
        try
        {
            Make();
        }
        catch (Exception)
        {
            // Who needs it in earnest meets the same, and can say what for.
        }
    }

    /// <summary>
    /// A machine whose guest has a guest of its own, which does nothing, and a device that wants service. The digest is first: the names of
    /// scripts are digests too.
    /// </summary>
    private static void RunMachine()
    {
        using var hash = new TraceHash();
        hash.Digest();
        var last = new TraceRecorder(Events);
        var board = new Board(new MachineConfig
        {
            Devices = [new DeviceConfig("line", DeviceKind.Line) { Gsi = 23, Vector = 0x50 }],
            Timeline = [new StimulusConfig(0, StimulusAction.Raise, 0)],
            L1 = new GuestProgram("enters", Enter),
            L2 = new GuestProgram("idle", static _ => default),
        });
        new Runner(board, new RunLimits { Steps = Steps }).Run(TraceSinks.Tee([hash, last]));
        foreach (var e in last)
        {
            TextWriter.Null.WriteLine($"{e.Cycle,CycleWidth} {TraceEventText.Format(e, TraceDialects.Kvm616, TraceNames.None)}");
        }
    }

    private static async GuestTask Enter(Cpu cpu)
    {
        while (true)
        {
            await cpu.VmResume();
            await cpu.Eoi();
        }
    }

    /// <summary>With the first write the console is asked what it is.</summary>
    private static void WriteNothing()
    {
        using var output = Console.OpenStandardOutput();
        output.Write([]);
    }
}
