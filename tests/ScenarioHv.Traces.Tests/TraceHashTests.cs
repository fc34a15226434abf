using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Traces.Tests;

[TestFixture]
internal sealed class TraceHashTests
{
    private static readonly TraceEvent Sample = new(1, TraceEventKind.KvmExit, 2, 3, 4, 5, 6, 7, 8, 9);

    [Test]
    public void Nothing_hashes_to_the_SHA_256_of_nothing() => // FIPS 180-4, empty message
        Assert.That(Digest(), Is.EqualTo("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));

    [Test]
    public void An_event_is_64_little_endian_bytes()
    {
        var bytes = new byte[64];
        bytes[0] = 1;
        bytes[8] = (byte)TraceEventKind.KvmExit;
        bytes[9] = 2;
        bytes[10] = 3;
        for (var value = 0; value < 6; value++)
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(16 + (8 * value)), (ulong)(4 + value));
        Assert.That(Digest(Sample), Is.EqualTo(Convert.ToHexStringLower(SHA256.HashData(bytes))));
    }

    [Test]
    public void An_event_is_read_as_it_was_written()
    {
        Span<byte> once = stackalloc byte[TraceEventBytes.Size], again = stackalloc byte[TraceEventBytes.Size];
        TraceEventBytes.Write(Sample, once);
        TraceEventBytes.Write(TraceEventBytes.Read(once), again);
        Assert.That(again.ToArray(), Is.EqualTo(once.ToArray()));
    }

    [Test]
    public void An_event_is_one_cache_line() => Assert.That(Unsafe.SizeOf<TraceEvent>(), Is.EqualTo(64));

    [Test]
    public void Equal_streams_have_equal_digests()
    {
        var first = Digest(Stream(1000));
        var second = Digest(Stream(1000));
        Assert.That(first, Is.EqualTo(second));
    }

    [TestCaseSource(nameof(OneFieldChanged))]
    public void Every_field_matters(TraceEvent changed) => Assert.That(Digest(changed), Is.Not.EqualTo(Digest(Sample)));

    [Test]
    public void Order_matters()
    {
        var other = new TraceEvent(1, TraceEventKind.KvmEoi, 2, 3);
        Assert.That(Digest(Sample, other), Is.Not.EqualTo(Digest(other, Sample)));
    }

    [TestCase(63)]
    [TestCase(64)]
    [TestCase(65)]
    public void Asking_in_between_changes_nothing(int asked)
    {
        using var hash = new TraceHash();
        var stream = Stream(130);
        for (var i = 0; i < stream.Length; i++)
        {
            hash.Emit(stream[i]);
            if (i + 1 == asked)
                Assert.That(hash.Digest(), Is.EqualTo(Digest(stream[..asked])));
        }

        Assert.That(hash.Digest(), Is.EqualTo(Digest(stream)));
        Assert.That(hash.Count, Is.EqualTo(130));
    }

    [Test]
    public void Hashing_an_event_allocates_nothing()
    {
        using var hash = new TraceHash();
        var stream = Stream(200);
        Feed(hash, stream);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Feed(hash, stream);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    private static TraceEvent[] OneFieldChanged =>
    [
        new(2, TraceEventKind.KvmExit, 2, 3, 4, 5, 6, 7, 8, 9),
        new(1, TraceEventKind.KvmNestedVmexit, 2, 3, 4, 5, 6, 7, 8, 9),
        new(1, TraceEventKind.KvmExit, 1, 3, 4, 5, 6, 7, 8, 9),
        new(1, TraceEventKind.KvmExit, 2, 2, 4, 5, 6, 7, 8, 9),
        new(1, TraceEventKind.KvmExit, 2, 3, 1ul << 63, 5, 6, 7, 8, 9),
        new(1, TraceEventKind.KvmExit, 2, 3, 4, 1, 6, 7, 8, 9),
        new(1, TraceEventKind.KvmExit, 2, 3, 4, 5, 1, 7, 8, 9),
        new(1, TraceEventKind.KvmExit, 2, 3, 4, 5, 6, 1, 8, 9),
        new(1, TraceEventKind.KvmExit, 2, 3, 4, 5, 6, 7, 1, 9),
        new(1, TraceEventKind.KvmExit, 2, 3, 4, 5, 6, 7, 8, 1),
    ];

    private static TraceEvent[] Stream(int count) =>
        [.. Enumerable.Range(0, count).Select(i => TraceEvent.KvmSetIrq(i * 100L, 0, (uint)i % 24, 1, 0))];

    private static string Digest(params TraceEvent[] events)
    {
        using var hash = new TraceHash();
        Feed(hash, events);
        return hash.Digest();
    }

    private static void Feed(TraceHash hash, TraceEvent[] events)
    {
        foreach (ref readonly var e in events.AsSpan())
            hash.Emit(e);
    }
}
