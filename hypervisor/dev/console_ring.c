/* SPDX-License-Identifier: MIT
 *
 * A ring with free-running 32-bit indices: begin is the oldest byte kept, end the next to write.
 */
#include "dev/console_ring.h"

#define RING_BYTES 65536u

static char ring[RING_BYTES];
static uint32_t begin, end;

void ring_put(const char *s, size_t n)
{
    for (; n; n--)
        ring[end++ % RING_BYTES] = *s++;
    if (end - begin > RING_BYTES)
        begin = end - RING_BYTES;
}

size_t ring_get(char *buf, size_t size, uint32_t *index, bool clear, bool incremental)
{
    uint32_t at = begin;
    size_t n = 0;

    if (incremental && *index - begin <= end - begin)
        at = *index;
    while (n < size && at != end)
        buf[n++] = ring[at++ % RING_BYTES];
    *index = at;
    if (clear)
        begin = end;
    return n;
}
