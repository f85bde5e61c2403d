/* SPDX-License-Identifier: MIT
 *
 * domctl: dom0's tools make, inspect and end domains (ABI: domctl.h). The table of
 * commands is here, with what each needs; those about a domain's life too. The others are in
 * domctl_vcpu.c, domctl_mem.c and domctl_policy.c.
 *
 * The hypercall table lets only privileged domains in and copies the structure in and back. A
 * command that is continued is executed again with the same structure.
 */
#include "dom/domctl.h"
#include "dom/domain.h"
#include "hypercall.h"

#define OTHER     1u /* not on the caller itself: -EINVAL */
#define NO_DOMAIN 2u /* looks for the domain itself */

static const struct {
    domctl_fn *fn;
    unsigned flags;
    domctl_vcpu_fn *of_vcpu; /* in place of fn */
} domctls[] = {
    [XEN_DOMCTL_createdomain] = {domctl_createdomain, NO_DOMAIN},
    [XEN_DOMCTL_destroydomain] = {domctl_destroydomain, OTHER},
    [XEN_DOMCTL_pausedomain] = {domctl_pausedomain, OTHER},
    [XEN_DOMCTL_unpausedomain] = {domctl_unpausedomain, 0},
    [XEN_DOMCTL_getdomaininfo] = {domctl_getdomaininfo, NO_DOMAIN},
    [XEN_DOMCTL_setvcpuaffinity] = {.of_vcpu = domctl_setvcpuaffinity},
    [XEN_DOMCTL_max_mem] = {domctl_max_mem, 0},
    [XEN_DOMCTL_setvcpucontext] = {.of_vcpu = domctl_setvcpucontext, .flags = OTHER},
    [XEN_DOMCTL_getvcpucontext] = {.of_vcpu = domctl_getvcpucontext, .flags = OTHER},
    [XEN_DOMCTL_getvcpuinfo] = {.of_vcpu = domctl_getvcpuinfo},
    [XEN_DOMCTL_max_vcpus] = {domctl_max_vcpus, 0},
    [XEN_DOMCTL_scheduler_op] = {domctl_scheduler_op, 0},
    [XEN_DOMCTL_setdomainhandle] = {domctl_setdomainhandle, 0},
    [XEN_DOMCTL_setdebugging] = {domctl_setdebugging, OTHER},
    [XEN_DOMCTL_hypercall_init] = {domctl_hypercall_init, 0},
    [XEN_DOMCTL_getvcpuaffinity] = {.of_vcpu = domctl_getvcpuaffinity},
    [XEN_DOMCTL_resumedomain] = {domctl_resumedomain, OTHER},
    [XEN_DOMCTL_sendtrigger] = {domctl_sendtrigger, 0},
    [XEN_DOMCTL_set_address_size] = {domctl_set_address_size, 0},
    [XEN_DOMCTL_get_address_size] = {domctl_get_address_size, 0},
    [XEN_DOMCTL_set_ext_vcpucontext] = {.of_vcpu = domctl_set_ext_vcpucontext, .flags = OTHER},
    [XEN_DOMCTL_get_ext_vcpucontext] = {.of_vcpu = domctl_get_ext_vcpucontext, .flags = OTHER},
    [XEN_DOMCTL_gettscinfo] = {domctl_gettscinfo, OTHER},
    [XEN_DOMCTL_settscinfo] = {domctl_settscinfo, OTHER},
    [XEN_DOMCTL_getpageframeinfo3] = {domctl_getpageframeinfo3, 0},
    [XEN_DOMCTL_setnodeaffinity] = {domctl_setnodeaffinity, 0},
    [XEN_DOMCTL_getnodeaffinity] = {domctl_getnodeaffinity, 0},
    [XEN_DOMCTL_get_cpu_policy] = {domctl_get_cpu_policy, 0},
    [XEN_DOMCTL_set_cpu_policy] = {domctl_set_cpu_policy, OTHER},
};

long do_domctl(struct hcall *c, void *arg)
{
    struct xen_domctl *op = arg;
    struct domain *d PUT_AT_END = NULL;
    struct vcpu *v;
    long rc;

    if (op->interface_version != XEN_DOMCTL_INTERFACE_VERSION)
        return -EACCES;
    if (op->cmd >= ARRAY_SIZE(domctls) || (!domctls[op->cmd].fn && !domctls[op->cmd].of_vcpu)) {
        guest_log("domctl %u is not there", op->cmd);
        return -ENOSYS;
    }
    if (!(domctls[op->cmd].flags & NO_DOMAIN)) {
        d = domain_get(op->domain == DOMID_SELF ? c->d->id : op->domain);
        if (!d)
            return -ESRCH;
    }
    if (domctls[op->cmd].flags & OTHER && d == c->d)
        return -EINVAL;
    if (domctls[op->cmd].fn)
        return domctls[op->cmd].fn(c, d, op);
    v = domctl_vcpu(d, op->u.getvcpuinfo.vcpu, &rc); /* all begin with the number */
    return v ? domctls[op->cmd].of_vcpu(v, op) : rc;
}

/* What this hypervisor can make: PV domains with version 1 grant tables in the one CPU pool. */
static bool config_ok(const struct xen_domctl_createdomain *cfg)
{
    return !cfg->flags && !cfg->iommu_opts && cfg->max_vcpus && cfg->max_vcpus <= MAX_VCPUS &&
           cfg->max_evtchn_port >= 1 && cfg->max_grant_frames && cfg->grant_opts == 1 &&
           !cfg->vmtrace_size && !cfg->cpupool_id && !cfg->arch.emulation_flags &&
           !cfg->arch.misc_flags;
}

long domctl_createdomain(struct hcall *, struct domain *, struct xen_domctl *op)
{
    domid_t id = op->domain;
    struct domain *d;
    int rc;

    if (!config_ok(&op->u.createdomain))
        return -EINVAL;
    if (id == 0 || id >= DOMID_FIRST_RESERVED)
        id = domain_new_id();
    if (!id)
        return -ENOMEM;
    rc = domain_create(id, &op->u.createdomain, false, &d);
    if (rc)
        return rc;
    op->domain = id;
    domain_put(d); /* the list has its own */
    return 0;
}

long domctl_destroydomain(struct hcall *, struct domain *d, struct xen_domctl *)
{
    return domain_destroy(d);
}

long domctl_pausedomain(struct hcall *, struct domain *d, struct xen_domctl *)
{
    return domain_pause_by_controller(d);
}

long domctl_unpausedomain(struct hcall *, struct domain *d, struct xen_domctl *)
{
    return domain_unpause_by_controller(d);
}

/* Of the first domain whose number is not below the one asked for. */
long domctl_getdomaininfo(struct hcall *c, struct domain *, struct xen_domctl *op)
{
    struct domain *d = domain_get_from(op->domain == DOMID_SELF ? c->d->id : op->domain);

    if (!d)
        return -ESRCH;
    domain_get_info(d, &op->u.getdomaininfo);
    op->domain = d->id;
    domain_put(d);
    return 0;
}

long domctl_resumedomain(struct hcall *, struct domain *d, struct xen_domctl *)
{
    if (domain_is_dying(d))
        return -EINVAL;
    domain_resume(d);
    return 0;
}

long domctl_setdomainhandle(struct hcall *, struct domain *d, struct xen_domctl *op)
{
    memcpy(d->handle, op->u.setdomainhandle.handle, sizeof(d->handle));
    return 0;
}

/* Breakpoints of guests go to the guests. */
long domctl_setdebugging(struct hcall *, struct domain *, struct xen_domctl *op)
{
    return op->u.setdebugging.enable ? -EOPNOTSUPP : 0;
}
