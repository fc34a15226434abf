namespace ScenarioHv.Scenarios;

/// <summary>Names of scenarios, and of what they refer to.</summary>
public static class ScenarioName
{
    private const int Longest = 80;

    /// <summary>True if this can name a scenario: letters, digits, '-', '_' and '.', at most 80, the first no sign.</summary>
    /// <param name="name">The name.</param>
    public static bool IsValid(string name)
    {
        foreach (var character in name)
        {
            if (!char.IsAsciiLetterOrDigit(character) && character is not ('-' or '_' or '.'))
                return false;
        }
        return name.Length is > 0 and <= Longest && char.IsAsciiLetterOrDigit(name[0]);
    }
}
