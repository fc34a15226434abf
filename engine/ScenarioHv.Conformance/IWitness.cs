namespace ScenarioHv.Conformance;

/// <summary>Interrupt controllers that operations are executed on, from power-on: the model, a kernel's, a monitor's.</summary>
public interface IWitness : IDisposable
{
    /// <summary>Executes an operation.</summary>
    /// <param name="op">The operation; its CPU is one of the machine's.</param>
    /// <returns>What can be seen of it, in the form of the recordings; empty if nothing.</returns>
    /// <exception cref="NotSupportedException">It leads to something that this witness cannot show; the message says what.</exception>
    /// <exception cref="WitnessException">The witness failed: it hung, or its process or device went away.</exception>
    string Execute(RecordedOp op);
}

/// <summary>Makes witnesses of one kind, one for each list of operations.</summary>
public interface IWitnessSource : IDisposable
{
    /// <summary>What it is, with its version: <c>KVM of Linux 6.18</c>.</summary>
    string Name { get; }

    /// <summary>The preset that the model is to be held against it with.</summary>
    ConformancePreset Preset { get; }

    /// <summary>A witness after power-on. The one before it is disposed of by then.</summary>
    /// <param name="cpus">The number of CPUs, 1..<see cref="Recording.MaxCpus"/>.</param>
    /// <param name="hasX2Apic">CPUID offers x2APIC mode.</param>
    /// <exception cref="WitnessException">The witness failed.</exception>
    IWitness PowerOn(int cpus, bool hasX2Apic);
}

/// <summary>This machine has no such witness. The message says what is missing.</summary>
/// <param name="message">What the user sees.</param>
public sealed class WitnessUnavailableException(string message) : Exception(message);

/// <summary>A witness failed while it was at work. The message says how.</summary>
/// <param name="message">What the user sees.</param>
/// <param name="inner">What was found.</param>
public sealed class WitnessException(string message, Exception? inner = null) : Exception(message, inner);
