using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Engine.Devices;

/// <summary>
/// The devices of a machine and what connects them: I/O ports inwards, lines and messages outwards. A register access and the line change
/// that it causes are one step.
/// </summary>
public sealed class DeviceBus
{
    private readonly Board _board;
    private readonly IReadOnlyList<DeviceConfig> _devices;
    private readonly int[] _place;
    private readonly Slot<Piix4Uhci> _uhcis;
    private readonly Slot<LineDevice> _lines;
    private readonly Slot<MsiDevice> _msis;

    internal DeviceBus(Board board, MachineLayout layout)
    {
        _board = board;
        _devices = board.Config.Devices;
        if (_devices.Count > GsiLine.MaximumSources)
        {
            throw new ArgumentException($"A machine has at most {GsiLine.MaximumSources} devices.", nameof(board));
        }

        _place = new int[_devices.Count];
        for (var i = 0; i < _place.Length; i++)
        {
            var kind = _devices[i].Kind;
            for (var before = 0; before < i; before++)
            {
                _place[i] += _devices[before].Kind == kind ? 1 : 0;
            }
        }

        _uhcis = layout.Add<Piix4Uhci>("uhci", Count(DeviceKind.Piix4Uhci));
        _lines = layout.Add<LineDevice>("line-device", Count(DeviceKind.Line));
        _msis = layout.Add<MsiDevice>("msi-device", Count(DeviceKind.Msi));
    }

    /// <summary>
    /// Devices and redirection entries as the guest's drivers have left them before the scenario begins: running, enabled, unmasked.
    /// </summary>
    internal void Reset(Machine machine)
    {
        var ioApic = _board.IoApicOf(machine);
        ioApic.PowerOn();
        for (var i = 0; i < _devices.Count; i++)
        {
            var device = _devices[i];
            switch (device.Kind)
            {
                case DeviceKind.Piix4Uhci:
                    machine.Ref(_uhcis, _place[i]) = Piix4Uhci.Reset;
                    machine.Ref(_uhcis, _place[i]).WriteRegister(Piix4Uhci.CommandOffset, 2, Piix4Uhci.Run);
                    machine.Ref(_uhcis, _place[i]).WriteRegister(Piix4Uhci.InterruptEnableOffset, 2, Piix4Uhci.IocEnable);
                    break;
                case DeviceKind.Msi:
                    machine.Ref(_msis, _place[i]).Configure(
                        device.Vector,
                        device.Destination,
                        DeliveryMode.Fixed,
                        logical: false,
                        MsiDestinationFormat.Bits8);
                    continue;
                case DeviceKind.Isa or DeviceKind.SynIc:
                    continue;
            }

            machine.Ref(_board.IoApicPins, device.Gsi).Entry = new RedirectionEntry
            {
                Vector = device.Vector,
                IsLevel = true,
                Destination = device.Destination,
            };
        }
    }

    /// <summary>
    /// Applies a stimulus from outside: the device's event, its line, and the sampling of the line by the I/O APIC, as one step.
    /// </summary>
    /// <param name="context">The step.</param>
    /// <param name="stimulus">The stimulus.</param>
    /// <param name="message">The message, if the device sends one.</param>
    /// <returns>What leaves.</returns>
    internal DeviceOutput Apply(StepContext context, StimulusConfig stimulus, out ApicMessage message)
    {
        message = default;
        var machine = context.Machine;
        var place = _place[stimulus.Target];
        switch (_devices[stimulus.Target].Kind)
        {
            case DeviceKind.Piix4Uhci:
                ref var uhci = ref machine.Ref(_uhcis, place);
                uhci.CompleteTransfer(ioc: true, shortPacket: false);
                return uhci.EndFrame() ? LineChanged(context, stimulus.Target, uhci.LineLevel) : default;
            case DeviceKind.Line:
                ref var line = ref machine.Ref(_lines, place);
                var changed = stimulus.Action == StimulusAction.Raise ? line.Raise() : line.WriteRegister(LineDevice.AcknowledgeOffset, 1);
                return changed ? LineChanged(context, stimulus.Target, line.LineLevel) : default;
            case DeviceKind.Isa:
                return LineChanged(context, stimulus.Target, high: true);
            default:
                if (!machine.Ref(_msis, place).TryFire(0, out var msi)
                    || !MsiFormat.TryDecode(msi, _board.Controllers.Msi, MsiDestinationFormat.Bits8, out message))
                {
                    return default;
                }

                context.Emit(TraceEventKind.DeviceFired, a: (ulong)stimulus.Target);
                return new DeviceOutput(default, SendsMessage: true, default);
        }
    }

