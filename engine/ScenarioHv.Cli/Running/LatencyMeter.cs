using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Cli.Running;

/// <summary>
/// Measures, from the events of a run, how long vectors of the first guests take from the request in IRR to the handler. Requests that
/// merge count from the first of them; a vector that an exit acknowledges, and no handler takes, does not count. A request is an event of
/// the hypervisor's trace: KVM's also stands for a message that a disabled local APIC drops.
/// </summary>
internal sealed class LatencyMeter : ITraceSink
{
    private const int Numbers = byte.MaxValue + 1;

    /// <summary>By vCPU and vector; what was never requested has none.</summary>
    private readonly VectorTimes?[]?[] _times = new VectorTimes?[Numbers][];

    /// <summary>The vectors that were taken at least once, by vCPU and vector.</summary>
    public IReadOnlyList<VectorLatency> Latencies
    {
        get
        {
            var found = new List<VectorLatency>();
            for (var vcpu = 0; vcpu < Numbers; vcpu++)
            {
                for (var vector = 0; _times[vcpu] is { } vectors && vector < Numbers; vector++)
                {
                    if (vectors[vector] is { Taken.Count: > 0 } times)
                    {
                        found.Add(VectorLatency.Of((byte)vcpu, (byte)vector, times.Taken));
                    }
                }
            }

            return found;
        }
    }

    /// <summary>The last request that found its bit in IRR set.</summary>
    public Collapse? LastCollapse { get; private set; }

    /// <inheritdoc/>
    public void Emit(in TraceEvent traceEvent)
    {
        switch (traceEvent.Kind)
        {
            case TraceEventKind.KvmApicAcceptIrq when traceEvent.C <= (ulong)DeliveryMode.LowestPriority:
                Requested((byte)traceEvent.A, (byte)traceEvent.B, traceEvent.Cycle);
                break;
            case TraceEventKind.AvicRequest:
                Requested(traceEvent.Vcpu, (byte)traceEvent.A, traceEvent.Cycle);
                break;
            case TraceEventKind.Ktr when (KtrMessage)traceEvent.A is KtrMessage.IntrReady or KtrMessage.Collapsed:
                Requested(traceEvent.Vcpu, (byte)traceEvent.B, traceEvent.Cycle);
                LastCollapse = (KtrMessage)traceEvent.A == KtrMessage.Collapsed
                    ? new Collapse(traceEvent.Cycle, traceEvent.Vcpu, (byte)traceEvent.B)
                    : LastCollapse;
                break;
            case TraceEventKind.GuestInterrupt when traceEvent.B == 1:
                Taken(traceEvent.Vcpu, (byte)traceEvent.A, traceEvent.Cycle);
                break;
        }
    }

    private void Requested(byte vcpu, byte vector, long cycle)
    {
        var vectors = _times[vcpu] ??= new VectorTimes?[Numbers];
        var times = vectors[vector] ??= new VectorTimes();
        times.Since ??= cycle;
    }

    private void Taken(byte vcpu, byte vector, long cycle)
    {
        if (_times[vcpu]?[vector] is { Since: { } since } times)
        {
            times.Taken.Add(cycle - since);
            times.Since = null;
        }
    }

    /// <summary>The times of one vector.</summary>
    private sealed class VectorTimes
    {
        /// <summary>When it was requested; null if it waits for nothing.</summary>
        public long? Since { get; set; }

        /// <summary>How long it took, each time.</summary>
        public List<long> Taken { get; } = [];
    }
}

/// <summary>A request that was merged with one that IRR held.</summary>
/// <param name="Cycle">When.</param>
/// <param name="Vcpu">Whose.</param>
/// <param name="Vector">Its vector.</param>
internal sealed record Collapse(long Cycle, byte Vcpu, byte Vector);

/// <summary>How long a vector took from its request to its handler, in cycles.</summary>
/// <param name="Vcpu">Whose.</param>
/// <param name="Vector">The vector.</param>
/// <param name="Count">How often it was taken.</param>
/// <param name="Minimum">The shortest.</param>
/// <param name="Median">The one in the middle; of an even number the mean of the two, rounded down.</param>
/// <param name="Maximum">The longest.</param>
internal sealed record VectorLatency(byte Vcpu, byte Vector, int Count, long Minimum, long Median, long Maximum)
{
    /// <summary>The figures of <paramref name="cycles"/>, of which there is at least one.</summary>
    public static VectorLatency Of(byte vcpu, byte vector, List<long> cycles)
    {
        var sorted = cycles.ToArray();
        Array.Sort(sorted);
        var middle = sorted.Length / 2;
        var median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new VectorLatency(vcpu, vector, sorted.Length, sorted[0], median, sorted[^1]);
    }
}
