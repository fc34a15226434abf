using System.Runtime.Versioning;
using ScenarioHv.Conformance;

namespace ScenarioHv.Witnesses.Tests;

/// <summary>What is said if there is no QEMU, or one that cannot be used.</summary>
[Platform("Linux")]
[UnsupportedOSPlatform("windows")]
public sealed class QemuStartTests
{
    private string folder = null!;

    [SetUp]
    public void MakeFolder() => folder = Directory.CreateTempSubdirectory("scenariohv-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(folder, recursive: true);

    [Test]
    public void No_QEMU_on_PATH() => Expect("there is no qemu-system-x86_64 on PATH");

    [Test]
    public void A_QEMU_that_gives_up_is_quoted()
    {
        Install("echo '-accel tcg: invalid accelerator tcg' >&2; exit 1", UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Expect("QEMU does not start: -accel tcg: invalid accelerator tcg");
    }

    [Test]
    public void A_QEMU_that_cannot_be_executed()
    {
        Install("", UnixFileMode.UserRead);
        Expect("QEMU does not start: ");
    }

    private void Install(string script, UnixFileMode mode)
    {
        string path = Path.Combine(folder, "qemu-system-x86_64");
        File.WriteAllText(path, $"#!/bin/sh\n{script}\n");
        File.SetUnixFileMode(path, mode);
    }

    private void Expect(string message) =>
        Assert.That(() => new QemuWitnessSource(folder), Throws.TypeOf<WitnessUnavailableException>().With.Message.StartsWith(message));
}
