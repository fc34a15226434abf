using System.Globalization;

namespace ScenarioHv.Conformance.Tests.Naive;

/// <summary>
/// A random list of operations from a seed. Few vectors, pins and destinations, so that operations meet; registers mostly with values
/// that mean something.
/// </summary>
internal sealed class RandomOps
{
    private static readonly int[] Vectors = [0x10, 0x1F, 0x31, 0x35, 0x41, 0x42, 0x51, 0x61, 0x91, 0xE1, 0xFE, 0xFF];
    private static readonly int[] Pins = [0, 1, 3, 4, 5, 8, 9, 10, 11, 15];
    private static readonly uint[] Lvts = [0x320, 0x330, 0x340, 0x350, 0x360, 0x370];
    private readonly Random random;
    private readonly List<string> texts = [];
    private readonly int[] hooks = new int[256];

    private RandomOps(int seed)
    {
        random = new Random(seed);
        Cpus = Chance(90) ? 1 + random.Next(2) : 3 + random.Next(2);
        HasX2Apic = random.Next(2) == 0;
    }

    private int Cpus { get; }

    private bool HasX2Apic { get; }

    /// <summary>The list of a seed: a boot that varies, then 30 to 50 operations.</summary>
    public static Recording Generate(int seed)
    {
        var list = new RandomOps(seed);
        list.Boot();
        int count = 30 + list.random.Next(21);
        for (int i = 0; i < count; i++)
            list.Step();
        string name = $"seed {seed}";
        return new Recording(name, name, list.Cpus, list.HasX2Apic, [.. list.texts.Select(text => RecordedOp.Parse(text, list.Cpus))], []);
    }

    private void Boot()
    {
        for (int cpu = 0; cpu < Cpus; cpu++)
        {
            if (Chance(90))
                Add($"mw {cpu} fee000f0 1ff");
            if (Chance(40))
                Add($"mw {cpu} fee000d0 {random.Next(4) << 24 | 1 << 24:x}");
            if (Chance(20))
                Add($"mw {cpu} fee000e0 {(Chance(60) ? 0 : 0xF):x}0000000");
            if (HasX2Apic && Chance(40))
                Add($"wrmsr {cpu} 1b fee00{(cpu == 0 ? "d" : "c")}00");
            if (Chance(40))
                WriteLapic(cpu, 0x350, Chance(70) ? 0x700 : Lvt());
        }

        if (Chance(60))
        {
            BootPic(0x20, 0x20, 4);
            BootPic(0xA0, 0x28, 2);
        }

        int pins = random.Next(4);
        for (int i = 0; i < pins; i++)
            RedirectionEntry();
    }

    private void BootPic(int port, int vectorBase, int cascade)
    {
        int icw4 = Chance(90) ? 1 : 0;
        Add($"out 0 {port:x} {0x10 | icw4 | (Chance(10) ? 8 : 0) | (Chance(4) ? 2 : 0):x}");
        Add($"out 0 {port + 1:x} {vectorBase:x}");
        Add($"out 0 {port + 1:x} {(Chance(5) ? random.Next(256) : cascade):x}");
        if (icw4 == 1)
            Add($"out 0 {port + 1:x} {1 | (Chance(15) ? 2 : 0) | (Chance(20) ? 0x10 : 0):x}");
        if (Chance(30))
            Add($"out 0 {port + 1:x} {random.Next(256):x}");
        if (Chance(20))
            Add($"out 0 {port:x} {Pick(["68", "80", "68"])}");
    }

    private void Step()
    {
        switch (random.Next(20))
        {
            case 0 or 1:
                Line();
                break;
            case 2 or 3:
                Ipi();
                break;
            case 4:
                Msi();
                break;
            case 5:
                PicCommand();
                break;
            case 6:
                PicMore();
                break;
            case 7:
                RedirectionEntry();
                break;
            case 8:
                IoApicMore();
                break;
            case 9 or 10:
                LocalRegister();
                break;
            case 11:
                WriteLapic(Cpu(), Pick(Lvts), Lvt());
                break;
            case 12:
                Handler();
                break;
            case 13:
                Mode();
                break;
            case 14:
                Core();
                break;
            case 15:
                Add($"dump{(Chance(60) ? $"L {Cpu()}" : Chance(50) ? "I" : "P")}");
                break;
            case 16:
                Eoi();
                break;
            default:
                Add($"win {Cpu()}{(Chance(30) ? $" {1 + random.Next(4)}" : "")}");
                break;
        }
    }

    private void Line()
    {
        string kind = Chance(40) ? "i" : Chance(60) ? "p" : "b";
        int pin = kind == "i" && Chance(20) ? 16 + random.Next(8) : Chance(5) ? 2 : Pick(Pins);
        Add(Chance(25) ? $"pulse {kind} {pin}" : $"line {kind} {pin} {(Chance(60) ? 1 : 0)}");
    }

