using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace ScenarioHv.Scripting;

/// <summary>
/// Makes a static class of a script: its methods become static, its variables fields of one struct in the machine, each behind a
/// property of the same name,
/// its <c>Shared&lt;T&gt;</c> declarations numbered words. A script that is checked gets a budget for its steps.
/// </summary>
internal sealed class ScriptRewriter(
    ScriptSource source, CompilationUnitSyntax root, SemanticModel model, ScriptKind kind, ScriptChecks? checks)
{
    private const string Variables = LoadedScript.VariablesName;
    private const string Interop = "global::System.Runtime.InteropServices";
    private const string Packed = $"[{Interop}.StructLayout({Interop}.LayoutKind.Sequential, Pack = 1)]";

    private readonly SourceEdits _edits = new();
    private readonly StringBuilder _fields = new();
    private int _sharedWords;

    /// <summary>The program text.</summary>
    /// <param name="checksum">SHA-256 of the script file, for debuggers.</param>
    public EditedSource Rewrite(string checksum)
    {
        foreach (var shebang in root.DescendantTrivia().Where(trivia => trivia.IsKind(SyntaxKind.ShebangDirectiveTrivia)))
        {
            // The directive's span ends with its line, which must stay one.
            _edits.Replace(TextSpan.FromBounds(shebang.SpanStart, shebang.SpanStart + shebang.ToString().TrimEnd().Length), string.Empty);
        }

        var header = $"public static class {LoadedScript.ClassName} {{";
        if (root.Usings.LastOrDefault() is { } last)
        {
            _edits.After(last, header);
        }
        else
        {
            _edits.Insert(0, header);
        }

        foreach (var member in root.Members)
        {
            Rewrite(member);
        }

        if (checks is not null)
        {
            new BudgetEdits(root, model, checks, _edits).Add();
        }

        DeadLocals.Clear(root, model, _edits);
        const string Sha256 = "{8829d00f-11b8-4213-878b-770e8597ac16}";
        var prologue = $"#pragma checksum \"{source.FullPath}\" \"{Sha256}\" \"{checksum}\"";
        return _edits.Apply(root.SyntaxTree.GetText(), source.FullPath, prologue, Epilogue());
    }

    private string Epilogue()
    {
        var variables = _fields.Length == 0 ? string.Empty : $"{Packed} public struct {Variables} {{ {_fields}}}\n";
        return $"{variables}public const int {LoadedScript.SharedWordsName} = {_sharedWords};\n}}\n";
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
            var type = ((IFieldSymbol)model.GetDeclaredSymbol(variable)!).Type;
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
            return ("static ", $"=> new({_sharedWords++});");
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

    /// <summary>True for what has to be awaited where it is made.</summary>
    public static bool IsAwaited(ITypeSymbol? type) => IsGuestTask(type) || Is(type, "Op") || Is(type, "Op<T>") || Is(type, "OpExit");

    public static bool Is(ITypeSymbol? type, string name) => type?.OriginalDefinition.ToDisplayString() == Guests + name;
}
