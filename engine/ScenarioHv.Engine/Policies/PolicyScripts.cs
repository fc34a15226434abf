using ScenarioHv.Engine.Configuration;

namespace ScenarioHv.Engine.Policies;

/// <summary>The policy scripts of a machine.</summary>
internal static class PolicyScripts
{
    /// <summary>All of them, in the order in which their variables lie.</summary>
    public static PolicyScript[] Of(MachineConfig config)
    {
        List<PolicyScript> scripts = [];
        Add(scripts, (config.ImmediateExit as ScriptedImmediateExit)?.Script, (config.IoApicEoi as ScriptedIoApicEoi)?.Script);
        AddKvm(scripts, config.Kvm);
        Add(scripts, config.Bhyve.ExitFold.Script);
        config.Bhyve.Scripts.AddTo(scripts);
        Add(scripts, config.Making);
        foreach (var script in config.ControllerScripts)
        {
            scripts.Add(script.Script);
        }

        return [.. scripts];
    }

    private static void AddKvm(List<PolicyScript> scripts, KvmPolicies kvm)
    {
        Add(
            scripts,
            kvm.Enter.Script,
            kvm.NestedReflect.Script,
            kvm.ExitFold.Script,
            kvm.Eoi.Script,
            kvm.Inhibit.Script,
            kvm.Post.Script,
            kvm.SyncPosted.Steps.Script,
            kvm.PostedLoad.Script,
            kvm.LapicRestore.Script,
            kvm.Save.Script);
        kvm.Scripts.AddTo(scripts);
    }

    private static void Add(List<PolicyScript> scripts, params PolicyScript?[] some)
    {
        foreach (var script in some)
        {
            if (script is not null)
            {
                scripts.Add(script);
            }
        }
    }
}
