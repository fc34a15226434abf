using System.Diagnostics;
using System.Globalization;

namespace ScenarioHv.Benchmarks;

/// <summary>
/// How long a whole process takes to run a scenario, with scripts from the cache and with a cache that is empty, against two programs: what
/// 'dotnet new console' makes, which writes a line, and a Main without a statement, with less of the runtime than a program has by itself.
/// The processes take turns, so that a change of the machine's speed meets all of them.
/// </summary>
internal static class StartUpBenchmark
{
    private const string Scenario = "hyperv-hang.yaml";
    private const string Properties = "<OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework>";
    private const string Invariant = "<InvariantGlobalization>true</InvariantGlobalization>";
    private const string Usings = "<ImplicitUsings>enable</ImplicitUsings>";
    private const int Baselines = 2;

    /// <summary>Measures and prints.</summary>
    /// <param name="command">The executable: of a build, or that of the installed tool.</param>
    /// <param name="rounds">How often each process is started.</param>
    public static void Run(string command, int rounds)
    {
        var folder = Directory.CreateTempSubdirectory("scenariohv-start-up-").FullName;
        try
        {
            var (warm, cold) = (Path.Combine(folder, "warm"), Path.Combine(folder, "cold"));
            (string Name, Action Prepare, ProcessStartInfo Start)[] processes =
            [
                ("new console", () => { }, Built(folder, "console", Usings, "Console.WriteLine(\"Hello, World!\");")),
                ("empty Main", () => { }, Built(folder, "empty", Invariant, "static class Program { static void Main() { } }")),
                ("run, warm cache", () => { }, Command(command, warm)),
                ("run, empty cache", () => Delete(cold), Command(command, cold)),
            ];
            var times = processes.Select(_ => new List<double>()).ToArray();
            for (var round = -1; round < rounds; round++)
            {
                for (var i = 0; i < processes.Length; i++)
                {
                    processes[i].Prepare();
                    var milliseconds = Milliseconds(processes[i].Start);
                    if (round >= 0)
                    {
                        times[i].Add(milliseconds);
                    }
                }
            }

            Print(processes.Select(process => process.Name), times);
        }
        finally
        {
            Delete(folder);
        }
    }

    private static void Print(IEnumerable<string> names, List<double>[] times)
    {
        Console.WriteLine($"{"process",-18}{"least ms",10}{"median ms",11}{"of new console",20}{"of empty Main",20}");
        foreach (var (name, each) in names.Zip(times))
        {
            var ratios = times.Take(Baselines).Select(other => string.Create(
                CultureInfo.InvariantCulture, $"{each.Min() / other.Min():f2}x, {Median(each) / Median(other):f2}x"));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{name,-18}{each.Min(),10:f1}{Median(each),11:f1}")
                + string.Concat(ratios.Select(ratio => ratio.PadLeft(20))));
        }
    }

    private static double Median(List<double> times) => times.Order().ElementAt(times.Count / 2);

    private static double Milliseconds(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = true;
        var began = Stopwatch.GetTimestamp();
        using var process = Process.Start(start)!;
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? Stopwatch.GetElapsedTime(began).TotalMilliseconds
            : throw new InvalidOperationException($"{start.FileName} ended with {process.ExitCode}.");
    }

    private static ProcessStartInfo Command(string command, string cache)
    {
        var start = new ProcessStartInfo(command) { ArgumentList = { "run", Scenario } };
        start.Environment["SCENARIOHV_CACHE"] = cache;
        return start;
    }

    /// <summary>Builds a program of one file.</summary>
    private static ProcessStartInfo Built(string folder, string name, string property, string program)
    {
        var project = Directory.CreateDirectory(Path.Combine(folder, name)).FullName;
        File.WriteAllText(
            Path.Combine(project, name + ".csproj"),
            $"<Project Sdk=\"Microsoft.NET.Sdk\"><PropertyGroup>{Properties}{property}</PropertyGroup></Project>");
        File.WriteAllText(Path.Combine(project, "Program.cs"), program + "\n");
        Milliseconds(new ProcessStartInfo("dotnet")
        {
            ArgumentList = { "build", project, "-c", "Release", "-v", "q", "-o", Path.Combine(project, "out") },
        });
        return new ProcessStartInfo(Path.Combine(project, "out", OperatingSystem.IsWindows() ? name + ".exe" : name));
    }

    private static void Delete(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
