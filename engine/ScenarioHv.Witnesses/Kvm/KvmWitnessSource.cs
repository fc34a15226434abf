using ScenarioHv.Conformance;

namespace ScenarioHv.Witnesses;

/// <summary>Makes VMs on /dev/kvm.</summary>
public sealed class KvmWitnessSource : IWitnessSource
{
    /// <summary>The device of every Linux distribution.</summary>
    public const string DefaultDevice = "/dev/kvm";

    private readonly KvmSystem system;
    private readonly GuestMemory memory;
    private readonly RunTimer timer = new();
    private readonly KvmGraveyard graveyard = new();

    private KvmWitnessSource(KvmSystem system, GuestMemory memory)
    {
        this.system = system;
        this.memory = memory;
    }

    /// <inheritdoc/>
    public string Name => $"KVM of Linux {Environment.OSVersion.Version.ToString(3)}"
        + (EndsInterruptsAtInjection ? ", which ends interrupts at injection: the step from IRR to ISR is the witness's own" : "");

    /// <inheritdoc/>
    public ConformancePreset Preset => ConformancePreset.Kvm618;

    /// <summary>
    /// True if this KVM ends interrupts as it injects them, as the pvm backend does: the step from IRR to ISR is then the witness's own.
    /// </summary>
    public bool EndsInterruptsAtInjection { get; private set; }

    /// <summary>Opens KVM and sees whether a guest runs.</summary>
    /// <param name="device">The device.</param>
    /// <exception cref="WitnessUnavailableException">It cannot be used here; the message says what is missing.</exception>
    public static KvmWitnessSource Open(string device = DefaultDevice)
    {
        var system = new KvmSystem(device);
        KvmWitnessSource? source = null;
        try
        {
            source = new KvmWitnessSource(system, new GuestMemory());
            source.EndsInterruptsAtInjection = source.Probe();
            return source;
        }
        catch (WitnessException problem)
        {
            source?.Dispose();
            system.Dispose();
            throw new WitnessUnavailableException($"{device} runs no guest: {problem.Message}");
        }
    }

    /// <inheritdoc/>
    public IWitness PowerOn(int cpus, bool hasX2Apic)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(cpus, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(cpus, Recording.MaxCpus);
        return new KvmWitness(new KvmMachine(system, memory, cpus, hasX2Apic), timer, EndsInterruptsAtInjection, graveyard.Close);
    }

    /// <summary>Frees everything; VMs that are still being freed are waited for.</summary>
    public void Dispose()
    {
        graveyard.Dispose();
        timer.Dispose();
        memory.Dispose();
        system.Dispose();
    }

    // Takes one interrupt. In its handler the vector is in service, unless KVM has ended it already.
    private bool Probe()
    {
        const int Vector = 0x51;
        const string Enable = "mw 0 fee000f0 1ff";
        const string Interrupt = "msi fee00000 51";
        using var witness = new KvmWitness(new KvmMachine(system, memory, 1, false), timer, false, graveyard.Close);
        foreach (string op in (string[])[Enable, Interrupt, "pol 0 51 0"])
            witness.Execute(RecordedOp.Parse(op, 1));
        string taken = witness.Execute(RecordedOp.Parse("win 0", 1));
        if (taken != "51")
            throw new WitnessException($"an interrupt with vector {Vector:x2} showed '{taken}', expected '51'");
        return !witness.IsInService(0, Vector);
    }
}
