/* SPDX-License-Identifier: MIT
 *
 * The frame table: for each frame of RAM who owns it, how often it is referenced, and what it is
 * used as. This is what makes paravirtualisation safe: while a frame is a page table (FRAME_L1..L4)
 * or holds descriptors nobody has a writable mapping of it, and while it is writable it is none of
 * these.
 *
 *   references  a frame lives while its count is above 0. The allocation itself is one
 *               (FRAME_ALLOCATED); every present page-table entry, pin, CR3, grant or foreign
 *               mapping is one more. The last one frees it. New ones are given out only while it is
 *               allocated.
 *   type        mutually exclusive uses, each counted; the use may change only at count 0. The
 *               label stays at 0, so that taking the same type again is cheap. Becoming a page
 *               table validates all entries (mm/pt_check.c), and leaving drops what they
 *               referenced. Whoever holds a use also holds a reference.
 *   owner       NULL: free or the hypervisor's own. Frames that are not RAM, that firmware keeps,
 *               or below 1 MiB belong to nobody and are "I/O memory": frame_of() is NULL.
 *
 * States of a page-table type: none (count 0) -> BUSY (one CPU validates; others wait) -> VALID ->
 * BUSY (its last use went; one CPU releases the entries) -> none. Validation and release that take
 * long stop in between as PARTIAL: the first `done` entries hold their references, the frame holds
 * one use and one reference of its own, and whoever asks for the same type next goes on.
 *
 * Counts change by compare-and-exchange, without a lock; a VALID table's contents change under its
 * TYPE_LOCKED bit (LOCK_PT), with which its use cannot end. A CPU that holds one waits only for
 * tables of lower level. Overflow of a count refuses the reference.
 */
#pragma once
#include "x86/hvmap.h"

struct domain;
struct vcpu;

enum frame_type {
    FRAME_NONE,
    FRAME_L1,
    FRAME_L2,
    FRAME_L3,
    FRAME_L4,
    FRAME_SEG_DESC, /* GDT or LDT */
    FRAME_SHARED,   /* read-only for all: the M2P */
    FRAME_WRITABLE,
};

struct frame {
    uint64_t count; /* FRAME_*: flags and references */
    uint64_t type;  /* TYPE_*: label, flags, uses, stamp */
    struct domain *owner;
    uint32_t next, prev; /* owner's list of frames, or free list (mfn; ~0 ends it) */
};
_Static_assert(sizeof(struct frame) == 32, "the frame table costs 32 bytes a frame");

/* count */
#define FRAME_ALLOCATED  (1ull << 63)  /* the owner's; that is one reference */
#define FRAME_RAM        (1ull << 62)  /* fixed: the memory map says so */
#define FRAME_HYPERVISOR (1ull << 61)  /* by frame_share_alloc(): ours, shared with the owner */
#define FRAME_LINGERS    (1ull << 60)  /* no more allocated; holds a reference on its owner */
#define FRAME_FREE       (1ull << 59)  /* first of a free block (page_alloc.c) */
#define FRAME_REFS       0xffffffffull /* refused from half of that on */
/* type */
#define TYPE_LABEL       7ull        /* enum frame_type */
#define TYPE_VALID       (1ull << 3) /* entries or descriptors are checked */
#define TYPE_BUSY        (1ull << 4)
#define TYPE_PINNED      (1ull << 5) /* a guest holds one use and one reference by pinning */
#define TYPE_LOCKED      (1ull << 6)
#define TYPE_PARTIAL     (1ull << 7)
#define TYPE_ONE         (1ull << 8) /* uses: bits 8..31, refused from half of that on */
#define TYPE_USES        (0xffffffull << 8)
#define TYPE_STAMP_SHIFT 40 /* when the last use or reference went; PARTIAL: entries done */
#define TYPE_STAMP       (0xffffffull << TYPE_STAMP_SHIFT)

/* NULL when m is no RAM of the memory map. Where 256 MiB together have none, the frame table reads
 * as zeros (x86/hvmap.c). */
static inline struct frame *frame_of(mfn_t m)
{
    struct frame *f = (struct frame *)(FRAMETABLE_VIRT + m.v * sizeof(struct frame));

    return likely(m.v < max_mfn) && likely(READ_ONCE(f->count) & FRAME_RAM) ? f : NULL;
}
/* Without a look at what the memory map says. */
static inline struct frame *frame_at(uint64_t m)
{
    return (struct frame *)FRAMETABLE_VIRT + m;
}
static inline mfn_t frame_mfn(const struct frame *f)
{
    return mfn((uint64_t)(f - (const struct frame *)FRAMETABLE_VIRT));
}
static inline void *frame_va(const struct frame *f)
{
    return mfn_to_va(frame_mfn(f));
}
static inline struct domain *frame_owner(const struct frame *f)
{
    return __atomic_load_n(&f->owner, __ATOMIC_RELAXED);
}

/* Lists through the frame table; the list's lock held. */
#define NO_FRAME (~0u) /* an empty one's head */
static inline void frame_list_push(uint32_t *head, struct frame *f)
{
    f->prev = NO_FRAME;
    f->next = *head;
    *head = (uint32_t)frame_mfn(f).v;
    if (f->next != NO_FRAME)
        frame_at(f->next)->prev = *head;
}
static inline void frame_list_remove(uint32_t *head, struct frame *f)
{
    *(f->prev != NO_FRAME ? &frame_at(f->prev)->next : head) = f->next;
    if (f->next != NO_FRAME)
        frame_at(f->next)->prev = f->prev;
}

