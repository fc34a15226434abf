using ScenarioHv.Engine.Scheduling;

namespace ScenarioHv.Conformance.Tests;

/// <summary>The random lists.</summary>
public sealed class OperationGeneratorTests
{
    private const int Lists = 2000;

    // The numbers that the algorithm's reference program prints for this seed.
    [Test]
    public void Random_numbers_are_SplitMix64s()
    {
        var random = new SplitMix(1234567);
        ulong[] numbers = [random.Next(), random.Next(), random.Next(), random.Next(), random.Next()];
        Assert.That(numbers, Is.EqualTo(new ulong[]
        {
            6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821,
        }));
    }

    [Test]
    public void The_same_seed_and_number_give_the_same_list()
    {
        string first = Text(7, 3);
        Text(7, 4);
        Assert.That(Text(7, 3), Is.EqualTo(first));
    }

    [Test]
    public void Another_seed_or_number_gives_another_list()
    {
        var texts = Enumerable.Range(0, 50).SelectMany(i => new[] { Text(1, i), Text(2, i) });
        Assert.That(texts, Is.Unique);
    }

    [Test]
    public void Every_kind_of_operation_occurs()
    {
        var kinds = Enumerable.Range(0, Lists).SelectMany(i => OperationGenerator.Generate(1, i).Ops).Select(op => op.Kind).Distinct();
        Assert.That(kinds, Is.EquivalentTo(Enum.GetValues<RecordedOpKind>()));
    }

    // FEE00300h and 830h are the ICR; modes 2, 5 and 6 are SMI, INIT and start-up.
    [Test]
    public void No_list_asks_for_what_the_recorded_guest_has_no_code_for()
    {
        var modes = Enumerable.Range(0, Lists).SelectMany(i => OperationGenerator.Generate(1, i).Ops)
            .Where(op => op.Kind is RecordedOpKind.Msi || op.Address is 0xFEE0_0300 or 0x830)
            .Select(op => op.Value >> 8 & 7);
        Assert.That(modes.Distinct(), Is.SubsetOf(new ulong[] { 0, 1, 3, 4, 7 }));
    }

    [Test]
    public void The_model_executes_every_list_to_its_end([Values("kvm@6.18", "qemu@7.2", "architectural")] string preset)
    {
        for (int i = 0; i < Lists; i++)
        {
            Recording list = OperationGenerator.Generate(5, i);
            using var machine = new ConformanceMachine(ConformancePreset.Find(preset)!, list.Cpus, list.HasX2Apic);
            foreach (RecordedOp op in list.Ops)
                Assert.That(() => machine.Execute(op), Throws.Nothing, $"list {i}: {op.Text}");
        }
    }

    private static string Text(ulong seed, int number) =>
        string.Join(';', OperationGenerator.Generate(seed, number).Ops.Select(op => op.Text));
}
