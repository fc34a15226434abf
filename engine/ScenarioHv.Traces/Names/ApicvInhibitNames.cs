using System.Numerics;
using ScenarioHv.Engine.Hypervisors.Kvm;

namespace ScenarioHv.Traces.Names;

/// <summary>The reasons against APICv and AVIC as kernels number and name them (asm/kvm_host.h, trace.h).</summary>
public static class ApicvInhibitNames
{
    private static readonly string[] Names =
    [
        "DISABLED", "HYPERV", "ABSENT", "BLOCKIRQ", "PHYSICAL_ID_ALIASED", "APIC_ID_MODIFIED", "APIC_BASE_MODIFIED", "NESTED", "IRQWIN",
        "PIT_REINJ", "SEV", "LOGICAL_ID_ALIASED", "X2APIC",
    ];

    // 5.6 to 5.19; those that these kernels did not have keep the number of later ones.
    private static readonly int[] Before62 = [0, 1, 7, 6, 4, 5, 6, 2, 3, 4, 8, 11, 5];

    /// <summary>The number from 6.2 on.</summary>
    public static int Number(ApicvInhibits reason) => BitOperations.Log2((uint)reason);

    /// <summary>The number in kernels 5.6 to 5.19.</summary>
    public static int NumberBefore62(ApicvInhibits reason) => Before62[Number(reason)];

    /// <summary>As __print_flags prints a mask: names joined by bars; empty for none.</summary>
    public static string Joined(ApicvInhibits reasons) =>
        string.Join('|', Names.Where((_, bit) => ((int)reasons >> bit & 1) != 0));
}
