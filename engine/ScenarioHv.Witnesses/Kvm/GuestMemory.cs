using System.Runtime.InteropServices;

namespace ScenarioHv.Witnesses;

/// <summary>
/// The guest's memory. It lies above 4 GB, so that every address an operation can name belongs to a controller or to nothing. All is
/// mapped at its own address.
/// </summary>
internal sealed class GuestMemory : IDisposable
{
    /// <summary>Where it begins.</summary>
    public const ulong Base = 1ul << 32;

    /// <summary>Its length, in bytes.</summary>
    public const int Length = (Stacks + (Conformance.Recording.MaxCpus * StackLength));

    /// <summary>A CPU's stack, in bytes.</summary>
    public const int StackLength = 0x8000;

    /// <summary>Bytes of the frame that a gate leaves: RIP, CS, RFLAGS, RSP, SS, and what aligns it (SDM3 6.14.2).</summary>
    public const int FrameLength = 48;

    private const int Root = 0; // the PML4
    private const int Pointers = 0x1000; // the page of PDPTEs
    private const int Directories = 0x2000; // five pages of PDEs, 1 GB each
    private const int DirectoryCount = 5;
    private const int Gdt = 0x7000;
    private const int Idt = 0x8000;
    private const int Snippets = 0x9000;
    private const int Gates = 0xA000;
    private const int Stacks = 0xC000;

    private const int Page = 0x1000;
    private const ulong LargePage = 2 << 20;
    private const ulong PresentWritable = 3;
    private const ulong IsLarge = 0x80;

    private const ushort CodeSelector = 0x08;
    private const ushort DataSelector = 0x10;
    private const ushort TaskSelector = 0x18;
    private const ulong FlatCode = 0x00AF9B000000FFFF; // long mode, accessed
    private const ulong FlatData = 0x00CF93000000FFFF;

    private const ulong Cr0 = 0x8005_0033; // PG, AM, WP, NE, ET, MP, PE
    private const ulong Cr4 = 0x20; // PAE
    private const ulong Efer = 0x500; // LMA, LME
    private const ulong ReservedFlag = 2;
    private const int FrameFlags = 16;
    private const int InterruptFlag = 0x200;

    private readonly KvmMapping mapping = KvmMapping.Anonymous(Length);

    public GuestMemory()
    {
        WritePageTables();
        Put(Gdt + CodeSelector, FlatCode);
        Put(Gdt + DataSelector, FlatData);
        for (int vector = 0; vector < 256; vector++)
            WriteGate(vector);
        GuestCode.WriteSnippets(Bytes[Snippets..Gates]);
        GuestCode.WriteGates(Bytes[Gates..Stacks]);
    }

    /// <summary>Where the host sees it.</summary>
    public nint HostAddress => mapping.Address;

    private unsafe Span<byte> Bytes => new((void*)mapping.Address, Length);

    /// <summary>The address of a snippet.</summary>
    public static ulong AddressOf(Snippet snippet) => Base + Snippets + (ulong)((int)snippet * GuestCode.Slot);

    /// <summary>Where a CPU's stack is empty.</summary>
    public static ulong TopOfStack(int cpu) => Base + Stacks + (ulong)((cpu + 1) * StackLength);

    /// <summary>The vector of the gate that RIP is in.</summary>
    public static int VectorOf(ulong rip) => (int)((rip - Base - Gates) / GuestCode.Slot);

    /// <summary>Where a vector's gate returns.</summary>
    public static ulong ReturnOf(int vector) => Base + Gates + (ulong)((vector * GuestCode.Slot) + GuestCode.GateReturn);

    /// <summary>The state of a CPU in long mode, CPL 0.</summary>
    public static void EnterLongMode(ref KvmSregs sregs)
    {
        sregs.Cs = Segment(CodeSelector, type: 0xB, db: 0, isLong: 1);
        sregs.Ds = sregs.Es = sregs.Fs = sregs.Gs = sregs.Ss = Segment(DataSelector, type: 3, db: 1, isLong: 0);
        sregs.Tr = new KvmSegment { Base = Base + Gdt, Limit = 0x67, Selector = TaskSelector, Type = 0xB, Present = 1 };
        sregs.Ldt = new KvmSegment { Unusable = 1 };
        sregs.Gdt = new KvmTable { Base = Base + Gdt, Limit = TaskSelector + 15 };
        sregs.Idt = new KvmTable { Base = Base + Idt, Limit = Page - 1 };
        sregs.Cr0 = Cr0;
        sregs.Cr3 = Base + Root;
        sregs.Cr4 = Cr4;
        sregs.Efer = Efer;
    }

    /// <summary>Has the frame at an address return with IF = 0, to a snippet if one is named.</summary>
    public void EditFrame(ulong rsp, Snippet? target)
    {
        int frame = (int)(rsp - Base);
        Put(frame + FrameFlags, Get(frame + FrameFlags) & ~(ulong)InterruptFlag);
        if (target is { } snippet)
            Put(frame, AddressOf(snippet));
    }

    /// <summary>Writes a frame that returns to <see cref="Snippet.Tick"/> with IF = 0 and an empty stack.</summary>
    /// <returns>RSP of the frame.</returns>
    public ulong WriteFrame(int cpu)
    {
        ulong top = TopOfStack(cpu);
        ulong rsp = top - FrameLength;
        int frame = (int)(rsp - Base);
        foreach (ulong value in (ReadOnlySpan<ulong>)[AddressOf(Snippet.Tick), CodeSelector, ReservedFlag, top, DataSelector])
        {
            Put(frame, value);
            frame += sizeof(ulong);
        }

        return rsp;
    }

    public void Dispose() => mapping.Dispose();

    private static KvmSegment Segment(ushort selector, byte type, byte db, byte isLong) => new()
    {
        Limit = uint.MaxValue,
        Selector = selector,
        Type = type,
        Present = 1,
        Db = db,
        S = 1,
        L = isLong,
        G = 1,
    };

    // The first 5 GB in pages of 2 MB. Where the controllers are, KVM maps nothing.
    private void WritePageTables()
    {
        Put(Root, (Base + Pointers) | PresentWritable);
        for (int directory = 0; directory < DirectoryCount; directory++)
        {
            Put(Pointers + (directory * sizeof(ulong)), (Base + Directories + (ulong)(directory * Page)) | PresentWritable);
            for (int entry = 0; entry < Page / sizeof(ulong); entry++)
            {
                int number = (directory * Page / sizeof(ulong)) + entry;
                Put(Directories + (number * sizeof(ulong)), ((ulong)number * LargePage) | PresentWritable | IsLarge);
            }
        }
    }

    // A 64-bit interrupt gate, present, DPL 0 (SDM3 6.14.1).
    private void WriteGate(int vector)
    {
        ulong target = Base + Gates + (ulong)(vector * GuestCode.Slot);
        Put(Idt + (vector * 16), (target & 0xFFFF) | ((ulong)CodeSelector << 16) | (0x8Eul << 40) | ((target >> 16 & 0xFFFF) << 48));
        Put(Idt + (vector * 16) + sizeof(ulong), target >> 32);
    }

    private ulong Get(int offset) => MemoryMarshal.Read<ulong>(Bytes[offset..]);

    private void Put(int offset, ulong value) => MemoryMarshal.Write(Bytes[offset..], value);
}
