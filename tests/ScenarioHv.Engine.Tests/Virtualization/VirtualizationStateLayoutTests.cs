using System.Reflection;
using System.Runtime.CompilerServices;
using ScenarioHv.Engine.Virtualization;
using ScenarioHv.Engine.Virtualization.Svm;
using ScenarioHv.Engine.Virtualization.Vmx;

namespace ScenarioHv.Engine.Tests.Virtualization;

/// <summary>State is compared and hashed as bytes: no hidden padding, and no field whose bytes are not its value.</summary>
public sealed class VirtualizationStateLayoutTests
{
    [TestCase(typeof(CpuCore))]
    [TestCase(typeof(BoundaryInputs))]
    [TestCase(typeof(BoundaryEvent))]
    [TestCase(typeof(InjectedEvent))]
    [TestCase(typeof(EoiExitBitmap))]
    [TestCase(typeof(Vmcs))]
    [TestCase(typeof(VirtualApicUpdate))]
    [TestCase(typeof(Vmcb))]
    public void The_fields_fill_the_struct(Type type) => Assert.That(SumOfFields(type), Is.EqualTo(SizeOf(type)));

    private static int SumOfFields(Type type)
    {
        if (type.IsEnum)
            return SizeOf(Enum.GetUnderlyingType(type));
        if (type.IsPrimitive)
        {
            Assert.That(type, Is.Not.EqualTo(typeof(bool)).And.Not.EqualTo(typeof(char)).And.Not.EqualTo(typeof(double)));
            return SizeOf(type);
        }

        Assert.That(type.IsValueType, $"{type} is a reference.");
        return type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .Sum(field => SumOfFields(field.FieldType));
    }

    private static int SizeOf(Type type) =>
        (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;
}
