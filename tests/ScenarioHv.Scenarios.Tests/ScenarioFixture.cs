using System.Text;

namespace ScenarioHv.Scenarios.Tests;

/// <summary>A directory of its own for each test, with two guest scripts and a scenario that is right until a test changes it.</summary>
public abstract class ScenarioFixture
{
    /// <summary>A right scenario. Line numbers in the tests are counted here.</summary>
    protected const string Good = """
        scenario: hyperv-hang
        title: Hyper-V hangs at boot
        source: "KVM list, 2019-03-28"
        machine:
          tsc: 2.4 GHz
          timing: skylake
          cpu: { vendor: intel, apicv: true, preemption-timer: { shift: 5 } }
          hypervisor: kvm@5.1
          irqchip: split
          devices:
            usb:   { type: piix4-uhci, slot: "1d.0" }
            clock: { type: msi, vector: 0x60 }
        guests:
          l1: l1.csx
          l2: l2.csx
        timeline:
          - { at: 50 us, raise: usb }
          - { at: 50 us, fire: clock }
        goal: l2 reports "usb served"
        expect: livelock

        """;

    private string _directory = "";

    protected string ScenarioPath => Path.Combine(_directory, "test.yaml");

    [SetUp]
    public void CreateDirectory()
    {
        _directory = Directory.CreateTempSubdirectory("scenariohv-").FullName;
        File.WriteAllText(InDirectory("l1.csx"), "");
        File.WriteAllText(InDirectory("l2.csx"), "");
    }

    [TearDown]
    public void DeleteDirectory() => Directory.Delete(_directory, recursive: true);

    protected string InDirectory(string name) => Path.Combine(_directory, name);

    protected ScenarioDocument Read(string text, params SettingOverride[] overrides)
    {
        File.WriteAllText(ScenarioPath, text);
        return ScenarioReader.Read(ScenarioPath, SampleVocabulary.Create(), overrides);
    }

    /// <summary>The right scenario with one text replaced, which must be there.</summary>
    protected static string With(string old, string replacement)
    {
        var changed = Good.Replace(old, replacement, StringComparison.Ordinal);
        Assert.That(changed, Is.Not.EqualTo(Good), $"'{old}' is not in the scenario");
        return changed;
    }

    protected Diagnostic ErrorOf(string text, params SettingOverride[] overrides) => ErrorOf(Encoding.UTF8.GetBytes(text), overrides);

    protected Diagnostic ErrorOf(byte[] content, params SettingOverride[] overrides)
    {
        File.WriteAllBytes(ScenarioPath, content);
        return ErrorOfFile(ScenarioPath, overrides);
    }

    protected static Diagnostic ErrorOfFile(string path, params SettingOverride[] overrides)
    {
        var error = Assert.Throws<ScenarioException>(() => ScenarioReader.Read(path, SampleVocabulary.Create(), overrides));
        Assert.That(error!.Message, Is.EqualTo(error.Diagnostic.ToString()));
        Assert.That(error.Message, Does.Not.Contain("\n"));
        return error.Diagnostic;
    }

    /// <summary>The place and message of an error, and that the file is named.</summary>
    protected void AssertError(Diagnostic error, int line, int column, params string[] parts)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(error.ToString(), Does.StartWith($"{ScenarioPath}:{line}:{column}: "));
            foreach (var part in parts)
                Assert.That(error.Message, Does.Contain(part));
        }
    }
}
