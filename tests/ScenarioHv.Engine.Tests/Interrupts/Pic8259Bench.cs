using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>A pair with its policies, initialised as a PC's firmware does: vectors 20h and 28h, cascade on IR2, normal EOI.</summary>
internal sealed class Pic8259Bench
{
    public Pic8259Pair Pair;

    public Pic8259Bench(Pic8259Policies policies = default, byte masterIcw4 = 1, byte slaveIcw4 = 1)
    {
        Policies = policies;
        Pair.PowerOn();
        Out(0x20, 0x11, 0xA0, 0x11, 0x21, 0x20, 0x21, 0x04, 0x21, masterIcw4);
        Out(0xA1, 0x28, 0xA1, 0x02, 0xA1, slaveIcw4);
    }

    public Pic8259Policies Policies { get; }

    public bool Int => Pair.IntOutput(Policies);

    public int Irr => Pair.Master.Irr(Policies) | Pair.Slave.Irr(Policies) << 8;

    public int Isr => Pair.Master.Isr | Pair.Slave.Isr << 8;

    public static Pic8259Policies Flavour(string name) => name switch
    {
        "architectural" => Pic8259Policies.Architectural,
        "kvm" => Pic8259Policies.Kvm,
        "qemu" => Pic8259Policies.Qemu,
        "openvmm" => Pic8259Policies.OpenVmm,
        _ => throw new InvalidOperationException(name),
    };

    /// <summary>Port, value, port, value ...</summary>
    public void Out(params int[] writes)
    {
        for (int i = 0; i < writes.Length; i += 2)
            Pair.Write(writes[i], (byte)writes[i + 1], Policies);
    }

    public int In(int port) => Pair.Read(port, Policies).Value;

    public void High(params int[] irqs)
    {
        foreach (int irq in irqs)
            Pair.SetLine(irq, true, Policies);
    }

    public void Low(params int[] irqs)
    {
        foreach (int irq in irqs)
            Pair.SetLine(irq, false, Policies);
    }

    public int Inta() => Pair.Acknowledge(Policies).Vector;

    /// <summary>INTA and EOI until INT falls: the order of service.</summary>
    public int[] Serve()
    {
        var vectors = new List<int>();
        while (Int && vectors.Count < 16)
        {
            vectors.Add(Inta());
            if (vectors[^1] >= 0x28)
                Out(0xA0, 0x20);
            Out(0x20, 0x20);
        }

        return [.. vectors];
    }
}
