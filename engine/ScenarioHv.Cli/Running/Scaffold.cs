namespace ScenarioHv.Cli.Running;

/// <summary>The texts of a new scenario and its guest: a level device, a handler, a matrix and two cells, as a beginning.</summary>
internal static class Scaffold
{
    private const string NamePlace = "NAME";

    private const string ScenarioText = """
        # yaml-language-server: $schema=scenario.schema.json
        # What happens here, and which question it answers.
        #
        # A device raises a level interrupt. The handler silences the device and ends the interrupt; then the main line goes on. A handler
        # that forgets to silence it leaves the line high: at its EOI the I/O APIC sends the interrupt again, and the main line never goes
        # on, unless the I/O APIC pauses.
        #
        #   scenariohv run NAME.yaml        one order of what can happen
        #   scenariohv matrix NAME.yaml     every cell
        #   scenariohv explore NAME.yaml    every order

        scenario: NAME
        title: A handler that silences its device, and one that forgets to
        source: where it comes from, a thread or a manual

        machine:
          tsc: 2.4 GHz
          timing: skylake
          cpu: { vendor: intel, apicv: true }
          hypervisor: kvm@5.1
          irqchip: kernel
          host-tick: off
          devices:
            disk: { type: line, gsi: 20, vector: 0x41, io: 0xd000 }

        guests:
          l1: { script: NAME.csx, with: { port: 0xd000, silence: true } }

        timeline:
          - { at: 10 us, raise: disk }

        goal: l1 reports "went on"

        expect: reached

        matrix:
          ioapic-eoi: [reinject, "delay-after-kvm(100, 1 ms)"]
          expect:
            - outcome: reached
              note: the line is low at the EOI, so that nothing is sent again

        cells:
          - name: never silenced, sent again at once
            note: the handler runs again before the main line has got any further
            set:
              machine: { policies: { ioapic-eoi: reinject } }
              guests: { l1: { with: { silence: false } } }
            expect: livelock

          - name: never silenced, sent again after a pause
            note: in the pause the main line goes on
            set:
              machine: { policies: { ioapic-eoi: "delay-after-kvm(100, 1 ms)" } }
              guests: { l1: { with: { silence: false } } }
            expect: reached
            explore: livelock       # exploring looks at no cost: the pause may be over before the handler's IRET

        """;

    private const string ScriptText = """
        // The guest of NAME.yaml: a main line that waits for an interrupt, and the handler.

        const ushort Acknowledge = 4;       // the device's register: writing 1 lowers the line

        async GuestTask Main(Cpu cpu)
        {
            await cpu.Sti();
            await cpu.Hlt();                // wakes for the interrupt; its handler runs first
            await cpu.Report("went on");
        }

        async GuestTask OnInterrupt(Cpu cpu, byte vector)
        {
            var port = (ushort)cpu.Parameter("port");
            if (cpu.Parameter("silence") != 0)
                await cpu.Out32((ushort)(port + Acknowledge), 1);

            await cpu.Eoi();                // if the line is still high, the I/O APIC sends it again
        }

        """;

    /// <summary>The scenario.</summary>
    /// <param name="name">Its name.</param>
    public static string Scenario(string name) => Named(ScenarioText, name);

    /// <summary>Its guest.</summary>
    /// <param name="name">The scenario's name.</param>
    public static string Script(string name) => Named(ScriptText, name);

    private static string Named(string text, string name) =>
        text.ReplaceLineEndings("\n").Replace(NamePlace, name, StringComparison.Ordinal);
}
