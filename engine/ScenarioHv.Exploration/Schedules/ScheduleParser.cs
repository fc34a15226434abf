using System.Globalization;
using static System.FormattableString;

namespace ScenarioHv.Exploration.Schedules;

/// <summary>Reads a schedule's text form: see <see cref="Schedule"/>.</summary>
internal sealed class ScheduleParser(string text)
{
    private const string Actor = "an actor (a to z, A to Z, _a to _l)";
    private const int MaximumCount = 1_000_000_000;
    private const int Shown = 40;

    private int _at;

    public Schedule Parse()
    {
        var isInClasses = Clock();
        var builder = new ScheduleBuilder(isInClasses);
        var repeats = -1;
        while (_at < text.Length)
        {
            if (text[_at] != '@')
            {
                Run(builder);
                continue;
            }

            if (repeats >= 0)
            {
                throw Error(_at, Invariant($"expected {Actor}: one '@' stands at character {repeats + 1} already"));
            }

            repeats = _at++;
            builder.BeginPeriod();
        }

        return repeats == text.Length - 1 ? throw Error(_at, Invariant($"expected {Actor} behind the '@'")) : builder.Build();
    }

    private bool Clock()
    {
        if (text.Length < 2 || text[1] != ':' || text[0] is not ('c' or 't'))
        {
            throw Error(0, "expected 'c:' (time in classes) or 't:' (time in cycles) at the beginning");
        }

        _at = 2;
        return text[0] == 'c';
    }

    private void Run(ScheduleBuilder builder)
    {
        var actor = Letter();
        var count = 1;
        if (_at < text.Length && char.IsAsciiDigit(text[_at]))
        {
            count = Number("a count", 1, MaximumCount);
        }

        var choice = 0;
        if (_at < text.Length && text[_at] == '.')
        {
            _at++;
            choice = Number("the number of a way", 0, Schedule.MaximumChoice);
        }

        builder.Add(actor, choice, count);
    }

    private int Letter()
    {
        var start = _at;
        switch (text[_at++])
        {
            case >= 'a' and <= 'z' and var low:
                return low - 'a';
            case >= 'A' and <= 'Z' and var high:
                return high - 'A' + 26;
            case '_' when _at < text.Length && text[_at] is >= 'a' and <= 'l':
                return text[_at++] - 'a' + 52;
            case '_':
                throw Error(_at, "expected a letter from a to l behind '_'");
            default:
                throw Error(start, start == 2 ? $"expected {Actor} or '@'" : $"expected {Actor}, a count, '.' or '@'");
        }
    }

    private int Number(string what, int minimum, int maximum)
    {
        var start = _at;
        while (_at < text.Length && char.IsAsciiDigit(text[_at]))
        {
            _at++;
        }

        return int.TryParse(text.AsSpan(start, _at - start), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number >= minimum && number <= maximum
            ? number
            : throw Error(start, Invariant($"expected {what}, {minimum} to {maximum}"), text[start.._at]);
    }

    private ScheduleException Error(int at, string expected, string? found = null)
    {
        var what = !string.IsNullOrEmpty(found) ? $"found {Short(found)}"
            : at >= text.Length ? "found its end"
            : char.IsControl(text[at]) ? Invariant($"found the control character {(int)text[at]}")
            : $"found '{text[at]}'";
        return new ScheduleException(Invariant($"schedule {Short(text)}: at character {at + 1} {what}, {expected}"));
    }

    private static string Short(string text)
    {
        var printable = string.Concat(text.Take(Shown).Select(character => char.IsControl(character) ? '?' : character));
        return text.Length <= Shown ? $"'{printable}'" : $"'{printable}...'";
    }
}
