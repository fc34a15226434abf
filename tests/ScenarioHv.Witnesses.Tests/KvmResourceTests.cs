using ScenarioHv.Conformance;

namespace ScenarioHv.Witnesses.Tests;

/// <summary>What the witness takes from the machine, and how it says that the machine has it not.</summary>
public sealed class KvmResourceTests
{
    [TestCase("/dev/no-such-kvm", "there is no /dev/no-such-kvm")]
    [TestCase("/dev/null", "/dev/null is no KVM device")]
    [TestCase("/", "/ cannot be opened")]
    public void A_device_that_is_none_is_named(string device, string message)
    {
        if (!OperatingSystem.IsLinux())
            Assert.Ignore("KVM is Linux's");
        Assert.That(
            () => KvmWitnessSource.Open(device),
            Throws.TypeOf<WitnessUnavailableException>().With.Message.StartsWith(message));
    }

    [TestCase(0)]
    [TestCase(Recording.MaxCpus + 1)]
    public void The_number_of_CPUs_has_bounds(int cpus)
    {
        KvmWitnessSource source = LiveKvm.Source;
        Assert.That(() => source.PowerOn(cpus, false), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    // EB FE is a jump to itself (SDM2, JMP).
    [Test]
    public unsafe void A_guest_that_reports_nothing_is_stopped()
    {
        _ = LiveKvm.Source;
        using var system = new KvmSystem(KvmWitnessSource.DefaultDevice);
        using var memory = new GuestMemory();
        using var machine = new KvmMachine(system, memory, 1, false);
        using var timer = new RunTimer();
        SignalSet old = timer.Enter();
        try
        {
            ulong stack = GuestMemory.TopOfStack(0) - GuestMemory.StackLength;
            *(ushort*)(memory.HostAddress + (nint)(stack - GuestMemory.Base)) = 0xFEEB;
            machine.Cpus[0].Start(Snippet.Tick, interruptFlag: false);
            machine.Cpus[0].Regs.Rip = stack;
            timer.Start(20);
            Assert.That(
                () => machine.Cpus[0].RunToReport(20),
                Throws.TypeOf<WitnessException>().With.Message.EqualTo("CPU 0 executed for 20 ms without a report"));
        }
        finally
        {
            timer.Leave(old);
        }
    }

    [Test]
    public void A_source_that_is_disposed_of_leaves_no_descriptor()
    {
        _ = LiveKvm.Source;
        int before = KvmDescriptors();
        using (KvmWitnessSource source = KvmWitnessSource.Open())
        {
            for (int i = 0; i < 20; i++)
            {
                using IWitness witness = source.PowerOn(2, false);
                witness.Execute(RecordedOp.Parse("nop 1", 2));
            }
        }

        Assert.That(KvmDescriptors(), Is.EqualTo(before));
    }

    [Test]
    public void A_witness_that_is_disposed_of_executes_nothing()
    {
        IWitness witness = LiveKvm.Source.PowerOn(1, false);
        witness.Dispose();
        witness.Dispose();
        Assert.That(() => witness.Execute(RecordedOp.Parse("nop 0", 1)), Throws.TypeOf<ObjectDisposedException>());
    }

    // VMs that other tests let go of are freed in the background, so that only those of a source of its own can be counted.
    private static int KvmDescriptors() => Directory.EnumerateFileSystemEntries("/proc/self/fd")
        .Count(path => File.ResolveLinkTarget(path, false)?.FullName.Contains("kvm", StringComparison.Ordinal) == true);
}
