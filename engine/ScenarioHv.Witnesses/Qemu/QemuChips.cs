using ScenarioHv.Conformance;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Witnesses;

/// <summary>QEMU's I/O APIC and 8259 pair.</summary>
/// <remarks>
/// <para>
/// What QEMU does itself: every register access, every line, the messages of the I/O APIC with their fields (an ExtINT entry's INTA
/// included), EOI broadcasts (a write to the EOI register, which runs the routine of a local APIC's broadcast), the level of INTR, the
/// cascade between the 8259s, both dumps.
/// </para>
/// <para>
/// What is put together here: the INTA of a CPU. No command runs QEMU's pic_read_irq, so its parts are run: a poll is its pic_intack,
/// first of the slave, then of the master. Which chip has a request, and its vector base, is read from the saved state before; each poll
/// must then name the input expected. A poll that the guest had asked for is asked for again.
/// </para>
/// <para>
/// What cannot be shown: an entry with destination 0 and bits set in 23:16 of its high half, which QEMU sends as a write to a register of
/// the local APIC of the CPU that happens to run (QEMU apic.c:apic_mem_write). Such an entry is refused.
/// </para>
/// </remarks>
/// <param name="machine">The machine, after power-on.</param>
/// <param name="deliver">Takes the messages.</param>
internal sealed class QemuChips(QemuMachine machine, MessageDelivery deliver) : IChips
{
    private const byte PollCommand = 0x0C;
    private const byte PollFound = 0x80;

    private readonly List<ApicMessage> messages = [];
    private byte select;

    /// <inheritdoc/>
    public bool Intr => machine.Intr;

    /// <inheritdoc/>
    public void SetLine(LineTarget target, int pin, bool high)
    {
        if (target != LineTarget.Pic)
        {
            machine.SetIoApicLine(pin, high, messages);
            Deliver();
        }

        if (target != LineTarget.IoApic)
            machine.SetPicLine(pin, high);
    }

    /// <inheritdoc/>
    public void WriteIoApic(uint offset, uint value)
    {
        if ((offset & 0xFF) == IoApic.IoRegSel)
            select = (byte)value;
        else if ((offset & 0xFF) == IoApic.IoWin)
            Refuse(value);
        machine.WriteMemory(IoApic.BaseAddress + offset, value, messages);
        Deliver();
    }

    /// <inheritdoc/>
    public uint ReadIoApic(uint offset) => machine.ReadMemory(IoApic.BaseAddress + offset);

    /// <inheritdoc/>
    public void EndInterrupt(byte vector)
    {
        machine.WriteMemory(IoApic.BaseAddress + IoApic.EoiOffset, vector, messages);
        Deliver();
    }

    /// <inheritdoc/>
    public void WritePort(uint port, byte value, bool isListenedTo)
    {
        if (Pic8259Pair.Decodes((int)port))
            machine.WritePort(port, value);
    }

    /// <inheritdoc/>
    public byte ReadPort(uint port) => Pic8259Pair.Decodes((int)port) ? machine.ReadPort(port) : byte.MaxValue;

    /// <inheritdoc/>
    public byte Acknowledge()
    {
        QemuDeviceState state = machine.Save();
        int request = state.Master.Request(isMaster: true);
        if (request < 0)
            return (byte)(state.Master.VectorBase + Pic8259Pair.SpuriousLevel);
        int vector = state.Master.VectorBase + request;
        if (request == Pic8259Pair.CascadeIrq)
        {
            int level = state.Slave.Request(isMaster: false);
            if (level >= 0)
                Poll(Pic8259Pair.SlavePort, level, state.Slave.IsPolled);
            vector = state.Slave.VectorBase + (level >= 0 ? level : Pic8259Pair.SpuriousLevel);
        }

        Poll(Pic8259Pair.MasterPort, request, state.Master.IsPolled);
        return (byte)vector;
    }

    /// <inheritdoc/>
    public string DumpIoApic() => machine.Save().IoApic.Dump();

    /// <inheritdoc/>
    public string DumpPic()
    {
        QemuDeviceState state = machine.Save();
        return $"{state.Master.Dump('M')} {state.Slave.Dump('S')}";
    }

    /// <summary>Nothing: the machine is used again.</summary>
    public void Dispose()
    {
    }

    // OCW3 with only the poll bit changes neither the read selection nor the special mask.
    private void Poll(ushort port, int expected, bool wasPolled)
    {
        machine.WritePort(port, PollCommand);
        byte found = machine.ReadPort(port);
        if (found != (PollFound | expected))
            throw new WitnessException($"QEMU's 8259 at {port:X}h acknowledges {found:X2}h, but by its state input {expected} asks");
        if (wasPolled)
            machine.WritePort(port, PollCommand);
    }

    private void Refuse(uint value)
    {
        bool isHighHalf = (select & 1) != 0 && select >= IoApic.FirstEntryRegister
            && select < IoApic.FirstEntryRegister + 2 * IoApic.StandardPinCount;
        if (isHighHalf && value >> 24 == 0 && (value & 0x00FF_0000) != 0)
        {
            int pin = (select - IoApic.FirstEntryRegister) / 2;
            throw new NotSupportedException(
                $"entry {pin} gets destination 0 with reserved bits set, which QEMU sends into the running CPU's local APIC");
        }
    }

    // Sending is the last that the I/O APIC does with a pin, and no local APIC answers it: all of a command's messages can follow it.
    private void Deliver()
    {
        ApicMessage[] sent = [.. messages];
        messages.Clear();
        foreach (ApicMessage message in sent)
            deliver(message);
    }
}
