using ScenarioHv.Scenarios.Yaml;

namespace ScenarioHv.Scenarios.Binding;

/// <summary>
/// <c>word</c> or <c>word(expression, ...)</c>, before anything is known about the words. A word may hold spaces: <c>10 ms</c>.
/// </summary>
internal sealed record PolicyExpression(string Word, IReadOnlyList<PolicyExpression>? Arguments, SourceMark Mark)
{
    // Real values nest twice; a text of parentheses must not exhaust the stack.
    private const int MostNesting = 8;

    public static PolicyExpression Parse(YamlScalar scalar)
    {
        var position = 0;
        var expression = ParseAt(scalar, ref position, nesting: 0);
        if (position < scalar.Text.Length)
        {
            var (value, rest) = (Wording.Quote(scalar.Text[..position]), Wording.Quote(scalar.Text[position..]));
            throw scalar.MarkAt(position).Error($"found {rest} after the end of {value}");
        }
        return expression;
    }

    private static PolicyExpression ParseAt(YamlScalar scalar, ref int position, int nesting)
    {
        var text = scalar.Text;
        while (position < text.Length && char.IsWhiteSpace(text[position]))
            position++;
        var start = position;
        while (position < text.Length && text[position] is not ('(' or ')' or ','))
            position++;
        var word = text[start..position].TrimEnd();
        var mark = scalar.MarkAt(start);
        if (word.Length == 0)
            throw mark.Error($"a word is missing in {Wording.Quote(text)}");
        if (position == text.Length || text[position] != '(')
            return new PolicyExpression(word, null, mark);
        if (nesting == MostNesting)
            throw mark.Error($"parentheses are nested more than {MostNesting} deep");

        var open = position;
        var arguments = new List<PolicyExpression>();
        do
        {
            position++;
            arguments.Add(ParseAt(scalar, ref position, nesting + 1));
        }
        while (position < text.Length && text[position] == ',');
        if (position == text.Length || text[position] != ')')
            throw Unclosed(scalar, open);
        position++;
        while (position < text.Length && char.IsWhiteSpace(text[position]))
            position++;
        return new PolicyExpression(word, arguments, mark);
    }

    private static ScenarioException Unclosed(YamlScalar scalar, int open) =>
        scalar.MarkAt(open).Error(
            $"'(' is not closed in {Wording.Quote(scalar.Text)}"
            + (scalar.IsQuoted ? "" : "; inside [ ] and { } a value that holds a comma must stand in quotes"));
}
