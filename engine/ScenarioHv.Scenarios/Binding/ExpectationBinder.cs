using ScenarioHv.Scenarios.Yaml;

namespace ScenarioHv.Scenarios.Binding;

/// <summary>An <c>expect</c> or <c>outcome</c>: <c>reached</c>, <c>violated(custody)</c>, or a list of different ones.</summary>
internal static class ExpectationBinder
{
    private static readonly string[] OutcomeNames = [.. Expectation.OutcomeNames];

    public static IReadOnlyList<Expectation> Bind(YamlNode node, string what, Vocabulary vocabulary)
    {
        if (node is not YamlList list)
            return [One(node, what, vocabulary)];
        if (list.Items.Count == 0)
            throw list.Mark.Error($"found an empty list for {what}, {Wording.Expected("", OutcomeNames)}");
        var expectations = new List<Expectation>();
        foreach (var item in list.Items)
        {
            var expectation = One(item, what, vocabulary);
            if (expectations.Contains(expectation))
                throw item.Mark.Error($"outcome '{expectation}' is given twice");
            if (expectations.Exists(other => Covers(other, expectation) || Covers(expectation, other)))
            {
                var word = Expectation.OutcomeNames[(int)expectation.Outcome];
                throw item.Mark.Error($"'{word}' alone means any property or none, so naming one beside it changes nothing");
            }
            expectations.Add(expectation);
        }
        return expectations;
    }

    private static bool Covers(Expectation wide, Expectation narrow) => wide.Outcome == narrow.Outcome && wide.Property is null;

    private static Expectation One(YamlNode node, string what, Vocabulary vocabulary)
    {
        if (node is not YamlScalar scalar || !scalar.Text.Contains('(', StringComparison.Ordinal))
            return new Expectation((Outcome)Fields.Name(node, what, OutcomeNames));
        var expression = PolicyExpression.Parse(scalar);
        var outcome = (Outcome)Fields.Name(new YamlScalar(expression.Mark, expression.Word), what, OutcomeNames);
        return expression.Arguments is [{ Arguments: null } property]
            ? new Expectation(outcome, Property(outcome, property, vocabulary))
            : throw expression.Mark.Error($"an outcome takes one property, as in violated(custody); found {Wording.Quote(scalar.Text)}");
    }

    private static string Property(Outcome outcome, PolicyExpression written, Vocabulary vocabulary)
    {
        var known = vocabulary.Properties.FirstOrDefault(property => property.Name == written.Word);
        if (known is null)
        {
            var names = Fields.NamesOf(vocabulary.Properties, property => property.Name);
            throw written.Mark.Error($"unknown property {Wording.Quote(written.Word)}; {Wording.Expected(written.Word, names)}");
        }
        return known.Outcomes.Contains(outcome) ? known.Name : throw written.Mark.Error(WrongOutcome(outcome, known, vocabulary));
    }

    /// <summary>What the property can explain, and what can explain the outcome.</summary>
    private static string WrongOutcome(Outcome outcome, PropertyInfo property, Vocabulary vocabulary)
    {
        var word = Expectation.OutcomeNames[(int)outcome];
        var explained = string.Join(" and ", property.Outcomes.Select(other => Expectation.OutcomeNames[(int)other]));
        var able = vocabulary.Properties.Where(other => other.Outcomes.Contains(outcome)).Select(other => other.Name).ToArray();
        return $"'{property.Name}' explains {explained}, never {word}; "
            + (able.Length == 0 ? $"'{word}' takes no property" : $"{word} can have {string.Join(", ", able)}");
    }
}
