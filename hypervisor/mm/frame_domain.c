/* SPDX-License-Identifier: MIT
 *
 * Frames of domains: giving, taking back, sharing the hypervisor's own, and the teardown of all.
 * A domain's frames hang on a list through the frame table under its page_lock (LOCK_PAGES), which
 * also guards tot_pages and the owner field's way from NULL. A frame that its owner gave up while
 * others still refer to it lingers: off the list, holding the struct domain alive.
 */
#include "mm/frame.h"
#include "mm/page_alloc.h"
#include "mm/tlb.h"
#include "dom/domain.h"

#define MAX_RAM_MFN  (5ull << 28) /* the direct map's 5 TiB */
#define RELEASE_COST 16           /* of one frame, in looks at entries */

struct domain domain_io = {.id = DOMID_IO, .first_page = NO_FRAME};
struct domain domain_xen = {.id = DOMID_XEN, .first_page = NO_FRAME};

void frame_table_add_ram(uint64_t start, uint64_t end)
{
    uint64_t m = div_up(max(start, 0x100000ul), PAGE_SIZE);

    for (; m < end >> PAGE_SHIFT && m < MAX_RAM_MFN; m++) {
        frame_at(m)->count = FRAME_RAM;
        frame_at(m)->type = FRAME_NONE;
        frame_at(m)->owner = NULL;
    }
}

void frame_table_add_m2p(void)
{
    mfn_t first;

    for (unsigned n = 0; !mfn_eq(first = m2p_chunk_mfn(n), MFN_NONE); n++)
        for (uint64_t m = first.v; m < first.v + 512; m++) {
            if (!frame_of(mfn(m)))
                continue;
            frame_at(m)->owner = &domain_xen;
            frame_at(m)->type = FRAME_SHARED | TYPE_ONE; /* for ever: so never writable */
            frame_at(m)->count = FRAME_RAM | FRAME_ALLOCATED | 1;
        }
}

/* LOCK_PAGES of d. The frame is unowned RAM off every list. */
static void give(struct domain *d, uint64_t m)
{
    struct frame *f = frame_at(m);

    ASSERT(f->count == FRAME_RAM && !f->owner);
    *m2p_entry(mfn(m)) = M2P_INVALID;
    f->type &= TYPE_STAMP;
    frame_list_push(&d->first_page, f);
    f->owner = d;
    __atomic_store_n(&f->count, FRAME_RAM | FRAME_ALLOCATED | 1, __ATOMIC_SEQ_CST);
}

/* LOCK_PAGES of d. */
static void unlink_frame(struct domain *d, struct frame *f)
{
    frame_list_remove(&d->first_page, f);
    d->tot_pages--;
}

static bool room_for(const struct domain *d, unsigned order)
{
    return !domain_is_dying(d) && d->tot_pages <= d->max_pages &&
           d->max_pages - d->tot_pages >= 1ull << order;
}

static int give_block(struct domain *d, mfn_t m, unsigned order, bool always)
{
    int rc = -ENOMEM;

    spin_lock(&d->page_lock);
    if (always || room_for(d, order)) {
        for (uint64_t i = m.v + (1ull << order); i-- > m.v;)
            give(d, i);
        d->tot_pages += 1u << order;
        rc = 0;
    }
    spin_unlock(&d->page_lock);
    return rc;
}

/* No CPU may still reach the frames through an entry of whoever had them before. */
static void flush_stale(mfn_t m, unsigned order)
{
    for (uint64_t i = m.v; i < m.v + (1ull << order); i++)
        tlb_flush_stale(NULL, READ_ONCE(frame_at(i)->type) >> TYPE_STAMP_SHIFT);
}

mfn_t domain_page_alloc(struct domain *d, unsigned order, unsigned addr_bits)
{
    mfn_t m;

    if (order > PAGE_ORDER_MAX || !room_for(d, order))
        return MFN_NONE;
    m = page_alloc(order, addr_bits);
    if (mfn_eq(m, MFN_NONE))
        return MFN_NONE;
    flush_stale(m, order);
    memset(mfn_to_va(m), 0, PAGE_SIZE << order);
    if (give_block(d, m, order, false)) {
        page_free(m, order);
        return MFN_NONE;
    }
    return m;
}

void domain_page_take(struct domain *d, mfn_t m, unsigned order)
{
    flush_stale(m, order);
    memset(mfn_to_va(m), 0, PAGE_SIZE << order);
    give_block(d, m, order, true);
}

/* Ends the allocation: nobody gets a new reference from here on, and the one that it was is an
 * ordinary one, for end_allocation() to drop. */
