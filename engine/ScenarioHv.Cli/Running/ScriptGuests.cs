using Microsoft.Extensions.Logging;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Scenarios.Assembly;
using ScenarioHv.Scripting;

namespace ScenarioHv.Cli.Running;

/// <summary>Loads guest scripts, from this user's cache if they have been compiled before.</summary>
/// <param name="logging">Told what is done.</param>
/// <param name="keeps">False for scripts that will never be seen again in their place: they are not kept in the cache.</param>
/// <param name="trusted">True for scripts whose author is trusted: they are not checked.</param>
internal sealed class ScriptGuests(ILoggerFactory? logging, bool keeps = true, bool trusted = false) : IGuestLoader
{
    private readonly ScriptLoader _loader = new(
        keeps ? ScriptCache.Default() : new ScriptCache(null), logging?.CreateLogger("scripts"), trusted);

    /// <inheritdoc/>
    public GuestProgram Load(string path, IReadOnlyDictionary<string, long> parameters) => _loader.Load(path, parameters);

    /// <inheritdoc/>
    public PolicyProgram LoadPolicy(string path) => _loader.LoadPolicy(path);
}
