using System.Globalization;
using System.Text.Json;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>
/// Holds the pair against recordings of KVM's in-kernel controllers, from which everything was removed that is neither the pair's nor
/// the processor's. Vectors of the local APIC are taken from the log as they come; each of the pair's must be the model's, and there
/// must be one wherever the model has INT high and the processor accepts it.
/// </summary>
internal sealed class Pic8259Replayer
{
    private readonly Pic8259Policies policies;
    private readonly int[] handlers = new int[256];
    private readonly List<(int Vector, int Irq, bool High)> hooks = [];
    private readonly ExtIntGate[] gates = [new(), new()];
    private Pic8259Pair pair;

    private Pic8259Replayer(Pic8259Policies policies)
    {
        this.policies = policies;
        pair.PowerOn();
        Array.Fill(handlers, 0x04);
        handlers[2] = 0;
    }

    public static IEnumerable<Recording> Recordings()
    {
        var folder = new DirectoryInfo(TestContext.CurrentContext.TestDirectory);
        while (folder != null && !File.Exists(Path.Combine(folder.FullName, "data", "pic8259-recordings.jsonl")))
            folder = folder.Parent;
        Assert.That(folder, Is.Not.Null, "data/pic8259-recordings.jsonl");
        var options = new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };
        return File.ReadLines(Path.Combine(folder!.FullName, "data", "pic8259-recordings.jsonl"))
            .Select(line => JsonSerializer.Deserialize<Recording>(line, options)!);
    }

    public static void Replay(Recording recording, Pic8259Policies policies)
    {
        var replayer = new Pic8259Replayer(policies);
        for (int i = 0; i < recording.Ops.Length; i++)
        {
            string[] parts = recording.Ops[i].Split('|');
            replayer.Step(parts[0].Split(' '), parts.Length > 1 ? parts[1] : string.Empty, $"op {i}: {recording.Ops[i]}");
        }
    }

    private static int Hex(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private static int Decimal(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private void Step(string[] op, string log, string where)
    {
        if (log == "!halted")
            return;
        switch (op[0])
        {
            case "out":
                pair.Write(Hex(op[2]), (byte)Hex(op[3]), policies, gates.Any(gate => gate.Accepts));
                break;
            case "in":
                Assert.That($"={pair.Read(Hex(op[2]), policies).Value:x2}", Is.EqualTo(log), where);
                break;
            case "line":
                pair.SetLine(Decimal(op[2]), op[3] == "1", policies);
                break;
            case "pulse":
                pair.SetLine(Decimal(op[2]), true, policies);
                pair.SetLine(Decimal(op[2]), false, policies);
                break;
            case "dumpP":
                Assert.That($"{Dump('M', pair.Master)} {Dump('S', pair.Slave)}", Is.EqualTo(log), where);
                break;
            case "pol":
                string[] range = op[2].Split('-');
                for (int vector = Hex(range[0]); vector <= Hex(range[^1]); vector++)
                    handlers[vector] = Hex(op[3]);
                break;
            case "hook":
                hooks.Add((Hex(op[1]), Decimal(op[3]), op[4] == "1"));
                break;
            case "mw" or "wrmsr":
                gates[Decimal(op[1])].Write(Hex(op[2]), Hex(op[3]));
                break;
            default:
                Deliver(op, log, where);
                break;
        }
    }

    private void Deliver(string[] op, string log, string where)
    {
        var tokens = new Queue<string>(log.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        ExtIntGate gate = op[0] == "lint1" ? gates[0] : gates[Decimal(op[1])];
        if (op[0] is "hlt" or "run")
        {
            string first = tokens.Dequeue();
            if (first != "woke")
            {
                Assert.That(first == "halted" && gate.Accepts && pair.IntOutput(policies), Is.False, where);
                return;
            }
        }

        bool opens = op[0] is "win" or "hlt" or "run";
        int left = op[0] is "win" or "hlt" && op.Length > 2 ? Decimal(op[2]) : 16;
        Window(tokens, 0, opens, ref left, gate, where);
        Assert.That(tokens, Is.Empty, where);
    }

    private void Window(Queue<string> tokens, int depth, bool opens, ref int left, ExtIntGate gate, string where)
    {
        while (tokens.TryPeek(out string? token) && token.Count(c => c == '>') == depth)
        {
            // An 8259 without ICW2 supplies vectors that are exceptions and the NMI: #06 is such a one, and it ends the window.
            bool isException = token.Contains('#', StringComparison.Ordinal);
            int vector = Hex(tokens.Dequeue().TrimStart('>', '#'));
            bool isPic = opens && gate.Accepts && pair.IntOutput(policies) && (vector != 2 || VectorOfCopy() == 2);
            if (isPic)
                Assert.That(pair.Acknowledge(policies).Vector, Is.EqualTo(vector), where);
            Assert.That(isPic || vector is not (>= 0x20 and < 0x30), $"{where}: {vector:x2} is not the model's");
            left--;
            if (isException)
                left = 0;
            else
                Handle(vector, tokens, depth, ref left, gate, where);
        }

        if (left > 0 && opens)
            Assert.That(gate.Accepts && pair.IntOutput(policies), Is.False, $"{where}: the model has one more");
    }

    private void Handle(int vector, Queue<string> tokens, int depth, ref int left, ExtIntGate gate, string where)
    {
        int handler = handlers[vector];
        if ((handler & 0x01) != 0)
            RunHooks(vector);
        if ((handler & 0x02) != 0 && left > 0)
            Window(tokens, depth + 1, true, ref left, gate, where);
        if ((handler & 0x10) != 0)
            pair.Write(0xA0, 0x20, policies);
        if ((handler & 0x08) != 0)
            pair.Write(0x20, 0x20, policies);
        if ((handler & 0x20) != 0)
            RunHooks(vector);
    }

    private int VectorOfCopy()
    {
        Pic8259Pair copy = pair;
        return copy.Acknowledge(policies).Vector;
    }

    private void RunHooks(int vector)
    {
        foreach (var (_, irq, high) in hooks.Where(hook => hook.Vector == vector))
            pair.SetLine(irq, high, policies);
    }

    private string Dump(char name, in Pic8259 chip)
    {
        string Bit(Pic8259Modes mode, in Pic8259 of) => of.Has(mode) ? "1" : "0";
        return $"{name} irr={chip.Irr(policies):x2} isr={chip.Isr:x2} imr={chip.Imr:x2} base={chip.VectorBase:x2}"
            + $" low={chip.HighestPriority} rr={Bit(Pic8259Modes.ReadIsr, chip)} poll={Bit(Pic8259Modes.Poll, chip)}"
            + $" smm={Bit(Pic8259Modes.SpecialMask, chip)} init={(int)chip.Init} aeoi={Bit(Pic8259Modes.AutoEoi, chip)}"
            + $" raeoi={Bit(Pic8259Modes.RotateInAutoEoi, chip)} sfnm={Bit(Pic8259Modes.SpecialFullyNested, chip)} elcr={chip.Elcr:x2}";
    }

    /// <summary>A recording: each op, and after a bar what it logged.</summary>
    public sealed record Recording(string Name, bool Agree, string[] Ops)
    {
        public override string ToString() => Name;
    }

    /// <summary>LINT0 as KVM's <c>kvm_apic_accept_pic_intr</c> sees it.</summary>
    private sealed class ExtIntGate
    {
        private int lint0 = 0x10000;
        private bool enabledBySoftware;
        private bool enabledByHardware = true;

        public bool Accepts => !enabledByHardware || (lint0 & 0x10700) == 0x700;

        public void Write(int register, int value)
        {
            switch (register)
            {
                case unchecked((int)0xFEE00350) or 0x835:
                    lint0 = enabledBySoftware ? value : value | 0x10000;
                    break;
                case unchecked((int)0xFEE000F0) or 0x80F:
                    enabledBySoftware = (value & 0x100) != 0;
                    if (!enabledBySoftware)
                        lint0 |= 0x10000;
                    break;
                case 0x1B:
                    enabledByHardware = (value & 0x800) != 0;
                    break;
            }
        }
    }
}
