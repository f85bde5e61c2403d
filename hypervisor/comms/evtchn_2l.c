/* SPDX-License-Identifier: MIT
 *
 * 2-level delivery: a pending and a mask bit for each of 4096 ports in shared_info, a selector of
 * words in each vcpu_info. The guest writes all of it whenever it likes, so every step is one
 * atomic operation and nothing read here is trusted: the worst a guest does is lose its own events.
 */
#include "comms/evtchn_private.h"

/* The bit's value before. Words, not bytes: the guest does the same. */
static bool bit_test_and_set(xen_ulong_t *words, uint32_t n)
{
    xen_ulong_t bit = 1ul << (n % 64);
    return __atomic_fetch_or(&words[n / 64], bit, __ATOMIC_SEQ_CST) & bit;
}

static void bit_clear(xen_ulong_t *words, uint32_t n)
{
    __atomic_fetch_and(&words[n / 64], ~(1ul << (n % 64)), __ATOMIC_SEQ_CST);
}

static bool bit_test(const xen_ulong_t *words, uint32_t n)
{
    return __atomic_load_n(&words[n / 64], __ATOMIC_RELAXED) >> (n % 64) & 1;
}

/* Selects the port's word; the upcall only when the selector bit is new. */
static void select_word(struct domain *d, uint32_t n, const struct port *p)
{
    struct vcpu *v = d->vcpu[READ_ONCE(p->vcpu)];
    if (!bit_test_and_set(&v->info->evtchn_pending_sel, n / 64))
        vcpu_mark_events_pending(v);
}

void port_2l_set_pending(struct domain *d, uint32_t n, const struct port *p)
{
    struct shared_info *s = d->shared;
    if (bit_test_and_set(s->evtchn_pending, n))
        return;
    if (!bit_test(s->evtchn_mask, n))
        select_word(d, n, p);
    port_wake_pollers(d, n);
}

void port_2l_clear_pending(struct domain *d, uint32_t n)
{
    bit_clear(d->shared->evtchn_pending, n);
}

bool port_2l_is_pending(const struct domain *d, uint32_t n)
{
    return bit_test(d->shared->evtchn_pending, n);
}

void port_2l_unmask(struct domain *d, uint32_t n, const struct port *p)
{
    bit_clear(d->shared->evtchn_mask, n);
    if (bit_test(d->shared->evtchn_pending, n))
        select_word(d, n, p);
}
