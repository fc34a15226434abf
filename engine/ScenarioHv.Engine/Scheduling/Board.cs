using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Devices;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors;
using ScenarioHv.Engine.Hypervisors.BareMetal;
using ScenarioHv.Engine.Hypervisors.Bhyve;
using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Virtualization;
using ScenarioHv.Engine.Virtualization.Svm;
using ScenarioHv.Engine.Virtualization.Vmx;

namespace ScenarioHv.Engine.Scheduling;

/// <summary>
/// A machine's board: what is soldered. It lays out the block from the configuration, knows where everything lies, and holds the actors.
/// Immutable and shared by all forks of a machine.
/// </summary>
public sealed class Board
{
    private const int GuestArena = 512;
    private const int HostArena = 1024;

    private readonly FiberSlot[] _guestSlots;
    private readonly FiberSlot[] _hostSlots;
    private readonly int _ioFiber;
    private readonly int _workerFiber;
    private readonly ControllerPolicies _controllers;
    private readonly IoApicPolicies _ioApicPolicies;
    private readonly PolicyScript[] _scripts;
    private readonly Slot<byte>[] _policyMemory;
    private readonly Slot<byte>[] _variables;
    private readonly Slot<ulong>[] _shared;

    /// <summary>Lays out the machine of <paramref name="config"/>.</summary>
    public Board(MachineConfig config)
    {
        Config = config;
        _controllers = config.Controllers ?? ControllerPolicies.Usual(config.Hypervisor, config.Irqchip);
        _ioApicPolicies = _controllers.IoApic;
        _scripts = PolicyScripts.Of(config);
        HasControllerScripts = config.ControllerScripts.Count > 0;
        var layout = new MachineLayout();
        Layout = layout;
        var vcpus = config.Vcpus;
        var levels = config.L2 is null ? 1 : 2;
        Vcpus = layout.Add<VcpuState>("vcpu", vcpus);
        Apics = layout.Add<LocalApic>("lapic", vcpus);
        Cores = layout.Add<CpuCore>("core", vcpus * 2);
        Exits = layout.Add<ExitRecord>("exit", vcpus);
        Twins = layout.Add<Twin>("twin", vcpus);
        Check = layout.Add<CheckMemory>("check");
        LevelPins = WiredPins(config.Devices);
        LevelChecks = layout.Add<LevelCheck>("level-check", LevelPins.Count);
        Kvm = layout.Add<KvmVcpu>("kvm-vcpu", IsKvm ? vcpus : 0);
        KvmNmi = layout.Add<KvmNmi>("kvm-nmi", IsKvm && (config.Kvm.TracksNmiInSoftware || config.Kvm.CanTellNmiWindows) ? vcpus : 0);
        StoreBuffers = layout.Add<StoreBuffer>("store-buffer", IsKvm && config.Kvm.Enter.Has(EnterStep.PublishModePlain) ? vcpus : 0);
        MissingIdtPages = layout.Add<ulong>(
            "missing-idt", IsKvm && config.Timeline.Any(stimulus => stimulus.Action == StimulusAction.PageOut) ? vcpus : 0);
        Bhyve = layout.Add<BhyveVcpu>("bhyve-vcpu", IsBhyve ? vcpus : 0);
        var vmx = config.Vendor == CpuVendor.Intel;
        Vmcs01 = layout.Add<Vmcs>("vmcs01", vmx && HasHypervisor ? vcpus : 0);
        Vmcs02 = layout.Add<Vmcs>("vmcs02", vmx && HasHypervisor && levels == 2 ? vcpus : 0);
        Vmcs12 = layout.Add<Vmcs>("vmcs12", vmx && levels == 2 ? vcpus : 0);
        Vmcb01 = layout.Add<Vmcb>("vmcb01", !vmx && HasHypervisor ? vcpus : 0);
        Vmcb02 = layout.Add<Vmcb>("vmcb02", !vmx && HasHypervisor && levels == 2 ? vcpus : 0);
        Vmcb12 = layout.Add<Vmcb>("vmcb12", !vmx && levels == 2 ? vcpus : 0);
        PostedInterrupts = layout.Add<PostedInterrupts>("posted-interrupts", vmx && IsKvm && config.Apicv ? vcpus : 0);
        var restores = config.Timeline.Any(stimulus => stimulus.Action == StimulusAction.Save);
        SavedLapics = layout.Add<SavedLapic>("saved-lapic", restores ? vcpus : 0);

        KvmVm = layout.Add<KvmVm>("kvm", IsKvm ? 1 : 0);
        Avic = layout.Add<AvicVcpu>("avic", !vmx && HasHypervisor && config.Apicv ? vcpus : 0);
        Locks = layout.Add<ThreadLocks>("locks", HasHypervisor ? vcpus + 2 : 0);
        LockOrder = layout.Add<ulong>("lock-order", HasHypervisor ? 1 : 0);
        SynIcs = layout.Add<SynIcState>("synic", config.Hyperv is { SynIc: true } ? vcpus : 0);
        Assists = layout.Add<ApicAssistPage>("apic-assist", config.Hyperv is { Vapic: true } ? vcpus : 0);
        Pic = layout.Add<Pic8259Pair>("pic", config.VirtualWire ? 1 : 0);
        Worker = layout.Add<Instant>("kworker", HasWorker ? 1 : 0);
        NestedExits = layout.Add<NestedExit>("nested-exit", levels == 2 ? vcpus : 0);
        ImmediateExitMemory = layout.Add<ImmediateExitMemory>(
            "immediate-exit", IsKvm ? vcpus * 2 : 0, new SaturationRule(8, 4, config.ImmediateExit.CountLimit));
        IoApicHeader = layout.Add<IoApicHeader>("ioapic");
        IoApicPins = layout.Add<IoApicPin>("ioapic-pin", IoApic.StandardPinCount);
        IoApicEoiMemory = layout.Add<IoApicEoiMemory>("ioapic-eoi", config.IoApicEoi.CanDelay ? IoApic.StandardPinCount : 0);
        GsiLines = layout.Add<GsiLine>("gsi", IoApic.StandardPinCount);
        Devices = new DeviceBus(this, layout);
        Io = layout.Add<IoThreadState>("io");
        Stimuli = layout.Add<StimulusState>("timeline", config.Timeline.Count);
        BusMessages = layout.Add<BusMessage>("bus", HasHypervisor ? 0 : BusMessage.Capacity);
        HostTicks = layout.Add<Instant>("host-tick", config.HostTickHz > 0 ? vcpus : 0);
        Statistics = layout.Add<Statistics>("statistics");
        _variables = [AddVariables(layout, config.L1, vcpus), AddVariables(layout, config.L2, vcpus)];
        _shared = [AddShared(layout, config.L1), AddShared(layout, config.L2)];
        _policyMemory = Array.ConvertAll(_scripts, script => AddMemory(layout, script, vcpus));
        (var guestFibers, var hostFibers, _ioFiber) = AddFibers(layout, levels);
        _workerFiber = HasWorker ? layout.AddFiber("kworker", HostArena) : -1;
        StimuliBefore = config.Time is null ? [] : StimulusOrder.Before(config.Timeline);
        Processor = vmx ? new VmxGuestProcessor(this) : new SvmGuestProcessor(this);
        Hypervisor = config.Hypervisor switch
        {
            HypervisorKind.Kvm => new KvmHypervisor(this),
            HypervisorKind.Bhyve => new BhyveHypervisor(this),
            _ => new BareMetalHypervisor(this),
        };
        Actors = Hypervisor.CreateActors();
        for (var i = 0; i < Actors.Count; i++)
        {
            Actors[i].Index = (byte)i;
        }

        if (config.Time is { } time)
        {
            Classes = new ClassClock(this, time);
        }

        Gates = layout.Add<LaterGate>("later-gate", Classes?.Gates ?? 0);
        layout.Seal();
        _guestSlots = Array.ConvertAll(guestFibers, layout.Fiber);
        _hostSlots = Array.ConvertAll(hostFibers, layout.Fiber);
    }

