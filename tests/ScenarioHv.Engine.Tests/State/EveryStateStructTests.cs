using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Tests.Guests;
using ScenarioHv.Engine.Tests.Machines;

namespace ScenarioHv.Engine.Tests.State;

/// <summary>
/// The state hash ignores what is declared ignorable and nothing else: byte by byte, over everything that a machine lays out.
/// </summary>
public sealed class EveryStateStructTests
{
    public static IEnumerable<TestCaseData> Machines =>
    [
        new TestCaseData(Full(HypervisorKind.Kvm, CpuVendor.Intel, IrqchipKind.Split)).SetArgDisplayNames("KVM, Intel, split irqchip"),
        new TestCaseData(Full(HypervisorKind.Kvm, CpuVendor.Amd, IrqchipKind.Kernel)).SetArgDisplayNames("KVM, AMD, kernel irqchip"),
        new TestCaseData(Full(HypervisorKind.BareMetal, CpuVendor.Intel, IrqchipKind.Split)).SetArgDisplayNames("bare metal, Intel"),
        new TestCaseData(Full(HypervisorKind.BareMetal, CpuVendor.Amd, IrqchipKind.Split)).SetArgDisplayNames("bare metal, AMD"),
        new TestCaseData(Bhyve).SetArgDisplayNames("bhyve, AMD with AVIC"),
    ];

    [TestCaseSource(nameof(Machines))]
    public void Every_slot_of_the_layout_is_known_by_its_struct(MachineConfig config)
    {
        var board = new Board(config);

        var found = StateStructs.Of(board).Select(slot => (slot.Offset, slot.Count * StateStructs.Roles(slot.Type).Length)).Order();
        var laidOut = board.Layout.Slots.Where(slot => slot.Bytes > 0).Select(slot => (slot.Offset, slot.Bytes)).Order();
        Assert.That(found, Is.EqualTo(laidOut));
    }

    [TestCaseSource(nameof(Machines))]
    public void Every_byte_of_every_struct_belongs_to_one_field(MachineConfig config)
    {
        foreach (var (type, _, _) in StateStructs.Of(new Board(config)))
        {
            Assert.That(StateStructs.Roles(type), Has.None.EqualTo(ByteRole.None), type.Name);
        }
    }

    [TestCaseSource(nameof(Machines))]
    public void A_byte_that_counts_changes_the_state_and_one_that_does_not_does_not(MachineConfig config)
    {
        var bench = new Bench(config).Run(120);
        var roles = RolesOfBlock(bench.Board);
        var state = Bench.StateOf(bench.Machine);
        var hash = Hash(bench.Machine);
        var clock = StateStructs.RolesOf<MachineClock>().Length;
        for (var at = clock; at < roles.Length; at++)
        {
            foreach (var flip in (byte[])[0x01, 0x80, 0xff])
            {
                bench.Machine.Bytes[at] ^= flip;
                var counts = roles[at] is ByteRole.Plain or ByteRole.Time;
                if (Bench.StateOf(bench.Machine).AsSpan().SequenceEqual(state) == counts || Hash(bench.Machine) == hash == counts)
                {
                    Assert.Fail($"byte {at} ({NameOf(bench.Board, at)}), declared {roles[at]}, flipped by {flip:x2}");
                }

                bench.Machine.Bytes[at] ^= flip;
            }
        }

        Assert.That(Bench.StateOf(bench.Machine), Is.EqualTo(state));
    }

    [TestCaseSource(nameof(Machines))]
    public void A_byte_of_a_suspended_frame_or_of_the_operation_that_it_awaits_changes_the_state(MachineConfig config)
    {
        var bench = new Bench(config).Run(120);
        var state = Bench.StateOf(bench.Machine);
        var places = FrameWalk.All(bench.Board, bench.Machine)
            .SelectMany(frame => Enumerable.Range(0, frame.Size).Where(i => FrameTypes.Mask(frame.Type)[i] != 0)
                .Select(i => frame.Offset + i))
            .Concat(bench.Board.Layout.Fibers
                .SelectMany(fiber => Enumerable.Range(fiber.Slot.Offset + HeadBeforeOperation, OperationBytes)))
            .ToList();
        Assert.That(places, Has.Count.GreaterThan(bench.Board.Layout.Fibers.Count * OperationBytes), "there are frames");
        foreach (var at in places)
        {
            bench.Machine.Bytes[at] ^= 0x01;
            Assert.That(Bench.StateOf(bench.Machine).AsSpan().SequenceEqual(state), Is.False, $"byte {at}");
            bench.Machine.Bytes[at] ^= 0x01;
        }
    }

