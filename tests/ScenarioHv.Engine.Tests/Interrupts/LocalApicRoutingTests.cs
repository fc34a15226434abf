using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>Which of several local APICs take a message (SDM3 10.6.2; the rules of KVM, QEMU, OpenVMM and Xen).</summary>
public class LocalApicRoutingTests
{
    private const ApicMessageFlags Logical = ApicMessageFlags.Logical;

    private static readonly LocalApicPolicies Hash = LocalApicPolicies.Kvm;
    private static readonly LocalApicPolicies Counters = LocalApicPolicies.Kvm with { LowestPriority = LowestPriorityPolicy.Counters };

    // Four APICs with IDs 0..3 in the flat model, LDR one bit each; destination 0Fh. KVM: candidate number vector mod 4.
    [TestCase(LowestPriorityPolicy.VectorHash, 0x40, 0)]
    [TestCase(LowestPriorityPolicy.VectorHash, 0x41, 1)]
    [TestCase(LowestPriorityPolicy.VectorHash, 0x43, 3)]
    [TestCase(LowestPriorityPolicy.Counters, 0x43, 0)]
    [TestCase(LowestPriorityPolicy.LowestIndex, 0x43, 0)]
    [TestCase(LowestPriorityPolicy.FirstEnabledById, 0x43, 0)]
    [TestCase(LowestPriorityPolicy.LowestTaskPriority, 0x43, 2)]
    [TestCase(LowestPriorityPolicy.LowestPprRoundRobin, 0x43, 2)]
    [TestCase(LowestPriorityPolicy.FocusThenApr, 0x43, 2)]
    public void One_of_the_addressed_takes_a_lowest_priority_message(LowestPriorityPolicy rule, int vector, int target)
    {
        LocalApic[] apics = FlatSet(4);
        int[] tprs = [0x50, 0x40, 0x20, 0x30];
        for (int i = 0; i < 4; i++)
            Write(ref apics[i], LocalApicRegister.Tpr, (uint)tprs[i]);
        Assert.That(Route(apics, Lowest(0x0F, vector), new LocalApicPolicies { LowestPriority = rule }), Is.EqualTo(new[] { target }));
    }

    // Recording lowest-priority-absent-member: MSI to 03h with one APIC, 5Fh is lost and 60h arrives.
    [TestCase(0x5F, new int[0])]
    [TestCase(0x60, new[] { 0 })]
    public void KVMs_vector_hashing_counts_an_absent_member(int vector, int[] targets)
    {
        LocalApic[] apics = FlatSet(1);
        Assert.That(Route(apics, Lowest(3, vector), Hash), Is.EqualTo(targets));
    }

    // The fast path needs one model for all; with a mixed one the slow path hashes over those that are there and enabled.
    [TestCase(0x5F, 1)]
    [TestCase(0x60, 0)]
    public void KVMs_slow_path_hashes_over_the_present(int vector, int target)
    {
        LocalApic[] apics = FlatSet(3);
        Write(ref apics[1], LocalApicRegister.Ldr, 0x0300_0000);
        Write(ref apics[2], LocalApicRegister.Dfr, 0x0FFF_FFFF);
        Assert.That(Route(apics, Lowest(3, vector), Hash), Is.EqualTo(new[] { target }));
    }

    [Test]
    public void KVMs_logical_map_finds_software_enabled_APICs_only()
    {
        LocalApic[] apics = FlatSet(2);
        Write(ref apics[1], LocalApicRegister.Svr, 0xFF);
        var nmi = new ApicMessage { Destination = 3, Mode = DeliveryMode.Nmi, Flags = Logical };
        Assert.That(Route(apics, nmi, Hash), Is.EqualTo(new[] { 0 }));
        Assert.That(Route(apics, nmi, LocalApicPolicies.Architectural), Is.EqualTo(new[] { 0, 1 }));
    }