    /// <summary>The configuration.</summary>
    public MachineConfig Config { get; }

    /// <summary>The layout of the block.</summary>
    public MachineLayout Layout { get; }

    /// <summary>The actors, in the order that breaks ties.</summary>
    public IReadOnlyList<Actor> Actors { get; }

    /// <summary>The texts that guests report.</summary>
    public TextTable Reports { get; } = new(bits: 64);

    /// <summary>The assertions of guests that did not hold, in words.</summary>
    public TextTable Assertions { get; } = new(bits: 32);

    /// <summary>The devices and their ports.</summary>
    public DeviceBus Devices { get; }

    /// <summary>The guest.</summary>
    public GuestProgram L1 => Config.L1;

    /// <summary>The guest's guest; null if there is none.</summary>
    public GuestProgram? L2 => Config.L2;

    /// <summary>The state of each vCPU.</summary>
    public Slot<VcpuState> Vcpus { get; }

    /// <summary>The local APIC of each vCPU.</summary>
    public Slot<LocalApic> Apics { get; }

    /// <summary>The core state of each vCPU and level: see <see cref="CoreIndex"/>.</summary>
    public Slot<CpuCore> Cores { get; }

    /// <summary>The last exit of each vCPU.</summary>
    public Slot<ExitRecord> Exits { get; }

