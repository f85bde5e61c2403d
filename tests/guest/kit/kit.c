/* SPDX-License-Identifier: MIT */
/*
 * The kit does what kit.h, trap.h and os.h promise. What the ABI promises for it: page tables
 * change only by hypercall; a trap returns by the iret hypercall with all registers; an event that
 * arrives while events are masked is delivered when they are unmasked, at the latest with the next
 * hypercall; a grant can be ended when nobody uses it.
 *
 * Words on the command line: "panic" takes a page fault that nobody expects, "overflow" runs over
 * the end of the stack.
 */
#include "tests/guest/kit/kit.h"

static __attribute__((noinline)) int overflow(volatile const char *below)
{
    volatile char here[4096];

    here[0] = below[0];
    return here[0] ? 0 : overflow(here) + here[0];
}

int guest_main(void)
{
    if (test_word("panic"))
        *(volatile char *)test_number("address=", 0) = 1;
    if (test_word("overflow")) {
        test_crashes_now("the end of the stack");
        return overflow("");
    }
    test_text();
    test_memory();
    test_tables();
    test_traps();
    test_user_mode();
    test_events();
    test_time();
    test_grants();
    return test_end();
}