    [TestCaseSource(nameof(Machines))]
    public void The_same_machine_at_another_moment_is_in_the_same_state(MachineConfig config)
    {
        var bench = new Bench(config).Run(120);
        var state = Bench.StateOf(bench.Machine);
        var readBits = bench.Machine.Ref(bench.Board.Layout.Clock).ReadBits;
        Assert.That(readBits, Is.LessThan(1024), "nothing has read the clock as a number");

        bench.Machine.Ref(bench.Board.Layout.Clock).Now += 1024;
        StateStructs.ShiftInstants(bench.Board, bench.Machine, 1024);
        FrameWalk.ShiftInstants(bench.Board, bench.Machine, 1024);
        Assert.That(Bench.StateOf(bench.Machine), Is.EqualTo(state));
    }

    private static unsafe int HeadBeforeOperation => sizeof(FiberHead) - sizeof(Operation);

    private static unsafe int OperationBytes => sizeof(Operation);

    /// <summary>A machine with everything that a configuration can ask for.</summary>
    private static MachineConfig Full(HypervisorKind hypervisor, CpuVendor vendor, IrqchipKind irqchip) => HypervMachine.Livelock with
    {
        Hypervisor = hypervisor,
        Vendor = vendor,
        Apicv = true,
        Hyperv = hypervisor == HypervisorKind.Kvm ? new HypervConfig(true, false, true) : null,
        VirtualWire = hypervisor == HypervisorKind.Kvm && irqchip == IrqchipKind.Kernel,
        Kvm = new KvmPolicies { InhibitCall = InhibitCall.ByWork },
        Irqchip = irqchip,
        Vcpus = 2,
        HostTickHz = hypervisor == HypervisorKind.Kvm ? 1000 : 0,
        ImmediateExit = vendor == CpuVendor.Amd ? new SelfIpi(0) : new Throttle(100, 1000),
        IoApicEoi = irqchip == IrqchipKind.Kernel ? new KvmDelayAfter(10_000, 24_000_000)
            : hypervisor == HypervisorKind.Kvm ? new QemuDelayAfter(10_000, 24_000_000) : new Reinject(),
        Devices = [.. HypervMachine.Livelock.Devices,
            new DeviceConfig("line", DeviceKind.Line) { Gsi = 9, Vector = 0x70, IoBase = 0xc100 }],
        Timeline = [.. HypervMachine.Livelock.Timeline, new StimulusConfig(1_000_000, StimulusAction.Raise, 2) { Every = 1000, Count = 3 }],
        L1 = new GuestProgram("l1", HypervMachine.Livelock.L1.Main) { Variables = HypervMachine.Livelock.L1.Variables, SharedWords = 2 },
    };

    private static MachineConfig Bhyve => Full(HypervisorKind.Bhyve, CpuVendor.Amd, IrqchipKind.Kernel) with
    {
        Apicv = true,
        HostTickHz = 1000,
        IoApicEoi = new Reinject(),
        Bhyve = new BhyvePolicies { Injection = SvmInjection.Avic },
        L1 = new GuestProgram("l1", SampleMachine.Spin)
        {
            OnInterrupt = SampleMachine.Serve,
            Variables = HypervMachine.Livelock.L1.Variables,
            SharedWords = 2,
        },
        L2 = null,
    };

    private static ByteRole[] RolesOfBlock(Board board)
    {
        var roles = new ByteRole[board.Layout.Fibers[0].Slot.Offset];
        foreach (var (type, offset, count) in StateStructs.Of(board))
        {
            var element = StateStructs.Roles(type);
            for (var i = 0; i < count; i++)
            {
                element.CopyTo(roles, offset + (i * element.Length));
            }
        }

        return roles;
    }

    private static string NameOf(Board board, int at) =>
        board.Layout.Slots.Where(slot => at >= slot.Offset && at < slot.Offset + slot.Bytes)
            .Select(slot => $"{slot.Name}+{at - slot.Offset}").FirstOrDefault("between structs");

    private static ulong Hash(Machine machine) => NormalForm.Of(machine.Layout).Hash(machine, new byte[machine.Layout.Size]);
}