    /// <summary>The twin of each local APIC.</summary>
    public Slot<Twin> Twins { get; }

    /// <summary>KVM's own state of each vCPU.</summary>
    public Slot<KvmVcpu> Kvm { get; }

    /// <summary>What KVM remembers of NMIs where the processor does not; empty if there is nothing.</summary>
    public Slot<KvmNmi> KvmNmi { get; }

    /// <summary>What the processors keep back of the mode of each vCPU; empty if every store is followed by a barrier.</summary>
    public Slot<StoreBuffer> StoreBuffers { get; }

    /// <summary>1 for each vCPU whose IDT the host has taken the page of; empty if it never does.</summary>
    public Slot<ulong> MissingIdtPages { get; }

    /// <summary>bhyve's own state of each vCPU.</summary>
    public Slot<BhyveVcpu> Bhyve { get; }

    /// <summary>The control structure with which the hypervisor runs the guest.</summary>
    public Slot<Vmcs> Vmcs01 { get; }

    /// <summary>The control structure with which the hypervisor runs the guest's guest.</summary>
    public Slot<Vmcs> Vmcs02 { get; }

    /// <summary>The control structure that the guest made for its guest; on bare metal the one the processor uses.</summary>
    public Slot<Vmcs> Vmcs12 { get; }

    /// <summary>As <see cref="Vmcs01"/>, on AMD.</summary>
    public Slot<Vmcb> Vmcb01 { get; }

    /// <summary>As <see cref="Vmcs02"/>, on AMD.</summary>
    public Slot<Vmcb> Vmcb02 { get; }

    /// <summary>As <see cref="Vmcs12"/>, on AMD.</summary>
    public Slot<Vmcb> Vmcb12 { get; }

    /// <summary>The posted-interrupt descriptor of each vCPU; empty without APICv.</summary>
    public Slot<PostedInterrupts> PostedInterrupts { get; }

    /// <summary>What the monitor has saved of each local APIC; empty if it never saves.</summary>
    public Slot<SavedLapic> SavedLapics { get; }

    /// <summary>KVM's own state of the virtual machine.</summary>
    public Slot<KvmVm> KvmVm { get; }

    /// <summary>AVIC's tables and what processors have seen of backing pages; empty without AVIC.</summary>
    public Slot<AvicVcpu> Avic { get; }

    /// <summary>The locks by the number of the host thread: the vCPUs', the I/O thread, the kernel's worker.</summary>
    public Slot<ThreadLocks> Locks { get; }

