using System.Runtime.InteropServices;
using ScenarioHv.Conformance;

namespace ScenarioHv.Witnesses;

/// <summary>A VM with KVM's interrupt controllers (<c>KVM_CREATE_IRQCHIP</c>), wired as the recordings have it.</summary>
internal sealed class KvmMachine : IDisposable
{
    private const int PicInputs = 16;
    private const int PicHalf = 8;
    private const ulong QuirkLint0Reenabled = 1;
    private const ulong X2ApicUse32BitIds = 1;
    private const ulong X2ApicDisableBroadcastQuirk = 2;

    private readonly KvmFile vm;

    /// <summary>Creates the machine after power-on, each CPU in long mode.</summary>
    /// <exception cref="WitnessException">KVM refused.</exception>
    public KvmMachine(KvmSystem system, GuestMemory memory, int cpus, bool hasX2Apic)
    {
        vm = system.CreateVm();
        try
        {
            Enable("KVM_CAP_DISABLE_QUIRKS2", KvmCapability.DisableQuirks2, QuirkLint0Reenabled);
            Enable("KVM_CAP_X2APIC_API", KvmCapability.X2ApicApi, X2ApicUse32BitIds | X2ApicDisableBroadcastQuirk);
            Map(memory);
            vm.Do("KVM_CREATE_IRQCHIP", KvmIoctl.CreateIrqchip);
            Wire();
            for (int cpu = 0; cpu < cpus; cpu++)
                Cpus.Add(new KvmCpu(vm, cpu, system, memory, hasX2Apic));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public List<KvmCpu> Cpus { get; } = [];

    /// <summary>Drives a line.</summary>
    public void Drive(LineTarget target, int pin, bool high)
    {
        if (target != LineTarget.Pic)
            SetGsi(pin, high);
        if (target != LineTarget.IoApic)
            SetGsi(KvmIoApicState.Pins + pin, high);
    }

    /// <summary>Sends a device's message. That no CPU takes it is no fault.</summary>
    public unsafe void Send(uint address, uint data)
    {
        var msi = new KvmMsi { AddressLow = address, Data = data };
        if (LibC.Ioctl(vm, KvmIoctl.SignalMsi, (nint)(&msi)) < 0 && Marshal.GetLastPInvokeError() != LibC.ErrorNotPermitted)
            throw new WitnessException($"KVM_SIGNAL_MSI failed: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <summary>The registers of a chip, <see cref="KvmIrqchip.IoApic"/> for example.</summary>
    public KvmIrqchip ReadChip(uint chip)
    {
        var state = new KvmIrqchip { Chip = chip };
        vm.Do("KVM_GET_IRQCHIP", KvmIoctl.GetIrqchip, ref state);
        return state;
    }

    public void Dispose()
    {
        foreach (KvmCpu cpu in Cpus)
            cpu.Dispose();
        vm.Dispose();
    }

    private void Enable(string name, KvmCapability capability, ulong argument)
    {
        var enable = new KvmEnableCap { Capability = (uint)capability, Argument = argument };
        vm.Do(name, KvmIoctl.EnableCap, ref enable);
    }

    private void Map(GuestMemory memory)
    {
        var region = new KvmMemoryRegion
        {
            GuestAddress = GuestMemory.Base,
            Length = GuestMemory.Length,
            UserAddress = (ulong)memory.HostAddress,
        };
        vm.Do("KVM_SET_USER_MEMORY_REGION", KvmIoctl.SetUserMemoryRegion, ref region);
    }

    // GSIs 0-23 are the I/O APIC's pins, 24-39 the 8259s' inputs. KVM's own table would have both chips at 0-15, and pin 2 at GSI 0.
    private unsafe void Wire()
    {
        const int Count = KvmIoApicState.Pins + PicInputs;
        byte* table = stackalloc byte[8 + (Count * sizeof(KvmRoute))];
        *(ulong*)table = Count;
        var routes = new Span<KvmRoute>(table + 8, Count);
        for (int gsi = 0; gsi < Count; gsi++)
        {
            int input = gsi - KvmIoApicState.Pins;
            routes[gsi] = new KvmRoute
            {
                Gsi = (uint)gsi,
                Type = KvmRoute.ToChip,
                Chip = input < 0 ? KvmIrqchip.IoApic : input < PicHalf ? KvmIrqchip.MasterPic : KvmIrqchip.SlavePic,
                Pin = (uint)(input < 0 ? gsi : input % PicHalf),
            };
        }

        vm.Do("KVM_SET_GSI_ROUTING", KvmIoctl.SetGsiRouting, (nint)table);
    }

    private void SetGsi(int gsi, bool high)
    {
        var level = new KvmIrqLevel { Gsi = (uint)gsi, Level = high ? 1u : 0u };
        vm.Do("KVM_IRQ_LINE", KvmIoctl.IrqLine, ref level);
    }
}
