namespace ScenarioHv.Scenarios;

/// <summary>
/// A value of a policy point that the vocabulary knows, with arguments of the right number, kinds and ranges:
/// <c>zero-timer</c>, <c>throttle(100, 1000)</c>, <c>self-ipi(after(3))</c>. Or a script in its place: <c>my-throttle.csx</c>.
/// </summary>
public sealed record PolicyValue
{
    // Values are compared often, every cell of a matrix with every row.
    private readonly string _text;

    /// <summary>Creates a value.</summary>
    /// <param name="name">The value's name.</param>
    /// <param name="arguments">Its arguments, one for each parameter, in order.</param>
    /// <param name="mark">Where it was written.</param>
    public PolicyValue(string name, IReadOnlyList<PolicyArgument> arguments, SourceMark mark)
    {
        (Name, Arguments, Mark) = (name, arguments, mark);
        _text = arguments.Count == 0 ? name : $"{name}({string.Join(", ", arguments)})";
    }

    /// <summary>A script in place of a value.</summary>
    /// <param name="written">Its path as written.</param>
    /// <param name="path">Its full path.</param>
    /// <param name="mark">Where it was written.</param>
    public static PolicyValue OfScript(string written, string path, SourceMark mark) => new(written, [], mark) { ScriptPath = path };

    /// <summary>The value's name; of a script its path as written.</summary>
    public string Name { get; }

    /// <summary>The full path of the script; null for a value of the vocabulary.</summary>
    public string? ScriptPath { get; private init; }

    /// <summary>Its arguments, one for each parameter, in order.</summary>
    public IReadOnlyList<PolicyArgument> Arguments { get; }

    /// <summary>Where it was written.</summary>
    public SourceMark Mark { get; }

    /// <summary>The argument at a position as a count.</summary>
    /// <param name="index">Position from 0.</param>
    /// <exception cref="InvalidOperationException">It is of another kind.</exception>
    public long CountAt(int index) => Of(ParameterKind.Count, index).Count;

    /// <summary>The argument at a position as a duration.</summary>
    /// <param name="index">Position from 0.</param>
    /// <exception cref="InvalidOperationException">It is of another kind.</exception>
    public Duration DurationAt(int index) => Of(ParameterKind.Duration, index).Duration;

    /// <summary>The argument at a position as a choice.</summary>
    /// <param name="index">Position from 0.</param>
    /// <exception cref="InvalidOperationException">It is of another kind.</exception>
    public PolicyValue ChoiceAt(int index) => Of(ParameterKind.Choice, index).Choice!;

    /// <summary>
    /// The same text for equal values, whatever their spaces and units of time: <c>delay-after(10000, 10 ms)</c>. A script's is its path as
    /// written.
    /// </summary>
    public override string ToString() => _text;

    /// <summary>
    /// True if name and arguments are equal, or both are the same script file; where and how it was written does not matter.
    /// </summary>
    public bool Equals(PolicyValue? other) =>
        other is not null && ScriptPath == other.ScriptPath && (ScriptPath is not null || _text == other._text);

    /// <inheritdoc/>
    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(ScriptPath ?? _text);

    private PolicyArgument Of(ParameterKind kind, int index) =>
        Arguments[index].Kind == kind
            ? Arguments[index]
            : throw new InvalidOperationException($"Argument {index} of {this} is a {Arguments[index].Kind}, not a {kind}.");
}

/// <summary>One argument of a policy value.</summary>
/// <param name="Kind">Which of the three values counts.</param>
/// <param name="Count">The number, for <see cref="ParameterKind.Count"/>.</param>
/// <param name="Duration">The time, for <see cref="ParameterKind.Duration"/>.</param>
/// <param name="Choice">The word with its own arguments, for <see cref="ParameterKind.Choice"/>; null otherwise.</param>
/// <param name="Mark">Where it was written.</param>
public sealed record PolicyArgument(ParameterKind Kind, long Count, Duration Duration, PolicyValue? Choice, SourceMark Mark)
{
    /// <summary>The argument as it can be written.</summary>
    public override string ToString() => Kind switch
    {
        ParameterKind.Count => Count.ToString(System.Globalization.CultureInfo.InvariantCulture),
        ParameterKind.Duration => Duration.ToString(),
        _ => Choice!.ToString(),
    };
}
