using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>
/// A vCPU's thread: the monitor's loop around KVM_RUN, and in it KVM's own loop, in the steps at which another CPU could observe or change
/// something (x86.c:vcpu_run, vcpu_enter_guest). The way in is the plan <see cref="KvmPolicies.Enter"/>; its default and all else is the
/// order of Linux 4.19 to 5.1.
/// </summary>
internal static class VcpuLoop
{
    /// <summary>The monitor's thread: KVM_RUN for ever.</summary>
    public static async HostTask Thread(VcpuThread vcpu)
    {
        while (true)
        {
            await vcpu.Point(At.KvmRun, TimingCost.ToKernel);
            KvmAvic.Load(vcpu);
            KernelLocks.ReadSrcu(vcpu.Thread, SrcuReason.Run);
            await Run(vcpu);
            KernelLocks.LeaveSrcu(vcpu.Thread);
            KvmAvic.Put(vcpu);
            await vcpu.Point(At.UserspaceExit, TimingCost.ToUserspace);
            await Userspace.HandleExit(vcpu);
        }
    }

    /// <summary>KVM_RUN, until something needs userspace (vcpu_run).</summary>
    private static async HostTask Run(VcpuThread vcpu)
    {
        Userspace.CompleteIo(vcpu);
        while (vcpu.Kvm.UserExit == UserExit.None)
        {
            await KvmTimer.InjectPending(vcpu);
            if (vcpu.HasSignal)
            {
                Interrupted(vcpu);
                return;
            }

            if (NmiMasking.TellUserspace(vcpu))
            {
                return;
            }

            if (vcpu.IsPreempted)
            {
                KernelLocks.LeaveSrcu(vcpu.Thread);
                await HostScheduler.SwitchOut(vcpu);
                KernelLocks.ReadSrcu(vcpu.Thread, SrcuReason.Run);
                continue;
            }

            if (vcpu.Kvm.Halted != 0)
            {
                KernelLocks.LeaveSrcu(vcpu.Thread);
                await Block(vcpu);
                KernelLocks.ReadSrcu(vcpu.Thread, SrcuReason.Run);
                continue;
            }

            if (vcpu.IsL2)
            {
                await NestedEvents.Check(vcpu);
            }

            await EnterGuest(vcpu);
        }
    }

    /// <summary>One pass into the guest and back (vcpu_enter_guest).</summary>
    private static async HostTask EnterGuest(VcpuThread vcpu)
    {
        vcpu.Kvm.ImmediateExit = 0;
        for (var i = 0; i < VcpuThread.Policies.Enter.Count; i++)
        {
            if (VcpuThread.Policies.Enter[i] == EnterStep.CheckRequests && !IsMerged(vcpu, i - 1, TimingCost.LoopPoint))
            {
                await vcpu.Point(At.RequestCheck, TimingCost.LoopPoint);
            }

            if (VcpuThread.Policies.Enter.Takes(i, vcpu.Index) && !await TakeStep(vcpu, i))
            {
                return;
            }
        }

        LeaveSrcu(vcpu);
        KvmVapic.OfferNoEoi(vcpu);
        EmitEntry(vcpu);
        ImmediateExits.Arm(vcpu);
        await vcpu.Point(At.ExitArmed, TimingCost.LoopPoint);
        NmiMasking.Entering(vcpu);
        var cause = await vcpu.EnterHardware();
        LeaveGuest(vcpu);
        await vcpu.Point(At.ExitSeen, TimingCost.ExitHandler);
        await ExitHandlers.Handle(vcpu, cause);
    }

    private static async HostTask FollowInhibits(VcpuThread vcpu)
    {
        if (vcpu.TakeRequest(KvmRequests.ApicvInhibit))
        {
            await KvmHyperv.UpdateByRequest(vcpu);
        }

        if (vcpu.TakeRequest(KvmRequests.ApicvUpdate))
        {
            await KvmApicv.Update(vcpu);
        }
    }

    /// <summary>One micro-step on the way in.</summary>
    /// <returns>False if the pass ends here.</returns>
    private static async HostTask<bool> TakeStep(VcpuThread vcpu, int index)
    {
        var step = VcpuThread.Policies.Enter[index];
        switch (step)
        {
            case EnterStep.CheckRequests:
                await FollowInhibits(vcpu);
                return !await Requests.Handle(vcpu);
            case EnterStep.InjectEvents:
                if (EventInjection.IsDue(vcpu) && await EventInjection.InjectPending(vcpu, IsMerged(vcpu, index - 1)))
                {
                    vcpu.Kvm.ImmediateExit = 1;
                }

                return true;
            case EnterStep.DisableInterrupts:
                if (!IsMerged(vcpu, index, TimingCost.LoopPoint))
                {
                    await vcpu.Point(At.InterruptsOff, TimingCost.LoopPoint);
                }

                return true;
            case EnterStep.PublishMode:
            case EnterStep.PublishModePlain:
                PublishMode(vcpu, isPlain: step == EnterStep.PublishModePlain);
                if (!IsMerged(vcpu, index, TimingCost.LoopPoint))
                {
                    await vcpu.Point(At.ModePublished, TimingCost.LoopPoint);
                }

                return true;
            case EnterStep.SyncApic:
                await SyncApic(vcpu, index);
                return true;
            default:
                return !IsAbandoned(vcpu, keepsInjection: step == EnterStep.Recheck);
        }
    }

