using ScenarioHv.Engine.Devices;

namespace ScenarioHv.Engine.Tests.Devices;

/// <summary>The interrupt side of UHCI 1.1 as QEMU has it (hcd-uhci.c).</summary>
public class Piix4UhciTests
{
    private const ushort AllEnables = 0xF;

    private Piix4Uhci _uhci;

    [SetUp]
    public void Reset() => _uhci = Piix4Uhci.Reset;

    private bool Write(int offset, uint value) => _uhci.WriteRegister(offset, 2, value);

    private uint Status => _uhci.ReadRegister(Piix4Uhci.StatusOffset, 2);

    private void Start(uint enables)
    {
        Write(Piix4Uhci.InterruptEnableOffset, enables);
        Write(Piix4Uhci.CommandOffset, Piix4Uhci.Run);
    }

    [TestCase(0x00, 2, 0x0000u)]
    [TestCase(0x02, 2, 0x0020u)]
    [TestCase(0x04, 2, 0x0000u)]
    [TestCase(0x06, 2, 0x0000u)]
    [TestCase(0x08, 4, 0x0000_0000u)]
    [TestCase(0x0C, 1, 0x40u)]
    [TestCase(0x10, 4, 0x0080_0080u)]
    [TestCase(0x14, 2, 0xFF7Fu)]
    public void Registers_after_reset(int offset, int size, uint value) =>
        Assert.That(_uhci.ReadRegister(offset, size), Is.EqualTo(value));

    [TestCase(true, false, 0x4u, true)]
    [TestCase(true, false, 0xBu, false)]
    [TestCase(false, true, 0x8u, true)]
    [TestCase(false, true, 0x7u, false)]
    [TestCase(true, true, 0x8u, true)]
    [TestCase(false, false, 0xFu, false)]
    public void Completion_asserts_by_its_own_enable(bool ioc, bool shortPacket, uint enables, bool asserts)
    {
        Start(enables);
        _uhci.CompleteTransfer(ioc, shortPacket);
        Assert.That(_uhci.LineLevel, Is.False, "not before the frame ends");
        Assert.That(_uhci.EndFrame(), Is.EqualTo(asserts));
        Assert.That(_uhci.LineLevel, Is.EqualTo(asserts));
        Assert.That(Status & Piix4Uhci.UsbInterrupt, Is.EqualTo(ioc || shortPacket ? 1u : 0u));
    }

    [TestCase(0x1u, true)]
    [TestCase(0xEu, false)]
    public void Error_asserts_by_the_timeout_CRC_enable_at_once(uint enables, bool asserts)
    {
        Start(enables);
        Assert.That(_uhci.FailTransfer(ioc: false), Is.EqualTo(asserts));
        Assert.That(Status, Is.EqualTo(0x02));
    }

    [Test]
    public void Error_with_IOC_sets_both_status_bits_and_only_the_error_counts_for_the_line()
    {
        Start(Piix4Uhci.IocEnable);
        Assert.That(_uhci.FailTransfer(ioc: true), Is.False);
        Assert.That(Status, Is.EqualTo(0x03));
    }

    [TestCase(0x2u, true)]
    [TestCase(0xDu, false)]
    public void Resume_asserts_by_its_enable(uint enables, bool asserts)
    {
        Write(Piix4Uhci.InterruptEnableOffset, enables);
        Write(Piix4Uhci.CommandOffset, Piix4Uhci.GlobalSuspend);
        Assert.That(_uhci.RaiseResume(), Is.EqualTo(asserts));
        Assert.That(Status & Piix4Uhci.ResumeDetect, Is.EqualTo(Piix4Uhci.ResumeDetect));
        Assert.That(_uhci.ReadRegister(Piix4Uhci.CommandOffset, 2), Is.EqualTo(0x18), "suspend and forced resume");
    }

    [Test]
    public void Resume_is_detected_in_global_suspend_only()
    {
        Start(AllEnables);
        Assert.That(_uhci.RaiseResume(), Is.False);
        Assert.That(Status, Is.Zero);
    }

    [Test]
    public void Host_system_and_process_errors_cannot_be_disabled_and_halt()
    {
        Start(0);
        Assert.That(_uhci.RaiseHostSystemError(), Is.True);
        Assert.That(Status, Is.EqualTo(0x28));
        Write(Piix4Uhci.StatusOffset, 0x08);
        Assert.That(_uhci.LineLevel, Is.False);
        Assert.That(_uhci.RaiseProcessError(), Is.True);
        Assert.That(_uhci.ReadRegister(Piix4Uhci.CommandOffset, 2), Is.Zero);
    }

    [Test]
    public void Status_is_write_1_to_clear_and_the_line_follows()
    {
        Start(AllEnables);
        _uhci.CompleteTransfer(ioc: true, shortPacket: true);
        _uhci.EndFrame();
        _uhci.FailTransfer(ioc: false);
        Assert.That(Status, Is.EqualTo(0x03));
        Assert.That(Write(Piix4Uhci.StatusOffset, 0x01), Is.False, "USBERR still holds the line");
        Assert.That(Status, Is.EqualTo(0x02));
        Assert.That(Write(Piix4Uhci.StatusOffset, 0x00), Is.False, "0 clears nothing");
        Assert.That(Status, Is.EqualTo(0x02));
        Assert.That(Write(Piix4Uhci.StatusOffset, 0x02), Is.True);
        Assert.That(_uhci.LineLevel, Is.False);
    }

