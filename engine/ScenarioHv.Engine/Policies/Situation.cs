using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Virtualization;

namespace ScenarioHv.Engine.Policies;

/// <summary>
/// What a policy script sees when it is asked: the vCPU that the step concerns, as it is in that moment. It holds numbers only and looks
/// into the machine of the step under way. Where no vCPU is concerned, <see cref="Vcpu"/> is -1 and what belongs to one is 0, false or -1.
/// </summary>
public readonly struct Situation
{
    private readonly short _vcpu;
    private readonly short _pin;
    private readonly short _vector;
    private readonly bool _isLineHigh;

    internal Situation(int vcpu, int pin = -1, int vector = -1, bool isLineHigh = false)
    {
        (_vcpu, _pin, _vector) = ((short)vcpu, (short)pin, (short)vector);
        _isLineHigh = isLineHigh;
    }

    /// <summary>The situation of the step under way, about nothing in particular.</summary>
    internal static Situation Of(StepContext context) => new(context.Vcpu == byte.MaxValue ? -1 : context.Vcpu);

    /// <summary>The vCPU, from 0; -1 if the step concerns none, as many of the monitor's I/O thread.</summary>
    public int Vcpu => _vcpu;

    /// <summary>Whose control structure is loaded: 1 the guest's, 2 its guest's.</summary>
    public int Level => HasVcpu ? State.Level : 0;

    /// <summary>RIP of the guest of that level.</summary>
    public ulong Rip => HasVcpu ? Board.Processor.Rip(Context.Machine, _vcpu, Level) : 0;

    /// <summary>RFLAGS.IF of the guest of that level.</summary>
    public bool InterruptFlag => HasVcpu && Core.InterruptFlag != 0;

    /// <summary>Blocking by NMI in the guest of that level (SDM3 24.4.2, bit 3 of the interruptibility state).</summary>
    public bool NmiBlocked => HasVcpu && Core.NmiBlocked != 0;

    /// <summary>How many NMIs wait for injection, 0..2 (KVM's nmi_pending).</summary>
    public int NmiPending => HasKvmVcpu ? KvmVcpu.NmiPending : 0;

    /// <summary>The highest vector in IRR of its local APIC; -1 if there is none.</summary>
    public int HighestIrr => HasVcpu ? Apic.Irr.Highest : -1;

    /// <summary>The highest vector in ISR; -1 if there is none.</summary>
    public int HighestIsr => HasVcpu ? Apic.Isr.Highest : -1;

    /// <summary>The task priority register.</summary>
    public byte Tpr => HasVcpu ? Apic.Tpr : (byte)0;

    /// <summary>The processor priority register, as it was last computed.</summary>
    public byte Ppr => HasVcpu ? Apic.Ppr : (byte)0;

    /// <summary>Outstanding notification: the descriptor's ON. False where there is no descriptor.</summary>
    public bool On => HasDescriptor && Descriptor.On != 0;

    /// <summary>Suppress notification: the descriptor's SN. False where there is no descriptor.</summary>
    public bool Sn => HasDescriptor && Descriptor.Sn != 0;

    /// <summary>True while the processor delivers the vCPU's interrupts itself (KVM's apicv_active).</summary>
    public bool ApicvActive => HasKvmVcpu && KvmVcpu.ApicvActive != 0;

    /// <summary>True if the vCPU says that it is in guest mode: to others a kick is then an interrupt (vcpu->mode).</summary>
    public bool InGuestMode => HasKvmVcpu ? KvmVcpu.Mode == VcpuMode.InGuest : HasVcpu && State.InGuest != 0;

    /// <summary>True if it is the vCPU's own thread whose step this is, false if another's or a timer's.</summary>
    public bool IsOwnThread => HasVcpu && Context.Actor == _vcpu;

    /// <summary>The vector that the point is about, such as the one that is posted or ended; -1 if it is about none.</summary>
    public int Vector => _vector;

    /// <summary>The pin of the I/O APIC that the point is about; -1 if it is about none.</summary>
    public int Pin => _pin;

    /// <summary>True if that pin is unmasked and its line is high.</summary>
    public bool LineIsHigh => _isLineHigh;

    /// <summary>Whether <paramref name="vector"/> is in IRR.</summary>
    /// <param name="vector">0..255.</param>
    /// <exception cref="GuestException">There is no such vector.</exception>
    public bool HasIrr(int vector) => IsVector(vector) && HasVcpu && Apic.Irr[vector];

    /// <summary>Whether <paramref name="vector"/> is in ISR.</summary>
    /// <inheritdoc cref="HasIrr"/>
    public bool HasIsr(int vector) => IsVector(vector) && HasVcpu && Apic.Isr[vector];

    /// <summary>Whether <paramref name="vector"/> is in PIR of the posted-interrupt descriptor.</summary>
    /// <inheritdoc cref="HasIrr"/>
    public bool HasPir(int vector) => IsVector(vector) && HasDescriptor && (Descriptor.Word(vector >> 6) >> (vector & 63) & 1) != 0;

    private static StepContext Context => StepContext.Current;

    private static Board Board => Context.Board;

    private bool HasVcpu => _vcpu >= 0;

    private bool HasKvmVcpu => HasVcpu && Board.Kvm.Count > 0;

    private bool HasDescriptor => HasVcpu && Board.PostedInterrupts.Count > 0;

    private ref VcpuState State => ref Context.Machine.Ref(Board.Vcpus, _vcpu);

    private ref CpuCore Core => ref Context.Machine.Ref(Board.Cores, Board.CoreIndex(_vcpu, Level));

    private ref LocalApic Apic => ref Context.Machine.Ref(Board.Apics, _vcpu);

    private ref KvmVcpu KvmVcpu => ref Context.Machine.Ref(Board.Kvm, _vcpu);

    private ref Virtualization.Vmx.PostedInterrupts Descriptor => ref Context.Machine.Ref(Board.PostedInterrupts, _vcpu);

    private static bool IsVector(int vector) => vector is >= 0 and <= 255
        ? true : throw new GuestException($"{vector} is not a vector: vectors are 0..255.");
}
