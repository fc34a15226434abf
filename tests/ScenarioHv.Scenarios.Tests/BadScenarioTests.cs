
namespace ScenarioHv.Scenarios.Tests;

/// <summary>Each wrong scenario has one error, with the place of what is wrong and what would be right.</summary>
public class BadScenarioTests : ScenarioFixture
{
    [TestCase("title:", "tilte:", 2, 1, "unknown key 'tilte' in the scenario", "did you mean 'title'?")]
    [TestCase("tsc:", "tcs:", 5, 3, "unknown key 'tcs' in machine", "did you mean 'tsc'?")]
    [TestCase("vector: 0x60", "vectr: 0x60", 12, 25, "unknown key 'vectr' in device 'clock' of type msi", "did you mean 'vector'?")]
    [TestCase("vector: 0x60", "vector: 0x60, slot: \"04.0\"", 12, 39, "unknown key 'slot'", "expected one of type, vector, destination")]
    [TestCase("clock: {", "usb: {", 12, 5, "duplicate key 'usb'", "first given on line 11")]
    [TestCase("scenario: hyperv-hang", "scenario: hyperv hang", 1, 11, "'hyperv hang' cannot name a scenario", "")]
    [TestCase("scenario: hyperv-hang\n", "", 1, 1, "the scenario has no 'scenario'", "required")]
    [TestCase("goal: l2 reports \"usb served\"\n", "", 1, 1, "the scenario has no 'goal'", "required")]
    [TestCase("  tsc: 2.4 GHz\n", "", 5, 3, "machine has no 'tsc'", "required")]
    [TestCase("type: msi, ", "", 12, 12, "device 'clock' has no 'type'", "expected one of piix4-uhci, msi, line")]
    [TestCase("type: msi, vector: 0x60", "type: msi", 12, 12, "device 'clock' of type msi has no 'vector'", "required")]
    [TestCase("vector: 0x60", "vector: 0x0f", 12, 33, "vector 0x0f is out of range", "0x10..0xff (SDM3 10.5.2: 0..15 are reserved)")]
    [TestCase("vector: 0x60", "vector: 256", 12, 33, "vector 256 is out of range", "0x10..0xff")]
    [TestCase("vector: 0x60", "vector: sixty", 12, 33, "found 'sixty'", "expected a whole number for vector")]
    [TestCase("vector: 0x60", "vector: \"0x60\"", 12, 33, "found '0x60'", "without quotes")]
    [TestCase("vector: 0x60", "vector: 096", 12, 33, "found '096'", "a leading 0 is octal to some readers")]
    [TestCase("vector: 0x60", "vector: 0x", 12, 33, "found '0x'", "expected a whole number")]
    [TestCase("vector: 0x60", "vector: -1", 12, 33, "vector -1 is out of range", "0x10..0xff")]
    [TestCase("vector: 0x60", "vector: 99999999999999999999999999999999999999999", 12, 33, "is out of range", "0x10..0xff")]
    [TestCase("vector: 0x60", "vector:", 12, 33, "found nothing", "expected a whole number for vector")]
    [TestCase("vector: 0x60", "vector: 0x60, masked: yes", 12, 47, "found 'yes' for masked", "expected true or false")]
    [TestCase("vector: 0x60", "vector: 0x60, mode: fixd", 12, 45, "found 'fixd' for mode", "did you mean 'fixed'?")]
    [TestCase("vector: 0x60", "vector: 0x60, burst: 17", 12, 46, "burst 17 is out of range", "1..16")]
    [TestCase("type: msi, vector: 0x60", "type: line, gsi: 24", 12, 31, "gsi 24 is out of range", "0..23")]
    [TestCase("type: msi,", "type: mis,", 12, 20, "found 'mis' for type of device 'clock'", "did you mean 'msi'?")]
    [TestCase("clock: { type: msi, vector: 0x60 }", "clock: { type: piix4-uhci, slot: 1d.0 }", 12, 38,
        "slot 1d.0 is taken by device 'usb'", "")]
    [TestCase("\"1d.0\"", "\"20.0\"", 11, 38, "slot 20.0 is out of range", "00..1f")]
    [TestCase("\"1d.0\"", "\"1d.8\"", 11, 38, "slot 1d.8 is out of range", "0..7")]
    [TestCase("\"1d.0\"", "\"00:1d.0\"", 11, 38, "found '00:1d.0'", "\"1d.0\"")]
    [TestCase("\"1d.0\"", "29", 11, 38, "found '29'", "\"1d.0\"")]
    [TestCase("shift: 5", "shift: 40", 7, 65, "preemption-timer shift 40 is out of range", "0..31")]
    [TestCase("vendor: intel", "vendor: amd", 7, 54, "an AMD processor has no VMX-preemption timer", "off")]
    [TestCase("vendor: intel", "vendor: intle", 7, 18, "found 'intle' for cpu vendor", "did you mean 'intel'?")]
    [TestCase("apicv: true", "apicv: \"true\"", 7, 32, "found 'true' for apicv", "expected true or false")]
    [TestCase("kvm@5.1", "kvm@5.2", 8, 15, "found 'kvm@5.2' for hypervisor", "did you mean 'kvm@5.1'?")]
    [TestCase("irqchip: split", "irqchip: spilt", 9, 12, "found 'spilt' for irqchip", "did you mean 'split'?")]
    [TestCase("irqchip: split", "vcpus: 9", 9, 10, "vcpus 9 is out of range", "1..8")]
    [TestCase("irqchip: split", "vcpus: 0", 9, 10, "vcpus 0 is out of range", "1..8")]
    [TestCase("irqchip: split", "host-tick: 250", 9, 14, "'250' has no unit", "Hz, kHz, MHz, GHz")]
    [TestCase("2.4 GHz", "2.4 ghz", 5, 8, "unknown unit 'ghz'", "did you mean 'GHz'?")]
    [TestCase("2.4 GHz", "101 GHz", 5, 8, "tsc 101 GHz is out of range", "1 MHz..100 GHz")]
    [TestCase("timing: skylake", "timing: skylak", 6, 11, "found 'skylak' for timing", "did you mean 'skylake'?")]
    [TestCase("timing: skylake", "timing: { profile: skylake, costs: { vm-exot: 1 us } }", 6, 40,
        "unknown cost 'vm-exot'", "did you mean 'vm-exit'?")]
    [TestCase("timing: skylake", "timing: { profile: skylake, costs: { vm-exit: 1500 } }", 6, 49, "vm-exit: '1500' has no unit", "cycles")]
    [TestCase("timing: skylake", "timing: { profile: skylake, costs: { vm-exit: 0 us } }", 6, 49,
        "vm-exit 0 us is 0 cycles, out of range", "1..100000")]
    [TestCase("cpu: { vendor: intel, apicv: true, preemption-timer: { shift: 5 } }", "cpu: intel", 7, 8,
        "found 'intel'", "expected a map for cpu")]
    [TestCase("cpu: { vendor: intel, apicv: true, preemption-timer: { shift: 5 } }", "cpu: [intel]", 7, 8,
        "found a list", "expected a map for cpu")]
    [TestCase("l1: l1.csx", "l1: gone.csx", 14, 7, "the script of l1, 'gone.csx', does not exist; looked for", "gone.csx")]
    [TestCase("l1: l1.csx", "l1: .", 14, 7, "the script of l1, '.', is a directory", "")]
    [TestCase("l1: l1.csx", "l1: { with: { n: 1 } }", 14, 7, "guest l1 has no 'script'", "required")]
    [TestCase("l1: l1.csx", "l1: { script: l1.csx, with: { n: fast } }", 14, 36, "found 'fast' for parameter n", "true or false")]
    [TestCase("l1: l1.csx", "l1: { script: l1.csx, with: { n: 0x10000000000000000 } }", 14, 36,
        "n 0x10000000000000000 is out of range", "64 bits")]
    [TestCase("l1: l1.csx", "l1: { script: l1.csx, with: { n: -9223372036854775809 } }", 14, 36,
        "n -9223372036854775809 is out of range", "64 bits")]
    [TestCase("  l1: l1.csx\n", "", 14, 3, "guests has no 'l1'", "an L2 runs only on an L1")]
    [TestCase("  l2: l2.csx\n", "", 18, 7, "the goal names l2", "guests has only l1")]
    [TestCase("raise: usb", "raise: ubs", 17, 25, "unknown device 'ubs'", "did you mean 'usb'?")]
    [TestCase("raise: usb", "rais: usb", 17, 18, "unknown key 'rais' in a timeline entry", "did you mean 'raise'?")]
    [TestCase("raise: usb", "raise: clock", 17, 18, "'raise' does nothing to 'clock', a device of type msi", "expected fire")]
    [TestCase("raise: usb", "raise: usb, lower: usb", 17, 30, "has 'raise' and 'lower'", "only one of raise, lower, fire")]
    [TestCase(", raise: usb", "", 17, 5, "has none of raise, lower, fire", "required")]
    [TestCase("at: 50 us, raise", "at: 50, raise", 17, 11, "at: '50' has no unit", "ns, us, ms, s, cycles")]
    [TestCase("at: 50 us, raise", "at: 50 uss, raise", 17, 11, "at: unknown unit 'uss'", "did you mean 'us'?")]
    [TestCase("at: 50 us, raise", "at: -50 us, raise", 17, 11, "at: found '-50 us'", "cannot be negative")]
    [TestCase("at: 50 us, raise", "at: 999999999999999999 s, raise", 17, 11,
        "at: 999999999999999999 s is longer than", "4611686018427387904")]
    [TestCase("at: 50 us, raise", "at: 9999999999999999999 cycles, raise", 17, 11, "is out of range", "18 digits")]
    [TestCase("at: 50 us, raise", "at: , raise", 17, 11, "found nothing", "expected a duration for at")]
    [TestCase("raise: usb", "nmi: 1", 17, 23, "there is no vCPU 1", "0..0")]
    [TestCase("at: 50 us, raise", "raise", 17, 5, "a timeline entry has no 'at'", "required")]
    [TestCase("raise: usb", "raise: usb, count: 2", 17, 37, "'count' needs 'every'", "")]
    [TestCase("raise: usb", "raise: usb, every: 0 us", 17, 37, "every 0 us is 0 cycles", "1..")]
    [TestCase("raise: usb", "raise: usb, every: 1 us, count: 0", 17, 50, "count 0 is out of range", "1..")]
    [TestCase("raise: usb", "raise: usb, every: 1000 s, count: 2147483647", 17, 52, "the last of 2147483647 comes after", "")]
    [TestCase("l2 reports", "l3 reports", 19, 7, "found 'l3' for the guest of the goal", "l1, l2")]
    [TestCase("l2 reports", "l2 report", 19, 10, "found 'report \"usb served\"' in the goal", "l2 reports \"usb served\"")]
    [TestCase("reports \"usb served\"", "reports usb", 19, 17, "found 'usb' in the goal", "a text in quotes")]
    [TestCase("reports \"usb served\"", "reports \"usb\" \"served\"", 19, 17, "in the goal", "a text in quotes")]
    [TestCase("raise: usb", "raise: usb, after: l3 reports \"up\"", 17, 37, "found 'l3' for the guest of after", "l1, l2")]
    [TestCase("raise: usb", "raise: usb, after: l1 reported \"up\"", 17, 40, "found 'reported \"up\"' in after", "the word reports")]
    [TestCase("expect: livelock", "expect: livelok", 20, 9, "found 'livelok' for expect", "did you mean 'livelock'?")]
    [TestCase("expect: livelock", "expect: []", 20, 9, "found an empty list for expect", "reached, livelock")]
    [TestCase("expect: livelock", "expect: [stuck, stuck]", 20, 17, "outcome 'stuck' is given twice", "")]
    [TestCase("expect: livelock", "expect: { stuck: true }", 20, 9, "found a map for expect", "expected one of reached")]
    [TestCase("expect: livelock", "expect: livelok(live)", 20, 9, "found 'livelok' for expect", "did you mean 'livelock'?")]
    [TestCase("expect: livelock", "expect: violated(custdy)", 20, 18, "unknown property 'custdy'", "did you mean 'custody'?")]
    [TestCase("expect: livelock", "expect: violated(live)", 20, 18,
        "'live' explains stuck and livelock, never violated", "violated can have custody, level")]
    [TestCase("expect: livelock", "expect: reached(live)", 20, 17, "'live' explains stuck and livelock", "'reached' takes no property")]
    [TestCase("expect: livelock", "expect: livelock(custody)", 20, 18, "'custody' explains violated", "livelock can have level, live")]
    [TestCase("expect: livelock", "expect: violated(custody, level)", 20, 9, "takes one property", "violated(custody)")]
    [TestCase("expect: livelock", "expect: violated(custody(1))", 20, 9, "takes one property", "violated(custody)")]
    [TestCase("expect: livelock", "expect: violated()", 20, 18, "a word is missing", "violated()")]
    [TestCase("expect: livelock", "expect: violated(custody", 20, 17, "'(' is not closed", "")]
    [TestCase("expect: livelock", "expect: [violated(custody), violated(custody)]", 20, 29, "'violated(custody)' is given twice", "")]
    [TestCase("expect: livelock", "expect: [violated(custody), violated]", 20, 29, "'violated' alone means any property", "")]
    [TestCase("expect: livelock", "expect: [violated, violated(custody)]", 20, 20, "'violated' alone means any property", "")]
    [TestCase("title: Hyper-V hangs at boot", "title:", 2, 7, "found nothing", "expected a text for title")]
    public void Wrong(string old, string replacement, int line, int column, string found, string expected) =>
        AssertError(ErrorOf(With(old, replacement)), line, column, found, expected);

