using System.Buffers.Binary;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Traces;

/// <summary>An event as bytes, the same on every machine.</summary>
/// <remarks>Little endian: cycle (8), kind (1), actor (1), vCPU (1), zero (5), values A to F (8 each).</remarks>
public static class TraceEventBytes
{
    /// <summary>Bytes of an event.</summary>
    public const int Size = 64;

    /// <summary>Writes an event.</summary>
    /// <param name="traceEvent">The event.</param>
    /// <param name="bytes">At least <see cref="Size"/> bytes.</param>
    public static void Write(in TraceEvent traceEvent, Span<byte> bytes)
    {
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
    }

    /// <summary>The event that was written.</summary>
    /// <param name="bytes">At least <see cref="Size"/> bytes.</param>
    public static TraceEvent Read(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadInt64LittleEndian(bytes),
        (TraceEventKind)bytes[8],
        bytes[9],
        bytes[10],
        BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]),
        BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]),
        BinaryPrimitives.ReadUInt64LittleEndian(bytes[32..]),
        BinaryPrimitives.ReadUInt64LittleEndian(bytes[40..]),
        BinaryPrimitives.ReadUInt64LittleEndian(bytes[48..]),
        BinaryPrimitives.ReadUInt64LittleEndian(bytes[56..]));
}
