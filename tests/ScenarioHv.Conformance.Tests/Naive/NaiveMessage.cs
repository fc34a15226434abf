namespace ScenarioHv.Conformance.Tests.Naive;

/// <summary>Delivery modes (SDM3 10.6.1; 82093AA 3.2.4).</summary>
internal enum NaiveMode
{
    Fixed = 0,
    LowestPriority = 1,
    Smi = 2,
    Reserved = 3,
    Nmi = 4,
    Init = 5,
    StartUp = 6,
    ExtInt = 7,
}

/// <summary>The destination shorthand of an IPI (SDM3 10.6.1).</summary>
internal enum NaiveShorthand
{
    None = 0,
    Self = 1,
    All = 2,
    Others = 3,
}

/// <summary>What travels between controllers.</summary>
internal sealed record NaiveMessage
{
    /// <summary>The CPU whose IPI it is, or −1: a device's or the I/O APIC's.</summary>
    public int Sender { get; init; } = -1;

    public NaiveShorthand Shorthand { get; init; }

    public uint Destination { get; init; }

    public bool Logical { get; init; }

    public NaiveMode Mode { get; init; }

    public int Vector { get; init; }

    public bool Level { get; init; }

    /// <summary>A level message that says that the line went low.</summary>
    public bool Deassert { get; init; }

    /// <summary>The redirection hint of an MSI address (SDM3 10.11.1).</summary>
    public bool Hint { get; init; }

    public bool IsIpi => Sender >= 0;
}

/// <summary>Where a local APIC or an I/O APIC sends things.</summary>
internal interface INaiveBus
{
    /// <summary>Sends a message and says how many APICs accepted it, −1 if it addresses none.</summary>
    int Send(NaiveMessage message);

    /// <summary>A local APIC tells the I/O APIC that a level interrupt is over.</summary>
    void BroadcastEoi(int vector);

    /// <summary>An APIC hands its core something that is no fixed interrupt.</summary>
    void ToCore(int cpu, NaiveMode mode);
}