    [Test]
    public void Lists_and_maps_are_not_confused()
    {
        AssertError(ErrorOf("- a\n- b\n"), 1, 1, "found a list, expected a map for the scenario");
        AssertError(ErrorOf(With("guests:\n  l1: l1.csx\n  l2: l2.csx", "guests:\n  - l1.csx")), 14, 3, "found a list", "a map for guests");
        var map = With("- { at: 50 us, raise: usb }\n  - { at: 50 us, fire: clock }", "at: 50 us");
        AssertError(ErrorOf(map), 17, 3, "found a map", "a list for timeline");
    }

    [Test]
    public void Device_of_a_machine_without_devices_is_unknown()
    {
        var text = With("  devices:\n    usb:   { type: piix4-uhci, slot: \"1d.0\" }\n    clock: { type: msi, vector: 0x60 }\n", "");
        AssertError(ErrorOf(text), 14, 25, "unknown device 'usb'", "the machine has no devices");
    }

    [TestCase("title: Hyper-V", "title: 'Hyper-V", 2, 8, TestName = "Unterminated_quote_is_reported_where_it_opens")]
    [TestCase("source: \"KVM list, 2019-03-28\"", "source: \"KVM list", 3, 9,
        TestName = "Unterminated_double_quote_is_reported_where_it_opens")]
    public void Unterminated_quote(string old, string replacement, int line, int column) =>
        AssertError(ErrorOf(With(old, replacement)), line, column, "not valid YAML", "quoted scalar");

