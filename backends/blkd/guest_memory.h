/* SPDX-License-Identifier: MIT */
/*
 * The pages that a disk's guest grants for its data. Bytes always go through buffers of ours:
 * copied by the hypervisor (grant copy), or, from pages that the guest offers to leave granted
 * (feature-persistent), by memcpy from a mapping that is kept. No I/O of the kernel ever refers to
 * a guest's page, so a killed daemon leaves none behind that is still written to.
 *
 * Kept pages are known by their grant reference in a table of fixed size; a guest that offers more
 * than it can use at a time, or pages that cannot be mapped, is served by copies.
 * A copy that is queued is done by guest_memory_flush() at the latest.
 */
#ifndef BLKD_GUEST_MEMORY_H
#define BLKD_GUEST_MEMORY_H

#include "backends/blkd/request.h"
#include "backends/lib/gntdev.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kept_page {
    uint32_t gref;
    uint8_t *page; /* NULL: a free place */
};

struct kept_chunk {
    void *pages;
    uint64_t index;
    size_t n;
};

struct guest_memory {
    int fd; /* gntdev, of this disk alone: the kernel searches a list per descriptor */
    uint32_t domid;
    unsigned int refusals; /* mappings that failed */
    struct kept_page *kept;
    struct kept_chunk *chunks;
    size_t places, n_kept, most_kept, n_chunks; /* places: a power of two; 0: nothing is kept */
    struct gntdev_copy copies[GNTDEV_COPIES_MAX];
    bool *failed[GNTDEV_COPIES_MAX];
    size_t n_copies;
};

/* keep: how many pages at most are kept mapped. 0, or -1 with errno. */
int guest_memory_open(struct guest_memory *m, uint32_t domid, size_t keep);
void guest_memory_close(struct guest_memory *m); /* unmaps all; nothing may be queued */

/* Maps what of these segments is not kept yet, if it can be; no error if not. */
void guest_memory_keep(struct guest_memory *m, const struct segment *segments, size_t n);
/* Copies a segment to or from here. *failed becomes true, now or in guest_memory_flush(), when it
 * could not be; it is left alone otherwise. */
void guest_memory_copy(struct guest_memory *m, const struct segment *segment, void *here,
                       bool to_guest, bool *failed);
void guest_memory_flush(struct guest_memory *m);

#endif
