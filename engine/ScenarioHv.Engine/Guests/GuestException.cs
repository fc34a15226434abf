namespace ScenarioHv.Engine.Guests;

/// <summary>A guest's code asked for what cannot be: the fault is the script's, not the machine's.</summary>
public class GuestException : InvalidOperationException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What was asked, and what can be.</param>
    /// <param name="cause">What the guest's code threw before, if it did.</param>
    public GuestException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }
}

/// <summary>
/// An assertion of a guest's script does not hold. The violation is in the machine already, and this ends the step: the script's code is
/// not to go on with what is not so.
/// </summary>
internal sealed class AssertionException(string message) : GuestException(message);
