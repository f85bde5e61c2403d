/* SPDX-License-Identifier: MIT
 *
 * One-shot timers (dom/timer.h): a sorted list per CPU. There are a few per vCPU, so a list is
 * short; the nearest deadline is what the local APIC is armed for.
 *
 * t->cpu says whose list a timer is on. It goes from NULL to a CPU by compare-and-exchange and back
 * under that CPU's lock, which guards link and deadline too: two CPUs that arm the same timer at
 * once cannot both have it.
 */
#include "lib/lib.h"
#include "x86/asm.h"
#include "x86/irq.h"
#include "x86/percpu.h"
#include "x86/time.h"
#include "mm/tlb.h"
#include "dom/timer.h"

void timer_init(struct timer *t, void (*fn)(void *), void *data)
{
    list_init(&t->link);
    t->deadline = NSEC_NEVER;
    t->fn = fn;
    t->data = data;
    t->cpu = NULL;
    t->ended = false;
}

static struct timer *first_timer(struct pcpu *p)
{
    return list_empty(&p->timers) ? NULL : list_entry(p->timers.next, struct timer, link);
}

/* timer_lock held, this CPU's. */
static void arm(struct pcpu *p)
{
    struct timer *t = first_timer(p);
    nsec_t deadline = t ? t->deadline : NSEC_NEVER;

    if (deadline == p->timer_armed)
        return;
    p->timer_armed = deadline;
    apic_arm_timer(deadline);
}

void timer_stop(struct timer *t)
{
    struct pcpu *p;

    while ((p = READ_ONCE(t->cpu))) {
        spin_lock(&p->timer_lock);
        if (t->cpu == p) {
            list_remove(&t->link);
            t->cpu = NULL;
            if (p == this_cpu())
                arm(p);
        }
        spin_unlock(&p->timer_lock);
    }
}

/* Takes t for p, whose timer_lock is held on return. */
static void claim(struct timer *t, struct pcpu *p)
{
    for (;;) {
        struct pcpu *none = NULL;

        if (READ_ONCE(t->cpu) != p)
            timer_stop(t);
        spin_lock(&p->timer_lock);
        if (t->cpu == p) {
            list_remove(&t->link);
            return;
        }
        if (__atomic_compare_exchange_n(&t->cpu, &none, p, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED))
            return;
        spin_unlock(&p->timer_lock);
    }
}

void timer_set(struct timer *t, nsec_t deadline)
{
    struct pcpu *p = this_cpu();
    struct list *at;

    claim(t, p);
    if (unlikely(__atomic_load_n(&t->ended, __ATOMIC_SEQ_CST))) {
        t->cpu = NULL;
    } else {
        t->deadline = deadline;
        for (at = p->timers.next; at != &p->timers; at = at->next)
            if (list_entry(at, struct timer, link)->deadline > deadline)
                break;
        list_add_before(at, &t->link);
    }
    arm(p);
    spin_unlock(&p->timer_lock);
}

void timer_end(struct timer *t)
{
    __atomic_store_n(&t->ended, true, __ATOMIC_SEQ_CST);
    timer_stop(t);
    for (unsigned i = 0; i < nr_cpus; i++)
        while (cpus[i] && cpus[i] != this_cpu() &&
               __atomic_load_n(&cpus[i]->timer_running, __ATOMIC_SEQ_CST) == t) {
            tlb_serve();
            cpu_relax();
        }
}

void timer_run(void)
{
    struct pcpu *p = this_cpu();
    nsec_t t_now = now();

    spin_lock(&p->timer_lock);
    for (struct timer *t; (t = first_timer(p)) && t->deadline <= t_now;) {
        void (*fn)(void *) = t->fn;
        void *data = t->data;

        list_remove(&t->link);
        __atomic_store_n(&p->timer_running, t, __ATOMIC_SEQ_CST); /* before others see it stopped */
        __atomic_store_n(&t->cpu, NULL, __ATOMIC_SEQ_CST);
        spin_unlock(&p->timer_lock);
        fn(data);
        __atomic_store_n(&p->timer_running, NULL, __ATOMIC_SEQ_CST);
        spin_lock(&p->timer_lock);
    }
    p->timer_armed = 0; /* the one shot is spent */
    arm(p);
    spin_unlock(&p->timer_lock);
}
