using System.Runtime.InteropServices;
using ScenarioHv.Conformance;

namespace ScenarioHv.Witnesses;

/// <summary>/dev/kvm: what the kernel can do, and its VMs.</summary>
internal sealed class KvmSystem : IDisposable
{
    private const int ErrorNoEntry = 2;
    private const int ErrorAccess = 13;

    private static readonly KvmCapability[] Needed = Enum.GetValues<KvmCapability>();

    private readonly KvmFile file;
    private readonly KvmCpuid cpuid;

    /// <summary>Opens the device.</summary>
    /// <exception cref="WitnessUnavailableException">It cannot be used.</exception>
    public KvmSystem(string path)
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            throw new WitnessUnavailableException("KVM is a witness on Linux for x86-64 only");
        file = OpenDevice(path);
        try
        {
            CheckVersion(path);
            CheckCapabilities();
            RunPageLength = file.Do("KVM_GET_VCPU_MMAP_SIZE", KvmIoctl.GetVcpuMapSize);
            cpuid.Count = KvmCpuid.MaxEntries;
            file.Do("KVM_GET_SUPPORTED_CPUID", KvmIoctl.GetSupportedCpuid, ref cpuid);
        }
        catch (Exception problem)
        {
            file.Dispose();
            if (problem is WitnessException)
                throw new WitnessUnavailableException($"{path} cannot be used: {problem.Message}");
            throw;
        }
    }

    /// <summary>How much a vCPU shares, in bytes.</summary>
    public int RunPageLength { get; }

    /// <summary>A VM with nothing in it.</summary>
    public KvmFile CreateVm() => new(file.Do("KVM_CREATE_VM", KvmIoctl.CreateVm));

    /// <summary>What CPUID says on a CPU.</summary>
    public KvmCpuid CpuidOf(int cpu, bool hasX2Apic)
    {
        const uint X2Apic = 1u << 21;
        const uint ExtendedTopology = 0x0B;
        KvmCpuid copy = cpuid;
        for (int i = 0; i < copy.Count; i++)
        {
            ref KvmCpuidEntry entry = ref copy.All[i];
            if (entry.Function == 1)
            {
                entry.Ebx = (entry.Ebx & 0x00FF_FFFF) | ((uint)cpu << 24);
                entry.Ecx = hasX2Apic ? entry.Ecx | X2Apic : entry.Ecx & ~X2Apic;
            }
            else if (entry.Function == ExtendedTopology)
            {
                entry.Edx = (uint)cpu;
            }
        }

        return copy;
    }

    public void Dispose() => file.Dispose();

    private static KvmFile OpenDevice(string path)
    {
        int descriptor = LibC.Open(path, LibC.OpenReadWrite | LibC.OpenCloseOnExec);
        if (descriptor >= 0)
            return new KvmFile(descriptor);
        int error = Marshal.GetLastPInvokeError();
        throw new WitnessUnavailableException(error switch
        {
            ErrorNoEntry => $"there is no {path}: the kernel has no KVM, or its module for this processor is not loaded",
            ErrorAccess => $"{path} is not open to this user (often it is to the group kvm)",
            _ => $"{path} cannot be opened: {Marshal.GetPInvokeErrorMessage(error)}",
        });
    }

    private void CheckVersion(string path)
    {
        int version = LibC.Ioctl(file, KvmIoctl.GetApiVersion, 0);
        if (version < 0)
            throw new WitnessUnavailableException($"{path} is no KVM device");
        if (version != KvmIoctl.ApiVersion)
            throw new WitnessUnavailableException($"{path} has version {version} of KVM's interface, expected {KvmIoctl.ApiVersion}");
    }

    private void CheckCapabilities()
    {
        string[] missing = [.. Needed.Where(capability => !Has(capability)).Select(capability => $"{capability} ({(int)capability})")];
        if (missing.Length > 0)
            throw new WitnessUnavailableException($"this kernel's KVM lacks {string.Join(", ", missing)}");
    }

    private bool Has(KvmCapability capability) => LibC.Ioctl(file, KvmIoctl.CheckExtension, (nint)capability) > 0;
}
