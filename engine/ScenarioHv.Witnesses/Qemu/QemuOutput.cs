using System.Globalization;
using System.Text.RegularExpressions;
using ScenarioHv.Conformance;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Witnesses;

/// <summary>What a line of QEMU's standard error tells.</summary>
internal enum QemuLineKind
{
    /// <summary>Nothing of interest: a command repeated (<c>[R</c>), a remark.</summary>
    Other,

    /// <summary><c>[S +TIME] OK [VALUE]</c>: a command is done.</summary>
    Done,

    /// <summary><c>[S +TIME] FAIL ...</c> or <c>ERR ...</c>: a command is refused.</summary>
    Refused,

    /// <summary><c>[S +TIME] IRQ raise|lower N</c>: an intercepted output changes.</summary>
    Output,

    /// <summary>The trace event of a message to local APICs.</summary>
    Message,
}

/// <summary>A line of QEMU's standard error.</summary>
/// <param name="Kind">What it tells.</param>
/// <param name="Value">The value of <c>OK</c>, 0 if it has none; the level of an output.</param>
/// <param name="Message">The message.</param>
internal readonly record struct QemuLine(QemuLineKind Kind, ulong Value = 0, ApicMessage Message = default);

/// <summary>
/// QEMU's standard error: the log of its test protocol (QEMU qtest.c:qtest_send_prefix) and of its trace events, which the same thread
/// writes and flushes, so that they are in the order in which things happened.
/// </summary>
internal static partial class QemuOutput
{
    /// <summary>The trace event of a message from the I/O APIC or a device (QEMU apic.c:apic_deliver_irq).</summary>
    public const string MessageEvent = "apic_deliver_irq";

    /// <summary>Reads a line.</summary>
    /// <param name="line">The line.</param>
    /// <exception cref="WitnessException">The event has another form than the known one.</exception>
    public static QemuLine Parse(string line)
    {
        if (line.StartsWith("[S ", StringComparison.Ordinal))
            return ParseSent(line[(line.IndexOf(']', StringComparison.Ordinal) + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        if (line.StartsWith('[') || !line.Contains($"{MessageEvent} ", StringComparison.Ordinal))
            return default;
        Match match = MessageForm().Match(line);
        if (!match.Success)
            throw new WitnessException($"QEMU tells of a message in an unknown form: {line}");
        return new QemuLine(QemuLineKind.Message, 0, ReadMessage(match));
    }

    private static QemuLine ParseSent(string[] words) => words switch
    {
        ["OK"] => new QemuLine(QemuLineKind.Done),
        ["OK", var value] => new QemuLine(QemuLineKind.Done, Hex(value)),
        ["IRQ", "raise", "0"] => new QemuLine(QemuLineKind.Output, 1),
        ["IRQ", "lower", "0"] => new QemuLine(QemuLineKind.Output, 0),
        ["FAIL" or "ERR", ..] => new QemuLine(QemuLineKind.Refused),
        _ => default,
    };

    private static ulong Hex(string word) =>
        word.StartsWith("0x", StringComparison.Ordinal)
        && ulong.TryParse(word.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong value)
            ? value
            : throw new WitnessException($"QEMU answers '{word}', which is no number");

    private static ApicMessage ReadMessage(Match match) => new()
    {
        Destination = Number(match, "dest"),
        Vector = (byte)Number(match, "vector"),
        Mode = (DeliveryMode)Number(match, "delivery"),
        Flags = (Number(match, "mode") != 0 ? ApicMessageFlags.Logical : ApicMessageFlags.None)
            | (Number(match, "trigger") != 0 ? ApicMessageFlags.Level : ApicMessageFlags.None),
    };

    private static uint Number(Match match, string group) => uint.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(
        @"\bapic_deliver_irq dest (?<dest>\d{1,9}) dest_mode (?<mode>[01]) delivery_mode (?<delivery>[0-7]) "
        + @"vector (?<vector>\d{1,3}) trigger_mode (?<trigger>[01])$",
        RegexOptions.CultureInvariant)]
    private static partial Regex MessageForm();
}
