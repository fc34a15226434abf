using System.Reflection;
using System.Runtime.InteropServices;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>State is bytes: no hidden padding, so that equal states are equal bytes.</summary>
public class LocalApicLayoutTests
{
    [TestCase(typeof(Register256), 40)]
    [TestCase(typeof(LocalApic), 248)]
    [TestCase(typeof(LocalApicPolicies), 8)]
    [TestCase(typeof(LocalApicStartUpLatch), 2)]
    [TestCase(typeof(LocalApicTimerClock), 16)]
    [TestCase(typeof(Instant), 8)]
    public void The_fields_fill_the_struct(Type type, int size)
    {
        Assert.That(SizeOf(type), Is.EqualTo(size));
        Assert.That(SumOfFields(type), Is.EqualTo(size));
    }

    private static FieldInfo[] Fields(Type type) =>
        type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);

    private static int SumOfFields(Type type)
    {
        if (type.IsEnum)
            return SumOfFields(Enum.GetUnderlyingType(type));
        return type.IsPrimitive ? Marshal.SizeOf(type) : Fields(type).Sum(field => SumOfFields(field.FieldType));
    }

    private static int SizeOf(Type type) =>
        (int)typeof(System.Runtime.CompilerServices.Unsafe).GetMethod("SizeOf")!.MakeGenericMethod(type).Invoke(null, null)!;
}
