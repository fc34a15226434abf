using System.Text;
using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Policies;

/// <summary>An interrupt controller, or what speaks to one or listens to it.</summary>
public enum ControllerKind : byte
{
    /// <summary>The local APIC: <c>lapic-</c>.</summary>
    LocalApic,

    /// <summary>The 8259A pair: <c>pic-</c>.</summary>
    Pic,

    /// <summary>The I/O APIC: <c>ioapic-</c>.</summary>
    IoApic,

    /// <summary>Message-signalled interrupts: <c>msi-</c>.</summary>
    Msi,

    /// <summary>The CPU that takes the interrupts: <c>cpu-</c>.</summary>
    Cpu,

    /// <summary>Hyper-V's synthetic interrupt controller: <c>synic-</c>.</summary>
    SynIc,

    /// <summary>Hyper-V's synthetic timers: <c>stimer-</c>.</summary>
    SyntheticTimers,

    /// <summary>Hyper-V's other interfaces to a local APIC: <c>hv-</c>.</summary>
    Hyperv,

    /// <summary>The 8254: <c>pit-</c>.</summary>
    Pit,
}

/// <summary>The name of a policy point: what it belongs to, and the property that holds the choice.</summary>
/// <param name="Controller">Whose choice it is.</param>
/// <param name="Property">The property: <c>PendingWhileDisabled</c>.</param>
public readonly record struct ControllerPolicyName(ControllerKind Controller, string Property)
{
    /// <summary>The name in scenarios: <c>lapic-pending-while-disabled</c>.</summary>
    public string Text => Prefix(Controller) + Kebab(Property);

    /// <summary>What the names of a controller's points begin with: <c>lapic-</c>.</summary>
    /// <param name="controller">The controller.</param>
    public static string Prefix(ControllerKind controller) => controller switch
    {
        ControllerKind.LocalApic => "lapic-",
        ControllerKind.Pic => "pic-",
        ControllerKind.IoApic => "ioapic-",
        ControllerKind.Cpu => "cpu-",
        ControllerKind.SynIc => "synic-",
        ControllerKind.SyntheticTimers => "stimer-",
        ControllerKind.Hyperv => "hv-",
        ControllerKind.Pit => "pit-",
        _ => "msi-",
    };

    /// <summary>A name of the code as scenarios write it: words in lower case with hyphens between them.</summary>
    /// <param name="name">The name of a property or of a value.</param>
    public static string Kebab(string name)
    {
        // Words of the field that the code's capitals would tear apart.
        name = name.Replace("X2Apic", "X2apic").Replace("ExtInt", "Extint").Replace("OpenVmm", "Openvmm");
        var text = new StringBuilder();
        foreach (var character in name)
        {
            if (char.IsAsciiLetterUpper(character) && text.Length > 0)
            {
                text.Append('-');
            }

            text.Append(char.ToLowerInvariant(character));
        }

        return text.ToString();
    }
}

/// <summary>One value of a policy point.</summary>
/// <param name="Name">Name in scenarios: <c>held-back</c>.</param>
/// <param name="Meaning">What the controller then does.</param>
/// <param name="Source">The manual, or the implementation with file and function.</param>
public sealed record ControllerPolicyValue(string Name, string Meaning, string Source);

/// <summary>A rule on which implementations of an interrupt controller differ.</summary>
public sealed class ControllerPolicyPoint
{
    private static readonly (ControllerKind, string)[] OfMaking =
    [
        (ControllerKind.LocalApic, nameof(LocalApicPolicies.BspLint0)),
        (ControllerKind.LocalApic, nameof(LocalApicPolicies.LintInputs)),
        (ControllerKind.IoApic, nameof(IoApicPolicies.EoiRegister)),
        (ControllerKind.IoApic, nameof(IoApicPolicies.PinZero)),
        (ControllerKind.IoApic, nameof(IoApicPolicies.Reset)),
        (ControllerKind.IoApic, nameof(PlatformPolicies.Window)),
    ];

    private readonly Func<ControllerPolicies, int> _get;
    private readonly Func<ControllerPolicies, int, ControllerPolicies> _set;
    private readonly Scripting _scripting;

    private ControllerPolicyPoint(
        ControllerPolicyName name,
        string summary,
        IReadOnlyList<ControllerPolicyValue> values,
        Func<ControllerPolicies, int> get,
        Func<ControllerPolicies, int, ControllerPolicies> set,
        Scripting scripting)
    {
        _scripting = scripting;
        (Controller, Property, Name) = (name.Controller, name.Property, name.Text);
        (Summary, Values) = (summary, values);
        (_get, _set) = (get, set);
    }

