/* SPDX-License-Identifier: MIT
 *
 * One-shot timers in nanoseconds of system time, kept sorted per CPU, run from SOFTIRQ_TIMER on the
 * CPU that armed them. LOCK_TIMER of that CPU. The local APIC is programmed for the nearest one.
 */
#pragma once
#include "lib/list.h"

struct pcpu;
struct timer {
    struct list link;
    nsec_t deadline;
    void (*fn)(void *data);
    void *data;
    struct pcpu *cpu; /* whose list it is on; NULL: not armed */
    bool ended;       /* never armed again */
};

void timer_init(struct timer *t, void (*fn)(void *), void *data);
void timer_set(struct timer *t, nsec_t deadline); /* (re)arms on this CPU; the past fires at once */
void timer_stop(struct timer *t); /* not armed afterwards; its fn may be running elsewhere */
/* Before its memory goes: stopped for good, and its fn runs nowhere. The caller holds no lock that
 * fn may take. */
void timer_end(struct timer *t);
void timer_run(void); /* SOFTIRQ_TIMER */
