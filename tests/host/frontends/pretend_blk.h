/* SPDX-License-Identifier: MIT */
/*
 * A block backend over memory, that checks each request as strictly as a backend can, and that can
 * be told to answer late, in any order, or wrongly.
 */
#ifndef TESTS_FRONTENDS_PRETEND_BLK_H
#define TESTS_FRONTENDS_PRETEND_BLK_H

#include "pretend_bus.h"

#include <xen/io/blkif.h>

struct pretend_blk {
    struct pretend_bus bus; /* first */
    uint8_t *disk;
    uint64_t sectors;
    unsigned sector_size, info, indirect;
    bool flush, discard;
    const char *bad_node, *bad_value; /* says this instead */
    bool keep_maps;                   /* does not unmap on disconnect until pretend_blk_let_go() */

    blkif_back_ring_t ring;
    grant_ref_t ring_ref;
    evtchn_port_t port;
    blkif_response_t waiting[64]; /* answers not yet given */
    unsigned nwaiting;
    bool hold;                                                     /* gives no answers */
    bool backwards;                                                /* gives the last first */
    int status;                                                    /* of all answers */
    void (*evil)(struct pretend_blk *b, blkif_response_t *answer); /* called for each */
    unsigned requests, most_segments, flushes, discards;
    grant_ref_t kept[8192];
    unsigned nkept;
};

/* A disk at device/vbd/`id`; fields before bus.connect keep what the caller set. */
void pretend_blk_create(struct pretend_blk *b, unsigned id, uint64_t sectors);
void pretend_blk_destroy(struct pretend_blk *b);
void pretend_blk_features(struct pretend_blk *b);
void pretend_blk_let_go(struct pretend_blk *b);
/* One answer onto the ring, whatever it says. */
void pretend_blk_answer(struct pretend_blk *b, const blkif_response_t *answer);

#endif