    [Test]
    public void KVMs_counters_share_out_and_start_anew_at_reset()
    {
        LocalApic[] apics = FlatSet(3);
        ArbitrationMemory memory = default;
        int[] winners = [.. Enumerable.Range(0, 4).Select(_ => Route(apics, Lowest(7, 0x41), Counters, ref memory)[0])];
        Assert.That(winners, Is.EqualTo(new[] { 0, 1, 2, 0 }));
        memory.Reset(0);
        Assert.That(Route(apics, Lowest(7, 0x41), Counters, ref memory), Is.EqualTo(new[] { 0 }));
    }

    [Test]
    public void KVMs_counters_pass_over_an_absent_member()
    {
        LocalApic[] apics = FlatSet(2);
        Assert.That(Route(apics, Lowest(0x0E, 0x41), Counters), Is.EqualTo(new[] { 1 }));
    }

    [Test]
    public void Xen_looks_from_after_the_last_winner()
    {
        LocalApic[] apics = FlatSet(3);
        ArbitrationMemory memory = default;
        int[] winners = [.. Enumerable.Range(0, 4).Select(_ => Route(apics, Lowest(7, 0x41), LocalApicPolicies.Xen, ref memory)[0])];
        Assert.That(winners, Is.EqualTo(new[] { 1, 2, 0, 1 }));
    }

    [Test]
    public void Xen_takes_the_lowest_PPR_not_the_lowest_TPR()
    {
        LocalApic[] apics = FlatSet(2);
        Write(ref apics[0], LocalApicRegister.Tpr, 0x20);
        apics[1].Accept(new ApicMessage { Vector = 0x61 });
        apics[1].Acknowledge();
        Assert.That(Route(apics, Lowest(3, 0x41), LocalApicPolicies.Xen), Is.EqualTo(new[] { 0 }));
        Assert.That(Route(apics, Lowest(3, 0x41), default), Is.EqualTo(new[] { 1 }));
    }

    [Test]
    public void On_the_P6_the_focus_processor_wins_whatever_its_priority()
    {
        var policies = new LocalApicPolicies { LowestPriority = LowestPriorityPolicy.FocusThenApr };
        LocalApic[] apics = FlatSet(2);
        Write(ref apics[1], LocalApicRegister.Tpr, 0xF0);
        apics[1].Accept(new ApicMessage { Vector = 0x41 });
        Assert.That(Route(apics, Lowest(3, 0x41), policies), Is.EqualTo(new[] { 1 }));
        Assert.That(Route(apics, Lowest(3, 0x42), policies), Is.EqualTo(new[] { 0 }));
        Write(ref apics[1], LocalApicRegister.Svr, 0x3FF);
        Assert.That(Route(apics, Lowest(3, 0x41), policies), Is.EqualTo(new[] { 0 }));
    }

    // SDM3 10.6.2.4. TPR, vector in service or 0, vector in IRR or 0.
    [TestCase(0x35, 0, 0, 0x35)]
    [TestCase(0x35, 0x21, 0x31, 0x35)]
    [TestCase(0x35, 0x31, 0, 0x30)]
    [TestCase(0x35, 0x61, 0x41, 0x40)]
    [TestCase(0x75, 0xA1, 0x11, 0x20)]
    [TestCase(0x20, 0, 0x55, 0x50)]
    public void The_APR_of_the_P6(int tpr, int inService, int pending, int apr)
    {
        LocalApic[] apics = FlatSet(1);
        if (inService != 0)
        {
            apics[0].Accept(new ApicMessage { Vector = (byte)inService });
            apics[0].Acknowledge();
        }
        if (pending != 0)
            apics[0].Accept(new ApicMessage { Vector = (byte)pending });
        Write(ref apics[0], LocalApicRegister.Tpr, (uint)tpr);
        Assert.That(DestinationRouting.ArbitrationPriority(apics[0]), Is.EqualTo(apr));
    }

    [TestCase(LowestPriorityPolicy.LowestIndex, 0)]
    [TestCase(LowestPriorityPolicy.FirstEnabledById, 2)]
    [TestCase(LowestPriorityPolicy.LowestTaskPriority, 1)]
    public void Software_disabled_and_reordered_APICs(LowestPriorityPolicy rule, int target)
    {
        LocalApic[] apics = FlatSet(3);
        Write(ref apics[0], LocalApicRegister.Svr, 0xFF);
        Write(ref apics[1], LocalApicRegister.Id, 0x0900_0000);
        Assert.That(Route(apics, Lowest(7, 0x41), new LocalApicPolicies { LowestPriority = rule }), Is.EqualTo(new[] { target }));
    }

