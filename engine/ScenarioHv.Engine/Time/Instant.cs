namespace ScenarioHv.Engine.Time;

/// <summary>
/// A moment of the machine's one virtual clock, in TSC cycles since the scenario began.
/// The state hash and every comparison of states see it as the difference from now, so that a loop is recognised as a loop;
/// a plain <see cref="long"/> in a state struct is compared as it stands.
/// </summary>
/// <remarks>The default value is cycle 0. <see cref="Never"/> is "not armed" and is later than every other instant.</remarks>
public readonly struct Instant : IEquatable<Instant>, IComparable<Instant>
{
    /// <summary>Not armed: later than every other instant, and the same in every state.</summary>
    public static readonly Instant Never = new(long.MaxValue);

    /// <summary>Creates the instant at <paramref name="cycle"/> cycles after the start.</summary>
    /// <param name="cycle">TSC cycles, 0 or more.</param>
    public Instant(long cycle) => Cycle = cycle;

    /// <summary>TSC cycles since the scenario began.</summary>
    public long Cycle { get; }

    /// <summary>True for <see cref="Never"/>.</summary>
    public bool IsNever => Cycle == long.MaxValue;

    /// <summary>The instant <paramref name="cycles"/> cycles later; <see cref="Never"/> stays <see cref="Never"/>.</summary>
    public static Instant operator +(Instant instant, long cycles) =>
        instant.IsNever || cycles >= long.MaxValue - instant.Cycle ? Never : new Instant(instant.Cycle + cycles);

    /// <summary>The distance between two instants in cycles; both must be armed.</summary>
    public static long operator -(Instant left, Instant right) => left.Cycle - right.Cycle;

    /// <summary>True if both are the same cycle.</summary>
    public static bool operator ==(Instant left, Instant right) => left.Cycle == right.Cycle;

    /// <summary>True if they are different cycles.</summary>
    public static bool operator !=(Instant left, Instant right) => left.Cycle != right.Cycle;

    /// <summary>True if <paramref name="left"/> is earlier.</summary>
    public static bool operator <(Instant left, Instant right) => left.Cycle < right.Cycle;

    /// <summary>True if <paramref name="left"/> is later.</summary>
    public static bool operator >(Instant left, Instant right) => left.Cycle > right.Cycle;

    /// <summary>True if <paramref name="left"/> is not later.</summary>
    public static bool operator <=(Instant left, Instant right) => left.Cycle <= right.Cycle;

    /// <summary>True if <paramref name="left"/> is not earlier.</summary>
    public static bool operator >=(Instant left, Instant right) => left.Cycle >= right.Cycle;

    /// <summary>The earlier of two instants.</summary>
    public static Instant Min(Instant left, Instant right) => left < right ? left : right;

    /// <summary>The later of two instants.</summary>
    public static Instant Max(Instant left, Instant right) => left > right ? left : right;

    /// <summary>The sum as a named method, for languages without operators.</summary>
    public static Instant Add(Instant left, long right) => left + right;

    /// <summary>The difference as a named method, for languages without operators.</summary>
    public static long Subtract(Instant left, Instant right) => left - right;

    /// <inheritdoc/>
    public int CompareTo(Instant other) => Cycle.CompareTo(other.Cycle);

    /// <inheritdoc/>
    public bool Equals(Instant other) => Cycle == other.Cycle;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Instant other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => unchecked((int)Cycle ^ (int)(Cycle >> 32));

    /// <inheritdoc/>
    public override string ToString() => IsNever ? "never" : $"@{Cycle}";
}
