using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>The three I/O APICs that were recorded or are the manual's: names for presets, as attributes take them.</summary>
public enum IoApicFlavour
{
    Architectural,
    KvmKernel,
    QemuUserspace,
}

/// <summary>
/// An I/O APIC with the plainest local APICs around it, wired as KVM and QEMU do: an EOI sends a line that is still asserted at once.
/// </summary>
internal sealed class IoApicBench
{
    private readonly IoApicPolicies _policies;
    private readonly IoApicPin[] _pins;
    private IoApicHeader _header;

    public IoApicBench(IoApicFlavour flavour, int cpus = 1, int pins = IoApic.StandardPinCount)
        : this(PoliciesOf(flavour), cpus, pins)
    {
    }

    public IoApicBench(IoApicPolicies policies, int cpus = 1, int pins = IoApic.StandardPinCount)
    {
        _policies = policies;
        _pins = new IoApicPin[pins];
        Cpus = [.. Enumerable.Range(0, cpus).Select(id => new StandInLapic((byte)id))];
        Chip.PowerOn();
    }

    public static IoApicPolicies PoliciesOf(IoApicFlavour flavour) => flavour switch
    {
        IoApicFlavour.Architectural => IoApicPolicies.Architectural,
        IoApicFlavour.KvmKernel => IoApicPolicies.Kvm,
        _ => IoApicPolicies.Qemu,
    };

    public IoApic Chip => new(ref _header, _pins, _policies);

    public StandInLapic[] Cpus { get; }

    /// <summary>Every message sent, oldest first.</summary>
    public List<ApicMessage> Sent { get; } = [];

    public IEnumerable<int> SentVectors => Sent.Select(message => (int)message.Vector);

    /// <summary>Sets a line and serves what asks for it; the result is that of KVM's kvm_ioapic_set_irq.</summary>
    public int Line(int pin, bool high)
    {
        var change = Chip.SetLine(pin, high);
        var result = Serve(change.Service, pin);
        return change.Outcome == IoApicLineOutcome.WantsService ? result : (int)change.Outcome;
    }

    public void Pulse(int pin)
    {
        Line(pin, true);
        Line(pin, false);
    }

    public void Write(byte register, uint value)
    {
        Chip.WriteWindow(IoApic.IoRegSel, register);
        var write = Chip.WriteWindow(IoApic.IoWin, value);
        Serve(write.Service, -1);
    }

    public uint Read(byte register)
    {
        Chip.WriteWindow(IoApic.IoRegSel, register);
        return Chip.ReadWindow(IoApic.IoWin);
    }

    /// <summary>Writes the high, then the low half of an entry.</summary>
    public void Entry(int pin, uint low, byte destination = 0)
    {
        EntryHigh(pin, destination);
        EntryLow(pin, low);
    }

    public void EntryLow(int pin, uint low) => Write((byte)(0x10 + 2 * pin), low);

    public void EntryHigh(int pin, byte destination) => Write((byte)(0x11 + 2 * pin), (uint)destination << 24);

    /// <summary>Writes the low half and serves nothing.</summary>
    public void EntryLowOnly(int pin, uint low) => WriteOnly((byte)(0x10 + 2 * pin), low);

    /// <summary>Writes the high half and serves nothing.</summary>
    public void EntryHighOnly(int pin, byte destination) => WriteOnly((byte)(0x11 + 2 * pin), (uint)destination << 24);

    /// <summary>An EOI after which nothing is sent again.</summary>
    public void ClearRemoteIrrs(byte vector)
    {
        for (var pin = Chip.NextEoiPin(vector, 0); pin >= 0; pin = Chip.NextEoiPin(vector, pin + 1))
            Chip.ClearRemoteIrr(pin, vector);
    }

    public uint ReadLow(int pin) => Read((byte)(0x10 + 2 * pin));

    public bool RemoteIrr(int pin) => (ReadLow(pin) & RedirectionEntry.RemoteIrrBit) != 0;

    /// <summary>A write of the EOI register of the I/O APIC.</summary>
    public void EoiRegister(uint value)
    {
        var vector = Chip.WriteWindow(IoApic.EoiOffset, value).EoiVector;
        if (vector >= 0)
            Broadcast((byte)vector);
    }

    /// <summary>EOI at a local APIC: the highest vector in service, and the broadcast if it is level.</summary>
    public void Eoi(int cpu = 0)
    {
        var vector = Cpus[cpu].EndHighest();
        if (Cpus[cpu].Tmr[vector])
            Broadcast(vector);
    }

    public void Broadcast(byte vector, bool tmr = true, bool directed = false)
    {
        for (var pin = Chip.NextEoiPin(vector, 0); pin >= 0; pin = Chip.NextEoiPin(vector, pin + 1))
        {
            if (Chip.ClearRemoteIrr(pin, vector, tmr, directed) && Chip.LineStillAsserted(pin))
                Serve(Chip.ServiceFor(pin), pin);
        }
    }

    /// <summary>Takes deliverable interrupts until there are none. The handler runs with IF=0; if it does not EOI, this does.</summary>
    public int Take(int cpu, Action<byte> handler)
    {
        var taken = 0;
        while (Cpus[cpu].TryDispense(out var vector))
        {
            taken++;
            handler(vector);
            if (Cpus[cpu].Isr[vector])
                Eoi(cpu);
            if (taken == 100)
                Assert.Fail($"Vector {vector:X} is taken for ever.");
        }

        return taken;
    }

    public int Take(int cpu = 0) => Take(cpu, _ => { });

    private void WriteOnly(byte register, uint value)
    {
        Chip.WriteWindow(IoApic.IoRegSel, register);
        Chip.WriteWindow(IoApic.IoWin, value);
    }

    private int Serve(IoApicPinRange range, int resultOf)
    {
        var result = -1;
        for (var pin = range.First; pin < range.End; pin++)
        {
            if (!Chip.TryDispatch(pin, out var message))
                continue;
            Sent.Add(message);
            var accepted = Chip.Dispatched(pin, Cpus.Count(cpu => cpu.Accept(message)));
            if (pin == resultOf)
                result = accepted;
        }

        return result;
    }
}

/// <summary>A local APIC without priorities other than the order of vectors.</summary>
internal sealed class StandInLapic(byte id)
{
    public bool Enabled { get; set; } = true;

    public bool[] Irr { get; } = new bool[256];

    public bool[] Isr { get; } = new bool[256];

    public bool[] Tmr { get; } = new bool[256];

    public bool Accept(ApicMessage message)
    {
        var matches = message.IsLogical
            ? (message.Destination & (1u << id)) != 0
            : message.Destination == id || message.Destination == 0xFF;
        if (!matches || !Enabled)
            return false;
        Tmr[message.Vector] = message.IsLevel;
        Irr[message.Vector] = true;
        return true;
    }

    public bool TryDispense(out byte vector)
    {
        var highest = Array.LastIndexOf(Irr, true);
        vector = (byte)Math.Max(highest, 0);
        if (highest < 0 || Array.LastIndexOf(Isr, true) >> 4 >= highest >> 4)
            return false;
        Irr[vector] = false;
        Isr[vector] = true;
        return true;
    }

    public byte EndHighest()
    {
        var vector = (byte)Array.LastIndexOf(Isr, true);
        Isr[vector] = false;
        return vector;
    }
}
