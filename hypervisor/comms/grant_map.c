/* SPDX-License-Identifier: MIT
 *
 * Mapping and unmapping granted frames. A mapping has a host half (a page-table entry of the
 * user's) and a device half (the frame stays put for DMA); each counts as one use of the entry.
 *
 * The page-table entry holds its own references on the frame, as every entry does; the use of the
 * grant holds others. So a guest that overwrites the entry by itself breaks nothing: the frame
 * stays with the grant until it is unmapped. And the grant's references are dropped only after the
 * TLBs of the user's CPUs have been flushed, once for a batch.
 *
 * Locks: the maptrack's (the user's LOCK_GRANT) and the owner's are taken one after the other. A
 * half being unmapped is marked "going" meanwhile, which keeps the handle.
 */
#include "comms/grant_private.h"
#include "hypercall.h"
#include "mm/frame.h"
#include "mm/page_alloc.h"
#include "mm/pt.h"
#include "mm/tlb.h"
#include "x86/cpu.h"
#include "x86/hvmap.h"

#define GNTMAP_KEPT (GNTMAP_HALVES | GNTMAP_readonly | GNTMAP_contains_pte)

/* ---- handles ---- */

static struct maptrack *track_of(struct grant_table *t, uint32_t handle)
{
    return &t->track[handle / HANDLES_PER_PAGE][handle % HANDLES_PER_PAGE];
}

/* Puts all handles of a page on the free list, lowest first. LOCK_GRANT held. */
static void list_page(struct grant_table *t, uint32_t n)
{
    uint32_t first = n * HANDLES_PER_PAGE;

    for (uint32_t i = 0; i < HANDLES_PER_PAGE; i++)
        t->track[n][i].ref = i + 1 < HANDLES_PER_PAGE ? first + i + 1 : t->free_handle;
    t->free_handle = first;
}

bool grant_grow_track(struct grant_table *t)
{
    if (t->nr_track_pages >= t->max_track_pages)
        return false;
    t->track[t->nr_track_pages] = hv_page_alloc();
    if (!t->track[t->nr_track_pages])
        return false;
    list_page(t, t->nr_track_pages++);
    return true;
}

/* Nothing is mapped: back to one page, as at the beginning. LOCK_GRANT held. */
static void shrink_track(struct grant_table *t)
{
    while (t->nr_track_pages > 1)
        hv_page_free(t->track[--t->nr_track_pages]);
    t->free_handle = NO_HANDLE;
    list_page(t, 0);
}

/* Takes a handle; nobody can use it until track_fill(). NO_HANDLE: none left. */
static uint32_t track_take(struct grant_table *t)
{
    uint32_t handle = NO_HANDLE;

    spin_lock(&t->lock);
    if (t->free_handle != NO_HANDLE || grant_grow_track(t)) {
        handle = t->free_handle;
        t->free_handle = track_of(t, handle)->ref;
        t->nr_maps++;
    }
    spin_unlock(&t->lock);
    return handle;
}

static void track_fill(struct grant_table *t, uint32_t handle, struct domain *owner, uint32_t ref,
                       uint32_t flags)
{
    struct maptrack *m;

    spin_lock(&t->lock);
    m = track_of(t, handle);
    m->owner = owner;
    m->ref = ref;
    m->flags = flags;
    spin_unlock(&t->lock);
}

/* LOCK_GRANT held. */
static void track_free(struct grant_table *t, uint32_t handle)
{
    struct maptrack *m = track_of(t, handle);
    m->flags = 0;
    m->owner = NULL;
    m->ref = t->free_handle;
    t->free_handle = handle;
    if (!--t->nr_maps && t->nr_track_pages > 1)
        shrink_track(t);
}

/* Marks those of the halves asked for that are mapped as going; out->flags has them alone as its
 * map bits. false: no such handle, or nothing of it is left to unmap. */
static bool track_begin_unmap(struct grant_table *t, uint32_t handle, uint32_t halves,
                              struct maptrack *out)
{
    struct maptrack *m;
    bool mapped = false;

    spin_lock(&t->lock);
    if (handle < t->nr_track_pages * HANDLES_PER_PAGE) {
        m = track_of(t, handle);
        *out = *m;
        mapped = m->flags & GNTMAP_HALVES;
        halves &= m->flags;
        m->flags = (m->flags & ~halves) | halves << GOING_SHIFT;
        out->flags = (out->flags & ~GNTMAP_HALVES) | halves;
    }
    spin_unlock(&t->lock);
    return mapped;
}

