/* SPDX-License-Identifier: MIT */
/*
 * A disk. Requests of any length go through the driver's own granted pages: a backend never sees
 * the caller's memory, and what it does to a page after its answer does not matter.
 *
 * A backend that goes away and comes back gets every request anew that it had not answered in full
 * (and may thus do a write twice), so the caller's buffer stays as it is until the request is
 * finished. A backend that answers what was not asked, twice, or with a status that does not exist,
 * or whose index jumps, has its device declared broken: all requests end with -XEN_EIO.
 *
 * Sectors are 512 bytes everywhere, as in the ABI. One thread; blkfront_poll() and the calls that
 * wait do all the work, event handlers only end os_wait().
 */
#ifndef FRONTENDS_BLKFRONT_H
#define FRONTENDS_BLKFRONT_H

#include "frontends/store.h"

#include <xen/io/blkif.h>
#include <xen/io/protocols.h>

struct blkfront;

struct blkfront_info {
    uint64_t sectors;     /* of 512 bytes */
    uint32_t sector_size; /* bytes; requests are whole ones: 512 to 4096 */
    bool readonly, cdrom, removable;
    bool flush, discard; /* the backend knows BLKIF_OP_FLUSH_DISKCACHE, _DISCARD */
    unsigned segments;   /* pages in one message to the backend */
};

struct blk_request {
    /* the caller's: */
    uint8_t operation; /* BLKIF_OP_READ, _WRITE, _FLUSH_DISKCACHE, _DISCARD */
    uint64_t sector;
    uint64_t sectors;                    /* 0 for a flush */
    void *buffer;                        /* of sectors * 512 bytes; none for flush and discard */
    void (*done)(struct blk_request *r); /* may be NULL, may submit anew; from blkfront_poll() */
    void *context;
    /* the answer: */
    bool finished;
    int status; /* 0, -XEN_EIO, -XEN_EOPNOTSUPP, -XEN_ENOMEM */
    /* the driver's: */
    struct blk_request *next;
    uint64_t issued, answered;
};

/* Begins the handshake of the device at `path` (xenbus_nth() knows it). */
int blkfront_open(struct blkfront **b, struct store *s, const char *path);
/* Until the disk can be used; -XEN_ETIMEDOUT, -XEN_EIO. */
int blkfront_wait(struct blkfront *b, uint64_t deadline);
/* Requests that are not finished end with -XEN_EIO. */
void blkfront_close(struct blkfront *b);
/* Of the last connection; sectors is 0 before the first. */
const struct blkfront_info *blkfront_info(const struct blkfront *b);

/*
 * Queues a request, which belongs to the driver until it is finished. -XEN_EAGAIN before the first
 * connection, -XEN_EINVAL for what is outside of the disk or no whole sector, -XEN_EROFS,
 * -XEN_EOPNOTSUPP, -XEN_EIO when the device is gone. A flush covers what was finished before it was
 * queued.
 */
int blkfront_submit(struct blkfront *b, struct blk_request *r);
/* Takes answers, sends requests, follows the backend; never waits for it. */
void blkfront_poll(struct blkfront *b);

/* One request, waited for however long the backend is away. */
int blkfront_do(struct blkfront *b, uint8_t operation, uint64_t sector, void *buffer,
                uint64_t sectors);

#endif
