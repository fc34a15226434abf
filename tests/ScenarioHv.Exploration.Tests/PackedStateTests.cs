using System.Numerics;
using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Exploration.Tests;

/// <summary>
/// Packed states against whole machines: machines of random devices whose guests do anything, under every hypervisor. The judge is the
/// normal form, which knows nothing of packing.
/// </summary>
public sealed class PackedStateTests
{
    private static readonly HypervisorKind[] Hypervisors = [HypervisorKind.Kvm, HypervisorKind.Bhyve, HypervisorKind.BareMetal];

    // All of a part's contents; a few, so that the others are written out; none.
    private static readonly int[] KeptContents = [1 << 16, 5, 0];

    [Test]
    public void A_machine_from_packed_bytes_goes_on_like_the_one_that_was_packed(
        [ValueSource(nameof(Hypervisors))] HypervisorKind hypervisor, [Values(0, 1, 50)] int sampled, [Values(1, 2)] int vcpus)
    {
        for (var seed = 1; seed <= 6; seed++)
        {
            var board = new Board(Config(seed, hypervisor, vcpus));
            var engine = new StepEngine(board);
            var machine = engine.Create();
            var packed = new PackedState(Sample(engine, sampled), vcpus, KeptContents[seed % KeptContents.Length]);
            var bytes = new byte[packed.MaxBytes];
            var other = new Machine(board.Layout);
            for (var turn = 0; turn < 40; turn++)
            {
                Run(engine, machine, 25);
                var length = packed.Pack(machine, bytes);
                other.Bytes.Fill(0xa5);
                other.Ref(board.Layout.Clock).Now = machine.Now;
                packed.Unpack(bytes.AsSpan(0, length), other);
                Assert.That(Normal(other), Is.EqualTo(Normal(machine)));
                Run(engine, other, 25);
                var fork = machine.Fork();
                Run(engine, fork, 25);
                Assert.That(Normal(other), Is.EqualTo(Normal(fork)), $"seed {seed}, turn {turn}");
            }
        }
    }

    [Test]
    public void Steps_forth_and_back_lead_to_the_states_to_which_forks_lead_and_equal_fingerprints_mean_equal_states(
        [ValueSource(nameof(Hypervisors))] HypervisorKind hypervisor, [Values(0, 3, 400)] int sampled, [Values(1, 2)] int vcpus)
    {
        var (names, states) = (new Dictionary<string, ulong>(StringComparer.Ordinal), new Dictionary<ulong, string>());
        var board = new Board(Untimed(Config(3, hypervisor, vcpus)));
        var engine = new StepEngine(board);
        var packed = new PackedState(Sample(engine, sampled), vcpus, KeptContents[(sampled + vcpus) % KeptContents.Length]);
        var (state, other) = (new SteppedState(packed, engine.Create()), new SteppedState(packed, engine.Create()));
        state.Back();
        Name(state.Stepped(), engine.Create());
        var queue = new List<(byte[] Packed, Machine Machine)> { (state.Result.ToArray(), engine.Create()) };
        for (var next = 0; next < queue.Count && next < 1_000; next++)
        {
            // Two instances in turn: what an instance did before must not matter.
            var (bytes, machine) = queue[next];
            (state, other) = (other, state);
            state.Load(bytes);
            Assert.That(Normal(state.From), Is.EqualTo(Normal(machine)));
            var taken = new List<(Machine Fork, byte[]? Packed)>();
            for (var enabled = engine.Enabled(machine); enabled != 0; enabled &= enabled - 1)
            {
                var actor = board.Actors[BitOperations.TrailingZeroCount(enabled)];
                var fork = machine.Fork();
                engine.Step(fork, actor);
                state.Back();
                engine.Step(state.Machine, actor);
                var fingerprint = state.Stepped();
                Assert.That(Normal(state.Machine), Is.EqualTo(Normal(fork)));
                taken.Add((fork, Name(fingerprint, fork) ? state.Result.ToArray() : null));
                if (taken[^1].Packed is { } result && queue.Count < 4_000)
                {
                    queue.Add((result, fork));
                }
            }

            for (var step = taken.Count - 1; step >= 0; step -= 1 + (next % 2))
            {
                state.Again(step);
                Assert.That(Normal(state.Machine), Is.EqualTo(Normal(taken[step].Fork)));
                Assert.That(state.Result.ToArray(), Is.EqualTo(taken[step].Packed ?? state.Result.ToArray()));
            }
        }

        Assert.That(states, Has.Count.GreaterThan(200));

        bool Name(ulong fingerprint, Machine machine)
        {
            var name = Convert.ToHexString(Normal(machine));
            var isNew = names.TryAdd(name, fingerprint);
            Assert.That(states.TryAdd(fingerprint, name), Is.EqualTo(isNew));
            Assert.That((names[name], states[fingerprint]), Is.EqualTo((fingerprint, name)));
            return isNew;
        }
    }

