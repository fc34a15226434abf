using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>
/// The doors to a local APIC beside its page: x2APIC's MSRs, Hyper-V's MSRs, and the assist page on which a guest finds that it may omit
/// its EOI (x86.c:kvm_set_msr_common, hyperv.c:kvm_hv_set_msr, lapic.c:apic_sync_pv_eoi_to_guest). What CPUID says of them.
/// </summary>
internal static class KvmVapic
{
    /// <summary>CPUID leaf 1: bit 21 of ECX is x2APIC.</summary>
    public const uint FeatureLeaf = 1;

    /// <summary>CPUID leaf 40000003h: which of Hyper-V's interfaces there are.</summary>
    public const uint HypervFeatureLeaf = 0x4000_0003;

    /// <summary>CPUID leaf 40000004h: which of them should be used.</summary>
    public const uint HypervAdviceLeaf = 0x4000_0004;

    /// <summary>EAX of a leaf; of leaf 1 ECX. Bits that concern nothing modelled are 0.</summary>
    public static uint Cpuid(Configuration.MachineConfig config, uint leaf) => leaf switch
    {
        FeatureLeaf => config.X2Apic ? 1u << 21 : 0,
        HypervFeatureLeaf when config.Hyperv is { } hyperv => (hyperv.SynIc ? 1u << 2 : 0) | (hyperv.Vapic ? 1u << 4 : 0),
        HypervAdviceLeaf when config.Hyperv is { } hyperv => (hyperv.Vapic ? 1u << 3 : 0) | (hyperv.AutoEoiDeprecated ? 1u << 9 : 0),
        _ => 0,
    };

    /// <summary>True for an MSR that is a door to the local APIC in this machine.</summary>
    public static bool IsApicMsr(uint msr)
    {
        var config = HostThread.Board.Config;
        return (config.X2Apic && msr is ApicBaseBits.Msr or >= LocalApic.FirstX2ApicMsr and <= LocalApic.LastX2ApicMsr)
            || (config.Hyperv is { Vapic: true } && msr is >= HypervApicMsrs.Eoi and <= ApicAssistPage.Msr);
    }

    /// <summary>RDMSR.</summary>
    /// <exception cref="GuestException">It is #GP.</exception>
    public static ulong Read(VcpuThread vcpu, uint msr)
    {
        var context = VcpuThread.Context;
        switch (msr)
        {
            case ApicBaseBits.Msr: return vcpu.Apic.ApicBase;
            case ApicAssistPage.Msr: return context.Machine.Ref(context.Board.Assists, vcpu.Index).Register;
            case >= LocalApic.FirstX2ApicMsr and <= LocalApic.LastX2ApicMsr:
                var read = vcpu.Apic.ReadMsr(msr, new Instant(context.Machine.Now), context.Board.ApicClock);
                return read.IsGeneralProtection ? throw Fault("RDMSR", msr) : read.Value;
            default:
                return HypervApicMsrs.TryRead(vcpu.Apic, msr, out var value) ? value : throw Fault("RDMSR", msr);
        }
    }

    /// <summary>WRMSR.</summary>
    /// <exception cref="GuestException">It is #GP.</exception>
    public static async HostTask Write(VcpuThread vcpu, uint msr, ulong value)
    {
        var (ended, sends) = Store(vcpu, msr, value, out var ipi);
        if (sends)
        {
            await InterruptDelivery.SendIpi(vcpu, ipi);
        }

        if (ended >= 0)
        {
            await KvmLapic.AfterEoi(vcpu, (byte)ended, emulated: true);
        }
    }

    /// <summary>
    /// Before an entry: the guest may omit the EOI of what it has in service. Not with APICv, where KVM does not see IRR change.
    /// </summary>
    public static void OfferNoEoi(VcpuThread vcpu)
    {
        var context = VcpuThread.Context;
        if (context.Board.Assists.Count == 0 || vcpu.IsL2)
        {
            return;
        }

        var inService = vcpu.Apic.Isr.Highest;
        var needed = inService >= 0 && Requests.IsHandled(ref vcpu.Kvm, (byte)inService);
        var pending = vcpu.ApicvActive || vcpu.Apic.Irr.Highest >= 0 ? 1 : 0;
        var facts = new ApicAssistFacts(pending, inService, inService >= 0 && vcpu.Apic.Tmr.Contains(inService), needed);
        context.Machine.Ref(context.Board.Assists, vcpu.Index).TryOffer(facts, context.Board.Controllers.Hyperv.ApicAssist);
    }

