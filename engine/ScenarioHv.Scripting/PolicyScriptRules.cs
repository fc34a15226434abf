using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using ScenarioHv.Engine.Naming;
using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Scripting;

/// <summary>
/// What a policy script may contain beyond what <see cref="ScriptRules"/> says of all scripts: it answers inside the step that asks it, so
/// it waits for nothing, performs no operations of a guest and keeps nothing of the situation.
/// </summary>
internal sealed class PolicyScriptRules(IReadOnlyList<ScriptUnit> units, PolicyShape shape, ScriptProblems problems)
{
    private const string NoWaiting =
        "a policy answers inside the step of the machine that asks it, and waits for nothing: leave out 'async' and 'await'.";

    private const string GuestsOnly =
        "belongs to guests: a policy performs no operations. It sees the machine through its Situation, and changes its own variables.";

    private static readonly string[] OfGuests =
        ["Cpu", "Shared", "GuestTask", "HostTask", "Op", "NestedExit", "ExitKind", "GuestException"];

    private readonly MemberDeclarationSyntax[] _members = [.. units.SelectMany(unit => unit.Root.Members)];

    /// <summary>Checks everything that can be seen in the script's own text.</summary>
    public void Check()
    {
        foreach (var node in _members.SelectMany(member => member.DescendantNodesAndSelf()))
        {
            CheckNode(node);
        }

        foreach (var modifier in _members.SelectMany(member => member.DescendantTokens())
            .Where(token => token.IsKind(SyntaxKind.AsyncKeyword)))
        {
            problems.Add(modifier, NoWaiting);
        }

        if (shape.IsPlan)
        {
            CheckEntry("Takes", $"bool Takes({shape.Answer.Name} step, Situation now)", IsGuard);
            CheckEntry("Merges", $"bool Merges({shape.Answer.Name} step)", IsMerge);
            CheckForgotten("Takes", "asks whether a step is taken", IsGuard);
            CheckForgotten("Merges", "says after which steps nothing comes between", IsMerge);
            CheckSteps();
        }
        else
        {
            foreach (var method in Methods().Where(method => method.Identifier.Text is "Takes" or "Merges"))
            {
                problems.Add(method.Identifier, $"{method.Identifier.Text} belongs to a plan, and with Decide this script is a decision.");
            }

            if (shape.Answer == typeof(IoApicEoiDecision))
            {
                CheckEntry("EntryWritten", "void EntryWritten(Situation now)", IsHearing);
                CheckForgotten("EntryWritten", "hears that the redirection entry was written", IsHearing);
            }
        }
    }

    private SemanticModel Model(SyntaxNode node) => PolicyShape.ModelOf(units, node);

    private IEnumerable<MethodDeclarationSyntax> Methods() => _members.OfType<MethodDeclarationSyntax>();

    private void CheckNode(SyntaxNode node)
    {
        switch (node)
        {
            case AwaitExpressionSyntax:
                problems.Add(node, NoWaiting);
                break;
            case SimpleNameSyntax name when OfGuests.Contains(name.Identifier.Text) && IsForeign(name):
                problems.Add(name, $"'{name.Identifier.Text}' {GuestsOnly}");
                break;
            case VariableDeclaratorSyntax { Parent.Parent: FieldDeclarationSyntax } variable
                when Model(variable).GetDeclaredSymbol(variable) is IFieldSymbol field && PolicyTypes.IsSituation(field.Type):
                problems.Add(variable.Identifier, "a Situation shows the machine while the policy is asked and not later: "
                    + "keep what is needed of it, as in 'ulong lastRip;'.");
                break;
            case BaseObjectCreationExpressionSyntax or DefaultExpressionSyntax
                or LiteralExpressionSyntax { RawKind: (int)SyntaxKind.DefaultLiteralExpression }
                when PolicyTypes.IsSituation(TypeOf((ExpressionSyntax)node)):
                problems.Add(node, "a Situation is given to the policy when it is asked: pass that one on.");
                break;
            case WithExpressionSyntax with when TypeOf(with) is { } changed && PolicyTypes.Is(changed, shape.Answer):
                problems.Add(node, $"this may be no {changed.Name} that there is: make another one instead of changing one with 'with'.");
                break;
            case CastExpressionSyntax cast when PolicyTypes.IsWord(TypeOf(cast)) && !PolicyTypes.IsWord(TypeOf(cast.Expression)):
                RefuseWord(node, TypeOf(cast)!);
                break;
            case BinaryExpressionSyntax or AssignmentExpressionSyntax or PrefixUnaryExpressionSyntax or PostfixUnaryExpressionSyntax
                when IsArithmetic(node) && PolicyTypes.IsWord(TypeOf((ExpressionSyntax)node)):
                RefuseWord(node, TypeOf((ExpressionSyntax)node)!);
                break;
        }
    }

    /// <summary>A name that is not the script's own and that the compiler does not find, or finds in the guest API.</summary>
    private bool IsForeign(SimpleNameSyntax name) => Model(name).GetSymbolInfo(name).Symbol is { } symbol
        ? symbol.ContainingNamespace?.ToDisplayString() == "ScenarioHv.Engine.Guests"
        : !(name.Parent is MemberAccessExpressionSyntax access && access.Name == name);

