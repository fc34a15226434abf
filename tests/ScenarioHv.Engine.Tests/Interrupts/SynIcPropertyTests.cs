using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>Random lists of operations by sender, guest and hypervisor, against slots and queues written down naively.</summary>
public class SynIcPropertyTests
{
    private const int Operations = 80;
    private const int Room = 8;

    [Test]
    public void Slots_and_queues_equal_the_naive_ones([Range(0, 2)] int flavour, [Range(0, 3)] int quarter)
    {
        for (int i = 0; i < 250; i++)
            RunList(flavour, quarter * 250 + i);
    }

    private static void RunList(int flavour, int seed)
    {
        var random = new LocalApicLcg((ulong)seed);
        var bench = SynIcBench.For(flavour);
        var naive = new Naive(flavour);
        var history = new List<string>();
        for (int i = 0; i < Operations; i++)
        {
            int operation = random.Next(8);
            int sint = 4 + random.Next(3);
            history.Add($"{operation}:{sint}");
            switch (operation)
            {
                case 0 or 1 or 2:
                    var outcome = bench.Post(sint, (uint)(i + 1), (byte)i).Outcome;
                    Assert.That(outcome, Is.EqualTo(naive.Post(sint, (uint)(i + 1))), $"list {seed}: {string.Join(' ', history)}");
                    break;
                case 3 or 4:
                    bench.Page[sint].Type = 0;
                    naive.Types[sint] = 0;
                    break;
                case 5:
                    bench.Write(SynIcMsr.Eom, 0);
                    naive.Scan(Enumerable.Range(0, 16), flavour != 2);
                    break;
                case 6:
                    bench.Rescan(bench.SynIc.NotifyEoi(0xA0 + sint));
                    naive.Scan([sint], flavour != 2);
                    break;
                default:
                    bench.Rescan(bench.SynIc.QueuedSints);
                    naive.Scan(Enumerable.Range(0, 16), true);
                    break;
            }
            for (int s = 4; s < 7; s++)
            {
                Assert.That((bench.Page[s].Type, bench.Page[s].IsPending), Is.EqualTo((naive.Types[s], naive.Pending[s])),
                    $"list {seed}, slot {s}: {string.Join(' ', history)}");
            }
            Assert.That(bench.Raised, Is.EqualTo(naive.Raised), $"list {seed}: {string.Join(' ', history)}");
            Assert.That(bench.SynIc.QueuedCount, Is.EqualTo(naive.Waiting.Values.Sum(queue => queue.Count)));
        }
    }

    private sealed class Naive(int flavour)
    {
        public uint[] Types = new uint[16];
        public bool[] Pending = new bool[16];
        public List<int> Raised = [];
        public SortedDictionary<int, Queue<uint>> Waiting = [];

        public SynIcPostOutcome Post(int sint, uint type)
        {
            var queue = QueueOf(sint);
            if (queue.Count == 0 && Types[sint] == 0)
            {
                Put(sint, type);
                return SynIcPostOutcome.Delivered;
            }
            if (queue.Count > 0 && flavour == 0)
                Scan([sint], true);
            if (queue.Count >= (flavour == 1 ? 1 : Room) || Waiting.Values.Sum(q => q.Count) >= Room)
                return SynIcPostOutcome.InsufficientBuffers;
            queue.Enqueue(type);
            Pending[sint] |= Types[sint] != 0;
            return SynIcPostOutcome.Queued;
        }

        public void Scan(IEnumerable<int> sints, bool scans)
        {
            foreach (int sint in sints)
            {
                var queue = QueueOf(sint);
                if (!scans || queue.Count == 0)
                    continue;
                if (Types[sint] != 0)
                {
                    Pending[sint] = true;
                    continue;
                }
                Put(sint, queue.Dequeue());
                Pending[sint] = queue.Count > 0;
            }
        }

        private Queue<uint> QueueOf(int sint)
        {
            if (!Waiting.TryGetValue(sint, out var queue))
                Waiting[sint] = queue = new Queue<uint>();
            return queue;
        }

        private void Put(int sint, uint type)
        {
            Types[sint] = type;
            Pending[sint] = false;
            Raised.Add(0xA0 + sint);
        }
    }
}
