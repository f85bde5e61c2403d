/* SPDX-License-Identifier: MIT
 *
 * Ticket locks. `ticket` holds two halves: taking a ticket adds to the high one, and its old value
 * is one's number; the low one says who is served. Only the holder writes the low half, so a plain
 * add is enough there.
 *
 * Debug builds keep the classes of the locks a CPU holds in its struct pcpu and panic when a lock
 * is taken out of the order of lib/spinlock.h, twice, or given back by a CPU that does not have it.
 */
#include "lib/spinlock.h"
#include "x86/asm.h"
#include "x86/percpu.h"
#include "mm/tlb.h"

#if BONSAI_DEBUG
static const char *const class_names[] = {
    [LOCK_DOMLIST] = "LOCK_DOMLIST", [LOCK_DOMAIN] = "LOCK_DOMAIN", [LOCK_GRANT] = "LOCK_GRANT",
    [LOCK_EVTCHN] = "LOCK_EVTCHN",   [LOCK_PIRQ] = "LOCK_PIRQ",     [LOCK_PT] = "LOCK_PT",
    [LOCK_PAGES] = "LOCK_PAGES",     [LOCK_HEAP] = "LOCK_HEAP",     [LOCK_SCHED] = "LOCK_SCHED",
    [LOCK_TIMER] = "LOCK_TIMER",     [LOCK_PORTS] = "LOCK_PORTS",   [LOCK_CONSOLE] = "LOCK_CONSOLE",
    [LOCK_EVENTS] = "LOCK_EVENTS",
};

static const char *class_name(unsigned class)
{
    return class < ARRAY_SIZE(class_names) && class_names[class] ? class_names[class]
                                                                 : "a lock never initialised";
}

static __attribute__((noinline, cold, noreturn)) void bad_order(const struct spinlock *l)
{
    if (spin_is_held(l))
        panic("%s taken twice", class_name(l->class));
    panic("%s taken while %s is held", class_name(l->class),
          class_name(31 - (unsigned)__builtin_clz(this_cpu()->locks_held)));
}

/* Two of one class only as a pair, of which this is the second. */
static void check_order(const struct spinlock *l, bool pair)
{
    uint32_t held = this_cpu()->locks_held >> l->class;

    if (unlikely(held && !(pair && held == 1 && !spin_is_held(l))) || unlikely(!l->class))
        bad_order(l);
}

static void note_taken(struct spinlock *l)
{
    struct pcpu *p = this_cpu();
    uint32_t bit = 1u << l->class;

    if (p->locks_held & bit)
        p->locks_paired |= bit;
    p->locks_held |= bit;
    l->owner = (uint16_t)(p->id + 1);
}

static void note_given(struct spinlock *l)
{
    struct pcpu *p = this_cpu();
    uint32_t bit = 1u << l->class;

    if (unlikely(!spin_is_held(l)))
        panic("%s given back by a CPU that does not hold it", class_name(l->class));
    if (p->locks_paired & bit)
        p->locks_paired &= ~bit;
    else
        p->locks_held &= ~bit;
    l->owner = 0;
}
#else
static void check_order(const struct spinlock *, bool)
{
}
static void note_taken(struct spinlock *l)
{
    l->owner = (uint16_t)(this_cpu()->id + 1);
}
static void note_given(struct spinlock *l)
{
    l->owner = 0;
}
#endif

bool spin_is_held(const struct spinlock *l)
{
    return READ_ONCE(l->owner) == this_cpu()->id + 1;
}

static void lock(struct spinlock *l, bool pair)
{
    check_order(l, pair);

    uint32_t seen = __atomic_fetch_add(&l->ticket, 0x10000, __ATOMIC_ACQUIRE);
    uint16_t mine = (uint16_t)(seen >> 16);

    while ((uint16_t)__atomic_load_n(&l->ticket, __ATOMIC_ACQUIRE) != mine) {
        tlb_serve();
        cpu_relax();
    }
    note_taken(l);
}

void spin_lock(struct spinlock *l)
{
    lock(l, false);
}

bool spin_trylock(struct spinlock *l)
{
    uint32_t seen = l->ticket;

    if ((uint16_t)seen != (uint16_t)(seen >> 16) ||
        !__atomic_compare_exchange_n(&l->ticket, &seen, seen + 0x10000, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED))
        return false;
    note_taken(l);
    return true;
}

void spin_unlock(struct spinlock *l)
{
    uint16_t *served = (uint16_t *)(uintptr_t)&l->ticket;

    note_given(l);
    __atomic_store_n(served, (uint16_t)(*served + 1), __ATOMIC_RELEASE);
}

void spin_lock_pair(struct spinlock *a, struct spinlock *b)
{
    lock(min(a, b), false);
    if (a != b)
        lock(max(a, b), true);
}

void spin_unlock_pair(struct spinlock *a, struct spinlock *b)
{
    if (a != b)
        spin_unlock(max(a, b));
    spin_unlock(min(a, b));
}
