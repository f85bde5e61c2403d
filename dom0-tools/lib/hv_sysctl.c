/* SPDX-License-Identifier: MIT */
/* hv_sysctl: the machine as a whole (hypercall sysctl). See hv.h. */
#include "dom0-tools/lib/hv_private.h"

#include <errno.h>
#include <string.h>
#include <xen/memory.h>
#include <xen/sysctl.h>

#define MAX_CPUS 256

int hv_sysctl(struct hv *hv, struct xen_sysctl *op)
{
    struct xen_sysctl *buf;
    int result;

    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    buf = hv_buf_copy(hv, op, sizeof(*op));
    if (!buf)
        return -1;
    result = (int)hv_call(hv, __HYPERVISOR_sysctl, (uintptr_t)buf, 0, 0, 0);
    *op = *buf;
    hv_buf_free(hv, buf, sizeof(*op));
    return result;
}

int hv_physinfo(struct hv *hv, struct hv_physinfo *p)
{
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_physinfo};
    const struct xen_sysctl_physinfo *i = &op.u.physinfo;

    if (hv_sysctl(hv, &op) < 0)
        return -1;
    *p = (struct hv_physinfo){
        .threads_per_core = i->threads_per_core,
        .cores_per_socket = i->cores_per_socket,
        .nr_cpus = i->nr_cpus,
        .max_cpu_id = i->max_cpu_id,
        .nr_nodes = i->nr_nodes,
        .max_node_id = i->max_node_id,
        .cpu_khz = i->cpu_khz,
        .capabilities = i->capabilities,
        .arch_capabilities = i->arch_capabilities,
        .total_pages = i->total_pages,
        .free_pages = i->free_pages,
        .scrub_pages = i->scrub_pages,
        .outstanding_pages = i->outstanding_pages,
        .max_mfn = i->max_mfn,
    };
    memcpy(p->hw_cap, i->hw_cap, sizeof(p->hw_cap));
    return 0;
}

long hv_readconsole(struct hv *hv, bool clear, uint32_t *index, char *buf, size_t size)
{
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_readconsole};
    struct xen_sysctl_readconsole *r = &op.u.readconsole;
    char *ring;
    long n;

    if (size == 0 || size > UINT32_MAX) {
        errno = EINVAL;
        return -1;
    }
    ring = hv_buf(hv, size);
    if (!ring)
        return -1;
    set_xen_guest_handle(r->buffer, ring);
    r->count = (uint32_t)size;
    r->clear = clear;
    if (index) {
        r->incremental = 1;
        r->index = *index;
    }
    n = hv_sysctl(hv, &op);
    if (n >= 0) {
        n = (long)(r->count < size ? r->count : size);
        memcpy(buf, ring, (size_t)n);
        if (index)
            *index = r->index;
    }
    hv_buf_free(hv, ring, size);
    return n;
}

int hv_debug_keys(struct hv *hv, const char *keys)
{
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_debug_keys};
    size_t n = strlen(keys);
    char *buf = hv_buf_copy(hv, keys, n + 1);
    int result;

    if (!buf)
        return -1;
    set_xen_guest_handle(op.u.debug_keys.keys, buf);
    op.u.debug_keys.nr_keys = (uint32_t)n;
    result = hv_sysctl(hv, &op);
    hv_buf_free(hv, buf, n + 1);
    return result;
}

int hv_scheduler_id(struct hv *hv, uint32_t *id)
{
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_sched_id};

    if (hv_sysctl(hv, &op) < 0)
        return -1;
    *id = op.u.sched_id.sched_id;
    return 0;
}

const char *hv_scheduler_name(uint32_t id)
{
    switch (id) {
    case 5:
        return "credit";
    case 6:
        return "credit2";
    case 7:
        return "arinc653";
    case 8:
        return "rtds";
    case 9:
        return "null";
    default:
        return "unknown";
    }
}

