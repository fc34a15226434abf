using BenchmarkDotNet.Attributes;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Exploration;
using ScenarioHv.Scenarios;
using ScenarioHv.Scenarios.Assembly;
using ScenarioHv.Scripting;

namespace ScenarioHv.Benchmarks;

/// <summary>
/// Steps of the hyperv-hang machine under QEMU's delayed EOI, which takes about 290 000 of them. Plain steps are the baseline; the run that
/// looks for a recurrence after every one of them pays for writing and comparing the normal form.
/// </summary>
[MemoryDiagnoser]
public class Runs
{
    private const int Steps = 100_000;
    private Board _board = null!;

    /// <summary>Reads the scenario and compiles its scripts.</summary>
    [GlobalSetup]
    public void Setup()
    {
        var file = Path.Combine(AppContext.BaseDirectory, "scenarios", "hyperv-hang.yaml");
        var document = ScenarioReader.Read(file, EngineVocabulary.Instance);
        var scenario = document.Cells.Single(cell => cell.Name == "QEMU 4.1").Scenario;
        _board = new Board(MachineAssembly.Build(scenario, new Loader()));
    }

    /// <summary>Steps alone.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = Steps)]
    public long PlainSteps()
    {
        var engine = new StepEngine(_board);
        var machine = engine.Create();
        for (var i = 0; i < Steps; i++)
        {
            engine.Step(machine, engine.Next(machine)!);
        }

        return machine.Now;
    }

    /// <summary>A run with its search for a recurrence.</summary>
    [Benchmark(OperationsPerInvoke = Steps)]
    public long RunWithProof() => new Runner(_board, new RunLimits { Steps = Steps }).Run().Cycles;

    /// <summary>A fork and its fingerprint.</summary>
    [Benchmark(OperationsPerInvoke = Steps)]
    public ulong ForkAndHash()
    {
        var machine = new StepEngine(_board).Create();
        var fork = machine.Fork();
        var scratch = new byte[_board.Layout.Size];
        var normal = NormalForm.Of(_board.Layout);
        ulong hash = 0;
        for (var i = 0; i < Steps; i++)
        {
            fork.CopyFrom(machine);
            hash ^= normal.Hash(fork, scratch);
        }

        return hash;
    }

    private sealed class Loader : IGuestLoader
    {
        private readonly ScriptLoader _scripts = new(new ScriptCache(null));

        public GuestProgram Load(string path, IReadOnlyDictionary<string, long> parameters) => _scripts.Load(path, parameters);
    }
}
