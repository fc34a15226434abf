using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace ScenarioHv.Scripting;

/// <summary>
/// What a script may contain: constants, variables of plain data, shared words, methods, structs and enums. Everything else
/// would keep state outside the machine,
/// where no fork copies it and no hash sees it.
/// </summary>
internal sealed class ScriptRules(CompilationUnitSyntax root, SemanticModel model, ScriptKind kind, ScriptProblems problems)
{
    public const string NotAwaited =
        "this is not awaited where it is called: two activities would run side by side on one CPU. Put 'await' before the call.";

    private readonly ScriptWords _words = ScriptWords.Of(kind);

    /// <summary>Directives change what the compiler reads or reports; only those that choose between texts of this file are left.</summary>
    public static void CheckDirectives(CompilationUnitSyntax root, ScriptProblems problems)
    {
        foreach (var trivia in root.DescendantTrivia().Where(trivia => trivia.IsDirective))
        {
            var directive = (DirectiveTriviaSyntax)trivia.GetStructure()!;
            var refusal = directive.Kind() switch
            {
                _ when !directive.IsActive => null,
                SyntaxKind.ReferenceDirectiveTrivia => "#r is not possible: a script sees the core library and the engine only.",
                SyntaxKind.LoadDirectiveTrivia or SyntaxKind.IfDirectiveTrivia or SyntaxKind.ElifDirectiveTrivia => null,
                SyntaxKind.ElseDirectiveTrivia or SyntaxKind.EndIfDirectiveTrivia => null,
                SyntaxKind.RegionDirectiveTrivia or SyntaxKind.EndRegionDirectiveTrivia => null,
                SyntaxKind.ErrorDirectiveTrivia or SyntaxKind.WarningDirectiveTrivia or SyntaxKind.ShebangDirectiveTrivia => null,
                SyntaxKind.BadDirectiveTrivia => null,
                _ => $"#{directive.DirectiveNameToken.Text} is not possible in a script.",
            };
            if (refusal is not null)
            {
                problems.Add(directive, refusal);
            }
        }
    }

    /// <summary>Checks everything that can be seen in the script's own text.</summary>
    public void Check()
    {
        foreach (var list in root.AttributeLists)
        {
            problems.Add(list, "attributes of the assembly are not possible in a script.");
        }

        foreach (var member in root.Members)
        {
            CheckMember(member);
        }

        foreach (var node in root.DescendantNodes())
        {
            CheckNode(node);
        }
    }

    /// <summary>Checks that a guest script, in one of its files, has what the processor calls.</summary>
    public static void CheckEntries(IReadOnlyList<ScriptUnit> units, ScriptProblems problems)
    {
        CheckEntry("Main", required: true, "async GuestTask Main(Cpu cpu)", "Cpu");
        CheckEntry("OnInterrupt", required: false, "async GuestTask OnInterrupt(Cpu cpu, byte vector)", "Cpu", "byte");
        CheckEntry("OnNmi", required: false, "async GuestTask OnNmi(Cpu cpu)", "Cpu");

        void CheckEntry(string name, bool required, string signature, params string[] parameters)
        {
            var methods = units.SelectMany(unit => unit.Root.Members.OfType<MethodDeclarationSyntax>()
                .Where(method => method.Identifier.Text == name)
                .Select(method => (method.Identifier, Symbol: (IMethodSymbol)unit.Model.GetDeclaredSymbol(method)!))).ToArray();
            if (methods.Length == 0 && required)
            {
                problems.Add(0, $"the script has no {name}: a guest begins in '{signature}'.");
            }
            else if (methods.Length != 0 && !methods.Any(method => IsEntry(method.Symbol, parameters)))
            {
                problems.Add(methods[0].Identifier, $"{name} has to be declared as '{signature}'.");
            }
        }
    }

    /// <summary>Checks that the files of a script declare each variable, constant, property and type once.</summary>
    public static void CheckNames(IReadOnlyList<ScriptUnit> units, ScriptProblems problems)
    {
        var known = new Dictionary<string, (ScriptUnit Unit, SyntaxToken Name)>(StringComparer.Ordinal);
        foreach (var unit in units)
        {
            foreach (var name in unit.Root.Members.SelectMany(Declared))
            {
                if (!known.TryAdd(name.ValueText, (unit, name)))
                {
                    var (other, first) = known[name.ValueText];
                    var line = first.GetLocation().GetLineSpan().StartLinePosition.Line + 1;
                    var file = Path.GetFileName(other.Source.FullPath);
                    problems.Add(name, $"'{name.ValueText}' is declared in line {line} of {file} already.");
                }
            }
        }
    }

    private static IEnumerable<SyntaxToken> Declared(MemberDeclarationSyntax member) => member switch
    {
        FieldDeclarationSyntax field => field.Declaration.Variables.Select(variable => variable.Identifier),
        PropertyDeclarationSyntax property => [property.Identifier],
        TypeDeclarationSyntax { TypeParameterList: null } type => [type.Identifier],
        EnumDeclarationSyntax type => [type.Identifier],
        _ => [],
    };

