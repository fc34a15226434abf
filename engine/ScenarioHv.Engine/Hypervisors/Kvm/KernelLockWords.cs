using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Virtualization;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>A failed <see cref="SafetyProperty.Lock"/> in words.</summary>
public static class KernelLockWords
{
    /// <summary>Who waits for whom, or which two locks were taken in both orders.</summary>
    /// <param name="board">The wiring.</param>
    /// <param name="machine">The machine at the step at which it failed.</param>
    /// <param name="violation">The failure.</param>
    public static string Describe(Board board, Machine machine, in Violation violation)
    {
        var first = violation.Vcpu;
        var locks = machine.Span(board.Locks);
        if (violation.Vector != 0)
        {
            return $"{Thread(board, first)} waits for {Name(board, (KernelLock)violation.Detail)} while it holds "
                + $"{Name(board, (KernelLock)violation.Vector)}; the other order has been used too, "
                + "so that two threads can wait for each other";
        }

        var text = "";
        var thread = (int)first;
        var seen = 0;
        do
        {
            seen |= 1 << thread;
            var next = Next(locks, thread, first, seen);
            text += (text.Length == 0 ? "" : "; ") + $"{Thread(board, thread)} {Waits(board, locks[thread].Awaited)} "
                + Holds(board, machine, next, locks[thread].Awaited);
            thread = next;
        }
        while (thread != first && (seen >> thread & 1) == 0);
        return text + (seen == 1 << first ? ": it can never go on" : ": none of them can ever go on");
    }

    /// <summary>The one of those that a thread waits for which leads back to the first.</summary>
    private static int Next(ReadOnlySpan<ThreadLocks> locks, int thread, int first, int seen)
    {
        var awaited = locks[thread].AwaitedThreads;
        if ((awaited >> first & 1) != 0)
        {
            return first;
        }

        for (var i = 0; i < locks.Length; i++)
        {
            if ((awaited >> i & 1) != 0 && (seen >> i & 1) == 0 && locks[i].Awaited != KernelLock.None)
            {
                return i;
            }
        }

        return first;
    }

    private static string Waits(Board board, KernelLock awaited) => awaited == KernelLock.Srcu
        ? "waits in synchronize_srcu for the SRCU read lock that"
        : $"waits for {Name(board, awaited)}, which";

    private static string Holds(Board board, Machine machine, int thread, KernelLock awaited)
    {
        var since = awaited != KernelLock.Srcu ? "" : machine.Ref(board.Locks, thread).SrcuReason switch
        {
            SrcuReason.Exit => " since " + Exit((ExitCause)machine.Ref(board.Exits, thread).Cause),
            SrcuReason.SetMsrs => " since it entered KVM_SET_MSRS",
            _ => " since it entered KVM_RUN",
        };
        return $"{Thread(board, thread)} holds{since}";
    }

    private static string Exit(ExitCause cause) => cause switch
    {
        ExitCause.MsrRead or ExitCause.MsrWrite => "its MSR exit",
        ExitCause.InterruptWindow => "its exit for the interrupt window",
        _ => "its last exit",
    };

    private static string Thread(Board board, int thread) =>
        thread < board.Config.Vcpus ? $"vcpu{thread}" : thread == board.Config.Vcpus ? "io" : "kworker";

    private static string Name(Board board, KernelLock kind) => kind switch
    {
        KernelLock.Srcu => "kvm->srcu",
        KernelLock.SlotsLock => "kvm->slots_lock",
        KernelLock.ApicvUpdateLock => "kvm->arch.apicv_update_lock",
        KernelLock.KvmLock => "kvm->lock",
        KernelLock.IoApic => board.IsKvm ? "ioapic->lock" : "VIOAPIC_LOCK",
        KernelLock.Monitor => "QEMU's big lock",
        _ => "guest mode",
    };
}