    /// <summary>
    /// Interrupts go off, and the mode is published, with a full barrier if a policy does not leave that out. An interrupt of the host that
    /// arrived before was taken by the host.
    /// </summary>
    private static void PublishMode(VcpuThread vcpu, bool isPlain)
    {
        ref var state = ref vcpu.State;
        if (state.HostInterruptAt.Cycle <= VcpuThread.Context.Machine.Now)
        {
            state.HostInterruptAt = Instant.Never;
            state.HostInterrupts = HostInterrupts.None;
        }

        if (isPlain)
        {
            vcpu.StoreMode(VcpuMode.InGuest);
        }
        else
        {
            vcpu.Mode = VcpuMode.InGuest;
        }

        LeaveSrcu(vcpu);
    }

    /// <summary>KVM_RUN returns because a signal is pending.</summary>
    private static void Interrupted(VcpuThread vcpu)
    {
        const int Eintr = -4;
        vcpu.Kvm.UserExit = UserExit.Interrupted;
        VcpuThread.Emit(TraceEventKind.KvmUserspaceExit, (ulong)UserExit.Interrupted, unchecked((ulong)Eintr));
    }

    /// <summary>PIR and RVI are looked at (sync_pir_to_irr).</summary>
    private static async HostTask SyncApic(VcpuThread vcpu, int index)
    {
        if (HostThread.Board.PostedInterrupts.Count > 0)
        {
            await PostedSync.AtEntry(vcpu);
            if (!IsMerged(vcpu, index))
            {
                await vcpu.Thread.Point(At.RviWritten);
            }
        }
    }

    /// <summary>Whether nobody may act behind a step of the way in.</summary>
    private static bool IsMerged(VcpuThread vcpu, int index) => index >= 0 && VcpuThread.Policies.Enter.Merges(index, vcpu.Index);

    /// <summary>The same where a point would take time, which is then spent at the next one.</summary>
    private static bool IsMerged(VcpuThread vcpu, int index, TimingCost cost)
    {
        if (!IsMerged(vcpu, index))
        {
            return false;
        }

        HostThread.PassOver(cost);
        return true;
    }

    /// <summary>No reader of SRCU goes into the guest, whether the way in has published the mode or not.</summary>
    private static void LeaveSrcu(VcpuThread vcpu)
    {
        if (KernelLocks.ReadsSrcu(vcpu.Thread))
        {
            KernelLocks.LeaveSrcu(vcpu.Thread);
        }
    }

    /// <summary>Whether something was requested since the pass began, or somebody has kicked the vCPU.</summary>
    private static bool IsAbandoned(VcpuThread vcpu, bool keepsInjection)
    {
        if (!vcpu.HasRequests && vcpu.Mode != VcpuMode.Exiting && !vcpu.HasSignal && !vcpu.IsPreempted)
        {
            return false;
        }

        if (keepsInjection)
        {
            EventInjection.Cancel(vcpu);
        }

        if (vcpu.Mode != VcpuMode.Outside)
        {
            vcpu.Mode = VcpuMode.Outside;
            KernelLocks.LeftGuestMode(vcpu.Thread);
            KernelLocks.ReadSrcu(vcpu.Thread, SrcuReason.Run);
        }

        return true;
    }

    private static void EmitEntry(VcpuThread vcpu)
    {
        var machine = VcpuThread.Context.Machine;
        var processor = VcpuThread.Processor;
        VcpuThread.Emit(
            TraceEventKind.KvmEntry,
            processor.Rip(machine, vcpu.Index, vcpu.State.Level),
            processor.InjectionOf(machine, vcpu.Index),
            d: vcpu.Kvm.ImmediateExit);
        if (vcpu.IsL2)
        {
            ref var statistics = ref machine.Ref(VcpuThread.Context.Board.Statistics);
            statistics.L2Entries++;
            statistics.L2RetiredAtEntry = statistics.L2Retired;
        }
    }

    /// <summary>The processor has come back: the entry is no longer owed, and what was injected has been delivered or was cut.</summary>
    private static void LeaveGuest(VcpuThread vcpu)
    {
        vcpu.Mode = VcpuMode.Outside;
        vcpu.Kvm.NestedRunPending = 0;
        KernelLocks.LeftGuestMode(vcpu.Thread);
        KernelLocks.ReadSrcu(vcpu.Thread, SrcuReason.Exit);
        NmiMasking.Left(vcpu);
        ExitFolding.Fold(vcpu);
        KvmVapic.TakeBack(vcpu);
    }

    /// <summary>The guest is halted: the thread sleeps until an event could end that (kvm_vcpu_block).</summary>
    private static async HostTask Block(VcpuThread vcpu)
    {
        await PostedSync.AtQuery(vcpu);

        // IsRunning goes first, then the requests are looked at: a sender that comes later finds it clear and wakes this thread.
        KvmAvic.Put(vcpu);
        if (!EventInjection.CouldRun(vcpu) && !vcpu.HasSignal && vcpu.Kvm.TimerPending == 0 && !PostedSync.IsBehind(vcpu))
        {
            await vcpu.Thread.Sleep();
            await HostScheduler.AwaitCpu(vcpu);
            return;
        }

        KvmAvic.Load(vcpu);
        if (EventInjection.CouldRun(vcpu))
        {
            vcpu.Kvm.Halted = 0;
            vcpu.Request(KvmRequests.Event);
        }
    }
}
