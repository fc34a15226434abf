using static System.FormattableString;

namespace ScenarioHv.Traces.Explanations;

/// <summary>
/// Interruption-information words in words: VM entry, VM exit and IDT-vectoring of VMX (SDM3 24.8.3, 24.9.2, 24.9.3) and
/// EVENTINJ and EXITINTINFO of SVM (APM2 15.20) agree on vector (7:0), type (10:8) and valid (31).
/// </summary>
internal static class EventInformation
{
    private const uint ValidBit = 1u << 31;

    public static bool IsValid(ulong word) => (word & ValidBit) != 0;

    public static byte Vector(ulong word) => (byte)word;

    public static bool IsNmi(ulong word) => Type(word) == 2;

    /// <summary>"external interrupt 96", "NMI", "exception 14", "INT 128".</summary>
    public static string Text(ulong word) => Type(word) switch
    {
        0 => Invariant($"external interrupt {Vector(word)}"),
        2 => "the NMI",
        3 => Invariant($"exception {Vector(word)}"),
        4 => Invariant($"INT {Vector(word)}"),
        5 => Invariant($"privileged software exception {Vector(word)}"),
        6 => Invariant($"software exception {Vector(word)}"),
        7 when Vector(word) == 0 => "a monitor trap",
        _ => Invariant($"an event of type {Type(word)}, vector {Vector(word)}"),
    };

    private static uint Type(ulong word) => (uint)(word >> 8) & 7;
}
