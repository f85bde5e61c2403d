/* SPDX-License-Identifier: MIT
 *
 * References and types of frames; mm/frame.h tells the states. The order of events that keeps
 * stale TLB entries harmless: a mapping's entry is cleared, then its use is dropped, and with the
 * last one the frame is stamped with the flush clock; whoever gives the frame another label flushes
 * every CPU that has not flushed since that stamp.
 */
#include "mm/frame.h"
#include "mm/page_alloc.h"
#include "mm/pt.h"
#include "mm/tlb.h"
#include "dom/domain.h"
#include "pv/pv.h"
#include "x86/asm.h"

static bool swap_type(struct frame *f, uint64_t *x, uint64_t new)
{
    return __atomic_compare_exchange_n(&f->type, x, new, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static bool swap_count(struct frame *f, uint64_t *c, uint64_t new)
{
    return __atomic_compare_exchange_n(&f->count, c, new, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_RELAXED);
}

/* Another CPU is at work on a frame: answer what it may be waiting for. */
static void wait_for_other_cpu(void)
{
    tlb_serve();
    cpu_relax();
}

static uint64_t stamped(uint64_t x)
{
    return (x & ~TYPE_STAMP) | tlb_stamp() << TYPE_STAMP_SHIFT;
}

static bool is_table(uint64_t x)
{
    return (x & TYPE_LABEL) - FRAME_L1 <= FRAME_L4 - FRAME_L1;
}

/* The last reference has gone: nobody can find the frame any more. */
static void frame_free(struct frame *f, uint64_t flags)
{
    struct domain *d = f->owner;
    uint64_t x = READ_ONCE(f->type);

    ASSERT(!(x & (TYPE_USES | TYPE_PINNED | TYPE_LOCKED | TYPE_BUSY | TYPE_PARTIAL)));
    *m2p_entry(frame_mfn(f)) = M2P_INVALID;
    f->type = stamped(FRAME_NONE);
    f->owner = NULL;
    f->count = FRAME_RAM;
    page_free(frame_mfn(f), 0);
    if (flags & FRAME_LINGERS)
        domain_put(d);
}

void frame_put(struct frame *f)
{
    uint64_t c = READ_ONCE(f->count);

    do
        ASSERT(c & FRAME_REFS);
    while (!swap_count(f, &c, c - 1));
    if (unlikely((c & FRAME_REFS) == 1))
        frame_free(f, c);
}

/* This CPU has set BUSY, with one use, on a table whose first `done` entries hold references.
 * Validates the rest; on failure takes all back. was_partial: the frame holds a reference itself.
 */
static int validate_busy(struct frame *f, unsigned done, bool was_partial, long *budget);
static int release_busy(struct frame *f, unsigned done, bool was_partial, long *budget);

static void become_partial(struct frame *f, enum frame_type t, unsigned done, bool was_partial)
{
    if (!was_partial) /* the caller has a reference, so this cannot be from 0 */
        __atomic_add_fetch(&f->count, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&f->type, t | TYPE_PARTIAL | TYPE_ONE | (uint64_t)done << TYPE_STAMP_SHIFT,
                     __ATOMIC_SEQ_CST);
    if (!(READ_ONCE(f->count) & FRAME_ALLOCATED)) {
        /* Given up by its owner meanwhile: teardown will not find it, so end it here. */
        uint64_t x = READ_ONCE(f->type);

        if ((x & TYPE_PARTIAL) && swap_type(f, &x, t | TYPE_BUSY | TYPE_ONE))
            release_busy(f, done, true, NULL);
    }
}

static int validate_busy(struct frame *f, unsigned done, bool was_partial, long *budget)
{
    enum frame_type t = f->type & TYPE_LABEL;
    int rc;

    if (t == FRAME_SEG_DESC)
        rc = segdesc_validate(frame_va(f)) ? 0 : -EINVAL;
    else
        rc = pt_validate(frame_owner(f), f, t, &done, budget);

    if (rc == -ERESTART) {
        become_partial(f, t, done, was_partial);
        return rc;
    }
    if (rc) {
        release_busy(f, t == FRAME_SEG_DESC ? 0 : done, was_partial, budget);
        return rc;
    }
    __atomic_store_n(&f->type, t | TYPE_VALID | TYPE_ONE, __ATOMIC_SEQ_CST);
    if (was_partial)
        frame_put(f);
    return 0;
}

static int release_busy(struct frame *f, unsigned done, bool was_partial, long *budget)
{
    enum frame_type t = f->type & TYPE_LABEL;

    if (t != FRAME_SEG_DESC && pt_release(f, t, &done, budget) == -ERESTART) {
        become_partial(f, t, done, was_partial);
        return -ERESTART;
    }
    __atomic_store_n(&f->type, stamped(t), __ATOMIC_SEQ_CST);
    if (was_partial)
        frame_put(f);
    return 0;
}

/* From count 0 under another label to the first use of t. */
static int first_use(struct frame *f, enum frame_type t, uint64_t x, long *budget)
{
    uint64_t label = x & TYPE_LABEL;

    if (label != t && label != FRAME_NONE)
        tlb_flush_stale(frame_owner(f), x >> TYPE_STAMP_SHIFT);
    if (t == FRAME_WRITABLE || (label == t && x & TYPE_VALID))
        return swap_type(f, &x, (label == t ? x : t) + TYPE_ONE) ? 0 : -EAGAIN;
    if (!swap_type(f, &x, t | TYPE_BUSY | TYPE_ONE))
        return -EAGAIN;
    return validate_busy(f, 0, false, budget);
}

int frame_get_type_within(struct frame *f, enum frame_type t, long *budget)
{
    uint64_t x = READ_ONCE(f->type);
    int rc;

    for (;; x = READ_ONCE(f->type)) {
        if (!(x & TYPE_USES)) {
            rc = first_use(f, t, x, budget);
            if (rc != -EAGAIN)
                return rc;
        } else if ((x & TYPE_LABEL) != t) {
            return -EINVAL;
        } else if (unlikely(x & TYPE_BUSY)) {
            wait_for_other_cpu();
        } else if (unlikely(x & TYPE_PARTIAL)) {
            if (swap_type(f, &x, t | TYPE_BUSY | TYPE_ONE))
                return validate_busy(f, (unsigned)(x >> TYPE_STAMP_SHIFT), true, budget);
        } else if (unlikely((int32_t)x < 0)) {
            return -EBUSY;
        } else if (likely(swap_type(f, &x, x + TYPE_ONE))) {
            return 0;
        }
    }
}

int frame_get_type(struct frame *f, enum frame_type t)
{
    return frame_get_type_within(f, t, NULL);
}

int frame_put_type_within(struct frame *f, long *budget)
{
    uint64_t x = READ_ONCE(f->type);

    for (;; x = READ_ONCE(f->type)) {
        ASSERT((x & TYPE_USES) && !(x & (TYPE_BUSY | TYPE_PARTIAL)));
        if (likely((x & TYPE_USES) != TYPE_ONE)) {
            if (swap_type(f, &x, x - TYPE_ONE))
                return 0;
        } else if (!is_table(x)) {
            if (swap_type(f, &x, stamped(x - TYPE_ONE)))
                return 0;
        } else if (unlikely(x & TYPE_LOCKED)) {
            wait_for_other_cpu();
        } else if (swap_type(f, &x, (x & TYPE_LABEL) | TYPE_BUSY | TYPE_ONE)) {
            return release_busy(f, 512, false, budget);
        }
    }
}

void frame_put_type(struct frame *f)
{
    frame_put_type_within(f, NULL);
}

int frame_finish_partial(struct frame *f, long *budget)
{
    uint64_t x = READ_ONCE(f->type);

    while (x & TYPE_PARTIAL)
        if (swap_type(f, &x, (x & TYPE_LABEL) | TYPE_BUSY | TYPE_ONE))
            return release_busy(f, (unsigned)(x >> TYPE_STAMP_SHIFT), true, budget);
    return 0;
}

int frame_get_and_type(struct frame *f, const struct domain *d, enum frame_type t)
{
    int rc;

    if (!frame_get(f, d))
        return -EPERM;
    rc = frame_get_type_within(f, t, NULL);
    if (rc)
        frame_put(f);
    return rc;
}

void frame_put_and_type(struct frame *f)
{
    frame_put_type_within(f, NULL);
    frame_put(f);
}

bool frame_hold(struct frame *f, const struct domain *d, bool write)
{
    return f && (write ? !frame_get_and_type(f, d, FRAME_WRITABLE) : frame_get(f, d));
}

void frame_drop(struct frame *f, bool write)
{
    if (write)
        frame_put_type(f);
    frame_put(f);
}

enum frame_type frame_type_now(const struct frame *f)
{
    uint64_t x = READ_ONCE(f->type);

    return x & TYPE_USES ? x & TYPE_LABEL : FRAME_NONE;
}

bool frame_is_pinned(const struct frame *f)
{
    return READ_ONCE(f->type) & TYPE_PINNED;
}

bool frame_set_pinned(struct frame *f)
{
    return !(__atomic_fetch_or(&f->type, TYPE_PINNED, __ATOMIC_SEQ_CST) & TYPE_PINNED);
}

bool frame_clear_pinned(struct frame *f)
{
    return __atomic_fetch_and(&f->type, ~TYPE_PINNED, __ATOMIC_SEQ_CST) & TYPE_PINNED;
}

unsigned frame_lock_table(struct frame *f, const struct domain *d)
{
    uint64_t x = READ_ONCE(f->type);

    for (;;) {
        if (!is_table(x) || !(x & TYPE_VALID))
            return 0;
        if (unlikely(x & TYPE_LOCKED)) {
            wait_for_other_cpu();
            x = READ_ONCE(f->type);
        } else if (likely(swap_type(f, &x, x | TYPE_LOCKED))) {
            break;
        }
    }
    if (unlikely(frame_owner(f) != d)) {
        frame_unlock_table(f);
        return 0;
    }
    return (unsigned)(x & TYPE_LABEL);
}

void frame_unlock_table(struct frame *f)
{
    __atomic_and_fetch(&f->type, ~TYPE_LOCKED, __ATOMIC_SEQ_CST);
}

#define TOOL_TYPE_PINNED (1u << 31)
#define TOOL_TYPE_XTAB   (0xfu << 28)

uint32_t frame_tool_type(const struct domain *d, mfn_t m)
{
    struct frame *f = frame_of(m);
    enum frame_type t;

    if (!f || frame_owner(f) != d || !(READ_ONCE(f->count) & FRAME_ALLOCATED))
        return TOOL_TYPE_XTAB;
    t = frame_type_now(f);
    if (t < FRAME_L1 || t > FRAME_L4)
        return 0;
    return (uint32_t)t << 28 | (frame_is_pinned(f) ? TOOL_TYPE_PINNED : 0);
}
