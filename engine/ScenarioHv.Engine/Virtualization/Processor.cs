namespace ScenarioHv.Engine.Virtualization;

/// <summary>A processor outside any guest: bare metal, or a host between its guests.</summary>
public static class Processor
{
    /// <summary>
    /// What happens at this instruction boundary, by priority (SDM3 6.9 "Priority Among Concurrent Events"; APM2 8.5):
    /// SMI, INIT, debug traps, NMI, maskable interrupt. While GIF = 0 all but debug traps stay pending (APM2 15.17).
    /// </summary>
    /// <param name="core">The core.</param>
    /// <param name="inputs">What is pending; what concerns only guests is not looked at.</param>
    public static BoundaryEvent RootBoundary(in CpuCore core, in BoundaryInputs inputs)
    {
        if (core.Activity == ActivityState.WaitForSipi)
            return inputs.Has(BoundaryFlags.Sipi) ? BoundaryEvent.Of(BoundaryEventKind.TakeSipi, inputs.SipiVector) : default;

        var gif = core.GifCleared == 0;
        var shutdown = core.Activity == ActivityState.Shutdown;
        if (gif && inputs.Has(BoundaryFlags.Smi))
            return BoundaryEvent.Of(BoundaryEventKind.EnterSmm);
        if (gif && inputs.Has(BoundaryFlags.Init) && !inputs.Has(BoundaryFlags.VmxRoot))
            return BoundaryEvent.Of(BoundaryEventKind.TakeInit);
        if (core.PendingDebugTrap != 0 && core.MovSsShadow == 0 && !shutdown)
            return BoundaryEvent.Of(BoundaryEventKind.DeliverDebugTrap);
        if (gif && inputs.Has(BoundaryFlags.Nmi) && core.NmiBlocked == 0 && !inputs.ShadowHoldsNmi(core))
            return BoundaryEvent.Of(BoundaryEventKind.DeliverNmi);
        if (gif && inputs.Has(BoundaryFlags.ExternalInterrupt) && core.InterruptsOpen && !shutdown)
            return BoundaryEvent.Of(BoundaryEventKind.DeliverExternalInterrupt);
        return default;
    }
}
