[assembly: Parallelizable(ParallelScope.Fixtures)]

namespace ScenarioHv.Cli.Tests;

/// <summary>A folder for the whole test run, with scripts that are compiled once into a cache beside them.</summary>
[SetUpFixture]
public sealed class Workspace
{
    public static string Folder { get; private set; } = "";

    public static string Cache => Path.Combine(Folder, "cache");

    [OneTimeSetUp]
    public void Create()
    {
        Folder = Directory.CreateTempSubdirectory("scenariohv-cli-").FullName;
        Environment.SetEnvironmentVariable("SCENARIOHV_CACHE", Cache);
        Script("done", "await cpu.Work(1_000); await cpu.Report(\"done\");");
        Script("spin", "while (true) await cpu.Work(100);");
        Script("grows", "for (long i = 0; ; i++) await cpu.Work(100 + i);");
        Script("halt", "await cpu.Cli(); await cpu.Hlt();");
        Script("throw", "await cpu.Work(10);\n    throw new System.InvalidOperationException(\"the guest gives up\");");
        Script("no-handler", "await cpu.Sti(); await cpu.Work(1_000_000);");
        Script("parameter", "await cpu.Work(cpu.Parameter(\"cycles\"));");
        Script("msr", "await cpu.ReadMsr(0x1b);");
        Script("amd", "await cpu.Stgi();");
        Script("disabled", """
            await cpu.MmioWrite(0xfee000f0, 0xff);
                await cpu.Work(50_000);
                await cpu.MmioWrite(0xfee000f0, 0x1ff);
                await cpu.Sti();
                while (true)
                    await cpu.Hlt();
            }

            async GuestTask OnInterrupt(Cpu cpu, byte vector)
            {
                await cpu.Eoi();
                await cpu.Report("done");
            """);
        Script("ended-at-the-io-apic", """
            await cpu.Sti();
                while (true)
                    await cpu.Hlt();
            }

            async GuestTask OnInterrupt(Cpu cpu, byte vector)
            {
                await cpu.Out32(0xd004, 1);
                await cpu.MmioWrite(0xfec00040, vector);
                await cpu.MmioWrite(0xfec00000, 0x38);
                if ((await cpu.MmioRead(0xfec00010) & 0x4000) == 0)
                    await cpu.Report("done");
            """);
        Script("edge-to-level", """
            await cpu.MmioWrite(0xfec00000, 0x38);
                await cpu.MmioWrite(0xfec00010, 0x41);
                await cpu.Work(50_000);
                await cpu.MmioWrite(0xfec00010, 0x8042);
                await cpu.Sti();
                while (true)
                    await cpu.Hlt();
            }

            async GuestTask OnInterrupt(Cpu cpu, byte vector)
            {
                if (vector == 0x42)
                    await cpu.Report("done");
                await cpu.Eoi();
            """);
        Script("broken", "await cpu.Wrok(10);");
        Script("endless", "await cpu.Work(10);\n    while (true) { }");
        Script("wall-clock", "await cpu.Work(System.DateTime.UtcNow.Year);\n    await cpu.Report(\"done\");");
    }

    [OneTimeTearDown]
    public void Delete() => Directory.Delete(Folder, recursive: true);

    private static void Script(string name, string body) =>
        File.WriteAllText(Path.Combine(Folder, name + ".csx"), $"async GuestTask Main(Cpu cpu)\n{{\n    {body}\n}}\n");
}
