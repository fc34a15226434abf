using ScenarioHv.Engine.Hypervisors;

namespace ScenarioHv.Cli.Stories;

/// <summary>What a thread of the host has done when it stops at a named point.</summary>
internal static class PointWords
{
    /// <summary>The words, and whether they say little: such a step is folded into its neighbours if nothing else happens in it.</summary>
    public static (string Words, bool IsQuiet) Of(At label) => label switch
    {
        At.None => ("goes on", true),
        At.KvmRun => ("calls KVM_RUN", true),
        At.RequestCheck => ("looks at its requests", true),
        At.NestedCheck => ("looks for events for L1", true),
        At.ControlsSwitched => ("loads the control structure of the other level", false),
        At.Acknowledged => ("acknowledges the interrupt", false),
        At.InterruptsOff => ("turns the host's interrupts off", true),
        At.ModePublished => ("publishes vcpu->mode", true),
        At.ExitArmed => ("is ready to enter", true),
        At.ExitSeen => ("reads the exit reason", true),
        At.UserspaceExit => ("returns to the monitor", true),
        At.RemoteIrrCleared => ("serves the EOI at the I/O APIC", true),
        At.LineSampled => ("looks at the line", false),
        At.MessageSent => ("sends a message", false),
        At.DeviceAccessed => ("accesses the device", true),
        At.Sleeping => ("sleeps", false),
        At.PirSet => ("tests and sets the bit in PIR", false),
        At.OnSet => ("tests and sets ON", false),
        At.ModeRead => ("reads vcpu->mode", false),
        At.OnCleared => ("looks at ON", false),
        At.PirHarvested => ("harvests a word of PIR", false),
        At.RviWritten => ("writes RVI", true),
        At.Paused => ("is kept out of KVM_RUN by the monitor", false),
        At.LapicIoctl => ("calls an ioctl on its local APIC", false),
        At.LapicStepDone => ("goes on in that ioctl", true),
        At.DeadlineComputed => ("computes the deadline of the timer, from the TSC as read here (T1)", false),
        At.InhibitChanged => ("changes the mask of reasons against APICv", false),
        At.SrcuDropped => ("is no reader of kvm->srcu for the moment", false),
        At.LockAwaited => ("waits for a lock", false),
        At.MemslotChanged => ("changes the memory map of the local APIC's page", false),
        At.Preempted => ("has no CPU", false),
        At.SnCleared => ("clears SN", true),
        At.VmRun => ("calls VM_RUN", true),
        At.GifCleared => ("clears GIF", true),
        At.VectorChosen => ("asks the vLAPIC for a vector", true),
        At.VmcbProgrammed => ("has programmed the VMCB", true),
        At.GifSet => ("sets GIF", true),
        At.RequestSet => ("sets the request in IRR", false),
        At.PageMapped => ("maps the page", false),
        _ => throw new ArgumentOutOfRangeException(nameof(label), label, "This point has no words."),
    };
}
