using System.Diagnostics;
using System.Globalization;
using ScenarioHv.Conformance;
using ScenarioHv.Conformance.Tests;

namespace ScenarioHv.Witnesses.Tests;

/// <summary>The QEMU that is installed. Without one, each test says so and is left out.</summary>
[NonParallelizable]
public sealed class QemuWitnessTests
{
    private const string PoweredOn = "M irr=00 isr=00 imr=00 base=00 low=0 rr=0 poll=0 smm=0 init=0 aeoi=0 raeoi=0 sfnm=0 elcr=00 "
        + "S irr=00 isr=00 imr=00 base=00 low=0 rr=0 poll=0 smm=0 init=0 aeoi=0 raeoi=0 sfnm=0 elcr=00";

    private static readonly string[] Initialised =
    [
        "mw 0 fee000f0 1ff", "mw 0 fee00350 700", "out 0 20 11", "out 0 21 20", "out 0 21 4", "out 0 21 1",
        "out 0 a0 11", "out 0 a1 28", "out 0 a1 2", "out 0 a1 1", "pol 0 20-2f 0",
    ];

    private static readonly Lazy<IReadOnlyList<Recording>> Recordings = new(() =>
    [
        .. RecordingReader.Read([Path.Combine(TestContext.CurrentContext.TestDirectory, "recordings")]).SelectMany(file => file.Recordings),
    ]);

    private QemuWitnessSource source = null!;

    [OneTimeSetUp]
    public void Start()
    {
        try
        {
            source = new QemuWitnessSource();
        }
        catch (WitnessUnavailableException missing)
        {
            Assert.Ignore(missing.Message);
        }
    }

    [OneTimeTearDown]
    public void End()
    {
        source?.Dispose();
        Assert.That(Descendants(), Is.Empty);
    }

    [Test]
    public void The_name_says_which_version_and_what_is_QEMUs() =>
        Assert.That(source.Name, Does.Match(@"^QEMU \d+\.\d+\.\d+ \(I/O APIC and 8259 pair; local APICs and CPUs are the model's\)$"));

    // A difference here is one between the model of QEMU 7.2 and the QEMU at hand.
    [Test]
    public void Recorded_operations_show_what_the_model_of_QEMU_shows() => Assert.That(Differences(Recordings.Value), Is.Empty);

    [Test]
    public void Random_operations_show_what_the_model_of_QEMU_shows() =>
        Assert.That(Differences(Enumerable.Range(0, 300).Select(number => OperationGenerator.Generate(seed: 5, number))), Is.Empty);

    // The I/O APIC and the 8259 pair are QEMU's; rows of the local APIC hold the model against itself here.
    [TestCaseSource(typeof(Conformance.Tests.Differences), nameof(Conformance.Tests.Differences.All))]
    public void A_row_of_the_table_of_differences_is_seen(Disagreement row)
    {
        if (!source.Name.StartsWith("QEMU 7.2.", StringComparison.Ordinal))
            Assert.Ignore($"The table is of QEMU 7.2; this is {source.Name}.");
        using IWitness witness = source.PowerOn(1, hasX2Apic: false);
        Assert.That(row.On(witness), Is.EqualTo(row.Qemu));
    }

    // Each was a difference once.
    [TestCase("pulse p 13; out 0 20 11; out 0 a0 68; win 0 6", Description = "OCW3 does not touch the slave's INT")]
    [TestCase("line p 8 1; out 0 20 1a; out 0 4d1 96; dumpP", Description = "nor does the ELCR")]
    [TestCase("pulse p 11; out 0 20 10; pol 0 0-ff 1e; pulse p 1; win 0 3", Description = "nor an EOI with nothing in service")]
    [TestCase(
        "out 0 20 11; out 0 21 20; out 0 21 4; out 0 21 11; line b 2 1; win 0 1; line b 8 1; win 0 2",
        Description = "nor a spurious INTA of the slave")]
    [TestCase("iow 0 34 18751; pulse b 3; line i 18 1; dumpP", Description = "a masked ExtINT entry takes the 8259's vector")]
    [TestCase("iow 0 14 8060; line i 2 1; line b 7 1; iow 0 14 c760; win 0 2", Description = "so does one with remote IRR")]
    public void Operations_that_few_recordings_have(string ops) =>
        Assert.That(
            Differences([
                new Recording(
                    ops, "", 1, false, [.. $"mw 0 fee00350 700; {ops}".Split("; ").Select(op => RecordedOp.Parse(op, 1))], [])]),
            Is.Empty);

    // Cases without a policy of KVM's or QEMU's: the log of both.
    [TestCase("both-chips-one-line")]
    [TestCase("extint-vs-apic-order")]
    [TestCase("hlt-extint-wakes")]
    [TestCase("ioapic-level-basic")]
    [TestCase("ioapic-level-mask-while-pending")]
    [TestCase("ioapic-level-remote-irr-holds")]
    [TestCase("ioapic-level-stays-asserted")]
    [TestCase("ioapic-level-to-edge-clears-remote-irr")]
    [TestCase("ioapic-many-pins-order")]
    [TestCase("ioapic-nmi-mode")]
    [TestCase("ioapic-two-pins-one-vector")]
    [TestCase("pic-aeoi-rotate")]
    [TestCase("pic-cascade-slave-nested")]
    [TestCase("pic-elcr-level-hook")]
    [TestCase("pic-rotate-specific-eoi")]
    [TestCase("pic-sfnm")]
    [TestCase("pic-spurious-irq7")]
    [TestCase("pic-spurious-slave-15")]
    public void A_recording_of_KVM_on_which_QEMU_agrees(string name)
    {
        Recording recording = Recordings.Value.Single(candidate => candidate.Name == name);
        Assert.That(Log(recording.Ops), Is.EqualTo(recording.Log));
    }

