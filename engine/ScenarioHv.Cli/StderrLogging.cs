using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace ScenarioHv.Cli;

/// <summary>
/// Log lines on standard error: <c>debug scripts: hyperv-root.csx: from cache</c>. No stamps, so that two runs can be compared.
/// </summary>
internal sealed class StderrLogging(TextWriter error) : ILoggerProvider
{
    private readonly Lock _gate = new();

    /// <summary>
    /// A factory for loggers from <paramref name="minimum"/> up; null for <see cref="LogLevel.None"/>, so that nothing of it is loaded.
    /// </summary>
    public static ILoggerFactory? Factory(TextWriter error, LogLevel minimum) => minimum == LogLevel.None ? null : Create(error, minimum);

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    /// <summary>A method of its own, so that the factory's assemblies are loaded only when it is called.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static LoggerFactory Create(TextWriter error, LogLevel minimum) =>
        new([new StderrLogging(error)], new LoggerFilterOptions { MinLevel = minimum });

    private void Write(string line)
    {
        lock (_gate)
        {
            error.WriteLine(line);
        }
    }

    private sealed class Logger(StderrLogging owner, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            owner.Write($"{Word(logLevel)} {category}: {formatter(state, exception)}");

        private static string Word(LogLevel level) => level switch
        {
            LogLevel.Trace => "trace",
            LogLevel.Debug => "debug",
            LogLevel.Information => "information",
            LogLevel.Warning => "warning",
            _ => "error",
        };
    }
}