    /// <summary>Which lock was held when which was taken, in any thread: bit 8 * held + taken.</summary>
    public Slot<ulong> LockOrder { get; }

    /// <summary>The SynICs; empty if the guest is offered none.</summary>
    public Slot<SynIcState> SynIcs { get; }

    /// <summary>The assist pages; empty if the guest is offered none.</summary>
    public Slot<ApicAssistPage> Assists { get; }

    /// <summary>The 8259A pair; empty if the machine has none.</summary>
    public Slot<Pic8259Pair> Pic { get; }

    /// <summary>When the kernel's worker goes on; empty without one.</summary>
    public Slot<Instant> Worker { get; }

    /// <summary>True if a policy leaves something to a worker of the kernel.</summary>
    public bool HasWorker => IsKvm && Config.Kvm.InhibitCall == InhibitCall.ByWork;

    /// <summary>What the last exit of the guest's guest left for the guest.</summary>
    public Slot<NestedExit> NestedExits { get; }

    /// <summary>Memory of the immediate-exit policy: two per vCPU, for the control structures of the guest and of its guest.</summary>
    public Slot<ImmediateExitMemory> ImmediateExitMemory { get; }

    /// <summary>The I/O APIC's header.</summary>
    public Slot<IoApicHeader> IoApicHeader { get; }

    /// <summary>The I/O APIC's pins.</summary>
    public Slot<IoApicPin> IoApicPins { get; }

    /// <summary>Memory of the EOI policy per pin; empty if the policy has none.</summary>
    public Slot<IoApicEoiMemory> IoApicEoiMemory { get; }

    /// <summary>Who drives each GSI.</summary>
    public Slot<GsiLine> GsiLines { get; }

    /// <summary>The thread (or, on bare metal, the outside world) that applies stimuli.</summary>
    public Slot<IoThreadState> Io { get; }

    /// <summary>The lines of the timeline.</summary>
    public Slot<StimulusState> Stimuli { get; }

    /// <summary>Interrupt messages under way between chips, on bare metal.</summary>
    public Slot<BusMessage> BusMessages { get; }

    /// <summary>When the host's next tick comes, per vCPU.</summary>
    public Slot<Instant> HostTicks { get; }

    /// <summary>Counters for the verdict.</summary>
    public Slot<Statistics> Statistics { get; }

    /// <summary>What the checks remember.</summary>
    public Slot<CheckMemory> Check { get; }

    /// <summary>The pins of the I/O APIC to which devices are wired, ascending.</summary>
    public IReadOnlyList<int> LevelPins { get; }

    /// <summary>What the property <c>level</c> remembers of each of <see cref="LevelPins"/>.</summary>
    public Slot<LevelCheck> LevelChecks { get; }

    /// <summary>What has to happen before moments of class <i>later</i> come; empty with time in cycles.</summary>
    public Slot<LaterGate> Gates { get; }

    /// <summary>For each line of the timeline the lines that come before it, a bit each, where the clock stands still.</summary>
    public IReadOnlyList<uint> StimuliBefore { get; }

    /// <summary>Who can act where the clock stands still; null with time in cycles.</summary>
    internal ClassClock? Classes { get; }

    /// <summary>True if KVM runs the guest.</summary>
    public bool IsKvm => Config.Hypervisor == HypervisorKind.Kvm;

    /// <summary>True if bhyve runs the guest.</summary>
    public bool IsBhyve => Config.Hypervisor == HypervisorKind.Bhyve;

    /// <summary>True if there is a hypervisor below the first guest.</summary>
    public bool HasHypervisor => Config.Hypervisor != HypervisorKind.BareMetal;

    /// <summary>How the local APIC timer's input relates to the TSC.</summary>
    public LocalApicTimerClock ApicClock => new(Config.TscHz, Config.ApicBusHz);

