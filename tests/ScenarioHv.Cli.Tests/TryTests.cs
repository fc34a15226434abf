using System.Text.Json;

namespace ScenarioHv.Cli.Tests;

/// <summary><c>try</c>: what a policy script cures, what it leaves, what it breaks, and at which cost.</summary>
public sealed class TryTests : PolicyScriptFixture
{
    private const string Matrix = """
        matrix:
          immediate-exit: [zero-timer, "throttle(6, 1000)"]
          expect:
            - { when: { immediate-exit: zero-timer }, outcome: livelock }
            - { outcome: reached }
        cells:
          - name: silenced first
            set: { guests: { l1: { script: GUESTS/hyperv-root-silencing.csx, with: { uhci: 0xc040 } } } }
            expect: reached
          - name: on AMD
            set:
              machine: { cpu: { vendor: amd, apicv: false } }
              guests: { l1: { script: GUESTS/hyperv-root-svm.csx } }
            expect: livelock
          - name: bare metal
            set: { machine: { hypervisor: bare-metal, userspace: none } }
            expect: [livelock, reached]
        """;

    private static readonly string Machines = Matrix.Replace(
        "GUESTS", Path.Combine(AppContext.BaseDirectory, "scripts"), StringComparison.Ordinal);

    [Test]
    public void Cure_stands_beside_the_values_of_the_matrix_with_its_cost()
    {
        var folder = FolderWith("try-cure", Machines, ("throttle.csx", Throttle));

        var result = RunIn(folder, "try", "throttle.csx", ".");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.EqualTo(AsExpected), result.Error);
            Assert.That(result.Out, Does.StartWith("throttle.csx in place of immediate-exit\n"));
            Assert.That(result.Out, Does.Match(
                """

                hang: The hang of 2019, in small
                  as written: cured
                    zero-timer +livelock +\d+ \+ \d+ +-
                    throttle\(6, 1000\) +reached +\d+ +\d+ +0\.\d\d x
                    throttle\.csx +reached +\d+ +\d+
                  silenced first: good
                    zero-timer +reached +(\d+) +(\d+) +1\.00 x
                    throttle\.csx +reached +\1 +\2
                  on AMD: not applicable
                    self-ipi\(before-entry\) +livelock +\d+ \+ \d+ +-
                    throttle\.csx +- +- +-
                  bare metal: not applicable

                """));
            Assert.That(result.Out, Does.Match(
                @"\nnot applicable +1 machine of 1 scenario: .*VMX-preemption timer, which an AMD\s+processor does not have"));
            Assert.That(result.Out, Does.Match(
                @"\nnot applicable +1 machine of 1 scenario: .*on bare-metal there is\s+none below the guest"));
            Assert.That(result.Out, Does.Match(@"\ncured +1\n").And.Match(@"\nremains +0\n").And.Match(@"\nbroken +0\n"));
        }
    }

    [Test]
    public void Matrix_leaves_out_the_cells_that_cannot_do_what_a_script_of_the_command_line_wants()
    {
        var folder = FolderWith("try-matrix", Machines, ("throttle.csx", Throttle));

        var result = RunIn(folder, "matrix", "hang.yaml", "--set", "immediate-exit=throttle.csx");

        Assert.That(result.Out, Does.Contain("does not exist on their machines: on AMD; bare metal\n"), result.Error);
    }

    [Test]
    public void Bug_that_remains_is_named_with_the_value_that_cures_it()
    {
        var folder = FolderWith("try-remains", Machines, ("never.csx", Never));

        var result = RunIn(folder, "try", "never.csx", ".");

        Assert.That(result.ExitCode, Is.EqualTo(NotAsExpected), result.Error);
        Assert.That(result.Out, Does.Match(@"\nremains +1\n +hang, as written: livelock, which throttle\(6, 1000\) cures\n"));
    }

    [Test]
    public void Goal_that_is_not_reached_any_more_is_broken()
    {
        var folder = FolderWith("try-breaks", "", ("never.csx", Never));
        SetPolicies(folder, "immediate-exit: \"throttle(6, 1000)\"");

        var result = RunIn(folder, "try", "never.csx", ".");

        Assert.That(result.ExitCode, Is.EqualTo(NotAsExpected), result.Error);
        Assert.That(result.Out, Does.Match(@"\nbroken +1\n +hang, as written: livelock\n"), "of no usual value the first counts");
    }

    [Test]
    public void Plan_that_purges_after_the_timer_breaks_the_releases_that_purge_before_it()
    {
        var folder = FolderWith("try-plan", "", ("late.csx", "LapicRestoreStep[] Steps => [Load, StartTimer, Purge, SyncHardware];\n"));

        var result = RunIn(folder, "try", "late.csx", "lapic-restore-timer");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.EqualTo(NotAsExpected), result.Error);
            Assert.That(result.Out, Does.StartWith("late.csx in place of lapic-restore\n"));
            Assert.That(result.Out, Does.Match(@"\nbroken +\d+\n(.*\n)* +lapic-restore-timer, KVM 6\.7: violated\(custody\)\n"));
            Assert.That(result.Out, Does.Match(
                @"lapic-restore-timer, 1 tick before 8e6ed96cdd50: violated\(custody\)"), "the machine of the thread");
        }
    }

    [Test]
    public void Scenario_that_is_not_about_the_point_is_only_counted()
    {
        var folder = FolderWith("try-same", "", ("throttle.csx", Throttle));

        var result = RunIn(folder, "try", "throttle.csx", "first-steps");

        Assert.That(result.ExitCode, Is.EqualTo(AsExpected), result.Error);
        Assert.That(result.Out, Does.Match(@"\nno difference +\d machines? of 1 scenario: ").And.Not.Contain("first-steps"));
    }

    [Test]
    public void Json_has_the_documented_fields()
    {
        var folder = FolderWith("try-json", Machines, ("throttle.csx", Throttle));

        var json = RunIn(folder, "try", "throttle.csx", "hang.yaml", "--json").Json;

        var machines = json.GetProperty("scenarios")[0].GetProperty("machines");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Names(json), Is.EqualTo(
                new[] { "schemaVersion", "command", "script", "point", "scenarios", "unusable", "totals" }));
            Assert.That(Names(json.GetProperty("scenarios")[0]), Is.EqualTo(new[] { "scenario", "title", "source", "file", "machines" }));
            Assert.That(Names(machines[0]), Is.EqualTo(new[] { "machine", "verdict", "notApplicable", "usual", "values", "script" }));
            Assert.That(Names(machines[0].GetProperty("script")), Is.EqualTo(
                new[] { "value", "outcome", "property", "reason", "steps", "cycles", "exits", "trace", "scriptTakes" }));
            Assert.That(machines.EnumerateArray().Select(machine => machine.GetProperty("verdict").GetString()), Is.EqualTo(
                new[] { "cured", "good", "not applicable", "not applicable" }));
            Assert.That(Names(json.GetProperty("totals")), Is.EqualTo(new[]
            {
                "cured", "remains", "broken", "good", "noDifference", "notApplicable", "notKnown", "failed",
            }));
        }

        static IEnumerable<string> Names(JsonElement element) => element.EnumerateObject().Select(property => property.Name);
    }

    [Test]
    public void Script_that_fits_several_points_needs_to_be_told_one()
    {
        var folder = FolderWith("try-as", Machines, ("throttle.csx", Throttle));

        AssertBadInput(
            RunIn(folder, "try", "throttle.csx", "hang.yaml", "--as", "imediate-exit"),
            "--as imediate-exit: throttle.csx is for immediate-exit; did you mean 'immediate-exit'?");
        Assert.That(RunIn(folder, "try", "throttle.csx", "hang.yaml", "--as", "immediate-exit").ExitCode, Is.EqualTo(AsExpected));
    }

    [Test]
    public void What_cannot_be_tried_is_bad_input()
    {
        var folder = FolderWith("try-bad", Machines, ("broken.csx", "ImmediateExitDecision Decide(Situation now) => 0;\n"));

        AssertBadInput(RunIn(folder, "try", "nothing.csx"), "there is no policy script 'nothing.csx'");
        AssertBadInput(RunIn(folder, "try", "."), ". is a folder, expected a policy script");
        AssertBadInput(RunIn(folder, "try", "broken.csx"), "broken.csx:1:");
    }

    [Test]
    public void Scenario_that_cannot_be_read_and_script_that_throws_are_told_and_the_others_run()
    {
        var folder = FolderWith("try-throws", "", ("throws.csx", """
            ImmediateExitDecision Decide(Situation now)
            {
                throw new InvalidOperationException("no idea");
            }
            """));

        var result = RunIn(folder, "try", "throws.csx", "hang.yaml", "first-steps", "no-such-scenario");

        Assert.That(result.ExitCode, Is.EqualTo(BadInput));
        Assert.That(result.Error, Does.Contain("there is no file 'no-such-scenario'").And.Contain("throws.csx:3:").And.Contain("no idea"));
        Assert.That(result.Out, Does.Match(@"\nfailed +1\n").And.Match(@"\nno difference +\d machine"));
    }
}
