using System.Security.Cryptography;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Operations;
using Microsoft.CodeAnalysis.Text;

namespace ScenarioHv.Scripting;

/// <summary>What the files of one script have together.</summary>
/// <param name="files">Their absolute paths, the script itself last.</param>
internal sealed class ScriptLayout(IReadOnlyList<string> files)
{
    /// <summary>The paths by the numbers of the units: the script itself first.</summary>
    public IReadOnlyList<string> Files { get; } = [files[^1], .. files.SkipLast(1)];

    /// <summary>How many shared words have been declared.</summary>
    public int SharedWords { get; set; }

    /// <summary>Whether a variable has been declared.</summary>
    public bool HasVariables { get; set; }
}

/// <summary>
/// Makes a static class of a script, and a part of it of each file that the script loads: methods become static, variables fields of one
/// struct in the machine, each behind a property of the same name, <c>Shared&lt;T&gt;</c> declarations numbered words. A script that is
/// checked gets a budget for its steps.
/// </summary>
internal sealed class ScriptRewriter(ScriptUnit unit, ScriptKind kind, ScriptChecks? checks, ScriptLayout layout)
{
    private const string Variables = LoadedScript.VariablesName;
    private const string Interop = "global::System.Runtime.InteropServices";
    private const string Sha256 = "{8829d00f-11b8-4213-878b-770e8597ac16}";
    private const string Packed = $"[{Interop}.StructLayout({Interop}.LayoutKind.Sequential, Pack = 1)]";

    private const int LongestText = 160;

    private readonly CompilationUnitSyntax _root = unit.Root;
    private readonly SemanticModel _model = unit.Model;
    private readonly SourceEdits _edits = new();
    private readonly StringBuilder _fields = new();

    /// <summary>The program text.</summary>
    public EditedSource Rewrite()
    {
        foreach (var line in _root.DescendantTrivia().Where(trivia => IsForScripts(trivia)))
        {
            // The directive's span ends with its line, which must stay one.
            _edits.Replace(TextSpan.FromBounds(line.SpanStart, line.SpanStart + line.ToString().TrimEnd().Length), string.Empty);
        }

        var header = $"public static partial class {LoadedScript.ClassName} {{";
        if (_root.Usings.LastOrDefault() is { } last)
        {
            _edits.After(last, header);
        }
        else
        {
            _edits.Insert(0, header);
        }

        foreach (var member in _root.Members)
        {
            Rewrite(member);
        }

        if (checks is not null)
        {
            new BudgetEdits(unit, checks, _edits).Add();
        }

        DeadLocals.Clear(_root, _model, _edits);
        CompleteCalls();

        var checksum = Convert.ToHexString(SHA256.HashData(unit.Source.Bytes));
        var prologue = $"#pragma checksum \"{unit.Source.FullPath}\" \"{Sha256}\" \"{checksum}\"";
        return _edits.Apply(unit, prologue, Epilogue());
    }

    /// <summary>What only scripts have: the line that names an interpreter, and what is loaded.</summary>
    private static bool IsForScripts(SyntaxTrivia trivia) => trivia.IsKind(SyntaxKind.ShebangDirectiveTrivia)
        || trivia.GetStructure() is LoadDirectiveTriviaSyntax { IsActive: true };

    private string Epilogue()
    {
        var variables = string.Empty;
        if (_fields.Length > 0)
        {
            variables = $"{(layout.HasVariables ? string.Empty : Packed)} public partial struct {Variables} {{ {_fields}}}\n";
            layout.HasVariables = true;
        }

        var whole = unit.Number > 0 ? string.Empty
            : $"public const int {LoadedScript.SharedWordsName} = {layout.SharedWords};\n"
                + $"public const string {LoadedScript.FilesName} = "
                + $"{SymbolDisplay.FormatLiteral(string.Join('\n', layout.Files), quote: true)};\n";
        return $"{variables}{whole}}}\n";
    }

    /// <summary>
    /// Tells the calls of the guest API what the compiler does not, or would tell of the edited text: of assertions the column and the
    /// expression, and in a file that is loaded of each operation the line with the number of the file. An operation without an address has
    /// one made of its line, and two files have the same lines.
    /// </summary>
    private void CompleteCalls()
    {
        foreach (var call in _root.DescendantNodes().OfType<InvocationExpressionSyntax>())
        {
            if (_model.GetOperation(call) is not IInvocationOperation operation || !EngineTypes.IsOfEngine(operation.TargetMethod))
            {
                continue;
            }

            var missing = operation.Arguments.Where(argument => argument.ArgumentKind == ArgumentKind.DefaultValue)
                .Select(argument => (argument.Parameter!.Name, Value: Value(call, argument.Parameter.Name)))
                .Where(pair => pair.Value is not null).Select(pair => $"{pair.Name}: {pair.Value}").ToArray();
            if (missing.Length == 0)
            {
                continue;
            }

            var text = (call.ArgumentList.Arguments.Count > 0 ? ", " : string.Empty) + string.Join(", ", missing);
            var end = call.ArgumentList.CloseParenToken.SpanStart;
            if (call.Ancestors().Any(outer => outer is InterpolationSyntax))
            {
                _edits.InsertInline(end, text);
            }
            else
            {
                _edits.Insert(end, text);
            }
        }
    }

