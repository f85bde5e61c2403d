/* SPDX-License-Identifier: MIT */
/* hv_vcpu: one vCPU, and where vCPUs may run (hypercall domctl). See hv.h. */
#include "dom0-tools/lib/hv_private.h"

#include <errno.h>
#include <string.h>
#include <xen/domctl.h>

_Static_assert(sizeof(struct vcpu_guest_context) == HV_VCPU_CONTEXT_SIZE, "vcpu_guest_context");

int hv_getvcpuinfo(struct hv *hv, uint16_t domid, unsigned vcpu, struct hv_vcpuinfo *v)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_getvcpuinfo, .domain = domid};
    const struct xen_domctl_getvcpuinfo *i = &op.u.getvcpuinfo;

    op.u.getvcpuinfo.vcpu = vcpu;
    if (hv_domctl(hv, &op) < 0)
        return -1;
    *v = (struct hv_vcpuinfo){
        .online = i->online,
        .blocked = i->blocked,
        .running = i->running,
        .cpu_time_ns = i->cpu_time,
        .cpu = i->cpu,
    };
    return 0;
}

static int context_call(struct hv *hv, uint32_t cmd, uint16_t domid, unsigned vcpu,
                        struct vcpu_guest_context *context)
{
    struct xen_domctl op = {.cmd = cmd, .domain = domid};

    op.u.vcpucontext.vcpu = vcpu;
    set_xen_guest_handle(op.u.vcpucontext.ctxt, context);
    return hv_domctl(hv, &op);
}

int hv_setvcpucontext(struct hv *hv, uint16_t domid, unsigned vcpu, const void *context)
{
    void *buf = hv_buf_copy(hv, context, HV_VCPU_CONTEXT_SIZE);
    int result;

    if (!buf)
        return -1;
    result = context_call(hv, XEN_DOMCTL_setvcpucontext, domid, vcpu, buf);
    hv_buf_free(hv, buf, HV_VCPU_CONTEXT_SIZE);
    return result;
}

int hv_getvcpucontext(struct hv *hv, uint16_t domid, unsigned vcpu, void *context)
{
    void *buf = hv_buf(hv, HV_VCPU_CONTEXT_SIZE);
    int result;

    if (!buf)
        return -1;
    result = context_call(hv, XEN_DOMCTL_getvcpucontext, domid, vcpu, buf);
    if (result >= 0)
        memcpy(context, buf, HV_VCPU_CONTEXT_SIZE);
    hv_buf_free(hv, buf, HV_VCPU_CONTEXT_SIZE);
    return result;
}

static size_t map_bytes(unsigned nr_bits)
{
    return (nr_bits + 7u) / 8;
}

/* One call for one kind of affinity: `what` is XEN_VCPUAFFINITY_HARD or _SOFT. */
static int affinity_call(struct hv *hv, uint32_t cmd, struct xen_domctl_vcpuaffinity a,
                         uint16_t domid, uint8_t *map, unsigned nr_bits)
{
    struct xen_domctl op = {.cmd = cmd, .domain = domid};
    uint8_t *buf = hv_buf_copy(hv, map, map_bytes(nr_bits));
    struct xenctl_bitmap *bitmap;
    int result;

    if (!buf)
        return -1;
    op.u.vcpuaffinity = a;
    bitmap = a.flags & XEN_VCPUAFFINITY_HARD ? &op.u.vcpuaffinity.cpumap_hard
                                             : &op.u.vcpuaffinity.cpumap_soft;
    set_xen_guest_handle(bitmap->bitmap, buf);
    bitmap->nr_bits = nr_bits;
    result = hv_domctl(hv, &op);
    memcpy(map, buf, map_bytes(nr_bits));
    hv_buf_free(hv, buf, map_bytes(nr_bits));
    return result;
}

static int set_one(struct hv *hv, uint16_t domid, unsigned vcpu, uint32_t what, const uint8_t *map,
                   unsigned nr_bits)
{
    struct xen_domctl_vcpuaffinity a = {.vcpu = vcpu, .flags = what};
    uint8_t copy[1024];

    if (nr_bits == 0 || map_bytes(nr_bits) > sizeof(copy)) {
        errno = EINVAL;
        return -1;
    }
    memcpy(copy, map, map_bytes(nr_bits)); /* the call writes back what came of it */
    return affinity_call(hv, XEN_DOMCTL_setvcpuaffinity, a, domid, copy, nr_bits);
}

int hv_setvcpuaffinity(struct hv *hv, uint16_t domid, unsigned vcpu, const uint8_t *hard,
                       const uint8_t *soft, unsigned nr_bits)
{
    if (hard && set_one(hv, domid, vcpu, XEN_VCPUAFFINITY_HARD, hard, nr_bits) < 0)
        return -1;
    if (soft && set_one(hv, domid, vcpu, XEN_VCPUAFFINITY_SOFT, soft, nr_bits) < 0)
        return -1;
    return 0;
}

int hv_getvcpuaffinity(struct hv *hv, uint16_t domid, unsigned vcpu, uint8_t *hard, uint8_t *soft,
                       unsigned nr_bits)
{
    struct xen_domctl_vcpuaffinity a = {.vcpu = vcpu};

    a.flags = XEN_VCPUAFFINITY_HARD;
    if (hard && affinity_call(hv, XEN_DOMCTL_getvcpuaffinity, a, domid, hard, nr_bits) < 0)
        return -1;
    a.flags = XEN_VCPUAFFINITY_SOFT;
    if (soft && affinity_call(hv, XEN_DOMCTL_getvcpuaffinity, a, domid, soft, nr_bits) < 0)
        return -1;
    return 0;
}

static int node_call(struct hv *hv, uint32_t cmd, uint16_t domid, uint8_t *buf, unsigned nr_bits)
{
    struct xen_domctl op = {.cmd = cmd, .domain = domid};

    set_xen_guest_handle(op.u.nodeaffinity.nodemap.bitmap, buf);
    op.u.nodeaffinity.nodemap.nr_bits = nr_bits;
    return hv_domctl(hv, &op);
}

int hv_setnodeaffinity(struct hv *hv, uint16_t domid, const uint8_t *nodes, unsigned nr_bits)
{
    uint8_t *buf = hv_buf_copy(hv, nodes, map_bytes(nr_bits));
    int result;

    if (!buf)
        return -1;
    result = node_call(hv, XEN_DOMCTL_setnodeaffinity, domid, buf, nr_bits);
    hv_buf_free(hv, buf, map_bytes(nr_bits));
    return result;
}

int hv_getnodeaffinity(struct hv *hv, uint16_t domid, uint8_t *nodes, unsigned nr_bits)
{
    uint8_t *buf = hv_buf(hv, map_bytes(nr_bits));
    int result;

    if (!buf)
        return -1;
    result = node_call(hv, XEN_DOMCTL_getnodeaffinity, domid, buf, nr_bits);
    memcpy(nodes, buf, map_bytes(nr_bits));
    hv_buf_free(hv, buf, map_bytes(nr_bits));
    return result;
}
