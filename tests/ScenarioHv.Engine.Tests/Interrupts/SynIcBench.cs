using System.Runtime.InteropServices;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>A virtual processor: SynIC, timers, pages and local APIC, strung together as <see cref="SynIc"/> asks.</summary>
internal sealed class SynIcBench
{
    public const int CyclesPerUnit = 300;

    public SynIcState State;
    public SynIcMessagePage Page;
    public SynIcEventPage Events;
    public LocalApic Apic;
    public List<int> Raised = [];
    public long Cycle;

    private readonly SynIcQueueEntry[] _queue;
    private readonly SyntheticTimer[] _timers = new SyntheticTimer[4];
    private readonly SynIcPolicy _policy;
    private readonly SyntheticTimerPolicy _timerPolicy;

    /// <summary>Active, with both pages and SCONTROL enabled and SINT n on vector A0h + n; TSC 3 GHz.</summary>
    public SynIcBench(SynIcPolicy policy, SyntheticTimerPolicy? timerPolicy = null, bool enabled = true, int queue = 12)
    {
        _policy = policy;
        _timerPolicy = timerPolicy ?? SyntheticTimerPolicy.Tlfs;
        _queue = new SynIcQueueEntry[queue];
        Apic.Reset(1, bsp: false, LocalApicOptions.Architectural);
        Apic.Write(LocalApicRegister.Svr, 0x1FF, Now, new LocalApicTimerClock(1_000_000_000, 1_000_000_000));
        SynIc.PowerOn();
        Timers.PowerOn();
        if (!enabled)
            return;
        SynIc.Activate();
        Write(SynIcMsr.Scontrol, 1);
        Write(SynIcMsr.Simp, 0x5001);
        Write(SynIcMsr.Siefp, 0x6001);
        for (int i = 0; i < 16; i++)
            Sint(i, (ulong)(0xA0 + i));
    }

    public static (SynIcPolicy SynIc, SyntheticTimerPolicy Timer)[] Flavours { get; } =
    [
        (SynIcPolicy.Tlfs, SyntheticTimerPolicy.Tlfs),
        (SynIcPolicy.Kvm, SyntheticTimerPolicy.Kvm),
        (SynIcPolicy.OpenVmm, SyntheticTimerPolicy.OpenVmm),
    ];

    public SynIc SynIc => new(ref State, ref Page, ref Events, _queue, _policy);

    public SyntheticTimers Timers => new(_timers, SynIc, new SyntheticTimerClock(10_000_000L * CyclesPerUnit), _timerPolicy);

    public Instant Now => new(Cycle);

    public ulong Time => (ulong)(Cycle / CyclesPerUnit);

    public bool ApicAccepts => Apic.IsSoftwareEnabled;

    public static SynIcBench For(int flavour) => new(Flavours[flavour].SynIc, Flavours[flavour].Timer);

    public static SynIcMessage Message(uint type, params byte[] payload)
    {
        var message = new SynIcMessage { Type = type, PayloadSize = (byte)payload.Length, Sender = 7 };
        payload.CopyTo(message.PayloadBytes);
        return message;
    }

    public SynIcWrite Write(uint msr, ulong value, bool fromHost = false)
    {
        var write = msr >= SyntheticTimerMsr.Config0
            ? Timers.WriteMsr(msr, value, fromHost, Now) : SynIc.WriteMsr(msr, value, fromHost);
        Rescan(write.Rescan);
        return write;
    }

    public ulong Read(uint msr)
    {
        ulong value;
        bool ok = msr >= SyntheticTimerMsr.Config0 ? Timers.TryReadMsr(msr, out value) : SynIc.TryReadMsr(msr, false, out value);
        Assert.That(ok, $"#GP reading {msr:X}h");
        return value;
    }

    public SynIcWrite Sint(int n, ulong value) => Write(SynIcMsr.Sint0 + (uint)n, value);

    public void Timer(int n, ulong config, ulong count)
    {
        Write(SyntheticTimerMsr.Count0 + 2 * (uint)n, count);
        Write(SyntheticTimerMsr.Config0 + 2 * (uint)n, config);
    }

    public ulong Config(int n) => Read(SyntheticTimerMsr.Config0 + 2 * (uint)n);

    public SynIcPost Post(int sint, uint type, params byte[] payload)
    {
        var post = SynIc.Post(sint, Message(type, payload), Time);
        Raise(post.Interrupt);
        if (post.Timer is { } timer)
            Timers.Delivered(timer, Now);
        return post;
    }

    public SynIcSignal Signal(int sint, int flag)
    {
        var signal = SynIc.SignalEvent(sint, flag);
        Raise(signal.Interrupt);
        return signal;
    }

    public void Rescan(ushort sints)
    {
        for (int i = 0; i < 16; i++)
        {
            if ((sints >> i & 1) == 0)
                continue;
            var post = SynIc.TryDeliverQueued(i, Time);
            Raise(post.Interrupt);
            if (post.Timer is { } timer)
                Timers.Delivered(timer, Now);
        }
        Timers.Acknowledge(sints);
    }

    /// <summary>One pass over the four timers; what each did.</summary>
    public SyntheticTimerOutcome[] Pass()
    {
        var outcomes = new SyntheticTimerOutcome[4];
        for (int i = 0; i < 4; i++)
        {
            var step = Timers.Process(i, Now, ApicAccepts);
            outcomes[i] = step.Outcome;
            Raise(step.Interrupt);
        }
        return outcomes;
    }

    /// <summary>Turns the clock to a reference time, with every pass that is due on the way, and returns the outcomes but idle.</summary>
    public List<(ulong Time, int Timer, SyntheticTimerOutcome Outcome)> RunTo(ulong time)
    {
        var log = new List<(ulong, int, SyntheticTimerOutcome)>();
        long end = (long)time * CyclesPerUnit;
        for (var next = Timers.NextPass(Now); next.Cycle <= end; next = Timers.NextPass(Now))
        {
            Cycle = next.Cycle;
            var outcomes = Pass();
            for (int i = 0; i < 4; i++)
            {
                if (outcomes[i] != SyntheticTimerOutcome.Idle)
                    log.Add((Time, i, outcomes[i]));
            }
        }
        Cycle = end;
        return log;
    }

    /// <summary>The guest's protocol: type := 0, and EOM if the flag was set.</summary>
    public void Empty(int sint)
    {
        Page[sint].Type = 0;
        if (Page[sint].IsPending)
            Write(SynIcMsr.Eom, 0);
    }

    public SyntheticTimerPayload Payload(int sint) => MemoryMarshal.AsRef<SyntheticTimerPayload>(Page[sint].PayloadBytes);

    /// <summary>INTA: the vector, or −1.</summary>
    public int Inta()
    {
        int vector = Apic.HighestDeliverable();
        if (vector < 0)
            return -1;
        if (SynIc.IsAutoEoi(vector))
            Apic.Irr.Clear(vector);
        else
            Apic.Dispense(vector);
        SynIc.Dispensed(vector);
        return vector;
    }

    public void Eoi() => Rescan(SynIc.NotifyEoi(Apic.Eoi().Vector));

    private void Raise(SynIcInterrupt? interrupt)
    {
        if (interrupt is not { } raised)
            return;
        Raised.Add(raised.Vector);
        if (Apic.Accept(raised.ToMessage(1)).IsAccepted)
            SynIc.Requested(raised.Vector, raised.IsAutoEoi);
    }
}
