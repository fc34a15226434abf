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
    private readonly Dictionary<(byte Vcpu, byte Vector), long> _requested = [];
    private readonly SortedDictionary<(byte Vcpu, byte Vector), List<long>> _taken = [];

    /// <summary>The vectors that were taken at least once, by vCPU and vector.</summary>
    public IReadOnlyList<VectorLatency> Latencies =>
        [.. _taken.Select(pair => VectorLatency.Of(pair.Key.Vcpu, pair.Key.Vector, pair.Value))];

    /// <summary>The last request that found its bit in IRR set.</summary>
    public Collapse? LastCollapse { get; private set; }

    /// <inheritdoc/>
    public void Emit(in TraceEvent traceEvent)
    {
        switch (traceEvent.Kind)
        {
            case TraceEventKind.KvmApicAcceptIrq when traceEvent.C <= (ulong)DeliveryMode.LowestPriority:
                _requested.TryAdd(((byte)traceEvent.A, (byte)traceEvent.B), traceEvent.Cycle);
                break;
            case TraceEventKind.AvicRequest:
                _requested.TryAdd((traceEvent.Vcpu, (byte)traceEvent.A), traceEvent.Cycle);
                break;
            case TraceEventKind.Ktr when (KtrMessage)traceEvent.A is KtrMessage.IntrReady or KtrMessage.Collapsed:
                _requested.TryAdd((traceEvent.Vcpu, (byte)traceEvent.B), traceEvent.Cycle);
                LastCollapse = (KtrMessage)traceEvent.A == KtrMessage.Collapsed
                    ? new Collapse(traceEvent.Cycle, traceEvent.Vcpu, (byte)traceEvent.B)
                    : LastCollapse;
                break;
            case TraceEventKind.GuestInterrupt when traceEvent.B == 1:
                Taken(traceEvent.Vcpu, (byte)traceEvent.A, traceEvent.Cycle);
                break;
        }
    }

    private void Taken(byte vcpu, byte vector, long cycle)
    {
        if (!_requested.Remove((vcpu, vector), out var since))
        {
            return;
        }

        if (!_taken.TryGetValue((vcpu, vector), out var latencies))
        {
            _taken.Add((vcpu, vector), latencies = []);
        }

        latencies.Add(cycle - since);
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
    public static VectorLatency Of(byte vcpu, byte vector, IEnumerable<long> cycles)
    {
        long[] sorted = [.. cycles.Order()];
        var middle = sorted.Length / 2;
        var median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new VectorLatency(vcpu, vector, sorted.Length, sorted[0], median, sorted[^1]);
    }
}
