using ScenarioHv.Scenarios.Yaml;

namespace ScenarioHv.Scenarios.Binding;

/// <summary>
/// An <c>expect</c>, <c>outcome</c> or <c>explore</c>: <c>reached</c>, <c>violated(custody)</c>, or a list of different ones.
/// </summary>
internal sealed class ExpectationBinder
{
    private readonly string _what;
    private readonly Vocabulary _vocabulary;
    private readonly Outcome _never;
    private readonly string[] _names;

    private ExpectationBinder(string what, Vocabulary vocabulary, Outcome never)
    {
        (_what, _vocabulary, _never) = (what, vocabulary, never);
        _names = Array.FindAll([.. Expectation.OutcomeNames], name => name != Expectation.OutcomeNames[(int)never]);
    }

    /// <summary>How a run ends.</summary>
    public static IReadOnlyList<Expectation> Bind(YamlNode node, string what, Vocabulary vocabulary) =>
        new ExpectationBinder(what, vocabulary, Outcome.Holds).All(node);

    /// <summary>What exploring finds.</summary>
    public static IReadOnlyList<Expectation> BindExploring(YamlNode node, string what, Vocabulary vocabulary) =>
        new ExpectationBinder(what, vocabulary, Outcome.Reached).All(node);

    private List<Expectation> All(YamlNode node)
    {
        if (node is not YamlList list)
            return [One(node)];
        if (list.Items.Count == 0)
            throw list.Mark.Error($"found an empty list for {_what}, {Wording.Expected("", _names)}");
        var expectations = new List<Expectation>();
        foreach (var item in list.Items)
        {
            var expectation = One(item);
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

    private Expectation One(YamlNode node)
    {
        if (node is not YamlScalar scalar || !scalar.Text.Contains('(', StringComparison.Ordinal))
            return new Expectation(Word(node));
        var expression = PolicyExpression.Parse(scalar);
        var outcome = Word(new YamlScalar(expression.Mark, expression.Word));
        return expression.Arguments is [{ Arguments: null } property]
            ? new Expectation(outcome, Property(outcome, property))
            : throw expression.Mark.Error($"an outcome takes one property, as in violated(custody); found {Wording.Quote(scalar.Text)}");
    }

    private Outcome Word(YamlNode node)
    {
        if (node is YamlScalar { Text: var text } && text == Expectation.OutcomeNames[(int)_never])
        {
            throw node.Mark.Error(_never == Outcome.Holds
                ? $"'holds' is what exploring finds, and {_what} is about a run, which saw one order of many: expected 'reached'"
                : $"'reached' is how one run ends; of exploring, {_what}, expect 'holds': every order was seen");
        }
        var index = Fields.Name(node, _what, _names);
        return (Outcome)Array.IndexOf([.. Expectation.OutcomeNames], _names[index]);
    }

    private string Property(Outcome outcome, PolicyExpression written)
    {
        var known = _vocabulary.Properties.FirstOrDefault(property => property.Name == written.Word);
        if (known is null)
        {
            string[] names = [.. _vocabulary.Properties.Select(property => property.Name)];
            throw written.Mark.Error($"unknown property {Wording.Quote(written.Word)}; {Wording.Expected(written.Word, names)}");
        }
        return known.Outcomes.Contains(outcome) ? known.Name : throw written.Mark.Error(WrongOutcome(outcome, known));
    }

    /// <summary>What the property can explain, and what can explain the outcome.</summary>
    private string WrongOutcome(Outcome outcome, PropertyInfo property)
    {
        var word = Expectation.OutcomeNames[(int)outcome];
        var explained = string.Join(" and ", property.Outcomes.Select(other => Expectation.OutcomeNames[(int)other]));
        var able = _vocabulary.Properties.Where(other => other.Outcomes.Contains(outcome)).Select(other => other.Name).ToArray();
        return $"'{property.Name}' explains {explained}, never {word}; "
            + (able.Length == 0 ? $"'{word}' takes no property" : $"{word} can have {string.Join(", ", able)}");
    }
}
