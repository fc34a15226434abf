using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>GSI tables, shared lines, and the PCI routing of q35 (QEMU lpc_ich9.c).</summary>
public class GsiRoutingTests
{
    [TestCase(GsiRouting.QemuKvm, 0, 2, 0)]
    [TestCase(GsiRouting.QemuKvm, 2, -1, -1)]
    [TestCase(GsiRouting.QemuKvm, 1, 1, 1)]
    [TestCase(GsiRouting.QemuKvm, 15, 15, 15)]
    [TestCase(GsiRouting.QemuKvm, 16, 16, -1)]
    [TestCase(GsiRouting.QemuKvm, 23, 23, -1)]
    [TestCase(GsiRouting.QemuKvm, 24, -1, -1)]
    [TestCase(GsiRouting.KvmDefault, 0, 0, 0)]
    [TestCase(GsiRouting.KvmDefault, 2, 2, 2)]
    [TestCase(GsiRouting.KvmDefault, 23, 23, -1)]
    [TestCase(GsiRouting.QemuUserspace, 0, 0, 0)]
    public void Gsi_to_IoApic_pin_and_PIC_input(GsiRouting routing, int gsi, int pin, int input)
    {
        Assert.That(routing.IoApicPin(gsi), Is.EqualTo(pin));
        Assert.That(routing.PicInput(gsi), Is.EqualTo(input));
    }

    [TestCase(-1, -1, -1)]
    [TestCase(-1, 0, 0)]
    [TestCase(0, -1, 0)]
    [TestCase(1, 1, 2)]
    [TestCase(1, -1, 1)]
    public void Result_of_a_gsi_with_two_routes(int first, int second, int result) =>
        Assert.That(GsiRoutes.Combine(GsiRoutes.Combine(-1, first), second), Is.EqualTo(result));

    [Test]
    public void Shared_line_is_high_while_any_source_asserts()
    {
        var lines = new GsiLines(new GsiLine[24]);
        var levels = new[] { lines.Set(23, 0, true), lines.Set(23, 63, true), lines.Set(23, 0, false), lines.Set(23, 63, false) };
        Assert.That(levels.Select(level => level.IsHigh), Is.EqualTo(new[] { true, true, true, false }));
        Assert.That(levels.Select(level => level.Changed), Is.EqualTo(new[] { true, false, false, true }));
        lines.Set(23, 0, true);
        Assert.That((lines.IsHigh(22), lines.IsHigh(23)), Is.EqualTo((false, true)));
    }

    [Test]
    public void Source_that_asserts_twice_releases_once()
    {
        var line = default(GsiLine);
        line.Set(5, true);
        line.Set(5, true);
        Assert.That(line.Set(5, false).IsHigh, Is.False);
    }

    [TestCase(-1)]
    [TestCase(64)]
    public void Line_has_64_sources(int source)
    {
        var line = default(GsiLine);
        Assert.That(() => line.Set(source, true), Throws.InvalidOperationException);
    }

    // INTA..INTD of each slot after reset.
    [TestCase(0, new[] { 20, 21, 22, 23 })]
    [TestCase(1, new[] { 21, 22, 23, 20 })]
    [TestCase(2, new[] { 22, 23, 20, 21 })]
    [TestCase(3, new[] { 23, 20, 21, 22 })]
    [TestCase(24, new[] { 20, 21, 22, 23 })]
    [TestCase(25, new[] { 16, 17, 18, 19 })]
    [TestCase(29, new[] { 16, 17, 18, 19 })]
    [TestCase(30, new[] { 20, 21, 22, 23 })]
    [TestCase(31, new[] { 16, 17, 18, 19 })]
    public void Slot_and_pin_to_gsi_on_q35(int slot, int[] gsis) =>
        Assert.That(Enumerable.Range(0, 4).Select(pin => Ich9PirqRouting.Reset.Gsi(slot, pin)), Is.EqualTo(gsis));

    [TestCase(4, 7, 23)]
    [TestCase(29, 3, 19)]
    public void Piix4_uhci_on_INTD(int slot, int pirq, int gsi)
    {
        Assert.That(Ich9PirqRouting.Reset.Pirq(slot, 3), Is.EqualTo(pirq));
        Assert.That(Ich9PirqRouting.Reset.Gsi(slot, 3), Is.EqualTo(gsi));
    }

    [Test]
    public void Device_route_register_moves_the_pins_of_its_slot_only()
    {
        var routing = Ich9PirqRouting.Reset;
        routing.WriteDeviceRoute(29, 0x7654);
        Assert.That(routing.ReadDeviceRoute(29), Is.EqualTo(0x7654));
        Assert.That(Enumerable.Range(0, 4).Select(pin => routing.Pirq(29, pin)), Is.EqualTo(new[] { 4, 5, 6, 7 }));
        Assert.That(routing.Pirq(28, 0), Is.Zero);
    }

    [Test]
    public void D30IR_is_read_only_and_other_slots_have_no_register()
    {
        var routing = Ich9PirqRouting.Reset;
        routing.WriteDeviceRoute(30, 0x3210);
        Assert.That(routing.ReadDeviceRoute(30), Is.Zero);
        Assert.That(routing.Pirq(30, 0), Is.EqualTo(4));
        Assert.That(() => routing.ReadDeviceRoute(24), Throws.InvalidOperationException);
    }

    [Test]
    public void Pirq_reaches_the_PIC_only_when_routed()
    {
        var routing = Ich9PirqRouting.Reset;
        Assert.That(Enumerable.Range(0, 8).Select(pirq => routing.PicInput(pirq)), Is.All.EqualTo(-1));
        routing.WritePicRoute(7, 0x0B);
        Assert.That(routing.PicInput(7), Is.EqualTo(11));
        Assert.That(routing.ReadPicRoute(6), Is.EqualTo(0x80));
    }

    [TestCase(0, 3, 3)]
    [TestCase(1, 3, 0)]
    [TestCase(5, 1, 2)]
    public void Bridge_rotates_the_pins(int slot, int pin, int atBridge) =>
        Assert.That(Ich9PirqRouting.PinAtBridge(slot, pin), Is.EqualTo(atBridge));

    [TestCase(32, 0)]
    [TestCase(4, 4)]
    public void Slot_or_pin_that_does_not_exist(int slot, int pin) =>
        Assert.That(() => Ich9PirqRouting.Reset.Pirq(slot, pin), Throws.InvalidOperationException);
}
