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

    private static readonly string[] Commands = ["run", "matrix", "explore", "try", "check"];

    private readonly Thread? _thread;

    private FirstCalls(Thread? thread) => _thread = thread;

    /// <summary>Begins, if the command needs it.</summary>
    /// <param name="command">The first word of the command line; null for none.</param>
    public static FirstCalls For(string? command)
    {
        if (!Commands.Contains(command))
        {
            return new FirstCalls(null);
        }

        var thread = new Thread(Make) { IsBackground = true };
        thread.Start();
        return new FirstCalls(thread);
    }

    /// <summary>Waits for the end: a process does not end while a library is being loaded.</summary>
    public void Dispose() => _thread?.Join();

    private static void Make()
    {
        try
        {
            YamlReader.Read("", "a: [b, { c: \"d\" }]");
            RunIdleMachine();
        }
        catch (Exception)
        {
            // Who needs it in earnest meets the same, and can say what for.
        }
    }

    /// <summary>A machine whose guest does nothing.</summary>
    private static void RunIdleMachine()
    {
        using var hash = new TraceHash();
        var board = new Board(new MachineConfig { L1 = new GuestProgram("idle", static _ => default) });
        new Runner(board, new RunLimits { Steps = Steps }).Run(hash);
    }
}
