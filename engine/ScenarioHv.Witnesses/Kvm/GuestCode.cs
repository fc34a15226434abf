namespace ScenarioHv.Witnesses;

/// <summary>What the guest can be told to execute.</summary>
internal enum Snippet
{
    /// <summary>Nothing: the instruction that reports.</summary>
    Tick,

    /// <summary>Memory at RBX := EAX.</summary>
    WriteMmio,

    /// <summary>EAX := memory at RBX.</summary>
    ReadMmio,

    /// <summary>Port DX := AL.</summary>
    WritePort,

    /// <summary>AL := port DX.</summary>
    ReadPort,

    /// <summary>EDX:EAX := MSR ECX.</summary>
    ReadMsr,

    /// <summary>MSR ECX := EDX:EAX.</summary>
    WriteMsr,

    /// <summary>RAX := CR8.</summary>
    ReadCr8,

    /// <summary>CR8 := RAX.</summary>
    WriteCr8,

    /// <summary>STI; HLT.</summary>
    Halt,
}

/// <summary>
/// The guest's program. It decides nothing: each piece is one instruction and a port write by which it reports, and the host sets RIP
/// and the registers anew at every report. Opcodes are those of SDM2.
/// </summary>
internal static class GuestCode
{
    /// <summary>The port by which a snippet reports that it is through. Accesses are of 32 bits, those of operations of 8.</summary>
    public const ushort DonePort = 0xF4;

    /// <summary>The port by which a gate of the IDT reports; RIP says which.</summary>
    public const ushort GatePort = 0xF5;

    /// <summary>The distance of the snippets, and that of the gates.</summary>
    public const int Slot = 16;

    /// <summary>Where IRETQ stands in a gate.</summary>
    public const int GateReturn = 2;

    private static readonly byte[][] Instructions =
    [
        [],
        [0x89, 0x03], // mov [rbx], eax
        [0x8B, 0x03], // mov eax, [rbx]
        [0xEE], // out dx, al
        [0xEC], // in al, dx
        [0x0F, 0x32], // rdmsr
        [0x0F, 0x30], // wrmsr
        [0x44, 0x0F, 0x20, 0xC0], // mov rax, cr8
        [0x44, 0x0F, 0x22, 0xC0], // mov cr8, rax
        [0xFB, 0xF4], // sti; hlt
    ];

    /// <summary>Writes the snippets, one in each slot.</summary>
    public static void WriteSnippets(Span<byte> memory)
    {
        for (int i = 0; i < Instructions.Length; i++)
            Write(memory[(i * Slot)..], [.. Instructions[i], .. Report(DonePort)]);
    }

    /// <summary>Writes the code of the gates, one in each slot.</summary>
    public static void WriteGates(Span<byte> memory)
    {
        for (int vector = 0; vector < 256; vector++)
            Write(memory[(vector * Slot)..], [.. Report(GatePort), 0x48, 0xCF]); // iretq
    }

    private static byte[] Report(ushort port) => [0xE7, (byte)port]; // out port, eax

    private static void Write(Span<byte> memory, ReadOnlySpan<byte> code) => code.CopyTo(memory);
}
