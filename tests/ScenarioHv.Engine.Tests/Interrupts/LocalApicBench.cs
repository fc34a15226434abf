using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>One local APIC on a bench: a clock to turn, and the accesses that tests write again and again.</summary>
internal sealed class LocalApicBench
{
    public const uint Masked = 0x10000;

    public LocalApic Apic;

    public LocalApicTimerClock Clock = new(tscHz: 1_000_000_000, busHz: 1_000_000_000);

    public long Now;

    /// <summary>Out of RESET, APIC ID 3; software-enabled with spurious vector FFh unless told not to.</summary>
    public LocalApicBench(bool enabled = true, uint version = LocalApicOptions.SixLvtVersion, uint apicId = 3)
    {
        Apic.Reset(apicId, bsp: false, new LocalApicOptions(version));
        if (enabled)
            Write(LocalApicRegister.Svr, 0x1FF);
    }

    public Instant Time => new(Now);

    public RegisterWriteEffect Write(int offset, uint value) => Apic.Write(offset, value, Time, Clock);

    public uint Read(int offset) => Apic.Read(offset, Time, Clock);

    public AcceptResult Edge(int vector) => Accept(DeliveryMode.Fixed, vector);

    public AcceptResult Level(int vector) => Accept(DeliveryMode.Fixed, vector, ApicMessageFlags.Level);

    public AcceptResult Accept(DeliveryMode mode, int vector, ApicMessageFlags flags = ApicMessageFlags.None) =>
        Apic.Accept(new ApicMessage { Destination = 3, Mode = mode, Vector = (byte)vector, Flags = flags });

    /// <summary>Accepts an edge interrupt and takes it.</summary>
    public void InService(int vector)
    {
        Edge(vector);
        Assert.That(Apic.Acknowledge(), Is.EqualTo(vector));
    }

    /// <summary>Writes ESR, then reads it.</summary>
    public uint LatchedErrors()
    {
        Write(LocalApicRegister.Esr, 0);
        return Read(LocalApicRegister.Esr);
    }

    /// <summary>Turns the clock to <paramref name="cycle"/> expires the timer as often as it is due and returns how often.</summary>
    public int RunTo(long cycle)
    {
        int expiries = 0;
        for (; Apic.TimerDeadline <= new Instant(cycle); expiries++)
        {
            Now = Math.Max(Now, Apic.TimerDeadline.Cycle);
            Apic.Expire(Time, Clock);
        }
        Now = cycle;
        return expiries;
    }

    /// <summary>The vectors that the eight registers from <paramref name="offset"/> show.</summary>
    public List<int> Vectors(int offset)
    {
        var vectors = new List<int>();
        for (int v = 0; v < 256; v++)
        {
            if ((Read(offset + 0x10 * (v >> 5)) >> (v & 31) & 1) != 0)
                vectors.Add(v);
        }
        return vectors;
    }

    public List<int> Irr() => Vectors(LocalApicRegister.Irr);

    public List<int> Isr() => Vectors(LocalApicRegister.Isr);

    public List<int> Tmr() => Vectors(LocalApicRegister.Tmr);
}
