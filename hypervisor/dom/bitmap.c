/* SPDX-License-Identifier: MIT
 *
 * Bitmaps of CPUs and nodes, to and from tools.
 */
#include "dom/bitmap.h"
#include "dom/vcpu.h"
#include "mm/guest_copy.h"
#include "x86/percpu.h"

int bitmap_from_guest(uint64_t *words, unsigned nr_words, const struct xenctl_bitmap *from)
{
    uint32_t bytes = min((from->nr_bits + 7) / 8, nr_words * 8u);

    memset(words, 0, nr_words * 8u);
    if (copy_from_guest(words, guest_va((uint64_t)from->bitmap.p), bytes))
        return -EFAULT;
    if (from->nr_bits < nr_words * 64)
        words[from->nr_bits / 64] &= (1ul << (from->nr_bits % 64)) - 1;
    return 0;
}

int bitmap_to_guest(const struct xenctl_bitmap *to, const uint64_t *words, unsigned nr_words)
{
    uint32_t all = (to->nr_bits + 7) / 8, bytes = min(all, nr_words * 8u);
    guest_va_t at = guest_va((uint64_t)to->bitmap.p);

    if (all > AFFINITY_WORDS * 8u * 8u) /* nobody has that many of anything */
        return -EFAULT;
    if (copy_to_guest(at, words, bytes) || clear_guest(guest_va_at(at, bytes, 1), all - bytes))
        return -EFAULT;
    return 0;
}

void bitmap_of_cpus(uint64_t *words)
{
    memset(words, 0, AFFINITY_WORDS * 8);
    for (unsigned i = 0; i < nr_cpus; i++)
        if (cpus[i])
            words[i / 64] |= 1ul << (i % 64);
}
