namespace ScenarioHv.Cli.Tests;

/// <summary>Policy scripts, and a small machine on which they make a difference: the hang of 2019 with its level source alone.</summary>
public abstract class PolicyScriptFixture : CommandFixture
{
    /// <summary>The RFC of March 2019, beyond 3 armings instead of 100.</summary>
    protected const string Throttle = """
        const uint Limit = 3, Delay = 1000;

        ulong lastRip;
        uint count;

        ImmediateExitDecision Decide(Situation now)
        {
            count = now.Rip == lastRip ? Math.Min(count, Limit) + 1 : 0;
            lastRip = now.Rip;
            return PreemptionTimer(count > Limit ? Delay : 0);
        }

        """;

    /// <summary>As every release does: the bug.</summary>
    protected const string Never = "ImmediateExitDecision Decide(Situation now) => PreemptionTimer(0);\n";

    /// <summary>A folder of its own in the workspace with the scenario <c>hang.yaml</c>, and its path.</summary>
    /// <param name="folder">Its name. Tests run side by side: no two have the same.</param>
    /// <param name="more">What the scenario has besides.</param>
    /// <param name="scripts">Scripts beside it.</param>
    protected static string FolderWith(string folder, string more, params (string Name, string Text)[] scripts)
    {
        var path = Directory.CreateDirectory(InFolder(folder)).FullName;
        foreach (var (name, text) in scripts)
        {
            File.WriteAllText(Path.Combine(path, name), text);
        }

        var guests = Path.GetRelativePath(path, Path.Combine(AppContext.BaseDirectory, "scripts"));
        File.WriteAllText(Path.Combine(path, "hang.yaml"), $$"""
            scenario: hang
            title: The hang of 2019, in small
            machine:
              tsc: 2.4 GHz
              timing: skylake
              cpu: { vendor: intel, apicv: true }
              hypervisor: kvm@5.1
              userspace: qemu@3.1
              irqchip: split
              host-tick: off
              devices:
                usb: { type: piix4-uhci, slot: "04.0", vector: 0x50 }
            guests:
              l1: { script: {{guests}}/hyperv-root.csx }
              l2: { script: {{guests}}/windows-root-partition.csx, with: { uhci: 0xc040 } }
            timeline: [{ at: 50 us, raise: usb }]
            goal: l2 reports "usb served"
            expect: livelock
            {{more}}

            """);
        return path;
    }

    /// <summary>Gives the machine of the scenario in a folder policies of its own.</summary>
    protected static void SetPolicies(string folder, string policies)
    {
        var path = Path.Combine(folder, "hang.yaml");
        var text = File.ReadAllText(path);
        File.WriteAllText(path, text.Replace("  devices:", $"  policies: {{ {policies} }}\n  devices:", StringComparison.Ordinal));
    }
}
