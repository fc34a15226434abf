using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>Random lists of operations, on the pair and on a naive one; and what holds in every flavour after every operation.</summary>
public sealed class Pic8259PropertyTests
{
    private static readonly int[] Ports = [0x20, 0x21, 0xA0, 0xA1, 0x4D0, 0x4D1];

    private static readonly int[] Commands =
    [
        0x20, 0x20, 0x20, 0x60, 0x63, 0x67, 0xA0, 0xE2, 0xE5, 0xC1, 0xC6, 0x80, 0x00, 0x40, 0x0A, 0x0B, 0x0C, 0x08, 0x68, 0x48,
        0x11, 0x13, 0x10, 0x19,
    ];

    [Test]
    public void The_architectural_pair_is_the_naive_one([Range(1, 40)] int seed)
    {
        var random = new LocalApicLcg((ulong)seed);
        var bench = new Pic8259Bench();
        var naive = new NaivePic8259Pair();
        int[] initialisation = [0x20, 0x11, 0xA0, 0x11, 0x21, 0x20, 0x21, 4, 0x21, 1, 0xA1, 0x28, 0xA1, 2, 0xA1, 1];
        for (int i = 0; i < initialisation.Length; i += 2)
            naive.Write(initialisation[i], initialisation[i + 1]);
        for (int i = 0; i < 1500; i++)
        {
            string op = Step(ref random, bench, naive);
            Assert.That(Dump(bench), Is.EqualTo(naive.Dump()), $"seed {seed}, after op {i}: {op}");
        }
    }

    [TestCase("architectural")]
    [TestCase("kvm")]
    [TestCase("qemu")]
    [TestCase("openvmm")]
    public void In_every_flavour_a_vector_comes_from_its_chip_and_a_real_one_was_the_request(string flavour)
    {
        var random = new LocalApicLcg(77);
        var bench = new Pic8259Bench(Pic8259Bench.Flavour(flavour));
        for (int i = 0; i < 20_000; i++)
        {
            Step(ref random, bench, null);
            var copy = bench.Pair;
            int request = copy.Master.Request(bench.Policies);
            var answer = copy.Acknowledge(bench.Policies);
            ref readonly Pic8259 chip = ref answer.Irq < 8 ? ref copy.Master : ref copy.Slave;
            Assert.That(answer.Vector, Is.EqualTo(chip.VectorBase | answer.Irq & 7));
            Assert.That(answer.Irq >= 8, Is.EqualTo(request == 2));
            Assert.That(answer.IsSpurious && answer.Irq == 7, Is.EqualTo(request < 0));
            bool latches = bench.Policies.ShortPulse == Pic8259ShortPulse.Latched;
            Assert.That(latches ? bench.Pair.Master.Spent : bench.Pair.Master.Latched, Is.Zero);
            Assert.That(bench.Pair.Master.Spent & ~bench.Pair.Master.Lines, Is.Zero);
        }
    }

    private static string Step(ref LocalApicLcg random, Pic8259Bench bench, NaivePic8259Pair? naive)
    {
        int kind = random.Next(20);
        if (kind < 9)
        {
            int irq = random.Next(16);
            bool high = random.Next(2) == 1;
            irq = irq == 2 ? 3 : irq;
            bench.Pair.SetLine(irq, high, bench.Policies);
            naive?.Line(irq, high);
            return $"line {irq} {high}";
        }

        if (kind < 13)
        {
            int? expected = naive?.Inta();
            int vector = bench.Inta();
            Assert.That(vector, Is.EqualTo(expected ?? vector), "INTA");
            return $"inta {vector:x2}";
        }

        int port = Ports[random.Next(Ports.Length)];
        if (kind == 13)
        {
            int? expected = naive?.Read(port);
            int value = bench.In(port);
            Assert.That(value, Is.EqualTo(expected ?? value), $"in {port:x}");
            return $"in {port:x}";
        }

        int written = port is 0x20 or 0xA0 ? Commands[random.Next(Commands.Length)] : (int)(random.NextBits() & random.NextBits() & 0xFF);
        bench.Out(port, written);
        naive?.Write(port, written);
        return $"out {port:x} {written:x2}";
    }

    private static string Dump(Pic8259Bench bench)
    {
        string Of(in Pic8259 chip) =>
            $"irr={chip.Irr(bench.Policies):x2} isr={chip.Isr:x2} imr={chip.Imr:x2} base={chip.VectorBase:x2} low={chip.HighestPriority}";
        return $"{Of(bench.Pair.Master)} {Of(bench.Pair.Slave)} int={bench.Int}";
    }
}
