namespace ScenarioHv.Conformance.Tests.Naive;

/// <summary>
/// A local APIC as the manual tells it (SDM3, chapter 10): lists of vectors and one variable for each field. What it accepts, holds and
/// ends; its registers are in the other half. What KVM does otherwise (Linux 6.18, arch/x86/kvm/lapic.c) is asked for by isKvm.
/// </summary>
internal sealed partial class NaiveLocalApic
{
    private readonly int cpu;
    private readonly bool offersX2Apic;
    private readonly bool isKvm;
    private readonly INaiveBus bus;
    private readonly List<int> irr = [];
    private readonly List<int> isr = [];
    private readonly List<int> tmr = [];
    private readonly bool[] wire = [false, false];

    public NaiveLocalApic(int cpu, bool offersX2Apic, bool isKvm, INaiveBus bus)
    {
        this.cpu = cpu;
        this.offersX2Apic = offersX2Apic;
        this.isKvm = isKvm;
        this.bus = bus;
        ResetRegisters();
    }

    /// <summary>IA32_APIC_BASE bit 11 (SDM3 10.4.3).</summary>
    public bool IsPresent { get; private set; } = true;

    /// <summary>IA32_APIC_BASE bits 11 and 10 (SDM3 10.12.1).</summary>
    public bool IsX2Apic { get; private set; }

    /// <summary>SVR bit 8 (SDM3 10.9).</summary>
    public bool IsEnabled { get; private set; }

    public uint TaskPriority { get; private set; }

    /// <summary>
    /// SDM3 10.8.3.1: the task priority if its class is the higher or the same one, else the class of the highest vector in service.
    /// </summary>
    public uint ProcessorPriority
    {
        get
        {
            int inService = Highest(isr);
            uint serviceClass = inService < 0 ? 0 : (uint)inService / 16;
            return TaskPriority / 16 >= serviceClass ? TaskPriority : serviceClass * 16;
        }
    }

    /// <summary>
    /// The vector that the core would get: the highest of IRR, if its class is above that of the processor priority (SDM3 10.8.3.1,
    /// 10.8.4). Vectors accepted before the APIC was disabled by software are still there (SDM3 10.4.7.2). −1 if there is none.
    /// </summary>
    public int Deliverable
    {
        get
        {
            int vector = Highest(irr);
            return IsPresent && vector >= 0 && (uint)vector / 16 > ProcessorPriority / 16 ? vector : -1;
        }
    }

    /// <summary>
    /// The 8259's interrupt reaches the core: through LINT0 if that entry says ExtINT, or directly if there is no APIC (SDM3 10.4.3,
    /// 10.5.1). Priorities do not count (SDM3 10.8.1).
    /// </summary>
    public bool PassesExtInt
    {
        get
        {
            if (!IsPresent)
                return wire[0];
            return Passes(lint0, wire[0]) || Passes(lint1, wire[1]);
        }
    }

    /// <summary>The 8259's interrupt would reach the core.</summary>
    public bool ListensToIntr => !IsPresent || Passes(lint0, high: true);

    /// <summary>The core takes a fixed interrupt: IRR to ISR (SDM3 10.8.4).</summary>
    public void Take(int vector)
    {
        irr.Remove(vector);
        isr.Add(vector);
    }

    /// <summary>A physical destination (SDM3 10.6.2.1; all ones is everybody).</summary>
    public bool IsAtPhysical(uint destination)
    {
        if (!IsPresent)
            return false;
        if (IsX2Apic)
            return destination == cpu || destination == 0xFFFFFFFF;
        return destination == id || destination == 0xFF;
    }

    /// <summary>A logical destination (SDM3 10.6.2.2 flat and cluster, 10.12.10.2 x2APIC; all ones is everybody).</summary>
    public bool IsAtLogical(uint destination)
    {
        if (!IsPresent)
            return false;
        if (IsX2Apic)
        {
            bool sameCluster = NaiveBits.Field(destination, 31, 16) == X2ApicCluster;
            return destination == 0xFFFFFFFF || (sameCluster && NaiveBits.Bit(destination, X2ApicMember));
        }

        if (destination == 0xFF)
            return true;
        if (destination > 0xFF)
            return false;
        if (model == 0xF)
            return NaiveBits.Share(destination, logicalId, 8);
        return model == 0 && destination / 16 == logicalId / 16 && NaiveBits.Share(destination % 16, logicalId % 16, 4);
    }

