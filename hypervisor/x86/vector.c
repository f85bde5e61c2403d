/* SPDX-License-Identifier: MIT
 *
 * A table of who has each vector. 0x80 stays free: guests may raise it by INT.
 */
#include "x86/vector.h"
#include "x86/irq.h"

static uint16_t owner[256]; /* irq + 1; read without the lock by irq_dispatch() */
static unsigned next = VECTOR_FIRST_EXT;

static bool run_is_free(unsigned first, unsigned n)
{
    if (first < VECTOR_FIRST_EXT || first + n - 1 > VECTOR_LAST_EXT)
        return false;
    for (unsigned v = first; v < first + n; v++)
        if (owner[v] || v == 0x80)
            return false;
    return true;
}

/* Goes round, so that vectors of different priority classes (their upper four bits) get used
 * evenly. */
uint8_t vector_alloc(unsigned irq, unsigned n)
{
    for (unsigned tried = 0; tried < 256; tried++, next++) {
        next = (next + n - 1) & ~(n - 1);
        if (next + n - 1 > VECTOR_LAST_EXT)
            next = (VECTOR_FIRST_EXT + n - 1) & ~(n - 1);
        if (!run_is_free(next, n))
            continue;
        uint8_t first = (uint8_t)next;

        for (unsigned i = 0; i < n; i++)
            owner[first + i] = (uint16_t)(irq + i + 1);
        next += n;
        return first;
    }
    return 0;
}

void vector_free(uint8_t vector)
{
    owner[vector] = 0;
}

unsigned vector_to_irq(uint8_t vector)
{
    return READ_ONCE(owner[vector]) - 1u;
}
