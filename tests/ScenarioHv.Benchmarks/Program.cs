using BenchmarkDotNet.Running;
using ScenarioHv.Benchmarks;

// dotnet run -c Release --project tests/ScenarioHv.Benchmarks -- --filter '*'
// dotnet run -c Release --project tests/ScenarioHv.Benchmarks -- explore [most states of a search, or all] [part of a system's name]
// dotnet run -c Release --project tests/ScenarioHv.Benchmarks -- start-up EXECUTABLE [rounds]     (of a build, or of the installed tool)
if (args is ["start-up", var command, ..])
{
    StartUpBenchmark.Run(command, args.Length < 3 ? 15 : int.Parse(args[2], System.Globalization.CultureInfo.InvariantCulture));
}
else if (args is ["explore", ..])
{
    var mostStates = args.Length < 2 ? 2_000_000
        : args[1] == "all" ? long.MaxValue
        : long.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture);
    ExploreBenchmark.Run(mostStates, args.Length > 2 ? args[2] : string.Empty);
}
else
{
    BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
}
