using System.Reflection;
using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Scripting;

/// <summary>A compiled policy script in this process. It has a load context of its own, which is never unloaded.</summary>
internal static class LoadedPolicy
{
    private const BindingFlags Members = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <summary>Loads <paramref name="image"/>.</summary>
    /// <param name="image">A compilation that passed every check.</param>
    /// <param name="name">The script's file name, for messages and debuggers.</param>
    public static PolicyProgram Load(ScriptImage image, string name)
    {
        var script = LoadedScript.Load(image, new ScriptLoadContext(name, isCollectible: false))
            .GetType(LoadedScript.ClassName, throwOnError: true)!;
        var variables = script.GetNestedType(LoadedScript.VariablesName);
        if (script.GetMethod("Decide", Members) is { } decide)
        {
            return new PolicyProgram(name, decide.ReturnType)
            {
                Decide = decide.CreateDelegate(typeof(Func<,>).MakeGenericType(typeof(Situation), decide.ReturnType)),
                Variables = variables,
            };
        }

        var steps = script.GetProperty("Steps", Members)?.GetMethod
            ?? throw new InvalidOperationException($"The compiled form of {name} has neither Decide nor Steps, although it was checked before.");
        var step = steps.ReturnType.GetElementType()!;
        return new PolicyProgram(name, step)
        {
            Steps = steps.CreateDelegate(typeof(Func<>).MakeGenericType(steps.ReturnType)),
            Takes = Find(script, "Takes", typeof(Func<,,>).MakeGenericType(step, typeof(Situation), typeof(bool)), step, typeof(Situation)),
            Merges = Find(script, "Merges", typeof(Func<,>).MakeGenericType(step, typeof(bool)), step),
            Variables = variables,
        };
    }

    private static Delegate? Find(Type script, string name, Type type, params Type[] parameters) =>
        script.GetMethod(name, Members, parameters)?.CreateDelegate(type);
}
