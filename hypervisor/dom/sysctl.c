/* SPDX-License-Identifier: MIT
 *
 * sysctl: what dom0's tools ask of the machine and of the hypervisor as a whole (ABI:
 * sysctl.h). The table is at the end. The hypercall table lets only privileged domains in.
 */
#include "dev/console.h"
#include "dom/domain.h"
#include "dom/sched.h"
#include "dom/sysctl.h"
#include "hypercall.h"
#include "mm/guest_copy.h"
#include "mm/page_alloc.h"
#include "pv/pv.h"
#include "x86/hvmap.h"
#include "x86/percpu.h"
#include "x86/time.h"

typedef long sysctl_fn(struct hcall *c, struct xen_sysctl *op);

/* The ring may be larger than our page, so it is read on from where the page ended. */
static long readconsole(struct hcall *, struct xen_sysctl *op)
{
    struct xen_sysctl_readconsole *r = &op->u.readconsole;
    guest_va_t to = guest_va((uint64_t)r->buffer.p);
    bool incremental = r->incremental;
    uint32_t index = r->index, done = 0;
    char *page = hv_page_alloc();
    long rc = 0;

    if (!page)
        return -ENOMEM;
    while (done < r->count && !rc) {
        size_t n = console_ring_read(page, min(PAGE_SIZE, (size_t)(r->count - done)), &index, false,
                                     incremental);
        if (!n)
            break;
        rc = copy_to_guest(guest_va_at(to, done, 1), page, n);
        done += (uint32_t)n;
        incremental = true;
    }
    if (!rc && r->clear)
        (void)console_ring_read(page, 0, &index, true, true);
    hv_page_free(page);
    r->index = index;
    r->count = done;
    return rc;
}

static long physinfo(struct hcall *, struct xen_sysctl *op)
{
    struct xen_sysctl_physinfo *p = &op->u.physinfo;
    uint32_t features[CPU_FEATURE_WORDS], up = 0;

    memset(p, 0, sizeof(*p));
    for (unsigned i = 0; i < nr_cpus; i++)
        up += !!cpus[i];
    p->threads_per_core = 1;
    p->cores_per_socket = up;
    p->nr_cpus = up;
    p->max_cpu_id = nr_cpus - 1;
    p->nr_nodes = 1;
    p->cpu_khz = cpu_khz;
    p->capabilities = XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1;
    p->total_pages = page_total_count();
    p->free_pages = page_free_count();
    p->max_mfn = max_mfn - 1;
    if (!cpu_featureset(XEN_SYSCTL_cpu_featureset_host, features))
        memcpy(p->hw_cap, features, sizeof(p->hw_cap));
    return 0;
}

static long sched_id(struct hcall *, struct xen_sysctl *op)
{
    op->u.sched_id.sched_id = SCHEDULER_ID;
    return 0;
}

static long getdomaininfolist(struct hcall *, struct xen_sysctl *op)
{
    struct xen_sysctl_getdomaininfolist *l = &op->u.getdomaininfolist;
    guest_va_t to = guest_va((uint64_t)l->buffer.p);
    struct xen_domctl_getdomaininfo info;
    uint32_t n = 0;
    domid_t from = l->first_domain;

    while (n < l->max_domains) {
        struct domain *d = domain_get_from(from);
        if (!d)
            break;
        domain_get_info(d, &info);
        from = (domid_t)(d->id + 1);
        domain_put(d);
        if (copy_to_guest(guest_va_at(to, n, sizeof(info)), &info, sizeof(info)))
            return -EFAULT;
        n++;
    }
    l->num_domains = n;
    return 0;
}

static long debug_keys(struct hcall *, struct xen_sysctl *op)
{
    const struct xen_sysctl_debug_keys *k = &op->u.debug_keys;

    for (uint32_t i = 0; i < min(k->nr_keys, 32u); i++) {
        char key;
        if (copy_from_guest(&key, guest_va_at(guest_va((uint64_t)k->keys.p), i, 1), 1))
            return -EFAULT;
        console_run_key(key);
    }
    return 0;
}

static long getcpuinfo(struct hcall *, struct xen_sysctl *op)
{
    struct xen_sysctl_getcpuinfo *g = &op->u.getcpuinfo;
    uint32_t n = min(g->max_cpus, nr_cpus);

    for (uint32_t i = 0; i < n; i++) {
        struct xen_sysctl_cpuinfo info = {.idletime = cpus[i] ? READ_ONCE(cpus[i]->idle_ns) : 0};
        if (copy_to_guest(guest_va_at(guest_va((uint64_t)g->info.p), i, sizeof(info)), &info,
                          sizeof(info)))
            return -EFAULT;
    }
    g->nr_cpus = n;
    return 0;
}

