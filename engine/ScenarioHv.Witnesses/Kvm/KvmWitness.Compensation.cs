using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Witnesses;

// A KVM that ends interrupts as it injects them (the pvm backend) would never show an ISR. Before a CPU may take an interrupt its local
// APIC is saved, and loaded again without TMR: the EOI that comes too early then reaches no I/O APIC. When the handler has reported,
// what was saved is loaded with the vector moved from IRR to ISR. A running APIC timer would be restarted by that, so then it is left
// out and levels are sent again at once.
public sealed partial class KvmWitness
{
    private LapicPage saved;
    private bool isArmed;

    private void Arm(Core core)
    {
        isArmed = false;
        if (!isCompensated)
            return;
        core.Cpu.ReadLapic(ref saved);
        isArmed = saved[LocalApicRegister.TimerInitialCount] == 0;
        if (isArmed)
            LoadBlank(core);
    }

    private void LoadBlank(Core core)
    {
        LapicPage blank = saved;
        blank.Clear(LocalApicRegister.Tmr);
        core.Cpu.WriteLapic(ref blank);
    }

    // Nothing was taken.
    private void Disarm(Core core)
    {
        if (isArmed)
            core.Cpu.WriteLapic(ref saved);
        isArmed = false;
    }

    // What left the IRR is what was taken: an NMI and the 8259's interrupts leave it as it was.
    private void Acknowledge(Core core, int vector)
    {
        if (!isArmed)
            return;
        isArmed = false;
        if (saved.Has(LocalApicRegister.Irr, vector) && !core.ReadLapic().Has(LocalApicRegister.Irr, vector))
            saved.Acknowledge(vector);
        core.Cpu.WriteLapic(ref saved);
    }
}
