using System.Buffers.Binary;
using System.Security.Cryptography;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Traces;

/// <summary>
/// The name of a history: SHA-256 over every event in the order in which they happened. Two runs with the same digest did the same
/// things at the same cycles. It is taken over the events and not over a text, so that it does not depend on a dialect.
/// </summary>
/// <remarks>
/// An event is 64 bytes, little endian: cycle (8), kind (1), actor (1), vCPU (1), zero (5), values A to F (8 each).
/// </remarks>
public sealed class TraceHash : ITraceSink, IDisposable
{
    private const int EventSize = 64;
    private const int BufferSize = 4096;

    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] buffer = new byte[BufferSize];
    private int used;

    /// <summary>How many events were hashed.</summary>
    public long Count { get; private set; }

    /// <summary>Adds one event. Allocates nothing.</summary>
    public void Emit(in TraceEvent traceEvent)
    {
        if (used == BufferSize)
            Flush();
        var bytes = buffer.AsSpan(used, EventSize);
        BinaryPrimitives.WriteInt64LittleEndian(bytes, traceEvent.Cycle);
        bytes[8] = (byte)traceEvent.Kind;
        bytes[9] = traceEvent.Actor;
        bytes[10] = traceEvent.Vcpu;
        bytes[11..16].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[16..], traceEvent.A);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[24..], traceEvent.B);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[32..], traceEvent.C);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[40..], traceEvent.D);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[48..], traceEvent.E);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[56..], traceEvent.F);
        used += EventSize;
        Count++;
    }

    /// <summary>The digest of the events so far, 64 lower-case hex digits. More events may follow.</summary>
    public string Digest()
    {
        Flush();
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    /// <inheritdoc/>
    public void Dispose() => hash.Dispose();

    private void Flush()
    {
        hash.AppendData(buffer.AsSpan(0, used));
        used = 0;
    }
}
