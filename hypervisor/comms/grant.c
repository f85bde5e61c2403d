/* SPDX-License-Identifier: MIT
 *
 * Grant tables, version 1 (ABI: grant_table.h): the table's life, claiming and releasing entries,
 * and the operations on the table itself. Mapping is in grant_map.c, copying in grant_copy.c; the
 * structures are in grant_private.h.
 *
 * An entry in the shared page may change under our eyes. It is read as one 8-byte word, and the
 * status bits are set by compare-and-exchange on flags and domid together, so what was checked is
 * what was claimed. Status bits are cleared last, after the frame's use has ended: a guest that
 * sees them clear may reuse the frame at once.
 */
#include "comms/grant_private.h"
#include "mm/frame.h"
#include "mm/page_alloc.h"
#include "x86/hvmap.h"

#define CLAIM_TRIES   5
#define RELEASE_BATCH 512u

/* ---- the table's life ---- */

int16_t grant_grow(struct domain *d, uint32_t nr)
{
    struct grant_table *t = d->grant;

    if (nr > t->max_frames)
        return GNTST_general_error;
    while (t->nr_frames < nr) {
        struct active *a = hv_alloc(REFS_PER_FRAME * sizeof(*a));
        void *page = a ? frame_share_alloc(d) : NULL;
        if (!page) {
            hv_free(a);
            return GNTST_general_error;
        }
        t->active[t->nr_frames] = a;
        t->shared[t->nr_frames] = page;
        t->nr_frames++;
    }
    return GNTST_okay;
}

int grant_table_init(struct domain *d, uint32_t max_frames, uint32_t max_maptrack_frames)
{
    struct grant_table *t;

    if (!max_frames || max_frames > MAX_GRANT_FRAMES || max_maptrack_frames > MAX_TRACK_PAGES)
        return -EINVAL;
    t = hv_alloc(sizeof(*t));
    if (!t)
        return -ENOMEM;
    d->grant = t;
    t->lock = SPINLOCK(LOCK_GRANT);
    t->max_frames = max_frames;
    t->max_track_pages = max_maptrack_frames;
    t->free_handle = NO_HANDLE;
    t->shared = hv_alloc(max_frames * sizeof(t->shared[0]));
    t->active = hv_alloc(max_frames * sizeof(t->active[0]));
    t->track = hv_alloc(max(max_maptrack_frames, 1u) * sizeof(t->track[0]));
    if (!t->shared || !t->active || !t->track || grant_grow(d, 1) != GNTST_okay ||
        (max_maptrack_frames && !grant_grow_track(t))) {
        grant_table_free(d);
        return -ENOMEM;
    }
    return 0;
}

void grant_table_free(struct domain *d)
{
    struct grant_table *t = d->grant;

    if (!t)
        return;
    ASSERT(!t->nr_maps); /* teardown unmapped all; and users hold references on d */
    for (uint32_t i = 0; i < t->nr_frames; i++) {
        frame_unshare(t->shared[i]);
        hv_free(t->active[i]);
    }
    for (uint32_t i = 0; i < t->nr_track_pages; i++)
        hv_page_free(t->track[i]);
    hv_free(t->shared);
    hv_free(t->active);
    hv_free(t->track);
    hv_free(t);
    d->grant = NULL;
}

int grant_table_release_maps(struct domain *d)
{
    struct grant_table *t = d->grant;
    uint32_t end = t ? t->nr_track_pages * HANDLES_PER_PAGE : 0, n = 0;

    /* nothing of d runs, so nobody else touches its maptrack */
    for (; t && t->release_next < end && n < RELEASE_BATCH; t->release_next++, n++) {
        struct maptrack *m =
            &t->track[t->release_next / HANDLES_PER_PAGE][t->release_next % HANDLES_PER_PAGE];
        if (!m->flags)
            continue;
        grant_unpin(m->owner, m->ref, !(m->flags & GNTMAP_readonly),
                    uses_of(m->flags | m->flags >> GOING_SHIFT));
        domain_put(m->owner);
        m->flags = 0;
        t->nr_maps--;
    }
    return t && t->release_next < end ? -ERESTART : 0;
}

mfn_t grant_table_frame(struct domain *d, uint32_t n)
{
    struct grant_table *t = d->grant;
    mfn_t m = MFN_NONE;

    spin_lock(&t->lock);
    if (n < t->max_frames && grant_grow(d, n + 1) == GNTST_okay)
        m = va_to_mfn(t->shared[n]);
    spin_unlock(&t->lock);
    return m;
}

/* ---- entries: LOCK_GRANT of the owner held ---- */

static struct grant_entry_v1 *entry_of(struct grant_table *t, uint32_t ref)
{
    return &t->shared[ref / REFS_PER_FRAME][ref % REFS_PER_FRAME];
}

static struct active *active_of(struct grant_table *t, uint32_t ref)
{
    return &t->active[ref / REFS_PER_FRAME][ref % REFS_PER_FRAME];
}

/* flags and domid are the entry's first four bytes. */
_Static_assert(offsetof(struct grant_entry_v1, domid) == 2, "flags and domid are one word");

