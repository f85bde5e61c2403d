/* SPDX-License-Identifier: MIT
 *
 * domctl commands about what a domain's CPUs are: CPUID, word size, time-stamp counter, share of
 * time.
 */
#include "dom/domain.h"
#include "dom/domctl.h"
#include "dom/sched.h"
#include "dom/vcpu.h"
#include "hypercall.h"
#include "mm/guest_copy.h"
#include "pv/pv.h"
#include "x86/time.h"

#define LEAVES_MAX 512u
#define MSRS_MAX   64u

long domctl_get_cpu_policy(struct hcall *, struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_cpu_policy *p = &op->u.cpu_policy;

    return cpu_policy_to_guest(d, 0, guest_va((uint64_t)p->leaves.p), &p->nr_leaves, &p->nr_msrs);
}

/* A guest that has seen a policy keeps it. */
static bool has_run(const struct domain *d)
{
    for (unsigned i = 0; i < d->max_vcpus; i++)
        if (d->vcpu[i] && d->vcpu[i]->initialised)
            return true;
    return false;
}

long domctl_set_cpu_policy(struct hcall *, struct domain *d, struct xen_domctl *op)
{
    long rc;

    if (op->u.cpu_policy.nr_leaves > LEAVES_MAX || op->u.cpu_policy.nr_msrs > MSRS_MAX)
        return -E2BIG;
    if (has_run(d))
        return -EEXIST;
    spin_lock(&d->lock);
    rc = cpu_policy_set(d, &op->u.cpu_policy);
    spin_unlock(&d->lock);
    return rc;
}

long domctl_set_address_size(struct hcall *, struct domain *, struct xen_domctl *op)
{
    return op->u.address_size.size == 64 ? 0 : -EINVAL; /* 32-bit PV is not offered */
}

long domctl_get_address_size(struct hcall *, struct domain *, struct xen_domctl *op)
{
    op->u.address_size.size = 64;
    return 0;
}

long domctl_gettscinfo(struct hcall *, struct domain *d, struct xen_domctl *op)
{
    op->u.tsc_info = (struct xen_domctl_tsc_info){
        .tsc_mode = d->tsc_mode, .gtsc_khz = tsc_khz, .elapsed_nsec = now()};
    return 0;
}

/* Guests read the machine's counter: "default" and "never emulate" come to the same. */
long domctl_settscinfo(struct hcall *, struct domain *d, struct xen_domctl *op)
{
    if (op->u.tsc_info.tsc_mode != 0 && op->u.tsc_info.tsc_mode != 2)
        return -EOPNOTSUPP;
    d->tsc_mode = op->u.tsc_info.tsc_mode;
    return 0;
}

/* All domains weigh the same and none has a cap: tools may set what is, and nothing else. */
long domctl_scheduler_op(struct hcall *, struct domain *, struct xen_domctl *op)
{
    struct xen_domctl_scheduler_op *s = &op->u.scheduler_op;

    if (s->sched_id != SCHEDULER_ID)
        return -EINVAL;
    switch (s->cmd) {
    case XEN_DOMCTL_SCHEDOP_getinfo:
        s->u.credit2.weight = DEFAULT_WEIGHT;
        s->u.credit2.cap = 0;
        return 0;
    case XEN_DOMCTL_SCHEDOP_putinfo:
        return s->u.credit2.weight == DEFAULT_WEIGHT && !s->u.credit2.cap ? 0 : -EOPNOTSUPP;
    default:
        return -EOPNOTSUPP;
    }
}
