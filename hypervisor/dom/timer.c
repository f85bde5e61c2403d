/* SPDX-License-Identifier: MIT
 *
 * One-shot timers (dom/timer.h): a sorted list per CPU. There are a few per vCPU, so a list is
 * short; the nearest deadline is what the local APIC is armed for.
 */
#include "lib/lib.h"
#include "x86/irq.h"
#include "x86/percpu.h"
#include "x86/time.h"
#include "dom/timer.h"

void timer_init(struct timer *t, void (*fn)(void *), void *data)
{
    list_init(&t->link);
    t->deadline = NSEC_NEVER;
    t->fn = fn;
    t->data = data;
    t->cpu = NULL;
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

void timer_set(struct timer *t, nsec_t deadline)
{
    struct pcpu *p = this_cpu();
    struct list *at;

    if (READ_ONCE(t->cpu) != p)
        timer_stop(t);
    spin_lock(&p->timer_lock);
    if (t->cpu)
        list_remove(&t->link);
    t->deadline = deadline;
    for (at = p->timers.next; at != &p->timers; at = at->next)
        if (list_entry(at, struct timer, link)->deadline > deadline)
            break;
    list_add_before(at, &t->link);
    t->cpu = p;
    arm(p);
    spin_unlock(&p->timer_lock);
}

void timer_run(void)
{
    struct pcpu *p = this_cpu();
    nsec_t t_now = now();

    spin_lock(&p->timer_lock);
    for (struct timer *t; (t = first_timer(p)) && t->deadline <= t_now;) {
        list_remove(&t->link);
        t->cpu = NULL;
        spin_unlock(&p->timer_lock);
        t->fn(t->data);
        spin_lock(&p->timer_lock);
    }
    p->timer_armed = 0; /* the one shot is spent */
    arm(p);
    spin_unlock(&p->timer_lock);
}
