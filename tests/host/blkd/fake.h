/* SPDX-License-Identifier: MIT */
/*
 * What bonsai-blkd stands on, pretended: a guest whose granted pages are an array (reference N is
 * page N, with the access the test gives it), event channels that are counted, and I/O on a real
 * file that ends when the test says so, in the order that it says. For one test at a time.
 */
#ifndef TESTS_BLKD_FAKE_H
#define TESTS_BLKD_FAKE_H

#include "backends/blkd/vbd.h"

#include <stdbool.h>
#include <stdint.h>

#define FAKE_PAGES 4096u
#define FAKE_DOMID 7u
#define FAKE_PORT  23u /* the frontend's; ours is FAKE_LOCAL */
#define FAKE_LOCAL 5u

enum { FAKE_NONE, FAKE_READ, FAKE_WRITE };

struct fake {
    uint8_t (*pages)[4096];             /* shared with children */
    uint8_t *access;                    /* FAKE_* a page */
    unsigned long mapped, maps, copies; /* pages mapped now; calls */
    unsigned long notified;
    bool bound;
    int bind_errno; /* the next bind fails with it */
    bool manual;    /* I/O ends by fake_complete() only */
    size_t pending; /* operations */
    unsigned long writes, reads, flushes, discards;
    int io_error;    /* the next operation's result, if not 0 */
    size_t short_by; /* the next transfer moves so many bytes less */
};
extern struct fake fake;

void fake_reset(void); /* all pages zero, no access */
/* Ends the operation at that place of the queue, or all. */
void fake_complete(size_t which);
void fake_complete_all(void);

/* A guest's half of a ring in pages 1 to n, in the pretend guest. */
struct front {
    blkif_front_ring_t ring;
    uint32_t n_pages;
};
void front_init(struct front *f, uint32_t n_pages);
void front_put(struct front *f, const void *request); /* 112 bytes; not yet pushed */
void front_push(struct front *f);
bool front_take(struct front *f, blkif_response_t *response);
/* A read or write of n whole pages, data in pages gref, gref + 1, ... */
blkif_request_t front_rw(uint8_t operation, uint64_t id, uint64_t sector, uint32_t gref, uint8_t n);

/* A disk on a temporary file of so many sectors, whose ring is that of front_init(). */
struct vbd_setup fake_setup(uint64_t sectors, uint32_t n_pages);
extern const char *fake_place; /* folder for images: /tmp */
struct image *fake_image(uint64_t sectors, bool writable);
extern unsigned int fake_broken, fake_idle; /* how often the vbd said so */
extern struct failure fake_why;

#endif