    [TestCase("  tsc: 2.4", "\ttsc: 2.4", 5, 1)]
    [TestCase("  l2: l2", "  \tl2: l2", 15, 3)]
    [TestCase("    clock:", "\t\tclock:", 12, 1)]
    public void Tab_in_the_indentation_is_named_as_one(string old, string replacement, int line, int column) =>
        AssertError(ErrorOf(With(old, replacement)), line, column, "a tab in the indentation; YAML is indented with spaces");

    [TestCase('[', "nested more than 64")]
    [TestCase('{', "a key must be a word")]
    [TestCase('-', "nested more than 64")]
    [TestCase('?', "a key must be a word")]
    [TestCase('&', "anchor")]
    [TestCase('!', "tag")]
    [TestCase('"', "not valid YAML")]
    [TestCase('a', "expected a map")]
    [TestCase('\n', "the file is empty")]
    public void Mebibyte_of_one_character_is_refused_in_one_line(char character, string expected)
    {
        var text = string.Concat(Enumerable.Repeat(character is '-' or '?' ? character + " " : character.ToString(), 400_000));
        var error = ErrorOf(text);
        Assert.That(error.Message, Does.Contain(expected));
        Assert.That(error.Message, Has.Length.LessThan(300));
    }

    [Test]
    public void Maps_nested_too_deep_are_refused() =>
        AssertError(ErrorOf(string.Concat(Enumerable.Repeat("{a: ", 1000))), 1, 261, "nested more than 64");

