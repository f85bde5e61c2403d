/* SPDX-License-Identifier: MIT */
/*
 * Events on ports that are not mine, and event memory that is.
 *
 * A port number is the domain's own name for one end of a doorbell: the ABI promises that nobody
 * rings, closes, moves or looks at another's, binds to a port that was not opened for him, takes a
 * VIRQ twice or a global one elsewhere than on vCPU 0, and that numbers past the limit are refused.
 * Pending bits, masks, event words, links and heads of queues lie in memory that the guest may
 * write at any time: what it scribbles there costs its own events at most. Pages that hold them
 * cannot become page tables meanwhile, and are ordinary memory again after a reset.
 */
#include "events.h"

int guest_main(void)
{
    do {
        two_level();
        polling();
        fifo();
    } while (test_round());
    return test_end();
}
