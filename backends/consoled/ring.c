/* SPDX-License-Identifier: MIT */
/* A console's shared page: see ring.h. */
#include "backends/consoled/ring.h"

#include <xen/io/console.h>

_Static_assert(sizeof((struct xencons_interface *)0)->out == RING_OUT, "the ABI's ring");

int ring_look(const struct xencons_interface *r, char text[RING_OUT], uint32_t *cons)
{
    uint32_t prod = __atomic_load_n(&r->out_prod, __ATOMIC_ACQUIRE), n;

    *cons = __atomic_load_n(&r->out_cons, __ATOMIC_RELAXED);
    n = prod - *cons;
    if (n > RING_OUT)
        return -1;
    for (uint32_t i = 0; i < n; i++)
        text[i] = r->out[MASK_XENCONS_IDX(*cons + i, r->out)];
    return (int)n;
}

void ring_taken(struct xencons_interface *r, uint32_t cons, uint32_t n)
{
    __atomic_store_n(&r->out_cons, cons + n, __ATOMIC_RELEASE);
}

uint32_t ring_input_room(const struct xencons_interface *r, uint32_t *prod)
{
    uint32_t used;

    *prod = __atomic_load_n(&r->in_prod, __ATOMIC_RELAXED);
    used = *prod - __atomic_load_n(&r->in_cons, __ATOMIC_ACQUIRE);
    return used > sizeof(r->in) ? 0 : (uint32_t)sizeof(r->in) - used;
}

void ring_type(struct xencons_interface *r, uint32_t prod, const char *text, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        r->in[MASK_XENCONS_IDX(prod + i, r->in)] = text[i];
    __atomic_store_n(&r->in_prod, prod + n, __ATOMIC_RELEASE);
}
