using System.Reflection.Metadata;

namespace ScenarioHv.Scripting.Tests;

/// <summary>Reads debug information.</summary>
internal static class Debugging
{
    /// <summary>Where the visible sequence points of a script begin, each 1-based; all must be in the script's own file.</summary>
    public static List<(int Line, int Column)> SequencePoints(ScriptFolder folder, string text)
    {
        var (source, key) = folder.Source(text);
        using var provider = MetadataReaderProvider.FromPortablePdbStream(new MemoryStream(RoslynCompiler.Compile(source, key).Pdb));
        var reader = provider.GetMetadataReader();
        var points = reader.MethodDebugInformation
            .SelectMany(handle => reader.GetMethodDebugInformation(handle).GetSequencePoints()).Where(point => !point.IsHidden).ToList();
        Assert.That(points.Select(point => reader.GetString(reader.GetDocument(point.Document).Name)), Is.All.EqualTo(source.FullPath));
        return [.. points.Select(point => (point.StartLine, point.StartColumn))];
    }
}
