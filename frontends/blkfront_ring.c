/* SPDX-License-Identifier: MIT */
/*
 * Parts of requests over the ring. Every answer is copied once and judged by the slot it names:
 * the id must be that slot's, which changes with each use, so that an answer that comes twice or
 * was never asked for is seen.
 */
#include "frontends/blkfront_private.h"

int blk_ring_prepare(struct blkfront *b)
{
    domid_t backend = b->bus.backend_id;
    int err = granted_open(&b->ring_page, backend, false);

    if (err != 0)
        return err;
    blkif_sring_t *shared = b->ring_page.page;
    XEN_FRONT_RING_INIT(&b->ring, shared, OS_PAGE_SIZE);
    err = os_event_alloc(backend, os_event_ignore, b, &b->port);
    if (err != 0)
        granted_close(&b->ring_page, &b->graves);
    b->open = err == 0;
    return err;
}

void blk_ring_drop(struct blkfront *b)
{
    if (b->open)
        os_event_close(b->port);
    b->open = b->running = false;
    granted_close(&b->ring_page, &b->graves);
    for (size_t i = 0; i < BLK_SLOTS; i++) {
        b->slots[i].request = NULL;
        granted_close(&b->slots[i].segments, &b->graves);
    }
    for (unsigned i = 0; i < b->pool_made; i++)
        granted_close(&b->pool[i], &b->graves);
    b->pool_made = b->free_count = 0;
}

static bool take_page(struct blkfront *b, uint16_t *number)
{
    if (b->free_count == 0) {
        if (b->pool_made == BLK_POOL ||
            granted_open(&b->pool[b->pool_made], b->bus.backend_id, false) != 0)
            return false;
        b->free[b->free_count++] = (uint16_t)b->pool_made++;
    }
    *number = b->free[--b->free_count];
    return true;
}

static void give_pages(struct blkfront *b, struct blk_slot *slot)
{
    while (slot->pages > 0)
        b->free[b->free_count++] = slot->page[--slot->pages];
}

/* Between the caller's buffer and the slot's pages. */
static void copy_data(struct blkfront *b, const struct blk_slot *slot, bool to_pages)
{
    char *data = (char *)slot->request->buffer + slot->at * 512;
    size_t left = slot->sectors * 512;

    for (unsigned i = 0; i < slot->pages; i++) {
        void *page = b->pool[slot->page[i]].page;
        size_t n = left < OS_PAGE_SIZE ? left : OS_PAGE_SIZE;
        memcpy(to_pages ? page : data, to_pages ? data : page, n);
        data += n;
        left -= n;
    }
}

static bool has_data(const struct blk_request *r)
{
    return r->operation == BLKIF_OP_READ || r->operation == BLKIF_OP_WRITE;
}

/* Pages for the part, which becomes shorter where there are not enough. false: not even one. */
static bool take_pages(struct blkfront *b, struct blk_slot *slot)
{
    unsigned want = (unsigned)((slot->sectors + PAGE_SECTORS - 1) / PAGE_SECTORS);

    if (want > BLKIF_MAX_SEGMENTS_PER_REQUEST && slot->segments.page == NULL &&
        granted_open(&slot->segments, b->bus.backend_id, false) != 0) /* Linux maps it writable */
        want = BLKIF_MAX_SEGMENTS_PER_REQUEST;
    slot->pages = 0;
    while (slot->pages < want && take_page(b, &slot->page[slot->pages]))
        slot->pages++;
    if (slot->pages * PAGE_SECTORS < slot->sectors)
        slot->sectors = slot->pages * PAGE_SECTORS;
    return slot->pages > 0;
}

static void fill_segments(struct blkfront *b, const struct blk_slot *slot,
                          struct blkif_request_segment *segments)
{
    uint64_t left = slot->sectors;

    for (unsigned i = 0; i < slot->pages; i++) {
        uint64_t n = left < PAGE_SECTORS ? left : PAGE_SECTORS;
        segments[i].gref = b->pool[slot->page[i]].ref;
        segments[i].first_sect = 0;
        segments[i].last_sect = (uint8_t)(n - 1);
        left -= n;
    }
}

/* The message for a slot: three layouts of one ring entry. */
static void fill_message(struct blkfront *b, struct blk_slot *slot)
{
    struct blk_request *r = slot->request;
    struct blkif_request *m = RING_GET_REQUEST(&b->ring, b->ring.req_prod_pvt);

    memset(m, 0, sizeof(*m));
    if (r->operation == BLKIF_OP_DISCARD) {
        struct blkif_request_discard *d = (struct blkif_request_discard *)m;
        d->operation = r->operation;
        d->handle = b->handle;
        d->id = slot->id;
        d->sector_number = r->sector;
        d->nr_sectors = r->sectors;
    } else if (slot->pages > BLKIF_MAX_SEGMENTS_PER_REQUEST) {
        struct blkif_request_indirect *i = (struct blkif_request_indirect *)m;
        i->operation = BLKIF_OP_INDIRECT;
        i->indirect_op = r->operation;
        i->nr_segments = (uint16_t)slot->pages;
        i->id = slot->id;
        i->sector_number = r->sector + slot->at;
        i->handle = b->handle;
        i->indirect_grefs[0] = slot->segments.ref;
        fill_segments(b, slot, slot->segments.page);
    } else {
        m->operation = r->operation;
        m->nr_segments = (uint8_t)slot->pages;
        m->handle = b->handle;
        m->id = slot->id;
        m->sector_number = r->operation == BLKIF_OP_FLUSH_DISKCACHE ? 0 : r->sector + slot->at;
        fill_segments(b, slot, m->seg);
    }
    b->ring.req_prod_pvt++;
}

