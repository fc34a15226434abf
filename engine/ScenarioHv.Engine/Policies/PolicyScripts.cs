using ScenarioHv.Engine.Configuration;

namespace ScenarioHv.Engine.Policies;

/// <summary>The policy scripts of a machine.</summary>
internal static class PolicyScripts
{
    /// <summary>All of them, in the order in which their variables lie.</summary>
    public static PolicyScript[] Of(MachineConfig config)
    {
        PolicyScript?[] scripts =
        [
            (config.ImmediateExit as ScriptedImmediateExit)?.Script,
            (config.IoApicEoi as ScriptedIoApicEoi)?.Script,
            .. OfKvm(config.Kvm),
            config.Bhyve.ExitFold.Script,
            .. config.Bhyve.Scripts.All,
            config.Making,
            .. config.ControllerScripts.Select(script => script.Script),
        ];
        return [.. scripts.OfType<PolicyScript>()];
    }

    private static IEnumerable<PolicyScript?> OfKvm(KvmPolicies kvm) =>
    [
        kvm.Enter.Script,
        kvm.NestedReflect.Script,
        kvm.ExitFold.Script,
        kvm.Eoi.Script,
        kvm.Inhibit.Script,
        kvm.Post.Script,
        kvm.SyncPosted.Steps.Script,
        kvm.PostedLoad.Script,
        kvm.LapicRestore.Script,
        kvm.Save.Script,
        .. kvm.Scripts.All,
    ];
}
