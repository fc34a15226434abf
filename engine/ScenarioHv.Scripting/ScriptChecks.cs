using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Operations;

namespace ScenarioHv.Scripting;

/// <summary>
/// What a script uses: every symbol that its text names, and every one that the compiler binds without a name (conversions, operators,
/// patterns, initialisers, enumerators), is held against <see cref="ScriptApi"/>.
/// </summary>
internal sealed class ScriptChecks(CompilationUnitSyntax root, SemanticModel model, ScriptApi api, ScriptProblems problems)
{
    /// <summary>What a struct may have in bytes: locals live on the stack.</summary>
    private const int LargestStruct = 1024;

    /// <summary>What the values of one method may have in bytes.</summary>
    private const long LargestFrame = 64 << 10;

    private readonly HashSet<int> _refused = [];
    private readonly Dictionary<ITypeSymbol, long> _sizes = new(SymbolEqualityComparer.Default);

    /// <summary>What the calls in the script cost, by the place of each.</summary>
    public Dictionary<SyntaxNode, int> Costs { get; } = [];

    /// <summary>Checks the whole script.</summary>
    public void Check()
    {
        foreach (var node in root.DescendantNodes())
        {
            CheckNamed(node);
            if (model.GetOperation(node) is { Parent: null } operation)
            {
                CheckOperations(operation);
            }
        }
    }

    /// <summary>The bytes of a value of <paramref name="type"/>; references count as one word.</summary>
    public long SizeOf(ITypeSymbol type)
    {
        if (!type.IsValueType || type.TypeKind is TypeKind.TypeParameter or TypeKind.Error)
        {
            return 8;
        }

        if (_sizes.TryGetValue(type, out var known))
        {
            return known;
        }

        _sizes[type] = 8;                                   // what contains itself is an error that the compiler reports
        var fields = type.GetMembers().OfType<IFieldSymbol>().Where(field => !field.IsStatic && !field.IsConst).ToArray();
        var size = type.SpecialType != SpecialType.None || fields.Length == 0 ? 16
            : type.TypeKind == TypeKind.Enum ? 8
            : Math.Min(fields.Sum(field => SizeOf(field.Type)) * Repetitions(type), 1L << 30);
        return _sizes[type] = size;
    }

    /// <summary>How often a struct has its field: more than once if it is an inline array.</summary>
    private static int Repetitions(ITypeSymbol type) => type.GetAttributes()
        .Where(attribute => attribute.AttributeClass?.Name == "InlineArrayAttribute")
        .Select(attribute => attribute.ConstructorArguments is [{ Value: int length }] ? Math.Max(1, length) : 1)
        .FirstOrDefault(1);

    private void CheckNamed(SyntaxNode node)
    {
        if (node is AttributeSyntax attribute && model.GetTypeInfo(attribute).Type is { TypeKind: not TypeKind.Error } type)
        {
            CheckType(node, type);
        }

        if (node is ExpressionSyntax expression)
        {
            if (model.GetSymbolInfo(expression).Symbol is { } symbol)
            {
                CheckSymbol(node, symbol);
            }

            if (model.GetTypeInfo(expression) is { Type: { } found })
            {
                CheckType(node, found);
            }
        }
        else if (node is UsingDirectiveSyntax { Alias: not null, NamespaceOrType: { } target }
            && model.GetTypeInfo(target).Type is { } alias)
        {
            CheckType(target, alias);
        }
    }

    private void CheckOperations(IOperation root)
    {
        long frame = 0;
        foreach (var operation in root.DescendantsAndSelf())
        {
            if (operation.Type is { } type && !(operation is IConversionOperation { IsImplicit: true } && IsEnumerable(type)))
            {
                CheckType(operation.Syntax, type);
                frame += type.IsValueType ? SizeOf(type) : 0;
            }

            foreach (var symbol in Bound(operation))
            {
                CheckSymbol(operation.Syntax, symbol);
            }

            CheckKind(operation);
        }

        if (frame > LargestFrame)
        {
            Refuse(root.Syntax, $"the values of this method have {frame} bytes together; a method has at most {LargestFrame}.");
        }
    }

