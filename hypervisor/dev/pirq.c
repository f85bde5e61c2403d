/* SPDX-License-Identifier: MIT
 *
 * The table behind d->pirqs; only dom0 has one. LOCK_PIRQ (x86/irq.c takes the same class inside,
 * hence each entry is claimed by compare-and-exchange and no lock is held across calls).
 */
#include "dev/pirq.h"
#include "dev/dev.h"
#include "comms/evtchn.h"
#include "dom/domain.h"
#include "mm/frame.h"
#include "mm/page_alloc.h"
#include "x86/hvmap.h"
#include "x86/irq.h"

#define MESSAGES 256u /* PIRQ numbers above the GSIs */

enum { FREE = 0, RESERVED = 1, MAPPED = 2 }; /* state; MAPPED + irq */

struct pirqs {
    unsigned nr;
    struct frame *eoi_frame;
    uint8_t *eoi_bits;
    struct {
        uint32_t state;
        bool bound;
    } at[];
};

unsigned nr_pirqs(const struct domain *d)
{
    const struct pirqs *t = d->pirqs;

    return t ? t->nr : 0;
}

int physdev_init(struct domain *d)
{
    unsigned nr = nr_gsis() + MESSAGES;
    struct pirqs *t;

    if (!d->privileged)
        return 0;
    t = hv_alloc(sizeof(*t) + nr * sizeof(t->at[0]));
    if (!t)
        return -ENOMEM;
    t->nr = nr;
    d->pirqs = t;
    return 0;
}

int pirq_to_irq(const struct domain *d, unsigned pirq)
{
    const struct pirqs *t = d->pirqs;

    if (!t || pirq >= t->nr || READ_ONCE(t->at[pirq].state) < MAPPED)
        return -EINVAL;
    return (int)(READ_ONCE(t->at[pirq].state) - MAPPED);
}

static bool claim(struct pirqs *t, unsigned pirq, uint32_t from, uint32_t to)
{
    return __atomic_compare_exchange_n(&t->at[pirq].state, &from, to, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

static bool claim_run(struct pirqs *t, unsigned first, uint32_t state, unsigned nr)
{
    for (unsigned i = 0; i < nr; i++)
        if (!claim(t, first + i, FREE, state + (state >= MAPPED ? i : 0))) {
            while (i--)
                WRITE_ONCE(t->at[first + i].state, FREE);
            return false;
        }
    return true;
}

static int claim_from_top(struct pirqs *t, uint32_t state, unsigned nr)
{
    for (unsigned first = t->nr - nr; first >= nr_gsis(); first--)
        if (claim_run(t, first, state, nr))
            return (int)first;
    return -ENOSPC;
}

int pirq_map(struct domain *d, int wanted, unsigned irq, unsigned nr, bool message)
{
    struct pirqs *t = d->pirqs;

    if (!t || (wanted >= 0 && (unsigned)wanted + nr > t->nr))
        return -EINVAL;
    for (unsigned i = 0; i < t->nr && !message; i++)
        if (t->at[i].state == MAPPED + irq)
            return (int)i;
    if (wanted < 0 && message)
        return claim_from_top(t, MAPPED + irq, nr);
    if (wanted < 0)
        wanted = (int)irq;
    if (nr == 1 && claim(t, (unsigned)wanted, RESERVED, MAPPED + irq))
        return wanted;
    return claim_run(t, (unsigned)wanted, MAPPED + irq, nr) ? wanted : -EBUSY;
}

int pirq_reserve(struct domain *d)
{
    struct pirqs *t = d->pirqs;

    return t ? claim_from_top(t, RESERVED, 1) : -EINVAL;
}

static void note_eoi(struct pirqs *t, unsigned pirq, bool needs)
{
    if (!t->eoi_bits)
        return;
    if (needs)
        __atomic_or_fetch(&t->eoi_bits[pirq / 8], 1u << pirq % 8, __ATOMIC_RELAXED);
    else
        __atomic_and_fetch(&t->eoi_bits[pirq / 8], ~(1u << pirq % 8), __ATOMIC_RELAXED);
}

int pirq_bind(struct domain *d, unsigned pirq, bool share)
{
    struct pirqs *t = d->pirqs;
    int irq = pirq_to_irq(d, pirq), err;

    if (irq < 0)
        return -EPERM;
    if (t->at[pirq].bound)
        return -EEXIST;
    note_eoi(t, pirq, irq_needs_eoi((unsigned)irq));
    err = irq_guest_bind(d, (unsigned)irq, share, evtchn_send_pirq, pirq);
    t->at[pirq].bound = !err;
    return err;
}

void pirq_unbind(struct domain *d, unsigned pirq)
{
    struct pirqs *t = d->pirqs;
    int irq = pirq_to_irq(d, pirq);

    if (irq < 0 || !t->at[pirq].bound)
        return;
    irq_guest_unbind(d, (unsigned)irq);
    t->at[pirq].bound = false;
    note_eoi(t, pirq, false);
}

int pirq_unmap(struct domain *d, unsigned pirq)
{
    struct pirqs *t = d->pirqs;
    int irq = pirq_to_irq(d, pirq);

    if (irq < 0) {
        /* a number that was only reserved */
        return t && pirq < t->nr && claim(t, pirq, RESERVED, FREE) ? 0 : -EINVAL;
    }
    pirq_unbind(d, pirq);
    WRITE_ONCE(t->at[pirq].state, FREE);
    if ((unsigned)irq >= nr_gsis())
        irq_free_msi((unsigned)irq);
    return 0;
}

int pirq_set_eoi_page(struct domain *d, mfn_t m)
{
    struct pirqs *t = d->pirqs;
    struct frame *f = frame_of(m);

    if (!t)
        return -ENOSYS;
    if (t->eoi_frame)
        return -EBUSY;
    if (!f || frame_get_and_type(f, d, FRAME_WRITABLE))
        return -EINVAL;
    /* commit */
    t->eoi_frame = f;
    t->eoi_bits = mfn_to_va(m);
    for (unsigned i = 0; i < t->nr; i++)
        note_eoi(t, i, t->at[i].bound && irq_needs_eoi((unsigned)pirq_to_irq(d, i)));
    return 0;
}

int physdev_destroy(struct domain *d)
{
    struct pirqs *t = d->pirqs;

    if (!t)
        return 0;
    for (unsigned i = 0; i < t->nr; i++)
        pirq_unmap(d, i);
    if (t->eoi_frame)
        frame_put_and_type(t->eoi_frame);
    d->pirqs = NULL;
    hv_free(t);
    return 0;
}
