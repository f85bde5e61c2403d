/* SPDX-License-Identifier: MIT
 *
 * domctl commands about vCPUs: making them, their contexts, where they may run, NMIs.
 */
#include <xen/callback.h>
#include "dom/bitmap.h"
#include "dom/domain.h"
#include "dom/domctl.h"
#include "dom/sched.h"
#include "dom/vcpu.h"
#include "hypercall.h"
#include "mm/guest_copy.h"
#include "mm/page_alloc.h"
#include "x86/hvmap.h"
#include "x86/percpu.h"

struct vcpu *domctl_vcpu(const struct domain *d, uint32_t id, long *rc)
{
    struct vcpu *v = id < d->max_vcpus ? d->vcpu[id] : NULL;
    *rc = id >= d->max_vcpus ? -EINVAL : v ? 0 : -ESRCH;
    return v;
}

/* Once, with the number that createdomain was given. Goes on where it stopped. */
long domctl_max_vcpus(struct hcall *c, struct domain *d, struct xen_domctl *op)
{
    long rc = 0;

    if (op->u.max_vcpus.max != d->max_vcpus || domain_is_dying(d))
        return -EINVAL;
    spin_lock(&d->lock);
    for (unsigned i = 0; i < d->max_vcpus && !rc; i++) {
        if (d->vcpu[i])
            continue;
        if (hcall_out_of_budget(c))
            rc = -ERESTART;
        else if (!vcpu_create(d, i))
            rc = -ENOMEM;
    }
    spin_unlock(&d->lock);
    return rc;
}

static long set_context(struct vcpu *v, const struct vcpu_guest_context *ctx)
{
    long rc;

    if (domain_is_dying(v->d))
        return -EINVAL;
    vcpu_pause(v);
    spin_lock(&v->d->lock); /* against VCPUOP_initialise, and another tool */
    rc = vcpu_set_context(v, ctx);
    spin_unlock(&v->d->lock);
    if (!rc && ctx->flags & VGCF_online)
        __atomic_and_fetch(&v->flags, ~VCPU_DOWN, __ATOMIC_SEQ_CST);
    else if (!rc)
        __atomic_or_fetch(&v->flags, VCPU_DOWN, __ATOMIC_SEQ_CST);
    vcpu_unpause(v);
    return rc;
}

long domctl_setvcpucontext(struct vcpu *v, struct xen_domctl *op)
{
    guest_va_t from = guest_va((uint64_t)op->u.vcpucontext.ctxt.p);
    struct vcpu_guest_context *ctx;
    long rc;

    if (!from.v) /* a reset, which only hardware-virtualised guests know */
        return -EOPNOTSUPP;
    ctx = hv_alloc(sizeof(*ctx));
    if (!ctx)
        return -ENOMEM;
    rc = copy_from_guest(ctx, from, sizeof(*ctx)) ? -EFAULT : set_context(v, ctx);
    hv_free(ctx);
    return rc;
}

long domctl_getvcpucontext(struct vcpu *v, struct xen_domctl *op)
{
    guest_va_t to = guest_va((uint64_t)op->u.vcpucontext.ctxt.p);
    struct vcpu_guest_context *ctx;
    long rc;

    if (!v->initialised)
        return -ENODATA;
    ctx = hv_alloc(sizeof(*ctx));
    if (!ctx)
        return -ENOMEM;
    vcpu_pause(v);
    vcpu_get_context(v, ctx);
    vcpu_unpause(v);
    rc = copy_to_guest(to, ctx, sizeof(*ctx)) ? -EFAULT : 0;
    hv_free(ctx);
    return rc;
}

/* The callbacks that vcpu_guest_context has no room for. */
long domctl_get_ext_vcpucontext(struct vcpu *v, struct xen_domctl *op)
{
    struct xen_domctl_ext_vcpucontext *e = &op->u.ext_vcpucontext;

    memset((char *)e + offsetof(struct xen_domctl_ext_vcpucontext, size), 0,
           sizeof(*e) - offsetof(struct xen_domctl_ext_vcpucontext, size));
    vcpu_pause(v);
    e->size = sizeof(*e);
    e->syscall32_callback_eip = v->syscall32_cb;
    e->sysenter_callback_eip = v->sysenter_cb;
    e->syscall32_disables_events = !!(v->cb_masks_events & 1u << CALLBACKTYPE_syscall32);
    e->sysenter_disables_events = !!(v->cb_masks_events & 1u << CALLBACKTYPE_sysenter);
    vcpu_unpause(v);
    return 0;
}

static uint32_t with_bit(uint32_t word, unsigned bit, bool set)
{
    return set ? word | 1u << bit : word & ~(1u << bit);
}

