using System.Collections.Immutable;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace ScenarioHv.Scripting;

/// <summary>
/// The second look at a checked script: what the compiled assembly refers to. It knows no lines, and finds only what
/// <see cref="ScriptChecks"/> has missed.
/// </summary>
internal static class ImageCheck
{
    /// <summary>Types that the compiler or the rewriter may add, beyond those that a script may name.</summary>
    private static readonly HashSet<string> Added = new(StringComparer.Ordinal)
    {
        "ScenarioHv.Engine.Guests.StepBudget",
        "System.Runtime.CompilerServices.AsyncMethodBuilderAttribute", "System.Runtime.CompilerServices.AsyncStateMachineAttribute",
        "System.Runtime.CompilerServices.CompilationRelaxationsAttribute", "System.Runtime.CompilerServices.CompilerGeneratedAttribute",
        "System.Runtime.CompilerServices.DefaultInterpolatedStringHandler", "System.Runtime.CompilerServices.ExtensionAttribute",
        "System.Runtime.CompilerServices.IAsyncStateMachine", "System.Runtime.CompilerServices.ICriticalNotifyCompletion",
        "System.Runtime.CompilerServices.INotifyCompletion", "System.Runtime.CompilerServices.InlineArrayAttribute",
        "System.Runtime.CompilerServices.IsReadOnlyAttribute", "System.Runtime.CompilerServices.IsByRefLikeAttribute",
        "System.Runtime.CompilerServices.IsUnmanagedAttribute", "System.Runtime.CompilerServices.RefSafetyRulesAttribute",
        "System.Runtime.CompilerServices.RuntimeCompatibilityAttribute", "System.Runtime.CompilerServices.RuntimeHelpers",
        "System.Runtime.CompilerServices.SwitchExpressionException", "System.Runtime.CompilerServices.TupleElementNamesAttribute",
        "System.Runtime.CompilerServices.Unsafe", "System.Runtime.CompilerServices.CompilerFeatureRequiredAttribute",
        "System.Runtime.CompilerServices.NullableAttribute", "System.Runtime.CompilerServices.NullableContextAttribute",
        "System.Runtime.CompilerServices.InterpolatedStringHandlerArgumentAttribute",
        "System.Runtime.InteropServices.MemoryMarshal", "System.Runtime.InteropServices.CollectionsMarshal",
        "System.Runtime.InteropServices.InAttribute",
        "System.Diagnostics.DebuggableAttribute", "System.Diagnostics.DebuggerHiddenAttribute",
        "System.Diagnostics.DebuggerBrowsableAttribute", "System.Diagnostics.DebuggerBrowsableState",
        "System.Diagnostics.DebuggerDisplayAttribute",
        "System.Reflection.DefaultMemberAttribute", "System.RuntimeFieldHandle",
        "System.Runtime.CompilerServices.IsExternalInit",
        "System.Runtime.ExceptionServices.ExceptionDispatchInfo",
        "System.Type", "System.IDisposable", "System.IEquatable`1", "System.Collections.IEnumerable", "System.Collections.IEnumerator",
        "System.Collections.Generic.IEnumerable`1", "System.Collections.Generic.IEnumerator`1", "System.Linq.IOrderedEnumerable`1",
        "System.Collections.Generic.EqualityComparer`1", "System.Text.StringBuilder", "System.DebuggingModes", "System.IFormatProvider",
        "System.Comparison`1",
    };

    private static readonly string[] AddedToGuests =
    [
        "ScenarioHv.Engine.Guests.ScriptVariables",
        "ScenarioHv.Engine.Guests.GuestTaskAwaiter", "ScenarioHv.Engine.Guests.GuestTaskAwaiter`1",
        "ScenarioHv.Engine.Guests.GuestTaskMethodBuilder", "ScenarioHv.Engine.Guests.GuestTaskMethodBuilder`1",
    ];

    private static readonly string[] AddedToPolicies = ["ScenarioHv.Engine.Policies.PolicyVariables"];

    /// <summary>Names every type of another assembly that the script should not have got at, and every native method.</summary>
    public static IEnumerable<string> Problems(ScriptImage image, ScriptKind kind)
    {
        var api = ScriptApi.Of(kind);
        using var reader = new PEReader(ImmutableArray.Create(image.Dll));
        var metadata = reader.GetMetadataReader();
        foreach (var handle in metadata.TypeReferences)
        {
            var name = NameOf(metadata, handle);
            if (!api.Names(name) && !Added.Contains(name) && !OfKind(kind).Contains(name) && !IsNested(metadata, handle))
            {
                yield return Missed(name);
            }
        }

        foreach (var handle in metadata.MemberReferences)
        {
            var member = metadata.GetMemberReference(handle);
            var name = metadata.GetString(member.Name);
            if (member.Parent.Kind == HandleKind.TypeReference
                && NameOf(metadata, (TypeReferenceHandle)member.Parent) is "System.Type" or "System.Object" or "System.String"
                && (name is "GetHashCode" or "GetType" or "MemberwiseClone" || name.StartsWith("GetTypeFrom", StringComparison.Ordinal)))
            {
                yield return Missed(name);
            }
        }

        foreach (var handle in metadata.MethodDefinitions)
        {
            var method = metadata.GetMethodDefinition(handle);
            if (method.RelativeVirtualAddress == 0 && (method.Attributes & System.Reflection.MethodAttributes.Abstract) == 0)
            {
                yield return $"'{metadata.GetString(method.Name)}' has no code in the script: 'extern' is not possible.";
            }
        }
    }

    private static string[] OfKind(ScriptKind kind) => kind == ScriptKind.Guest ? AddedToGuests : AddedToPolicies;

    private static string Missed(string name) =>
        $"the compiled script refers to '{name}', which it cannot use: a checked script does not get there, and this one did. "
        + "Please report it.";

    /// <summary>True for a type inside a type that is looked at itself, as the enumerator of a list.</summary>
    private static bool IsNested(MetadataReader metadata, TypeReferenceHandle handle) =>
        metadata.GetTypeReference(handle).ResolutionScope.Kind == HandleKind.TypeReference;

    private static string NameOf(MetadataReader metadata, TypeReferenceHandle handle)
    {
        var type = metadata.GetTypeReference(handle);
        var name = metadata.GetString(type.Name);
        return type.Namespace.IsNil ? name : $"{metadata.GetString(type.Namespace)}.{name}";
    }
}