static long availheap(struct hcall *, struct xen_sysctl *op)
{
    struct xen_sysctl_availheap *a = &op->u.availheap;

    if (a->node > 0 || a->min_bitwidth || a->max_bitwidth)
        return -EOPNOTSUPP;
    a->avail_bytes = page_free_count() << PAGE_SHIFT;
    return 0;
}

/* Null array: only the number. */
static long cputopoinfo(struct hcall *, struct xen_sysctl *op)
{
    struct xen_sysctl_cputopoinfo *t = &op->u.cputopoinfo;
    guest_va_t to = guest_va((uint64_t)t->cputopo.p);
    uint32_t n = to.v ? min(t->num_cpus, nr_cpus) : 0;

    for (uint32_t i = 0; i < n; i++) {
        struct xen_sysctl_cputopo info = {i, 0, 0};
        if (!cpus[i])
            info = (struct xen_sysctl_cputopo){XEN_INVALID_CORE_ID, XEN_INVALID_SOCKET_ID,
                                               XEN_INVALID_NODE_ID};
        if (copy_to_guest(guest_va_at(to, i, sizeof(info)), &info, sizeof(info)))
            return -EFAULT;
    }
    t->num_cpus = nr_cpus;
    return 0;
}

/* One node has everything. */
static long numainfo(struct hcall *, struct xen_sysctl *op)
{
    struct xen_sysctl_numainfo *n = &op->u.numainfo;
    struct xen_sysctl_meminfo mem = {page_total_count() << PAGE_SHIFT, page_free_count()
                                                                           << PAGE_SHIFT};
    uint32_t distance = 10;

    if (n->meminfo.p && n->num_nodes &&
        copy_to_guest(guest_va((uint64_t)n->meminfo.p), &mem, sizeof(mem)))
        return -EFAULT;
    if (n->distance.p && n->num_nodes &&
        copy_to_guest(guest_va((uint64_t)n->distance.p), &distance, sizeof(distance)))
        return -EFAULT;
    n->num_nodes = 1;
    return 0;
}

/* The scheduler has nothing to set. */
static long scheduler_op(struct hcall *, struct xen_sysctl *op)
{
    return op->u.scheduler_op.cpupool_id || op->u.scheduler_op.sched_id != SCHEDULER_ID
               ? -EINVAL
               : -EOPNOTSUPP;
}

static long get_cpu_featureset(struct hcall *, struct xen_sysctl *op)
{
    struct xen_sysctl_cpu_featureset *f = &op->u.cpu_featureset;
    guest_va_t to = guest_va((uint64_t)f->features.p);
    uint32_t words[CPU_FEATURE_WORDS];
    uint32_t room = f->nr_features;
    long rc = cpu_featureset(f->index, words);

    if (rc)
        return rc;
    f->nr_features = CPU_FEATURE_WORDS;
    if (!to.v)
        return 0;
    if (copy_to_guest(to, words, min(room, CPU_FEATURE_WORDS) * sizeof(words[0])))
        return -EFAULT;
    f->nr_features = min(room, CPU_FEATURE_WORDS);
    return room < CPU_FEATURE_WORDS ? -ENOBUFS : 0;
}

static long get_cpu_policy(struct hcall *, struct xen_sysctl *op)
{
    struct xen_sysctl_cpu_policy *p = &op->u.cpu_policy;

    return cpu_policy_to_guest(NULL, p->index, guest_va((uint64_t)p->leaves.p), &p->nr_leaves,
                               &p->nr_msrs);
}

static sysctl_fn *const sysctls[] = {
    [XEN_SYSCTL_readconsole] = readconsole,
    [XEN_SYSCTL_physinfo] = physinfo,
    [XEN_SYSCTL_sched_id] = sched_id,
    [XEN_SYSCTL_getdomaininfolist] = getdomaininfolist,
    [XEN_SYSCTL_debug_keys] = debug_keys,
    [XEN_SYSCTL_getcpuinfo] = getcpuinfo,
    [XEN_SYSCTL_availheap] = availheap,
    [XEN_SYSCTL_cputopoinfo] = cputopoinfo,
    [XEN_SYSCTL_numainfo] = numainfo,
    [XEN_SYSCTL_cpupool_op] = sysctl_cpupool_op,
    [XEN_SYSCTL_scheduler_op] = scheduler_op,
    [XEN_SYSCTL_get_cpu_featureset] = get_cpu_featureset,
    [XEN_SYSCTL_get_cpu_policy] = get_cpu_policy,
};

long do_sysctl(struct hcall *c, void *arg)
{
    struct xen_sysctl *op = arg;

    if (op->interface_version != XEN_SYSCTL_INTERFACE_VERSION)
        return -EACCES;
    if (op->cmd >= ARRAY_SIZE(sysctls) || !sysctls[op->cmd]) {
        guest_log("sysctl %u is not there", op->cmd);
        return -ENOSYS;
    }
    return sysctls[op->cmd](c, op);
}
