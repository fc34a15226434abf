namespace ScenarioHv.Conformance.Tests.Naive;

/// <summary>A CPU of the recordings: what waits for it beside its local APIC, and what its handlers do.</summary>
internal sealed class NaiveCpu
{
    public NaiveCpu()
    {
        for (int vector = 0; vector < 256; vector++)
            Handlers[vector] = vector == 2 ? HandlerSteps.None : HandlerSteps.MmioEoi;
    }

    public HandlerSteps[] Handlers { get; } = new HandlerSteps[256];

    public bool IsHalted { get; set; }

    public int HaltMax { get; set; }

    /// <summary>NMIs that wait.</summary>
    public int Nmis { get; set; }

    /// <summary>NMIs are blocked from the delivery of one to the next IRET (SDM3 6.7.1).</summary>
    public bool NmiBlocked { get; set; }

    /// <summary>A message said ExtINT: the next acknowledge asks the 8259 for the vector (SDM3 10.8.1).</summary>
    public bool ExtIntWaits { get; set; }
}

/// <summary>What an operation delivered, as the recordings write it.</summary>
internal sealed class NaiveDeliveries(int max)
{
    private readonly List<string> texts = [];
    private int limit = max;
    private bool faulted;

    public bool IsFull => texts.Count >= limit;

    public bool HasRoom => !faulted && !IsFull;

    public string Text => string.Join(' ', texts);

    public void Add(int vector, int depth) => texts.Add(new string('>', depth) + vector.ToString("x2", null));

    /// <summary>The recorded guest gives an operation up at #UD and #GP.</summary>
    public void Fault(int vector, int depth)
    {
        texts.Add(new string('>', depth) + "#" + vector.ToString("x2", null));
        faulted = true;
    }

    /// <summary>An NMI before STI counts, but cannot close the window that is not open yet.</summary>
    public void KeepOpen() => limit = Math.Max(limit, texts.Count + 1);
}
