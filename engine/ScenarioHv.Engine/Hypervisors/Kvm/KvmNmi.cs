using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>
/// What KVM remembers of a vCPU's NMIs where the processor does not (struct vcpu_vmx: soft_vnmi_blocked, entry_time, vnmi_blocked_time;
/// struct vcpu_svm: nmi_masked, awaiting_iret_completion, nmi_iret_rip). Only machines whose policy needs it have it.
/// </summary>
public struct KvmNmi
{
    /// <summary>Cycles in the guest since NMIs were masked; kept just above one second once it is past that.</summary>
    public long BlockedTime;

    /// <summary>
    /// When the second will have passed if the guest goes on running (entry_time, as a deadline); never outside it, and never where nothing
    /// is measured.
    /// </summary>
    [Expires]
    public Instant Deadline;

    /// <summary>Address of the IRET that was intercepted; 0 if none is awaited.</summary>
    public ulong IretRip;

    /// <summary>1 from the injection of an NMI until the end of its handler is thought to be found.</summary>
    public byte Masked;

    /// <summary>1 while an intercepted IRET has not been executed yet.</summary>
    public byte AwaitingIret;

    /// <summary>1 while the monitor waits to be told that the guest can take an NMI (struct kvm_run: request_nmi_window).</summary>
    public byte WindowRequested;

    /// <summary>For the layout only: always 0.</summary>
    public byte Reserved0;

    /// <summary>For the layout only: always 0.</summary>
    public uint Reserved1;
}
