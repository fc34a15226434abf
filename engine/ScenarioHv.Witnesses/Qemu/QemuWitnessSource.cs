using ScenarioHv.Conformance;

namespace ScenarioHv.Witnesses;

/// <summary>
/// The I/O APIC and the 8259 pair of the QEMU that is installed, driven through its test protocol. Local APICs and CPUs are the model's:
/// QEMU's local APIC answers only to a CPU that runs.
/// </summary>
/// <remarks>
/// It needs Linux, <c>qemu-system-x86_64</c> on PATH with TCG, and no privileges. One process serves all lists of operations: it is reset
/// in between, and replaced if a reset does not lead to the state after power-on.
/// Not shown: interrupt remapping, the delay of the 10000th re-injection (QEMU's clock stands still).
/// QEMU 8.1 and later honour LTIM (ICW1 bit 3), which the preset of 7.2 does not.
/// </remarks>
public sealed class QemuWitnessSource : IWitnessSource
{
    private const string Program = "qemu-system-x86_64";

    private readonly string executable;
    private QemuMachine? machine;

    /// <summary>Starts QEMU.</summary>
    /// <exception cref="WitnessUnavailableException">There is none, or it cannot be used.</exception>
    public QemuWitnessSource()
        : this(Environment.GetEnvironmentVariable("PATH") ?? "")
    {
    }

    /// <summary>Starts the QEMU of a search path.</summary>
    /// <param name="path">The folders, as PATH has them.</param>
    /// <exception cref="WitnessUnavailableException">There is none, or it cannot be used.</exception>
    internal QemuWitnessSource(string path)
    {
        if (!OperatingSystem.IsLinux())
            throw new WitnessUnavailableException("QEMU is driven through sockets and files that only Linux has");
        executable = Find(path)
            ?? throw new WitnessUnavailableException($"there is no {Program} on PATH");
        machine = new QemuMachine(executable);
        Name = $"QEMU {machine.Version} (I/O APIC and 8259 pair; local APICs and CPUs are the model's)";
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public ConformancePreset Preset => ConformancePreset.Qemu72;

    /// <inheritdoc/>
    public IWitness PowerOn(int cpus, bool hasX2Apic)
    {
        QemuMachine fresh = Renew();
        return new ConformanceMachine(Preset, cpus, hasX2Apic, deliver => new QemuChips(fresh, deliver));
    }

    /// <summary>Ends QEMU.</summary>
    public void Dispose()
    {
        machine?.Dispose();
        machine = null;
    }

    private static string? Find(string path) => path.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Select(folder => Path.Combine(folder, Program))
        .FirstOrDefault(File.Exists);

    // A process that fails, or is not as after power-on when it is reset, gives way to a new one.
    private QemuMachine Renew()
    {
        try
        {
            if (machine is not null && machine.Reset())
                return machine;
        }
        catch (WitnessException)
        {
            // The new one will show whether the cause lasts.
        }

        Dispose();
        try
        {
            return machine = new QemuMachine(executable);
        }
        catch (WitnessUnavailableException error)
        {
            throw new WitnessException(error.Message, error);
        }
    }
}
