using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Benchmarks;

/// <summary>
/// The race behind the lost IPI of bhyve, as large as wanted: vCPU 0 receives, every other vCPU sends a number of IPIs with a vector of its
/// own, and waits for the answer in shared memory before it sends the next one.
/// </summary>
internal static class IpiRace
{
    private const byte FirstVector = 0x40;
    private const uint IcrLow = 0xfee00300, IcrHigh = 0xfee00310;
    private const uint Fixed = 0x4000;
    private const long Microsecond = 2_400;

    private struct Variables
    {
        public ulong Answers;
    }

    /// <summary>The machine.</summary>
    /// <param name="senders">How many vCPUs send, 1..7.</param>
    /// <param name="ipis">How many IPIs each of them sends, 1..255.</param>
    /// <param name="injection">How bhyve brings the vector into the guest.</param>
    public static MachineConfig Of(int senders, int ipis, SvmInjection injection) => new()
    {
        Vendor = CpuVendor.Amd,
        Apicv = false,
        Hypervisor = HypervisorKind.Bhyve,
        Bhyve = new BhyvePolicies { Injection = injection },
        Time = new ClassTime(Microsecond),
        Timing = TimingProfile.Untimed,
        Vcpus = senders + 1,
        L1 = new GuestProgram("ipi-race", MainLine)
        {
            OnInterrupt = Answer,
            Variables = typeof(Variables),
            SharedWords = senders,
            Parameters = new SortedDictionary<string, long>(StringComparer.Ordinal) { ["ipis"] = ipis },
        },
    };

    /// <summary>The receiver opens its interrupts and has nothing else to do; a sender sends and waits.</summary>
    private static async GuestTask MainLine(Cpu cpu)
    {
        if (cpu.Id == 0)
        {
            await cpu.Sti();
            return;
        }

        await cpu.MmioWrite(IcrHigh, 0);
        for (byte left = (byte)cpu.Parameter("ipis"), sent = 1; left > 0; left--, sent++)
        {
            await cpu.MmioWrite(IcrLow, Fixed | (uint)(FirstVector + (cpu.Id * 0x10)));
            while (await new Shared<byte>(cpu.Id - 1).Read(cpu) != sent)
            {
            }
        }
    }

    /// <summary>The answer comes before the EOI: so the next IPI can come while this one is in service.</summary>
    private static async GuestTask Answer(Cpu cpu, byte vector)
    {
        var sender = ((vector - FirstVector) / 0x10) - 1;
        await new Shared<byte>(sender).Write(cpu, CountOf(sender));
        await cpu.Eoi();
    }

    private static byte CountOf(int sender)
    {
        ref var answers = ref ScriptVariables.Of<Variables>().Answers;
        answers += 1UL << (8 * sender);
        return (byte)(answers >> (8 * sender));
    }
}
