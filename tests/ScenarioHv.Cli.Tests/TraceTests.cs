namespace ScenarioHv.Cli.Tests;

/// <summary><c>run --trace</c>.</summary>
public sealed class TraceTests : CommandFixture
{
    private const string Entry = @"^ +CPU 0/KVM-1000  \[000\]      0\.\d{6}: kvm_entry:            vcpu 0$";

    [Test]
    public void Trace_is_written_to_a_file_as_trace_cmd_prints_it()
    {
        var result = Run("run", "hyperv-hang.yaml", "--trace", "hang.txt");

        var lines = File.ReadAllLines(InFolder("hang.txt"));
        Assert.That(result.ExitCode, Is.EqualTo(AsExpected));
        Assert.That(lines[0], Does.Match(@"^cpus=\d+$"));
        Assert.That(lines, Has.Some.Matches(Entry));
        Assert.That(lines, Has.Some.Matches(@"^ +qemu-io-1001  \[001\] .* kvm_set_irq: +gsi 23 level 1 source 0$"));
    }

    [Test]
    public void Trace_of_a_livelock_contains_its_period_more_than_once()
    {
        Run("run", "hyperv-hang.yaml", "--trace", "twice.txt");

        var lines = File.ReadAllLines(InFolder("twice.txt"));
        Assert.That(lines.Count(line => line.Contains("kvm_eoi", StringComparison.Ordinal)), Is.GreaterThan(1));
    }

    [Test]
    public void Trace_to_standard_output_sends_the_report_to_standard_error()
    {
        var result = Run("run", "hyperv-hang.yaml", "--trace", "-");

        Assert.That(result.ExitCode, Is.EqualTo(AsExpected));
        Assert.That(result.Out, Does.StartWith("cpus=").And.Not.Contain("outcome"));
        Assert.That(result.Error, Does.Contain("outcome      livelock"));
    }

    [Test]
    public void Trace_leaves_no_temporary_file_and_replaces_what_was_there()
    {
        File.WriteAllText(InFolder("old.txt"), "old");

        Run("run", "hyperv-hang.yaml", "--trace", "old.txt");

        Assert.That(File.ReadAllText(InFolder("old.txt")), Does.StartWith("cpus="));
        Assert.That(Directory.GetFiles(InFolder("."), ".old.txt*"), Is.Empty);
    }

    [Test]
    public void Run_that_fails_leaves_what_was_there()
    {
        File.WriteAllText(InFolder("kept.txt"), "old");

        var result = Run("run", Scenario("throw", "throw.csx", "reached"), "--trace", "kept.txt");

        Assert.That(result.ExitCode, Is.EqualTo(BadInput));
        Assert.That(File.ReadAllText(InFolder("kept.txt")), Is.EqualTo("old"));
        Assert.That(Directory.GetFiles(InFolder("."), ".kept.txt*"), Is.Empty);
    }

    [Test]
    public void Folder_that_does_not_exist_is_bad_input() =>
        AssertBadInput(
            Run("run", "hyperv-hang.yaml", "--trace", "no-such-folder/hang.txt"), "--trace no-such-folder/hang.txt", "cannot be written");
}
