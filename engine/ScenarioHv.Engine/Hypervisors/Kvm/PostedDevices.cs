using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Properties;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>
/// Messages of assigned devices that the IOMMU posts: the remapping entry names a vCPU's descriptor and a vector, and KVM has no part in it
/// (VT-d 5.2.3; posted_intr.c:vmx_pi_update_irte). Entries are as KVM has written them for the drivers' messages. Not modelled:
/// URG, which KVM does not use; entries that KVM writes anew; a local APIC that would not have accepted the message.
/// </summary>
internal static class PostedDevices
{
    /// <summary>A message arrives at the IOMMU: PIR bit, the look at SN, and ON are one atomic operation.</summary>
    public static void Post(StepContext context, in ApicMessage message)
    {
        var vcpu = (int)message.Destination;
        ref var posted = ref context.Machine.Ref(context.Board.PostedInterrupts, vcpu);
        SafetyChecks.Accepted(context, vcpu, message.Vector);
        posted.TestAndSet(message.Vector);
        if (posted.Sn == 0 && !posted.TestAndSetOn())
        {
            HostThread.Kvm.NotifyByHardware(context, vcpu);
        }
    }
}