    /// <summary>What an operation binds to, with a name or without.</summary>
    private static IEnumerable<ISymbol> Bound(IOperation operation)
    {
        ISymbol?[] symbols = operation switch
        {
            IInvocationOperation call => [call.TargetMethod, .. call.TargetMethod.TypeArguments],
            IMethodReferenceOperation group => [group.Method],
            IObjectCreationOperation creation => [creation.Constructor],
            IMemberReferenceOperation member => [member.Member],
            IBinaryOperation binary => [binary.OperatorMethod],
            IUnaryOperation unary => [unary.OperatorMethod],
            ICompoundAssignmentOperation compound =>
                [compound.OperatorMethod, compound.InConversion.MethodSymbol, compound.OutConversion.MethodSymbol],
            IIncrementOrDecrementOperation increment => [increment.OperatorMethod],
            IConversionOperation conversion => [conversion.OperatorMethod],
            IRangeOperation range => [range.Method],
            IImplicitIndexerReferenceOperation indexer => [indexer.LengthSymbol, indexer.IndexerSymbol],
            IRecursivePatternOperation pattern => [pattern.DeconstructSymbol, pattern.MatchedType],
            IListPatternOperation list => [list.LengthSymbol, list.IndexerSymbol],
            ISlicePatternOperation slice => [slice.SliceSymbol],
            ITypePatternOperation pattern => [pattern.MatchedType],
            IDeclarationPatternOperation pattern => [pattern.MatchedType, (pattern.DeclaredSymbol as ILocalSymbol)?.Type],
            IVariableDeclaratorOperation variable => [variable.Symbol.Type],
            ICatchClauseOperation handler => [handler.ExceptionType],
            ICollectionExpressionOperation collection => [collection.ConstructMethod],
            IWithOperation with => [with.CloneMethod],
            _ => [],
        };
        return symbols.OfType<ISymbol>();
    }

    private void CheckKind(IOperation operation)
    {
        var refusal = operation switch
        {
            IDynamicInvocationOperation or IDynamicMemberReferenceOperation or IDynamicIndexerAccessOperation
                or IDynamicObjectCreationOperation => "'dynamic' is bound while the script runs: write the type.",
            ITypeOfOperation => "'typeof' is for reflection: a script is what its text says.",
            ILockOperation => "'lock' is not possible: a script runs alone until its step ends.",
            IUsingOperation or IUsingDeclarationOperation => "'using' hides a finally: call what it would call.",
            ISpreadOperation => "'..' in a collection copies elements that nobody counts: add them one by one.",
            IArrayCreationOperation { DimensionSizes.Length: > 1 } => "an array has one dimension here: make an array of arrays.",
            IArrayCreationOperation array when array.DimensionSizes.Any(size => size.Type?.SpecialType != SpecialType.System_Int32) =>
                "the length of an array is an int here.",
            IInterpolatedStringHandlerCreationOperation => "an interpolated string is a string here.",
            IBinaryOperation { Type.TypeKind: TypeKind.Delegate } or ICompoundAssignmentOperation { Type.TypeKind: TypeKind.Delegate } =>
                "delegates are not added here: call one after the other.",
            IForEachLoopOperation loop => EnumerationProblem(loop),
            IAwaitOperation { Operation.Type: { TypeKind: not TypeKind.Error } type } when !EngineTypes.IsAwaited(type) =>
                "only operations of the cpu and methods that return GuestTask can be awaited.",
            IFunctionPointerInvocationOperation or IAddressOfOperation => "pointers are not possible in a script.",
            _ => null,
        };
        if (refusal is not null)
        {
            Refuse(operation.Syntax, refusal);
        }
    }

    private string? EnumerationProblem(IForEachLoopOperation loop)
    {
        var collection = loop.Collection is IConversionOperation { IsImplicit: true } conversion ? conversion.Operand : loop.Collection;
        return loop.IsAsynchronous || (collection.Type is INamedTypeSymbol type && !api.Allows(type) && !IsQuery(collection))
            ? "foreach goes over arrays, texts, and the collections that a script may use; write a for loop." : null;
    }

    /// <summary>A query is had where it is written and nowhere else.</summary>
    private static bool IsQuery(IOperation operation) =>
        operation is IInvocationOperation call && AllowedApi.NameOf(call.TargetMethod.ContainingType) == "System.Linq.Enumerable";

    private void CheckSymbol(SyntaxNode node, ISymbol symbol)
    {
        switch (symbol)
        {
            case IAliasSymbol alias:
                CheckSymbol(node, alias.Target);
                break;
            case ITypeSymbol type:
                CheckType(node, type);
                break;
            case ILocalSymbol local:
                CheckKept(node, local.Type);
                break;
            case IParameterSymbol parameter:
                CheckKept(node, parameter.Type);
                break;
            case IMethodSymbol { MethodKind: MethodKind.LocalFunction or MethodKind.AnonymousFunction or MethodKind.BuiltinOperator }:
                break;
            case IMethodSymbol { AssociatedSymbol: { } owner }:
                CheckSymbol(node, owner);
                break;
            case IMethodSymbol or IPropertySymbol or IFieldSymbol or IEventSymbol:
                CheckMember(node, symbol);
                break;
        }
    }

