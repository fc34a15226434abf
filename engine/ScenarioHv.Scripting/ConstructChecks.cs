using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace ScenarioHv.Scripting;

/// <summary>
/// The constructs of the language that a checked script does without, because a <c>StepBudget</c> could not count them, or because
/// they would use the stack before it is asked.
/// </summary>
internal static class ConstructChecks
{
    private const int WidestAlignment = 100;

    /// <summary>Notes every one in the script.</summary>
    public static void Check(CompilationUnitSyntax root, SemanticModel model, ScriptProblems problems)
    {
        foreach (var node in root.DescendantNodes())
        {
            if (Refusal(node) is { } refusal)
            {
                problems.Add(node, refusal);
            }

            switch (node)
            {
                case FinallyClauseSyntax last:
                    CheckFinally(last, model, problems);
                    break;
                case InterpolationSyntax hole:
                    CheckHole(hole, model, problems);
                    break;
                case InvocationExpressionSyntax call when model.GetSymbolInfo(call).Symbol is IMethodSymbol
                {
                    Name: "ToString", Parameters.Length: > 0,
                } method:
                    CheckToString(call, method, model, problems);
                    break;
            }
        }
    }

    private static string? Refusal(SyntaxNode node) => node switch
    {
        TypeParameterListSyntax => "type parameters are not possible in a script: write it for the types that you need.",
        ConstructorInitializerSyntax => "a constructor calls no other here: it would run before anything is counted. Call a method.",
        EqualsValueClauseSyntax { Parent: VariableDeclaratorSyntax { Parent.Parent: FieldDeclarationSyntax field } }
            when field.Parent is TypeDeclarationSyntax && !field.Modifiers.Any(SyntaxKind.ConstKeyword) => Initializer,
        EqualsValueClauseSyntax { Parent: PropertyDeclarationSyntax } => Initializer,
        StackAllocArrayCreationExpressionSyntax or ImplicitStackAllocArrayCreationExpressionSyntax =>
            "'stackalloc' takes stack that nobody counts: make an array.",
        QueryExpressionSyntax => "a query expression hides calls that nobody counts: write the methods, as in list.Where(n => n > 1).",
        CatchFilterClauseSyntax => "a filter of exceptions is not possible: test in the catch block, and throw again.",
        AnonymousFunctionExpressionSyntax when node.Ancestors().Any(outer => outer is InterpolationSyntax) =>
            "a lambda inside an interpolated string is not possible: take it into a local first.",
        _ => null,
    };

    private const string Initializer =
        "a field starts as 0 here: an initialiser would run before anything is counted. Set it in the constructor.";

    /// <summary>What ends a step in the middle of a <c>finally</c>, on the way of an exception, can end the whole process.</summary>
    private static void CheckFinally(FinallyClauseSyntax last, SemanticModel model, ScriptProblems problems)
    {
        foreach (var node in last.Block.DescendantNodes())
        {
            var own = model.GetSymbolInfo(node).Symbol is { } symbol
                && SymbolEqualityComparer.Default.Equals(symbol.ContainingAssembly, model.Compilation.Assembly)
                && symbol is IMethodSymbol { MethodKind: not MethodKind.BuiltinOperator } or IPropertySymbol
                && !(symbol is IMethodSymbol { IsImplicitlyDeclared: true });
            var refused = own || node is WhileStatementSyntax or DoStatementSyntax or ForStatementSyntax or CommonForEachStatementSyntax
                or GotoStatementSyntax or AnonymousFunctionExpressionSyntax or TryStatementSyntax or ArrayCreationExpressionSyntax
                or ImplicitArrayCreationExpressionSyntax or InterpolatedStringExpressionSyntax
                || (model.GetSymbolInfo(node).Symbol as IMethodSymbol)?.MethodKind == MethodKind.DelegateInvoke
                || (node is BinaryExpressionSyntax or AssignmentExpressionSyntax
                    && model.GetTypeInfo(node).Type?.SpecialType == SpecialType.System_String);
            if (refused)
            {
                problems.Add(node, "a finally block has no loops and jumps, makes no texts and arrays, and calls no methods of the script: "
                    + "nothing could stop it. Do this behind the try.");
                return;
            }
        }
    }

    private static void CheckHole(InterpolationSyntax hole, SemanticModel model, ScriptProblems problems)
    {
        var type = model.GetTypeInfo(hole.Expression).Type;
        if (type is not (null or { TypeKind: TypeKind.Enum or TypeKind.Error }
            or { SpecialType: >= SpecialType.System_Boolean and <= SpecialType.System_UInt64 or SpecialType.System_String }))
        {
            problems.Add(hole.Expression, $"a text is made of integers, characters, bools, enums and texts here, not of "
                + $"{type.ToMinimalDisplayString(model, 0)}.");
        }

        if (hole.AlignmentClause?.Value is { } width
            && model.GetConstantValue(width) is { HasValue: true, Value: int and (< -WidestAlignment or > WidestAlignment) })
        {
            problems.Add(width, $"an alignment has at most {WidestAlignment} characters.");
        }

        if (hole.FormatClause is { } format && !IsPlain(format.FormatStringToken.ValueText))
        {
            problems.Add(format, Format);
        }
    }

    private const string Format = "a format is X, x, D or G with at most two digits here: $\"{n:X8}\".";

    private static void CheckToString(InvocationExpressionSyntax call, IMethodSymbol method, SemanticModel model, ScriptProblems problems)
    {
        var arguments = call.ArgumentList.Arguments;
        var plain = method.Parameters.Length == 1 && arguments.Count == 1
            && model.GetConstantValue(arguments[0].Expression) is { HasValue: true, Value: string format } && IsPlain(format);
        if (!plain && !SymbolEqualityComparer.Default.Equals(method.ContainingAssembly, model.Compilation.Assembly))
        {
            problems.Add(call, Format);
        }
    }

    private static bool IsPlain(string format) =>
        format.Length is 1 or 2 or 3 && "XxDdGg".Contains(format[0], StringComparison.Ordinal) && format[1..].All(char.IsAsciiDigit);
}