long domctl_set_ext_vcpucontext(struct vcpu *v, struct xen_domctl *op)
{
    const struct xen_domctl_ext_vcpucontext *e = &op->u.ext_vcpucontext;

    if (e->size < offsetof(struct xen_domctl_ext_vcpucontext, mcg_cap) || e->size > sizeof(*e) ||
        !va_is_canonical(e->syscall32_callback_eip) || !va_is_canonical(e->sysenter_callback_eip))
        return -EINVAL;
    vcpu_pause(v);
    v->syscall32_cb = e->syscall32_callback_eip;
    v->sysenter_cb = e->sysenter_callback_eip;
    v->cb_masks_events =
        with_bit(with_bit(v->cb_masks_events, CALLBACKTYPE_syscall32, e->syscall32_disables_events),
                 CALLBACKTYPE_sysenter, e->sysenter_disables_events);
    vcpu_unpause(v);
    return 0;
}

long domctl_getvcpuinfo(struct vcpu *v, struct xen_domctl *op)
{
    struct xen_domctl_getvcpuinfo *info = &op->u.getvcpuinfo;

    info->online = !(v->flags & VCPU_DOWN);
    info->blocked = !!(v->flags & (VCPU_BLOCKED | VCPU_POLLING));
    info->running = v->running;
    info->cpu_time = vcpu_cpu_time(v);
    info->cpu = v->cpu ? v->cpu->id : 0;
    return 0;
}

/* ---- affinity ---- */

static int report(const struct xenctl_bitmap *to, const uint64_t *affinity)
{
    uint64_t up[AFFINITY_WORDS];

    bitmap_of_cpus(up);
    for (unsigned i = 0; i < AFFINITY_WORDS; i++)
        up[i] &= affinity[i];
    return bitmap_to_guest(to, up, AFFINITY_WORDS);
}

static long report_affinity(struct vcpu *v, struct xen_domctl_vcpuaffinity *a)
{
    if (a->flags & XEN_VCPUAFFINITY_HARD && report(&a->cpumap_hard, v->affinity_hard))
        return -EFAULT;
    if (a->flags & XEN_VCPUAFFINITY_SOFT && report(&a->cpumap_soft, v->affinity_soft))
        return -EFAULT;
    return 0;
}

long domctl_getvcpuaffinity(struct vcpu *v, struct xen_domctl *op)
{
    struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;

    return report_affinity(v, a);
}

/* A vCPU stays on the CPU it was given at its creation, so a mask without that one is refused
 * rather than promised. Soft affinity is a wish, and is only kept. */
static long set_hard(struct vcpu *v, const uint64_t *mask)
{
    uint64_t up[AFFINITY_WORDS], any = 0;
    unsigned cpu = v->cpu ? v->cpu->id : 0;

    bitmap_of_cpus(up);
    for (unsigned i = 0; i < AFFINITY_WORDS; i++)
        any |= up[i] & mask[i];
    if (!any)
        return -EINVAL;
    if (!(mask[cpu / 64] >> (cpu % 64) & 1))
        return -EOPNOTSUPP;
    memcpy(v->affinity_hard, mask, sizeof(v->affinity_hard));
    return 0;
}

long domctl_setvcpuaffinity(struct vcpu *v, struct xen_domctl *op)
{
    struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
    uint64_t mask[AFFINITY_WORDS];
    long rc;

    if (!(a->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)))
        return -EINVAL;
    if (a->flags & XEN_VCPUAFFINITY_HARD) {
        rc = bitmap_from_guest(mask, AFFINITY_WORDS, &a->cpumap_hard);
        if (!rc)
            rc = set_hard(v, mask);
        if (rc)
            return rc;
    }
    if (a->flags & XEN_VCPUAFFINITY_SOFT) {
        if (bitmap_from_guest(mask, AFFINITY_WORDS, &a->cpumap_soft))
            return -EFAULT;
        memcpy(v->affinity_soft, mask, sizeof(v->affinity_soft));
    }
    return report_affinity(v, a);
}

long domctl_sendtrigger(struct hcall *, struct domain *d, struct xen_domctl *op)
{
    long rc;
    struct vcpu *v = domctl_vcpu(d, op->u.sendtrigger.vcpu, &rc);

    if (!v)
        return rc;
    if (op->u.sendtrigger.trigger != XEN_DOMCTL_SENDTRIGGER_NMI) /* buttons of emulated machines */
        return -ENOSYS;
    __atomic_or_fetch(&v->pending, PEND_NMI, __ATOMIC_SEQ_CST);
    vcpu_kick(v);
    return 0;
}
