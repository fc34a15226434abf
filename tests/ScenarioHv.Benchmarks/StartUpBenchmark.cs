using System.Diagnostics;
using System.Globalization;

namespace ScenarioHv.Benchmarks;

/// <summary>
/// How long a whole process takes to run a scenario, against one that does nothing: with scripts from the cache, and with a cache that is
/// empty. The processes take turns, so that a change of the machine's speed meets all of them.
/// </summary>
internal static class StartUpBenchmark
{
    private const string Scenario = "hyperv-hang.yaml";
    private const string Project = """
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <OutputType>Exe</OutputType>
            <TargetFramework>net10.0</TargetFramework>
            <InvariantGlobalization>true</InvariantGlobalization>
          </PropertyGroup>
        </Project>
        """;

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
                ("empty program", () => { }, new ProcessStartInfo(Empty(folder))),
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
        Console.WriteLine($"{"process",-18}{"least ms",10}{"median ms",11}{"of least",10}{"of median",11}");
        foreach (var (name, each) in names.Zip(times))
        {
            var (least, median) = (each.Min(), Median(each));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{name,-18}{least,10:f1}{median,11:f1}{least / times[0].Min(),9:f1}x{median / Median(times[0]),10:f1}x"));
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

    /// <summary>Builds a program whose Main does nothing.</summary>
    private static string Empty(string folder)
    {
        var project = Directory.CreateDirectory(Path.Combine(folder, "empty")).FullName;
        File.WriteAllText(Path.Combine(project, "empty.csproj"), Project);
        File.WriteAllText(Path.Combine(project, "Program.cs"), "static class Program { static void Main() { } }\n");
        Milliseconds(new ProcessStartInfo("dotnet")
        {
            ArgumentList = { "build", project, "-c", "Release", "-v", "q", "-o", Path.Combine(project, "out") },
        });
        return Path.Combine(project, "out", OperatingSystem.IsWindows() ? "empty.exe" : "empty");
    }

    private static void Delete(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
