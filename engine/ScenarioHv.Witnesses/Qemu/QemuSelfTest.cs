using ScenarioHv.Conformance;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Witnesses;

/// <summary>Whether a QEMU shows all that is asked of it, which depends on how it was built.</summary>
internal static class QemuSelfTest
{
    private const byte Vector = 0x41;
    private const int Pin = 1;
    private const byte MasterMask = 0x5A;
    private const byte SlaveMask = 0xA5;

    /// <summary>Runs it. The machine is as after power-on then.</summary>
    /// <param name="machine">The machine.</param>
    /// <exception cref="WitnessException">Something is not shown.</exception>
    public static void Run(QemuMachine machine)
    {
        Require(machine.Reset(), "its I/O APIC and 8259 pair are not as after power-on when it has started");
        var messages = new List<ApicMessage>();
        machine.WriteMemory(IoApic.BaseAddress + IoApic.IoRegSel, IoApic.FirstEntryRegister + 2 * Pin, messages);
        machine.WriteMemory(IoApic.BaseAddress + IoApic.IoWin, Vector, messages);
        machine.SetIoApicLine(Pin, true, messages);
        Require(
            messages is [{ Vector: Vector, Destination: 0, Mode: DeliveryMode.Fixed, Flags: ApicMessageFlags.None }],
            $"it does not tell of its I/O APIC's messages, for which it must be built with the trace back end 'log' and have the event "
            + QemuOutput.MessageEvent);
        machine.SetPicLine(Pin, true);
        Require(machine.Intr, "it does not tell of the level of its 8259's INT");
        machine.WritePort(Pic8259Pair.MasterPort + 1, MasterMask);
        machine.WritePort(Pic8259Pair.SlavePort + 1, SlaveMask);
        QemuDeviceState state = machine.Save();
        Require(state.Master.Imr == MasterMask && state.Slave.Imr == SlaveMask, "its saved state does not show the masks of its 8259s");
        Require(machine.Reset(), "its reset does not lead to the state after power-on");
    }

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
            throw new WitnessException(otherwise);
    }
}
