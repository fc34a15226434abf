using System.Buffers.Binary;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using ScenarioHv.Engine.Guests;

namespace ScenarioHv.Scripting;

/// <summary>
/// The name of a compilation: SHA-256 of everything that the result depends on. Two compilations of one key give the same bytes.
/// </summary>
internal sealed class ScriptKey
{
    /// <summary>Changes with the form of a cache entry.</summary>
    private const string Format = "scenariohv guest 2: release, unchecked, safe, nullable disabled";

    /// <summary>The compiler's version as this assembly's metadata names it, so that the compiler itself is not loaded.</summary>
    private static readonly string CompilerVersion = Array.Find(
        typeof(ScriptKey).Assembly.GetReferencedAssemblies(), name => name.Name == "Microsoft.CodeAnalysis.CSharp")!.Version!.ToString();

    private ScriptKey(byte[] hash, bool trusted, ScriptKind kind)
    {
        Trusted = trusted;
        Kind = kind;
        Hash = hash;
        Text = Convert.ToHexStringLower(hash);
    }

    /// <summary>32 bytes.</summary>
    public byte[] Hash { get; }

    /// <summary>The hash as 64 hexadecimal digits.</summary>
    public string Text { get; }

    /// <summary>True if the script is compiled without the checks and without a budget for its steps.</summary>
    public bool Trusted { get; }

    /// <summary>What the script is made for.</summary>
    public ScriptKind Kind { get; }

    /// <summary>
    /// The key of <paramref name="source"/> and all that it may load. The path is part of it because debug information names the file,
    /// and the assembly names its debug information.
    /// </summary>
    public static ScriptKey Of(ScriptSource source, bool trusted = false, ScriptKind kind = ScriptKind.Guest)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(hash, Encoding.UTF8.GetBytes(Format));
        Add(hash, Encoding.UTF8.GetBytes(trusted ? "trusted" : $"checked {AllowedApi.Version}"));
        Add(hash, [(byte)kind]);
        Add(hash, Mvid(typeof(ScriptKey).Assembly));      // the rewriter and its rules
        Add(hash, Mvid(typeof(GuestProgram).Assembly));
        Add(hash, Mvid(typeof(object).Assembly));
        Add(hash, Encoding.UTF8.GetBytes(CompilerVersion));
        Add(hash, Encoding.UTF8.GetBytes(source.FullPath));
        Add(hash, source.Bytes);
        foreach (var helper in source.Helpers)
        {
            Add(hash, Encoding.UTF8.GetBytes(helper.FullPath));
            Add(hash, helper.Bytes);
        }

        return new ScriptKey(hash.GetHashAndReset(), trusted, kind);
    }

    private static byte[] Mvid(Assembly assembly) => assembly.ManifestModule.ModuleVersionId.ToByteArray();

    private static void Add(IncrementalHash hash, ReadOnlySpan<byte> part)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, part.Length);
        hash.AppendData(length);
        hash.AppendData(part);
    }
}
