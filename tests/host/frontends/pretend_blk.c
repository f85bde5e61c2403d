/* SPDX-License-Identifier: MIT */
/* See pretend_blk.h. */
#include "pretend_blk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pretend_blk_features(struct pretend_blk *b)
{
    pretend_bus_node(&b->bus, "sectors", "%llu", (unsigned long long)b->sectors);
    pretend_bus_node(&b->bus, "sector-size", "%u", b->sector_size);
    pretend_bus_node(&b->bus, "info", "%u", b->info);
    pretend_bus_node(&b->bus, "feature-flush-cache", "%d", b->flush);
    pretend_bus_node(&b->bus, "feature-discard", "%d", b->discard);
    pretend_bus_node(&b->bus, "feature-max-indirect-segments", "%u", b->indirect);
    if (b->bad_node != NULL)
        pretend_bus_node(&b->bus, b->bad_node, "%s", b->bad_value);
}

static bool attach(struct pretend_bus *bus)
{
    struct pretend_blk *b = (struct pretend_blk *)bus;

    pretend_blk_features(b);
    b->ring_ref = (grant_ref_t)pretend_number(bus->front, "ring-ref");
    b->port = (evtchn_port_t)pretend_number(bus->front, "event-channel");
    blkif_sring_t *shared = pretend_map(b->ring_ref, true);
    if (shared == NULL || !pretend_port_open(b->port))
        return false;
    BACK_RING_INIT(&b->ring, shared, OS_PAGE_SIZE);
    b->nwaiting = 0;
    return true;
}

static void detach(struct pretend_bus *bus)
{
    struct pretend_blk *b = (struct pretend_blk *)bus;

    if (b->keep_maps && b->nkept < 8192)
        b->kept[b->nkept++] = b->ring_ref;
    else
        pretend_unmap(b->ring_ref);
}

void pretend_blk_let_go(struct pretend_blk *b)
{
    while (b->nkept > 0)
        pretend_unmap(b->kept[--b->nkept]);
}

static void transfer(struct pretend_blk *b, const struct blkif_request_segment *s, bool write,
                     uint64_t *sector)
{
    char *page = pretend_map(s->gref, !write);
    if (page == NULL) {
        assert_false(pretend_bus_bound(&b->bus));
        return;
    }
    assert_true(s->first_sect <= s->last_sect && s->last_sect < 8);
    size_t sectors = s->last_sect - s->first_sect + 1u, bytes = sectors * 512;
    assert_true(*sector + sectors <= b->sectors);
    uint8_t *data = b->disk + *sector * 512;
    if (write)
        memcpy(data, page + s->first_sect * 512, bytes);
    else
        memcpy(page + s->first_sect * 512, data, bytes);
    *sector += sectors;
    if (b->keep_maps && b->nkept < 8192)
        b->kept[b->nkept++] = s->gref;
    else
        pretend_unmap(s->gref);
}

static void transfer_all(struct pretend_blk *b, uint8_t operation, unsigned n, uint64_t sector,
                         const struct blkif_request_segment *segments)
{
    assert_true(operation == BLKIF_OP_READ || operation == BLKIF_OP_WRITE);
    assert_true(n > 0);
    assert_int_equal(sector % (b->sector_size / 512), 0);
    assert_false(operation == BLKIF_OP_WRITE && (b->info & VDISK_READONLY));
    if (n > b->most_segments)
        b->most_segments = n;
    for (unsigned i = 0; i < n; i++)
        transfer(b, &segments[i], operation == BLKIF_OP_WRITE, &sector);
    assert_true(sector % (b->sector_size / 512) == 0 || !pretend_bus_bound(&b->bus));
}