    /// <summary>The second edge of a pulse.</summary>
    internal DeviceOutput EndPulse(StepContext context, StimulusConfig stimulus) => LineChanged(context, stimulus.Target, high: false);

    /// <summary>A guest reads a port.</summary>
    /// <returns>All ones if no device answers.</returns>
    internal uint Read(Machine machine, ushort port, int size) => Find(port) is var index && index >= 0
        ? _devices[index].Kind switch
        {
            DeviceKind.Piix4Uhci => machine.Ref(_uhcis, _place[index]).ReadRegister(port - _devices[index].IoBase, size),
            DeviceKind.Line => machine.Ref(_lines, _place[index]).ReadRegister(port - _devices[index].IoBase),
            _ => uint.MaxValue,
        }
        : uint.MaxValue >> (32 - (8 * size));

    /// <summary>A guest writes a port; a write that no device takes is lost.</summary>
    internal DeviceOutput Write(StepContext context, ushort port, int size, uint value)
    {
        var index = Find(port);
        if (index < 0)
        {
            return default;
        }

        var machine = context.Machine;
        var offset = port - _devices[index].IoBase;
        if (_devices[index].Kind == DeviceKind.Piix4Uhci)
        {
            ref var uhci = ref machine.Ref(_uhcis, _place[index]);
            return uhci.WriteRegister(offset, size, value) ? LineChanged(context, index, uhci.LineLevel) : default;
        }

        ref var line = ref machine.Ref(_lines, _place[index]);
        return line.WriteRegister(offset, value) ? LineChanged(context, index, line.LineLevel) : default;
    }

    private DeviceOutput LineChanged(StepContext context, int device, bool high)
    {
        var gsi = _devices[device].Gsi;
        context.Emit(TraceEventKind.LineChanged, a: (ulong)device, b: high ? 1UL : 0, c: (ulong)gsi);
        var level = context.Machine.Ref(_board.GsiLines, gsi).Set(device, high);
        if (!level.Changed)
        {
            return default;
        }

        var change = _board.IoApicOf(context.Machine).SetLine(gsi, level.IsHigh);
        return new DeviceOutput(change.Service, SendsMessage: false, new GsiChange(gsi, level.IsHigh));
    }

    private int Find(ushort port)
    {
        for (var i = 0; i < _devices.Count; i++)
        {
            if (port >= _devices[i].IoBase && port - _devices[i].IoBase < _devices[i].IoSize)
            {
                return i;
            }
        }

        return -1;
    }

    private int Count(DeviceKind kind) => _devices.Count(device => device.Kind == kind);
}

/// <summary>What leaves a device at one step.</summary>
/// <param name="Service">Pins of the I/O APIC that want service.</param>
/// <param name="SendsMessage">True if it sends a message.</param>
/// <param name="Line">The GSI that changed, if one did.</param>
internal readonly record struct DeviceOutput(IoApicPinRange Service, bool SendsMessage, GsiChange Line);

/// <summary>A change of a GSI; number and level are 0 and low if none changed.</summary>
/// <param name="Gsi">The GSI.</param>
/// <param name="High">Its new level.</param>
internal readonly record struct GsiChange(int Gsi, bool High);
