using System.ComponentModel;
using System.Diagnostics;

namespace ScenarioHv.Benchmarks;

/// <summary>Spin on the Promela model of the small system (lost-ipi.pml), where Spin and a C compiler are installed.</summary>
internal static class SpinPeer
{
    /// <summary>Generates, compiles and runs the verifier, and prints what it says of its states and its rate.</summary>
    public static void Print(int senders, int ipis)
    {
        var folder = Directory.CreateTempSubdirectory("scenariohv-spin");
        try
        {
            var model = Path.Combine(AppContext.BaseDirectory, "lost-ipi.pml");
            if (Output(folder, "spin", "-a", $"-DSENDERS={senders}", $"-DIPIS={ipis}", model) is null
                || Output(folder, "cc", "-O2", "-DSAFETY", "-o", "pan", "pan.c") is null)
            {
                Console.WriteLine("  Spin: not measured, since spin or cc is not installed.");
                return;
            }

            var report = Output(folder, Path.Combine(folder.FullName, "pan"), "-m100000", "-w22") ?? string.Empty;
            string[] wanted = ["states, stored", "transitions (", "elapsed time", "rate"];
            var lines = report.Split('\n').Where(line => wanted.Any(line.Contains))
                .Select(line => line.Replace("pan: ", string.Empty, StringComparison.Ordinal).Trim());
            Console.WriteLine($"  Spin: {string.Join("; ", lines)}");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string? Output(DirectoryInfo folder, string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments)
            {
                WorkingDirectory = folder.FullName,
                RedirectStandardOutput = true,
            })!;
            var text = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? text : null;
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