    [Test]
    public void A_list_starts_from_power_on_whatever_the_one_before_left()
    {
        Log([.. Initialised, "line b 3 1", "iow 0 16 8041", "iow 0 0 5000000", "out 0 20 c", "out 0 4d0 8", "out 0 a0 11"]);
        Assert.That(Log("dumpP", "dumpI"), Is.EqualTo(new[] { PoweredOn, "I sel=00 id=0 irr=000000" }));
        Assert.That(Log([.. Initialised, "win 0", "line p 3 1", "win 0 1"])[^1], Is.EqualTo("23"), "INT was low, and the line");
    }

    // QEMU i8259.c:pic_read_irq has nothing to do with the poll flag, the read selection or special mask mode.
    [Test]
    public void INTA_leaves_a_poll_that_waits_the_read_selection_and_the_special_mask()
    {
        string[] log = Log([
            .. Initialised, "out 0 20 6b", "out 0 20 c", "line p 4 1", "win 0 1", "dumpP", "line p 1 1", "in 0 20", "in 0 20"]);
        Assert.That(log[^5], Is.EqualTo("24"));
        Assert.That(log[^4], Does.StartWith("M irr=00 isr=10 imr=00 base=20 low=0 rr=1 poll=1 smm=1 "));
        Assert.That(log[^2..], Is.EqualTo(new[] { "=81", "=12" }));
    }

    [TestCase("line p 9 1", "29", "M irr=00 isr=04", "S irr=00 isr=02", Description = "the slave's")]
    [TestCase("line p 2 1", "2f", "M irr=00 isr=04", "S irr=00 isr=00", Description = "the cascade without a slave's request")]
    public void INTA_through_the_cascade(string line, string vector, string master, string slave)
    {
        string[] log = Log([.. Initialised, line, "win 0 1", "dumpP"]);
        Assert.That(log[^2..], Is.EqualTo(new[] { vector, log[^1] }));
        Assert.That(log[^1], Does.StartWith(master).And.Contain(slave));
    }

    // QEMU ioapic.c:ioapic_entry_parse.
    [Test]
    public void An_ExtINT_entry_takes_the_8259s_vector_to_the_local_APIC()
    {
        string[] log = Log([.. Initialised, "mw 0 fee00350 10700", "iow 0 20 700", "line p 3 1", "line i 8 1", "dumpP", "win 0"]);
        Assert.That(log[^2], Does.StartWith("M irr=00 isr=08 "));
        Assert.That(log[^1], Is.EqualTo("23"));
    }

    [Test]
    public void What_QEMU_would_send_into_a_local_APICs_registers_is_refused() =>
        Assert.That(
            () => Log("iow 0 15 00380000"),
            Throws.TypeOf<NotSupportedException>().With.Message.StartsWith("entry 2 gets destination 0"));

    [Test]
    public void A_QEMU_that_is_killed_is_told_of_and_replaced()
    {
        using (IWitness witness = source.PowerOn(1, false))
        {
            foreach (Process qemu in Descendants().Where(process => process.ProcessName.StartsWith("qemu", StringComparison.Ordinal)))
                qemu.Kill();
            Assert.That(
                () => witness.Execute(RecordedOp.Parse("in 0 20", 1)),
                Throws.TypeOf<WitnessException>().With.Message.StartsWith("QEMU has ended"));
        }

        Assert.That(Log("dumpP"), Is.EqualTo(new[] { PoweredOn }));
        Assert.That(Descendants(), Has.Count.EqualTo(2), "the guarding shell and QEMU");
    }

    private List<string> Differences(IEnumerable<Recording> lists)
    {
        if (!source.Name.StartsWith("QEMU 7.2.", StringComparison.Ordinal))
            Assert.Ignore($"The model is that of QEMU 7.2; this is {source.Name}.");
        var run = new LiveRun(source, source.Preset, new Comparison(isStrict: true));
        return [.. lists.Select(run.Execute).Select(result => result.Difference).OfType<Difference>().Select(found => found.ToString())];
    }

    private string[] Log(params string[] ops) => Log([.. ops.Select(op => RecordedOp.Parse(op, 1))]);

    private string[] Log(IReadOnlyList<RecordedOp> ops)
    {
        using IWitness witness = source.PowerOn(1, false);
        return [.. ops.Select(witness.Execute)];
    }

    // Field 4 of stat is the parent; the name before it, in parentheses, may have blanks.
    private static List<Process> Descendants()
    {
        var parents = new Dictionary<int, int>();
        foreach (Process process in Process.GetProcesses())
        {
            try
            {
                string stat = File.ReadAllText($"/proc/{process.Id}/stat");
                string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
                if (fields[0] != "Z")
                    parents[process.Id] = int.Parse(fields[1], CultureInfo.InvariantCulture);
            }
            catch (IOException)
            {
                // It has ended meanwhile.
            }
        }

        return [.. parents.Keys.Where(id => IsOurs(id)).Select(Process.GetProcessById)];

        bool IsOurs(int id) => parents.TryGetValue(id, out int parent) && (parent == Environment.ProcessId || IsOurs(parent));
    }
}
