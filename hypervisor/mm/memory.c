/* SPDX-License-Identifier: MIT
 *
 * memory_op: how much memory a domain has, and giving and taking it (ABI: memory.h). The three
 * reservation operations answer the number of extents done, never an error.
 * Continuation: the extent to go on with is in the bits of the command above the first six, so a
 * guest that forges it only skips some of its own extents.
 */
#include "mm/memory.h"
#include "mm/frame.h"
#include "dom/domain.h"
#include "hypercall.h"

/* Superpages are for whoever builds domains; a guest's balloon gets up to 2 MiB. */
unsigned memory_max_order(const struct domain *caller)
{
    return caller->privileged ? 18 : 9;
}

static bool populate_one(struct domain *d, const struct xen_memory_reservation *r, uint64_t i,
                         bool with_pfn)
{
    uint64_t pfn = 0;
    mfn_t m;

    if (with_pfn && copy_from_guest(&pfn, extent_at(r, i), sizeof(pfn)))
        return false;
    m = domain_page_alloc(d, r->extent_order, XENMEMF_get_address_bits(r->mem_flags));
    if (mfn_eq(m, MFN_NONE))
        return false;
    if (with_pfn)
        for (uint64_t j = 0; j < 1ull << r->extent_order; j++)
            *m2p_entry(mfn(m.v + j)) = pfn + j;
    if ((with_pfn || r->extent_start.p) && copy_to_guest(extent_at(r, i), &m.v, sizeof(m.v))) {
        /* nobody else knows them yet, but a hostile vCPU may have guessed: then they linger */
        for (uint64_t j = 0; j < 1ull << r->extent_order; j++) {
            struct frame *f = frame_of(mfn(m.v + j));

            if (frame_get(f, d)) {
                domain_page_release(d, f);
                frame_put(f);
            }
        }
        return false;
    }
    return true;
}

static bool decrease_one(struct domain *d, const struct xen_memory_reservation *r, uint64_t i)
{
    uint64_t m;

    if (copy_from_guest(&m, extent_at(r, i), sizeof(m)))
        return false;
    for (uint64_t j = 0; j < 1ull << r->extent_order; j++) {
        struct frame *f = frame_of(mfn(m + j));
        int rc;

        if (!f || !frame_get(f, d))
            return false;
        rc = domain_page_release(d, f);
        frame_put(f);
        if (rc) {
            guest_log("d%u: frame %lx cannot be given up: %d", d->id, (unsigned long)(m + j), rc);
            return false;
        }
    }
    return true;
}

enum which { INCREASE, DECREASE, POPULATE };

static long reservation(struct hcall *c, const struct xen_memory_reservation *r, enum which which)
{
    uint64_t i = c->a[0] >> MEMORY_CMD_BITS, first = i;
    int err;

    /* the count is the answer, and has to fit into the command word */
    if (r->nr_extents > ~0ull >> MEMORY_CMD_BITS >> 1 || i > r->nr_extents)
        return (long)i;
    if (r->extent_order > memory_max_order(c->d))
        return (long)i;
    struct domain *d PUT_AT_END = domain_get_for(c->d, r->domid, &err);

    if (!d)
        return (long)i;
    for (; i < r->nr_extents; i++) {
        if (i != first && hcall_out_of_budget(c)) {
            c->a[0] = (c->a[0] & ((1u << MEMORY_CMD_BITS) - 1)) | i << MEMORY_CMD_BITS;
            return -ERESTART;
        }
        if (which == DECREASE ? !decrease_one(d, r, i) : !populate_one(d, r, i, which == POPULATE))
            break;
    }
    return (long)i;
}

long xenmem_increase_reservation(struct hcall *c, void *arg)
{
    return reservation(c, arg, INCREASE);
}

long xenmem_decrease_reservation(struct hcall *c, void *arg)
{
    return reservation(c, arg, DECREASE);
}

long xenmem_populate_physmap(struct hcall *c, void *arg)
{
    return reservation(c, arg, POPULATE);
}

long xenmem_maximum_ram_page(struct hcall *, void *)
{
    return (long)max_mfn;
}

long xenmem_current_reservation(struct hcall *c, void *arg)
{
    int err;
    struct domain *d PUT_AT_END = domain_get_for(c->d, *(const domid_t *)arg, &err);

    return d ? (long)READ_ONCE(d->tot_pages) : err;
}

long xenmem_maximum_reservation(struct hcall *c, void *arg)
{
    int err;
    struct domain *d PUT_AT_END = domain_get_for(c->d, *(const domid_t *)arg, &err);

    return d ? (long)READ_ONCE(d->max_pages) : err;
}

/* The guest's own number, so anything; but no error number. */
long xenmem_maximum_gpfn(struct hcall *c, void *arg)
{
    int err;
    struct domain *d PUT_AT_END = domain_get_for(c->d, *(const domid_t *)arg, &err);

    return d ? max((long)(READ_ONCE(d->shared->arch.max_pfn) - 1), 0l) : err;
}
