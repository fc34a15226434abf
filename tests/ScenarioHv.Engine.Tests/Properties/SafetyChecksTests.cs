using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Virtualization.Vmx;

namespace ScenarioHv.Engine.Tests.Properties;

/// <summary>The properties are broken by hand: nothing that the engine does itself breaks them.</summary>
public sealed class SafetyChecksTests
{
    private const byte Vector = 0x61;
    private StepEngine _engine = null!;
    private Machine _machine = null!;

    [SetUp]
    public void Create()
    {
        var board = new Board(new MachineConfig
        {
            L1 = new GuestProgram("guest", MainLine) { OnInterrupt = OnInterrupt },
            Devices = [new DeviceConfig("clock", DeviceKind.Msi) { Vector = Vector }],
            Timeline = [new StimulusConfig(20_000, StimulusAction.Fire, 0)],
        });
        _engine = new StepEngine(board);
        _machine = _engine.Create();
    }

    [Test]
    public void Delivered_interrupt_breaks_no_property()
    {
        StepUntil(() => _machine.Ref(_engine.Board.Statistics).L1Retired > 40_000);

        Assert.That(Violation.Property, Is.EqualTo(SafetyProperty.None));
    }

    [Test]
    public void Custody_fails_at_the_step_after_which_an_accepted_vector_is_nowhere()
    {
        StepUntil(() => _machine.Ref(_engine.Board.PostedInterrupts, 0).Word(Vector / 64) != 0);
        Assert.That(Violation.Exists, Is.False, "PIR is a place");
        _machine.Ref(_engine.Board.PostedInterrupts, 0) = default;
        Step();

        Assert.That((Violation.Property, Violation.Vector), Is.EqualTo((SafetyProperty.Custody, Vector)));
    }

    [Test]
    public void Just_fails_when_a_handler_starts_that_nobody_asked_for()
    {
        StepUntil(() => _machine.Ref(_engine.Board.Vcpus, 0).InGuest != 0);
        _machine.Ref(_engine.Board.Apics, 0).Irr.Set(0x99);
        StepUntil(() => Violation.Exists);

        Assert.That((Violation.Property, Violation.Vector), Is.EqualTo((SafetyProperty.Just, (byte)0x99)));
    }

    [Test]
    public void Entry_fails_when_an_interrupt_is_injected_while_IF_is_0()
    {
        StepUntil(() => _machine.Ref(_engine.Board.Vcpus, 0).EntryPending != 0);
        _machine.Ref(_engine.Board.Vmcs01, 0).EntryInterruptionInformation = InterruptionInfo.ExternalInterrupt(Vector);
        Step();

        Assert.That(Violation.Property, Is.EqualTo(SafetyProperty.Entry));
    }

    private Violation Violation => _machine.Ref(_engine.Board.Check).Violation;

    private static async GuestTask MainLine(Cpu cpu)
    {
        await cpu.Work(1_000);
        await cpu.Sti();
        while (true)
        {
            await cpu.Work(1_000);
        }
    }

    private static async GuestTask OnInterrupt(Cpu cpu, byte vector) => await cpu.Eoi();

    private void Step() => _engine.Step(_machine, _engine.Next(_machine)!);

    private void StepUntil(Func<bool> condition)
    {
        for (var i = 0; !condition(); i++)
        {
            Assert.That(i, Is.LessThan(1_000), "never");
            Step();
        }
    }
}
