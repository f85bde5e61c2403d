/* SPDX-License-Identifier: MIT
 *
 * XENMEM_exchange: scattered frames against a contiguous block, or a block at lower addresses, for
 * dom0's device buffers. It works in steps of one block of the larger of the two orders, and each
 * step is all or nothing: new frames and all old ones are in hand (claimed: nobody else refers to
 * them nor can begin to), and the guest has been told, before anything changes hands. Steps done
 * are counted in nr_exchanged, from where a continuation goes on.
 */
#include "mm/memory.h"
#include "mm/frame.h"
#include "mm/page_alloc.h"
#include "dom/domain.h"
#include "hypercall.h"

struct step {
    struct domain *d;
    const struct xen_memory_exchange *x;
    unsigned in_order, out_order, order; /* order: of the step, the larger of the two */
    uint64_t *in;                        /* frames claimed, 2^order */
    uint64_t *pfn;                       /* of each new extent */
    uint64_t *out;                       /* first new frame of each */
    uint64_t nr_in, nr_out;              /* extents a step */
};

static int claim_inputs(struct step *s, uint64_t n, uint64_t *claimed)
{
    for (uint64_t e = 0; e < s->nr_in; e++) {
        uint64_t first;

        if (copy_from_guest(&first, extent_at(&s->x->in, n * s->nr_in + e), sizeof(first)))
            return -EFAULT;
        for (uint64_t j = 0; j < 1ull << s->in_order; j++) {
            struct frame *f = frame_of(mfn(first + j));
            int rc = f ? domain_page_claim(s->d, f) : -EINVAL;

            if (rc) {
                guest_log("d%u: frame %lx cannot be exchanged: %d", s->d->id,
                          (unsigned long)(first + j), rc);
                return -EINVAL;
            }
            s->in[(*claimed)++] = first + j;
        }
    }
    return 0;
}

static int allocate_outputs(struct step *s, uint64_t n, uint64_t *allocated)
{
    unsigned bits = XENMEMF_get_address_bits(s->x->out.mem_flags);

    for (uint64_t e = 0; e < s->nr_out; e++) {
        mfn_t m;

        if (copy_from_guest(&s->pfn[e], extent_at(&s->x->out, n * s->nr_out + e),
                            sizeof(s->pfn[e])))
            return -EFAULT;
        m = page_alloc(s->out_order, bits);
        if (mfn_eq(m, MFN_NONE))
            return -ENOMEM;
        s->out[(*allocated)++] = m.v;
    }
    return 0;
}

static int tell_guest(struct step *s, uint64_t n)
{
    for (uint64_t e = 0; e < s->nr_out; e++)
        if (copy_to_guest(extent_at(&s->x->out, n * s->nr_out + e), &s->out[e], sizeof(s->out[e])))
            return -EFAULT;
    return 0;
}

/* One step: 0, or an error with nothing changed but perhaps the guest's list. */
static int exchange_step(struct step *s, uint64_t n)
{
    uint64_t claimed = 0, allocated = 0;
    int rc = allocate_outputs(s, n, &allocated);

    if (!rc)
        rc = claim_inputs(s, n, &claimed);
    if (!rc)
        rc = tell_guest(s, n);
    if (rc) {
        while (claimed)
            domain_page_unclaim(s->d, frame_of(mfn(s->in[--claimed])));
        while (allocated)
            page_free(mfn(s->out[--allocated]), s->out_order);
        return rc;
    }
    /* commit */
    for (uint64_t e = 0; e < claimed; e++)
        domain_page_free_claimed(s->d, frame_of(mfn(s->in[e])));
    for (uint64_t e = 0; e < allocated; e++) {
        domain_page_take(s->d, mfn(s->out[e]), s->out_order);
        for (uint64_t j = 0; j < 1ull << s->out_order; j++)
            *m2p_entry(mfn(s->out[e] + j)) = s->pfn[e] + j;
    }
    return 0;
}

static int check(const struct hcall *c, const struct xen_memory_exchange *x, struct step *s)
{
    unsigned limit = memory_max_order(c->d);

    if (x->in.extent_order > limit || x->out.extent_order > limit)
        return -EPERM;
    s->in_order = x->in.extent_order;
    s->out_order = x->out.extent_order;
    s->order = max(s->in_order, s->out_order);
    s->nr_in = 1ull << (s->order - s->in_order);
    s->nr_out = 1ull << (s->order - s->out_order);
    if (x->in.domid != x->out.domid || x->in.nr_extents > ~0ull >> 32 ||
        x->out.nr_extents > ~0ull >> 32 ||
        x->in.nr_extents << s->in_order != x->out.nr_extents << s->out_order ||
        x->nr_exchanged > x->in.nr_extents || x->nr_exchanged % s->nr_in ||
        x->in.nr_extents % s->nr_in)
        return -EINVAL;
    if (x->in.domid != DOMID_SELF && x->in.domid != c->d->id)
        return -EPERM;
    return 0;
}

static long run(struct hcall *c, struct xen_memory_exchange *x, struct step *s)
{
    uint64_t steps = x->in.nr_extents / s->nr_in;

    for (uint64_t n = x->nr_exchanged / s->nr_in, first = n; n < steps; n++) {
        int rc;

        if (n != first && hcall_out_of_budget(c))
            return -ERESTART;
        rc = exchange_step(s, n);
        if (rc)
            return rc;
        x->nr_exchanged += s->nr_in;
    }
    return 0;
}

long xenmem_exchange(struct hcall *c, void *arg)
{
    struct xen_memory_exchange *x = arg;
    struct step s = {.d = c->d, .x = x};
    long rc = check(c, x, &s);

    if (rc)
        return rc;
    s.in = hv_alloc(sizeof(uint64_t) << s.order);
    s.pfn = hv_alloc(sizeof(uint64_t) * s.nr_out);
    s.out = hv_alloc(sizeof(uint64_t) * s.nr_out);
    rc = s.in && s.pfn && s.out ? run(c, x, &s) : -ENOMEM;
    hv_free(s.in);
    hv_free(s.pfn);
    hv_free(s.out);
    return rc;
}
