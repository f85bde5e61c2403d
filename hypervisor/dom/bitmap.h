/* SPDX-License-Identifier: MIT
 *
 * Bitmaps of CPUs and nodes, to and from tools (struct xenctl_bitmap).
 */
#pragma once
#include <xen/domctl.h>

/* nr_words of 64 bits here, any number of bits there. What
 * is not there reads as 0, what is not here is written as 0. 0 or -EFAULT. */
int bitmap_from_guest(uint64_t *words, unsigned nr_words, const struct xenctl_bitmap *from);
int bitmap_to_guest(const struct xenctl_bitmap *to, const uint64_t *words, unsigned nr_words);
/* The CPUs that are up, as a bitmap of AFFINITY_WORDS. */
void bitmap_of_cpus(uint64_t *words);
