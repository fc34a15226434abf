namespace ScenarioHv.Engine.Devices;

/// <summary>The choices of an 8254's channel 0. The default is the chip's.</summary>
public readonly record struct PitPolicies
{
    /// <summary>The 82C54.</summary>
    public static PitPolicies Architectural => default;

    /// <summary>KVM's i8254.c.</summary>
    public static PitPolicies Kvm => new() { Reload = Pit8254Reload.Immediately, Reinjection = PitReinjectionRule.On };

    /// <summary>QEMU's i8254.c.</summary>
    public static PitPolicies Qemu => new() { Reload = Pit8254Reload.Immediately };

    /// <summary>When a count written to a running mode 2 or 3 takes effect.</summary>
    public Pit8254Reload Reload { get; init; }

    /// <summary>What becomes of ticks that the guest has not acknowledged.</summary>
    public PitReinjectionRule Reinjection { get; init; }
}
