/* SPDX-License-Identifier: MIT */
/*
 * A disk's insides: blkfront.c keeps the requests and follows the handshake, blkfront_ring.c
 * carries parts of requests over the ring. Requests form one list in the order of submission;
 * `issuing` is the first that has parts not yet sent. What is on the ring is known by its slot
 * here, never by what the ring says.
 */
#ifndef FRONTENDS_BLKFRONT_PRIVATE_H
#define FRONTENDS_BLKFRONT_PRIVATE_H

#include "frontends/blkfront.h"
#include "frontends/granted.h"
#include "frontends/xenbus.h"

#define BLK_SLOTS     __CONST_RING_SIZE(blkif, OS_PAGE_SIZE)
#define BLK_SEGMENTS  32u   /* pages in one message, where the backend takes as many */
#define BLK_POOL      512u  /* pages for data, made when they are needed */
#define BLK_GRAVES    1024u /* pages a backend may refuse to give back before it is cut off */
#define PAGE_SECTORS  (OS_PAGE_SIZE / 512)
#define SEGMENTS_PAGE (OS_PAGE_SIZE / sizeof(struct blkif_request_segment))

/* A part of a request that is on the ring. */
struct blk_slot {
    struct blk_request *request; /* NULL: free */
    uint64_t id;                 /* never used twice */
    uint64_t at, sectors;        /* which part; in a flush: 0, 1 */
    unsigned pages;
    uint16_t page[BLK_SEGMENTS]; /* numbers in the pool */
    struct granted segments;     /* of an indirect request; made at the first */
};

struct blkfront {
    struct xenbus_device bus;
    struct blkfront_info info;
    uint16_t handle;
    bool open; /* prepared: ring, port */
    bool running;

    struct granted ring_page;
    blkif_front_ring_t ring;
    evtchn_port_t port;
    struct blk_slot slots[BLK_SLOTS];
    uint64_t last_id;

    struct granted pool[BLK_POOL];
    unsigned pool_made, free_count;
    uint16_t free[BLK_POOL];
    struct graveyard graves;

    struct blk_request *requests, **requests_end, *issuing;
    struct blk_request *finished, **finished_end; /* whose done() has not been called */
};

/* What `issued` and `answered` count up to. */
static inline uint64_t blk_total(const struct blk_request *r)
{
    return r->operation == BLKIF_OP_FLUSH_DISKCACHE ? 1 : r->sectors;
}

/* blkfront_ring.c: */
int blk_ring_prepare(struct blkfront *b);
void blk_ring_drop(struct blkfront *b);
/* Sends what fits, from b->issuing on. */
void blk_ring_send(struct blkfront *b);
/* Takes answers: blk_answered() for each. Breaks the device when one makes no sense. */
void blk_ring_take(struct blkfront *b);

/* blkfront.c: `sectors` more of the request are done. */
void blk_answered(struct blkfront *b, struct blk_request *r, uint64_t sectors, int status);

#endif