    private void CheckMember(MemberDeclarationSyntax member)
    {
        switch (member)
        {
            case FieldDeclarationSyntax field when !field.Modifiers.Any(SyntaxKind.ConstKeyword):
                CheckVariables(field);
                break;
            case PropertyDeclarationSyntax property:
                CheckComputed(property);
                break;
            case GlobalStatementSyntax:
                problems.Add(member, $"a statement outside a method: {_words.Beginning}; put it there.");
                break;
            case FieldDeclarationSyntax or MethodDeclarationSyntax or IncompleteMemberSyntax:
            case BaseTypeDeclarationSyntax or DelegateDeclarationSyntax:
                break;
            default:
                problems.Add(member, $"a script has {_words.Members}, and nothing else at its top.");
                break;
        }
    }

    private void CheckVariables(FieldDeclarationSyntax field)
    {
        foreach (var modifier in field.Modifiers.Where(token => token.Kind() is SyntaxKind.StaticKeyword or SyntaxKind.ReadOnlyKeyword))
        {
            problems.Add(modifier, $"'{modifier.Text}' is not possible here: a variable is in the machine, {_words.Privacy}. "
                + "Write 'const' for what never changes, 'ReadOnlySpan<byte> Table => [1, 2];' for a table, or no modifier.");
        }

        if (field.Declaration.Type.IsVar)
        {
            problems.Add(field.Declaration.Type, "a variable of a script names its type: 'int count;'.");
            return;
        }

        foreach (var variable in field.Declaration.Variables)
        {
            CheckVariable(variable, ((IFieldSymbol)model.GetDeclaredSymbol(variable)!).Type);
        }
    }

    private void CheckVariable(VariableDeclaratorSyntax variable, ITypeSymbol type)
    {
        var name = variable.Identifier.Text;
        var typeName = type.ToMinimalDisplayString(model, 0);
        if (type.TypeKind == TypeKind.Error)
        {
            return;
        }

        if (EngineTypes.IsShared(type))
        {
            if (variable.Initializer is { } given)
            {
                problems.Add(given, $"Shared<T> words start as 0 and are numbered by their declarations: write '{typeName} {name};'.");
            }
        }
        else if (!type.IsUnmanagedType || type.OriginalDefinition.SpecialType == SpecialType.System_Nullable_T)
        {
            problems.Add(
                variable.Identifier,
                $"'{name}' is of type {typeName}, which cannot be part of the machine's state. {_words.Plain}");
        }
        else if (variable.Initializer is { } initializer && !IsDefault(initializer.Value))
        {
            problems.Add(initializer, $"'{name}' starts as 0 {_words.Start}.");
        }
    }

    private bool IsDefault(ExpressionSyntax value) =>
        value.IsKind(SyntaxKind.DefaultLiteralExpression) || value is DefaultExpressionSyntax
        || (model.GetConstantValue(value) is { HasValue: true, Value: ValueType constant }
            && constant.Equals(Activator.CreateInstance(constant.GetType())));

    private void CheckComputed(PropertyDeclarationSyntax property)
    {
        if (IsAutomatic(property))
        {
            problems.Add(property.Identifier, $"'{property.Identifier.Text}' would keep its value outside the machine: declare a variable, "
                + "or compute the value ('=>').");
        }
    }

    private static bool IsAutomatic(MemberDeclarationSyntax member) => member is PropertyDeclarationSyntax { AccessorList: { } list }
        && list.Accessors.Any(accessor => accessor.Body is null && accessor.ExpressionBody is null);

    private void CheckNode(SyntaxNode node)
    {
        switch (node)
        {
            case ClassDeclarationSyntax or InterfaceDeclarationSyntax or DelegateDeclarationSyntax:
            case RecordDeclarationSyntax { ClassOrStructKeyword.RawKind: not (int)SyntaxKind.StructKeyword }:
                problems.Add(node, "only structs and enums can be declared in a script: forks of the machine would share an object.");
                break;
            case FieldExpressionSyntax:
                problems.Add(node, "'field' would be a variable outside the machine: declare a variable, or a field of the struct.");
                break;
            case TypeDeclarationSyntax type:
                CheckStruct(type);
                break;
            case MethodDeclarationSyntax method when method.Modifiers.Any(SyntaxKind.AsyncKeyword):
                CheckAsync(method.ReturnType);
                break;
            case LocalFunctionStatementSyntax function:
                if (function.Modifiers.Any(SyntaxKind.AsyncKeyword))
                {
                    CheckAsync(function.ReturnType);
                }

                CheckCapture(function);
                break;
            case AnonymousFunctionExpressionSyntax:
                CheckCapture(node);
                break;
            case YieldStatementSyntax:
                problems.Add(node, "an iterator is an object on the heap, which forks of the machine would share: write a loop.");
                break;
            case ExpressionStatementSyntax statement:
                CheckAwaited(statement.Expression);
                break;
            case EqualsValueClauseSyntax clause:
                CheckAwaited(clause.Value);
                break;
            case SimpleNameSyntax name when IsAbsolute(name):
            case BaseObjectCreationExpressionSyntax or InterpolationSyntax when IsInstant(Operand(node)):
            case BinaryExpressionSyntax { RawKind: (int)SyntaxKind.SubtractExpression } difference
                when IsInstant(difference.Left) && IsInstant(difference.Right):
                problems.Add(
                    node,
                    "this would turn an Instant into a number, and a state in which a number of the clock lies never recurs. "
                    + _words.Moments);
                break;
        }
    }

