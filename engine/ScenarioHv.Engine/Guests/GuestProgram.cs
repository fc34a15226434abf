namespace ScenarioHv.Engine.Guests;

/// <summary>A guest's code: what a compiled script gives to the machine. Immutable; all state of a guest is in the machine.</summary>
public sealed class GuestProgram
{
    private static readonly Dictionary<string, long> NoParameters = [];

    /// <summary>Creates a program.</summary>
    /// <param name="name">Its name in messages: the script's file name.</param>
    /// <param name="main">The main line; it may end, and the CPU then does nothing more.</param>
    public GuestProgram(string name, Func<Cpu, GuestTask> main)
    {
        Name = name;
        Main = main;
    }

    /// <summary>Its name in messages.</summary>
    public string Name { get; }

    /// <summary>The main line.</summary>
    public Func<Cpu, GuestTask> Main { get; }

    /// <summary>
    /// What every interrupt gate of the IDT leads to, with the vector; null if the guest has no handler, so that an interrupt is an error
    /// of the scenario.
    /// </summary>
    public Func<Cpu, byte, GuestTask>? OnInterrupt { get; init; }

    /// <summary>The NMI handler; null if there is none.</summary>
    public Func<Cpu, GuestTask>? OnNmi { get; init; }

    /// <summary>The struct that holds the script's variables, one copy per vCPU; null if there are none.</summary>
    public Type? Variables { get; init; }

    /// <summary>How many <see cref="Shared{T}"/> words the script declares.</summary>
    public int SharedWords { get; init; }

    /// <summary>The parameters that the scenario gives it.</summary>
    public IReadOnlyDictionary<string, long> Parameters { get; init; } = NoParameters;

    /// <summary>True if its code keeps moments (<see cref="Time.Instant"/>) in variables, or in locals across operations.</summary>
    internal bool KeepsInstants => (Variables is { } variables && State.FieldRules.Of(variables).Instants.Count > 0)
        || Main.Method.DeclaringType!.GetNestedTypes(System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.NonPublic)
            .Select(FrameTypes.NumberOf).OfType<int>().Any(number => FrameTypes.Instants(number).Length > 0);
}

/// <summary>A script's own variables: private to a vCPU and level, forked and hashed with the machine.</summary>
public static class ScriptVariables
{
    /// <summary>The variables of the code that runs now.</summary>
    /// <typeparam name="T">The struct that the script's compilation made of them.</typeparam>
    public static unsafe ref T Of<T>() where T : unmanaged
    {
        var context = StepContext.Current;
        var board = context.Board;
        return ref *(T*)(context.Machine.Base + board.VariablesOffset(context.Vcpu, context.Level));
    }
}

/// <summary>
/// Memory that the vCPUs of a guest share, declared at the top of its script. Each access is one operation, atomic and sequentially
/// consistent.
/// </summary>
/// <typeparam name="T">Plain data of at most 8 bytes.</typeparam>
public readonly struct Shared<T> where T : unmanaged
{
    private readonly int _word;

    /// <summary>Creates the handle of word <paramref name="word"/>; scripts only declare it.</summary>
    public Shared(int word) => _word = word;

    /// <summary>Loads the value.</summary>
    public Op<T> Read(Cpu cpu, ulong at = 0, [System.Runtime.CompilerServices.CallerLineNumber] int line = 0)
    {
        cpu.Memory(OperationKind.SharedRead, _word, 0, at, line);
        return default;
    }

    /// <summary>Stores a value.</summary>
    public Op Write(Cpu cpu, T value, ulong at = 0, [System.Runtime.CompilerServices.CallerLineNumber] int line = 0) =>
        cpu.Memory(OperationKind.SharedWrite, _word, ResultWord.Write(value), at, line);

    /// <summary>Stores a value and yields the old one.</summary>
    public Op<T> Exchange(Cpu cpu, T value, ulong at = 0, [System.Runtime.CompilerServices.CallerLineNumber] int line = 0)
    {
        cpu.Memory(OperationKind.SharedExchange, _word, ResultWord.Write(value), at, line);
        return default;
    }
}
