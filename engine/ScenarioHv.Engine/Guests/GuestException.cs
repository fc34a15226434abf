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