    [Test]
    public void A_lowest_priority_message_to_disabled_APICs_alone_goes_nowhere(
        [Values(LowestPriorityPolicy.VectorHash, LowestPriorityPolicy.LowestTaskPriority)] LowestPriorityPolicy rule)
    {
        LocalApic[] apics = FlatSet(1);
        Write(ref apics[0], LocalApicRegister.Svr, 0xFF);
        Assert.That(Route(apics, Lowest(1, 0x41), new LocalApicPolicies { LowestPriority = rule }), Is.Empty);
    }

    // KVM irq_comm.c: "phys broadcast and lowest prio" becomes a fixed broadcast; the others pick one.
    [Test]
    public void KVM_makes_a_physical_lowest_priority_broadcast_fixed()
    {
        LocalApic[] apics = FlatSet(3);
        ArbitrationMemory memory = default;
        Span<int> targets = stackalloc int[3];
        ApicMessage message = Lowest(0xFF, 0x41) with { Flags = ApicMessageFlags.None };
        RouteResult result = DestinationRouting.Targets(apics, message, MessageSource.Device, Hash, ref memory, targets);
        Assert.That(result.Count, Is.EqualTo(3));
        Assert.That(result.Message.Mode, Is.EqualTo(DeliveryMode.Fixed));
        Assert.That(Route(apics, message, LocalApicPolicies.Qemu), Has.Length.EqualTo(1));
    }

    [TestCase(LowestPriorityPolicy.VectorHash, 1)]
    [TestCase(LowestPriorityPolicy.Counters, 1)]
    [TestCase(LowestPriorityPolicy.LowestTaskPriority, 1)]
    [TestCase(LowestPriorityPolicy.LowestIndex, 2)]
    [TestCase(LowestPriorityPolicy.FirstEnabledById, 2)]
    [TestCase(LowestPriorityPolicy.LowestPprRoundRobin, 2)]
    public void The_redirection_hint_of_a_fixed_MSI(LowestPriorityPolicy rule, int count)
    {
        ApicMessage message = Lowest(3, 0x41) with { Mode = DeliveryMode.Fixed, Flags = Logical | ApicMessageFlags.RedirectionHint };
        Assert.That(Route(FlatSet(2), message, new LocalApicPolicies { LowestPriority = rule }), Has.Length.EqualTo(count));
    }

    [TestCase(IpiShorthand.None, new[] { 2 })]
    [TestCase(IpiShorthand.Self, new[] { 1 })]
    [TestCase(IpiShorthand.All, new[] { 0, 1, 2 })]
    [TestCase(IpiShorthand.AllExcludingSelf, new[] { 0, 2 })]
    public void The_shorthand_of_CPU_1s_IPI_to_ID_2(IpiShorthand shorthand, int[] expected)
    {
        LocalApic[] apics = FlatSet(3);
        ArbitrationMemory memory = default;
        Span<int> targets = stackalloc int[3];
        var ipi = new IpiRequest(new ApicMessage { Destination = 2, Vector = 0x41 }, shorthand);
        foreach (LocalApicPolicies policies in new[] { Hash, LocalApicPolicies.Architectural })
        {
            RouteResult result = DestinationRouting.Targets(apics, ipi, 1, policies, ref memory, targets);
            Assert.That(targets[..result.Count].ToArray(), Is.EqualTo(expected));
        }
    }

    // KUT apic.c test_aliased_xapic_physical_ipi (row 17): both APICs have ID 0.
    [Test]
    public void Aliased_IDs_both_take_it([Values] bool kvm)
    {
        LocalApic[] apics = FlatSet(2);
        Write(ref apics[1], LocalApicRegister.Id, 0);
        Assert.That(Route(apics, new ApicMessage { Vector = 0x41 }, kvm ? Hash : default), Is.EqualTo(new[] { 0, 1 }));
    }

