using System.Globalization;
using System.Text.Json.Nodes;
using ScenarioHv.Conformance;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Witnesses;

/// <summary>A QEMU process as the devices in it: where they are, what they are told, what they hold.</summary>
internal sealed class QemuMachine : IDisposable
{
    private const string Inputs = "unnamed-gpio-in";
    private const int MaxDepth = 4;

    private readonly QemuProcess process;
    private readonly QemuMonitor monitor = null!;
    private readonly QemuTestPort port;
    private readonly string ioApic;
    private readonly string master;
    private readonly string slave;

    /// <summary>Starts a process and looks for the devices.</summary>
    /// <param name="executable">The program's path.</param>
    /// <exception cref="WitnessUnavailableException">It does not start, or it is not as needed.</exception>
    public QemuMachine(string executable)
    {
        process = QemuProcess.Start(executable);
        try
        {
            monitor = new QemuMonitor(process);
            port = new QemuTestPort(process);
            var found = new Dictionary<string, List<string>> { ["ioapic"] = [], ["isa-i8259"] = [] };
            Search("/machine", found, MaxDepth);
            ioApic = Only(found["ioapic"], "I/O APIC");
            master = Only(found["isa-i8259"].FindAll(IsMaster), "master 8259");
            slave = Only(found["isa-i8259"].FindAll(path => !IsMaster(path)), "slave 8259");
            Execute($"irq_intercept_out {master}", []);
            QemuSelfTest.Run(this);
        }
        catch (WitnessException error)
        {
            Dispose();
            throw new WitnessUnavailableException($"QEMU cannot be used: {error.Message}");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>QEMU's version.</summary>
    public string Version => monitor.Version;

    /// <summary>The level of the master's INT.</summary>
    public bool Intr => port.Output;

    /// <summary>Ends the process.</summary>
    public void Dispose()
    {
        monitor?.Dispose();
        process.Dispose();
    }

    /// <summary>Resets the machine, and looks whether the devices then are as after power-on.</summary>
    /// <returns>True if they are.</returns>
    public bool Reset()
    {
        monitor.Reset();

        // What the reset did to the INT pin has been told before the answer to any command.
        Execute("readl 0xfec00000", []);
        QemuDeviceState state = Save();
        return state.Master.IsZero && state.Slave.IsZero && state.IoApic.IsPoweredOn && !Intr;
    }

    /// <summary>The devices' state.</summary>
    public QemuDeviceState Save() => QemuDeviceState.Parse(monitor.SaveDevices());

    /// <summary>Drives a pin of the I/O APIC.</summary>
    /// <param name="pin">0..23.</param>
    /// <param name="high">The level.</param>
    /// <param name="messages">The messages sent are added to it.</param>
    public void SetIoApicLine(int pin, bool high, List<ApicMessage> messages) => SetLine(ioApic, pin, high, messages);

    /// <summary>Drives an input of the 8259 pair.</summary>
    /// <param name="irq">0..15. 2 is the master's input, which is the slave's otherwise.</param>
    /// <param name="high">The level.</param>
    public void SetPicLine(int irq, bool high) => SetLine(irq < 8 ? master : slave, irq & 7, high, []);

    /// <summary>Writes 32 bits of memory.</summary>
    /// <param name="address">The address.</param>
    /// <param name="value">The value.</param>
    /// <param name="messages">The messages sent are added to it.</param>
    public void WriteMemory(uint address, uint value, List<ApicMessage> messages) =>
        Execute(string.Create(CultureInfo.InvariantCulture, $"writel 0x{address:x} 0x{value:x}"), messages);

    /// <summary>Reads 32 bits of memory.</summary>
    /// <param name="address">The address.</param>
    public uint ReadMemory(uint address) => (uint)Execute(string.Create(CultureInfo.InvariantCulture, $"readl 0x{address:x}"), []);

    /// <summary>Writes a port.</summary>
    /// <param name="number">The port.</param>
    /// <param name="value">The value.</param>
    public void WritePort(uint number, byte value) =>
        Execute(string.Create(CultureInfo.InvariantCulture, $"outb 0x{number:x} 0x{value:x}"), []);

    /// <summary>Reads a port.</summary>
    /// <param name="number">The port.</param>
    public byte ReadPort(uint number) => (byte)Execute(string.Create(CultureInfo.InvariantCulture, $"inb 0x{number:x}"), []);

    private void SetLine(string device, int pin, bool high, List<ApicMessage> messages) =>
        Execute(string.Create(CultureInfo.InvariantCulture, $"set_irq_in {device} {Inputs} {pin} {(high ? 1 : 0)}"), messages);

    private ulong Execute(string command, List<ApicMessage> messages) => port.Execute(command, messages);

    // Devices lie at different places in different versions: PIIX3 or PIIX4, by number in /machine/unattached or by name.
    private void Search(string path, Dictionary<string, List<string>> found, int depth)
    {
        foreach (JsonNode? property in monitor.Execute("qom-list", ("path", path)).AsArray())
        {
            if ((string?)property?["type"] is not { } type || !type.StartsWith("child<", StringComparison.Ordinal))
                continue;
            string child = type["child<".Length..^1];
            string childPath = $"{path}/{(string?)property["name"]}";
            if (found.TryGetValue(child, out List<string>? paths))
                paths.Add(childPath);
            else if (depth > 1 && child is not ("memory-region" or "irq"))
                Search(childPath, found, depth - 1);
        }
    }

    private bool IsMaster(string path) => (bool)monitor.Execute("qom-get", ("path", path), ("property", "master"));

    private static string Only(List<string> paths, string what) => paths.Count == 1
        ? paths[0]
        : throw new WitnessException($"its machine has {paths.Count} devices that look like the {what}, not one");
}
