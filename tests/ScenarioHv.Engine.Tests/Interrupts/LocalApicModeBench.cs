using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>One local APIC whose mode and policies a test chooses. Out of RESET it is in xAPIC mode and software-disabled.</summary>
internal sealed class LocalApicModeBench
{
    public const uint Base = 0xFEE0_0000;
    public const uint SixLvt = LocalApicOptions.SixLvtVersion;

    public LocalApic Apic;

    public LocalApicTimerClock Clock = new(tscHz: 1_000_000_000, busHz: 1_000_000_000);

    public long Now;

    public LocalApicModeBench(
        LocalApicPolicies policies = default,
        uint id = 3,
        bool bsp = false,
        uint version = SixLvt,
        bool hasX2Apic = true,
        ApicMode mode = ApicMode.XApic)
    {
        Apic.Reset(id, bsp, new LocalApicOptions(version) { Policies = policies, HasX2Apic = hasX2Apic, PhysicalAddressBits = 40 });
        SetMode(mode);
    }

    public Instant Time => new(Now);

    /// <summary>In x2APIC mode and software-enabled.</summary>
    public static LocalApicModeBench X2(LocalApicPolicies policies = default, uint id = 3, uint version = SixLvt)
    {
        var bench = new LocalApicModeBench(policies, id, version: version, mode: ApicMode.X2Apic);
        bench.Wr(0x80F, 0x1FF);
        return bench;
    }

    /// <summary>In xAPIC mode and software-enabled.</summary>
    public static LocalApicModeBench X1(LocalApicPolicies policies = default, uint id = 3, bool bsp = false, uint version = SixLvt)
    {
        var bench = new LocalApicModeBench(policies, id, bsp, version);
        bench.Write(LocalApicRegister.Svr, 0x1FF);
        return bench;
    }

    public static uint ModeBits(ApicMode mode) => (uint)mode << 10;

    public bool SetMode(ApicMode mode) => SetBase(Base | ModeBits(mode));

    /// <summary>WRMSR 1Bh. False on #GP.</summary>
    public bool SetBase(ulong value) => !Apic.WriteApicBase(value).IsGeneralProtection;

    /// <summary>The value of a readable MSR.</summary>
    public ulong Rd(uint msr)
    {
        MsrReadResult result = Apic.ReadMsr(msr, Time, Clock);
        Assert.That(result.IsGeneralProtection, Is.False, $"RDMSR {msr:X}h");
        return result.Value;
    }

    public bool CanRead(uint msr) => !Apic.ReadMsr(msr, Time, Clock).IsGeneralProtection;

    public RegisterWriteEffect Wr(uint msr, ulong value)
    {
        MsrWriteResult result = Apic.WriteMsr(msr, value, Time, Clock);
        Assert.That(result.IsGeneralProtection, Is.False, $"WRMSR {msr:X}h");
        return result.Effect;
    }

    public bool CanWrite(uint msr, ulong value) => !Apic.WriteMsr(msr, value, Time, Clock).IsGeneralProtection;

    public uint Read(int offset) => Apic.Read(offset, Time, Clock);

    public RegisterWriteEffect Write(int offset, uint value) => Apic.Write(offset, value, Time, Clock);

    public AcceptResult Accept(DeliveryMode mode, int vector = 0x41, ApicMessageFlags flags = ApicMessageFlags.None) =>
        Apic.Accept(new ApicMessage { Mode = mode, Vector = (byte)vector, Flags = flags });

    public bool Matches(uint destination, bool logical = false, bool isIpi = false) => Apic.Matches(
        new ApicMessage { Destination = destination, Flags = logical ? ApicMessageFlags.Logical : ApicMessageFlags.None }, isIpi);
}