    [Test]
    public void Of_each_part_only_so_many_contents_are_kept_and_equal_states_have_equal_bytes_all_the_same()
    {
        var board = new Board(Untimed(Config(2, HypervisorKind.Bhyve, 2)));
        var engine = new StepEngine(board);
        var (few, all) = (new PackedState(Sample(engine, 40), 2, 3), new PackedState(Sample(engine, 40), 2));
        var (machine, bytes) = (engine.Create(), new byte[all.MaxBytes]);
        var seen = new Dictionary<string, string>(StringComparer.Ordinal);
        var (shortest, longest) = (int.MaxValue, 0);
        for (var step = 0; step < 2_000; step++)
        {
            Run(engine, machine, 1);
            var length = few.Pack(machine, bytes);
            var name = Convert.ToHexString(bytes.AsSpan(0, length));
            (shortest, longest) = (Math.Min(shortest, length), Math.Max(longest, length));
            Assert.That(seen.TryAdd(Convert.ToHexString(Normal(machine)), name) || seen[Convert.ToHexString(Normal(machine))] == name);
            Assert.That(all.Pack(machine, bytes), Is.EqualTo(shortest), "a kept content takes 8 bytes, a written one more");
        }

        Assert.That(longest, Is.GreaterThan(shortest));
        Assert.That(few.HeldBytes, Is.LessThan(all.HeldBytes));
    }

    [Test]
    public void A_step_that_throws_leaves_nothing_behind()
    {
        var board = new Board(Untimed(SmallMachines.BareMetal(Guests.FailsAfterWork, ("a", 3))));
        var engine = new StepEngine(board);
        var state = new SteppedState(new PackedState(Sample(engine, 0), 1), engine.Create());
        while (true)
        {
            // First none, so that the machine goes back word by word.
            state.Back();
            state.Stepped();
            state.Back();
            try
            {
                engine.Step(state.Machine, board.Actors[0]);
            }
            catch (InvalidOperationException)
            {
                break;
            }

            state.Stepped();
            state.Load(state.Result);
        }

        Assert.That(Normal(state.Machine), Is.Not.EqualTo(Normal(state.From)));
        state.Back();
        Assert.That(Normal(state.Machine), Is.EqualTo(Normal(state.From)));
    }

    [Test]
    public void A_step_back_and_forth_allocates_nothing()
    {
        var board = new Board(Untimed(Config(1, HypervisorKind.Bhyve, 2)));
        var system = new MachineSystems(board, chains: false).NewSystem();
        system.Begin();
        var (state, length) = (new byte[system.MaxStateBytes], system.Result.Length);
        system.Result.CopyTo(state);
        long allocated = 0;
        for (var i = 0; i < 20_000; i++)
        {
            // The first ones compile.
            allocated = i == 10_000 ? GC.GetAllocatedBytesForCurrentThread() : allocated;
            system.Load(state.AsSpan(0, length));
            for (var enabled = system.Enabled; enabled != 0; enabled &= enabled - 1)
            {
                system.Take(BitOperations.TrailingZeroCount(enabled), 0);
            }

            length = system.Result.Length;
            system.Result.CopyTo(state);
        }

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - allocated, Is.LessThan(20_000));
    }

    private static MachineConfig Config(int seed, HypervisorKind hypervisor, int vcpus)
    {
        var vendor = hypervisor == HypervisorKind.Bhyve || seed % 2 == 0 ? CpuVendor.Amd : CpuVendor.Intel;
        var apicv = hypervisor == HypervisorKind.Kvm && seed % 3 != 0;
        return RandomMachineTests.Machine(seed, hypervisor, vendor, vcpus, apicv, tprMask: 0xf0) with
        {
            Bhyve = new BhyvePolicies { Injection = seed % 2 == 0 ? SvmInjection.EventInjection : SvmInjection.VIrqPendingState },
        };
    }

    private static MachineConfig Untimed(MachineConfig config) =>
        config with { Time = new ClassTime(2_400), Timing = TimingProfile.Untimed };

    private static StateSample Sample(StepEngine engine, int steps)
    {
        var machine = engine.Create();
        var sample = new StateSample(machine);
        for (var i = 0; i < steps; i++)
        {
            Run(engine, machine, 1);
            sample.Add(machine);
        }

        return sample;
    }

    private static void Run(StepEngine engine, Machine machine, int steps)
    {
        for (; steps > 0 && engine.Next(machine) is { } actor; steps--)
        {
            engine.Step(machine, actor);
        }
    }

    private static byte[] Normal(Machine machine)
    {
        var into = new byte[machine.Layout.Size];
        return into[..NormalForm.Of(machine.Layout).Write(machine, into)];
    }
}