static void stop_allocation(struct frame *f)
{
    domain_hold(f->owner);
    __atomic_fetch_xor(&f->count, FRAME_ALLOCATED | FRAME_LINGERS, __ATOMIC_SEQ_CST);
}

static void end_allocation(struct frame *f)
{
    /* Who pinned or half-validated it just now did so while it was allocated; nobody new can. */
    if (frame_clear_pinned(f))
        frame_put_and_type(f);
    frame_finish_partial(f, NULL);
    frame_put(f);
}

int domain_page_release(struct domain *d, struct frame *f)
{
    int rc = -EBUSY;

    if (frame_owner(f) != d || READ_ONCE(f->count) & FRAME_HYPERVISOR)
        return -EPERM;
    if (READ_ONCE(f->type) & (TYPE_PINNED | TYPE_PARTIAL))
        return -EBUSY;
    spin_lock(&d->page_lock);
    if (READ_ONCE(f->count) & FRAME_ALLOCATED) {
        unlink_frame(d, f);
        stop_allocation(f); /* under the lock: a second release finds it gone */
        rc = 0;
    }
    spin_unlock(&d->page_lock);
    if (rc)
        return rc;
    *m2p_entry(frame_mfn(f)) = M2P_INVALID;
    end_allocation(f);
    return 0;
}

int domain_page_claim(struct domain *d, struct frame *f)
{
    uint64_t c = FRAME_RAM | FRAME_ALLOCATED | 1;

    if (frame_owner(f) != d)
        return -EPERM;
    if (!__atomic_compare_exchange_n(&f->count, &c, FRAME_RAM, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_RELAXED))
        return -EBUSY;
    if (frame_owner(f) == d)
        return 0;
    __atomic_store_n(&f->count, FRAME_RAM | FRAME_ALLOCATED | 1, __ATOMIC_SEQ_CST);
    return -EPERM;
}

void domain_page_unclaim(struct domain *d, struct frame *f)
{
    ASSERT(frame_owner(f) == d && f->count == FRAME_RAM);
    __atomic_store_n(&f->count, FRAME_RAM | FRAME_ALLOCATED | 1, __ATOMIC_SEQ_CST);
}

void domain_page_free_claimed(struct domain *d, struct frame *f)
{
    spin_lock(&d->page_lock);
    unlink_frame(d, f);
    spin_unlock(&d->page_lock);
    *m2p_entry(frame_mfn(f)) = M2P_INVALID;
    f->type = tlb_stamp() << TYPE_STAMP_SHIFT;
    f->owner = NULL;
    page_free(frame_mfn(f), 0);
}

void *frame_share_alloc(struct domain *d)
{
    mfn_t m = page_alloc(0, 0);
    struct frame *f;

    if (mfn_eq(m, MFN_NONE))
        return NULL;
    flush_stale(m, 0);
    memset(mfn_to_va(m), 0, PAGE_SIZE);
    f = frame_of(m);
    *m2p_entry(m) = M2P_INVALID;
    f->type = (f->type & TYPE_STAMP) | FRAME_WRITABLE | TYPE_ONE;
    f->owner = d;
    __atomic_store_n(&f->count, FRAME_RAM | FRAME_ALLOCATED | FRAME_HYPERVISOR | 1,
                     __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&d->shared_pages, 1, __ATOMIC_RELAXED);
    return mfn_to_va(m);
}

void frame_unshare(void *va)
{
    struct frame *f = frame_of(va_to_mfn(va));

    ASSERT(f && f->count & FRAME_HYPERVISOR && f->count & FRAME_ALLOCATED);
    __atomic_sub_fetch(&f->owner->shared_pages, 1, __ATOMIC_RELAXED);
    frame_put_type(f);
    stop_allocation(f);
    end_allocation(f);
}

int domain_pages_release_all(struct domain *d)
{
    long budget = 65536;

    for (;;) {
        struct frame *f = NULL;
        int rc = 0;

        spin_lock(&d->page_lock);
        if (d->first_page != NO_FRAME) {
            f = frame_at(d->first_page);
            if (!frame_get(f, d))
                panic("frame %llx is listed but not allocated", (unsigned long long)frame_mfn(f).v);
        }
        spin_unlock(&d->page_lock);
        if (!f)
            return 0;
        if (frame_clear_pinned(f)) {
            rc = frame_put_type_within(f, &budget);
            frame_put(f);
        }
        if (!rc)
            rc = frame_finish_partial(f, &budget);
        if (!rc)
            rc = domain_page_release(d, f);
        frame_put(f);
        budget -= RELEASE_COST;
        if (rc == -ERESTART || budget < 0)
            return -ERESTART;
    }
}
