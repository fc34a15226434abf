using System.CommandLine;
using System.Diagnostics;
using System.IO.Pipes;
using System.Text;
using ScenarioHv.Cli.Output;
using ScenarioHv.Cli.Running;

namespace ScenarioHv.Cli.Commands;

/// <summary>
/// <c>--twice</c>: the same command in two processes whose runtimes are set up as differently as they can be. What they print and every
/// event of every cell has to be the same, for nothing but scenario and schedule may decide what a run does.
/// </summary>
internal static class TwiceCommand
{
    private const string Name = "--twice";

    private const int BufferSize = 1 << 16;

    /// <summary>Code that is compiled quickly and again when it is hot, and a collector that comes very often.</summary>
    private static readonly KeyValuePair<string, string>[] Tiered =
    [
        new("DOTNET_TieredCompilation", "1"),
        new("DOTNET_TieredPGO", "1"),
        new("DOTNET_gcServer", "0"),
        new("DOTNET_GCgen0size", "40000"),
    ];

    /// <summary>Code that is compiled in full at its first call, without vector instructions; a collector that seldom comes.</summary>
    private static readonly KeyValuePair<string, string>[] Full =
    [
        new("DOTNET_TieredCompilation", "0"),
        new("DOTNET_TieredPGO", "0"),
        new("DOTNET_EnableHWIntrinsic", "0"),
        new("DOTNET_gcServer", "1"),
    ];

    /// <summary>The option.</summary>
    public static Option<bool> OptionOf() => new(Name)
    {
        Description = "Run in two processes with different settings of the runtime, and compare every event and the reports.",
        Arity = ArgumentArity.Zero,
    };

    /// <summary>Runs the command twice, and reports once.</summary>
    /// <param name="terminal">Where to.</param>
    /// <param name="parsed">The command line.</param>
    /// <param name="json">With this option standard output is not for people: that both were the same is said on standard error.</param>
    /// <param name="files">Options by which a command writes files.</param>
    /// <exception cref="InputException">One of <paramref name="files"/> is given.</exception>
    public static ExitCode Run(Terminal terminal, ParseResult parsed, Option<bool> json, params Option<string?>[] files)
    {
        if (Array.Find(files, option => parsed.GetValue(option) is not null) is { } file)
        {
            throw new InputException($"{file.Name} and {Name} exclude each other: two processes would write the same file");
        }

        string[] command = [.. parsed.Tokens.Select(token => token.Value).Where(word => word != Name)];
        using var first = Child.Start(command, Tiered);
        using var second = Child.Start(command, Full);
        var comparison = new TwiceComparison(first.Events, second.Events);
        var parting = comparison.Compare();
        first.Finish();
        second.Finish();
        if (Difference(parting, first, second) is { } difference)
        {
            terminal.Error.WriteLine($"{FailureReport.Prefix}{Name}: {difference}");
            return ExitCode.Defect;
        }

        terminal.Error.Write(first.Error);
        terminal.Out.Write(first.Out);
        if (comparison.Cells > 0)
        {
            (parsed.GetValue(json) ? terminal.Error : terminal.Out).WriteLine(
                $"twice        the same report and the same {Wording.Count(comparison.Events, "event", "events")}"
                + $" of {Wording.Count(comparison.Cells, "cell", "cells")} in two processes with different settings of the runtime");
        }

        return (ExitCode)first.ExitCode;
    }

    /// <summary>What the two processes did differently; null for nothing.</summary>
    private static string? Difference(Parting? parting, Child first, Child second)
    {
        if (parting is { } found)
        {
            var where = found.Event == 0 ? "in the order of their cells" : $"at event {Wording.Number(found.Event)} of cell {found.Cell}";
            return $"the two runs part {where}\n  first   {found.First}\n  second  {found.Second}";
        }

        if (first.ExitCode != second.ExitCode)
        {
            return $"the same events, but the exit codes are {first.ExitCode} and {second.ExitCode}\n{first.Error}{second.Error}".TrimEnd();
        }

        string[] one = first.Out.Split('\n'), other = second.Out.Split('\n');
        var line = one.Zip(other).TakeWhile(pair => pair.First == pair.Second).Count();
        return line == one.Length && line == other.Length ? null
            : $"the same events, but line {line + 1} of the reports differs\n  first   {At(one, line)}\n  second  {At(other, line)}";
    }

    private static string At(string[] lines, int line) => line < lines.Length ? lines[line] : "";

    /// <summary>One of the two processes.</summary>
    private sealed class Child : IDisposable
    {
        private readonly Process _process;
        private readonly Stream _events;
        private readonly Task<string> _out;
        private readonly Task<string> _error;

        private Child(Process process, Stream events)
        {
            _process = process;
            _events = events;
            Events = new BufferedStream(events, BufferSize);
            _out = process.StandardOutput.ReadToEndAsync();
            _error = process.StandardError.ReadToEndAsync();
        }

        public Stream Events { get; }

        public string Out => _out.Result;

        public string Error => _error.Result;

        public int ExitCode => _process.ExitCode;

        /// <summary>
        /// The pipe's end is closed here as soon as the process has it, so that the other process does not have it too and the end of
        /// this one is seen.
        /// </summary>
        public static Child Start(string[] command, KeyValuePair<string, string>[] settings)
        {
            var pipe = new AnonymousPipeServerStream(PipeDirection.In, HandleInheritability.Inheritable);
            var program = Environment.ProcessPath!;
            var start = new ProcessStartInfo(program)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                StandardOutputEncoding = Encoding.UTF8,
                StandardErrorEncoding = Encoding.UTF8,
            };
            if (Path.GetFileNameWithoutExtension(program) == "dotnet")
            {
                start.ArgumentList.Add(typeof(TwiceCommand).Assembly.Location);
            }

            foreach (var argument in command)
            {
                start.ArgumentList.Add(argument);
            }

            foreach (var (name, value) in settings)
            {
                start.Environment[name] = value;
            }

            start.Environment[TwiceStream.Variable] = pipe.GetClientHandleAsString();
            var process = Process.Start(start)!;
            pipe.DisposeLocalCopyOfClientHandle();
            return new Child(process, pipe);
        }

        /// <summary>Lets it come to its end, whatever it still has to say.</summary>
        public void Finish()
        {
            _events.CopyTo(Stream.Null);
            _process.WaitForExit();
        }

        public void Dispose()
        {
            _process.Dispose();
            _events.Dispose();
        }
    }
}
