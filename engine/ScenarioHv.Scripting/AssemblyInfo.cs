using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("ScenarioHv.Scripting.Tests")]
