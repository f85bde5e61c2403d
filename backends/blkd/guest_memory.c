/* SPDX-License-Identifier: MIT */
/* A guest's granted pages: see guest_memory.h. */
#include "backends/blkd/guest_memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REFUSALS_MAX 16u /* then its pages are only copied */

static size_t places_for(size_t keep)
{
    size_t places = 1;

    while (places < keep * 2)
        places *= 2;
    return keep ? places : 0;
}

int guest_memory_open(struct guest_memory *m, uint32_t domid, size_t keep)
{
    *m = (struct guest_memory){.domid = domid, .most_kept = keep, .places = places_for(keep)};
    m->fd = gntdev_open();
    if (m->fd < 0)
        return -1;
    if (keep) {
        m->kept = calloc(m->places, sizeof(*m->kept));
        m->chunks = calloc(keep, sizeof(*m->chunks));
        if (!m->kept || !m->chunks) {
            guest_memory_close(m);
            errno = ENOMEM;
            return -1;
        }
    }
    return 0;
}

void guest_memory_close(struct guest_memory *m)
{
    for (size_t i = 0; i < m->n_chunks; i++)
        gntdev_unmap_refs(m->fd, m->chunks[i].pages, m->chunks[i].n, m->chunks[i].index);
    free(m->kept);
    free(m->chunks);
    if (m->fd >= 0)
        close(m->fd);
    *m = (struct guest_memory){.fd = -1};
}

/* Where this reference is, or would be. The table is never more than half full. */
static struct kept_page *place(const struct guest_memory *m, uint32_t gref)
{
    size_t i = gref * 2654435761u;

    while (m->kept[i & (m->places - 1)].page && m->kept[i & (m->places - 1)].gref != gref)
        i++;
    return &m->kept[i & (m->places - 1)];
}

static bool listed(const uint32_t *refs, size_t n, uint32_t gref)
{
    for (size_t i = 0; i < n; i++)
        if (refs[i] == gref)
            return true;
    return false;
}

void guest_memory_keep(struct guest_memory *m, const struct segment *segments, size_t n)
{
    uint32_t refs[SEGMENTS_MAX];
    uint64_t index;
    uint8_t *pages;
    size_t fresh = 0;

    if (!m->places)
        return;
    for (size_t i = 0; i < n && fresh < SEGMENTS_MAX && m->n_kept + fresh < m->most_kept; i++)
        if (!place(m, segments[i].gref)->page && !listed(refs, fresh, segments[i].gref))
            refs[fresh++] = segments[i].gref;
    if (!fresh || m->refusals >= REFUSALS_MAX)
        return;
    pages = gntdev_map_refs(m->fd, m->domid, refs, fresh, &index);
    if (!pages) {
        if (++m->refusals == REFUSALS_MAX)
            fprintf(stderr,
                    "bonsai-blkd: domain %u grants pages that cannot be mapped (%s): it is served "
                    "by copies from now on\n",
                    m->domid, strerror(errno));
        return;
    }
    m->chunks[m->n_chunks++] = (struct kept_chunk){.pages = pages, .index = index, .n = fresh};
    for (size_t i = 0; i < fresh; i++)
        *place(m, refs[i]) = (struct kept_page){.gref = refs[i], .page = pages + i * 4096u};
    m->n_kept += fresh;
}

void guest_memory_copy(struct guest_memory *m, const struct segment *segment, void *here,
                       bool to_guest, bool *failed)
{
    const uint8_t *page = m->places ? place(m, segment->gref)->page : NULL;

    if (page) {
        uint8_t *there = (uint8_t *)page + segment->offset;

        memcpy(to_guest ? there : here, to_guest ? here : there, segment->length);
        return;
    }
    if (m->n_copies == GNTDEV_COPIES_MAX)
        guest_memory_flush(m);
    m->copies[m->n_copies] = (struct gntdev_copy){.here = here,
                                                  .ref = segment->gref,
                                                  .domid = (uint16_t)m->domid,
                                                  .offset = segment->offset,
                                                  .length = segment->length,
                                                  .to_guest = to_guest};
    m->failed[m->n_copies++] = failed;
}

void guest_memory_flush(struct guest_memory *m)
{
    bool all = m->n_copies && gntdev_copy(m->fd, m->copies, m->n_copies) != 0;

    for (size_t i = 0; i < m->n_copies; i++)
        if (all || m->copies[i].failed)
            *m->failed[i] = true;
    m->n_copies = 0;
}