    private void CheckMember(SyntaxNode node, ISymbol member)
    {
        var method = member as IMethodSymbol;
        foreach (var argument in method?.TypeArguments ?? [])
        {
            CheckKept(node, argument);
        }

        if (member.ContainingType is not { } type || (IsOwn(type) && member.Name != "GetHashCode"))
        {
            return;
        }

        if (api.Cost(method?.ReducedFrom ?? member) is not { } cost)
        {
            var name = $"{AllowedApi.NameOf(type)}.{member.Name}";
            var shown = method?.MethodKind == MethodKind.Constructor ? $"new {Shown(type)}" : $"{Shown(type)}.{member.Name}";
            Refuse(node, $"'{shown}' cannot be used in a script: {api.Reason(name, member)}");
        }
        else
        {
            Costs[node] = Math.Max(Costs.GetValueOrDefault(node), cost);
            CheckOrdered(node, member, type);
        }
    }

    private void CheckType(SyntaxNode node, ITypeSymbol type)
    {
        switch (type)
        {
            case IDynamicTypeSymbol:
                Refuse(node, "'dynamic' is bound while the script runs: write the type.");
                break;
            case IPointerTypeSymbol or IFunctionPointerTypeSymbol:
                Refuse(node, "pointers are not possible in a script.");
                break;
            case IArrayTypeSymbol array:
                CheckKept(node, array.ElementType);
                break;
            case INamedTypeSymbol { TypeKind: not TypeKind.Error } named:
                CheckNamedType(node, named);
                break;
        }
    }

    private void CheckNamedType(SyntaxNode node, INamedTypeSymbol type)
    {
        if (!IsOwn(type) && !api.Allows(type) && !(IsLazy(type) && model.GetOperation(node) is { } query && IsQuery(query)))
        {
            Refuse(node, $"'{Shown(type)}' cannot be used in a script: {api.Reason(AllowedApi.NameOf(type), type)}");
            return;
        }

        foreach (var argument in type.TypeArguments.Where(argument => argument is not ITypeParameterSymbol))
        {
            CheckKept(node, argument);
        }

        if (type.IsValueType && SizeOf(type) is > LargestStruct and var size)
        {
            Refuse(node, $"'{Shown(type)}' has about {size} bytes; a struct has at most {LargestStruct}.");
        }

        if (type.Name is "SortedDictionary" or "SortedSet" && !IsOwn(type) && !IsOrdered(type.TypeArguments[0]))
        {
            Refuse(node, $"'{Shown(type)}' is sorted by {Shown(type.TypeArguments[0])}: keys are integers, characters or enums here.");
        }
    }

    /// <summary>A type that a variable, parameter or type argument has: no query that is still to be carried out.</summary>
    private void CheckKept(SyntaxNode node, ITypeSymbol type)
    {
        if (IsLazy(type))
        {
            Refuse(node, $"'{Shown(type)}' cannot be kept: {api.Reason("System.Collections.Generic.IEnumerable", type)}");
        }
        else
        {
            CheckType(node, type);
        }
    }

    /// <summary>What is sorted is sorted the same way everywhere.</summary>
    private void CheckOrdered(SyntaxNode node, ISymbol member, INamedTypeSymbol type)
    {
        var key = member is not IMethodSymbol method ? null : member.Name switch
        {
            "OrderBy" or "OrderByDescending" or "ThenBy" or "ThenByDescending" => method.TypeArguments.LastOrDefault(),
            "Sort" when method.Parameters.Length == 0 => type.TypeArguments.FirstOrDefault(),
            "Sort" when AllowedApi.NameOf(type) == "System.Array" && method.Parameters.Length == 1 =>
                method.TypeArguments.FirstOrDefault() ?? (ITypeSymbol)method.Parameters[0].Type,
            _ => null,
        };
        if (key is not null && !IsOrdered(key))
        {
            Refuse(node, $"'{member.Name}' would sort by {Shown(key)}: sort by integers, characters or enums, or give a Comparison.");
        }
    }

    /// <summary>One problem is enough for a place: what contains it comes first.</summary>
    private void Refuse(SyntaxNode node, string message)
    {
        if (_refused.Add(node.SpanStart))
        {
            problems.Add(node, message);
        }
    }

    private static bool IsOrdered(ITypeSymbol type) => type.TypeKind is TypeKind.Enum or TypeKind.TypeParameter
        || type.SpecialType is >= SpecialType.System_Boolean and <= SpecialType.System_UInt64;

    private static bool IsLazy(ITypeSymbol type) => type is INamedTypeSymbol { TypeKind: TypeKind.Interface } named
        && AllowedApi.NameOf(named) is "System.Collections.Generic.IEnumerable`1" or "System.Linq.IOrderedEnumerable`1";

    private static bool IsEnumerable(ITypeSymbol type) => IsLazy(type) || type.SpecialType == SpecialType.System_Collections_IEnumerable;

    private bool IsOwn(ITypeSymbol type) => SymbolEqualityComparer.Default.Equals(type.ContainingAssembly, model.Compilation.Assembly);

    private string Shown(ITypeSymbol type) => type.ToMinimalDisplayString(model, 0);
}
