using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using ScenarioHv.Engine.Naming;

namespace ScenarioHv.Scripting;

/// <summary>
/// Which of the two shapes a policy script has, and in which type it answers. Both are read from what the script declares: <c>Decide</c>
/// makes it a decision, <c>Steps</c> a plan.
/// </summary>
/// <param name="Answer">The type of the answer, or the enum of the plan's steps.</param>
/// <param name="IsPlan">True for a plan.</param>
internal sealed record PolicyShape(Type Answer, bool IsPlan)
{
    /// <summary>A whole decision.</summary>
    public const string LeastDecision = "ImmediateExitDecision Decide(Situation now) => PreemptionTimer(0);";

    /// <summary>A whole plan.</summary>
    public const string LeastPlan = "LapicRestoreStep[] Steps => [Purge, Load, StartTimer, SyncHardware];";

    /// <summary>The name of what makes a plan.</summary>
    public const string Steps = "Steps";

    private const string Decide = "Decide";
    private const string Main = "Main";

    private const string Both = $"A decision is the method Decide: '{LeastDecision}' A plan is the property Steps: '{LeastPlan}'";

    /// <summary>Whether the script is of the kind that it is used as. What else is wrong with it would only be a consequence.</summary>
    public static void CheckKind(ScriptKind used, IReadOnlyList<ScriptUnit> units, ScriptProblems problems)
    {
        var names = units.SelectMany(unit => unit.Root.Members).Select(NameOf).OfType<SyntaxToken>().ToArray();
        var main = Array.FindIndex(names, name => name.Text == Main);
        var entry = Array.FindIndex(names, name => name.Text is Decide or Steps);
        if (used == ScriptKind.Guest && main < 0 && entry >= 0)
        {
            var name = names[entry];
            problems.Add(name, $"this is a policy script, since it has {name.Text} and no Main: a policy is named under 'policies' "
                + $"(or with --set), not under 'guests'. {Sentence(ScriptWords.Guest.Beginning)}");
        }
        else if (used == ScriptKind.Policy && main >= 0)
        {
            problems.Add(names[main], entry < 0
                ? $"this is a guest script, since it has Main: a guest is named under 'guests', not under 'policies'. {Both}"
                : $"a policy has no Main: it is asked through {names[entry].Text}, and waits for nothing.");
        }
    }

    /// <summary>Finds the shape; null if there is none, which is then among the problems.</summary>
    public static PolicyShape? Of(IReadOnlyList<ScriptUnit> units, ScriptProblems problems)
    {
        var members = units.SelectMany(unit => unit.Root.Members).ToArray();
        var decisions = members.Where(member => NameOf(member) is { Text: Decide }).ToArray();
        var plans = members.Where(member => NameOf(member) is { Text: Steps }).ToArray();
        if (decisions.Length != 0 && plans.Length != 0)
        {
            var second = Array.IndexOf(members, decisions[0]) > Array.IndexOf(members, plans[0]) ? decisions[0] : plans[0];
            problems.Add(NameOf(second)!.Value, $"a policy script is a decision or a plan, and this one is both. {Both}");
            return null;
        }

        if (decisions.Length + plans.Length > 1)
        {
            var again = NameOf(decisions.Concat(plans).ElementAt(1))!.Value;
            problems.Add(again, "there can be one of this name: it is what the policy is asked.");
            return null;
        }

        return decisions.Length != 0 ? OfDecision(decisions[0], ModelOf(units, decisions[0]), problems)
            : plans.Length != 0 ? OfPlan(plans[0], ModelOf(units, plans[0]), problems)
            : Neither(members, problems);
    }

    /// <summary>The name of what is declared at the top of a script; of several variables the first.</summary>
    public static SyntaxToken? NameOf(MemberDeclarationSyntax member) => member switch
    {
        MethodDeclarationSyntax method => method.Identifier,
        PropertyDeclarationSyntax property => property.Identifier,
        FieldDeclarationSyntax field => field.Declaration.Variables[0].Identifier,
        GlobalStatementSyntax { Statement: LocalFunctionStatementSyntax function } => function.Identifier,
        _ => null,
    };

    /// <summary>What the names in <paramref name="node"/> mean.</summary>
    public static SemanticModel ModelOf(IReadOnlyList<ScriptUnit> units, SyntaxNode node) =>
        units.First(unit => unit.Root.SyntaxTree == node.SyntaxTree).Model;

    private static PolicyShape? Neither(MemberDeclarationSyntax[] members, ScriptProblems problems)
    {
        const string Message = "a policy script is a decision or a plan, and this one is neither";
        foreach (var name in members.Select(NameOf).OfType<SyntaxToken>())
        {
            if (NearestName.Of(name.Text, [Decide, Steps]) is { } nearest)
            {
                problems.Add(name, $"{Message}; did you mean '{nearest}'? {Both}");
                return null;
            }
        }

        problems.Add(0, $"{Message}. {Both}");
        return null;
    }