    private void Ipi()
    {
        int cpu = Cpu();
        uint shorthand = Chance(50) ? 0 : (uint)random.Next(4) << 18;
        uint low = (uint)(Vector() | IpiMode() << 8) | shorthand | (Chance(30) ? 0x800u : 0) | (uint)random.Next(4) << 14;
        if (HasX2Apic && Chance(40))
        {
            if (Chance(30))
                Add($"wrmsr {cpu} 83f {Vector():x}");
            else
                Add($"wrmsr {cpu} 830 {WideDestination():x8}{low:x8}");
            return;
        }

        if (Chance(70))
            Add($"mw {cpu} fee00310 {Destination():x}000000");
        Add($"mw {cpu} fee00300 {low | (Chance(5) ? 0xFFF33000 : 0):x}");
    }

    private int IpiMode() => Chance(60) ? 0 : Chance(50) ? 1 : Chance(80) ? 4 : Chance(50) ? 3 : random.Next(200) == 0 ? random.Next(8) : 7;

    private void Msi()
    {
        uint address = (Chance(95) ? 0xFEE00000u : 0xFEF00000u) | (uint)Destination() << 12 | (uint)random.Next(4) << 2;
        if (Chance(3))
            address |= 0x10;
        int mode = Chance(60) ? 0 : Chance(60) ? 1 : Chance(70) ? 4 : Chance(60) ? 7 : 3;
        Add($"msi {address:x} {Vector() | mode << 8 | (Chance(25) ? 0xC000 : Chance(15) ? 0x8000 : 0):x}");
    }

    private void PicCommand()
    {
        string port = Chance(60) ? "20" : "a0";
        int level = Chance(70) ? Pick([0, 1, 2, 3]) : random.Next(8);
        int value = Chance(65) ? random.Next(8) << 5 | level : 8 | Pick([0x60, 0x40, 4, 3, 2, 0x20, 0x63]);
        Add($"out {Cpu()} {port} {value:x}");
        if (Chance(20))
            Add($"in {Cpu()} {port}");
    }

    private void PicMore()
    {
        switch (random.Next(6))
        {
            case 0 or 1:
                Add($"out 0 {(Chance(60) ? "21" : "a1")} {random.Next(256) & random.Next(256):x}");
                break;
            case 2:
                Add($"out 0 4d{random.Next(2)} {random.Next(256):x}");
                break;
            case 3:
                Add($"in {Cpu()} {Pick(["20", "21", "a0", "a1", "4d0", "4d1", "80"])}");
                break;
            case 4 when Chance(40):
                if (Chance(50))
                    BootPic(0x20, 0x20, 4);
                else
                    BootPic(0xA0, 0x28, 2);
                break;
            default:
                Add($"in 0 {(Chance(50) ? "20" : "a0")}");
                break;
        }
    }

    private void RedirectionEntry()
    {
        int pin = Chance(20) ? 16 + random.Next(8) : Pick(Pins);
        if (Chance(50))
            Add($"iow {Cpu()} {0x11 + 2 * pin:x} {Destination():x}000000");
        int mode = Chance(70) ? 0 : Chance(60) ? 1 : Chance(60) ? 4 : Chance(80) ? 7 : Chance(90) ? 3 : random.Next(8);
        uint value = (uint)(Vector() | mode << 8) | (Chance(25) ? 0x800u : 0) | (Chance(15) ? 0x2000u : 0);
        value |= (Chance(55) ? 0x8000u : 0) | (Chance(20) ? 0x10000u : 0) | (Chance(10) ? 0x5000u : 0);
        Add($"iow {Cpu()} {0x10 + 2 * pin:x} {value:x}");
    }

    private void IoApicMore()
    {
        switch (random.Next(4))
        {
            case 0:
                Add($"mw {Cpu()} fec00040 {Vector():x}");
                break;
            case 1:
                Add($"ior {Cpu()} {(Chance(50) ? random.Next(4) : 0x10 + random.Next(0x32)):x}");
                break;
            case 2:
                Add($"iow {Cpu()} {random.Next(4):x} {random.Next():x}");
                break;
            default:
                Add($"mr {Cpu()} fec000{Pick(["00", "10", "20", "40"])}");
                break;
        }
    }

