using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>Messages that KVM treats by a rule of its own.</summary>
public sealed class KvmMessageTests
{
    private static readonly LocalApicTimerClock Clock = new(1_000_000_000, 1_000_000_000);

    // irq_comm.c:kvm_irq_delivery_to_apic makes the mode fixed; lapic.h:kvm_lowest_prio_delivery still sees the hint.
    [TestCase(ApicMessageFlags.None, 2)]
    [TestCase(ApicMessageFlags.RedirectionHint, 1)]
    public void Physical_broadcast_with_lowest_priority_reaches_all_unless_it_has_the_redirection_hint(ApicMessageFlags flags, int count)
    {
        var message = new ApicMessage { Destination = 0xFF, Vector = 0x32, Mode = DeliveryMode.LowestPriority, Flags = flags };
        RouteResult result = Route(message, out int[] targets);
        Assert.Multiple(() =>
        {
            Assert.That(result.Count, Is.EqualTo(count));
            Assert.That(result.Message.Mode, Is.EqualTo(DeliveryMode.Fixed));
            Assert.That(targets[0], Is.Zero, "vector 32h is even: the first of two by hashing");
        });
    }

    private static RouteResult Route(in ApicMessage message, out int[] targets)
    {
        LocalApic[] apics = Apics(2);
        foreach (ref LocalApic apic in apics.AsSpan())
            apic.Write(LocalApicRegister.Svr, 0x1FF, default(Instant), Clock);
        targets = new int[2];
        ArbitrationMemory memory = default;
        return DestinationRouting.Targets(apics, message, MessageSource.Device, LocalApicPolicies.Kvm, ref memory, targets);
    }

    private static LocalApic[] Apics(int count)
    {
        var apics = new LocalApic[count];
        var options = new LocalApicOptions(LocalApicOptions.SixLvtVersion) { Policies = LocalApicPolicies.Kvm };
        for (int i = 0; i < count; i++)
            apics[i].Reset((uint)i, i == 0, options);
        return apics;
    }
}
