namespace ScenarioHv.Conformance.Tests.Naive;

/// <summary>A pair of 8259s with the ELCR.</summary>
internal interface INaivePic
{
    /// <summary>The INT pin of the master, which is INTR.</summary>
    bool Int { get; }

    void Line(int input, bool high);

    /// <summary>INTA: the vector.</summary>
    int Acknowledge();

    /// <summary>A port is written; <paramref name="isListenedTo"/> says that some CPU accepts the pair's interrupts.</summary>
    void Write(uint port, uint value, bool isListenedTo);

    /// <summary>A port is read; what is nobody's reads all ones.</summary>
    uint Read(uint port);

    string Dump();
}

/// <summary>An I/O APIC.</summary>
internal interface INaiveIoApic
{
    void Line(int number, bool level);

    void EndOfInterrupt(int vector);

    void Write(uint offset, uint value);

    uint Read(uint offset);

    string Dump();
}