int hv_cputopo(struct hv *hv, struct hv_cputopo *cpus, unsigned n)
{
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_cputopoinfo};
    struct xen_sysctl_cputopo *table = NULL;
    size_t size = n * sizeof(*table);
    int result;

    if (cpus && n) {
        table = hv_buf(hv, size);
        if (!table)
            return -1;
        op.u.cputopoinfo.num_cpus = n;
    }
    set_xen_guest_handle(op.u.cputopoinfo.cputopo, table);
    result = hv_sysctl(hv, &op);
    if (result >= 0) {
        unsigned have = op.u.cputopoinfo.num_cpus;

        for (unsigned i = 0; table && i < have && i < n; i++)
            cpus[i] = (struct hv_cputopo){table[i].core, table[i].socket, table[i].node};
        result = (int)have;
    }
    hv_buf_free(hv, table, size);
    return result;
}

static int numa_call(struct hv *hv, struct xen_sysctl *op, struct xen_sysctl_meminfo *meminfo,
                     uint32_t *distance, unsigned n)
{
    op->cmd = XEN_SYSCTL_numainfo;
    op->u.numainfo.num_nodes = meminfo ? n : 0;
    set_xen_guest_handle(op->u.numainfo.meminfo, meminfo);
    set_xen_guest_handle(op->u.numainfo.distance, distance);
    return hv_sysctl(hv, op);
}

int hv_numainfo(struct hv *hv, struct hv_numanode *nodes, uint32_t *distance, unsigned n)
{
    struct xen_sysctl op = {0};
    struct xen_sysctl_meminfo *mem = NULL;
    size_t mem_size = n * sizeof(*mem), dist_size = (size_t)n * n * sizeof(*distance);
    uint32_t *dist = NULL;
    int result = -1;

    if (n > 64) {
        errno = EINVAL;
        return -1;
    }
    if (n && (nodes || distance)) {
        mem = hv_buf(hv, mem_size);
        dist = hv_buf(hv, dist_size);
        if (!mem || !dist)
            goto out;
    }
    result = numa_call(hv, &op, mem, dist, n);
    if (result < 0)
        goto out;
    result = (int)op.u.numainfo.num_nodes;
    for (int i = 0; mem && nodes && i < result && (unsigned)i < n; i++)
        nodes[i] = (struct hv_numanode){mem[i].memsize, mem[i].memfree};
    if (dist && distance)
        memcpy(distance, dist, dist_size);
out:
    hv_buf_free(hv, dist, dist_size);
    hv_buf_free(hv, mem, mem_size);
    return result;
}

static int cpupool_call(struct hv *hv, uint32_t what, struct xen_sysctl *op, uint8_t cpus[32])
{
    struct xen_sysctl_cpupool_op *p = &op->u.cpupool_op;
    uint8_t *map = hv_buf(hv, MAX_CPUS / 8);
    int result;

    if (!map)
        return -1;
    op->cmd = XEN_SYSCTL_cpupool_op;
    p->op = what;
    set_xen_guest_handle(p->cpumap.bitmap, map);
    p->cpumap.nr_bits = MAX_CPUS;
    result = hv_sysctl(hv, op);
    memcpy(cpus, map, MAX_CPUS / 8);
    hv_buf_free(hv, map, MAX_CPUS / 8);
    return result;
}

int hv_cpupool_info(struct hv *hv, uint32_t from, struct hv_cpupool *pool)
{
    struct xen_sysctl op = {.u.cpupool_op.cpupool_id = from};

    if (cpupool_call(hv, XEN_SYSCTL_CPUPOOL_OP_INFO, &op, pool->cpus) < 0)
        return -1;
    pool->id = op.u.cpupool_op.cpupool_id;
    pool->scheduler = op.u.cpupool_op.sched_id;
    pool->n_domains = op.u.cpupool_op.n_dom;
    return 0;
}

int hv_cpupool_free_cpus(struct hv *hv, uint8_t cpus[32])
{
    struct xen_sysctl op = {0};

    return cpupool_call(hv, XEN_SYSCTL_CPUPOOL_OP_FREEINFO, &op, cpus);
}

int hv_sharing_counts(struct hv *hv, uint64_t *freed_pages, uint64_t *used_frames)
{
    long freed = hv_call(hv, __HYPERVISOR_memory_op, XENMEM_get_sharing_freed_pages, 0, 0, 0);
    long used = hv_call(hv, __HYPERVISOR_memory_op, XENMEM_get_sharing_shared_pages, 0, 0, 0);

    if (freed < 0 || used < 0)
        return -1;
    *freed_pages = (uint64_t)freed;
    *used_frames = (uint64_t)used;
    return 0;
}
