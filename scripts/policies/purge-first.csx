// lapic-restore: KVM_SET_LAPIC with the purge in the right place. What lies in PIR when the page is loaded belongs to the past; what a timer
// posts that is started again does not. (Steps is a method here, and no property, because editors read a script as a program.)
LapicRestoreStep[] Steps() => [Purge, Load, StartTimer, SyncHardware];