static struct blk_slot *free_slot(struct blkfront *b)
{
    for (size_t i = 0; i < BLK_SLOTS; i++)
        if (b->slots[i].request == NULL)
            return &b->slots[i];
    return NULL;
}

/* The next part of a request into a slot; false when there is no memory for it now. */
static bool issue(struct blkfront *b, struct blk_slot *slot, struct blk_request *r)
{
    uint64_t most = (uint64_t)b->info.segments * PAGE_SECTORS;

    slot->at = r->issued;
    slot->sectors = blk_total(r) - r->issued;
    slot->pages = 0;
    if (has_data(r)) {
        if (slot->sectors > most)
            slot->sectors = most;
        if (!take_pages(b, slot))
            return false;
    }
    slot->request = r;
    b->last_id += BLK_SLOTS; /* the slot's number stays in the low bits */
    slot->id = b->last_id + (uint64_t)(slot - b->slots);
    if (r->operation == BLKIF_OP_WRITE)
        copy_data(b, slot, true);
    fill_message(b, slot);
    r->issued += slot->sectors;
    return true;
}

void blk_ring_send(struct blkfront *b)
{
    bool sent = false;
    int notify = 0;

    while (b->issuing != NULL && !RING_FULL(&b->ring)) {
        struct blk_slot *slot = free_slot(b);
        struct blk_request *r = b->issuing;
        if (slot == NULL)
            break;
        if (!issue(b, slot, r)) {
            if (b->ring.req_prod_pvt != b->ring.rsp_cons)
                break; /* answers give pages back */
            b->issuing = r->next;
            blk_answered(b, r, blk_total(r) - r->answered, -XEN_ENOMEM);
            continue;
        }
        sent = true;
        if (r->issued == blk_total(r))
            b->issuing = r->next;
    }
    if (!sent)
        return;
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&b->ring, notify);
    if (notify)
        os_event_send(b->port);
}

/* One answer, already a copy of ours. */
static int take_answer(struct blkfront *b, const struct blkif_response *answer)
{
    struct blk_slot *slot = &b->slots[answer->id % BLK_SLOTS];
    struct blk_request *r = slot->request;
    static const int statuses[] = {0, -XEN_EIO, -XEN_EOPNOTSUPP}; /* by -BLKIF_RSP_* */

    if (r == NULL || slot->id != answer->id)
        return xenbus_break(&b->bus, "an answer with id %llx, which is not waited for",
                            (unsigned long long)answer->id);
    if (answer->operation != r->operation)
        return xenbus_break(&b->bus, "an answer for operation %u to a request for %u",
                            answer->operation, r->operation);
    if (answer->status > BLKIF_RSP_OKAY || answer->status < BLKIF_RSP_EOPNOTSUPP)
        return xenbus_break(&b->bus, "an answer with status %d, which does not exist",
                            answer->status);
    if (r->operation == BLKIF_OP_READ && answer->status == BLKIF_RSP_OKAY)
        copy_data(b, slot, false);
    give_pages(b, slot);
    slot->request = NULL;
    blk_answered(b, r, slot->sectors, statuses[-answer->status]);
    return 0;
}

void blk_ring_take(struct blkfront *b)
{
    blkif_sring_t *shared = b->ring.sring;

    for (;;) {
        RING_IDX prod = __atomic_load_n(&shared->rsp_prod, __ATOMIC_ACQUIRE);
        unsigned asked = b->ring.req_prod_pvt - b->ring.rsp_cons;
        if (prod - b->ring.rsp_cons > asked) {
            xenbus_break(&b->bus, "%u answers to %u requests", prod - b->ring.rsp_cons, asked);
            return;
        }
        while (b->ring.rsp_cons != prod) {
            struct blkif_response answer;
            RING_COPY_RESPONSE(&b->ring, b->ring.rsp_cons, &answer);
            b->ring.rsp_cons++;
            if (take_answer(b, &answer) != 0)
                return;
        }
        shared->rsp_event = b->ring.rsp_cons + 1;
        xen_mb();
        if (__atomic_load_n(&shared->rsp_prod, __ATOMIC_ACQUIRE) == b->ring.rsp_cons)
            return;
    }
}