    // An absent physical destination is 0 in KVM's map, and −1 where every APIC was asked.
    [Test]
    public void Nobody_matched_is_known_only_where_all_were_compared()
    {
        LocalApic[] apics = FlatSet(2);
        ArbitrationMemory memory = default;
        Span<int> targets = stackalloc int[2];
        var message = new ApicMessage { Destination = 9, Vector = 0x41 };
        Assert.That(DestinationRouting.Targets(apics, message, MessageSource.Device, Hash, ref memory, targets).NoneMatched, Is.False);
        Assert.That(DestinationRouting.Targets(apics, message, MessageSource.Device, default, ref memory, targets).NoneMatched, Is.True);
    }

    // x2APIC: cluster 1 holds IDs 10h, 12h; KVM hashes over the bits of the destination, 11h is absent.
    [TestCase(DeliveryMode.Fixed, 0x40, new[] { 0, 1 })]
    [TestCase(DeliveryMode.LowestPriority, 0x42, new[] { 0 })]
    [TestCase(DeliveryMode.LowestPriority, 0x40, new int[0])]
    [TestCase(DeliveryMode.LowestPriority, 0x41, new[] { 1 })]
    public void KVMs_map_in_x2APIC_mode(DeliveryMode mode, int vector, int[] targets)
    {
        LocalApic[] apics = [LocalApicModeBench.X2(id: 0x10).Apic, LocalApicModeBench.X2(id: 0x12).Apic];
        var message = new ApicMessage { Destination = 0x0001_0007, Vector = (byte)vector, Mode = mode, Flags = Logical };
        Assert.That(Route(apics, message, Hash), Is.EqualTo(targets));
    }

    [TestCase(DeviceBroadcastPolicy.Rewritten, 2)]
    [TestCase(DeviceBroadcastPolicy.PlainId, 1)]
    public void FF_from_a_device_to_a_set_in_both_modes(DeviceBroadcastPolicy policy, int count)
    {
        LocalApicPolicies policies = Hash with { DeviceBroadcast = policy };
        LocalApic[] apics = [LocalApicModeBench.X1(policies, id: 0).Apic, LocalApicModeBench.X2(policies, id: 1).Apic];
        Write(ref apics[0], LocalApicRegister.Ldr, 0x0100_0000);
        Assert.That(Route(apics, new ApicMessage { Destination = 0xFF, Vector = 0x41 }, policies), Has.Length.EqualTo(count));
    }

    [Test]
    public void There_are_32_APICs_at_most()
    {
        Assert.That(() => Route(new LocalApic[33], default, default), Throws.ArgumentException);
        Assert.That(() => Route([], default, default), Throws.ArgumentException);
    }

    private static ApicMessage Lowest(uint destination, int vector) =>
        new() { Destination = destination, Vector = (byte)vector, Mode = DeliveryMode.LowestPriority, Flags = Logical };

    private static LocalApic[] FlatSet(int count)
    {
        var apics = new LocalApic[count];
        for (int i = 0; i < count; i++)
        {
            LocalApicModeBench bench = LocalApicModeBench.X1(id: (uint)i);
            bench.Write(LocalApicRegister.Ldr, 1u << (24 + i));
            apics[i] = bench.Apic;
        }
        return apics;
    }

    private static void Write(ref LocalApic apic, int offset, uint value) =>
        apic.Write(offset, value, new ScenarioHv.Engine.Time.Instant(0), new LocalApicTimerClock(1000, 1000));

    private static int[] Route(LocalApic[] apics, in ApicMessage message, LocalApicPolicies policies)
    {
        ArbitrationMemory memory = default;
        return Route(apics, message, policies, ref memory);
    }

    private static int[] Route(LocalApic[] apics, in ApicMessage message, LocalApicPolicies policies, ref ArbitrationMemory memory)
    {
        var targets = new int[apics.Length];
        RouteResult result = DestinationRouting.Targets(apics, message, MessageSource.Device, policies, ref memory, targets);
        return targets[..result.Count];
    }
}
