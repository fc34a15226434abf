using System.Runtime.CompilerServices;

namespace ScenarioHv.Engine.Guests;

/// <summary>
/// What the C# code of a guest may use between two of its operations, and with it the policies that are asked in that step. The
/// compilation of a script puts these calls into its loops, jumps, methods, lambdas and handlers, and around what makes texts and arrays.
/// Counts only: the same code stops at the same place on every machine. The count belongs to the step under way
/// (<see cref="StepContext"/>) and is in no frame.
/// </summary>
public static class StepBudget
{
    /// <summary>What a step may use. A round of a loop is 1.</summary>
    public const long Units = 10_000_000;

    /// <summary>What a byte of an array costs.</summary>
    private const long PerByte = 100;

    /// <summary>What a character of a text costs.</summary>
    private const long PerCharacter = 1_000;

    /// <summary>True while there is some left. Handlers of exceptions ask: what ends the step is not theirs.</summary>
    public static bool IsLeft => StepContext.Current.Budget >= 0;

    /// <summary>A round of a loop.</summary>
    /// <param name="units">What the round costs.</param>
    /// <param name="line">Where it is in the script.</param>
    /// <param name="column">Its column.</param>
    /// <exception cref="StepBudgetException">There is no more.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Loop(int units, int line, int column)
    {
        var context = StepContext.Current;
        if ((context.Budget -= units) < 0)
        {
            throw Exhausted(context, "a loop", line, column);
        }
    }

    /// <summary>A <c>goto</c>.</summary>
    /// <inheritdoc cref="Loop" path="/param|/exception"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Jump(int units, int line, int column)
    {
        var context = StepContext.Current;
        if ((context.Budget -= units) < 0)
        {
            throw Exhausted(context, "a goto", line, column);
        }
    }

    /// <summary>A method, a local function, an accessor, an operator, a constructor or a lambda begins.</summary>
    /// <inheritdoc cref="Loop" path="/param"/>
    /// <exception cref="StepBudgetException">There is no more, or the calls are nested too deep for this thread.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Call(int units, int line, int column)
    {
        var context = StepContext.Current;
        if ((context.Budget -= units) < 0 || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw Exhausted(context, "calls", line, column);
        }
    }

    /// <summary>An exception has been caught.</summary>
    /// <inheritdoc cref="Loop" path="/param|/exception"/>
    public static void Catch(int units, int line, int column)
    {
        var context = StepContext.Current;
        if ((context.Budget -= units) < 0)
        {
            throw Exhausted(context, "exceptions", line, column);
        }
    }

    /// <summary>An array of <paramref name="length"/> elements is about to be made.</summary>
    /// <param name="length">Passed on; less than 0 is for the runtime to refuse.</param>
    /// <param name="size">Bytes of an element.</param>
    /// <param name="line">Where it is in the script.</param>
    /// <param name="column">Its column.</param>
    /// <exception cref="StepBudgetException">There is no more.</exception>
    public static int Room(int length, int size, int line, int column)
    {
        var context = StepContext.Current;
        return (context.Budget -= Math.Max(0L, length) * size * PerByte) < 0 ? throw Exhausted(context, "an array", line, column) : length;
    }

    /// <summary>A text becomes part of another.</summary>
    /// <param name="text">Passed on.</param>
    /// <param name="line">Where it is in the script.</param>
    /// <param name="column">Its column.</param>
    /// <exception cref="StepBudgetException">There is no more.</exception>
    public static string? Text(string? text, int line, int column)
    {
        var context = StepContext.Current;
        return (context.Budget -= (text?.Length ?? 0) * PerCharacter) < 0 ? throw Exhausted(context, "a text", line, column) : text;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static StepBudgetException Exhausted(StepContext context, string what, int line, int column)
    {
        context.Budget = -1;
        return new StepBudgetException(what, line, column, isPolicy: context.Asked is not null);
    }
}

/// <summary>A guest's code does not come to its next operation: it has used up what a step may cost.</summary>
public sealed class StepBudgetException : GuestException
{
    private const int LineBits = 20;

    /// <summary>Creates the exception.</summary>
    /// <param name="what">What used it up.</param>
    /// <param name="line">Where that is: the line from 1, and above its 20 bits the number of the script's file.</param>
    /// <param name="column">Its column, from 1.</param>
    /// <param name="isPolicy">True if it is the code of a policy.</param>
    public StepBudgetException(string what, int line, int column, bool isPolicy = false)
        : base($"The {(isPolicy ? "policy" : "guest")}'s code used up what one step may cost, and the end came in {what} "
            + $"at line {LineOf(line)}, column {column}"
            + (isPolicy ? ": does it end?"
                : ". Between two operations there is room for little code: does it end, and should there be an await in it?"))
    {
        Line = LineOf(line);
        File = FileOf(line);
        Column = column;
    }

    /// <summary>The line, without the number of the file above it.</summary>
    internal static int LineOf(int line) => line & ((1 << LineBits) - 1);

    /// <summary>The number of the file above a line.</summary>
    internal static int FileOf(int line) => line >> LineBits;

    /// <summary>0 for the script itself, from 1 for the files that it loads.</summary>
    public int File { get; }

    /// <summary>The line of the file, from 1.</summary>
    public int Line { get; }

    /// <summary>The column, from 1.</summary>
    public int Column { get; }
}
