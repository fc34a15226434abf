using System.Diagnostics.CodeAnalysis;

/// <summary>
/// What the runtime calls at the start of a process whose environment names this assembly under <c>DOTNET_STARTUP_HOOKS</c>: at the end of
/// the process the names of the assemblies that it has loaded are written to a file.
/// </summary>
[SuppressMessage("Design", "CA1050:Declare types in namespaces", Justification = "The runtime looks for it outside of all namespaces.")]
internal static class StartupHook
{
    /// <summary>The variable that names the file.</summary>
    public const string Variable = "SCENARIOHV_TEST_ASSEMBLIES";

    public static void Initialize() => AppDomain.CurrentDomain.ProcessExit += (_, _) => File.WriteAllLines(
        Environment.GetEnvironmentVariable(Variable)!,
        AppDomain.CurrentDomain.GetAssemblies().Select(assembly => assembly.GetName().Name ?? string.Empty));
}
