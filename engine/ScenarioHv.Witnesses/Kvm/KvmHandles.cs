using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using ScenarioHv.Conformance;

namespace ScenarioHv.Witnesses;

/// <summary>A file descriptor: of /dev/kvm, a VM or a vCPU.</summary>
internal sealed class KvmFile : SafeHandleMinusOneIsInvalid
{
    public KvmFile(int descriptor)
        : base(ownsHandle: true) => SetHandle(descriptor);

    /// <summary>Does a request that cannot fail unless the witness is wrong or the kernel is at its end.</summary>
    /// <exception cref="WitnessException">It failed.</exception>
    public unsafe int Do<T>(string name, ulong request, ref T argument)
        where T : unmanaged
    {
        fixed (T* address = &argument)
            return Do(name, request, (nint)address);
    }

    /// <inheritdoc cref="Do{T}"/>
    public int Do(string name, ulong request, nint argument = 0)
    {
        int result = LibC.Ioctl(this, request, argument);
        return result >= 0 ? result : throw new WitnessException($"{name} failed: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    protected override bool ReleaseHandle() => LibC.Close((int)handle) == 0;
}

/// <summary>Mapped memory: the guest's, or what KVM shares of a vCPU.</summary>
internal sealed class KvmMapping : SafeHandleMinusOneIsInvalid
{
    private readonly nuint length;

    private KvmMapping(nint address, nuint length)
        : base(ownsHandle: true)
    {
        this.length = length;
        SetHandle(address);
    }

    public nint Address => handle;

    /// <summary>Memory of zeros.</summary>
    public static KvmMapping Anonymous(nuint length) => Map(length, LibC.MapShared | LibC.MapAnonymous, -1);

    /// <summary>What a descriptor shares.</summary>
    public static KvmMapping Of(KvmFile file, nuint length) => Map(length, LibC.MapShared, (int)file.DangerousGetHandle());

    protected override bool ReleaseHandle() => LibC.Unmap(handle, length) == 0;

    private static KvmMapping Map(nuint length, int flags, int descriptor)
    {
        nint address = LibC.Map(0, length, LibC.ProtectReadWrite, flags, descriptor, 0);
        return address != -1
            ? new KvmMapping(address, length)
            : throw new WitnessException($"mmap of {length} bytes failed: {Marshal.GetLastPInvokeErrorMessage()}");
    }
}
