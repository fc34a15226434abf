using System.Globalization;
using System.Runtime.InteropServices;
using ScenarioHv.Conformance;

namespace ScenarioHv.Witnesses;

/// <summary>How KVM_RUN ended.</summary>
internal enum RunEnd
{
    /// <summary>The snippet is through.</summary>
    Done,

    /// <summary>A gate of the IDT reported.</summary>
    Gate,

    /// <summary>The timer's signal came.</summary>
    Signal,
}

/// <summary>A vCPU. It executes snippets, and its registers are the host's to set whenever it has reported.</summary>
internal sealed class KvmCpu : IDisposable
{
    private const uint Runnable = 0;
    private const uint Halted = 3;
    private const ulong ReservedFlag = 2;
    private const ulong InterruptFlag = 0x200;
    private const int ReportSize = 4;

    private readonly GuestMemory memory;
    private readonly KvmFile file;
    private readonly KvmMapping page;

    public KvmCpu(KvmFile vm, int number, KvmSystem system, GuestMemory memory, bool hasX2Apic)
    {
        Number = number;
        this.memory = memory;
        file = new KvmFile(vm.Do("KVM_CREATE_VCPU", KvmIoctl.CreateVcpu, number));
        page = KvmMapping.Of(file, (nuint)system.RunPageLength);
        KvmCpuid cpuid = system.CpuidOf(number, hasX2Apic);
        file.Do("KVM_SET_CPUID2", KvmIoctl.SetCpuid2, ref cpuid);
        var mask = new KvmSignalMask { Length = sizeof(ulong), Signals = ~SignalSet.Of(RunTimer.Signal).Signals };
        file.Do("KVM_SET_SIGNAL_MASK", KvmIoctl.SetSignalMask, ref mask);
        KvmSregs sregs = ReadSregs();
        GuestMemory.EnterLongMode(ref sregs);
        file.Do("KVM_SET_SREGS", KvmIoctl.SetSregs, ref sregs);
        uint state = Runnable;
        file.Do("KVM_SET_MP_STATE", KvmIoctl.SetMpState, ref state);
        Page.ValidRegs = KvmRunPage.SyncRegs;
        Page.ApicBase = ReadSregs().ApicBase;
    }

    public int Number { get; }

    /// <summary>The general registers as of the last report. What is set here counts from the next run on.</summary>
    public ref KvmRegs Regs
    {
        get
        {
            Page.DirtyRegs = KvmRunPage.SyncRegs;
            return ref Page.Regs;
        }
    }

    /// <summary>IA32_APIC_BASE as of the last report.</summary>
    public ulong ApicBase => Page.ApicBase;

    /// <summary>The gate that reported.</summary>
    public int Vector => GuestMemory.VectorOf(Page.Regs.Rip);

    private unsafe ref KvmRunPage Page => ref *(KvmRunPage*)page.Address;

    /// <summary>Has the stack empty, as it is between operations.</summary>
    public void EmptyStack() => Regs.Rsp = GuestMemory.TopOfStack(Number);

    /// <summary>Has the next run begin with a snippet. Other registers keep their values.</summary>
    public void Start(Snippet snippet, bool interruptFlag)
    {
        ref KvmRegs regs = ref Regs;
        regs.Rip = GuestMemory.AddressOf(snippet);
        regs.Rflags = ReservedFlag | (interruptFlag ? InterruptFlag : 0);
    }

    /// <summary>Executes until something is reported or a signal comes. Accesses that no controller answers read all ones.</summary>
    /// <exception cref="WitnessException">The guest or KVM failed.</exception>
    public RunEnd Run()
    {
        while (true)
        {
            if (LibC.Ioctl(file, KvmIoctl.Run, 0) < 0)
            {
                int error = Marshal.GetLastPInvokeError();
                if (error == LibC.ErrorInterrupted)
                    return RunEnd.Signal;
                throw new WitnessException($"KVM_RUN of CPU {Number} failed: {Marshal.GetPInvokeErrorMessage(error)}");
            }

            switch (Page.ExitReason)
            {
                case KvmRunPage.Io when Page.IoSize == ReportSize:
                    return Page.IoPort == GuestCode.DonePort ? RunEnd.Done : RunEnd.Gate;
                case KvmRunPage.Io:
                    AnswerPort();
                    break;
                case KvmRunPage.Mmio:
                    if (Page.MmioIsWrite == 0)
                        Page.MmioData = ulong.MaxValue;
                    break;
                default:
                    throw new WitnessException(string.Create(
                        CultureInfo.InvariantCulture,
                        $"KVM_RUN of CPU {Number} ended with {NameOf(Page.ExitReason)} at RIP {Page.Regs.Rip:X}h"));
            }
        }
    }