    private static PolicyShape? OfDecision(MemberDeclarationSyntax member, SemanticModel model, ScriptProblems problems)
    {
        if (member is not MethodDeclarationSyntax method)
        {
            problems.Add(NameOf(member)!.Value, $"Decide has to be declared as a method: '{LeastDecision}'");
            return null;
        }

        var symbol = model.GetDeclaredSymbol(method)!;
        if (TypeOf(symbol.ReturnType, method.ReturnType, PolicyAnswers.Decisions, problems, "Decide answers with") is not { } answer)
        {
            return null;
        }

        if (symbol.IsGenericMethod || symbol.Parameters is not [{ RefKind: RefKind.None, IsParams: false } parameter]
            || !PolicyTypes.IsSituation(parameter.Type))
        {
            problems.Add(method.Identifier, $"Decide has to be declared as '{answer.Name} Decide(Situation now)'.");
        }

        return new PolicyShape(answer, IsPlan: false);
    }

    private static PolicyShape? OfPlan(MemberDeclarationSyntax member, SemanticModel model, ScriptProblems problems)
    {
        var (type, symbol) = member switch
        {
            PropertyDeclarationSyntax property => (property.Type, model.GetDeclaredSymbol(property)!.Type),
            MethodDeclarationSyntax { ParameterList.Parameters: [], TypeParameterList: null } method =>
                (method.ReturnType, model.GetDeclaredSymbol(method)!.ReturnType),
            _ => (null, null),
        };
        if (type is null)
        {
            problems.Add(
                NameOf(member)!.Value,
                $"Steps has to be declared as a property that is computed ('=>'), or as a method without parameters: '{LeastPlan}'");
            return null;
        }

        if (symbol is not IArrayTypeSymbol { Rank: 1 } array || type is not ArrayTypeSyntax written)
        {
            problems.Add(type, $"Steps is an array of the steps of one plan: '{LeastPlan}'");
            return null;
        }

        var answer = TypeOf(array.ElementType, written.ElementType, PolicyAnswers.Plans, problems, "Steps is an array of");
        return answer is null ? null : new PolicyShape(answer, IsPlan: true);
    }

    /// <summary>The engine's type behind a symbol, if it is one of <paramref name="allowed"/>.</summary>
    private static Type? TypeOf(
        ITypeSymbol symbol, TypeSyntax written, IReadOnlyCollection<Type> allowed, ScriptProblems problems, string what)
    {
        if (allowed.FirstOrDefault(type => PolicyTypes.Is(symbol, type)) is { } found)
        {
            return found;
        }

        var others = ReferenceEquals(allowed, PolicyAnswers.Plans) ? PolicyAnswers.Decisions : PolicyAnswers.Plans;
        if (others.FirstOrDefault(type => PolicyTypes.Is(symbol, type)) is { } other)
        {
            problems.Add(written, PolicyAnswers.Plans.Contains(other)
                ? $"{other.Name} is a step of a plan: a plan has '{other.Name}[] Steps => [...];' in place of Decide."
                : $"{other.Name} is what a decision answers: a decision has '{other.Name} Decide(Situation now)' in place of Steps.");
            return null;
        }

        var hint = NearestName.Hint(written.ToString().Split('.')[^1], allowed.Select(type => type.Name));
        var names = ReferenceEquals(allowed, PolicyAnswers.Plans)
            ? $"one of {string.Join(", ", allowed.Select(type => type.Name))}"
            : "ImmediateExitDecision, IoApicEoiDecision, or the enum of a point's words, such as TimerFire";
        problems.Add(written, $"{what} {names}, not {written}{(hint.Length == 0 ? "." : hint)}");
        return null;
    }

    private static string Sentence(string text) => $"{char.ToUpperInvariant(text[0])}{text[1..]}.";
}

/// <summary>The engine's policies as the compiler sees them.</summary>
internal static class PolicyTypes
{
    /// <summary>The namespace of most of them.</summary>
    public const string Namespace = "ScenarioHv.Engine.Policies";

    public static bool IsSituation(ITypeSymbol? type) => type?.ToDisplayString() == Namespace + ".Situation";

    /// <summary>True if <paramref name="symbol"/> is the type <paramref name="type"/> of the engine.</summary>
    public static bool Is(ITypeSymbol symbol, Type type) => symbol.ToDisplayString() == type.FullName && IsOfEngine(symbol);

    /// <summary>True for an enum of the engine, and for what is made of one: only its members are answers.</summary>
    public static bool IsWord(ITypeSymbol? type) => type is { TypeKind: TypeKind.Enum } && IsOfEngine(type);

    private static bool IsOfEngine(ITypeSymbol type) => type.ContainingAssembly?.Name == "ScenarioHv.Engine";
}
