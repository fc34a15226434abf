using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace ScenarioHv.Scripting;

/// <summary>
/// Puts the calls of <c>StepBudget</c> into a script: at the start of the body of each loop, method, accessor, lambda and handler of
/// exceptions, before each <c>goto</c>, and around lengths of arrays and what texts are made of. A round or call pays in advance for the
/// calls of the library that stand in it.
/// </summary>
internal sealed class BudgetEdits(ScriptUnit unit, ScriptChecks checks, SourceEdits edits)
{
    private const string Budget = "global::ScenarioHv.Engine.Guests.StepBudget";
    private const int RoundCost = 1;
    private const int CallCost = 200;
    private const int CatchCost = 200_000;
    private const int CharacterCost = 100;
    private const int MostCost = 100_000_000;

    private readonly Dictionary<SyntaxNode, int> _inside = [];

    /// <summary>Adds the edits. They come before those of others at the same place.</summary>
    public void Add()
    {
        foreach (var (node, cost) in checks.Costs)
        {
            Charge(node, cost);
        }

        foreach (var text in unit.Root.DescendantNodes().Where(IsMadeText))
        {
            Charge(text, AllowedApi.Little + ((long)text.Span.Length * CharacterCost));
        }

        foreach (var node in unit.Root.DescendantNodes())
        {
            Add(node);
        }
    }

    private static bool IsRegion(SyntaxNode node) => node is BaseMethodDeclarationSyntax or AccessorDeclarationSyntax
        or LocalFunctionStatementSyntax or AnonymousFunctionExpressionSyntax or PropertyDeclarationSyntax or IndexerDeclarationSyntax
        or WhileStatementSyntax or DoStatementSyntax or ForStatementSyntax or CommonForEachStatementSyntax;

    private void Charge(SyntaxNode node, long cost)
    {
        foreach (var region in node.AncestorsAndSelf().Where(IsRegion))
        {
            _inside[region] = (int)Math.Min(MostCost, _inside.GetValueOrDefault(region) + cost);
            if (region is not StatementSyntax or LocalFunctionStatementSyntax)
            {
                return;
            }
        }
    }

    private void Add(SyntaxNode node)
    {
        switch (node)
        {
            case WhileStatementSyntax loop:
                Begin(loop, loop.Statement);
                break;
            case DoStatementSyntax loop:
                Begin(loop, loop.Statement);
                break;
            case ForStatementSyntax loop:
                Begin(loop, loop.Statement);
                break;
            case CommonForEachStatementSyntax loop:
                Begin(loop, loop.Statement);
                break;
            case GotoStatementSyntax jump:
                edits.Enclose(jump, "{ " + Take("Jump", RoundCost, jump) + " ", " }", jump);
                break;
            case CatchClauseSyntax handler:
                var at = handler.Declaration?.Span.End ?? handler.CatchKeyword.Span.End;
                edits.Insert(at, $" when ({Budget}.IsLeft) ");
                edits.InsertFor(handler, After(handler.Block), Take("Catch", CatchCost, handler));
                break;
            case BaseMethodDeclarationSyntax method:
                Begin(method, method.Body, method.ExpressionBody, Returns(method));
                break;
            case LocalFunctionStatementSyntax function:
                Begin(function, function.Body, function.ExpressionBody, Returns(function));
                break;
            case AccessorDeclarationSyntax accessor:
                Begin(accessor, accessor.Body, accessor.ExpressionBody, accessor.Keyword.IsKind(SyntaxKind.GetKeyword));
                break;
            case PropertyDeclarationSyntax { ExpressionBody: { } body }:
                Begin(node, null, body, returns: true, accessor: "get { ");
                break;
            case IndexerDeclarationSyntax { ExpressionBody: { } body }:
                Begin(node, null, body, returns: true, accessor: "get { ");
                break;
            case AnonymousFunctionExpressionSyntax lambda:
                BeginLambda(lambda);
                break;
            case ArrayRankSpecifierSyntax { Parent: ArrayTypeSyntax { Parent: ArrayCreationExpressionSyntax array } } rank:
                AddRoom(array, rank);
                break;
            case ExpressionSyntax text when IsPartOfText(text):
                // In parentheses: a colon in an interpolation begins a format.
                edits.Around(text, $"({Budget}.Text(", $", {Place(text)}))");
                break;
        }
    }

