using System.Security.Cryptography;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Traces;

/// <summary>
/// The name of a history: SHA-256 over every event in the order in which they happened. Two runs with the same digest did the same
/// things at the same cycles. It is taken over the events and not over a text, so that it does not depend on a dialect.
/// </summary>
/// <remarks>The bytes of an event are those of <see cref="TraceEventBytes"/>.</remarks>
public sealed class TraceHash : ITraceSink, IDisposable
{
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
        TraceEventBytes.Write(traceEvent, buffer.AsSpan(used, TraceEventBytes.Size));
        used += TraceEventBytes.Size;
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
