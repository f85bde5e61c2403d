/* SPDX-License-Identifier: MIT
 *
 * The frame table: for each frame of RAM who owns it, how often it is referenced, and what it is
 * used as. This is what makes paravirtualisation safe: while a frame is a page table (FRAME_L1..L4)
 * or holds descriptors nobody has a writable mapping of it, and while it is writable it is none of
 * these.
 *
 *   references  a frame lives while its count is above 0. The allocation itself is one
 * (FRAME_ALLOCATED); every present page-table entry, pin, CR3, grant or foreign mapping is one
 * more. The last one frees it. type        mutually exclusive uses, each counted; the use may
 * change only at count 0. The label stays at 0, so that taking the same type again is cheap.
 * Becoming a page table validates all entries (mm/pt_check.c), and leaving drops what they
 * referenced. owner       NULL: free or the hypervisor's own. Frames that are not RAM, or that
 * firmware keeps, belong to nobody and are "I/O memory": frame_is_ram() is false.
 *
 * Counts change by compare-and-exchange, without a lock; a page table's contents change under the
 * frame's own lock bit (LOCK_PT). Overflow of a count refuses the reference.
 */
#pragma once
#include "lib/types.h"

struct domain;

enum frame_type {
    FRAME_NONE,
    FRAME_L1,
    FRAME_L2,
    FRAME_L3,
    FRAME_L4,
    FRAME_SEG_DESC, /* GDT or LDT */
    FRAME_SHARED,   /* reserved for page sharing; never taken now */
    FRAME_WRITABLE,
};

struct frame {
    uint64_t count; /* bit 63 FRAME_ALLOCATED; below: references */
    uint64_t type;  /* bits 0..2 enum frame_type, flags (see frame.c), count above */
    struct domain *owner;
    uint32_t next, prev; /* owner's list of frames, or free list (mfn; ~0 ends it) */
};
_Static_assert(sizeof(struct frame) == 32, "the frame table costs 32 bytes a frame");

/* NULL when m is no RAM of the memory map. */
struct frame *frame_of(mfn_t m);
mfn_t frame_mfn(const struct frame *f);
static inline struct domain *frame_owner(const struct frame *f)
{
    return __atomic_load_n(&f->owner, __ATOMIC_RELAXED);
}

/* One reference if the frame is allocated and owned by d. */
bool frame_get(struct frame *f, const struct domain *d);
void frame_put(struct frame *f);
/* One use of that type. 0; -EBUSY: in use as another; -EINVAL: an entry of the table-to-be is not
 * allowed; -ERESTART: too long, the same call goes on where it stopped (flags of the frame
 * remember). The caller holds a reference. */
int frame_get_type(struct frame *f, enum frame_type t);
void frame_put_type(struct frame *f);
/* Both. -EPERM when d is not the owner. */
int frame_get_and_type(struct frame *f, const struct domain *d, enum frame_type t);
void frame_put_and_type(struct frame *f);
enum frame_type frame_type_now(const struct frame *f); /* FRAME_NONE when the type's count is 0 */
/* MMUEXT_PIN_Ln_TABLE: one type use and reference that stay until unpinned. -EINVAL: pinned already. */
int frame_pin(struct domain *d, mfn_t m, enum frame_type t);
bool frame_is_pinned(const struct frame *f);

/* Allocates 2^order frames to d, listed and counted against max_pages, zeroed, M2P invalid.
 * MFN_NONE when d is at its limit or dying, or memory is out. */
mfn_t domain_page_alloc(struct domain *d, unsigned order, unsigned addr_bits);
/* Gives frames that nobody owns (boot modules) to d in the same way. */
int domain_page_assign(struct domain *d, mfn_t m, unsigned order);
/* Drops the allocation reference (decrease_reservation). -EPERM not d's; -EBUSY already dropped.
 * The frame leaves d's list and count at once and is scrubbed and freed with its last reference. */
int domain_page_release(struct domain *d, struct frame *f);

/* A frame of the hypervisor's that domain d may map (shared_info, grant table, vcpu_info): zeroed,
 * owned by d, type writable, not counted in its pages. NULL without memory. frame_unshare() is its
 * end: guest mappings that still exist keep the frame alive, unchanged, until they go. */
void *frame_share_alloc(struct domain *d);
void frame_unshare(void *va);

/* Teardown of d's memory, resumable: unpins, drops allocation references. 0 done, -ERESTART more to
 * do. */
int domain_pages_release_all(struct domain *d);

/* Boot: after hvmap_init() mapped the table: every frame in [start, end) is RAM, the hypervisor's
 * own. */
void frame_table_add_ram(uint64_t start, uint64_t end);
