/* SPDX-License-Identifier: MIT
 *
 * mmuext_op (ABI: xen.h): pinning, new page-table roots, flushes, the LDT, whole pages.
 * Operations are performed one by one; the first that fails ends the call and *done counts those
 * before it. Continuation as in mmu_update.c: pointer and count move on, the upper half of the
 * count register holds what is done.
 */
#include <xen/xen.h>
#include "mm/pt.h"
#include "mm/guest_copy.h"
#include "mm/tlb.h"
#include "dom/domain.h"
#include "dom/vcpu.h"
#include "hypercall.h"
#include "pv/pv.h"

#define CHUNK   8u
#define MAX_LDT 8192u

struct call {
    struct hcall *c;
    struct domain *owner; /* of frames that operations name */
    long budget;
};

static int pin(struct call *k, mfn_t m, enum frame_type t)
{
    struct frame *f = frame_of(m);
    int rc;

    if (!f || !frame_get(f, k->owner))
        return -EINVAL;
    if (frame_is_pinned(f)) {
        frame_put(f);
        return -EINVAL;
    }
    rc = frame_get_type_within(f, t, &k->budget);
    if (rc) {
        frame_put(f);
        return rc;
    }
    if (!frame_set_pinned(f)) { /* another vCPU was faster */
        frame_put_and_type(f);
        return -EINVAL;
    }
    /* Given up by its owner meanwhile: no teardown will unpin it (frame_domain.c). */
    if (!(READ_ONCE(f->count) & FRAME_ALLOCATED) && frame_clear_pinned(f))
        frame_put_and_type(f);
    return 0;
}

static int unpin(struct call *k, mfn_t m)
{
    struct frame *f = frame_of(m);
    bool was;

    if (!f || !frame_get(f, k->owner))
        return -EINVAL;
    was = frame_clear_pinned(f);
    frame_put(f);
    if (!was)
        return -EINVAL;
    /* the pin's use and reference are ours now */
    if (frame_put_type_within(f, &k->budget))
        k->c->v->old_table = f;
    else
        frame_put(f);
    return 0;
}

static int set_ldt(struct call *k, const struct mmuext_op *op)
{
    uint64_t base = op->arg1.linear_addr;
    unsigned entries = op->arg2.nr_ents;

    if (base & ~PAGE_MASK || entries > MAX_LDT ||
        (entries && !guest_range_ok(guest_va(base), 8ul * entries)))
        return -EINVAL;
    return vcpu_set_ldt(k->c->v, base, entries);
}

/* Clears a page, or copies one: through the direct map, while it cannot become a page table. */
static int whole_page(struct call *k, mfn_t to, const mfn_t *from)
{
    struct frame *dst = frame_of(to), *src = from ? frame_of(*from) : NULL;
    int rc;

    if (!dst || (from && (!src || !frame_get(src, k->owner))))
        return -EINVAL;
    rc = frame_get_and_type(dst, k->owner, FRAME_WRITABLE) ? -EINVAL : 0;
    if (!rc) {
        if (src)
            memcpy(frame_va(dst), frame_va(src), PAGE_SIZE);
        else
            memset(frame_va(dst), 0, PAGE_SIZE);
        frame_put_and_type(dst);
    }
    if (src)
        frame_put(src);
    return rc;
}

static bool allowed_on_others(unsigned cmd)
{
    return cmd <= MMUEXT_UNPIN_TABLE || cmd == MMUEXT_CLEAR_PAGE || cmd == MMUEXT_COPY_PAGE;
}

