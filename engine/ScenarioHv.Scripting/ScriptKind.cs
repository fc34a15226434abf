namespace ScenarioHv.Scripting;

/// <summary>What a script is made for.</summary>
internal enum ScriptKind : byte
{
    /// <summary>The code of a guest: <see cref="ScenarioHv.Engine.Guests.GuestProgram"/>.</summary>
    Guest,

    /// <summary>A policy: <see cref="ScenarioHv.Engine.Policies.PolicyProgram"/>.</summary>
    Policy,
}

/// <summary>What is said differently about the two kinds of scripts.</summary>
internal sealed record ScriptWords
{
    /// <summary>About guests.</summary>
    public static ScriptWords Guest { get; } = new()
    {
        Least = "the least it needs is 'async GuestTask Main(Cpu cpu) { ... }'",
        Beginning = "a guest begins in 'async GuestTask Main(Cpu cpu)'",
        Members = "constants, variables, Shared<T> words, methods, computed properties, structs and enums",
        Privacy = "private to a vCPU and level",
        Plain = "Keep integers, enums, Instant or structs of them; memory that vCPUs share is Shared<T>.",
        Start = "on every vCPU: assign the value at the beginning of Main, or write 'const' if it never changes",
        Moments = "Compare instants with each other, add cycles to one, or ask cpu.Expired; cpu.ReadTsc reads the clock, and is recorded.",
    };

    /// <summary>About policies.</summary>
    public static ScriptWords Policy { get; } = new()
    {
        Least = $"the least it needs is '{PolicyShape.LeastDecision}' or '{PolicyShape.LeastPlan}'",
        Beginning = "a policy is asked through Decide or Steps",
        Members = "constants, variables, methods, computed properties, structs and enums",
        Privacy = "one for each of what the policy is asked about",
        Plain = "Keep integers, enums, Instant or structs of them.",
        Start = "in every machine, and a policy is not told of a beginning: let 0 mean that, or write 'const' if it never changes",
        Moments = "Compare instants with each other, or add cycles to one.",
    };

    /// <summary>What an empty script lacks.</summary>
    public required string Least { get; init; }

    /// <summary>Where its code begins.</summary>
    public required string Beginning { get; init; }

    /// <summary>What may stand at its top.</summary>
    public required string Members { get; init; }

    /// <summary>How many copies there are of a variable.</summary>
    public required string Privacy { get; init; }

    /// <summary>What a variable may be.</summary>
    public required string Plain { get; init; }

    /// <summary>Where a variable gets its first value.</summary>
    public required string Start { get; init; }

    /// <summary>What can be done with an instant.</summary>
    public required string Moments { get; init; }

    /// <summary>The words for scripts of <paramref name="kind"/>.</summary>
    public static ScriptWords Of(ScriptKind kind) => kind == ScriptKind.Guest ? Guest : Policy;
}