    private static ExpressionSyntax Operand(SyntaxNode node) =>
        node is InterpolationSyntax interpolation ? interpolation.Expression : (ExpressionSyntax)node;

    private bool IsInstant(ExpressionSyntax expression) => EngineTypes.IsInstant(model.GetTypeInfo(expression).Type);

    /// <summary>A member of Instant through which the absolute clock could be seen.</summary>
    private bool IsAbsolute(SimpleNameSyntax name) =>
        name.Identifier.Text is "Cycle" or "Subtract" or "ToString" or "GetHashCode"
        && model.GetSymbolInfo(name).Symbol?.ContainingType is { } type && EngineTypes.IsInstant(type);

    private void CheckStruct(TypeDeclarationSyntax type)
    {
        if (type.Modifiers.FirstOrDefault(token => token.IsKind(SyntaxKind.PartialKeyword)) is { RawKind: not 0 } partial)
        {
            problems.Add(partial, "'partial' is not possible in a script.");
        }

        foreach (var attribute in type.AttributeLists.SelectMany(list => list.Attributes).Where(IsLayout))
        {
            problems.Add(attribute, "the structs of a script are packed in the order of their fields; leave the attribute out.");
        }

        foreach (var member in type.Members.Where(member => member.Modifiers.Any(SyntaxKind.StaticKeyword)))
        {
            if (member is FieldDeclarationSyntax or EventFieldDeclarationSyntax || IsAutomatic(member))
            {
                problems.Add(member, "a static variable would be shared between forks of the machine: write 'const', "
                    + "or declare a variable at the top of the script.");
            }
        }

        foreach (var variable in type.Members.OfType<FieldDeclarationSyntax>().SelectMany(field => field.Declaration.Variables))
        {
            var field = (IFieldSymbol)model.GetDeclaredSymbol(variable)!;
            if (!field.IsStatic && !type.Modifiers.Any(SyntaxKind.RefKeyword) && IsReference(field.Type))
            {
                var typeName = field.Type.ToMinimalDisplayString(model, 0);
                problems.Add(variable.Identifier, $"the field '{field.Name}' is of type {typeName}, a reference. {_words.Plain}");
            }
        }
    }

    private static bool IsLayout(AttributeSyntax attribute) => attribute.Name.ToString().Contains("StructLayout", StringComparison.Ordinal);

    private static bool IsReference(ITypeSymbol type) =>
        type.TypeKind is not (TypeKind.Error or TypeKind.TypeParameter) && !type.IsUnmanagedType;

    private void CheckAsync(TypeSyntax result)
    {
        if (kind == ScriptKind.Guest && model.GetTypeInfo(result).Type is { TypeKind: not TypeKind.Error } type
            && !EngineTypes.IsGuestTask(type))
        {
            problems.Add(result, $"an async method of a guest returns GuestTask or GuestTask<T>, not {result}: "
                + "only those can be suspended inside the machine.");
        }
    }

    private void CheckAwaited(ExpressionSyntax expression)
    {
        while (expression is AssignmentExpressionSyntax assignment)
        {
            expression = assignment.Right;
        }

        if (expression is not AwaitExpressionSyntax && EngineTypes.IsAwaited(model.GetTypeInfo(expression).Type))
        {
            problems.Add(expression, NotAwaited);
        }
    }

    private void CheckCapture(SyntaxNode function)
    {
        foreach (var name in function.DescendantNodes().OfType<IdentifierNameSyntax>())
        {
            var symbol = model.GetSymbolInfo(name).Symbol;
            if (symbol is ILocalSymbol { IsConst: false } or IParameterSymbol
                && symbol.DeclaringSyntaxReferences.FirstOrDefault() is { } declared && !function.Span.Contains(declared.Span))
            {
                var what = function is LocalFunctionStatementSyntax ? "local function" : "lambda";
                problems.Add(name, $"'{name.Identifier.Text}' is captured by a {what}, "
                    + "which keeps it in an object on the heap: pass it as a parameter of a method.");
                return;
            }
        }
    }

    private static bool IsEntry(IMethodSymbol method, string[] parameters) =>
        EngineTypes.Is(method.ReturnType, "GuestTask") && !method.IsGenericMethod
        && method.Parameters.Select(parameter => parameter.RefKind == RefKind.None ? parameter.Type.ToDisplayString() : string.Empty)
            .SequenceEqual(parameters.Select(name => name == "Cpu" ? "ScenarioHv.Engine.Guests.Cpu" : name));
}
