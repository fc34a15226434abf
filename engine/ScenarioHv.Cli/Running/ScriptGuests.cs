using Microsoft.Extensions.Logging;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Scenarios.Assembly;
using ScenarioHv.Scripting;

namespace ScenarioHv.Cli.Running;

/// <summary>Loads guest scripts, from this user's cache if they have been compiled before.</summary>
internal sealed class ScriptGuests(ILoggerFactory? logging) : IGuestLoader
{
    private readonly ScriptLoader _loader = new(ScriptCache.Default(), logging?.CreateLogger("scripts"));

    /// <inheritdoc/>
    public GuestProgram Load(string path, IReadOnlyDictionary<string, long> parameters) => _loader.Load(path, parameters);
}