    /// <summary>Whose rule it is.</summary>
    public ControllerKind Controller { get; }

    /// <summary>The property of the controller's policies that holds the choice.</summary>
    public string Property { get; }

    /// <summary>Name in scenarios: <c>lapic-pending-while-disabled</c>.</summary>
    public string Name { get; }

    /// <summary>What it decides.</summary>
    public string Summary { get; }

    /// <summary>The values.</summary>
    public IReadOnlyList<ControllerPolicyValue> Values { get; }

    /// <summary>The type of the choice, which a script in its place gives.</summary>
    public Type Answer => _scripting.Answer;

    /// <summary>
    /// True if it says what a machine is made of or wired like, so that a script is asked once, when that happens; false if one is asked at
    /// the beginning of each step.
    /// </summary>
    public bool IsOfMaking => Array.IndexOf(OfMaking, (Controller, Property)) >= 0;

    /// <summary>The machine with a script in the place of a value.</summary>
    /// <param name="program">A decision of <see cref="Answer"/>.</param>
    /// <param name="problem">Why the machine cannot have a value; null if it can.</param>
    /// <param name="config">The machine with the choices of its controllers.</param>
    /// <exception cref="ArgumentException">The program is made for something else.</exception>
    /// <exception cref="PolicyException">A script that was asked for the machine's making failed.</exception>
    public MachineConfig WithScript(PolicyProgram program, Func<string, string?> problem, MachineConfig config) =>
        IsOfMaking ? _scripting.Make(Name, program, problem, config) : config with
        {
            ControllerScripts = [.. config.ControllerScripts, _scripting.Script(Name, program, problem)],
        };

    /// <summary>The value that <paramref name="policies"/> have.</summary>
    /// <param name="policies">The choices of a machine.</param>
    public ControllerPolicyValue ValueIn(in ControllerPolicies policies) => Values[_get(policies)];

    /// <summary>Chooses a value.</summary>
    /// <param name="policies">Receives the choice; stays as it is if there is no such value.</param>
    /// <param name="value">Its name.</param>
    /// <returns>False if the point has no value of that name.</returns>
    public bool TrySet(ref ControllerPolicies policies, string value)
    {
        for (var i = 0; i < Values.Count; i++)
        {
            if (Values[i].Name == value)
            {
                policies = _set(policies, i);
                return true;
            }
        }

        return false;
    }

    internal static ControllerPolicyPoint Of<T>(
        ControllerPolicyName name,
        string summary,
        Func<ControllerPolicies, T> get,
        Func<ControllerPolicies, T, ControllerPolicies> set,
        ReadOnlySpan<(T Value, string Meaning, string Source)> values)
        where T : struct, Enum
    {
        var choices = new T[values.Length];
        var words = new ControllerPolicyValue[values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            choices[i] = values[i].Value;
            words[i] = new(ControllerPolicyName.Kebab(values[i].Value.ToString()), values[i].Meaning, values[i].Source);
        }

        return new ControllerPolicyPoint(
            name,
            summary,
            words,
            policies => Array.IndexOf(choices, get(policies)),
            (policies, i) => set(policies, choices[i]),
            ScriptingOf(choices, set));
    }

    private static Scripting ScriptingOf<T>(T[] choices, Func<ControllerPolicies, T, ControllerPolicies> set)
        where T : struct, Enum
    {
        DecisionScript<T> Of(string point, PolicyProgram program, Func<string, string?> problem)
        {
            string?[] problems = [.. choices.Select(choice => problem(ControllerPolicyName.Kebab(choice.ToString())))];
            return new(point, PolicyScope.Vm, program, answer => Array.IndexOf(choices, answer) is >= 0 and var place
                ? problems[place] : $"{point} has no such value");
        }

        return new Scripting(
            typeof(T),
            (point, program, problem) => ControllerScript.Of(Of(point, program, problem), set),
            (point, program, problem, config) =>
            {
                var answer = Of(point, program, problem).AskAtMaking(config);
                var controllers = config.Controllers ?? ControllerPolicies.Usual(config.Hypervisor, config.Irqchip);
                return config with { Controllers = set(controllers, answer) };
            });
    }

    /// <summary>How a script fills the point.</summary>
    private sealed record Scripting(
        Type Answer,
        Func<string, PolicyProgram, Func<string, string?>, ControllerScript> Script,
        Func<string, PolicyProgram, Func<string, string?>, MachineConfig, MachineConfig> Make);
}
