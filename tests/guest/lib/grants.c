/* SPDX-License-Identifier: MIT */
/* Grant operations of grants.h. */
#include "tests/guest/lib/grants.h"
#include "tests/guest/lib/check.h"

grant_entry_v1_t *grant_table(void)
{
    static grant_entry_v1_t *table;
    xen_pfn_t frame = 0;
    gnttab_setup_table_t setup = {.dom = DOMID_SELF, .nr_frames = 1};
    long rc;

    if (table)
        return table;
    set_xen_guest_handle(setup.frame_list, &frame);
    rc = hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_setup_table, (unsigned long)&setup, 1);
    test_need(!rc && setup.status == GNTST_okay, "no grant table");
    table = va_reserve(1);
    test_need(table && !map_page(table, frame << PAGE_SHIFT | PTE_P | PTE_RW | PTE_US | PTE_NX),
              "the grant table cannot be mapped");
    return table;
}

void grant_entry(grant_ref_t ref, domid_t domid, unsigned long mfn, unsigned flags)
{
    grant_entry_v1_t *e = &grant_table()[ref];

    e->frame = (uint32_t)mfn;
    e->domid = domid;
    __atomic_store_n(&e->flags, (uint16_t)flags, __ATOMIC_RELEASE);
}

bool grant_end(grant_ref_t ref)
{
    uint16_t *flags = &grant_table()[ref].flags;
    uint16_t now = __atomic_load_n(flags, __ATOMIC_RELAXED);

    do {
        if (now & (GTF_reading | GTF_writing))
            return false;
    } while (
        !__atomic_compare_exchange_n(flags, &now, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
    return true;
}

bool check_grant_ends(const char *what, grant_ref_t ref)
{
    bool ended = grant_end(ref);

    return check(ended, what, "%s", ended ? "free" : "in use");
}

void grant_revoke(grant_ref_t ref)
{
    __atomic_store_n(&grant_table()[ref].flags, 0, __ATOMIC_SEQ_CST);
}

static int one(unsigned cmd, void *op, const int16_t *status)
{
    return hypercall3(__HYPERVISOR_grant_table_op, cmd, (unsigned long)op, 1) ? 1 : *status;
}

int grant_map(gnttab_map_grant_ref_t *op)
{
    op->status = 1;
    return one(GNTTABOP_map_grant_ref, op, &op->status);
}

int grant_map_at(void *va, domid_t domid, grant_ref_t ref, unsigned flags, grant_handle_t *handle)
{
    gnttab_map_grant_ref_t op = {
        .host_addr = (unsigned long)va, .flags = flags, .ref = ref, .dom = domid};
    int status = grant_map(&op);

    if (status == GNTST_okay)
        *handle = op.handle;
    return status;
}

int grant_unmap(uint64_t host_addr, uint64_t dev_addr, grant_handle_t handle)
{
    gnttab_unmap_grant_ref_t op = {
        .host_addr = host_addr, .dev_bus_addr = dev_addr, .handle = handle, .status = 1};

    return one(GNTTABOP_unmap_grant_ref, &op, &op.status);
}

int grant_copy(gnttab_copy_t *op)
{
    op->status = 1;
    return one(GNTTABOP_copy, op, &op->status);
}

/* A port that is bound to itself tells who is at its other end. */
domid_t own_domid(void)
{
    struct evtchn_bind_interdomain bind = {.remote_dom = DOMID_SELF};
    struct evtchn_status status = {.dom = DOMID_SELF};
    evtchn_port_t port;

    test_need(!event_alloc_unbound(DOMID_SELF, &port), "no event channel");
    bind.remote_port = port;
    test_need(!hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, &bind),
              "a port cannot be bound to the domain itself");
    status.port = bind.local_port;
    test_need(!hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_status, &status),
              "a port has no status");
    event_close(bind.local_port);
    event_close(port);
    return status.u.interdomain.dom;
}