    /// <summary>What a parameter that the author leaves out is to be; null for what the compiler fills in.</summary>
    private string? Value(InvocationExpressionSyntax call, string parameter) => parameter switch
    {
        "line" when unit.Number > 0 => $"{unit.LineOf(call)}",
        "column" => $"{call.GetLocation().GetLineSpan().StartLinePosition.Character + 1}",
        "text" when call.ArgumentList.Arguments.FirstOrDefault(argument => argument.NameColon?.Name.Identifier.Text is null or "condition")
            is { } condition => SymbolDisplay.FormatLiteral(OnOneLine(condition.Expression.ToString()), quote: true),
        _ => null,
    };

    private static string OnOneLine(string text)
    {
        var line = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return line.Length <= LongestText ? line : line[..(LongestText - 3)] + "...";
    }

    private void Rewrite(MemberDeclarationSyntax member)
    {
        switch (member)
        {
            case FieldDeclarationSyntax field when !field.Modifiers.Any(SyntaxKind.ConstKeyword):
                RewriteVariables(field);
                break;
            case MethodDeclarationSyntax or PropertyDeclarationSyntax when !member.Modifiers.Any(SyntaxKind.StaticKeyword):
                _edits.Insert(AfterAttributes(member), "static ");
                break;
            case BaseTypeDeclarationSyntax type:
                RewriteType(type);
                break;
        }
    }

    private void RewriteVariables(FieldDeclarationSyntax field)
    {
        var declaration = field.Declaration;
        for (var i = 0; i < declaration.Variables.Count; i++)
        {
            var variable = declaration.Variables[i];
            var isLast = i == declaration.Variables.Count - 1;
            var end = isLast ? field.SemicolonToken.Span.End : declaration.Variables[i + 1].Identifier.SpanStart;
            var type = ((IFieldSymbol)_model.GetDeclaredSymbol(variable)!).Type;
            var (modifier, body) = Property(variable.Identifier.Text, declaration.Type.ToString(), type);
            if (i == 0)
            {
                _edits.Insert(declaration.Type.SpanStart, modifier);
            }

            var rest = TextSpan.FromBounds(variable.Identifier.Span.End, end);
            _edits.Replace(rest, isLast ? body : $"{body} {modifier} {declaration.Type} ");
        }
    }

    /// <summary>
    /// A value property allows <c>total += await F()</c> but no assignment to a field of it; a property that returns a reference
    /// is the other way round.
    /// </summary>
    private (string Modifier, string Body) Property(string name, string typeText, ITypeSymbol type)
    {
        if (EngineTypes.IsShared(type))
        {
            return ("static ", $"=> new({layout.SharedWords++});");
        }

        _fields.Append("public ").Append(typeText).Append(' ').Append(name).Append("; ");
        var owner = kind == ScriptKind.Guest ? "Guests.ScriptVariables" : "Policies.PolicyVariables";
        var place = $"global::ScenarioHv.Engine.{owner}.Of<{Variables}>().{name}";
        return type.TypeKind == TypeKind.Struct && type.SpecialType == SpecialType.None && !type.IsReadOnly
            ? ("static ref ", $"=> ref {place};")
            : ("static ", $"{{ get => {place}; set => {place} = value; }}");
    }

    /// <summary>Structs are packed, so that they have no hidden padding in the machine, and public, so that the variables can be.</summary>
    private void RewriteType(BaseTypeDeclarationSyntax type)
    {
        foreach (var data in type.DescendantNodesAndSelf().OfType<TypeDeclarationSyntax>())
        {
            _edits.Insert(data.SpanStart, Packed);
        }

        _edits.Insert(AfterAttributes(type), "public ");
        foreach (var modifier in type.Modifiers.Where(IsAccess))
        {
            _edits.Replace(modifier.Span, string.Empty);
        }
    }

    private static bool IsAccess(SyntaxToken token) => token.Kind()
        is SyntaxKind.PublicKeyword or SyntaxKind.InternalKeyword or SyntaxKind.PrivateKeyword or SyntaxKind.ProtectedKeyword;

    private static int AfterAttributes(MemberDeclarationSyntax member) =>
        member.AttributeLists.Count == 0 ? member.SpanStart : member.AttributeLists.Last().GetLastToken().GetNextToken().SpanStart;
}

/// <summary>The engine's types as the compiler sees them.</summary>
internal static class EngineTypes
{
    private const string Guests = "ScenarioHv.Engine.Guests.";

    public static bool IsShared(ITypeSymbol type) => Is(type, "Shared<T>");

    public static bool IsInstant(ITypeSymbol? type) => type?.ToDisplayString() == "ScenarioHv.Engine.Time.Instant";

    public static bool IsGuestTask(ITypeSymbol? type) => Is(type, "GuestTask") || Is(type, "GuestTask<T>");

    /// <summary>True for what guests call of the engine.</summary>
    public static bool IsOfEngine(IMethodSymbol method) => method.ContainingNamespace.ToDisplayString() + "." == Guests;

    /// <summary>True for what has to be awaited where it is made.</summary>
    public static bool IsAwaited(ITypeSymbol? type) => IsGuestTask(type) || Is(type, "Op") || Is(type, "Op<T>") || Is(type, "OpExit");

    public static bool Is(ITypeSymbol? type, string name) => type?.OriginalDefinition.ToDisplayString() == Guests + name;
}
