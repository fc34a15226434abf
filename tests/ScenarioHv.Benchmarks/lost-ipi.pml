/*
 * The race behind the lost IPI of bhyve with the points of LostIpiSystem: vCPU 0 receives, each of SENDERS others sends its own vector
 * IPIS times and waits for the answer in shared memory before the next. A vector is its sender's number from 1, and 0 is none; each option
 * is one step. At arming a vector leaves IRR for a place of its own, and the exit sends it to ISR, or back to IRR if the guest did not
 * take it.
 */
#define HIGHEST(set) ((set) >= 4 -> 3 : ((set) >= 2 -> 2 : (set)))
#define BIT(vector) (1 << ((vector) - 1))
#define CAN_TAKE (in_guest && armed != 0 && !taken && handler == 0)
#define IDLE 0
#define ANSWER 1
#define EOI 2

byte sent[SENDERS];
byte answered[SENDERS];
byte at[SENDERS];
byte irr, isr, armed, receiver, handler;
bit in_guest, kicked, taken;
hidden byte vector;

inline leave()
{
    if
    :: armed != 0 && taken -> isr = isr | BIT(armed)
    :: armed != 0 && !taken -> irr = irr | BIT(armed)
    :: else
    fi;
    armed = 0;
    taken = 0;
    in_guest = 0;
    vector = 1;
    do
    :: vector <= SENDERS ->
        assert(sent[vector - 1] == answered[vector - 1] || (irr & BIT(vector)) != 0 || (receiver == ANSWER && handler == vector));
        vector++
    :: else -> break
    od;
    vector = 0
}

active proctype Receiver()
{
end:
    do
    :: d_step { !in_guest ->
        in_guest = 1;
        kicked = 0;
        vector = HIGHEST(irr);
        if
        :: vector > HIGHEST(isr) -> armed = vector; irr = irr & ~BIT(vector)
        :: else
        fi;
        vector = 0 }
    :: d_step { CAN_TAKE -> taken = 1; handler = armed; receiver = ANSWER }
    :: d_step { in_guest && receiver == ANSWER -> answered[handler - 1]++; receiver = EOI }
    :: d_step { in_guest && receiver == EOI ->
        leave();
        isr = isr & ~BIT(HIGHEST(isr));
        handler = 0;
        receiver = IDLE }
    od
}

active proctype Outside()
{
end:
    do
    :: d_step { in_guest && (kicked || handler != 0) -> leave() }
    od
}

active [SENDERS] proctype Sender()
{
end:
    do
    :: d_step { at[_pid - 2] == 0 -> sent[_pid - 2]++; irr = irr | BIT(_pid - 1); at[_pid - 2] = 1 }
    :: d_step { at[_pid - 2] == 1 -> kicked = 1; at[_pid - 2] = 2 }
    :: d_step { at[_pid - 2] == 2 && answered[_pid - 2] == sent[_pid - 2] -> at[_pid - 2] = (sent[_pid - 2] == IPIS -> 3 : 0) }
    od
}
