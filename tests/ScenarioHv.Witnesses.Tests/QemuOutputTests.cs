using ScenarioHv.Conformance;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Witnesses.Tests;

/// <summary>Lines as QEMU 7.2.22 writes them on its standard error.</summary>
public sealed class QemuOutputTests
{
    [TestCase("[I 0.000001] OPENED", "Other", 0u)]
    [TestCase("[R +0.025943] readl 0xfec00000", "Other", 0u)]
    [TestCase("[S +0.025977] OK 0x0000000000170020", "Done", 0x170020u)]
    [TestCase("[S +0.415479] OK 0x0004", "Done", 4u)]
    [TestCase("[S +0.414561] OK", "Done", 0u)]
    [TestCase("[S +0.415275] IRQ raise 0", "Output", 1u)]
    [TestCase("[S +0.415386] IRQ lower 0", "Output", 0u)]
    [TestCase("[S +0.001] FAIL Unknown device", "Refused", 0u)]
    [TestCase("[S +0.001] FAIL Unknown command 'apic_deliver_irq '", "Refused", 0u)]
    [TestCase("[R +0.001] apic_deliver_irq ", "Other", 0u)]
    [TestCase("qemu-system-x86_64: warning: something", "Other", 0u)]
    [TestCase("", "Other", 0u)]
    public void A_line_of_the_test_protocol(string line, string kind, uint value)
    {
        QemuLine read = QemuOutput.Parse(line);
        Assert.That((read.Kind.ToString(), (uint)read.Value), Is.EqualTo((kind, value)));
    }

    [TestCase(
        "apic_deliver_irq dest 0 dest_mode 0 delivery_mode 0 vector 65 trigger_mode 0",
        0u,
        DeliveryMode.Fixed,
        0x41,
        ApicMessageFlags.None)]
    [TestCase(
        "apic_deliver_irq dest 255 dest_mode 1 delivery_mode 1 vector 98 trigger_mode 1",
        255u,
        DeliveryMode.LowestPriority,
        0x62,
        ApicMessageFlags.Logical | ApicMessageFlags.Level)]
    [TestCase(
        "apic_deliver_irq dest 0 dest_mode 0 delivery_mode 7 vector 35 trigger_mode 1",
        0u,
        DeliveryMode.ExtInt,
        0x23,
        ApicMessageFlags.Level)]
    [TestCase(
        "4711@1795259000.123456:apic_deliver_irq dest 3 dest_mode 0 delivery_mode 4 vector 0 trigger_mode 0",
        3u,
        DeliveryMode.Nmi,
        0,
        ApicMessageFlags.None,
        Description = "with time, as -msg timestamp=on has it")]
    public void A_message(string line, uint destination, DeliveryMode mode, int vector, ApicMessageFlags flags)
    {
        ApicMessage message = QemuOutput.Parse(line).Message;
        Assert.That(
            (message.Destination, message.Mode, (int)message.Vector, message.Flags),
            Is.EqualTo((destination, mode, vector, flags)));
    }

    [Test]
    public void A_message_in_an_unknown_form_is_not_passed_over() =>
        Assert.That(
            () => QemuOutput.Parse("apic_deliver_irq destination 0 vector 65"),
            Throws.TypeOf<WitnessException>().With.Message.Contains("destination 0 vector 65"));

    [Test]
    public void An_answer_that_is_no_number_is_refused() =>
        Assert.That(() => QemuOutput.Parse("[S +0.1] OK 0xzz"), Throws.TypeOf<WitnessException>().With.Message.Contains("0xzz"));
}