/* The halves marked going are mapped after all. */
static void track_undo_unmap(struct grant_table *t, uint32_t handle, uint32_t halves)
{
    struct maptrack *m;

    spin_lock(&t->lock);
    m = track_of(t, handle);
    m->flags = (m->flags & ~(halves << GOING_SHIFT)) | halves;
    spin_unlock(&t->lock);
}

/* ---- page-table entries of the user ---- */

/* Puts pte where host_addr says, in place of an entry that maps *expect (or anything). */
static bool host_install(struct hcall *c, uint64_t host_addr, bool contains_pte, uint64_t pte,
                         const mfn_t *expect)
{
    struct frame *f = NULL;
    uint64_t slot = host_addr;
    int rc = -EINVAL;

    if (!contains_pte)
        slot = pt_find_l1_slot(c->v, host_addr, &f);
    if (slot && !(slot & 7))
        rc = pt_install_l1(c->d, slot, pte, expect);
    if (f)
        frame_put(f);
    return !rc;
}

static uint64_t host_pte(mfn_t m, uint32_t flags)
{
    uint64_t avail = (uint64_t)(flags >> _GNTMAP_guest_avail0) << 9 & PTE_AVAIL;
    return pte_make(m, PTE_P | PTE_US | PTE_A | PTE_D | avail |
                           (flags & GNTMAP_readonly ? 0 : PTE_RW) | (cpu.nx ? PTE_NX : 0));
}

/* The entry gets references of its own on a frame that the grant's use keeps alive. */
static int16_t map_host(struct hcall *c, const struct gnttab_map_grant_ref *op,
                        struct domain *owner, mfn_t m)
{
    struct frame *f = frame_of(m);
    bool write = !(op->flags & GNTMAP_readonly);

    if (!frame_hold(f, owner, write))
        return GNTST_general_error;
    if (host_install(c, op->host_addr, op->flags & GNTMAP_contains_pte, host_pte(m, op->flags),
                     NULL))
        return GNTST_okay;
    frame_drop(f, write);
    return GNTST_general_error;
}

/* ---- map ---- */

static int16_t map(struct hcall *c, struct gnttab_map_grant_ref *op, struct domain *owner,
                   uint32_t handle)
{
    bool write = !(op->flags & GNTMAP_readonly);
    uint32_t uses = uses_of(op->flags);
    mfn_t m;
    int16_t status = grant_pin(owner, c->d, op->ref, write, uses, &m);

    if (status != GNTST_okay)
        return status;
    if (op->flags & GNTMAP_host_map)
        status = map_host(c, op, owner, m);
    if (status != GNTST_okay) {
        grant_unpin(owner, op->ref, write, uses);
        return status;
    }
    /* commit */
    domain_hold(owner);
    track_fill(c->d->grant, handle, owner, op->ref, op->flags & GNTMAP_KEPT);
    op->handle = handle;
    op->dev_bus_addr = mfn_to_maddr(m);
    return GNTST_okay;
}

long gnttab_map_grant_ref(struct hcall *c, void *elem, struct gnttab_call *)
{
    struct gnttab_map_grant_ref *op = elem;
    struct grant_table *t = c->d->grant;
    struct domain *owner;
    uint32_t handle;
    long status = GNTST_no_space;

    if (!(op->flags & GNTMAP_HALVES))
        return GNTST_bad_gntref;
    owner = domain_get(op->dom);
    if (!owner)
        return GNTST_bad_domain;
    handle = track_take(t);
    if (handle != NO_HANDLE) {
        status = map(c, op, owner, handle);
        if (status != GNTST_okay) {
            spin_lock(&t->lock);
            track_free(t, handle);
            spin_unlock(&t->lock);
        }
    }
    domain_put(owner);
    return status;
}

/* ---- unmap ---- */

static long defer(struct gnttab_call *call, uint32_t handle, uint32_t halves)
{
    ASSERT(call->nr < UNMAP_BATCH);
    call->unmapped[call->nr].handle = handle;
    call->unmapped[call->nr++].halves = halves;
    call->flush |= !!(halves & GNTMAP_host_map);
    return GNTST_okay;
}

