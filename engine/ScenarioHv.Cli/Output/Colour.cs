namespace ScenarioHv.Cli.Output;

/// <summary>Terminal colours (ECMA-48 SGR), or none.</summary>
internal readonly record struct Colour(bool IsOn)
{
    /// <summary>Something went as it should.</summary>
    public string Good(string text) => Wrap(text, "32");

    /// <summary>Something did not.</summary>
    public string Bad(string text) => Wrap(text, "31");

    /// <summary>Nothing is known.</summary>
    public string Doubtful(string text) => Wrap(text, "33");

    /// <summary>What leads to the matter.</summary>
    public string Faint(string text) => Wrap(text, "2");

    private string Wrap(string text, string code) => IsOn ? $"\e[{code}m{text}\e[0m" : text;
}
