using System.Runtime.CompilerServices;
using Spectre.Console;

namespace ScenarioHv.Cli.Output;

/// <summary>A bar on standard error for a person who waits while many things of one kind are done; nothing otherwise.</summary>
internal static class ProgressBar
{
    private const string ShowCursor = "\e[?25h";

    /// <summary>Does some work, with a bar while it lasts.</summary>
    /// <param name="terminal">Where the bar is drawn.</param>
    /// <param name="count">How many things there are.</param>
    /// <param name="what">What they are, in the plural.</param>
    /// <param name="work">Does them; calls what it is given for each that is done, on any thread.</param>
    public static void While(Terminal terminal, int count, string what, Action<Action> work)
    {
        if (terminal.ErrorIsWatched)
        {
            Watched(terminal, count, what, work);
        }
        else
        {
            work(static () => { });
        }
    }

    /// <summary>A method of its own, so that the library is loaded only when it is called.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Watched(Terminal terminal, int count, string what, Action<Action> work)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            Interactive = InteractionSupport.Yes,
            Out = new AnsiConsoleOutput(terminal.Error),
        });
        console.Profile.Width = terminal.Width;
        // The bar hides the cursor; a command that is cancelled has to show it again.
        ConsoleCancelEventHandler onCancel = (_, _) => terminal.Error.Write(ShowCursor);
        Console.CancelKeyPress += onCancel;
        try
        {
            console.Progress().AutoClear(true).Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn())
                .Start(context => Fill(context, count, what, work));
        }
        finally
        {
            Console.CancelKeyPress -= onCancel;
        }
    }

    private static void Fill(ProgressContext context, int count, string what, Action<Action> work)
    {
        var done = 0;
        var bar = context.AddTask($"0 of {count} {what}", maxValue: Math.Max(count, 1));
        work(() =>
        {
            bar.Description = $"{Interlocked.Increment(ref done)} of {count} {what}";
            bar.Increment(1);
        });
    }
}
