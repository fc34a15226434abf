using ScenarioHv.Scenarios.Yaml;

namespace ScenarioHv.Scenarios.Binding;

/// <summary>Policy points and their values, held against the vocabulary.</summary>
/// <param name="vocabulary">The points and values there are.</param>
/// <param name="tscHz">For durations in arguments.</param>
/// <param name="file">The scenario file, in whose folder the paths of scripts begin.</param>
internal sealed class PolicyBinder(Vocabulary vocabulary, long tscHz, string file)
{
    private const int MostListed = 12;

    /// <summary>A map from points to values, in the order written.</summary>
    public OrderedDictionary<string, PolicyValue> Map(YamlNode node)
    {
        var values = new OrderedDictionary<string, PolicyValue>(StringComparer.Ordinal);
        foreach (var entry in Fields.MapOf(node, "policies").Entries)
            values.Add(entry.Key, Value(Point(entry.Key, entry.KeyMark), entry.Value));
        return values;
    }

    public PolicyPointInfo Point(string name, SourceMark mark)
    {
        foreach (var point in vocabulary.PolicyPoints)
        {
            if (point.Name == name)
                return point;
        }
        throw mark.Error($"unknown policy point {Wording.Quote(name)}; {Advice(name)}");
    }

    private string Advice(string name)
    {
        string[] points = [.. vocabulary.PolicyPoints.Select(point => point.Name)];
        return points.Length <= MostListed
            ? Wording.Expected(name, points)
            : $"'scenariohv describe policies' lists the {points.Length} there are{NearestName.Hint(name, points)}";
    }

    public PolicyValue Value(PolicyPointInfo point, YamlNode node)
    {
        if (node is not YamlScalar { Text.Length: > 0 } scalar)
        {
            var expected = string.Join(", ", Signatures(point.Values));
            throw node.Mark.Error($"found {node.Description}, expected a value of {point.Name}: one of {expected}");
        }
        if (scalar.Text.EndsWith(ScriptPath.Extension, StringComparison.Ordinal))
            return PolicyValue.OfScript(scalar.Text, ScriptPath.Resolve(scalar, point.Name, FolderOf(scalar)), scalar.Mark);
        return Value(PolicyExpression.Parse(scalar), point.Name, point.Values);
    }

    private string FolderOf(YamlScalar script) => script.Folder ?? ScriptPath.FolderOf(file);

    private PolicyValue Value(PolicyExpression expression, string owner, IReadOnlyList<PolicyValueInfo> values)
    {
        var names = Fields.NamesOf(values, value => value.Name);
        var index = Array.IndexOf(names, expression.Word);
        if (index < 0)
        {
            var expected = Wording.Expected(expression.Word, names, Signatures(values));
            throw expression.Mark.Error($"{Wording.Quote(expression.Word)} is not a value of {owner}; {expected}");
        }

        var info = values[index];
        var given = expression.Arguments ?? [];
        if (given.Count != info.Parameters.Count)
            throw expression.Mark.Error($"{info.Name} takes {Arguments(info)}, found {given.Count}");
        var arguments = new PolicyArgument[given.Count];
        for (var i = 0; i < arguments.Length; i++)
            arguments[i] = Argument(given[i], info.Name, info.Parameters[i]);
        return new PolicyValue(info.Name, arguments, expression.Mark);
    }

    private PolicyArgument Argument(PolicyExpression given, string owner, ParameterInfo parameter)
    {
        var what = $"{parameter.Name} of {owner}";
        if (parameter.Kind == ParameterKind.Choice)
            return new PolicyArgument(parameter.Kind, 0, default, Value(given, what, parameter.Choices), given.Mark);
        if (given.Arguments is not null)
        {
            var kind = parameter.Kind == ParameterKind.Count ? "a whole number" : "a duration";
            throw given.Mark.Error($"found {Wording.Quote(given.Word + "(")} for {what}, expected {kind}");
        }
        if (parameter.Kind == ParameterKind.Duration)
        {
            var duration = Fields.Duration(given.Word, given.Mark, what, tscHz, parameter.Minimum, parameter.Maximum);
            return new PolicyArgument(parameter.Kind, 0, duration, null, given.Mark);
        }
        var count = IntegerRule.Between(what, parameter.Minimum, parameter.Maximum).Read(given.Word, out var error);
        return new PolicyArgument(parameter.Kind, (long)(count ?? throw given.Mark.Error(error)), default, null, given.Mark);
    }

    private static string Arguments(PolicyValueInfo info) => info.Parameters.Count switch
    {
        0 => "no arguments",
        1 => $"1 argument as in {info.Signature}",
        var count => $"{count} arguments as in {info.Signature}",
    };

    private static string[] Signatures(IReadOnlyList<PolicyValueInfo> values) => Fields.NamesOf(values, value => value.Signature);
}