    /// <summary>A message arrives. True if the APIC, or its core, accepts it (SDM3 10.4.7.2, 10.8.1, 10.8.4).</summary>
    public bool Accept(NaiveMessage message)
    {
        switch (message.Mode)
        {
            case NaiveMode.Fixed:
            case NaiveMode.LowestPriority:
                // Disabled by software, it takes INIT, NMI, SMI and start-up alone (SDM3 10.4.7.2).
                return IsEnabled && !message.Deassert && Request(message.Vector, message.Level);
            case NaiveMode.Reserved:
                // KVM's paravirtual unhalt: it counts as delivered.
                return isKvm;
            case NaiveMode.ExtInt when !IsEnabled || isKvm:
                return false;
            case NaiveMode.Init when message.Deassert:
                // An INIT level de-assert does nothing since the Pentium 4 (SDM3 10.6.1).
                return false;
            default:
                bus.ToCore(cpu, message.Mode);
                return true;
        }
    }

    /// <summary>The wire of LINT0 or LINT1 changes (SDM3 10.5.1).</summary>
    public void Wire(int pin, bool high)
    {
        bool rises = high && !wire[pin];
        wire[pin] = high;
        NaiveLvt entry = pin == 0 ? lint0 : lint1;
        if (!IsPresent)
        {
            // Without an APIC the pins are INTR and NMI (SDM3 10.4.3).
            if (pin == 1 && rises)
                bus.ToCore(cpu, NaiveMode.Nmi);
            return;
        }

        // KVM's user spaces let LINT1 deliver NMIs, and nothing comes through LINT0 but ExtINT.
        if (isKvm && (pin == 0 || entry.Mode != NaiveMode.Nmi))
            return;
        if (entry.IsLevelFixed)
            Sample(pin);
        else if (rises && !entry.Masked)
            Local(entry);
    }

    /// <summary>Time passes for the timer.</summary>
    public void Pass(long nanoseconds)
    {
        if (timer.Pass(nanoseconds, timerLvt.TimerMode == 1) && !timerLvt.Masked)
            Request(timerLvt.Vector, level: false);
    }

    private static bool Passes(NaiveLvt entry, bool high) => high && !entry.Masked && entry.Mode == NaiveMode.ExtInt;

    private static int Highest(List<int> vectors)
    {
        int highest = -1;
        foreach (int vector in vectors)
            highest = Math.Max(highest, vector);
        return highest;
    }

    private static void Put(List<int> vectors, int vector, bool present)
    {
        vectors.Remove(vector);
        if (present)
            vectors.Add(vector);
    }

    /// <summary>
    /// A fixed interrupt, from outside or inside. A vector below 16 is an error of the receiver and never enters IRR (SDM3 10.5.2,
    /// 10.5.3); otherwise TMR takes the trigger mode, then IRR the vector (SDM3 10.8.4).
    /// </summary>
    private bool Request(int vector, bool level)
    {
        if (vector < 16 && !isKvm)
        {
            Error(6);
            return false;
        }

        Put(tmr, vector, level);
        Put(irr, vector, true);
        return true;
    }

    /// <summary>An edge at an unmasked entry (SDM3 10.5.1).</summary>
    private void Local(NaiveLvt entry)
    {
        switch (entry.Mode)
        {
            case NaiveMode.Fixed:
                Request(entry.Vector, level: false);
                break;
            case NaiveMode.Nmi:
            case NaiveMode.Smi:
            case NaiveMode.Init:
                bus.ToCore(cpu, entry.Mode);
                break;
        }
    }

    /// <summary>A level pin asks while it is high, unmasked and not waiting for its EOI (SDM3 10.5.1, remote IRR).</summary>
    private void Sample(int pin)
    {
        NaiveLvt entry = pin == 0 ? lint0 : lint1;
        if (!isKvm && wire[pin] && entry.IsLevelFixed && !entry.Masked && !entry.RemoteIrr)
            entry.RemoteIrr = Request(entry.Vector, level: true);
    }

    /// <summary>EOI (SDM3 10.8.5): the highest vector in service ends; a level one is told to the I/O APICs.</summary>
    private void EndOfInterrupt()
    {
        int vector = Highest(isr);
        if (vector < 0)
            return;
        isr.Remove(vector);
        bool isLevel = tmr.Contains(vector);
        for (int pin = 0; pin < 2; pin++)
        {
            NaiveLvt entry = pin == 0 ? lint0 : lint1;
            if (!isKvm && entry.RemoteIrr && entry.Vector == vector)
            {
                entry.RemoteIrr = false;
                Sample(pin);
            }
        }

        if (isLevel)
            bus.BroadcastEoi(vector);
    }

    /// <summary>
    /// An error collects out of sight until ESR is written; the first of its kind raises the error interrupt (SDM3 10.5.3).
    /// </summary>
    private void Error(int bit)
    {
        if (isKvm || hiddenErrors.Contains(bit))
            return;
        hiddenErrors.Add(bit);
        if (!errorLvt.Masked)
            Request(errorLvt.Vector, level: false);
    }
}
