namespace ScenarioHv.Engine.Guests;

/// <summary>Which guest's code a step was in, for messages.</summary>
/// <param name="Vcpu">The vCPU.</param>
/// <param name="Level">1 for the guest, 2 for the guest's guest.</param>
/// <param name="Program">Its program.</param>
/// <param name="Rip">The address of its operation.</param>
public sealed record GuestPlace(int Vcpu, int Level, GuestProgram Program, ulong Rip)
{
    /// <summary>
    /// The line of the script from which the address was made, and the file: 0 is the script, from 1 what it loads. Null for an operation
    /// whose address the script gives.
    /// </summary>
    public (int File, int Line)? Line => Cpu.LineOf(Rip, Level);
}
