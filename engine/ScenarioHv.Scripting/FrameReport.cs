using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.State;

namespace ScenarioHv.Scripting;

/// <summary>
/// Asks the engine whether the compiled script is plain data, and finds the place in the script that its answer is about.
/// The rules are the engine's (<see cref="FrameProof"/>, <see cref="FieldRules"/>); here is only the way back to the text.
/// </summary>
internal sealed class FrameReport(Assembly assembly, IReadOnlyList<CompilationUnitSyntax> roots, ScriptProblems problems)
{
    private const BindingFlags All = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;
    private const int WordSize = 8;

    private readonly Type _script = assembly.GetType(LoadedScript.ClassName, throwOnError: true)!;

    /// <summary>Notes every frame, variable and result that a machine cannot hold.</summary>
    public void Check()
    {
        foreach (var (method, local, reason) in FrameProof.Problems(assembly))
        {
            Add(Place(method.TrimStart('<'), local, FieldType(local, reason)), reason.TrimStart('<'));
        }

        foreach (var field in _script.GetNestedType(LoadedScript.VariablesName)?.GetFields(All) ?? [])
        {
            CheckState(field.Name, field.FieldType);
        }

        foreach (var property in _script.GetProperties(All).Where(property => IsOf(property.PropertyType, typeof(Shared<>))))
        {
            CheckState(property.Name, property.PropertyType.GetGenericArguments()[0]);
            CheckWord(property.Name, property.PropertyType, "a shared word");
        }

        foreach (var method in assembly.GetTypes().SelectMany(type => type.GetMethods(All | BindingFlags.DeclaredOnly)))
        {
            if (IsOf(method.ReturnType, typeof(GuestTask<>)))
            {
                CheckWord(method.Name, method.ReturnType, "a result");
            }
        }
    }

    /// <summary>Notes a problem; at the start of the script if its place is not found.</summary>
    private void Add(SyntaxNodeOrToken place, string message)
    {
        if (place.SyntaxTree is { } tree)
        {
            problems.Add(tree, place.SpanStart, message);
        }
        else
        {
            problems.Add(0, message);
        }
    }

    private static bool IsOf(Type type, Type definition) => type.IsGenericType && type.GetGenericTypeDefinition() == definition;

    private void CheckState(string name, Type type)
    {
        try
        {
            FieldRules.Of(type);
        }
        catch (InvalidOperationException problem)
        {
            Add(Declaration(name), $"'{name}' cannot be part of the machine's state: {problem.Message}");
        }
    }

    private void CheckWord(string name, Type wrapper, string what)
    {
        var type = wrapper.GetGenericArguments()[0];
        if (type.ContainsGenericParameters)
        {
            return;
        }

        var size = (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;
        if (size > WordSize)
        {
            Add(Declaration(name), $"'{name}': {type.Name} has {size} bytes; {what} has at most {WordSize}.");
        }
    }

    /// <summary>The type of the field that a problem of the proof is about; null if it is not about a field.</summary>
    private Type? FieldType(string path, string reason)
    {
        var first = path.Split('.')[0];
        return path.Length == 0 ? null : assembly.GetTypes()
            .Where(type => typeof(IAsyncStateMachine).IsAssignableFrom(type) && FrameProof.Problem(type) == reason)
            .Select(type => type.GetField(first, All)?.FieldType).FirstOrDefault();
    }

    private SyntaxNodeOrToken Place(string method, string field, Type? type)
    {
        var bodies = roots.SelectMany(root => root.DescendantNodes())
            .Where(node => NameOf(node) is { } name && name.Text == method).ToArray();
        var local = LocalOf(field.Split('.')[0]);
        var places = local.Length != 0
            ? bodies.SelectMany(body => body.DescendantTokens())
                .Where(token => Names(token, local) && IsDeclared(token)).Select(token => (SyntaxNodeOrToken)token)
            : bodies.SelectMany(body => body.DescendantNodes())
                .Where(node => IsBehind(node, type)).Select(node => (SyntaxNodeOrToken)node);
        return places.Concat(bodies.Select(body => (SyntaxNodeOrToken)NameOf(body)!.Value)).FirstOrDefault();
    }

    /// <summary>The source name in <c>&lt;list&gt;5__2</c>; a parameter keeps its own; empty for what the compiler added.</summary>
    private static string LocalOf(string field)
    {
        var close = field.IndexOf('>', StringComparison.Ordinal);
        return close < 0 ? field : field[1..close];
    }

    private static bool IsDeclared(SyntaxToken token) => token.Parent
        is VariableDeclaratorSyntax or SingleVariableDesignationSyntax or ParameterSyntax
        or ForEachStatementSyntax or CatchDeclarationSyntax;

    /// <summary>
    /// True if the compiler keeps a value of its own of type <paramref name="type"/> for the statement <paramref name="node"/>.
    /// </summary>
    private static bool IsBehind(SyntaxNode node, Type? type) => node switch
    {
        CommonForEachStatementSyntax loop => type != typeof(object) && Awaits(loop.Statement),
        TryStatementSyntax guarded => type == typeof(object) && (Awaits(guarded.Finally) || guarded.Catches.Any(Awaits)),
        LockStatementSyntax or UsingStatementSyntax => Awaits(node),
        StatementSyntax statement and (ExpressionStatementSyntax or LocalDeclarationStatementSyntax or ReturnStatementSyntax) =>
            type != typeof(object) && type?.IsArray == true && !InForEach(statement) && Awaits(statement),
        _ => false,
    };

    private static bool InForEach(SyntaxNode node) => node.Ancestors().Any(ancestor => ancestor is CommonForEachStatementSyntax);

    private static bool Awaits(SyntaxNode? node) => node?.DescendantNodes().Any(inner => inner is AwaitExpressionSyntax) == true;

    private SyntaxNodeOrToken Declaration(string name) =>
        roots.SelectMany(root => root.DescendantTokens())
            .Where(token => Names(token, name) && (NameOf(token.Parent!) == token || IsVariable(token.Parent!)))
            .Select(token => (SyntaxNodeOrToken)token).FirstOrDefault();

    private static bool Names(SyntaxToken token, string name) => token.Text.TrimStart('@') == name;

    private static bool IsVariable(SyntaxNode node) => node is VariableDeclaratorSyntax { Parent.Parent: FieldDeclarationSyntax };

    private static SyntaxToken? NameOf(SyntaxNode node) => node switch
    {
        MethodDeclarationSyntax method => method.Identifier,
        LocalFunctionStatementSyntax function => function.Identifier,
        _ => null,
    };
}
