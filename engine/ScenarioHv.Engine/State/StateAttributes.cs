namespace ScenarioHv.Engine.State;

/// <summary>
/// Declares a field of a state struct that does not name the state: a statistic, an absolute cycle, a last value kept for a message.
/// No rule may read it. The one exception is the clock itself, whose reading is recorded and makes it part of the state from there.
/// </summary>
[AttributeUsage(AttributeTargets.Field)]
public sealed class ObservableAttribute : Attribute;

/// <summary>
/// Declares an <see cref="Time.Instant"/> of which it is only ever asked whether it has passed: every moment in the past is the same state.
/// </summary>
[AttributeUsage(AttributeTargets.Field)]
public sealed class ExpiresAttribute : Attribute;

/// <summary>
/// Declares a field that is only ever compared with a limit: every value above <see cref="Limit"/> is the same state as the first one above
/// it.
/// </summary>
[AttributeUsage(AttributeTargets.Field)]
public sealed class SaturatesAttribute : Attribute
{
    /// <summary>Creates the declaration.</summary>
    /// <param name="limit">The largest value that is still told apart from its successor.</param>
    public SaturatesAttribute(long limit) => Limit = limit;

    /// <summary>The largest value that is still told apart from its successor.</summary>
    public long Limit { get; }
}
