/* SPDX-License-Identifier: MIT */
/* hv_domctl: one domain as a whole (hypercall domctl). See hv.h. */
#include "dom0-tools/lib/hv_private.h"

#include <errno.h>
#include <string.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>

int hv_domctl(struct hv *hv, struct xen_domctl *op)
{
    struct xen_domctl *buf;
    int result;

    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    buf = hv_buf_copy(hv, op, sizeof(*op));
    if (!buf)
        return -1;
    result = (int)hv_call(hv, __HYPERVISOR_domctl, (uintptr_t)buf, 0, 0, 0);
    *op = *buf;
    hv_buf_free(hv, buf, sizeof(*op));
    return result;
}

/* Operations that have a domain and nothing else. */
static int plain(struct hv *hv, uint16_t domid, uint32_t cmd)
{
    struct xen_domctl op = {.cmd = cmd, .domain = domid};

    return hv_domctl(hv, &op);
}

static void read_info(struct hv_dominfo *d, const struct xen_domctl_getdomaininfo *i)
{
    *d = (struct hv_dominfo){
        .domid = i->domain,
        .dying = i->flags & XEN_DOMINF_dying,
        .shutdown = i->flags & XEN_DOMINF_shutdown,
        .paused = i->flags & XEN_DOMINF_paused,
        .blocked = i->flags & XEN_DOMINF_blocked,
        .running = i->flags & XEN_DOMINF_running,
        .hvm = i->flags & XEN_DOMINF_hvm_guest,
        .debugged = i->flags & XEN_DOMINF_debugged,
        .xenstore = i->flags & XEN_DOMINF_xs_domain,
        .shutdown_reason = (i->flags >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask,
        .tot_pages = i->tot_pages,
        .max_pages = i->max_pages,
        .outstanding_pages = i->outstanding_pages,
        .shr_pages = i->shr_pages,
        .paged_pages = i->paged_pages,
        .shared_info_frame = i->shared_info_frame,
        .cpu_time_ns = i->cpu_time,
        .nr_online_vcpus = i->nr_online_vcpus,
        .max_vcpu_id = i->max_vcpu_id,
        .ssidref = i->ssidref,
        .cpupool = i->cpupool,
    };
    memcpy(d->handle, i->handle, sizeof(d->handle));
}

/* The hypervisor answers for the first domain with this id or a higher one. */
int hv_getdomaininfo(struct hv *hv, uint16_t domid, struct hv_dominfo *d)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_getdomaininfo, .domain = domid};

    if (hv_domctl(hv, &op) < 0)
        return -1;
    if (op.u.getdomaininfo.domain != domid) {
        errno = ESRCH;
        return -1;
    }
    read_info(d, &op.u.getdomaininfo);
    return 0;
}

int hv_getdomaininfolist(struct hv *hv, uint16_t first, struct hv_dominfo *d, unsigned n)
{
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_getdomaininfolist};
    struct xen_domctl_getdomaininfo *list = hv_buf(hv, n * sizeof(*list));
    int result;

    if (!list)
        return -1;
    op.u.getdomaininfolist.first_domain = first;
    op.u.getdomaininfolist.max_domains = n;
    set_xen_guest_handle(op.u.getdomaininfolist.buffer, list);
    result = hv_sysctl(hv, &op);
    if (result >= 0) {
        unsigned have = op.u.getdomaininfolist.num_domains;

        for (unsigned i = 0; i < have && i < n; i++)
            read_info(&d[i], &list[i]);
        result = (int)(have < n ? have : n);
    }
    hv_buf_free(hv, list, n * sizeof(*list));
    return result;
}

int hv_createdomain(struct hv *hv, struct hv_create *c)
{
    struct xen_domctl op = {
        .cmd = XEN_DOMCTL_createdomain,
        .domain = c->domid ? c->domid : UINT16_MAX,
    };
    struct xen_domctl_createdomain *n = &op.u.createdomain;

    memcpy(n->handle, c->handle, sizeof(n->handle));
    n->ssidref = c->ssidref;
    n->flags = c->flags;
    n->iommu_opts = c->iommu_opts;
    n->max_vcpus = c->max_vcpus;
    n->max_evtchn_port = c->max_evtchn_port;
    n->max_grant_frames = c->max_grant_frames;
    n->max_maptrack_frames = c->max_maptrack_frames;
    n->grant_opts = XEN_DOMCTL_GRANT_version(c->grant_version);
    n->cpupool_id = c->cpupool;
    if (hv_domctl(hv, &op) < 0)
        return -1;
    c->domid = op.domain;
    return 0;
}