void frame_put(struct frame *f);
/* One reference if the frame is allocated and owned by d. */
static inline bool frame_get(struct frame *f, const struct domain *d)
{
    uint64_t c = READ_ONCE(f->count);

    do {
        if (unlikely((int64_t)c >= 0 || frame_owner(f) != d || (int32_t)c < 0))
            return false; /* not FRAME_ALLOCATED, not d's, or overflowing */
    } while (unlikely(!__atomic_compare_exchange_n(&f->count, &c, c + 1, false, __ATOMIC_SEQ_CST,
                                                   __ATOMIC_RELAXED)));
    if (likely(frame_owner(f) == d))
        return true;
    frame_put(f); /* it changed hands between the look and the count */
    return false;
}
/* One use of that type. 0; -EINVAL: in use as another, or an entry of the table-to-be is not
 * allowed (-EPERM, -EBUSY: what an L1 entry names is not); -EBUSY: too many uses; -ERESTART (only
 * with a budget): too long, the same call goes on where it stopped. The caller holds a reference.
 * `budget` is a number of entries to look at, counted down, or NULL for no limit. */
int frame_get_type(struct frame *f, enum frame_type t);
int frame_get_type_within(struct frame *f, enum frame_type t, long *budget);
void frame_put_type(struct frame *f);

/* The common cases of the above, for entries that come and go by the hundred: one more or one less
 * use as writable memory, not the last reference. */
static inline int frame_get_writable(struct frame *f)
{
    uint64_t x = READ_ONCE(f->type);

    if (likely((x & TYPE_LABEL) == FRAME_WRITABLE && (int32_t)x >= 0) &&
        likely(__atomic_compare_exchange_n(&f->type, &x, x + TYPE_ONE, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_RELAXED)))
        return 0;
    return frame_get_type(f, FRAME_WRITABLE);
}
static inline void frame_put_writable(struct frame *f)
{
    uint64_t x = READ_ONCE(f->type);

    if (likely((uint32_t)x >= 2 * TYPE_ONE) &&
        likely(__atomic_compare_exchange_n(&f->type, &x, x - TYPE_ONE, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_RELAXED)))
        return;
    frame_put_type(f);
}
static inline void frame_put_shared(struct frame *f)
{
    uint64_t c = READ_ONCE(f->count);

    if (likely((uint32_t)c > 1) &&
        likely(__atomic_compare_exchange_n(&f->count, &c, c - 1, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_RELAXED)))
        return;
    frame_put(f);
}
/* -ERESTART: the use is given back, but the release has to be gone on with by
 * frame_finish_partial() until that returns 0. */
int frame_put_type_within(struct frame *f, long *budget);
int frame_finish_partial(struct frame *f, long *budget);
/* Both. -EPERM when d is not the owner. */
int frame_get_and_type(struct frame *f, const struct domain *d, enum frame_type t);
void frame_put_and_type(struct frame *f);
/* What an L1 entry holds: a reference, and with write a writable use. f may be NULL: false. */
bool frame_hold(struct frame *f, const struct domain *d, bool write);
void frame_drop(struct frame *f, bool write);
enum frame_type frame_type_now(const struct frame *f); /* FRAME_NONE when the type's count is 0 */
bool frame_is_pinned(const struct frame *f);
/* Marks it pinned: the caller's use and reference become the pin's. false: it was already. */
bool frame_set_pinned(struct frame *f);
bool frame_clear_pinned(struct frame *f); /* true: they are the caller's now */
/* What getpageframeinfo3 says of a frame of d's, in bits 28..31. */
uint32_t frame_tool_type(const struct domain *d, mfn_t m);

/* Locks a VALID page table of d against other changes; its level, or 0 when it is none. While it is
 * locked it stays VALID and alive. */
unsigned frame_lock_table(struct frame *f, const struct domain *d);
void frame_unlock_table(struct frame *f);

/* mm/frame_domain.c */

/* Allocates 2^order frames to d, listed and counted against max_pages, zeroed, M2P invalid.
 * MFN_NONE when d is at its limit or dying, or memory is out. */
mfn_t domain_page_alloc(struct domain *d, unsigned order, unsigned addr_bits);
/* Drops the allocation reference (decrease_reservation). The caller holds a reference of its own.
 * -EPERM: not d's or the hypervisor's; -EBUSY: already dropped, or pinned. The frame leaves d's
 * list and count at once and is freed with its last reference. */
int domain_page_release(struct domain *d, struct frame *f);
/* For an exchange: takes the frame out of circulation when nobody but its allocation refers to it.
 * -EPERM, -EBUSY. Then either undoes that or frees it. */
int domain_page_claim(struct domain *d, struct frame *f);
void domain_page_unclaim(struct domain *d, struct frame *f);
void domain_page_free_claimed(struct domain *d, struct frame *f);
/* Gives a fresh block to d in exchange for as many frames just freed: zeroed, without asking for
 * the limit. */
void domain_page_take(struct domain *d, mfn_t m, unsigned order);

/* A frame of the hypervisor's that domain d may map (shared_info, grant table, vcpu_info): zeroed,
 * owned by d, type writable, not counted in its pages. NULL without memory. frame_unshare() is its
 * end: guest mappings that still exist keep the frame alive, unchanged, until they go. */
void *frame_share_alloc(struct domain *d);
void frame_unshare(void *va);

/* Teardown of d's memory, resumable: unpins, drops allocation references. 0 done, -ERESTART more to
 * do. */
int domain_pages_release_all(struct domain *d);

/* Boot: after hvmap_init() mapped the table: every frame in [start, end) (bytes) is RAM, the
 * hypervisor's own. The part below 1 MiB is left out. */
void frame_table_add_ram(uint64_t start, uint64_t end);
/* Boot: the frames that hold the M2P become domain_xen's, which tools map read-only. */
void frame_table_add_m2p(void);
/* Owners that are no domains: DOMID_IO for device memory, DOMID_XEN for what tools may read of us.
 */
extern struct domain domain_io, domain_xen;
