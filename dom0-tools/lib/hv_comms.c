/* SPDX-License-Identifier: MIT */
/*
 * hv_comms: event channels and grants on behalf of another domain. See hv.h.
 *
 * The first frame of its grant table is mapped by XENMEM_acquire_resource, which the kernel does
 * for us; where either does not know that, GNTTABOP_setup_table tells the frame and it is mapped as
 * a foreign one.
 */
#include "dom0-tools/lib/hv_private.h"
#include "dom0-tools/lib/privcmd.h"

#include <errno.h>
#include <sys/mman.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>

#define ENTRIES_PER_FRAME (HV_PAGE_SIZE / sizeof(struct grant_entry_v1))

int hv_evtchn_alloc_unbound(struct hv *hv, uint16_t domid, uint16_t remote, uint32_t *port)
{
    struct evtchn_alloc_unbound op = {.dom = domid, .remote_dom = remote};

    if (hv_call_arg(hv, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &op, sizeof(op)) < 0)
        return -1;
    *port = op.port;
    return 0;
}

int hv_evtchn_status(struct hv *hv, uint16_t domid, uint32_t port, struct hv_evtchn_status *s)
{
    struct evtchn_status op = {.dom = domid, .port = port};

    if (hv_call_arg(hv, __HYPERVISOR_event_channel_op, EVTCHNOP_status, &op, sizeof(op)) < 0)
        return -1;
    *s = (struct hv_evtchn_status){.vcpu = op.vcpu};
    switch (op.status) {
    case EVTCHNSTAT_closed:
        s->state = HV_EVTCHN_CLOSED;
        break;
    case EVTCHNSTAT_unbound:
        s->state = HV_EVTCHN_UNBOUND;
        s->remote_domid = op.u.unbound.dom;
        break;
    case EVTCHNSTAT_interdomain:
        s->state = HV_EVTCHN_INTERDOMAIN;
        s->remote_domid = op.u.interdomain.dom;
        s->remote_port = op.u.interdomain.port;
        break;
    case EVTCHNSTAT_pirq:
        s->state = HV_EVTCHN_PIRQ;
        s->remote_port = op.u.pirq;
        break;
    case EVTCHNSTAT_virq:
        s->state = HV_EVTCHN_VIRQ;
        s->remote_port = op.u.virq;
        break;
    case EVTCHNSTAT_ipi:
        s->state = HV_EVTCHN_IPI;
        break;
    default:
        errno = EPROTO;
        return -1;
    }
    return 0;
}

int hv_evtchn_reset(struct hv *hv, uint16_t domid)
{
    struct evtchn_reset op = {.dom = domid};

    return (int)hv_call_arg(hv, __HYPERVISOR_event_channel_op, EVTCHNOP_reset, &op, sizeof(op));
}

static void *map_by_resource(struct hv *hv, uint16_t domid)
{
    struct privcmd_mmap_resource r = {
        .dom = domid,
        .type = XENMEM_resource_grant_table,
        .id = XENMEM_resource_grant_table_id_shared,
        .num = 1,
    };
    void *at = mmap(NULL, HV_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, hv->privcmd, 0);

    if (at == MAP_FAILED)
        return NULL;
    r.addr = (uintptr_t)at;
    if (ioctl(hv->privcmd, IOCTL_PRIVCMD_MMAP_RESOURCE, &r) < 0) {
        int saved = errno;

        munmap(at, HV_PAGE_SIZE);
        errno = saved;
        return NULL;
    }
    return at;
}

/* setup_table answers in the operation's status, not in the call's result. */
static int table_frame(struct hv *hv, uint16_t domid, uint64_t *frame)
{
    uint64_t *list = hv_buf(hv, sizeof(*list));
    struct gnttab_setup_table op = {.dom = domid, .nr_frames = 1};
    struct gnttab_setup_table *buf;
    int result = -1;

    if (!list)
        return -1;
    set_xen_guest_handle(op.frame_list, list);
    buf = hv_buf_copy(hv, &op, sizeof(op));
    if (buf) {
        result = (int)hv_call(hv, __HYPERVISOR_grant_table_op, GNTTABOP_setup_table, (uintptr_t)buf,
                              1, 0);
        if (result >= 0 && buf->status != GNTST_okay) {
            errno = buf->status == GNTST_permission_denied ? EPERM : EIO;
            result = -1;
        }
        *frame = *list;
    }
    hv_buf_free(hv, buf, sizeof(op));
    hv_buf_free(hv, list, sizeof(*list));
    return result < 0 ? -1 : 0;
}

static void *map_by_frame(struct hv *hv, uint16_t domid)
{
    uint64_t frame;

    if (table_frame(hv, domid, &frame) < 0)
        return NULL;
    return hv_map_foreign(hv, domid, PROT_READ | PROT_WRITE, &frame, 1, NULL);
}

static bool not_offered(int error)
{
    return error == ENOSYS || error == EOPNOTSUPP || error == ENOTTY;
}

int hv_gnttab_seed(struct hv *hv, uint16_t domid, const struct hv_grant_seed *seeds, unsigned n)
{
    struct grant_entry_v1 *table;

    for (unsigned i = 0; i < n; i++) {
        if (seeds[i].frame > UINT32_MAX || seeds[i].ref >= ENTRIES_PER_FRAME) {
            errno = EOVERFLOW; /* an entry of version 1 holds 32 bits */
            return -1;
        }
    }
    table = map_by_resource(hv, domid);
    if (!table && not_offered(errno))
        table = map_by_frame(hv, domid);
    if (!table)
        return -1;
    for (unsigned i = 0; i < n; i++) {
        struct grant_entry_v1 *entry = &table[seeds[i].ref];

        entry->domid = seeds[i].grantee;
        entry->frame = (uint32_t)seeds[i].frame;
        __atomic_store_n(&entry->flags, GTF_permit_access, __ATOMIC_RELEASE);
    }
    munmap(table, HV_PAGE_SIZE);
    return 0;
}
