/* SPDX-License-Identifier: MIT
 *
 * Changes of page-table entries by hypercall: mmu_update, update_va_mapping (ABI: xen.h). Requests
 * are copied in by chunks and performed one by one; the first that fails ends the call, and *done
 * counts those before it.
 *
 * Continuation of mmu_update: the request pointer and count move on; how many are done so far is in
 * the upper half of the count register. A guest that puts something there itself gets a wrong
 * *done and nothing else.
 */
#include <xen/xen.h>
#include "mm/pt.h"
#include "mm/guest_copy.h"
#include "mm/tlb.h"
#include "dom/domain.h"
#include "dom/vcpu.h"
#include "hypercall.h"
#include "x86/hvmap.h"

#define CHUNK 32u

struct domain *pt_target_get(struct domain *caller, uint32_t domid, int *err)
{
    struct domain *d;

    if (likely(domid == DOMID_SELF))
        return caller;
    if (domid == DOMID_IO)
        return &domain_io;
    if (domid == DOMID_XEN && caller->privileged)
        return &domain_xen;
    d = domain_get((domid_t)domid);
    *err = domid == DOMID_XEN || (d && d != caller) ? -EPERM : -ESRCH;
    if (d && (d == caller || !caller->privileged)) {
        domain_put(d);
        d = NULL;
    }
    return d;
}

void pt_target_put(const struct domain *caller, struct domain *d)
{
    if (unlikely(d != caller && d != &domain_io && d != &domain_xen))
        domain_put(d);
}

static int machphys_update(struct domain *owner, uint64_t ptr, uint64_t pfn)
{
    mfn_t m = maddr_to_mfn(ptr);
    struct frame *f = frame_of(m);

    if (!f || !frame_get(f, owner))
        return -EINVAL;
    *m2p_entry(m) = pfn;
    frame_put(f);
    return 0;
}

static int one_request(struct pt_batch *b, const struct mmu_update *r)
{
    switch (r->ptr & 7) { /* entries are 8 bytes apart */
    case MMU_NORMAL_PT_UPDATE:
    case MMU_PT_UPDATE_NO_TRANSLATE:
        return pt_batch_update(b, r->ptr & ~7ull, r->val, PT_STORE);
    case MMU_PT_UPDATE_PRESERVE_AD:
        return pt_batch_update(b, r->ptr & ~7ull, r->val, PT_KEEP_AD);
    case MMU_MACHPHYS_UPDATE:
        return machphys_update(b->target, r->ptr, r->val);
    default:
        return -ENOSYS;
    }
}

/* Performs up to `count` requests; *done of them were. 0 or the error of the next one. */
static int requests(struct hcall *c, struct pt_batch *b, uint32_t count, uint32_t *done)
{
    struct mmu_update req[CHUNK];
    int rc;

    while (*done < count) {
        uint32_t n = min(count - *done, CHUNK);

        rc = copy_from_guest(req, guest_va_at(guest_va(c->a[0]), *done, sizeof(req[0])),
                             n * sizeof(req[0]));
        if (unlikely(rc))
            return rc;
        for (uint32_t i = 0; i < n; i++, ++*done) {
            rc = one_request(b, &req[i]);
            if (unlikely(rc))
                return rc;
        }
        if (*done < count && hcall_out_of_budget(c))
            return -ERESTART;
    }
    return 0;
}

long pt_call_end(struct hcall *c, long rc, uint32_t done, size_t size)
{
    uint32_t left = (uint32_t)c->a[1] - done, all = (uint32_t)(c->a[1] >> 32) + done;

    if (rc == -ERESTART) {
        c->a[0] += done * size;
        c->a[1] = left | (uint64_t)all << 32;
    } else if (c->a[2] && copy_to_guest(guest_va(c->a[2]), &all, sizeof(all))) {
        rc = -EFAULT;
    }
    return rc;
}

