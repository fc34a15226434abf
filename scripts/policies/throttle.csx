// immediate-exit: V. Kuznetsov's RFC of 28 March 2019. Beyond 100 armings at one RIP the timer gets a delay, so that the guest under
// the guest retires an instruction.
const uint Limit = 100, Delay = 1000;

ulong lastRip;      // remembered for each loaded control structure
uint count;

ImmediateExitDecision Decide(Situation now)
{
    count = now.Rip == lastRip ? Math.Min(count, Limit) + 1 : 0;
    lastRip = now.Rip;
    return PreemptionTimer(count > Limit ? Delay : 0);
}
