namespace ScenarioHv.Engine.Configuration;

/// <summary>
/// Time without cycles, in which a search covers every timing at once. The clock stands still, an operation costs nothing, and an armed
/// moment has a class. <i>Now</i>: it has come. <i>Soon</i>: it comes at any moment. <i>Later</i>: it comes at any moment, but not before
/// every actor that was runnable when it was armed has completed one operation or has blocked; a vCPU, before its innermost guest has
/// retired an operation, or 64 have retired or been begun by entries at its other levels.
/// </summary>
/// <param name="LaterFrom">A moment at least so many cycles away is <i>later</i>; 2 or more.</param>
public sealed record ClassTime(long LaterFrom)
{
    /// <summary>Where the clock stands.</summary>
    public const long Now = 1;
}