long do_mmu_update(struct hcall *c, void *)
{
    uint32_t pt_dom = (uint32_t)c->a[3] >> 16, done = 0;
    long budget = pt_budget;
    struct pt_batch b = {.pt_owner = c->d, .budget = &budget};
    int rc = unlikely(c->v->old_table) ? vcpu_finish_old_table(c->v, &budget) : 0;

    if (unlikely(rc))
        return rc;
    b.target = pt_target_get(c->d, (uint32_t)c->a[3] & 0xffff, &rc);
    if (unlikely(!b.target))
        return rc;
    if (unlikely(pt_dom)) {
        rc = -ESRCH;
        if (pt_dom - 1 >= DOMID_FIRST_RESERVED)
            goto out;
        b.pt_owner = pt_target_get(c->d, pt_dom - 1, &rc);
        if (!b.pt_owner)
            goto out;
    }
    rc = requests(c, &b, (uint32_t)c->a[1], &done);
    pt_batch_end(&b);
    if (unlikely(b.unfinished)) {
        c->v->old_table = b.unfinished;
        rc = rc ? rc : -ERESTART;
    }
    if (pt_dom)
        pt_target_put(c->d, b.pt_owner);
    rc = (int)pt_call_end(c, rc, done, sizeof(struct mmu_update));
out:
    pt_target_put(c->d, b.target);
    return rc;
}

int pt_flush_vcpus(struct domain *d, const guest_va_t *which, uint64_t va)
{
    uint64_t mask[MAX_VCPUS / 64];

    memset(mask, which ? 0 : 0xff, sizeof(mask));
    if (which && copy_from_guest(mask, *which, div_up(min(d->max_vcpus, MAX_VCPUS), 8u)))
        return -EFAULT;
    tlb_flush_vcpus(d, mask, ARRAY_SIZE(mask), va);
    return 0;
}

static int flush_by_flags(struct vcpu *v, uint64_t va, uint64_t flags)
{
    uint64_t type = flags & UVMF_FLUSHTYPE_MASK;
    guest_va_t where = guest_va(flags & ~UVMF_FLUSHTYPE_MASK);

    if (type == UVMF_NONE)
        return 0;
    if (where.v != UVMF_LOCAL)
        return pt_flush_vcpus(v->d, where.v == UVMF_ALL ? NULL : &where,
                              type == UVMF_INVLPG ? va : ~0ull);
    if (type == UVMF_INVLPG)
        tlb_flush_local_page(va);
    else
        tlb_flush_local();
    return 0;
}

static long update_va_mapping(struct hcall *c, struct domain *target)
{
    struct pt_batch b = {.pt_owner = c->d, .target = target};
    uint64_t maddr = pt_guess_l1_slot(c->v, c->a[0]), *slot = maddr_to_va(maddr);
    struct frame *f = maddr ? frame_of(maddr_to_mfn(maddr)) : NULL;
    int rc = -EINVAL;

    if (unlikely(!f))
        return -EINVAL;
    b.level = frame_lock_table(f, c->d);
    if (unlikely(!b.level))
        return -EINVAL;
    b.locked = f;
    if (likely(b.level == 1))
        rc = pt_write_l1(&b, slot, READ_ONCE(*slot), c->a[1], PT_STORE);
    pt_batch_end(&b);
    return rc ? rc : flush_by_flags(c->v, c->a[0], c->a[2]);
}

long do_update_va_mapping(struct hcall *c, void *)
{
    return update_va_mapping(c, c->d);
}

long do_update_va_mapping_otherdomain(struct hcall *c, void *)
{
    int err = 0;
    struct domain *target = pt_target_get(c->d, (uint32_t)c->a[3] & 0xffff, &err);
    long rc;

    if (!target)
        return err;
    rc = target == &domain_io && !c->d->privileged ? -EPERM : update_va_mapping(c, target);
    pt_target_put(c->d, target);
    return rc;
}
