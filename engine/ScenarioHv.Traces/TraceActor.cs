using static System.FormattableString;

namespace ScenarioHv.Traces;

/// <summary>Who a line of a trace belongs to: the thread that was current when the event was written.</summary>
/// <param name="Comm">The thread's name; the kernel keeps 15 bytes of it.</param>
/// <param name="Cpu">The host CPU it runs on, 0 or more. The laboratory's threads do not migrate.</param>
public readonly record struct TraceActor(string Comm, int Cpu)
{
    /// <summary>QEMU's thread of a vCPU, named with debug-threads: "CPU 0/KVM".</summary>
    public static TraceActor VcpuThread(int vcpu, int cpu) => new(Invariant($"CPU {vcpu}/KVM"), cpu);
}
