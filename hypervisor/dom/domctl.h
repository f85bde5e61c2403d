/* SPDX-License-Identifier: MIT
 *
 * The commands of domctl, one function each, and what they share. d has a reference and is the
 * domain that the command names (NULL where the table in domctl.c says so). Results go into op,
 * which is copied back.
 */
#pragma once
#include <xen/domctl.h>

struct domain;
struct vcpu;

typedef long domctl_fn(struct hcall *c, struct domain *d, struct xen_domctl *op);
typedef long domctl_vcpu_fn(struct vcpu *v, struct xen_domctl *op);

/* domctl.c: life */
domctl_fn domctl_createdomain, domctl_destroydomain, domctl_pausedomain, domctl_unpausedomain,
    domctl_getdomaininfo, domctl_resumedomain, domctl_setdomainhandle, domctl_setdebugging;
/* domctl_vcpu.c */
domctl_fn domctl_max_vcpus, domctl_sendtrigger;
domctl_vcpu_fn domctl_setvcpucontext, domctl_getvcpucontext, domctl_getvcpuinfo,
    domctl_setvcpuaffinity, domctl_getvcpuaffinity, domctl_set_ext_vcpucontext,
    domctl_get_ext_vcpucontext;
/* NULL with *rc -EINVAL: no such number; -ESRCH: not made yet. */
struct vcpu *domctl_vcpu(const struct domain *d, uint32_t id, long *rc);
/* domctl_mem.c */
domctl_fn domctl_max_mem, domctl_getpageframeinfo3, domctl_hypercall_init, domctl_setnodeaffinity,
    domctl_getnodeaffinity;
/* domctl_policy.c */
domctl_fn domctl_get_cpu_policy, domctl_set_cpu_policy, domctl_set_address_size,
    domctl_get_address_size, domctl_gettscinfo, domctl_settscinfo, domctl_scheduler_op;
