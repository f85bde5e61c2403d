/* SPDX-License-Identifier: MIT */
/*
 * A disk's data path from its beginning, fresh or after a predecessor, to its end: see vbd.h, and
 * journal.h for what a predecessor leaves behind.
 */
#include "backends/blkd/vbd_private.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "backends/lib/evtchn.h"

_Static_assert(__CONST_RING_SIZE(blkif, RING_PAGES_MAX * 4096u) == RING_SLOTS_MAX,
               "the journal has room for the largest ring");

static int make_slots(struct vbd *v, struct failure *why)
{
    const uint32_t n = v->ring.nr_ents;

    v->slots = calloc(n, sizeof(*v->slots));
    v->buffers = mmap(NULL, (size_t)n * JOB_BYTES_MAX, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (v->buffers == MAP_FAILED)
        v->buffers = NULL;
    if (!v->slots || !v->buffers)
        return fail(why, ENOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++)
        v->slots[i] = (struct slot){
            .op = {.done = vbd_completed},
            .vbd = v,
            .saved = &v->journal.slots[i],
            .buffer = v->buffers + (size_t)i * JOB_BYTES_MAX,
        };
    return 0;
}

static int map_ring(struct vbd *v, struct failure *why)
{
    const struct journal_ring *ring = &v->setup.ring;

    v->pages = gntdev_map_refs(v->memory.fd, ring->domid, ring->refs, ring->pages, &v->pages_index);
    if (!v->pages)
        return fail(why, errno, "its ring (grant %u) cannot be mapped: %s", ring->refs[0],
                    strerror(errno));
    BACK_RING_INIT(&v->ring, (blkif_sring_t *)v->pages, ring->pages * 4096u);
    return 0;
}

static int bind_port(struct vbd *v, struct failure *why)
{
    const struct journal_ring *ring = &v->setup.ring;
    int port = evtchn_bind_interdomain(v->host->evtchn, ring->domid, ring->port);

    if (port < 0)
        return fail(why, errno, "its event channel %u cannot be bound: %s", ring->port,
                    strerror(errno));
    v->port = (uint32_t)port;
    return 0;
}

static struct slot *answered_at(struct vbd *v, uint32_t index)
{
    for (uint32_t i = 0; i < v->ring.nr_ents; i++)
        if (v->slots[i].saved->state == JOURNAL_ANSWERED && v->slots[i].saved->index == index)
            return &v->slots[i];
    return NULL;
}

/* The slot with the oldest request of those younger than that; NULL: there is none. Indices wrap,
 * and a request may have waited for long: its age is what is compared. */
static struct slot *oldest_taken(struct vbd *v, uint32_t taken, uint32_t younger_than)
{
    struct slot *oldest = NULL;
    uint32_t best = 0;

    for (uint32_t i = 0; i < v->ring.nr_ents; i++) {
        const struct journal_slot *j = v->slots[i].saved;
        uint32_t age = taken - j->index;

        if (j->state == JOURNAL_TAKEN && age < younger_than && age > best) {
            best = age;
            oldest = &v->slots[i];
        }
    }
    return oldest;
}

static void share_out_slots(struct vbd *v)
{
    for (uint32_t i = 0; i < v->ring.nr_ents; i++)
        if (v->slots[i].saved->state == JOURNAL_FREE)
            slots_add(&v->idle, &v->slots[i]);
}

/* Goes on after a predecessor: its answers are put into the ring again, its requests done again,
 * in the order in which they came. Requests left: those in the ring, as ever. */
static int take_over(struct vbd *v, struct failure *why)
{
    const uint32_t rsp_prod = __atomic_load_n(&v->ring.sring->rsp_prod, __ATOMIC_ACQUIRE);
    uint32_t taken, answered;
    unsigned int again = 0;
    struct slot *s;

    if (journal_recover(&v->journal, rsp_prod, &taken, &answered, why))
        return -1;
    v->ring.req_cons = taken;
    v->ring.rsp_prod_pvt = v->published = answered;
    share_out_slots(v);
    while ((s = answered_at(v, v->ring.rsp_prod_pvt))) {
        vbd_put_answer(v, v->ring.rsp_prod_pvt++, s->saved->request.id, s->saved->operation,
                       s->saved->status);
        slots_add(&v->answered, s);
    }
    for (uint32_t age = UINT32_MAX; (s = oldest_taken(v, taken, age)); again++) {
        age = taken - s->saved->index;
        vbd_look_at(s);
    }
    vbd_start_taken(v);
    v->notify = true;
    fprintf(stderr, "bonsai-blkd: %s: taken over, %u requests done again\n", v->setup.name, again);
    return 0;
}

static int begin(struct vbd *v, bool resume, struct failure *why)
{
    if (map_ring(v, why))
        return -1;
    if (resume ? journal_open(&v->journal, v->host->folder, &v->setup.ring, why)
               : journal_create(&v->journal, v->host->folder, &v->setup.ring, why))
        return -1;
    if (make_slots(v, why) || bind_port(v, why))
        return -1;
    if (resume)
        return take_over(v, why);
    share_out_slots(v);
    return 0;
}

int vbd_start(struct vbd *v, struct vbd_host *host, const struct vbd_setup *setup, bool resume,
              struct failure *why)
{
    const size_t keep =
        setup->persistent ? __CONST_RING_SIZE(blkif, setup->ring.pages * 4096u) * (SEGMENTS_MAX + 1)
                          : 0;

    *v = (struct vbd){.host = host, .setup = *setup};
    slots_clear(&v->idle);
    slots_clear(&v->taken);
    slots_clear(&v->finished);
    slots_clear(&v->answered);
    v->next = host->all;
    host->all = v;
    if (guest_memory_open(&v->memory, setup->ring.domid, keep))
        fail(why, errno, "no access to guests' pages (/dev/xen/gntdev): %s", strerror(errno));
    else if (begin(v, resume, why) == 0) {
        vbd_wake(v);
        return 0;
    }
    vbd_end(v, false);
    return -1;
}

static void forget(struct vbd *v)
{
    for (struct vbd **p = &v->host->all; *p; p = &(*p)->next)
        if (*p == v) {
            *p = v->next;
            break;
        }
    for (struct vbd **p = &v->host->awake; *p; p = &(*p)->next_awake)
        if (*p == v) {
            *p = v->next_awake;
            break;
        }
}

void vbd_end(struct vbd *v, bool keep_journal)
{
    assert(v->in_flight == 0);
    forget(v);
    if (v->bad > 1 || v->errors > 1)
        fprintf(stderr, "bonsai-blkd: %s: %lu bad requests, %lu I/O errors in all\n", v->setup.name,
                v->bad, v->errors);
    if (v->port)
        (void)evtchn_unbind(v->host->evtchn, v->port);
    if (keep_journal)
        journal_close(&v->journal);
    else
        journal_remove(&v->journal);
    if (v->pages)
        gntdev_unmap_refs(v->memory.fd, v->pages, v->setup.ring.pages, v->pages_index);
    if (v->buffers)
        munmap(v->buffers, (size_t)v->ring.nr_ents * JOB_BYTES_MAX);
    free(v->slots);
    guest_memory_close(&v->memory);
    *v = (struct vbd){.host = v->host};
}
