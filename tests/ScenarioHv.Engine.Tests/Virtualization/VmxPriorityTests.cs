using ScenarioHv.Engine.Virtualization;
using ScenarioHv.Engine.Virtualization.Vmx;

namespace ScenarioHv.Engine.Tests.Virtualization;

/// <summary>Every pair of the priority list of an instruction boundary in VMX non-root operation: the higher one happens.</summary>
public sealed class VmxPriorityTests
{
    /// <summary>SDM3 6.9, 25.5.1, 25.5.2, 26.7.3 to 26.7.8, 29.2.2; each with what must come of it.</summary>
    private static readonly (string Name, BoundaryEventKind Kind, int Reason)[] HighestFirst =
    [
        ("APIC trap", BoundaryEventKind.Exit, 43),
        ("SMI", BoundaryEventKind.EnterSmm, 0),
        ("INIT", BoundaryEventKind.Exit, 3),
        ("MTF", BoundaryEventKind.Exit, 37),
        ("debug trap", BoundaryEventKind.Exit, 0),
        ("preemption timer", BoundaryEventKind.Exit, 52),
        ("NMI window", BoundaryEventKind.Exit, 8),
        ("NMI", BoundaryEventKind.Exit, 0),
        ("interrupt window", BoundaryEventKind.Exit, 7),
        ("virtual interrupt", BoundaryEventKind.DeliverVirtualInterrupt, 0),
        ("external interrupt", BoundaryEventKind.Exit, 1),
    ];

    private static IEnumerable<TestCaseData> Pairs()
    {
        for (var high = 0; high < HighestFirst.Length; high++)
        {
            for (var low = high + 1; low < HighestFirst.Length; low++)
                yield return new TestCaseData(high, low).SetArgDisplayNames(HighestFirst[high].Name, HighestFirst[low].Name);
        }
    }

    [TestCaseSource(nameof(Pairs))]
    public void Both_pending_the_higher_wins(int high, int low)
    {
        var boundary = At(HighestFirst[high].Name, HighestFirst[low].Name);
        Assert.That((boundary.Kind, (int)boundary.VmxReason), Is.EqualTo((HighestFirst[high].Kind, HighestFirst[high].Reason)));
        Assert.That(
            boundary.InterruptionInformation,
            Is.EqualTo(HighestFirst[high].Name switch { "debug trap" => 0x8000_0301u, "NMI" => 0x8000_0202u, _ => 0u }));
    }

    [Test]
    public void Each_alone_happens([Range(0, 10)] int index)
    {
        var boundary = At(HighestFirst[index].Name);
        Assert.That((boundary.Kind, (int)boundary.VmxReason), Is.EqualTo((HighestFirst[index].Kind, HighestFirst[index].Reason)));
    }

    private static BoundaryEvent At(params string[] pending)
    {
        var vmcs = new Vmcs
        {
            PinBased = PinBasedControls.ExternalInterruptExiting | PinBasedControls.NmiExiting | PinBasedControls.VirtualNmis
                | PinBasedControls.ActivatePreemptionTimer,
            Primary = PrimaryControls.ActivateSecondaryControls | PrimaryControls.UseTprShadow,
            Secondary = SecondaryControls.VirtualInterruptDelivery,
            ExceptionBitmap = 1u << 1,
        };
        var core = new CpuCore { InterruptFlag = 1 };
        var inputs = new BoundaryInputs();
        foreach (var name in pending)
            Arm(name, ref vmcs, ref core, ref inputs);
        return VmxProcessor.AtBoundary(vmcs, core, inputs);
    }

    private static void Arm(string name, ref Vmcs vmcs, ref CpuCore core, ref BoundaryInputs inputs)
    {
        switch (name)
        {
            case "APIC trap": inputs.TrapExit = ApicTrapExit.TprBelowThreshold; break;
            case "SMI": inputs.Pending |= BoundaryFlags.Smi; break;
            case "INIT": inputs.Pending |= BoundaryFlags.Init; break;
            case "MTF": inputs.Pending |= BoundaryFlags.MonitorTrap; break;
            case "debug trap": core.PendingDebugTrap = PendingDebugExceptions.Bs; break;
            case "preemption timer": inputs.Pending |= BoundaryFlags.PreemptionTimerExpired; break;
            case "NMI window": vmcs.Primary |= PrimaryControls.NmiWindowExiting; break;
            case "NMI": inputs.Pending |= BoundaryFlags.Nmi; break;
            case "interrupt window": vmcs.Primary |= PrimaryControls.InterruptWindowExiting; break;
            case "virtual interrupt": inputs.Pending |= BoundaryFlags.VirtualInterrupt; break;
            case "external interrupt": inputs.Pending |= BoundaryFlags.ExternalInterrupt; break;
            default: throw new ArgumentOutOfRangeException(nameof(name), name, "not in the list");
        }
    }
}
