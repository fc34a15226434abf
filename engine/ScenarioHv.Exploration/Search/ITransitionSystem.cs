namespace ScenarioHv.Exploration.Search;

/// <summary>
/// What a search searches: states as bytes, and the steps out of the state that was loaded last. An instance belongs to one thread; the
/// instances of one search are systems of the same states, whose bytes they can pass to one another.
/// </summary>
public interface ITransitionSystem
{
    /// <summary>How many actors there are, 1..64. An actor is known by its number, from 0.</summary>
    int Actors { get; }

    /// <summary>The most bytes that a state takes.</summary>
    int MaxStateBytes { get; }

    /// <summary>Bytes that the instances of one search keep together, so that states can be short.</summary>
    long HeldBytes => 0;

    /// <summary>The first state, as if a step had led to it: see <see cref="Result"/>.</summary>
    TakenStep Begin();

    /// <summary>Goes to a state.</summary>
    /// <param name="state">
    /// Bytes that <see cref="Result"/> has given, here or in another instance of the same search; valid during the call.
    /// </param>
    void Load(ReadOnlySpan<byte> state);

    /// <summary>The actors that can take a step in the loaded state: bit n for actor n.</summary>
    ulong Enabled { get; }

    /// <summary>
    /// Takes a step from the loaded state, which stays loaded. Where the step itself can go on in several ways,
    /// <see cref="TakenStep.Choices"/> says in how many; the caller then takes it once for each.
    /// </summary>
    /// <param name="actor">Whose step: one of <see cref="Enabled"/>.</param>
    /// <param name="choice">Which way: 0 up to the number of choices that the same step has shown.</param>
    TakenStep Take(int actor, int choice);

    /// <summary>
    /// Goes back to the state to which an earlier <see cref="Take"/> from the loaded state has led: <see cref="Result"/> is that state
    /// again. A system that remembers what its steps have changed need not take the step a second time.
    /// </summary>
    /// <param name="step">Which one: from 0, counted since <see cref="Load"/>.</param>
    /// <param name="actor">Whose step it was.</param>
    /// <param name="choice">Which way it went.</param>
    void Again(int step, int actor, int choice) => Take(actor, choice);

    /// <summary>
    /// The bytes of the state to which the last <see cref="Take"/>, <see cref="Again"/> or <see cref="Begin"/> has led; valid until the
    /// next.
    /// </summary>
    ReadOnlySpan<byte> Result { get; }
}

/// <summary>What a state means to a search.</summary>
public enum StateKind : byte
{
    /// <summary>Neither of the others: its steps are taken.</summary>
    Open = 0,

    /// <summary>The goal is met: paths end here.</summary>
    Goal = 1,

    /// <summary>The step that led here has broken a safety property: paths end here.</summary>
    Violated = 2,
}

/// <summary>A step that was taken.</summary>
/// <param name="Fingerprint">Names the state to which it has led. Equal states have equal fingerprints.</param>
/// <param name="Kind">What that state is.</param>
/// <param name="Choices">In how many ways the step could go on, 1 or more.</param>
/// <param name="Retires">True if an operation of a guest retired in it.</param>
/// <param name="Links">Steps that were taken as this one, 1 or more: the length of the chain.</param>
public readonly record struct TakenStep(ulong Fingerprint, StateKind Kind, int Choices, bool Retires, int Links);
