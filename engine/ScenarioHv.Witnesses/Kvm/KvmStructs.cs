using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ScenarioHv.Witnesses;

#pragma warning disable CS0649 // The kernel assigns what is only read here.

/// <summary><c>struct kvm_regs</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KvmRegs
{
    public ulong Rax, Rbx, Rcx, Rdx, Rsi, Rdi, Rsp, Rbp, R8, R9, R10, R11, R12, R13, R14, R15, Rip, Rflags;
}

/// <summary><c>struct kvm_segment</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KvmSegment
{
    public ulong Base;
    public uint Limit;
    public ushort Selector;
    public byte Type, Present, Dpl, Db, S, L, G, Avl, Unusable, Padding;
}

/// <summary><c>struct kvm_dtable</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KvmTable
{
    public ulong Base;
    public ushort Limit;
    public ushort Padding0, Padding1, Padding2;
}

/// <summary><c>struct kvm_sregs</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KvmSregs
{
    public const int Size = 312;

    public KvmSegment Cs, Ds, Es, Fs, Gs, Ss, Tr, Ldt;
    public KvmTable Gdt, Idt;
    public ulong Cr0, Cr2, Cr3, Cr4, Cr8, Efer, ApicBase;
    public ulong Interrupts0, Interrupts1, Interrupts2, Interrupts3;
}

/// <summary>The head of <c>struct kvm_run</c>, the page that a vCPU shares with its user space.</summary>
[StructLayout(LayoutKind.Explicit)]
internal struct KvmRunPage
{
    public const int Io = 2;
    public const int Mmio = 6;
    public const int Shutdown = 8;
    public const int FailEntry = 9;
    public const int InternalError = 17;

    /// <summary>KVM_SYNC_X86_REGS: the page carries the general registers.</summary>
    public const ulong SyncRegs = 1;

    [FieldOffset(8)] public uint ExitReason;
    [FieldOffset(24)] public ulong ApicBase;

    [FieldOffset(32)] public byte IoIsOut;
    [FieldOffset(33)] public byte IoSize;
    [FieldOffset(34)] public ushort IoPort;
    [FieldOffset(36)] public uint IoCount;
    [FieldOffset(40)] public ulong IoDataOffset;

    [FieldOffset(32)] public ulong MmioAddress;
    [FieldOffset(40)] public ulong MmioData;
    [FieldOffset(52)] public byte MmioIsWrite;

    [FieldOffset(288)] public ulong ValidRegs;
    [FieldOffset(296)] public ulong DirtyRegs;
    [FieldOffset(304)] public KvmRegs Regs;
}

/// <summary><c>struct kvm_userspace_memory_region</c>.</summary>
internal struct KvmMemoryRegion
{
    public uint Slot;
    public uint Flags;
    public ulong GuestAddress;
    public ulong Length;
    public ulong UserAddress;
}

/// <summary><c>struct kvm_irq_level</c>.</summary>
internal struct KvmIrqLevel
{
    public uint Gsi;
    public uint Level;
}

/// <summary><c>struct kvm_msi</c>.</summary>
[StructLayout(LayoutKind.Sequential, Size = Size)]
internal struct KvmMsi
{
    public const int Size = 32;

    public uint AddressLow;
    public uint AddressHigh;
    public uint Data;
    public uint Flags;
}

/// <summary><c>struct kvm_enable_cap</c>.</summary>
[StructLayout(LayoutKind.Sequential, Size = Size)]
internal struct KvmEnableCap
{
    public const int Size = 104;

    public uint Capability;
    public uint Flags;
    public ulong Argument;
}

/// <summary>An entry of <c>struct kvm_irq_routing</c> that names a pin of a chip.</summary>
[StructLayout(LayoutKind.Sequential, Size = 48)]
internal struct KvmRoute
{
    public const uint ToChip = 1;

    public uint Gsi;
    public uint Type;
    public uint Flags;
    public uint Padding;
    public uint Chip;
    public uint Pin;
}

/// <summary><c>struct kvm_vcpu_events</c>, as far as it is looked at.</summary>
[StructLayout(LayoutKind.Explicit, Size = Size)]
internal struct KvmVcpuEvents
{
    public const int Size = 64;

    [FieldOffset(12)] public byte NmiInjected;
    [FieldOffset(13)] public byte NmiPending;
    [FieldOffset(25)] public byte SmiPending;
}

/// <summary><c>struct kvm_cpuid_entry2</c>.</summary>
internal struct KvmCpuidEntry
{
    public const int Size = 40;

    public uint Function, Index, Flags, Eax, Ebx, Ecx, Edx, Padding0, Padding1, Padding2;
}

/// <summary><c>struct kvm_cpuid2</c> with room for what any processor of today has.</summary>
internal struct KvmCpuid
{
    public const int MaxEntries = 256;

    public uint Count;
    public uint Padding;
    public Entries All;

    [InlineArray(MaxEntries)]
    public struct Entries
    {
        private KvmCpuidEntry first;
    }
}

/// <summary><c>struct kvm_signal_mask</c> with the kernel's eight bytes of signals.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct KvmSignalMask
{
    public uint Length;
    public ulong Signals;
}

/// <summary><c>struct kvm_irqchip</c>: one 8259, or the I/O APIC.</summary>
[StructLayout(LayoutKind.Explicit, Size = Size)]
internal struct KvmIrqchip
{
    public const int Size = 520;
    public const uint MasterPic = 0;
    public const uint SlavePic = 1;
    public const uint IoApic = 2;

    [FieldOffset(0)] public uint Chip;
    [FieldOffset(8)] public KvmPicState Pic;
    [FieldOffset(8)] public KvmIoApicState IoApicState;
}

/// <summary><c>struct kvm_pic_state</c>.</summary>
internal struct KvmPicState
{
    public byte LastIrr, Irr, Imr, Isr, PriorityAdd, IrqBase, ReadsIsr, Poll, SpecialMask, Init, AutoEoi, RotatesOnAutoEoi;
    public byte SpecialFullyNested, Icw4, Elcr, ElcrMask;
}

/// <summary><c>struct kvm_ioapic_state</c>.</summary>
internal struct KvmIoApicState
{
    public const int Pins = 24;

    public ulong BaseAddress;
    public uint Select;
    public uint Id;
    public uint Irr;
    public uint Padding;
    public Table Redirection;

    [InlineArray(Pins)]
    public struct Table
    {
        private ulong first;
    }
}
