using System.IO.Compression;
using System.Text;

namespace ScenarioHv.Conformance.Tests;

/// <summary>What is a recording, and what is said of a line that is none.</summary>
public sealed class RecordingReaderTests
{
    private string folder = "";

    [SetUp]
    public void CreateFolder() => folder = Directory.CreateTempSubdirectory("conform").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(folder, recursive: true);

    [Test]
    public void A_case_has_its_name_CPUs_operations_and_log()
    {
        Recording recording = RecordingReader.Parse(Line("nop 1", "02", vcpus: 2), "a:1");
        Assert.Multiple(() =>
        {
            Assert.That(recording.Name, Is.EqualTo("n"));
            Assert.That(recording.Cpus, Is.EqualTo(2));
            Assert.That(recording.HasX2Apic, Is.False);
            Assert.That(recording.Ops.Single().Kind, Is.EqualTo(RecordedOpKind.Nop));
            Assert.That(recording.Log, Is.EqualTo(new[] { "02" }));
        });
    }

    [TestCase("{", "a:7: not JSON")]
    [TestCase("[]", "a:7: expected a member \"setup\"")]
    [TestCase("""{"name":"n","setup":{"vcpus":0,"x2apic":0},"ops":[],"log":[]}""", "a:7: \"vcpus\" is 1..8")]
    [TestCase("""{"name":"n","setup":{"vcpus":1,"x2apic":2},"ops":[],"log":[]}""", "a:7: \"x2apic\" is 0..1")]
    [TestCase("""{"name":"n","setup":{"vcpus":1,"x2apic":0},"ops":["dumpI"],"log":[]}""", "a:7: 1 ops, but 0 entries in the log")]
    [TestCase("""{"name":"n","setup":{"vcpus":1,"x2apic":0},"ops":[1],"log":[""]}""", "a:7: \"ops\" has an entry that is no string")]
    [TestCase("""{"name":1,"setup":{"vcpus":1,"x2apic":0},"ops":[],"log":[]}""", "a:7: expected a member \"name\"")]
    public void A_line_that_is_no_case_is_named(string line, string message) =>
        Assert.That(() => RecordingReader.Parse(line, "a:7"), Throws.TypeOf<RecordingException>().With.Message.StartsWith(message));

    [TestCase("jump 0", "there is no operation 'jump'")]
    [TestCase("mw 0 fee00000", "expected 'mw CPU ADDR VAL'")]
    [TestCase("dumpI 0", "expected 'dumpI'")]
    [TestCase("nop 1", "'1' is no CPU")]
    [TestCase("mw 0 fee00000 100000000", "'100000000' is no VAL")]
    [TestCase("mw 0 fee0000g 1", "'fee0000g' is no ADDR")]
    [TestCase("out 0 20 100", "'100' is no BYTE")]
    [TestCase("wcr8 0 10", "'10' is no NIBBLE")]
    [TestCase("line x 3 1", "'x' is no K")]
    [TestCase("line i 24 1", "'24' is no PIN")]
    [TestCase("line p 16 1", "'16' is no PIN")]
    [TestCase("line i 3 2", "'2' is no L")]
    [TestCase("pol 0 40-30 4", "'40-30' is no VECS")]
    [TestCase("pol 0 30 80", "'80' is no BITS")]
    [TestCase("win 0 0", "'0' is no MAX")]
    [TestCase("sleep 1001", "'1001' is no MS")]
    public void An_operation_that_cannot_be_read_is_named_with_its_index(string op, string message) =>
        Assert.That(
            () => RecordingReader.Parse(Line(op, ""), "a:7"),
            Throws.TypeOf<RecordingException>().With.Message.EqualTo($"a:7: op 0: '{op}': {message}"));

    [Test]
    public void A_folder_is_its_recordings_by_name()
    {
        File.WriteAllText(Path.Combine(folder, "b.jsonl"), Line("nop 0", "") + "\n\n" + Line("nop 0", ""));
        File.WriteAllText(Path.Combine(folder, "notes.txt"), "none");
        using (var gzip = new GZipStream(File.Create(Path.Combine(folder, "a.jsonl.gz")), CompressionMode.Compress))
            gzip.Write(Encoding.UTF8.GetBytes(Line("nop 0", "")));
        IReadOnlyList<RecordingFile> files = RecordingReader.Read([folder]);
        Assert.That(files.Select(file => Path.GetFileName(file.Path)), Is.EqualTo(new[] { "a.jsonl.gz", "b.jsonl" }));
        Assert.That(files.Select(file => file.Recordings.Count), Is.EqualTo(new[] { 1, 2 }));
        Assert.That(files[1].Recordings[1].Source, Does.EndWith("b.jsonl:3"));
    }

    [TestCase("empty.jsonl", "", "no recordings")]
    [TestCase("plain.jsonl.gz", "{}", "")]
    public void A_file_that_cannot_be_used_is_named(string name, string text, string message)
    {
        string path = Path.Combine(folder, name);
        File.WriteAllText(path, text);
        Assert.That(() => RecordingReader.Read([path]), Throws.TypeOf<RecordingException>().With.Message.StartsWith($"{path}: {message}"));
    }

    [Test]
    public void Folders_below_are_read_and_links_to_folders_are_not_followed()
    {
        string below = Directory.CreateDirectory(Path.Combine(folder, "below")).FullName;
        File.WriteAllText(Path.Combine(below, "a.jsonl"), Line("nop 0", ""));
        Directory.CreateSymbolicLink(Path.Combine(below, "back"), folder);
        Assert.That(RecordingReader.Read([folder]).Select(file => file.Path), Is.EqualTo(new[] { Path.Combine(below, "a.jsonl") }));
    }

    [Test]
    public void A_folder_without_recordings_and_a_missing_file_are_named()
    {
        string missing = Path.Combine(folder, "missing.jsonl");
        Assert.That(() => RecordingReader.Read([folder]), Throws.TypeOf<RecordingException>().With.Message.StartsWith(folder));
        Assert.That(() => RecordingReader.Read([missing]), Throws.TypeOf<RecordingException>().With.Message.StartsWith(missing));
    }

    [Test]
    public void A_line_without_end_is_not_read_to_its_end() =>
        Assert.That(
            () => RecordingReader.Read(new StringReader(new string(' ', RecordingReader.MaxLine + 1)), "a"),
            Throws.TypeOf<RecordingException>().With.Message.StartsWith("a:1: a line of more than"));

    private static string Line(string op, string log, int vcpus = 1) =>
        $$"""{"name":"n","setup":{"vcpus":{{vcpus}},"x2apic":0},"src":"s","ops":["{{op}}"],"log":["{{log}}"],"tags":[]}""";
}