/* Ends the use of one handle's halves; the handle is free when none is left. */
static void finish_one(struct grant_table *t, uint32_t handle, uint32_t halves)
{
    struct domain *gone = NULL;
    struct maptrack m;

    spin_lock(&t->lock);
    m = *track_of(t, handle);
    spin_unlock(&t->lock);
    grant_unpin(m.owner, m.ref, !(m.flags & GNTMAP_readonly), uses_of(halves));
    spin_lock(&t->lock);
    track_of(t, handle)->flags &= ~(halves << GOING_SHIFT);
    if (!(track_of(t, handle)->flags & (GNTMAP_HALVES | GNTMAP_HALVES << GOING_SHIFT))) {
        gone = m.owner;
        track_free(t, handle);
    }
    spin_unlock(&t->lock);
    if (gone)
        domain_put(gone);
}

void gnttab_finish(struct domain *d, struct gnttab_call *call)
{
    if (!call->nr)
        return;
    if (call->flush)
        tlb_flush_domain(d);
    for (unsigned i = 0; i < call->nr; i++)
        finish_one(d->grant, call->unmapped[i].handle, call->unmapped[i].halves);
    call->nr = 0;
    call->flush = false;
}

long gnttab_unmap_grant_ref(struct hcall *c, void *elem, struct gnttab_call *call)
{
    struct gnttab_unmap_grant_ref *op = elem;
    struct grant_table *t = c->d->grant;
    uint32_t halves =
        (op->host_addr ? GNTMAP_host_map : 0) | (op->dev_bus_addr ? GNTMAP_device_map : 0);
    long status = GNTST_okay;
    struct maptrack m;
    mfn_t frame;

    if (!track_begin_unmap(t, op->handle, halves, &m))
        return GNTST_bad_handle;
    halves = m.flags & GNTMAP_HALVES;
    if (!halves)
        return GNTST_okay;
    frame = grant_pinned_frame(m.owner, m.ref);
    if (halves & GNTMAP_device_map && op->dev_bus_addr != mfn_to_maddr(frame))
        status = GNTST_bad_dev_addr;
    else if (halves & GNTMAP_host_map &&
             !host_install(c, op->host_addr, m.flags & GNTMAP_contains_pte, 0, &frame))
        status = GNTST_general_error;
    if (status == GNTST_okay)
        return defer(call, op->handle, halves);
    track_undo_unmap(t, op->handle, halves);
    return status;
}

/* Moves the entry that maps new_addr to host_addr, where the granted frame is mapped. */
static bool replace(struct hcall *c, const struct gnttab_unmap_and_replace *op, mfn_t granted)
{
    struct frame *table = NULL, *target = NULL;
    uint64_t slot = pt_find_l1_slot(c->v, op->new_addr, &table), pte;
    bool ok = false;

    if (!slot)
        return false;
    pte = READ_ONCE(*(uint64_t *)maddr_to_va(slot));
    target = pte & PTE_P ? frame_of(pte_mfn(pte)) : NULL;
    if (!frame_hold(target, c->d, pte & PTE_RW)) /* none of ours: the entry may not be copied */
        target = NULL;
    if (target || !(pte & PTE_P))
        ok = host_install(c, op->host_addr, false, target ? pte : 0, &granted);
    if (ok && target) {
        mfn_t m = pte_mfn(pte);
        (void)pt_install_l1(c->d, slot, 0, &m); /* changed meanwhile: then both map it */
    } else if (target) {
        frame_drop(target, pte & PTE_RW);
    }
    frame_put(table);
    return ok;
}

long gnttab_unmap_and_replace(struct hcall *c, void *elem, struct gnttab_call *call)
{
    struct gnttab_unmap_and_replace *op = elem;
    struct grant_table *t = c->d->grant;
    struct maptrack m;

    if (!track_begin_unmap(t, op->handle, GNTMAP_host_map, &m))
        return GNTST_bad_handle;
    if (!(m.flags & GNTMAP_host_map))
        return GNTST_okay;
    if (m.flags & GNTMAP_contains_pte || !replace(c, op, grant_pinned_frame(m.owner, m.ref))) {
        track_undo_unmap(t, op->handle, GNTMAP_host_map);
        return GNTST_general_error;
    }
    return defer(call, op->handle, GNTMAP_host_map);
}
