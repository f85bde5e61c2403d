/* SPDX-License-Identifier: MIT */
/* Calls that take a domain's id, or a frame for the hypervisor to write to. */
#include "foreign-page.h"

#include <xen/memory.h>
#include <xen/vcpu.h>

static long reservation(unsigned cmd, domid_t domid, unsigned long frame)
{
    xen_pfn_t list = frame;
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = domid};

    if (cmd != XENMEM_claim_pages) /* which takes no list */
        set_xen_guest_handle(r.extent_start, &list);
    return hypercall_op(__HYPERVISOR_memory_op, cmd, &r);
}

static void reservations(void)
{
    static const struct {
        const char *name;
        unsigned cmd;
    } cmds[] = {
        {"increase_reservation", XENMEM_increase_reservation},
        {"decrease_reservation", XENMEM_decrease_reservation},
        {"populate_physmap", XENMEM_populate_physmap},
        {"claim_pages", XENMEM_claim_pages},
    };

    test_part("memory_op: frames");
    for (unsigned i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++) {
        long rc = reservation(cmds[i].cmd, 0, frame_foreign(3));

        check(rc <= 0, with(cmds[i].name, "dom0"), "%s", answer_name(rc));
        rc = reservation(cmds[i].cmd, 0x6fff, frame_foreign(3));
        check(rc <= 0, with(cmds[i].name, "a domain there is not"), "%s", answer_name(rc));
    }
}

static void questions(void)
{
    static const struct {
        const char *name;
        unsigned cmd;
    } cmds[] = {
        {"current_reservation", XENMEM_current_reservation},
        {"maximum_reservation", XENMEM_maximum_reservation},
        {"maximum_gpfn", XENMEM_maximum_gpfn},
    };

    test_part("memory_op: questions");
    for (unsigned i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++)
        for (unsigned j = 0; j < NR_OTHERS; j++)
            check_refused(with(cmds[i].name, others[j].name),
                          hypercall_op(__HYPERVISOR_memory_op, cmds[i].cmd, &others[j].id));
}

static void tools_calls(void *page)
{
    struct xen_memory_map map = {.nr_entries = 8};
    struct xen_foreign_memory_map foreign = {.domid = 0, .map = map};
    struct xen_add_to_physmap add = {.domid = 0, .space = XENMAPSPACE_grant_table};
    struct xen_remove_from_physmap remove = {.domid = 0};
    struct xen_mem_acquire_resource resource = {
        .domid = 0, .type = XENMEM_resource_grant_table, .nr_frames = 1};
    xen_pfn_t frame = 0;

    test_part("memory_op: what tools do");
    set_xen_guest_handle(map.buffer, page);
    set_xen_guest_handle(foreign.map.buffer, page);
    set_xen_guest_handle(resource.frame_list, &frame);
    check_refused("machine_memory_map",
                  hypercall_op(__HYPERVISOR_memory_op, XENMEM_machine_memory_map, &map));
    check_refused("set_memory_map, dom0",
                  hypercall_op(__HYPERVISOR_memory_op, XENMEM_set_memory_map, &foreign));
    check_refused("add_to_physmap, dom0",
                  hypercall_op(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add));
    add.domid = DOMID_SELF;
    check_refused("add_to_physmap, its own",
                  hypercall_op(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add));
    check_refused("remove_from_physmap, dom0",
                  hypercall_op(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, &remove));
    check_refused("acquire_resource, dom0",
                  hypercall_op(__HYPERVISOR_memory_op, XENMEM_acquire_resource, &resource));
    resource.domid = DOMID_SELF;
    check_refused("acquire_resource, its own",
                  hypercall_op(__HYPERVISOR_memory_op, XENMEM_acquire_resource, &resource));
}

static void exchanges(void)
{
    xen_pfn_t in = frame_foreign(3), out = 0;
    struct xen_memory_exchange x = {.in = {.nr_extents = 1, .domid = 0},
                                    .out = {.nr_extents = 1, .domid = 0}};

    set_xen_guest_handle(x.in.extent_start, &in);
    set_xen_guest_handle(x.out.extent_start, &out);
    check_refused("exchange, dom0", hypercall_op(__HYPERVISOR_memory_op, XENMEM_exchange, &x));
    x.in.domid = DOMID_SELF;
    check_refused("exchange, its own against dom0's",
                  hypercall_op(__HYPERVISOR_memory_op, XENMEM_exchange, &x));
}

static int table_op(unsigned cmd, void *op, const int16_t *status)
{
    return hypercall3(__HYPERVISOR_grant_table_op, cmd, (unsigned long)op, 1) ? 1 : *status;
}

static void grant_tables(void)
{
    xen_pfn_t frame = 0;

    test_part("grant_table_op");
    for (unsigned i = 0; i < NR_OTHERS; i++) {
        gnttab_setup_table_t setup = {.dom = others[i].id, .nr_frames = 1};
        gnttab_query_size_t size = {.dom = others[i].id};
        gnttab_get_version_t version = {.dom = others[i].id};

        set_xen_guest_handle(setup.frame_list, &frame);
        check_status_refused(with("setup_table", others[i].name),
                             table_op(GNTTABOP_setup_table, &setup, &setup.status));
        check_status_refused(with("query_size", others[i].name),
                             table_op(GNTTABOP_query_size, &size, &size.status));
        check_refused(with("get_version", others[i].name),
                      hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_get_version,
                                 (unsigned long)&version, 1));
    }
    if (frame)
        check(false, "setup_table", "a frame was told");
}

/* Frames that the hypervisor would write to for the guest. */
static void written_frames(void)
{
    const struct {
        const char *name;
        unsigned long mfn;
    } frames[] = {
        {"another domain's frame", frame_foreign(3)},
        {"the hypervisor's table", frame_hypervisor()},
        {"behind all RAM", frame_beyond()},
        {"the local APIC", 0xfee00},
        {"its own top table", live_l4_mfn()},
    };

    test_part("frames for the hypervisor to write to");
    for (unsigned i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        struct vcpu_register_vcpu_info info = {.mfn = frames[i].mfn};
        struct evtchn_init_control control = {.control_gfn = frames[i].mfn};

        check_refused(
            with("vcpu_info", frames[i].name),
            hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, (unsigned long)&info));
        check_refused(with("FIFO control block", frames[i].name),
                      hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_init_control, &control));
    }
}

static void vcpu_info_offsets(void *page)
{
    static const unsigned offsets[] = {4096 - 32, 4096, 1, 3, ~0u};
    char what[40];

    for (unsigned i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        struct vcpu_register_vcpu_info info = {.mfn = virt_to_mfn(page), .offset = offsets[i]};

        snprintf(what, sizeof(what), "vcpu_info at offset %u", offsets[i]);
        check_refused(what, hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0,
                                       (unsigned long)&info));
    }
}

void by_domain_ids(void *page)
{
    reservations();
    questions();
    tools_calls(page);
    exchanges();
    grant_tables();
    written_frames();
    vcpu_info_offsets(page);
}
