/* SPDX-License-Identifier: MIT
 *
 * What the grant files share: the table of a domain in its two roles.
 *
 * As the owner: entries shared with the guest, and beside each a private record of who uses it now
 * (struct active). The first use claims the entry (status bits) and takes a reference on the frame,
 * and the first writing use a writable use of it; what the guest writes into the entry afterwards
 * does not matter until the last use ends.
 *
 * As the user: a maptrack entry per mapping, whose number is the handle. It holds a reference on
 * the owner, so that a dead domain's record stays until all its frames are given back.
 */
#pragma once
#include <xen/grant_table.h>
#include "comms/grant.h"
#include "dom/domain.h"
#include "lib/spinlock.h"

#define REFS_PER_FRAME   512u
#define HANDLES_PER_PAGE 256u
#define MAX_GRANT_FRAMES 1024u
#define MAX_TRACK_PAGES  4096u
#define NO_HANDLE        (~0u)

struct active {
    uint32_t frame;            /* machine frame while in use */
    uint16_t domid;            /* who uses it */
    uint32_t readers, writers; /* uses; each holds the entry */
};

/* flags of a mapping: GNTMAP_* as asked for; a half that some vCPU is unmapping moves up by */
#define GOING_SHIFT   14
#define GNTMAP_HALVES ((uint32_t)(GNTMAP_device_map | GNTMAP_host_map))
struct maptrack {
    struct domain *owner; /* of the grant; holds a reference while in use */
    uint32_t ref;         /* free: next free handle */
    uint32_t flags;       /* 0: free, or being filled by the vCPU that took it */
};

struct grant_table {
    struct spinlock lock; /* LOCK_GRANT; never two at once */
    uint32_t max_frames, max_track_pages;

    /* under lock */
    uint32_t nr_frames;
    struct grant_entry_v1 **shared; /* nr_frames, each a page shared with the guest */
    struct active **active;         /* likewise, REFS_PER_FRAME records each */
    uint32_t nr_track_pages;
    struct maptrack **track;
    uint32_t free_handle;
    uint32_t nr_maps;
    uint32_t release_next; /* grant_table_release_maps() */
};

/* Each half is a use of the entry. */
static inline uint32_t uses_of(uint32_t halves)
{
    return !!(halves & GNTMAP_host_map) + !!(halves & GNTMAP_device_map);
}

/* Makes the table nr frames long; exchanges two entries that nobody uses. LOCK_GRANT held. GNTST_*.
 */
int16_t grant_grow(struct domain *d, uint32_t nr);
int16_t grant_swap(struct grant_table *t, uint32_t a, uint32_t b);
/* One more page of free handles. LOCK_GRANT held, or nobody else knows the table. */
bool grant_grow_track(struct grant_table *t);
/* n uses of entry ref of `owner` by `user`; *m is the frame. GNTST_*. */
int16_t grant_pin(struct domain *owner, struct domain *user, uint32_t ref, bool write, uint32_t n,
                  mfn_t *m);
void grant_unpin(struct domain *owner, uint32_t ref, bool write, uint32_t n);
mfn_t grant_pinned_frame(struct domain *owner, uint32_t ref); /* of an entry in use */

/* What one hypercall gathers over its elements: unmaps whose frames wait for a flush of the TLBs.
 */
#define UNMAP_BATCH 32u
struct gnttab_call {
    unsigned nr;
    bool flush; /* some page-table entry went */
    struct {
        uint32_t handle;
        uint32_t halves; /* that are gone */
    } unmapped[UNMAP_BATCH];
};
/* Flushes, then gives the uses back to the owners. */
void gnttab_finish(struct domain *d, struct gnttab_call *call);

/* An operation on one element of the array: its status, GNTST_*. Of the versions, whose elements
 * have none: 0, or the error that ends the whole call. */
typedef long gnttab_fn(struct hcall *c, void *elem, struct gnttab_call *call);
gnttab_fn gnttab_map_grant_ref, gnttab_unmap_grant_ref, gnttab_unmap_and_replace, gnttab_copy;