    /// <summary>The choices of its interrupt controllers; where scripts make some of them, those of the step under way.</summary>
    public ControllerPolicies Controllers => HasControllerScripts ? ChosenControllers() : _controllers;

    /// <summary>True if a policy of the machine is a script.</summary>
    internal bool HasPolicyScripts => _scripts.Length > 0;

    /// <summary>True if some choice of its interrupt controllers is a script's.</summary>
    internal bool HasControllerScripts { get; }

    /// <summary>What kind of local APIC it has. Under KVM it is KVM that says whether there is SVR bit 12, and what it does.</summary>
    public LocalApicOptions ApicOptions =>
        new(LocalApicOptions.SixLvtVersion | (HasEoiSuppression ? LocalApicOptions.EoiBroadcastSuppression : 0))
        {
            Policies = PoliciesOfApics(Controllers),
        };

    private bool HasEoiSuppression => IsKvm && Config.Kvm.EoiSuppression != EoiSuppression.NotAdvertised;

    /// <summary>What the processor does with guest code.</summary>
    internal GuestProcessor Processor { get; }

    /// <summary>What runs the guest.</summary>
    internal Hypervisor Hypervisor { get; }

    /// <summary>The program of level 1 or 2.</summary>
    public GuestProgram? Guest(int level) => level == 1 ? Config.L1 : Config.L2;

    /// <summary>Where in <see cref="Cores"/> the core of a vCPU and level lies.</summary>
    public static int CoreIndex(int vcpu, int level) => (vcpu * 2) + level - 1;

    /// <summary>The fiber of a guest.</summary>
    public FiberSlot GuestFiber(int vcpu, int level) => _guestSlots[CoreIndex(vcpu, level)];

    /// <summary>The fiber of a vCPU's host thread.</summary>
    public FiberSlot HostFiber(int vcpu) => _hostSlots[vcpu];

    /// <summary>The fiber of the I/O thread.</summary>
    public FiberSlot IoFiber => Layout.Fiber(_ioFiber);

    /// <summary>The fiber of the kernel's worker.</summary>
    public FiberSlot WorkerFiber => Layout.Fiber(_workerFiber);

    /// <summary>The I/O APIC of <paramref name="machine"/>.</summary>
    public IoApic IoApicOf(Machine machine) => new(
        ref machine.Ref(IoApicHeader), machine.Span(IoApicPins), HasControllerScripts ? Controllers.IoApic : _ioApicPolicies);

    /// <summary>A guest writes the I/O APIC's window. If that is a redirection entry, the EOI policy hears of it.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="offset">Offset in the window.</param>
    /// <param name="value">What is written.</param>
    /// <param name="pin">The pin whose entry was written; -1 if it was another register.</param>
    internal IoApicWrite WriteIoApic(Machine machine, uint offset, uint value, out int pin)
    {
        var ioApic = IoApicOf(machine);
        pin = offset == IoApic.IoWin ? ioApic.SelectedPin : -1;
        var write = ioApic.WriteWindow(offset, value);
        if (pin >= 0)
        {
            IoApicEoiMemory none = default;
            Config.IoApicEoi.EntryWritten(pin, ref (IoApicEoiMemory.Count > 0 ? ref machine.Ref(IoApicEoiMemory, pin) : ref none));
        }

        return write;
    }

    /// <summary>Where the variables of a policy's script lie.</summary>
    /// <param name="script">The script.</param>
    /// <param name="place">Which copy.</param>
    internal int PolicyMemory(PolicyScript script, int place)
    {
        var slot = _policyMemory[Array.IndexOf(_scripts, script)];
        var size = slot.Count / script.Places(Config.Vcpus, IoApic.StandardPinCount);
        return slot.Offset + (place * size);
    }

    /// <summary>
    /// The choices of the controllers for a step, as the scripts make them that are asked at its beginning. Local APICs keep theirs in the
    /// machine.
    /// </summary>
    /// <exception cref="PolicyException">A script failed.</exception>
    internal void ChooseControllers(StepContext context)
    {
        var chosen = _controllers;
        var now = Situation.Of(context);
        foreach (var script in Config.ControllerScripts)
        {
            chosen = script.Applied(now, chosen);
        }

        context.Controllers = chosen;
        SetPoliciesOfApics(context.Machine, PoliciesOfApics(chosen));
    }

