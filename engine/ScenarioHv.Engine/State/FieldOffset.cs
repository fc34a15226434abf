using System.Reflection;
using System.Reflection.Emit;

namespace ScenarioHv.Engine.State;

/// <summary>Where a field lies in its struct. With automatic layout only the runtime knows, so that it is asked by emitted code.</summary>
internal static class FieldOffset
{
    /// <summary>Bytes from the start of <paramref name="type"/> to <paramref name="field"/>.</summary>
    public static int Of(Type type, FieldInfo field)
    {
        var method = new DynamicMethod("offset", typeof(int), Type.EmptyTypes, type.Module, skipVisibility: true);
        var il = method.GetILGenerator();
        var local = il.DeclareLocal(type);
        il.Emit(OpCodes.Ldloca, local);
        il.Emit(OpCodes.Ldflda, field);
        il.Emit(OpCodes.Conv_U);
        il.Emit(OpCodes.Ldloca, local);
        il.Emit(OpCodes.Conv_U);
        il.Emit(OpCodes.Sub);
        il.Emit(OpCodes.Conv_I4);
        il.Emit(OpCodes.Ret);
        return (int)method.Invoke(null, null)!;
    }
}