/* Sets the status bits of an entry that permits this. */
static int16_t claim(struct grant_entry_v1 *e, domid_t user, bool write)
{
    uint32_t *word = (uint32_t *)(void *)e;
    uint32_t w = __atomic_load_n(word, __ATOMIC_RELAXED);

    for (int i = 0; i < CLAIM_TRIES; i++) {
        uint16_t flags = (uint16_t)w;
        if ((flags & GTF_type_mask) != GTF_permit_access || w >> 16 != user ||
            (write && flags & GTF_readonly))
            return GNTST_general_error;
        if (__atomic_compare_exchange_n(word, &w, w | GTF_reading | (write ? GTF_writing : 0),
                                        false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
            return GNTST_okay;
    }
    return GNTST_general_error; /* the owner keeps changing it */
}

static void clear_status(struct grant_entry_v1 *e, uint16_t bits)
{
    __atomic_and_fetch(&e->flags, (uint16_t)~bits, __ATOMIC_SEQ_CST);
}

/* The frame's reference with the first use, its writable use with the first writer. */
static int16_t take_frame(struct domain *owner, struct active *a, bool first, bool first_writer)
{
    struct frame *f = frame_of(mfn(a->frame));

    if (!f || (first && !frame_get(f, owner)))
        return GNTST_bad_page;
    if (first_writer && frame_get_type(f, FRAME_WRITABLE)) {
        if (first)
            frame_put(f);
        return GNTST_general_error;
    }
    return GNTST_okay;
}

static int16_t pin_locked(struct domain *owner, domid_t user, uint32_t ref, bool write, uint32_t n)
{
    struct grant_table *t = owner->grant;
    int16_t status = GNTST_okay;
    struct grant_entry_v1 *e;
    struct active *a;
    bool first, first_writer;

    if (ref >= t->nr_frames * REFS_PER_FRAME)
        return GNTST_bad_gntref;
    a = active_of(t, ref);
    e = entry_of(t, ref);
    first = !a->readers && !a->writers;
    first_writer = write && !a->writers;
    if ((!first && a->domid != user) || a->readers > UINT32_MAX - n || a->writers > UINT32_MAX - n)
        return GNTST_general_error;
    if ((first || first_writer) && claim(e, user, write) != GNTST_okay)
        return GNTST_general_error;
    if (first) {
        a->domid = user;
        a->frame = READ_ONCE(e->frame);
    }
    if (first || first_writer)
        status = take_frame(owner, a, first, first_writer);
    if (status != GNTST_okay) {
        clear_status(e, (uint16_t)((first_writer ? GTF_writing : 0) | (first ? GTF_reading : 0)));
        return status;
    }
    /* commit */
    if (write)
        a->writers += n;
    else
        a->readers += n;
    return GNTST_okay;
}

int16_t grant_pin(struct domain *owner, struct domain *user, uint32_t ref, bool write, uint32_t n,
                  mfn_t *m)
{
    struct grant_table *t = owner->grant;
    int16_t status = GNTST_general_error;

    spin_lock(&t->lock);
    if (!domain_is_dying(owner))
        status = pin_locked(owner, user->id, ref, write, n);
    if (status == GNTST_okay)
        *m = mfn(active_of(t, ref)->frame);
    spin_unlock(&t->lock);
    if (status != GNTST_okay)
        guest_log("d%u may not use grant %u of d%u (%s): status %d", user->id, ref, owner->id,
                  write ? "write" : "read", status);
    return status;
}

void grant_unpin(struct domain *owner, uint32_t ref, bool write, uint32_t n)
{
    struct grant_table *t = owner->grant;
    struct grant_entry_v1 *e = entry_of(t, ref);
    struct active *a = active_of(t, ref);
    uint32_t *count = write ? &a->writers : &a->readers;
    uint16_t bits = 0;

    spin_lock(&t->lock);
    ASSERT(*count >= n);
    *count -= n;
    if (write && !a->writers) {
        frame_put_type(frame_of(mfn(a->frame)));
        bits |= GTF_writing;
    }
    if (!a->writers && !a->readers) {
        frame_put(frame_of(mfn(a->frame)));
        bits |= GTF_reading;
    }
    if (bits)
        clear_status(e, bits);
    spin_unlock(&t->lock);
}

mfn_t grant_pinned_frame(struct domain *owner, uint32_t ref)
{
    return mfn(active_of(owner->grant, ref)->frame);
}

/* LOCK_GRANT held. */
int16_t grant_swap(struct grant_table *t, uint32_t a, uint32_t b)
{
    uint32_t end = t->nr_frames * REFS_PER_FRAME;
    struct grant_entry_v1 *ea, *eb, tmp;

    if (a >= end || b >= end)
        return GNTST_bad_gntref;
    if (active_of(t, a)->readers || active_of(t, a)->writers || active_of(t, b)->readers ||
        active_of(t, b)->writers)
        return GNTST_eagain;
    ea = entry_of(t, a);
    eb = entry_of(t, b);
    tmp = *ea;
    *ea = *eb;
    *eb = tmp;
    return GNTST_okay;
}

void grant_dump(struct domain *d)
{
    struct grant_table *t = d->grant;

    log_info("d%u: grant frames %u of %u, mappings held %u", d->id, t->nr_frames, t->max_frames,
             t->nr_maps);
    for (uint32_t ref = 0; ref < t->nr_frames * REFS_PER_FRAME; ref++) {
        const struct active *a = active_of(t, ref);
        if (a->readers || a->writers)
            log_info("  ref %u frame %x to d%u: %u readers, %u writers, flags %x", ref, a->frame,
                     a->domid, a->readers, a->writers, entry_of(t, ref)->flags);
    }
}