    [Test]
    public void More_than_256_devices_are_refused()
    {
        var devices = string.Concat(Enumerable.Range(0, 255).Select(n => $"    d{n}: {{ type: line, gsi: 5 }}\n"));
        AssertError(ErrorOf(With("    usb:", devices + "    usb:")), 267, 5, "more than 256 devices");
    }

    [Test]
    public void Bomb_of_aliases_is_refused_at_its_first_anchor()
    {
        const string Bomb = "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a]\nc: [*b, *b, *b, *b, *b, *b]\n";
        AssertError(ErrorOf(Bomb), 1, 4, "anchor '&a' is refused");
    }

    [Test]
    public void Any_damaged_scenario_is_read_or_has_one_error_with_a_place()
    {
        var random = new Random(2019);
        const string Inserted = "\"'[]{}:,-#&*!|>%@`?\t\n ()~\\Uxabc019.\u0085\u2028";
        for (var i = 0; i < 3000; i++)
        {
            var text = new System.Text.StringBuilder(Good + MatrixTests.Matrix + MatrixTests.Cells);
            for (var edits = random.Next(1, 5); edits > 0; edits--)
            {
                var at = random.Next(text.Length);
                if (random.Next(2) == 0)
                    text.Insert(at, Inserted[random.Next(Inserted.Length)]);
                else
                    text.Remove(at, Math.Min(random.Next(1, 20), text.Length - at));
            }
            try
            {
                Read(text.ToString());
            }
            catch (ScenarioException error)
            {
                Assert.That(error.Message, Does.StartWith(ScenarioPath + ":").And.Not.Contain("\n"), text.ToString());
                Assert.That(Math.Min(error.Diagnostic.Line, error.Diagnostic.Column), Is.Positive, text.ToString());
            }
        }
    }
}
