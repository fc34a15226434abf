using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Virtualization.Vmx;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>
/// PIR into IRR, and IRR's highest vector into RVI, by the vCPU's own thread (vmx.c:vmx_sync_pir_to_irr), in the order of the policy
/// <c>sync-posted</c>. Each atomic operation on the descriptor is a step. A machine without posted interrupts has nothing to bring.
/// </summary>
internal static class PostedSync
{
    /// <summary>On the way into the guest, after the mode was published.</summary>
    public static async HostTask AtEntry(VcpuThread vcpu)
    {
        vcpu.Kvm.NotificationFlag = 0;
        if (HasDescriptor && IsOpen(vcpu))
        {
            await Walk(vcpu, writesRvi: true);
        }
    }

    /// <summary>
    /// Somebody asks whether the local APIC has an interrupt (kvm_apic_has_interrupt): looked at only while APICv is active, since posting
    /// goes to IRR otherwise.
    /// </summary>
    public static async HostTask AtQuery(VcpuThread vcpu)
    {
        if (HasDescriptor && vcpu.ApicvActive)
        {
            await Walk(vcpu, VcpuThread.Policies.SyncPosted.Gate != SyncGate.Never);
        }
    }

    /// <summary>
    /// Whether something was posted behind the last look: a thread on its way to sleep looks again after it has said that it sleeps
    /// (kvm_vcpu_check_block).
    /// </summary>
    public static bool IsBehind(VcpuThread vcpu) => HasDescriptor && vcpu.ApicvActive && Posted(vcpu).IsAnnounced;

    /// <summary>KVM_GET_LAPIC wants IRR to be complete.</summary>
    public static async HostTask AtSave(VcpuThread vcpu)
    {
        if (HasDescriptor)
        {
            await Walk(vcpu, writesRvi: true);
        }
    }

    /// <summary>KVM_SET_LAPIC forgets what was posted (vmx_apicv_post_state_restore, later vmx_apicv_pre_state_restore).</summary>
    public static void Purge(VcpuThread vcpu)
    {
        if (HasDescriptor)
        {
            Posted(vcpu).Purge();
        }
    }

    private static bool HasDescriptor => HostThread.Board.PostedInterrupts.Count > 0;

    private static bool IsOpen(VcpuThread vcpu) => VcpuThread.Policies.SyncPosted.Gate switch
    {
        SyncGate.Always => true,
        SyncGate.WhenApicvActive => vcpu.ApicvActive,
        SyncGate.UnlessOtherEvent => vcpu.ApicvActive && vcpu.Kvm.NmiInjected == 0,
        _ => false,
    };

    private static async HostTask Walk(VcpuThread vcpu, bool writesRvi)
    {
        var highest = vcpu.Apic.Irr.Highest;
        var looks = true;
        for (var step = 0; step < VcpuThread.Policies.SyncPosted.Steps.Count; step++)
        {
            switch (VcpuThread.Policies.SyncPosted.Steps[step])
            {
                case SyncStep.ClearOn or SyncStep.Harvest when !looks:
                case var _ when !VcpuThread.Policies.SyncPosted.Steps.Takes(step, vcpu.Index):
                    break;
                case SyncStep.TestOn:
                    looks = Posted(vcpu).On != 0;
                    break;
                case SyncStep.ClearOn:
                    Posted(vcpu).On = 0;
                    if (!VcpuThread.Policies.SyncPosted.Steps.Merges(step, vcpu.Index))
                    {
                        await vcpu.Thread.Point(At.OnCleared);
                    }

                    break;
                case SyncStep.Harvest:
                    await Harvest(vcpu, VcpuThread.Policies.SyncPosted.Steps.Merges(step, vcpu.Index));
                    break;
                default:
                    Conclude(vcpu, vcpu.Apic.Irr.Highest > highest, writesRvi);
                    break;
            }
        }
    }

    /// <summary>
    /// Words that are empty are read and passed over; a vector posted to one of them waits for its notification. If what follows is merged
    /// with this, nobody acts behind the last word, but between two words they do.
    /// </summary>
    private static async HostTask Harvest(VcpuThread vcpu, bool isMerged)
    {
        for (var word = 0; word < PostedInterrupts.WordCount; word++)
        {
            if (Posted(vcpu).Harvest(word, ref vcpu.Apic) >= 0 && !(isMerged && !Posted(vcpu).HasPosted))
            {
                await vcpu.Thread.Point(At.PirHarvested);
            }
        }
    }

    /// <summary>L1 with APICv is shown the highest vector; L2, and L1 without, need a look at the events if there is a new one.</summary>
    private static void Conclude(VcpuThread vcpu, bool isNew, bool writesRvi)
    {
        if (!vcpu.IsL2 && vcpu.ApicvActive)
        {
            if (writesRvi)
            {
                VcpuThread.Processor.SyncVirtualApic(VcpuThread.Context.Machine, vcpu.Index);
            }
        }
        else if (isNew)
        {
            vcpu.Request(KvmRequests.Event);
        }
    }

    private static ref PostedInterrupts Posted(VcpuThread vcpu) =>
        ref VcpuThread.Context.Machine.Ref(VcpuThread.Context.Board.PostedInterrupts, vcpu.Index);
}