    /// <summary>After an exit: an EOI that the guest has omitted is performed (apic_sync_pv_eoi_from_guest).</summary>
    public static void TakeBack(VcpuThread vcpu)
    {
        var context = VcpuThread.Context;
        if (context.Board.Assists.Count == 0 || !context.Machine.Ref(context.Board.Assists, vcpu.Index).TakeBack())
        {
            return;
        }

        var vector = vcpu.Apic.Eoi().Vector;
        Ended(vcpu, vector);
        VcpuThread.Emit(TraceEventKind.KvmPvEoi, vcpu.Apic.ApicId, unchecked((ulong)vector));
        vcpu.Request(KvmRequests.Event);
    }

    /// <summary>KVM has put a vector into ISR (lapic.c:apic_set_isr, highest_isr_cache).</summary>
    public static void Dispensed(VcpuThread vcpu, int vector)
    {
        if (VcpuThread.Context.Board.Assists.Count > 0)
        {
            VcpuThread.Context.Machine.Ref(VcpuThread.Context.Board.Assists, vcpu.Index).Dispensed(vector);
        }
    }

    /// <summary>KVM has performed an EOI: traces it, and tells who else wants to hear of it.</summary>
    public static void Ended(VcpuThread vcpu, int vector)
    {
        VcpuThread.Emit(TraceEventKind.KvmEoi, vcpu.Apic.ApicId, unchecked((ulong)vector));
        KvmHyperv.Ended(vcpu.Index, vector);
        if (VcpuThread.Context.Board.Assists.Count > 0)
        {
            VcpuThread.Context.Machine.Ref(VcpuThread.Context.Board.Assists, vcpu.Index).Ended();
        }
    }

    /// <returns>The vector that it ends, -1 if it ends none; and whether it sends <paramref name="ipi"/>.</returns>
    private static (int Ended, bool Sends) Store(VcpuThread vcpu, uint msr, ulong value, out IpiRequest ipi)
    {
        var context = VcpuThread.Context;
        var now = new Instant(context.Machine.Now);
        ipi = default;
        switch (msr)
        {
            case ApicAssistPage.Msr:
                context.Machine.Ref(context.Board.Assists, vcpu.Index).WriteRegister(value);
                return (-1, false);
            case ApicBaseBits.Msr:
                return vcpu.Apic.WriteApicBase(value).IsGeneralProtection ? throw Fault("WRMSR", msr) : (-1, false);
            case >= LocalApic.FirstX2ApicMsr and <= LocalApic.LastX2ApicMsr:
                VcpuThread.Emit(TraceEventKind.KvmApic, 1, (msr & 0xff) << 4, value);
                var write = vcpu.Apic.WriteMsr(msr, value, now, context.Board.ApicClock);
                if (((msr & 0xff) << 4) == LocalApicRegister.TimerInitialCount && write.Effect.Has(LocalApicEffects.TimerChanged))
                {
                    KvmTimer.Forget(ref vcpu.Kvm);
                }

                return write.IsGeneralProtection ? throw Fault("WRMSR", msr) : Apply(vcpu, write.Effect, out ipi);
            default:
                VcpuThread.Emit(TraceEventKind.KvmApic, 1, OffsetOf(msr), value);
                return HypervApicMsrs.TryWrite(
                    ref vcpu.Apic, msr, value, now, context.Board.ApicClock, context.Board.Controllers.Hyperv.ApicMsrs, out var effect)
                    ? Apply(vcpu, effect, out ipi)
                    : throw Fault("WRMSR", msr);
        }
    }

    private static (int Ended, bool Sends) Apply(VcpuThread vcpu, in RegisterWriteEffect effect, out IpiRequest ipi)
    {
        ipi = effect.Ipi;
        if (!effect.Has(LocalApicEffects.Eoi))
        {
            vcpu.Request(KvmRequests.Event);
        }

        return KvmLapic.Apply(vcpu, effect);
    }

    private static ulong OffsetOf(uint msr) => msr switch
    {
        HypervApicMsrs.Eoi => LocalApicRegister.Eoi,
        HypervApicMsrs.Icr => LocalApicRegister.IcrLow,
        _ => LocalApicRegister.Tpr,
    };

    private static GuestException Fault(string what, uint msr) =>
        new($"{what} of 0x{msr:x} is #GP here, which guests of scenarios have no handler for.");
}
