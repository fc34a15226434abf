using System.Buffers.Binary;
using System.IO.Pipes;
using System.Runtime.CompilerServices;
using System.Text;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Traces;

namespace ScenarioHv.Cli.Running;

/// <summary>
/// The events of a process as they happen, for the one that has started it with <c>--twice</c> and compares two of them. Cells then come
/// one after the other, so that the streams of two processes are in step.
/// </summary>
/// <remarks>
/// A cell is <see cref="CellMark"/>, the length of its name (4 bytes, little endian) and the name; an event is <see cref="EventMark"/> and
/// its <see cref="TraceEventBytes"/>.
/// </remarks>
internal sealed class TwiceStream(Stream output) : ITraceSink, IDisposable
{
    /// <summary>The variable of the environment that names the pipe.</summary>
    public const string Variable = "SCENARIOHV_TWICE";

    /// <summary>What stands before a cell.</summary>
    public const byte CellMark = (byte)'C';

    /// <summary>What stands before an event.</summary>
    public const byte EventMark = (byte)'E';

    private const int BufferSize = 1 << 16;

    private readonly byte[] _event = new byte[1 + TraceEventBytes.Size];

    /// <summary>The stream of this process; null if nobody compares it.</summary>
    public static TwiceStream? OfProcess { get; } =
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } pipe ? To(pipe) : null;

    /// <summary>How many cells are run at the same time.</summary>
    public static ParallelOptions Parallelism => new() { MaxDegreeOfParallelism = OfProcess is null ? -1 : 1 };

    /// <summary>The events that follow are those of this cell.</summary>
    public void Begin(string cell)
    {
        var name = Encoding.UTF8.GetBytes(cell);
        Span<byte> head = stackalloc byte[5];
        head[0] = CellMark;
        BinaryPrimitives.WriteInt32LittleEndian(head[1..], name.Length);
        output.Write(head);
        output.Write(name);
    }

    /// <inheritdoc/>
    public void Emit(in TraceEvent traceEvent)
    {
        _event[0] = EventMark;
        TraceEventBytes.Write(traceEvent, _event.AsSpan(1));
        output.Write(_event);
    }

    /// <summary>Everything has been said.</summary>
    public void Dispose() => output.Dispose();

    /// <summary>A method of its own, so that pipes are loaded only when it is called.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static TwiceStream To(string pipe) =>
        new(new BufferedStream(new AnonymousPipeClientStream(PipeDirection.Out, pipe), BufferSize));
}
