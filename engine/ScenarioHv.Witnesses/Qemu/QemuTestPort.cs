using System.Net.Sockets;
using System.Text;
using ScenarioHv.Conformance;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Witnesses;

/// <summary>QEMU's test protocol (QEMU qtest.c): port and memory accesses, and lines driven from outside.</summary>
/// <param name="process">The process.</param>
internal sealed class QemuTestPort(QemuProcess process)
{
    private readonly byte[] answers = new byte[4096];

    /// <summary>The level of the output that is intercepted.</summary>
    public bool Output { get; private set; }

    /// <summary>Executes a command and waits until it is done.</summary>
    /// <param name="command">The command.</param>
    /// <param name="messages">The messages that the I/O APIC sent meanwhile are added to it, in order.</param>
    /// <returns>The value read, or 0.</returns>
    /// <exception cref="WitnessException">It is refused, or there is no answer in time.</exception>
    public ulong Execute(string command, List<ApicMessage> messages)
    {
        Send(command);
        while (true)
        {
            QemuLine line = QemuOutput.Parse(process.ReadLine());
            switch (line.Kind)
            {
                case QemuLineKind.Done:
                    return line.Value;
                case QemuLineKind.Refused:
                    throw new WitnessException($"QEMU refuses '{command}'");
                case QemuLineKind.Output:
                    Output = line.Value != 0;
                    break;
                case QemuLineKind.Message:
                    messages.Add(line.Message);
                    break;
            }
        }
    }

    // The answers come here too, and are read only lest QEMU should wait: the standard error has them in order with the messages.
    private void Send(string command)
    {
        try
        {
            Socket socket = process.TestSocket;
            while (socket.Available > 0 && socket.Receive(answers) > 0)
            {
            }

            socket.Send(Encoding.ASCII.GetBytes($"{command}\n"));
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            throw process.Failure("QEMU has ended", error);
        }
    }
}