/* The hypervisor does it in steps; the kernel repeats the call where it can, we where it cannot. */
int hv_destroydomain(struct hv *hv, uint16_t domid)
{
    int result;

    do
        result = plain(hv, domid, XEN_DOMCTL_destroydomain);
    while (result < 0 && (errno == EAGAIN || errno == ERESTART || errno == EINTR));
    return result;
}

int hv_pausedomain(struct hv *hv, uint16_t domid)
{
    return plain(hv, domid, XEN_DOMCTL_pausedomain);
}

int hv_unpausedomain(struct hv *hv, uint16_t domid)
{
    return plain(hv, domid, XEN_DOMCTL_unpausedomain);
}

int hv_resumedomain(struct hv *hv, uint16_t domid)
{
    return plain(hv, domid, XEN_DOMCTL_resumedomain);
}

int hv_max_mem(struct hv *hv, uint16_t domid, uint64_t kib)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_max_mem, .domain = domid};

    op.u.max_mem.max_memkb = kib;
    return hv_domctl(hv, &op);
}

int hv_max_vcpus(struct hv *hv, uint16_t domid, unsigned n)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_max_vcpus, .domain = domid};

    op.u.max_vcpus.max = n;
    return hv_domctl(hv, &op);
}

int hv_setdomainhandle(struct hv *hv, uint16_t domid, const uint8_t handle[16])
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_setdomainhandle, .domain = domid};

    memcpy(op.u.setdomainhandle.handle, handle, 16);
    return hv_domctl(hv, &op);
}

int hv_set_address_size(struct hv *hv, uint16_t domid, unsigned bits)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_set_address_size, .domain = domid};

    op.u.address_size.size = bits;
    return hv_domctl(hv, &op);
}

int hv_get_address_size(struct hv *hv, uint16_t domid, unsigned *bits)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_get_address_size, .domain = domid};

    if (hv_domctl(hv, &op) < 0)
        return -1;
    *bits = op.u.address_size.size;
    return 0;
}

int hv_hypercall_init(struct hv *hv, uint16_t domid, uint64_t frame)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_hypercall_init, .domain = domid};

    op.u.hypercall_init.gmfn = frame;
    return hv_domctl(hv, &op);
}

int hv_settscinfo(struct hv *hv, uint16_t domid, uint32_t mode, uint32_t khz, uint32_t incarnation,
                  uint64_t elapsed_ns)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_settscinfo, .domain = domid};

    op.u.tsc_info.tsc_mode = mode;
    op.u.tsc_info.gtsc_khz = khz;
    op.u.tsc_info.incarnation = incarnation;
    op.u.tsc_info.elapsed_nsec = elapsed_ns;
    return hv_domctl(hv, &op);
}

int hv_gettscinfo(struct hv *hv, uint16_t domid, uint32_t *mode, uint32_t *khz,
                  uint32_t *incarnation, uint64_t *elapsed_ns)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_gettscinfo, .domain = domid};

    if (hv_domctl(hv, &op) < 0)
        return -1;
    *mode = op.u.tsc_info.tsc_mode;
    *khz = op.u.tsc_info.gtsc_khz;
    *incarnation = op.u.tsc_info.incarnation;
    *elapsed_ns = op.u.tsc_info.elapsed_nsec;
    return 0;
}

int hv_sendtrigger(struct hv *hv, uint16_t domid, uint32_t trigger, uint32_t vcpu)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_sendtrigger, .domain = domid};

    op.u.sendtrigger.trigger = trigger;
    op.u.sendtrigger.vcpu = vcpu;
    return hv_domctl(hv, &op);
}

_Static_assert(HV_SCHEDULER_CREDIT2 == XEN_SCHEDULER_CREDIT2, "the ABI's number");

static int credit2(struct hv *hv, uint16_t domid, uint32_t cmd, uint16_t *weight, uint16_t *cap)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_scheduler_op, .domain = domid};

    op.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
    op.u.scheduler_op.cmd = cmd;
    op.u.scheduler_op.u.credit2.weight = *weight;
    op.u.scheduler_op.u.credit2.cap = *cap;
    if (hv_domctl(hv, &op) < 0)
        return -1;
    *weight = op.u.scheduler_op.u.credit2.weight;
    *cap = op.u.scheduler_op.u.credit2.cap;
    return 0;
}

int hv_sched_credit2_get(struct hv *hv, uint16_t domid, uint16_t *weight, uint16_t *cap)
{
    *weight = 0;
    *cap = 0;
    return credit2(hv, domid, XEN_DOMCTL_SCHEDOP_getinfo, weight, cap);
}

int hv_sched_credit2_set(struct hv *hv, uint16_t domid, uint16_t weight, uint16_t cap)
{
    return credit2(hv, domid, XEN_DOMCTL_SCHEDOP_putinfo, &weight, &cap);
}
