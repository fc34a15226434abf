namespace ScenarioHv.Conformance;

// What may happen in a list: each of these adds one operation, or a few that belong together.
public sealed partial class OperationGenerator
{
    private static readonly byte[] LegalVectors =
        [0x31, 0x32, 0x3E, 0x3F, 0x41, 0x51, 0x52, 0x5F, 0x61, 0x62, 0x71, 0x81, 0xB1, 0xC0, 0xE1, 0xF1, 0xFE];

    private static readonly byte[] IllegalVectors = [0x00, 0x05, 0x0F];
    private static readonly byte[] Destinations = [0, 0, 0, 1, 1, 2, 3, 0x10, 0x11, 0xF0, 0xFF, 0xFF];
    private static readonly byte[] Priorities = [0, 0, 0x20, 0x35, 0x40, 0x50, 0x5F, 0x60, 0x70, 0xE0, 0xF0];
    private static readonly byte[] PicMasks = [0, 0, 0xFF, 0xFB, 0x02, 0x08, 0x10, 0x53, 0xA5];
    private static readonly byte[] SlaveAndMasterPorts = [0x20, 0x20, 0xA0];
    private static readonly byte[] HandlerSteps = [4, 4, 5, 6, 7, 0, 0x24, 2, 0x26, 0x25];
    private static readonly byte[] PicHandlerSteps = [8, 8, 0x18, 0x18, 0x0A, 0x1A, 0, 9, 0x28];
    private static readonly ushort[] PicPorts = [0x20, 0x21, 0xA0, 0xA1, 0x4D0, 0x4D1];
    private static readonly uint[] SpuriousRegisters = [0x1FF, 0x1FF, 0xFF, 0x1FE, 0x3FF, 0x13F];
    private static readonly uint[] DestinationFormats = [uint.MaxValue, uint.MaxValue, 0x0FFF_FFFF];
    private static readonly uint[] LogicalIds = [0, 1, 2, 3, 0x11, 0x12, 0x21, 0xF1, 0xFF];
    private static readonly uint[] LocalRegisters =
    [
        0x20, 0x30, 0x80, 0xA0, 0xD0, 0xF0, 0x110, 0x120, 0x150, 0x170, 0x190, 0x1A0, 0x210, 0x220, 0x260,
        0x300, 0x320, 0x350, 0x360, 0x380,
    ];

    private uint LegalVector() => random.Of<byte>(LegalVectors);

    private uint Vector() => random.OneIn(25) ? random.Of<byte>(IllegalVectors) : LegalVector();

    private string LineAndPin()
    {
        int kind = random.Below(5);
        return kind < 2 ? $"i {random.Below(8) * 3}" : kind < 4 ? $"p {random.Below(16)}" : $"b {random.Below(16)}";
    }

    private void OpenWindow()
    {
        if (random.OneIn(3))
            Add($"win {Cpu()} {1 + random.Below(6)}");
        else
            Add($"win {Cpu()} 12");
    }

    private void DriveLine() => Add($"line {LineAndPin()} {(random.Below(5) < 3 ? 1 : 0)}");

    // Fixed, lowest priority, sometimes NMI, ExtINT or the reserved mode 3; reserved bits and the read-only ones now and then.
    private void WriteEntry()
    {
        int pin = random.Below(8) * 3;
        uint low = Vector() | Bit(3, 15) | Bit(6, 16) | Bit(3, 11) | Bit(10, 13) | Bit(20, 14) | Bit(20, 12) | Bit(30, 20);
        low |= random.Below(24) switch { < 4 => 0x100u, < 6 => 0x400, < 8 => 0x700, 8 => 0x300, _ => 0 };
        if (random.OneIn(2))
            Add($"iow {Cpu()} {0x11 + (2 * pin):x} {(uint)random.Of<byte>(Destinations) << 24:x}");
        Add($"iow {Cpu()} {0x10 + (2 * pin):x} {low:x}");
    }

    private uint Bit(int oneIn, int bit) => random.OneIn(oneIn) ? 1u << bit : 0;

    private void InitialisePics(bool isOdd)
    {
        uint last = isOdd ? random.Of<uint>([0x1, 0x3, 0x5, 0x11, 0x13, 0x15]) : 1;
        InitialisePic(0x20, 0x20, 4, last);
        InitialisePic(0xA0, 0x28, 2, last);
    }

    private void InitialisePic(uint port, uint vectorBase, uint cascade, uint last)
    {
        Add($"out 0 {port:x} 11");
        Add($"out 0 {port + 1:x} {vectorBase:x}");
        Add($"out 0 {port + 1:x} {cascade:x}");
        Add($"out 0 {port + 1:x} {last:x}");
    }

    private void WritePic()
    {
        uint port = random.Of<byte>(SlaveAndMasterPorts);
        switch (random.Below(16))
        {
            case < 5: Add($"out {Cpu()} {port + 1:x} {random.Of<byte>(PicMasks):x}"); break;
            case < 8: Add($"out {Cpu()} {port:x} 20"); break;
            case < 10: Add($"out {Cpu()} {port:x} {((uint)random.Below(8) << 5) | (uint)random.Below(8):x}"); break;
            case < 12: Add($"out {Cpu()} {port:x} {random.Of<byte>([0x0A, 0x0B]):x}"); break;
            case 12: Add($"out {Cpu()} {port:x} {random.Of<byte>([0x68, 0x48, 0x08]):x}"); break;
            case 13: Add($"out {Cpu()} {0x4D0 + random.Below(2):x} {random.Of<byte>([0, 0x08, 0x20, 0xFF, 0xD8]):x}"); break;
            case 14: Poll(port); break;
            default: InitialisePics(isOdd: true); break;
        }
    }

