using System.Globalization;

namespace ScenarioHv.Cli.Output;

/// <summary>Numbers, times and lists as every report writes them.</summary>
internal static class Wording
{
    /// <summary>Units of time, each a thousandth of the one before it.</summary>
    private static readonly string[] Units = ["s", "ms", "us", "ns"];

    /// <summary>A number of cycles as time, cut off after three decimals: <c>121.583 us</c>.</summary>
    /// <param name="cycles">TSC cycles, 0 or more.</param>
    /// <param name="tscHz">The TSC's frequency in Hz, above 0 and at most 10^15.</param>
    public static string Time(long cycles, long tscHz)
    {
        var (whole, rest) = Math.DivRem(cycles, tscHz);
        var unit = 0;
        while (whole == 0 && unit < Units.Length - 1)
        {
            (whole, rest) = Math.DivRem(rest * 1000, tscHz);
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{whole}.{rest * 1000 / tscHz:d3} {Units[unit]}");
    }

    /// <summary>Cycles with the time that they are: <c>291800 cycles (121.583 us)</c>.</summary>
    public static string Cycles(long cycles, long tscHz) => $"{Number(cycles)} cycles ({Time(cycles, tscHz)})";

    /// <summary>A number of bytes in the largest unit of which it is at least one: <c>14.2 MB</c>.</summary>
    public static string Bytes(long bytes)
    {
        foreach (var (unit, size) in (ReadOnlySpan<(string, long)>)[("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)])
        {
            if (bytes >= size)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{bytes / size}.{bytes % size * 10 / size} {unit}");
            }
        }

        return $"{Number(bytes)} B";
    }

    /// <summary>A number without separators.</summary>
    public static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary><c>1 entry</c>, <c>2 entries</c>.</summary>
    public static string Count(long value, string one, string many) => $"{Number(value)} {(value == 1 ? one : many)}";

    /// <summary><c>a</c>, <c>a and b</c>, <c>a, b and c</c>.</summary>
    public static string And(string[] items) => Joined(items, "and");

    /// <summary><c>a</c>, <c>a or b</c>, <c>a, b or c</c>.</summary>
    public static string Or(string[] items) => Joined(items, "or");

    /// <summary>
    /// The lines of <paramref name="text"/> with at most <paramref name="width"/> characters; a longer word has a line of its own.
    /// </summary>
    public static IEnumerable<string> Wrap(string text, int width)
    {
        foreach (var paragraph in text.TrimEnd().Split('\n'))
        {
            var line = "";
            foreach (var word in paragraph.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                if (line.Length > 0 && line.Length + 1 + word.Length > width)
                {
                    yield return line;
                    line = "";
                }

                line = line.Length == 0 ? word : line + " " + word;
            }

            yield return line;
        }
    }

    private static string Joined(string[] items, string word) =>
        items.Length < 2 ? string.Concat(items) : $"{string.Join(", ", items, 0, items.Length - 1)} {word} {items[^1]}";
}
