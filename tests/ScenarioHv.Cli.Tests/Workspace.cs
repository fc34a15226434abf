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
        Script("done", "await cpu.Work(1_000); await cpu.Report(\"done\");");
        Script("spin", "while (true) await cpu.Work(100);");
        Script("halt", "await cpu.Cli(); await cpu.Hlt();");
        Script("throw", "await cpu.Work(10);\n    throw new System.InvalidOperationException(\"the guest gives up\");");
        Script("no-handler", "await cpu.Sti(); await cpu.Work(1_000_000);");
        Script("parameter", "await cpu.Work(cpu.Parameter(\"cycles\"));");
        Script("msr", "await cpu.ReadMsr(0x1b);");
        Script("amd", "await cpu.Stgi();");
        Script("broken", "await cpu.Wrok(10);");
    }

    [OneTimeTearDown]
    public void Delete() => Directory.Delete(Folder, recursive: true);

    private static void Script(string name, string body) =>
        File.WriteAllText(Path.Combine(Folder, name + ".csx"), $"async GuestTask Main(Cpu cpu)\n{{\n    {body}\n}}\n");
}