    [Test]
    public void Completion_is_shown_at_the_end_of_one_frame_only()
    {
        Start(AllEnables);
        _uhci.CompleteTransfer(ioc: true, shortPacket: false);
        _uhci.EndFrame();
        Write(Piix4Uhci.StatusOffset, Piix4Uhci.UsbInterrupt);
        Assert.That(_uhci.EndFrame(), Is.False);
        Assert.That(Status, Is.Zero);
    }

    [Test]
    public void Clearing_another_bit_keeps_the_hidden_causes()
    {
        Start(AllEnables);
        _uhci.CompleteTransfer(ioc: true, shortPacket: false);
        _uhci.EndFrame();
        Write(Piix4Uhci.StatusOffset, 0x1E);
        Assert.That(_uhci.LineLevel, Is.True);
    }

    [Test]
    public void Disabling_lowers_the_line_and_enabling_raises_it_again()
    {
        Start(Piix4Uhci.IocEnable);
        _uhci.CompleteTransfer(ioc: true, shortPacket: false);
        _uhci.EndFrame();
        Assert.That(Write(Piix4Uhci.InterruptEnableOffset, 0), Is.True);
        Assert.That(_uhci.LineLevel, Is.False);
        Assert.That(Write(Piix4Uhci.InterruptEnableOffset, Piix4Uhci.IocEnable), Is.True);
        Assert.That(_uhci.LineLevel, Is.True);
    }

    [TestCase(Piix4Uhci.HcReset)]
    [TestCase(Piix4Uhci.GlobalReset)]
    public void Reset_lowers_the_line_and_reads_0(ushort reset)
    {
        Start(AllEnables);
        _uhci.CompleteTransfer(ioc: true, shortPacket: false);
        _uhci.EndFrame();
        Assert.That(Write(Piix4Uhci.CommandOffset, reset), Is.True);
        Assert.That(_uhci, Is.EqualTo(Piix4Uhci.Reset));
    }

    [Test]
    public void Halted_is_cleared_by_run_and_set_without_it()
    {
        Start(0);
        Assert.That(Status & Piix4Uhci.Halted, Is.Zero);
        Write(Piix4Uhci.CommandOffset, 0);
        Assert.That(Status & Piix4Uhci.Halted, Is.EqualTo(Piix4Uhci.Halted));
    }

    [Test]
    public void Frames_advance_only_while_running_and_wrap_after_2047()
    {
        Write(Piix4Uhci.FrameNumberOffset, 0xFFFF);
        _uhci.EndFrame();
        Assert.That(_uhci.FrameNumber, Is.EqualTo(0x7FF));
        Start(0);
        _uhci.EndFrame();
        Assert.That(_uhci.FrameNumber, Is.Zero);
        Write(Piix4Uhci.FrameNumberOffset, 5);
        Assert.That(_uhci.FrameNumber, Is.Zero, "written only while halted");
    }

    [Test]
    public void Frame_list_base_is_32_bits_in_either_size_and_aligned_to_4_KB()
    {
        _uhci.WriteRegister(Piix4Uhci.FrameListBaseOffset, 4, 0x1234_5FFF);
        Assert.That(_uhci.ReadRegister(Piix4Uhci.FrameListBaseOffset, 4), Is.EqualTo(0x1234_5000));
        _uhci.WriteRegister(Piix4Uhci.FrameListBaseOffset + 2, 2, 0xABCD);
        Assert.That(_uhci.ReadRegister(Piix4Uhci.FrameListBaseOffset, 4), Is.EqualTo(0xABCD_5000));
    }

    [Test]
    public void Sofmod_is_a_byte()
    {
        _uhci.WriteRegister(Piix4Uhci.SofTimingOffset, 1, 0x141);
        Assert.That(_uhci.ReadRegister(Piix4Uhci.SofTimingOffset, 1), Is.EqualTo(0x41));
    }

    [Test]
    public void Port_change_bits_are_write_1_to_clear_and_connect_is_read_only()
    {
        _uhci.Attach(1);
        Assert.That(_uhci.ReadRegister(0x12, 2), Is.EqualTo(0x83));
        Write(0x12, 0x0006);
        Assert.That(_uhci.ReadRegister(0x12, 2), Is.EqualTo(0x85), "connected and enabled, change cleared");
        Write(0x12, 0x0000);
        Assert.That(_uhci.ReadRegister(0x12, 2), Is.EqualTo(0x81), "disabled, still connected");
    }

    [Test]
    public void Connected_device_is_found_again_after_reset()
    {
        _uhci.Attach(0);
        Write(0x10, 0x0002);
        Write(Piix4Uhci.CommandOffset, Piix4Uhci.HcReset);
        Assert.That(_uhci.ReadRegister(0x10, 2), Is.EqualTo(0x83));
    }

    [TestCase(3)]
    [TestCase(8)]
    public void Access_of_another_size_is_refused(int size) =>
        Assert.That(() => _uhci.ReadRegister(0, size), Throws.InvalidOperationException);
}
