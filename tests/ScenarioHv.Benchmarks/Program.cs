using BenchmarkDotNet.Running;

// dotnet run -c Release --project tests/ScenarioHv.Benchmarks -- --filter '*'
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