    private void Poll(uint port)
    {
        int cpu = Cpu();
        Add($"out {cpu} {port:x} c");
        Add($"in {cpu} {port:x}");
    }

    private void SendMsi()
    {
        uint address = 0xFEE0_0000 | (uint)random.Of<byte>(Destinations) << 12 | Bit(3, 2) | Bit(4, 3);
        uint mode = random.Below(28) switch { < 4 => 0x100u, < 6 => 0x400, < 8 => 0x700, 8 => 0x300, _ => 0 };
        Add($"msi {address:x} {Vector() | mode | Bit(8, 15) | Bit(4, 14):x}");
    }

    private void SendIpi()
    {
        int cpu = Cpu();
        uint destination = random.Of<byte>(Destinations);
        uint mode = random.Below(28) switch { < 4 => 0x100u, < 6 => 0x400, 6 => 0x300, 7 => 0x700, _ => 0 };
        uint low = Vector() | mode | (uint)random.Below(4) << 18 | Bit(3, 11) | (random.OneIn(5) ? 0 : 0x4000u) | Bit(8, 15);
        if (isX2Apic[cpu])
        {
            Add($"wrmsr {cpu} 830 {(ulong)destination << 32 | low:x}");
            return;
        }

        if (random.OneIn(2))
            Add($"mw {cpu} fee00310 {destination << 24:x}");
        Add($"mw {cpu} fee00300 {low:x}");
    }

    private void SetPriority()
    {
        int cpu = Cpu();
        if (random.OneIn(5))
            Add($"wcr8 {cpu} {random.Below(16):x}");
        else
            Register(cpu, 0x80, random.Of<byte>(Priorities));
    }

    private void EndInterrupt()
    {
        int cpu = Cpu();
        Register(cpu, 0xB0, 0);
    }

    private void ChooseHandler()
    {
        int cpu = Cpu();
        if (random.OneIn(4))
        {
            Add($"pol {cpu} {0x20 + random.Below(16):x} {random.Of<byte>(PicHandlerSteps):x}");
            return;
        }

        int steps = random.Of<byte>(HandlerSteps);
        Add($"pol {cpu} {LegalVector():x} {(isX2Apic[cpu] && (steps & 4) != 0 ? steps ^ 0x44 : steps):x}");
    }

    private void AddHook()
    {
        uint vector = LegalVector();
        if (hooks[vector]++ >= RecordedOp.MaxHooks)
            return;
        Add($"hook {vector:x} {LineAndPin()} {random.Below(2)}");
        Add($"pol {Cpu()} {vector:x} {(random.OneIn(2) ? 5 : 7):x}");
    }

    private void Reconfigure()
    {
        int cpu = Cpu();
        if (isX2Apic[cpu] || random.OneIn(2))
            Register(cpu, 0xF0, random.Of<uint>(SpuriousRegisters));
        else if (random.OneIn(3))
            Add($"mw {cpu} fee000e0 {random.Of<uint>(DestinationFormats):x}");
        else
            Add($"mw {cpu} fee000d0 {random.Of<uint>(LogicalIds) << 24:x}");
    }

    // LINT0 mostly as the 8259's way in; the error entry for the ESR's sake.
    private void WriteLvt()
    {
        int cpu = Cpu();
        switch (random.Below(8))
        {
            case < 3: Register(cpu, 0x350, random.Of<uint>([0x700, 0x700, 0x10700, 0x8700, 0x400])); break;
            case 3: Register(cpu, 0x350, LegalVector() | Bit(3, 15) | Bit(4, 16)); break;
            case < 6: Register(cpu, 0x360, random.Of<uint>([0x400, 0x400, 0x10400, 0x700])); break;
            case 6: Register(cpu, 0x370, LegalVector()); break;
            default: Register(cpu, 0x280, 0); break;
        }
    }

    private void Look()
    {
        int cpu = Cpu();
        switch (random.Below(8))
        {
            case 0: Add($"dumpL {cpu}"); break;
            case 1: Add($"dumpI"); break;
            case 2: Add($"dumpP"); break;
            case 3: Add($"ppr {cpu}"); break;
            case 4: Add($"in {cpu} {random.Of<ushort>(PicPorts):x}"); break;
            case 5: Add($"ior {cpu} {random.Below(0x40):x}"); break;
            case 6: Add($"rcr8 {cpu}"); break;
            default: ReadRegister(cpu, random.Of<uint>(LocalRegisters)); break;
        }
    }

    private void ReadRegister(int cpu, uint offset)
    {
        if (isX2Apic[cpu])
            Add($"rdmsr {cpu} {0x800 + (offset >> 4):x}");
        else
            Add($"mr {cpu} {0xFEE0_0000 + offset:x}");
    }

    private void HaltOrRun()
    {
        int cpu = Cpu();
        if (isHalted[cpu])
            Add($"run {cpu}");
        else
            Add($"hlt {cpu} {1 + random.Below(6)}");
        isHalted[cpu] = !isHalted[cpu];
    }
}
