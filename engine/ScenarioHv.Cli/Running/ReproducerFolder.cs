namespace ScenarioHv.Cli.Running;

/// <summary>The files of a reproducer, laid out in a folder of their own for as long as scripts are compiled.</summary>
internal sealed class ReproducerFolder : IDisposable
{
    private readonly string _folder;

    /// <summary>Lays the files out.</summary>
    /// <param name="reproducer">What holds them.</param>
    /// <param name="path">The path of the reproducer, for messages.</param>
    /// <exception cref="FileProblem">They cannot be written.</exception>
    public ReproducerFolder(Reproducer reproducer, string path)
    {
        try
        {
            _folder = Directory.CreateTempSubdirectory("scenariohv-").FullName;
            foreach (var part in reproducer.Parts)
            {
                var file = Path.Combine(_folder, part.Name);
                Directory.CreateDirectory(Path.GetDirectoryName(file)!);
                File.WriteAllBytes(file, part.Bytes);
            }

            Scenario = Path.Combine(_folder, reproducer.Parts[0].Name);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new FileProblem($"{path}: its files cannot be laid out in a temporary folder: {problem.Message}");
        }
    }

    /// <summary>The path of the folder.</summary>
    public string Root => _folder;

    /// <summary>The path of the scenario.</summary>
    public string Scenario { get; }

    /// <summary>A message in which files have the names that they have in the reproducer.</summary>
    public string Named(string message) =>
        message.Replace(_folder + Path.DirectorySeparatorChar, "", StringComparison.Ordinal);

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            Directory.Delete(_folder, recursive: true);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // What cannot be deleted lies among temporary files.
        }
    }
}
