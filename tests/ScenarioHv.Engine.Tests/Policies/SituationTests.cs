using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Tests.Machines;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;
using static ScenarioHv.Engine.Tests.Policies.PolicyPrograms;

namespace ScenarioHv.Engine.Tests.Policies;

/// <summary>What a policy's script sees.</summary>
[TestFixture]
internal sealed class SituationTests
{
    private const byte LowVector = 0x41;

    [Test]
    public void A_posting_thread_sees_its_target_and_the_vector()
    {
        var seen = Posting(now => (now.Vcpu, now.Vector, now.IsOwnThread, now.InGuestMode, now.ApicvActive, now.Pin));
        Assert.That(seen[0], Is.EqualTo((1, (int)EdgeVector, false, true, true, -1)));
    }

    [Test]
    public void PIR_and_ON_are_seen_as_the_steps_before_have_left_them()
    {
        var seen = Posting(now => (now.HasPir(EdgeVector), now.HasPir(EdgeVector + 1), now.On, now.Sn));
        Assert.That(seen, Is.EqualTo(new[]
        {
            (false, false, false, false), (true, false, false, false), (true, false, true, false), (true, false, true, false),
        }));
    }

    [Test]
    public void Vectors_priorities_and_flags_are_those_of_the_guest_of_the_loaded_level()
    {
        static async GuestTask Nested(Cpu cpu)
        {
            await cpu.WriteCr8(5);
            await cpu.VmResume(at: 0x1000);
        }

        static async GuestTask Inner(Cpu cpu)
        {
            await cpu.Sti();
            while (true)
            {
                await cpu.Work(10_000, at: 0x2000);
            }
        }

        var seen = new List<(int Level, ulong Rip, bool Open, byte Tpr, bool Low, bool Edge, int Highest, int InService)>();
        var sync = Scripted([SyncStep.TestOn, SyncStep.ClearOn, SyncStep.Harvest, SyncStep.WriteRvi], (step, now) =>
        {
            if (step == SyncStep.WriteRvi)
            {
                seen.Add((now.Level, now.Rip, now.InterruptFlag, now.Tpr, now.HasIrr(LowVector), now.HasIrr(EdgeVector), now.HighestIrr,
                    now.HighestIsr));
            }

            return true;
        });
        var config = Kvm(Guest(Nested), Guest(Inner)) with { Devices = [Msi with { Vector = LowVector }] };
        new Rig(config.Fire(200_000, 0) with { Kvm = new KvmPolicies { SyncPosted = new PostedSyncOrder(SyncGate.Always, sync) } })
            .Run(400_000);
        Assert.That(seen[0], Is.EqualTo((1, seen[0].Rip, false, (byte)0, false, false, -1, -1)));
        Assert.That(seen[^1], Is.EqualTo((2, seen[^1].Rip, true, (byte)0x50, true, false, (int)LowVector, -1)));
        Assert.That(seen[^1].Rip, Is.InRange(0x2000UL, 0x2000UL + 10_000), "inside its work");
    }

    [Test]
    public void A_step_that_concerns_no_vCPU_shows_none()
    {
        var seen = new List<(int Vcpu, int Level, ulong Rip, bool, bool, bool, int, int, bool)>();
        var program = Decision(now =>
        {
            seen.Add((now.Vcpu, now.Level, now.Rip, now.InterruptFlag, now.On, now.InGuestMode, now.HighestIrr, now.HighestIsr,
                now.HasIrr(EdgeVector)));
            return Engine.Interrupts.IllegalVectorsPolicy.Delivered;
        });
        var config = ControllerPolicyTable.Find("lapic-illegal-vectors")!.WithScript(program, _ => null, Kvm(Guest(Spin)).Fire(0));
        var rig = new Rig(config);
        rig.StepActor("io");
        Assert.That(seen, Is.EqualTo(new[] { (-1, 0, 0UL, false, false, false, -1, -1, false) }));
        rig.StepActor("vcpu0");
        Assert.That(seen[1].Vcpu, Is.Zero);
    }

    [Test]
    public void NMIs_that_wait_are_counted_and_their_blocking_is_seen()
    {
        static async GuestTask Nmi(Cpu cpu) => await cpu.Work(100_000);

        var seen = new List<(int Pending, bool Blocked)>();
        var enter = Scripted(
            [EnterStep.CheckRequests, EnterStep.InjectEvents, EnterStep.PublishMode, EnterStep.SyncApic, EnterStep.Recheck],
            (step, now) =>
            {
                if (step == EnterStep.Recheck)
                {
                    seen.Add((now.NmiPending, now.NmiBlocked));
                }

                return true;
            });
        var guest = new GuestProgram("guest", Spin) { OnInterrupt = End, OnNmi = Nmi };
        var config = Kvm(guest) with { Kvm = new KvmPolicies { Enter = enter } };
        new Rig(config with { Timeline = [new(50_000, StimulusAction.Nmi, 0), new(80_000, StimulusAction.Nmi, 0)] }).Run(100_000);
        Assert.That(seen[0], Is.EqualTo((0, false)));
        Assert.That(seen[^1], Is.EqualTo((1, true)), "the second waits for the end of the first's handler");
    }

    [TestCase(-1)]
    [TestCase(256)]
    public void What_is_no_vector_is_an_error(int vector) => Assert.That(
        () => Posting(now => now.HasIrr(vector)),
        Throws.InstanceOf<PolicyException>().With.Message.Contains($"{vector} is not a vector"));

    [Test]
    public void Outside_a_step_there_is_no_situation() =>
        Assert.That(() => default(Situation).Rip, Throws.InstanceOf<GuestException>());

    /// <summary>What the guard of the policy post sees, step by step, when a message is posted to vCPU 1 in the guest.</summary>
    private static List<T> Posting<T>(Func<Situation, T> look)
    {
        var seen = new List<T>();
        var post = Scripted([PostStep.SetPir, PostStep.SetOn, PostStep.ReadMode, PostStep.Notify], (_, now) =>
        {
            seen.Add(look(now));
            return true;
        });
        var config = Kvm(Guest(Spin)) with
        {
            Vcpus = 2,
            Devices = [Line, Msi with { Destination = 1 }],
            Kvm = new KvmPolicies { Post = post },
        };
        new Rig(config.Fire(50_000)).Run(200_000);
        return seen;
    }
}
