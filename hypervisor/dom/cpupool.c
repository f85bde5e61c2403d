/* SPDX-License-Identifier: MIT
 *
 * CPU pools as tools see them: pool 0 has all CPUs and all domains, and there is no other.
 */
#include "dom/bitmap.h"
#include "dom/domain.h"
#include "dom/sched.h"
#include "dom/sysctl.h"
#include "dom/vcpu.h"

static long pool_info(struct xen_sysctl_cpupool_op *op)
{
    uint64_t up[AFFINITY_WORDS];

    if (op->cpupool_id > 0)
        return -ENOENT;
    op->sched_id = SCHEDULER_ID;
    op->n_dom = 0;
    for (struct domain *d = domain_next(NULL); d; d = domain_next(d))
        op->n_dom++;
    bitmap_of_cpus(up);
    return bitmap_to_guest(&op->cpumap, up, AFFINITY_WORDS);
}

static long move_domain(const struct xen_sysctl_cpupool_op *op)
{
    struct domain *d = op->domid <= UINT16_MAX ? domain_get((domid_t)op->domid) : NULL;

    if (!d)
        return -ESRCH;
    domain_put(d);
    return op->cpupool_id ? -ENOENT : 0; /* where it is */
}

long sysctl_cpupool_op(struct hcall *, struct xen_sysctl *sysctl)
{
    struct xen_sysctl_cpupool_op *op = &sysctl->u.cpupool_op;
    uint64_t none = 0;

    switch (op->op) {
    case XEN_SYSCTL_CPUPOOL_OP_INFO:
        return pool_info(op);
    case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
        return bitmap_to_guest(&op->cpumap, &none, 1);
    case XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN:
        return move_domain(op);
    case XEN_SYSCTL_CPUPOOL_OP_CREATE:
    case XEN_SYSCTL_CPUPOOL_OP_DESTROY:
    case XEN_SYSCTL_CPUPOOL_OP_ADDCPU:
    case XEN_SYSCTL_CPUPOOL_OP_RMCPU:
        return -EOPNOTSUPP;
    default:
        return -ENOSYS;
    }
}
