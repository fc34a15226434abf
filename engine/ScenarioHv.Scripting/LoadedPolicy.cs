using System.Diagnostics;
using System.Reflection;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Scripting;

/// <summary>A compiled policy script in this process. It has a load context of its own, which is never unloaded.</summary>
internal static class LoadedPolicy
{
    private const BindingFlags Members = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    /// <summary>
    /// Loads <paramref name="image"/>, and asks a plan for its steps once, so that what is wrong with them is known here.
    /// </summary>
    /// <param name="image">A compilation that passed every check.</param>
    /// <param name="source">The script.</param>
    /// <exception cref="ScriptException">A plan's steps do not come, or are none or too many.</exception>
    public static PolicyProgram Load(ScriptImage image, ScriptSource source)
    {
        var name = Path.GetFileName(source.FullPath);
        var script = LoadedScript.ClassOf(LoadedScript.Load(image, new ScriptLoadContext(name, isCollectible: false)));
        var variables = script.GetNestedType(LoadedScript.VariablesName);
        if (script.GetMethod("Decide", Members) is { } decide)
        {
            return new PolicyProgram(name, decide.ReturnType)
            {
                Decide = decide.CreateDelegate(typeof(Func<,>).MakeGenericType(typeof(Situation), decide.ReturnType)),
                EntryWritten = decide.ReturnType != typeof(IoApicEoiDecision) ? null
                    : (Action<Situation>?)Find(script, "EntryWritten", typeof(Action<Situation>), typeof(Situation)),
                Variables = variables,
            };
        }

        var steps = script.GetProperty(PolicyShape.Steps, Members)?.GetMethod ?? script.GetMethod(PolicyShape.Steps, Members)
            ?? throw new InvalidOperationException($"The compiled form of {name} has no entry, although it was checked before.");
        var step = steps.ReturnType.GetElementType()!;
        var plan = new PolicyProgram(name, step)
        {
            Steps = steps.CreateDelegate(typeof(Func<>).MakeGenericType(steps.ReturnType)),
            Takes = Find(script, "Takes", typeof(Func<,,>).MakeGenericType(step, typeof(Situation), typeof(bool)), step, typeof(Situation)),
            Merges = Find(script, "Merges", typeof(Func<,>).MakeGenericType(step, typeof(bool)), step),
            Variables = variables,
        };
        AskForSteps(plan, script.Assembly, source);
        return plan;
    }

    private static Delegate? Find(Type script, string name, Type type, params Type[] parameters) =>
        script.GetMethod(name, Members, parameters)?.CreateDelegate(type);

    private static void AskForSteps(PolicyProgram plan, Assembly script, ScriptSource source)
    {
        try
        {
            var asked = typeof(PlanScript<>).MakeGenericType(plan.Answer);
            var filled = Activator.CreateInstance(asked, PolicyShape.Steps, PolicyScope.Vm, plan);
            Activator.CreateInstance(typeof(Plan<>).MakeGenericType(plan.Answer), filled);
        }
        catch (TargetInvocationException problem) when (problem.InnerException is PolicyException { InnerException: { } cause })
        {
            var kind = cause is GuestException ? string.Empty : $" ({cause.GetType().Name})";
            var message = $"Steps does not give a plan: {cause.Message}{kind}";
            throw new ScriptException([Place(cause, script, source) with { Message = message }]);
        }
    }

    /// <summary>Where in the script an exception comes from; its beginning if it comes from behind it.</summary>
    private static ScriptDiagnostic Place(Exception problem, Assembly script, ScriptSource source)
    {
        var frame = Array.Find(
            new StackTrace(problem, fNeedFileInfo: true).GetFrames(), frame => frame.GetMethod()?.Module.Assembly == script);
        return problem is StepBudgetException budget ? At(ScriptFiles.Of(script, budget.File), budget.Line, budget.Column)
            : frame is null ? At(null, 1, 1)
            : At(frame.GetFileName(), Math.Max(1, frame.GetFileLineNumber()), Math.Max(1, frame.GetFileColumnNumber()));

        ScriptDiagnostic At(string? file, int line, int column)
        {
            var name = source.Helpers.FirstOrDefault(helper => helper.FullPath == file)?.Name ?? source.Name;
            return new ScriptDiagnostic(name, line, column, string.Empty);
        }
    }
}
