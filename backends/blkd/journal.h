/* SPDX-License-Identifier: MIT */
/*
 * What a disk's server must not forget when it is killed: a file in a memory filesystem, mapped
 * shared, so that every store into it outlives the process. It says which ring was served, how far
 * requests have been taken from it and answers put into it, and holds a private copy of each
 * request that has been taken and not answered.
 *
 * A slot:  FREE -> TAKEN (index: the request's) -> ANSWERED (index: the answer's) -> FREE
 * A SIGKILL stops the process between two stores; the order of stores is what makes each moment
 * readable to a successor (journal_recover):
 *   take      the slot is complete before taken moves past its index: a slot at or past taken is
 *             as if it had not been taken
 *   answer    the slot is ANSWERED, with index and status, before the answer stands in the ring
 *   publish   the ring's rsp_prod moves (the frontend sees the answers), then answered, then slots
 *             become FREE: an ANSWERED slot before rsp_prod is done, one at or past it can be
 *             written into the ring again, and a TAKEN one can be done again, for its frontend has
 *             not been told and so has not built on it
 * At every moment taken - rsp_prod is the number of slots in use that count. A file that breaks
 * this rule is not believed. Not locked: the daemon has one thread, and there is one daemon.
 */
#ifndef BLKD_JOURNAL_H
#define BLKD_JOURNAL_H

#include "dom0-tools/lib/failure.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/xen.h>
#include <xen/io/blkif.h>

#define RING_PAGES_MAX 4u
#define RING_SLOTS_MAX 128u /* of the largest ring */

enum journal_state { JOURNAL_FREE, JOURNAL_TAKEN, JOURNAL_ANSWERED };

struct journal_slot {
    union {
        struct {
            uint32_t state, index;
        };
        uint64_t both;
    };
    int16_t status; /* ANSWERED: of the answer */
    uint8_t operation;
    blkif_request_t request;
};

/* Which ring, of whom, since which boot of this domain. Compared whole: zeroed before it is filled.
 */
struct journal_ring {
    char boot[40], guest[104];  /* this kernel's boot_id; the guest's /vm path */
    uint32_t domid, vdev, port; /* port: the frontend's */
    uint32_t pages, refs[RING_PAGES_MAX];
    char target[512];
};

struct journal_file;

struct journal {
    struct journal_file *file; /* NULL: none open */
    struct journal_slot *slots;
    uint32_t n_slots;
    char path[128];
};

/* A new journal in folder for a ring that starts at index 0; replaces an older one. 0, or -1 with a
 * sentence. */
int journal_create(struct journal *j, const char *folder, const struct journal_ring *ring,
                   struct failure *why);
/* The predecessor's. 0, or -1 with a sentence when it is not there, damaged, or another ring's. */
int journal_open(struct journal *j, const char *folder, const struct journal_ring *ring,
                 struct failure *why);
void journal_close(struct journal *j);  /* the file stays, for a successor */
void journal_remove(struct journal *j); /* closes and removes it */
/* Removes what may be left of a device that nobody served at its end. */
void journal_forget(const char *folder, uint32_t domid, uint32_t vdev);

/* Brings an opened journal to rest, given the ring's rsp_prod as it is now: slots that do not count
 * become FREE, *taken and *answered the indices to go on with (answers of ANSWERED slots, from
 * *answered on, are to be put into the ring again). -1 with a sentence when it does not add up. */
int journal_recover(struct journal *j, uint32_t rsp_prod, uint32_t *taken, uint32_t *answered,
                    struct failure *why);

/* A FREE slot becomes TAKEN with this copy, and taken moves past index. */
void journal_take(struct journal *j, struct journal_slot *s, uint32_t index,
                  const blkif_request_t *request);
/* To be called before the answer is put into the ring at index. */
void journal_answer(struct journal_slot *s, uint32_t index, uint8_t operation, int16_t status);
/* To be called when the ring's rsp_prod is at index; frees that slot set, n of them. */
void journal_published(struct journal *j, uint32_t index, struct journal_slot *const *slots,
                       size_t n);

#endif