    /// <summary>Executes until something is reported, signals or not. A <see cref="RunTimer"/> has to be running.</summary>
    /// <param name="patience">How long the guest may take, in milliseconds.</param>
    /// <exception cref="WitnessException">The guest took longer, or it or KVM failed.</exception>
    public RunEnd RunToReport(int patience)
    {
        // A signal alone says nothing: the timer may have been started long ago, and anyone may send one.
        long start = Environment.TickCount64;
        RunEnd end;
        while ((end = Run()) == RunEnd.Signal)
        {
            RunTimer.Clear();
            if (Environment.TickCount64 - start >= patience)
                throw new WitnessException($"CPU {Number} executed for {patience} ms without a report");
        }

        return end;
    }

    /// <summary>True if HLT holds it.</summary>
    public bool IsHalted() => ReadMpState() == Halted;

    /// <summary>The registers of its local APIC.</summary>
    public void ReadLapic(ref LapicPage lapic) => file.Do("KVM_GET_LAPIC", KvmIoctl.GetLapic, ref lapic);

    /// <summary>Loads the registers of its local APIC.</summary>
    public void WriteLapic(ref LapicPage lapic) => file.Do("KVM_SET_LAPIC", KvmIoctl.SetLapic, ref lapic);

    /// <summary>Raises its NMI pin.</summary>
    public void SendNmi() => file.Do("KVM_NMI", KvmIoctl.Nmi);

    /// <summary>How many NMIs wait for it, one that KVM has in hand for the next entry included.</summary>
    public int PendingNmis()
    {
        KvmVcpuEvents events = ReadEvents();
        return events.NmiPending + events.NmiInjected;
    }

    /// <summary>What the guest's code cannot take, or null. Asking takes INIT and start-up messages.</summary>
    public string? Stranger()
    {
        uint state = ReadMpState();
        if (state is not Runnable and not Halted || (ReadSregs().Cr0 & 1) == 0)
            return "INIT";
        return ReadEvents().SmiPending != 0 ? "SMI" : null;
    }

    /// <summary>Has the handler at the top of the stack return with IF = 0, to a snippet if one is named.</summary>
    public void ReturnFrom(int vector, Snippet? target)
    {
        memory.EditFrame(Regs.Rsp, target);
        Regs.Rip = GuestMemory.ReturnOf(vector);
    }

    /// <summary>Gives all handlers up: an IRET leads back to <see cref="Snippet.Tick"/>.</summary>
    public void GiveUp(int vector)
    {
        Regs.Rsp = memory.WriteFrame(Number);
        Regs.Rip = GuestMemory.ReturnOf(vector);
    }

    public void Dispose()
    {
        page.Dispose();
        file.Dispose();
    }

    private static string NameOf(uint reason) => reason switch
    {
        KvmRunPage.Shutdown => "KVM_EXIT_SHUTDOWN",
        KvmRunPage.FailEntry => "KVM_EXIT_FAIL_ENTRY",
        KvmRunPage.InternalError => "KVM_EXIT_INTERNAL_ERROR",
        _ => string.Create(CultureInfo.InvariantCulture, $"exit reason {reason}"),
    };

    private KvmSregs ReadSregs()
    {
        KvmSregs sregs = default;
        file.Do("KVM_GET_SREGS", KvmIoctl.GetSregs, ref sregs);
        return sregs;
    }

    private KvmVcpuEvents ReadEvents()
    {
        KvmVcpuEvents events = default;
        file.Do("KVM_GET_VCPU_EVENTS", KvmIoctl.GetVcpuEvents, ref events);
        return events;
    }

    private uint ReadMpState()
    {
        uint state = 0;
        file.Do("KVM_GET_MP_STATE", KvmIoctl.GetMpState, ref state);
        return state;
    }

    // The data of a port access lies in the page that KVM shares.
    private unsafe void AnswerPort()
    {
        if (Page.IoIsOut == 0)
            new Span<byte>((byte*)page.Address + Page.IoDataOffset, (int)(Page.IoSize * Page.IoCount)).Fill(byte.MaxValue);
    }
}