    private ITypeSymbol? TypeOf(ExpressionSyntax expression)
    {
        var info = Model(expression).GetTypeInfo(expression);
        return info.Type is { TypeKind: not TypeKind.Error } type ? type : info.ConvertedType;
    }

    private static bool IsArithmetic(SyntaxNode node) => !node.IsKind(SyntaxKind.SimpleAssignmentExpression)
        && !node.IsKind(SyntaxKind.SuppressNullableWarningExpression) && !node.IsKind(SyntaxKind.CoalesceExpression)
        && !node.IsKind(SyntaxKind.CoalesceAssignmentExpression) && !node.IsKind(SyntaxKind.AsExpression);

    private void RefuseWord(SyntaxNode node, ITypeSymbol type) =>
        problems.Add(node, $"'{node}' may be none of the members of {type.Name}: name one, as in '{type.Name}.{FirstMember(type)}'.");

    private static string FirstMember(ITypeSymbol type) => type.GetMembers().OfType<IFieldSymbol>().First(field => field.IsConst).Name;

    private void CheckEntry(string name, string signature, Func<IMethodSymbol, bool> fits)
    {
        foreach (var member in _members.Where(member => PolicyShape.NameOf(member) is { } found && found.Text == name))
        {
            if (member is not MethodDeclarationSyntax method || !fits(Model(method).GetDeclaredSymbol(method)!))
            {
                problems.Add(PolicyShape.NameOf(member)!.Value, $"{name} has to be declared as '{signature}'.");
            }
        }
    }

    /// <summary>A guard that has the wrong name would guard nothing, and nobody would notice.</summary>
    private void CheckForgotten(string name, string what, Func<IMethodSymbol, bool> fits)
    {
        if (_members.Any(member => PolicyShape.NameOf(member) is { } found && found.Text == name))
        {
            return;
        }

        foreach (var method in Methods())
        {
            var symbol = Model(method).GetDeclaredSymbol(method)!;
            if ((fits(symbol) || NearestName.Of(symbol.Name, [name]) is not null) && !IsUsed(symbol))
            {
                problems.Add(method.Identifier, $"nothing asks '{symbol.Name}': what {what} is called {name}.");
            }
        }
    }

    private bool IsGuard(IMethodSymbol method) => IsQuestion(method) && method.Parameters.Length == 2
        && IsStep(method.Parameters[0])
        && method.Parameters[1].RefKind == RefKind.None && PolicyTypes.IsSituation(method.Parameters[1].Type);

    private bool IsMerge(IMethodSymbol method) => IsQuestion(method) && method.Parameters.Length == 1 && IsStep(method.Parameters[0]);

    private static bool IsHearing(IMethodSymbol method) =>
        method is { ReturnsVoid: true, IsGenericMethod: false, Parameters: [{ RefKind: RefKind.None } now] }
        && PolicyTypes.IsSituation(now.Type);

    private static bool IsQuestion(IMethodSymbol method) =>
        method.ReturnType.SpecialType == SpecialType.System_Boolean && !method.IsGenericMethod && !method.ReturnsByRef
        && !method.ReturnsByRefReadonly;

    private bool IsStep(IParameterSymbol parameter) => parameter.RefKind == RefKind.None && PolicyTypes.Is(parameter.Type, shape.Answer);

    private bool IsUsed(IMethodSymbol method) => _members.SelectMany(member => member.DescendantNodes().OfType<SimpleNameSyntax>())
        .Any(name => name.Identifier.Text == method.Name
            && Model(name).GetSymbolInfo(name) is var found && found.CandidateSymbols.Append(found.Symbol)
                .Any(symbol => SymbolEqualityComparer.Default.Equals(symbol, method)));

    /// <summary>
    /// The steps are asked for before there is a machine, and so before there are variables in it. What structs do counts as theirs:
    /// operators and the like are called without a name.
    /// </summary>
    private void CheckSteps()
    {
        var seen = new HashSet<SyntaxNode>();
        foreach (var member in _members.Where(member =>
            member is TypeDeclarationSyntax || PolicyShape.NameOf(member) is { Text: PolicyShape.Steps }))
        {
            CheckWithoutMachine(member, seen);
        }
    }

    private void CheckWithoutMachine(SyntaxNode code, HashSet<SyntaxNode> seen)
    {
        foreach (var name in code.DescendantNodes().OfType<SimpleNameSyntax>())
        {
            var found = Model(name).GetSymbolInfo(name);
            var symbol = found.Symbol ?? found.CandidateSymbols.FirstOrDefault();
            if (symbol is IFieldSymbol { IsConst: false } field && _members.Contains(DeclarationOf(field)))
            {
                problems.Add(name, $"'{name.Identifier.Text}' is in the machine, and a plan's steps are asked for before there is one: "
                    + "what depends on a variable belongs into Takes.");
            }
            else if (symbol is IMethodSymbol or IPropertySymbol && DeclarationOf(symbol) is { } called && _members.Contains(called)
                && seen.Add(called))
            {
                CheckWithoutMachine(called, seen);
            }
        }
    }

    private static MemberDeclarationSyntax? DeclarationOf(ISymbol symbol) => symbol.DeclaringSyntaxReferences.FirstOrDefault()?.GetSyntax()
        .AncestorsAndSelf().OfType<MemberDeclarationSyntax>().FirstOrDefault();
}
