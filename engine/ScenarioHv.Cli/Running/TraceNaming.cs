using ScenarioHv.Cli.Output;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Exploration;
using ScenarioHv.Traces;

namespace ScenarioHv.Cli.Running;

/// <summary>Names for what the events of a board number: actors, devices, reports and policy points.</summary>
internal sealed class TraceNaming
{
    private const int CycleWidth = 11;

    /// <summary>By the number of the policy point, which begins with 1.</summary>
    private static readonly string[] PointNames =
        ["", .. Array.ConvertAll(Enum.GetValues<PolicyPoint>(), NameOf)];

    private readonly Board _board;
    private readonly List<string> _reports = [];
    private readonly Dictionary<ulong, ulong> _reportIndices = [];

    /// <summary>Names for the events of <paramref name="board"/>.</summary>
    public TraceNaming(Board board)
    {
        _board = board;
        Actors = ActorsOf(board);
        Names = new TraceNames
        {
            Devices = [.. board.Config.Devices.Select(device => device.Name)],
            Reports = _reports,
            PolicyPoints = PointNames,
        };
    }

    /// <summary>The threads that a trace names.</summary>
    public IReadOnlyList<TraceActor> Actors { get; }

    /// <summary>The names.</summary>
    public TraceNames Names { get; }

    /// <summary>How the kernel of a machine prints tracepoints, unless the user says otherwise.</summary>
    /// <param name="board">The machine.</param>
    /// <param name="hypervisor">Its preset.</param>
    public static TraceDialect DialectOf(Board board, string hypervisor) => board.IsBhyve ? TraceDialects.BhyveKtr
        : KernelMajor(hypervisor) is < 6 ? TraceDialects.Kvm51
        : TraceDialects.Kvm616;

    /// <summary>The last events before a step that failed, a line each.</summary>
    public IReadOnlyList<string> LinesOf(StepException failure, TraceDialect dialect) =>
    [
        .. failure.LastEvents.Where(e => TraceText.IsPrinted(e.Kind, dialect)).Select(Named)
            .Select(e => $"{Wording.Number(e.Cycle),CycleWidth} {TraceEventText.Format(e, dialect, Names)}"),
    ];

    /// <summary>5 of <c>kvm@5.1</c>; null for what is no kernel.</summary>
    private static int? KernelMajor(string preset) =>
        preset.StartsWith("kvm@", StringComparison.Ordinal) && int.TryParse(preset[4..].Split('.')[0], out var major) ? major : null;

    /// <summary>A policy point as scenarios name it.</summary>
    public static string NameOf(PolicyPoint point) => point switch
    {
        PolicyPoint.ImmediateExit => "immediate-exit",
        PolicyPoint.IoApicEoi => "ioapic-eoi",
        PolicyPoint.NmiTracking => "nmi-tracking",
        _ => throw new InvalidOperationException($"The policy point {point} has no name here."),
    };

    /// <summary>The event with a report's place in <see cref="TraceNames.Reports"/> instead of the hash of its text.</summary>
    public TraceEvent Named(TraceEvent e)
    {
        if (e.Kind != TraceEventKind.GuestReported)
        {
            return e;
        }

        if (!_reportIndices.TryGetValue(e.A, out var index))
        {
            index = (ulong)_reports.Count;
            _reportIndices.Add(e.A, index);
            _reports.Add(_board.Reports.Text(e.A) ?? "");
        }

        return new TraceEvent(e.Cycle, e.Kind, e.Actor, e.Vcpu, index, e.B);
    }

    /// <summary>A sink that hands named events on.</summary>
    public ITraceSink Before(ITraceSink sink) => new NamingSink(this, sink);

    private static TraceActor[] ActorsOf(Board board)
    {
        var actors = new TraceActor[board.Actors.Count];
        for (var i = 0; i < actors.Length; i++)
        {
            actors[i] = ActorOf(board.Actors[i].Name, board.Config.Vcpus, board.IsBhyve);
        }

        return actors;
    }

    /// <summary>
    /// A vCPU's thread stays on the CPU of its number; the monitor's I/O thread has the one behind the last. bhyve names the former
    /// "vcpu 0".
    /// </summary>
    private static TraceActor ActorOf(string name, int vcpus, bool isBhyve)
    {
        var digits = name.AsSpan().TrimStart("abcdefghijklmnopqrstuvwxyz-");
        var cpu = int.TryParse(digits, out var number) ? number : 0;
        return name switch
        {
            "io" => new TraceActor(isBhyve ? "bhyve" : "qemu-io", vcpus),
            _ when isBhyve && name.StartsWith("vcpu", StringComparison.Ordinal) => new TraceActor($"vcpu {cpu}", cpu),
            _ when name.StartsWith("vcpu", StringComparison.Ordinal) => TraceActor.VcpuThread(cpu, cpu),
            _ => new TraceActor(name, cpu),
        };
    }

    private sealed class NamingSink(TraceNaming naming, ITraceSink sink) : ITraceSink
    {
        public void Emit(in TraceEvent traceEvent) => sink.Emit(naming.Named(traceEvent));
    }
}