    private void Begin(SyntaxNode loop, StatementSyntax body)
    {
        var call = Take("Loop", RoundCost + _inside.GetValueOrDefault(loop), loop);
        if (body is BlockSyntax block)
        {
            edits.InsertFor(loop, After(block), call);
        }
        else
        {
            edits.Enclose(body, "{ " + call + " ", " }", loop);
        }
    }

    /// <summary><c>=> e;</c> becomes <c>{ ...; return e; }</c>.</summary>
    private void Begin(SyntaxNode function, BlockSyntax? block, ArrowExpressionClauseSyntax? arrow, bool returns, string accessor = "")
    {
        var call = Take("Call", CallCost + _inside.GetValueOrDefault(function), function);
        if (block is not null)
        {
            edits.InsertFor(function, After(block), call);
        }
        else if (arrow is not null)
        {
            edits.InsertFor(function, arrow.ArrowToken.Span, "{ " + accessor + call + " ");
            if (returns && arrow.Expression is not ThrowExpressionSyntax)
            {
                edits.InsertFor(arrow.Expression, new TextSpan(arrow.Expression.SpanStart, 0), "return ");
            }

            edits.Insert(arrow.GetLastToken().GetNextToken().Span.End, accessor.Length == 0 ? "}" : "} }");
        }
    }

    private void BeginLambda(AnonymousFunctionExpressionSyntax lambda)
    {
        var call = Take("Call", CallCost + _inside.GetValueOrDefault(lambda), lambda);
        if (lambda.Block is { } block)
        {
            edits.InsertFor(lambda, After(block), call);
        }
        else if (lambda.ExpressionBody is { } body)
        {
            var method = unit.Model.GetSymbolInfo(lambda).Symbol as IMethodSymbol;
            var returns = method is { ReturnsVoid: false } && !(EngineTypes.Is(method.ReturnType, "GuestTask") && method.IsAsync)
                && body is not ThrowExpressionSyntax;
            edits.Enclose(body, "{ " + call + " ", "; }", lambda, returns ? "return " : null);
        }
    }

    private bool Returns(SyntaxNode function) => unit.Model.GetDeclaredSymbol(function) is IMethodSymbol
    {
        ReturnsVoid: false, MethodKind: not MethodKind.Constructor,
    } method && !(method.IsAsync && EngineTypes.Is(method.ReturnType, "GuestTask"));

    private void AddRoom(ArrayCreationExpressionSyntax array, ArrayRankSpecifierSyntax rank)
    {
        if (unit.Model.GetTypeInfo(array).Type is IArrayTypeSymbol type && array.Type.RankSpecifiers[0] == rank
            && rank.Sizes[0] is not OmittedArraySizeExpressionSyntax && array.Initializer is null)
        {
            edits.Around(rank.Sizes[0], $"{Budget}.Room(", $", {checks.SizeOf(type.ElementType)}, {Place(array)})");
        }
    }

    /// <summary>An expression that makes a new text.</summary>
    private bool IsMadeText(SyntaxNode node) => node switch
    {
        InterpolatedStringExpressionSyntax => true,
        BinaryExpressionSyntax { RawKind: (int)SyntaxKind.AddExpression }
            or AssignmentExpressionSyntax { RawKind: (int)SyntaxKind.AddAssignmentExpression } =>
            unit.Model.GetTypeInfo(node).Type?.SpecialType == SpecialType.System_String,
        _ => false,
    };

    private bool IsPartOfText(ExpressionSyntax node)
    {
        var whole = node.Parent switch
        {
            BinaryExpressionSyntax or InterpolationSyntax => node.Parent,
            AssignmentExpressionSyntax assignment when assignment.Right == node => assignment,
            _ => null,
        };
        return whole is not null && (whole is InterpolationSyntax || IsMadeText(whole)) && !IsMadeText(node)
            && unit.Model.GetTypeInfo(node).Type?.SpecialType == SpecialType.System_String && !unit.Model.GetConstantValue(node).HasValue;
    }

    private static TextSpan After(BlockSyntax block) => new(block.OpenBraceToken.Span.End, 0);

    private string Take(string what, int units, SyntaxNode node) => $"{Budget}.{what}({units}, {Place(node)});";

    private string Place(SyntaxNode node) =>
        $"{unit.LineOf(node)}, {node.SyntaxTree.GetText().Lines.GetLinePosition(node.SpanStart).Character + 1}";
}