static uint8_t serve(struct pretend_blk *b, const struct blkif_request *r)
{
    const struct blkif_request_indirect *i = (const void *)r;
    const struct blkif_request_discard *d = (const void *)r;

    switch (r->operation) {
    case BLKIF_OP_FLUSH_DISKCACHE:
        assert_true(b->flush && r->nr_segments == 0);
        b->flushes++;
        return r->operation;
    case BLKIF_OP_DISCARD:
        assert_true(b->discard && d->sector_number + d->nr_sectors <= b->sectors);
        memset(b->disk + d->sector_number * 512, 0, d->nr_sectors * 512);
        b->discards++;
        return r->operation;
    case BLKIF_OP_INDIRECT:
        assert_true(i->nr_segments <= b->indirect);
        const void *segments = pretend_map(i->indirect_grefs[0], true);
        if (segments == NULL) {
            assert_false(pretend_bus_bound(&b->bus));
            return i->indirect_op;
        }
        transfer_all(b, i->indirect_op, i->nr_segments, i->sector_number, segments);
        pretend_unmap(i->indirect_grefs[0]);
        return i->indirect_op;
    default:
        assert_true(r->nr_segments <= BLKIF_MAX_SEGMENTS_PER_REQUEST);
        transfer_all(b, r->operation, r->nr_segments, r->sector_number, r->seg);
        return r->operation;
    }
}

void pretend_blk_answer(struct pretend_blk *b, const blkif_response_t *answer)
{
    int notify;

    *RING_GET_RESPONSE(&b->ring, b->ring.rsp_prod_pvt) = *answer;
    b->ring.rsp_prod_pvt++;
    RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&b->ring, notify);
    if (notify)
        pretend_signal(b->port);
}

static bool act(void *context)
{
    struct pretend_blk *b = context;
    bool did = pretend_bus_step(&b->bus);

    if (!b->bus.connected || b->bus.dead)
        return did;
    (void)pretend_kicked(b->port);
    while (b->bus.connected && RING_HAS_UNCONSUMED_REQUESTS(&b->ring) && b->nwaiting < 64) {
        struct blkif_request r;
        RING_COPY_REQUEST(&b->ring, b->ring.req_cons, &r);
        b->ring.req_cons++;
        b->requests++;
        b->waiting[b->nwaiting++] = (blkif_response_t){
            .id = ((struct blkif_request_indirect *)&r)->id, .operation = serve(b, &r)};
        b->waiting[b->nwaiting - 1].status = (int16_t)b->status;
        did = true;
    }
    if (b->bus.connected)
        b->ring.sring->req_event = b->ring.req_cons + 1;
    while (!b->hold && b->nwaiting > 0 && b->bus.connected) {
        blkif_response_t answer = b->waiting[b->backwards ? b->nwaiting - 1 : 0];
        b->nwaiting--;
        if (!b->backwards)
            memmove(b->waiting, b->waiting + 1, b->nwaiting * sizeof(answer));
        if (b->evil != NULL)
            b->evil(b, &answer);
        pretend_blk_answer(b, &answer);
        did = true;
    }
    return did;
}

void pretend_blk_create(struct pretend_blk *b, unsigned id, uint64_t sectors)
{
    char path[128];

    if (b->sector_size == 0)
        b->sector_size = 512;
    b->sectors = sectors;
    b->disk = malloc(sectors * 512);
    assert_non_null(b->disk);
    for (size_t i = 0; i < sectors * 512; i++)
        b->disk[i] = (uint8_t)(i * 31 + i / 512);
    b->bus.connect = attach;
    b->bus.disconnect = detach;
    pretend_bus_create(&b->bus, "vbd", id);
    snprintf(path, sizeof(path), "%s/virtual-device", b->bus.front);
    pretend_write(path, "%u", id);
    assert_int_equal(do_perms(pretend_dom0, NULL, b->bus.front, "n1"), 0);
    pretend_act(act, b);
}

void pretend_blk_destroy(struct pretend_blk *b)
{
    pretend_bus_kill(&b->bus);
    pretend_blk_let_go(b);
    pretend_dismiss(b);
    free(b->disk);
}
