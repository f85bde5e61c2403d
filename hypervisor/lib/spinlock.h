/* SPDX-License-Identifier: MIT
 *
 * Spin locks, and the one order in which they may be taken. The hypervisor runs with interrupts off
 * (docs/architecture.md), so a lock never needs to disable them. While a CPU spins it answers other
 * CPUs' TLB shootdowns (spin_relax), so a holder may wait for a shootdown.
 *
 * A CPU may take a lock only when its class is greater than that of every lock it holds; two locks
 * of one class may be held only through spin_lock_pair(), by address. Debug builds check this and
 * panic with both names.
 */
#pragma once

enum lock_class {
    LOCK_DOMLIST = 1, /* dom/domain.c: the list of all domains */
    LOCK_DOMAIN,      /* struct domain: life cycle, vCPU creation, vcpu_info registration */
    LOCK_GRANT,       /* struct grant_table: table size, maptrack, active entries */
    LOCK_EVTCHN,      /* struct evtchn_table: ports and their states; pairs by address */
    LOCK_PIRQ,        /* x86/irq.c: lines and their guests */
    LOCK_PT,          /* a page table being changed (struct frame); pairs never */
    LOCK_PAGES,       /* struct domain: list and number of its frames */
    LOCK_HEAP,        /* mm/page_alloc.c */
    LOCK_EVENTS,      /* struct evtchn_table: FIFO queues; whoever raises an event of the domain */
    LOCK_SCHED,       /* a CPU's run queue */
    LOCK_TIMER,       /* a CPU's timers */
    LOCK_PORTS,       /* CF8/CFC and other latched ports */
    LOCK_CONSOLE,     /* the console; a leaf: anything may print */
};

struct spinlock {
    volatile uint32_t ticket; /* low half: now served; high half: next to hand out */
    uint16_t class;
    uint16_t owner; /* CPU + 1 while held (debug builds) */
};

#define SPINLOCK(c) ((struct spinlock){0, (c), 0})

void spin_lock(struct spinlock *l);
void spin_unlock(struct spinlock *l);
/* struct spinlock *held UNLOCK_AT_END = spin_hold(&x->lock): to the end of the block. */
static inline struct spinlock *spin_hold(struct spinlock *l)
{
    spin_lock(l);
    return l;
}
static inline void spin_unlock_held(struct spinlock **l)
{
    spin_unlock(*l);
}
#define UNLOCK_AT_END __attribute__((cleanup(spin_unlock_held)))
bool spin_trylock(struct spinlock *l);
bool spin_is_held(const struct spinlock *l); /* by this CPU */
/* Takes two locks of one class in address order; a == b takes it once. */
void spin_lock_pair(struct spinlock *a, struct spinlock *b);
void spin_unlock_pair(struct spinlock *a, struct spinlock *b);
