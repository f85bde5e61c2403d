/* SPDX-License-Identifier: MIT */
/*
 * The data path of one disk: requests off its ring, through buffers of ours, onto an image and
 * back. It knows nothing of XenStore; disk.c connects and ends it.
 *
 * A request's way: copied out of the ring once, into the journal (TAKEN) -> judged -> data or
 * segments fetched from the guest -> I/O -> for a read, data to the guest -> answered in the ring,
 * journal ANSWERED -> published, slot free. Each stage is done for all requests at hand before the
 * next one, so that a batch costs one copy call, one submission and one notification.
 *
 *   RUNNING    takes and answers
 *   DRAINING   takes nothing more, answers what it has: at a close, or before the daemon ends
 *   BROKEN     the ring's indices are nonsense: it is not touched any more, I/O under way just ends
 *
 * One thread. Work is noted with vbd_wake() and done by vbd_run_all(), once a turn of the daemon.
 */
#ifndef BLKD_VBD_H
#define BLKD_VBD_H

#include "backends/blkd/guest_memory.h"
#include "backends/blkd/image.h"
#include "backends/blkd/io.h"
#include "backends/blkd/journal.h"
#include "backends/blkd/request.h"

enum vbd_mode { VBD_RUNNING, VBD_DRAINING, VBD_BROKEN };

struct vbd;

/* What all disks share. */
struct vbd_host {
    struct io *io;
    int evtchn;
    const char *folder; /* of journals */
    struct vbd *awake;  /* those with work to do */
    struct vbd *all;
};

/* A request being served: one for each slot of the ring. */
struct slot {
    struct io_op op; /* first: done() finds the slot by it */
    struct vbd *vbd;
    struct slot *next; /* in the list where it is */
    struct journal_slot *saved;
    uint8_t *buffer; /* JOB_BYTES_MAX */
    struct job job;
    size_t moved; /* bytes of the I/O so far */
    unsigned int retries;
    int status;  /* BLKIF_RSP_* */
    bool failed; /* a copy from or to the guest */
    bool flushed;
};

struct slot_list {
    struct slot *first, **end;
};

/* What a frontend and the toolstack have said. */
struct vbd_setup {
    char name[64]; /* for messages: "domain 3, disk xvda" */
    struct journal_ring ring;
    struct image *image; /* stays its owner's, who outlives the vbd */
    struct disk_limits limits;
    bool persistent; /* pages may be kept mapped */
    void (*broken)(void *owner, const struct failure *why);
    void (*idle)(void *owner); /* no longer RUNNING, and nothing in flight */
    void *owner;
};

struct vbd {
    struct vbd_host *host;
    struct vbd *next, *next_awake;
    bool awake;
    enum vbd_mode mode;
    struct vbd_setup setup;
    struct guest_memory memory;
    struct journal journal;
    void *pages; /* the ring's */
    uint64_t pages_index;
    blkif_back_ring_t ring;
    uint32_t published; /* our rsp_prod, as the frontend has it */
    uint32_t port;      /* local */
    bool notify;
    unsigned int in_flight;    /* slots with I/O under way */
    unsigned long bad, errors; /* requests that were refused, I/O that failed */
    struct slot *slots;
    uint8_t *buffers;
    struct slot_list idle, taken, finished, answered;
};

/* Maps the ring, binds the event channel and serves. resume: go on where a predecessor's journal
 * ends, which did not live to the end of its requests. 0, or -1 with a sentence: nothing is held
 * then. *v need not be initialised. */
int vbd_start(struct vbd *v, struct vbd_host *host, const struct vbd_setup *setup, bool resume,
              struct failure *why);
void vbd_drain(struct vbd *v); /* RUNNING becomes DRAINING */
bool vbd_is_idle(const struct vbd *v);
/* Lets go of everything; to be called when idle. keep_journal: for a successor. */
void vbd_end(struct vbd *v, bool keep_journal);

void vbd_wake(struct vbd *v);
struct vbd *vbd_of_port(const struct vbd_host *host, uint32_t port);
/* Does the work of all that were woken, and what that makes necessary. */
void vbd_run_all(struct vbd_host *host);

#endif
