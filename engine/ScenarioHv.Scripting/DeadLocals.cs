using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace ScenarioHv.Scripting;

/// <summary>
/// Clears the locals of <c>async</c> methods where their scope ends. A suspended frame keeps the last value of a local whose scope is
/// over, and two machines that
/// differ only in it would be two states: a loop would not be seen to recur.
/// </summary>
/// <remarks>
/// Cleared are locals of plain data in blocks that contain an <c>await</c>, at the end of the block and before each <c>break</c> and
/// <c>continue</c> that leaves it, and
/// the variables of <c>for</c> loops behind the loop. An assignment behind the last statement is always legal, and unreachable if the
/// end of the block is.
/// Not cleared: parameters and locals of the whole method (its frame goes), foreach variables and <c>using</c> variables (read-only),
/// references to variables, locals left by <c>goto</c>, variables declared in conditions of loops.
/// </remarks>
internal static class DeadLocals
{
    /// <summary>Adds the assignments for the methods under <paramref name="root"/> to <paramref name="edits"/>.</summary>
    public static void Clear(SyntaxNode root, SemanticModel model, SourceEdits edits)
    {
        foreach (var node in root.DescendantNodes().Where(IsInAsync))
        {
            switch (node)
            {
                case BlockSyntax block when !IsFunction(block.Parent) && HasAwait(block):
                    if (Assignments(block.Statements, int.MaxValue, model) is { Length: > 0 } clear)
                    {
                        edits.AtEndOfBlock(block.CloseBraceToken, clear);
                    }

                    break;
                case ForStatementSyntax { Declaration: { } declaration } loop when HasAwait(loop):
                    ClearLoop(loop, declaration, model, edits);
                    break;
                case BreakStatementSyntax or ContinueStatementSyntax:
                    ClearBeforeJump((StatementSyntax)node, model, edits);
                    break;
            }
        }
    }

    /// <summary><c>for (int i = 0; c; n) s</c> becomes <c>{ int i = 0; for (; c; n) s i = default; }</c>.</summary>
    private static void ClearLoop(ForStatementSyntax loop, VariableDeclarationSyntax declaration, SemanticModel model, SourceEdits edits)
    {
        if (declaration.Variables.All(variable => IsPlain(variable, model)))
        {
            edits.Before(loop, "{", replaced: loop.OpenParenToken.Span.End - loop.SpanStart);
            edits.After(declaration, "; for (");
            edits.After(loop, Assign(declaration.Variables.Select(variable => variable.Identifier.Text)) + "}");
        }
    }

    private static void ClearBeforeJump(StatementSyntax jump, SemanticModel model, SourceEdits edits)
    {
        var clear = string.Empty;
        for (var scope = jump.Parent; scope is not null && !IsTarget(scope, jump); scope = scope.Parent)
        {
            clear += scope switch
            {
                BlockSyntax block when HasAwait(block) => Assignments(block.Statements, jump.SpanStart, model),
                SwitchSectionSyntax section when HasAwait(section) => Assignments(section.Statements, jump.SpanStart, model),
                _ => string.Empty,
            };
        }

        if (clear.Length != 0)
        {
            edits.Before(jump, "{ " + clear);
            edits.After(jump, "}");
        }
    }

    private static bool IsTarget(SyntaxNode scope, StatementSyntax jump) =>
        scope is WhileStatementSyntax or DoStatementSyntax or ForStatementSyntax or CommonForEachStatementSyntax || IsFunction(scope)
        || (scope is SwitchStatementSyntax && jump is BreakStatementSyntax);

    /// <summary>
    /// The assignments for what <paramref name="statements"/> declare in their own scope, as far as they end before <paramref
    /// name="before"/>.
    /// </summary>
    private static string Assignments(SyntaxList<StatementSyntax> statements, int before, SemanticModel model) =>
        Assign(statements.Where(statement => statement.Span.End <= before).SelectMany(statement => Declared(statement, model)));

    private static string Assign(IEnumerable<string> names) => string.Concat(names.Select(name => $"{name} = default; "));

    /// <summary>The locals whose scope is the block that <paramref name="statement"/> stands in.</summary>
    private static IEnumerable<string> Declared(StatementSyntax statement, SemanticModel model)
    {
        SyntaxNode? expression = statement switch
        {
            LocalDeclarationStatementSyntax local => local,
            ExpressionStatementSyntax other => other.Expression,
            IfStatementSyntax choice => choice.Condition,
            _ => null,
        };
        return expression is null || statement is LocalDeclarationStatementSyntax { UsingKeyword.RawKind: not 0 }
            ? []
            : expression.DescendantNodesAndSelf(node => !IsFunction(node) && node is not SwitchExpressionArmSyntax)
                .Where(node => node is VariableDeclaratorSyntax or SingleVariableDesignationSyntax && IsPlain(node, model))
                .Select(node => node.ChildTokens().First(token => token.IsKind(SyntaxKind.IdentifierToken)).Text);
    }

    private static bool IsPlain(SyntaxNode declaration, SemanticModel model) =>
        model.GetDeclaredSymbol(declaration)
            is ILocalSymbol { IsConst: false, IsUsing: false, IsFixed: false, RefKind: RefKind.None, Type.IsUnmanagedType: true };

    private static bool IsInAsync(SyntaxNode node) => node.Ancestors().FirstOrDefault(IsFunction) switch
    {
        MethodDeclarationSyntax method => method.Modifiers.Any(SyntaxKind.AsyncKeyword),
        LocalFunctionStatementSyntax function => function.Modifiers.Any(SyntaxKind.AsyncKeyword),
        AnonymousFunctionExpressionSyntax lambda => lambda.AsyncKeyword.RawKind != 0,
        _ => false,
    };

    private static bool IsFunction(SyntaxNode? node) =>
        node is BaseMethodDeclarationSyntax or AccessorDeclarationSyntax
            or LocalFunctionStatementSyntax or AnonymousFunctionExpressionSyntax;

    private static bool HasAwait(SyntaxNode scope) => scope.DescendantNodes(node => node == scope || !IsFunction(node)).Any(node => node
        is AwaitExpressionSyntax or CommonForEachStatementSyntax { AwaitKeyword.RawKind: not 0 }
        or UsingStatementSyntax { AwaitKeyword.RawKind: not 0 } or LocalDeclarationStatementSyntax { AwaitKeyword.RawKind: not 0 });
}