    private void LocalRegister()
    {
        int cpu = Cpu();
        switch (random.Next(12))
        {
            case 0 or 1:
                WriteLapic(cpu, 0x80, Chance(60) ? (uint)random.Next(8) << 4 : (uint)random.Next(256));
                break;
            case 2:
                WriteLapic(cpu, 0xF0, (uint)(Chance(70) ? 0x1FF : Chance(60) ? 0xFF : random.Next(0x2000)));
                break;
            case 3:
                string register = Chance(50) ? "d" : Chance(70) ? "e" : "2";
                Add($"mw {cpu} fee000{register}0 {(Chance(40) ? 0 : random.Next(16)):x}{random.Next(4):x}0000{random.Next(256):x2}");
                break;
            case 4:
                Add($"wcr8 {cpu} {random.Next(16):x}");
                break;
            case 5:
                Add($"{(Chance(50) ? "rcr8" : "ppr")} {cpu}");
                break;
            case 6:
                WriteLapic(cpu, 0x280, 0);
                ReadLapic(cpu, 0x280);
                break;
            case 7:
                WriteLapic(cpu, Chance(50) ? 0x380u : 0x3E0u, (uint)(Chance(50) ? random.Next(16) : random.Next(2_000_000)));
                break;
            case 8:
                Add($"sleep {random.Next(4)}");
                break;
            default:
                ReadLapic(cpu, (uint)random.Next(0x40) * 16);
                break;
        }
    }

    private uint Lvt()
    {
        int mode = Chance(50) ? 0 : Chance(50) ? 7 : Chance(90) ? 4 : random.Next(8);
        uint value = (uint)(Vector() | mode << 8) | (Chance(40) ? 0x8000u : 0) | (Chance(15) ? 0x10000u : 0);
        if (Chance(10))
            value |= (uint)random.Next(8) << 12;
        return Chance(15) ? value | (uint)random.Next(8) << 17 : value;
    }

    private void Handler()
    {
        if (Chance(40))
        {
            int vector = Chance(20) ? 2 : Vector();
            if (hooks[vector]++ < 4)
                Add($"hook {vector:x} {(Chance(50) ? "i" : "p")} {Pick(Pins)} {random.Next(2)}");
            return;
        }

        string range = Chance(30) ? $"{0x20 + random.Next(16):x}" : Chance(15) ? "20-2f" : Chance(15) ? "2" : $"{Vector():x}";
        if (range == "2")
            Add($"pol {Cpu()} 2 {Pick([0, 1, 0x21, 2, 3, 3]):x}");
        else
            Add($"pol {Cpu()} {range} {Pick([0, 1, 2, 4, 5, 6, 7, 8, 0x18, 0x1A, 0x1B, 0x24, 0x40, 0x44, 0x26]):x}");
    }

    private void Mode()
    {
        int cpu = Cpu();
        if (Chance(30))
            SwitchMode(cpu, Chance(90) ? "fee00" : Pick(["fed00", "2fee00", "8000000fee00", "fec00"]));
        else if (HasX2Apic && Chance(50))
            Add($"wrmsr {cpu} {0x800 + random.Next(0x42):x} {(Chance(50) ? 0 : Chance(70) ? random.Next(0x400) : random.NextInt64()):x}");
        else if (Chance(50))
            Add($"rdmsr {cpu} {(Chance(20) ? 0x1B : 0x800 + random.Next(0x42)):x}");
        else
            Add($"mr {cpu} fee00{random.Next(0x100):x2}0");
    }

    private void SwitchMode(int cpu, string page) => Add($"wrmsr {cpu} 1b {page}{Pick(["8", "9", "c", "d", "0", "4", "a"])}00");

    private void Core()
    {
        int cpu = Cpu();
        Add(random.Next(8) switch
        {
            0 or 1 => $"nmi {cpu}",
            2 => "lint1",
            3 => $"hlt {cpu}",
            4 or 5 => $"run {cpu}",
            _ => $"nop {cpu}",
        });
    }

    private void Eoi()
    {
        int cpu = Cpu();
        WriteLapic(cpu, 0xB0, 0);
    }

    private void WriteLapic(int cpu, uint offset, uint value)
    {
        if (HasX2Apic && Chance(40))
            Add($"wrmsr {cpu} {0x800 + offset / 16:x} {value:x}");
        else
            Add($"mw {cpu} fee00{offset:x3} {value:x}");
    }

    private void ReadLapic(int cpu, uint offset) =>
        Add(HasX2Apic && Chance(40) ? $"rdmsr {cpu} {0x800 + offset / 16:x}" : $"mr {cpu} fee00{offset:x3}");

    private int Cpu() => random.Next(Cpus);

    private int Vector() => Chance(4) ? random.Next(16) : Pick(Vectors);

    private int Destination() => Chance(70) ? random.Next(4) : Chance(40) ? 0xFF : random.Next(256);

    private ulong WideDestination() => Chance(60) ? (ulong)Destination() : Chance(50) ? 0xFFFFFFFF : (ulong)random.NextInt64(1L << 32);

    private bool Chance(int percent) => random.Next(100) < percent;

    private T Pick<T>(T[] choices) => choices[random.Next(choices.Length)];

    private void Add(FormattableString text) => texts.Add(text.ToString(CultureInfo.InvariantCulture));

    private void Add(string text) => texts.Add(text);
}
