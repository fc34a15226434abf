using BenchmarkDotNet.Running;
using ScenarioHv.Benchmarks;

// dotnet run -c Release --project tests/ScenarioHv.Benchmarks -- --filter '*'
// dotnet run -c Release --project tests/ScenarioHv.Benchmarks -- explore [most states of a search]
if (args is ["explore", ..])
{
    ExploreBenchmark.Run(args.Length > 1 ? long.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture) : 5_000_000);
}
else
{
    BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
}
