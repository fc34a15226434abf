using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using ScenarioHv.Engine.Naming;

namespace ScenarioHv.Scripting;

/// <summary>What the author of a script probably meant by a name that the compiler does not find.</summary>
internal static class MissingNames
{
    /// <summary>The end of a message about a missing name, <c>; did you mean 'b'?</c>, or nothing.</summary>
    /// <param name="unit">The file.</param>
    /// <param name="position">Where the name stands in its text.</param>
    /// <param name="api">What the script may use.</param>
    public static string Hint(ScriptUnit unit, int position, ScriptApi api)
    {
        var name = unit.Root.FindToken(position).Parent?.AncestorsAndSelf().OfType<SimpleNameSyntax>().FirstOrDefault();
        if (name is null)
        {
            return string.Empty;
        }

        // The author's own names come first: they are few, and a library has a word near to each.
        var own = unit.Model.Compilation.Assembly;
        var usable = Candidates(unit, name).Where(symbol => symbol.CanBeReferencedByName && IsUsable(symbol, own, api)).ToLookup(
            symbol => SymbolEqualityComparer.Default.Equals(symbol.ContainingAssembly, own), symbol => symbol.Name);
        var hint = NearestName.Hint(name.Identifier.Text, usable[true].Distinct());
        return hint.Length != 0 ? hint : NearestName.Hint(name.Identifier.Text, usable[false].Distinct());
    }

    /// <summary>The names of what a script may use of whatever <paramref name="name"/> is looked for in.</summary>
    public static string[] MembersOf(ScriptUnit unit, SimpleNameSyntax name, ScriptApi api) =>
    [
        .. Candidates(unit, name).Where(symbol => symbol.CanBeReferencedByName && IsUsable(symbol, unit.Model.Compilation.Assembly, api))
            .Select(symbol => symbol.Name).Distinct().Order(StringComparer.Ordinal),
    ];

    private static ImmutableArray<ISymbol> Candidates(ScriptUnit unit, SimpleNameSyntax name)
    {
        var owner = name.Parent switch
        {
            MemberAccessExpressionSyntax access when access.Name == name => access.Expression,
            MemberBindingExpressionSyntax { Parent: InvocationExpressionSyntax or ConditionalAccessExpressionSyntax } binding =>
                binding.Ancestors().OfType<ConditionalAccessExpressionSyntax>().First().Expression,
            _ => null,
        };
        return owner is null ? unit.Model.LookupSymbols(name.SpanStart)
            : unit.Model.GetTypeInfo(owner).Type is { TypeKind: not TypeKind.Error } type ? type.GetMembers()
            : unit.Model.GetSymbolInfo(owner).Symbol is INamedTypeSymbol named ? named.GetMembers()
            : [];
    }

    private static bool IsUsable(ISymbol symbol, IAssemblySymbol own, ScriptApi api) => symbol switch
    {
        ILocalSymbol or IParameterSymbol or IRangeVariableSymbol => true,
        INamespaceSymbol or IAliasSymbol or ITypeParameterSymbol => false,
        _ when SymbolEqualityComparer.Default.Equals(symbol.ContainingAssembly, own) => true,
        INamedTypeSymbol type => api.Allows(type),
        IMethodSymbol { MethodKind: MethodKind.Ordinary } or IPropertySymbol or IFieldSymbol =>
            symbol.DeclaredAccessibility == Accessibility.Public && symbol.ContainingType is not null && api.Cost(symbol) is not null,
        _ => false,
    };
}