static int one_op(struct call *k, const struct mmuext_op *op)
{
    struct vcpu *v = k->c->v;
    guest_va_t vcpus = guest_va((uint64_t)op->arg2.vcpumask.p);
    mfn_t m = mfn(op->arg1.mfn), src = mfn(op->arg2.src_mfn);

    if (unlikely(k->owner != k->c->d && !allowed_on_others(op->cmd)))
        return -EPERM;
    switch (op->cmd) {
    case MMUEXT_PIN_L1_TABLE:
    case MMUEXT_PIN_L2_TABLE:
    case MMUEXT_PIN_L3_TABLE:
    case MMUEXT_PIN_L4_TABLE:
        return pin(k, m, FRAME_L1 + op->cmd - MMUEXT_PIN_L1_TABLE);
    case MMUEXT_UNPIN_TABLE:
        return unpin(k, m);
    case MMUEXT_NEW_BASEPTR:
        return vcpu_set_kernel_l4_within(v, m, &k->budget);
    case MMUEXT_NEW_USER_BASEPTR:
        return vcpu_set_user_l4_within(v, m, &k->budget);
    case MMUEXT_TLB_FLUSH_LOCAL:
        tlb_flush_local();
        return 0;
    case MMUEXT_INVLPG_LOCAL:
        tlb_flush_local_page(op->arg1.linear_addr);
        return 0;
    case MMUEXT_TLB_FLUSH_MULTI:
        return pt_flush_vcpus(v->d, &vcpus, ~0ull);
    case MMUEXT_INVLPG_MULTI:
        return pt_flush_vcpus(v->d, &vcpus, op->arg1.linear_addr);
    case MMUEXT_TLB_FLUSH_ALL:
        return pt_flush_vcpus(v->d, NULL, ~0ull);
    case MMUEXT_INVLPG_ALL:
        return pt_flush_vcpus(v->d, NULL, op->arg1.linear_addr);
    case MMUEXT_FLUSH_CACHE:
        if (!k->c->d->privileged)
            return -EACCES;
        cache_flush_local();
        return 0;
    case MMUEXT_FLUSH_CACHE_GLOBAL:
        if (!k->c->d->privileged)
            return -EINVAL;
        cache_flush_all();
        return 0;
    case MMUEXT_SET_LDT:
        return set_ldt(k, op);
    case MMUEXT_CLEAR_PAGE:
        return whole_page(k, m, NULL);
    case MMUEXT_COPY_PAGE:
        return whole_page(k, m, &src);
    case MMUEXT_MARK_SUPER:
    case MMUEXT_UNMARK_SUPER:
        return -EOPNOTSUPP;
    default:
        return -ENOSYS;
    }
}

static int operations(struct call *k, uint32_t count, uint32_t *done)
{
    struct mmuext_op op[CHUNK];
    int rc;

    while (*done < count) {
        uint32_t n = min(count - *done, CHUNK);

        rc = copy_from_guest(op, guest_va_at(guest_va(k->c->a[0]), *done, sizeof(op[0])),
                             n * sizeof(op[0]));
        if (unlikely(rc))
            return rc;
        for (uint32_t i = 0; i < n; i++, ++*done) {
            if (unlikely(k->c->v->old_table)) /* the last operation left work behind */
                return -ERESTART;
            rc = one_op(k, &op[i]);
            if (unlikely(rc))
                return rc;
        }
        if (*done < count && hcall_out_of_budget(k->c))
            return -ERESTART;
    }
    return k->c->v->old_table ? -ERESTART : 0;
}

long do_mmuext_op(struct hcall *c, void *)
{
    uint32_t done = 0;
    struct call k = {.c = c, .budget = pt_budget};
    int rc = unlikely(c->v->old_table) ? vcpu_finish_old_table(c->v, &k.budget) : 0;

    if (unlikely(rc))
        return rc;
    k.owner = pt_target_get(c->d, (uint32_t)c->a[3] & 0xffff, &rc);
    if (unlikely(!k.owner))
        return rc;
    rc = k.owner == &domain_io || k.owner == &domain_xen ? -EPERM
                                                         : operations(&k, (uint32_t)c->a[1], &done);
    pt_target_put(c->d, k.owner);
    return pt_call_end(c, rc, done, sizeof(struct mmuext_op));
}
