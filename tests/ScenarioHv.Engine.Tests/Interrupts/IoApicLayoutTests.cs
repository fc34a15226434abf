using System.Reflection;
using System.Runtime.CompilerServices;
using ScenarioHv.Engine.Devices;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>The states lie in the machine's bytes: no padding that a hash would see, no references, and sizes that are meant.</summary>
public class IoApicLayoutTests
{
    [TestCase(typeof(RedirectionEntry), 8)]
    [TestCase(typeof(IoApicHeader), 4)]
    [TestCase(typeof(IoApicPin), 12)]
    [TestCase(typeof(MsiMessage), 12)]
    [TestCase(typeof(GsiLine), 8)]
    [TestCase(typeof(Ich9PirqRouting), 22)]
    [TestCase(typeof(LineDevice), 4)]
    [TestCase(typeof(MsiDevice), 24)]
    [TestCase(typeof(Piix4Uhci), 20)]
    public void Fields_fill_the_struct(Type type, int size)
    {
        Assert.That(SizeOf(type), Is.EqualTo(size));
        Assert.That(type.IsLayoutSequential, Is.True);
        var fields = type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);
        Assert.That(fields.Sum(field => SizeOf(field.FieldType)), Is.EqualTo(size));
    }

    private static int SizeOf(Type type) =>
        (int)typeof(IoApicLayoutTests).GetMethod(nameof(SizeOfUnmanaged), BindingFlags.Static | BindingFlags.NonPublic)!
            .MakeGenericMethod(type).Invoke(null, null)!;

    private static int SizeOfUnmanaged<T>()
        where T : unmanaged => Unsafe.SizeOf<T>();
}