    /// <summary>The step is over: the machine names no choice of it.</summary>
    internal void ForgetControllers(StepContext context)
    {
        context.Controllers = null;
        SetPoliciesOfApics(context.Machine, PoliciesOfApics(_controllers));
    }

    private ControllerPolicies ChosenControllers() => StepContext.IfAny?.Controllers ?? _controllers;

    private void SetPoliciesOfApics(Machine machine, LocalApicPolicies policies)
    {
        foreach (ref var apic in machine.Span(Apics))
        {
            apic.Policies = policies;
        }
    }

    private LocalApicPolicies PoliciesOfApics(in ControllerPolicies controllers) =>
        !HasEoiSuppression ? controllers.LocalApic : controllers.LocalApic with
        {
            EoiBroadcast = Config.Kvm.EoiSuppression == EoiSuppression.Respected
                ? EoiBroadcastPolicy.Suppressible : EoiBroadcastPolicy.AlwaysSent,
        };

    private static List<int> WiredPins(IReadOnlyList<DeviceConfig> devices)
    {
        var pins = new List<int>();
        for (var i = 0; i < devices.Count; i++)
        {
            if (devices[i].HasEntry && !pins.Contains(devices[i].Gsi))
            {
                pins.Add(devices[i].Gsi);
            }
        }

        pins.Sort();
        return pins;
    }

    private static Slot<byte> AddMemory(MachineLayout layout, PolicyScript script, int vcpus) => script.Program.Variables is { } type
        ? layout.AddRaw("variables of " + script.Program.Name, FieldRules.Of(type), script.Places(vcpus, IoApic.StandardPinCount))
        : layout.Add<byte>("policy variables", 0);

    internal int VariablesOffset(int vcpu, int level)
    {
        var slot = _variables[level - 1];
        return slot.Offset + (vcpu * (slot.Count / Config.Vcpus));
    }

    /// <summary>Where the moments lie among the variables of the script of a level.</summary>
    internal IReadOnlyList<int> VariableInstants(int level) =>
        Guest(level)?.Variables is { } type ? FieldRules.Of(type).Instants : [];

    /// <summary>The words of memory that the vCPUs share at level 1 or 2.</summary>
    public Slot<ulong> SharedWords(int level) => _shared[level - 1];

    private static Slot<ulong> AddShared(MachineLayout layout, GuestProgram? guest) => layout.Add<ulong>("shared", guest?.SharedWords ?? 0);

    /// <summary>
    /// A script's variables are a struct that only its compilation knows: its rules are read from the type, its bytes reserved as they are.
    /// </summary>
    private static Slot<byte> AddVariables(MachineLayout layout, GuestProgram? guest, int vcpus) =>
        guest?.Variables is { } type
            ? layout.AddRaw("variables of " + guest.Name, FieldRules.Of(type), vcpus)
            : layout.Add<byte>("variables", 0);

    private (int[] Guests, int[] Hosts, int Io) AddFibers(MachineLayout layout, int levels)
    {
        var guests = new int[Config.Vcpus * 2];
        var hosts = new int[Config.Vcpus];
        for (var vcpu = 0; vcpu < Config.Vcpus; vcpu++)
        {
            hosts[vcpu] = HasHypervisor ? layout.AddFiber($"vcpu{vcpu} host", HostArena, vcpu) : -1;
            for (var level = 0; level < 2; level++)
            {
                guests[CoreIndex(vcpu, level + 1)] = level < levels ? layout.AddFiber($"vcpu{vcpu} l{level + 1}", GuestArena, vcpu) : -1;
            }
        }

        return (guests, hosts, HasHypervisor ? layout.AddFiber("io", HostArena) : -1);
    }
}
