using System.Text.RegularExpressions;

namespace ScenarioHv.Conformance;

/// <summary>What of two logs of an operation has to be the same.</summary>
/// <param name="isStrict">
/// Compares what is KVM's own as well: <c>irr</c> of <c>dumpI</c>, its latch of asserted pins, which no guest can read.
/// </param>
public sealed partial class Comparison(bool isStrict)
{
    /// <summary>True if the logs agree.</summary>
    /// <param name="op">The operation.</param>
    /// <param name="expected">A log of it.</param>
    /// <param name="found">Another.</param>
    public bool Agree(RecordedOp op, string expected, string found) => Compared(op, expected) == Compared(op, found);

    private string Compared(RecordedOp op, string log) =>
        isStrict || op.Kind != RecordedOpKind.DumpIoApic ? log : KvmLatch().Replace(log, "");

    [GeneratedRegex(" irr=[0-9a-f]+", RegexOptions.CultureInvariant)]
    private static partial Regex KvmLatch();
}
