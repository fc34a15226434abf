using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.State;

namespace ScenarioHv.Engine.Scheduling;

/// <summary>
/// A machine between two steps as bytes, from which another process can go on. The same state gives the same bytes: what a process numbers
/// in its own way is written as names, and what lies above the frames of a fiber is left out.
/// </summary>
/// <remarks>
/// Little-endian: magic (8 bytes), version (4), length of the whole (8), build (16), layout (32), steps and cycle (8 + 8), the texts of the
/// origin, the types of the frames, the texts of the reports that are about to be made, the block; at the end SHA-256 of all of it (32).
/// The checksum finds damage, not malice: the numbers inside a block are believed.
/// </remarks>
public sealed class Snapshot
{
    /// <summary>The version of the form that this build writes, and the only one that it reads.</summary>
    public const int Version = 1;

    private const int HeaderSize = 8 + 4 + 8;
    private const int ChecksumSize = SHA256.HashSizeInBytes;

    private readonly Guid _build;
    private readonly byte[] _layout;
    private readonly FrameName[] _frames;
    private readonly string[] _reports;
    private readonly byte[] _block;

    private Snapshot(BinaryReader reader)
    {
        _build = new Guid(reader.ReadBytes(16));
        _layout = reader.ReadBytes(ChecksumSize);
        Steps = reader.ReadInt64();
        Cycle = reader.ReadInt64();
        Origin = Items(reader, reader.ReadString);
        _frames = Items(reader, () => FrameName.Read(reader));
        _reports = Items(reader, reader.ReadString);
        _block = reader.ReadBytes(reader.ReadInt32());
    }

    /// <summary>Where it comes from, in the words of the one who made it: the engine keeps them and gives them no meaning.</summary>
    public IReadOnlyList<string> Origin { get; }

    /// <summary>Steps from the machine's first state to this one.</summary>
    public long Steps { get; }

    /// <summary>The clock in cycles.</summary>
    public long Cycle { get; }

    private static ReadOnlySpan<byte> Magic => "SHVSTATE"u8;

    private static Guid Build => typeof(Snapshot).Module.ModuleVersionId;

    /// <summary>The bytes of <paramref name="machine"/>, which is not changed.</summary>
    /// <param name="board">Its board.</param>
    /// <param name="machine">The machine, between two steps.</param>
    /// <param name="steps">Steps from its first state to this one.</param>
    /// <param name="origin">Whatever a reader needs to know the machine again.</param>
    public static byte[] Write(Board board, Machine machine, long steps, IReadOnlyList<string> origin)
    {
        var block = machine.Bytes.ToArray();
        var fibers = new FiberImages(board, block);
        var frames = fibers.ToNames();
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(Magic);
            writer.Write(Version);
            writer.Write(0L);
            writer.Write(Build.ToByteArray());
            writer.Write(LayoutHash(board.Layout));
            writer.Write(steps);
            writer.Write(machine.Now);
            WriteItems(writer, origin, writer.Write);
            WriteItems(writer, frames, frame => frame.Write(writer));
            WriteItems(writer, fibers.PendingReports(), writer.Write);
            writer.Write(block.Length);
            writer.Write(block);
            writer.Seek(Magic.Length + sizeof(int), SeekOrigin.Begin);
            writer.Write(stream.Length + ChecksumSize);
        }

        var content = stream.ToArray();
        return [.. content, .. SHA256.HashData(content)];
    }

    /// <summary>Reads the bytes of a snapshot and checks that they are whole.</summary>
    /// <exception cref="SnapshotException">They are no snapshot, of another version, cut off or damaged.</exception>
    public static Snapshot Read(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.StartsWith(Magic))
        {
            throw new SnapshotException("is not a snapshot");
        }

        if (bytes.Length < HeaderSize)
        {
            throw new SnapshotException($"is cut off: it has only {bytes.Length} bytes");
        }

        var version = BinaryPrimitives.ReadInt32LittleEndian(bytes[Magic.Length..]);
        if (version != Version)
        {
            var age = version > Version ? "a newer" : "an older";
            throw new SnapshotException($"has format version {version}, from {age} laboratory: this one reads version {Version}");
        }

        var length = BinaryPrimitives.ReadInt64LittleEndian(bytes[(Magic.Length + sizeof(int))..]);
        if (bytes.Length < length)
        {
            throw new SnapshotException($"is cut off: it has {bytes.Length} of {length} bytes");
        }

        if (bytes.Length > length || length < HeaderSize + ChecksumSize
            || !SHA256.HashData(bytes[..^ChecksumSize]).AsSpan().SequenceEqual(bytes[^ChecksumSize..]))
        {
            throw Damaged();
        }

        return Parse(bytes[HeaderSize..^ChecksumSize].ToArray());
    }

    /// <summary>Makes the machine.</summary>
    /// <param name="board">A board of the same configuration and scripts.</param>
    /// <exception cref="SnapshotException">It was made by another build, or of a machine that is laid out in another way.</exception>
    public Machine Restore(Board board)
    {
        if (_build != Build)
        {
            throw new SnapshotException("was made by another build of the laboratory");
        }

        if (_block.Length != board.Layout.Size || !_layout.AsSpan().SequenceEqual(LayoutHash(board.Layout)))
        {
            throw new SnapshotException("is of a machine with other parts");
        }

        var block = _block.AsSpan().ToArray();
        new FiberImages(board, block).ToNumbers(_frames);
        foreach (var text in _reports)
        {
            board.Reports.Number(text);
        }

        var machine = new Machine(board.Layout);
        block.CopyTo(machine.Bytes);
        return machine.Now == Cycle ? machine : throw Damaged();
    }

    /// <summary>What no way of writing it can have made.</summary>
    internal static SnapshotException Damaged() => new("is damaged: its contents do not fit together");

    /// <summary>Which struct and which fiber lies where.</summary>
    private static byte[] LayoutHash(MachineLayout layout)
    {
        var text = new StringBuilder();
        foreach (var (name, offset, bytes) in layout.Slots)
        {
            text.Append(name).Append('\0').Append(offset).Append('\0').Append(bytes).Append('\n');
        }

        foreach (var (name, slot) in layout.Fibers)
        {
            text.Append(name).Append('\0').Append(slot.Offset).Append('\0').Append(slot.Arena).Append('\n');
        }

        return SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()));
    }

    private static Snapshot Parse(byte[] body)
    {
        try
        {
            using var reader = new BinaryReader(new MemoryStream(body, writable: false), Encoding.UTF8);
            var snapshot = new Snapshot(reader);
            return reader.BaseStream.Position == body.Length ? snapshot : throw Damaged();
        }
        catch (Exception problem) when (problem is IOException or FormatException or ArgumentException)
        {
            throw Damaged();
        }
    }

    private static T[] Items<T>(BinaryReader reader, Func<T> read)
    {
        var items = new List<T>();
        for (var left = reader.ReadInt32(); left > 0; left--)
        {
            items.Add(read());
        }

        return [.. items];
    }

    private static void WriteItems<T>(BinaryWriter writer, IReadOnlyList<T> items, Action<T> write)
    {
        writer.Write(items.Count);
        foreach (var item in items)
        {
            write(item);
        }
    }
}

/// <summary>A snapshot cannot be used. The message says why and reads on after the name of its file.</summary>
public sealed class SnapshotException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What is wrong, without a subject: <c>is not a snapshot</c>.</param>
    public SnapshotException(string message)
        : base(message)
    {
    }
}
