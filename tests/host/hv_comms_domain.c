/* SPDX-License-Identifier: MIT
 *
 * Domains and what tools do with them: numbers, listings, references, pausing, shutting down,
 * resumable teardown; domctl and sysctl as stock tools call them; CPU policies.
 */
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/version.h>
#include "hv_comms.h"
#include "boot/boot.h"
#include "comms/evtchn.h"
#include "comms/grant.h"
#include "dev/console.h"
#include "mm/frame.h"
#include "mm/page_alloc.h"
#include "mm/pt.h"
#include "pv/hypercall_page.h"
#include "pv/pv.h"
#include "version.h"
#include "x86/cpu.h"

/* ---- fakes of this program ---- */

static char keys_run[40];
void console_run_key(char key)
{
    size_t n = strlen(keys_run);
    keys_run[n] = key;
}

static const char ring[] = "hello from the hypervisor\n";
size_t console_ring_read(char *buf, size_t size, uint32_t *index, bool clear, bool incremental)
{
    uint32_t at = incremental ? *index : 0;
    size_t n = min(size, sizeof(ring) - 1 - at);
    (void)clear;
    memcpy(buf, ring + at, n);
    *index = at + (uint32_t)n;
    return n;
}

int hypercall_page_write(struct domain *d, mfn_t m)
{
    struct frame *f = frame_of(m);
    return f && frame_owner(f) == d ? 0 : -EINVAL;
}

/* A CPU like QEMU's: AMD, with more than guests may see. */
void cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
    static const struct xen_cpuid_leaf leaves[] = {
        {0, 0, 0x10, 0x68747541, 0x444d4163, 0x69746e65},
        {1, 0, 0x00800f12, 0x07100800, 0xfffab223 | 1u << 21, 0x0f8bfbff},
        {7, 0, 1, 0x009c23ab | 1u << 20, 1u << 2 | 1u << 16, 0},
        {0xd, 0, 0x207, 0x988, 0x988, 0},
        {0xd, 1, 0xf, 0x240, 0, 0},
        {0xd, 2, 0x100, 0x240, 0, 0},
        {0xd, 9, 0x8, 0x980, 0, 0},
        {0x80000000u, 0, 0x8000001f, 0x68747541, 0x444d4163, 0x69746e65},
        {0x80000001u, 0, 0x00800f12, 0, 0x000003f7, 0x2fd3fbff},
        {0x80000008u, 0, 0x3028, 0x1201, 0x1000, 0},
    };
    memset(out, 0, 16);
    for (unsigned i = 0; i < ARRAY_SIZE(leaves); i++)
        if (leaves[i].leaf == leaf && leaves[i].subleaf == sub)
            memcpy(out, &leaves[i].a, 16);
}

/* ---- helpers ---- */

static struct domain *tools;

static int with_dom0(void **state)
{
    start_machine(state);
    memset(keys_run, 0, sizeof(keys_run));
    cpu = (struct cpu_features){.nx = true,
                                .xsave = true,
                                .rdtscp = true,
                                .amd = true,
                                .phys_bits = 40,
                                .xsave_size = 0x340,
                                .host_xcr0 = 7};
    cpu_policy_init();
    tools = make_domain(0, true, 1);
    return 0;
}

static long domctl(uint32_t cmd, domid_t id, struct xen_domctl *op)
{
    op->cmd = cmd;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = id;
    return call(do_domctl, tools, op);
}
static long sysctl(uint32_t cmd, struct xen_sysctl *op)
{
    op->cmd = cmd;
    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return call(do_sysctl, tools, op);
}
static struct xen_domctl config(uint32_t vcpus)
{
    struct xen_domctl op = {0};
    op.u.createdomain = (struct xen_domctl_createdomain){.max_vcpus = vcpus,
                                                         .max_evtchn_port = 1023,
                                                         .max_grant_frames = 4,
                                                         .max_maptrack_frames = -1,
                                                         .grant_opts = 1};
    op.u.createdomain.handle[3] = 0x42;
    return op;
}
static domid_t create(domid_t id, uint32_t vcpus)
{
    struct xen_domctl op = config(vcpus);
    assert_int_equal(domctl(XEN_DOMCTL_createdomain, id, &op), 0);
    return op.domain;
}
static void destroy(domid_t id)
{
    struct xen_domctl op = {0};
    long rc;
    do
        rc = domctl(XEN_DOMCTL_destroydomain, id, &op);
    while (rc == -ERESTART);
    assert_int_equal(rc, 0);
}
static struct xen_domctl_getdomaininfo info(domid_t id)
{
    struct xen_domctl op = {0};
    assert_int_equal(domctl(XEN_DOMCTL_getdomaininfo, id, &op), 0);
    assert_int_equal(op.domain, op.u.getdomaininfo.domain);
    return op.u.getdomaininfo;
}

/* ---- life ---- */

static void numbers(void **state)
{
    struct xen_domctl op = config(1);
    domid_t first = create(0xffff, 1), second;

    (void)state;
    second = create(0, 1);
    assert_int_equal(second, first + 1);
    destroy(second);
    assert_int_equal(create(0, 1), first + 2); /* not used again at once */
    assert_int_equal(create(100, 1), 100);
    assert_int_equal(domctl(XEN_DOMCTL_createdomain, 100, &op), -EEXIST);
    assert_int_equal(domctl(XEN_DOMCTL_pausedomain, 99, &op), -ESRCH);

    /* the first one not below */
    assert_int_equal(info(0).domain, 0);
    assert_int_equal(info(1).domain, first);
    assert_int_equal(info((domid_t)(first + 1)).domain, first + 2);
    assert_int_equal(info((domid_t)(first + 3)).domain, 100);
    assert_int_equal(domctl(XEN_DOMCTL_getdomaininfo, 101, &op), -ESRCH);
    assert_int_equal(info(DOMID_SELF).domain, 0);
}

static void refused_configs(void **state)
{
    struct xen_domctl op;
    uint64_t free_before = page_free_count();

    (void)state;
#define REFUSE(field, value)                                                \
    do {                                                                    \
        op = config(1);                                                     \
        op.u.createdomain.field = (value);                                  \
        assert_int_equal(domctl(XEN_DOMCTL_createdomain, 0, &op), -EINVAL); \
    } while (0)
    REFUSE(max_vcpus, 0);
    REFUSE(max_vcpus, MAX_VCPUS + 1);
    REFUSE(max_vcpus, ~0u);
    REFUSE(flags, XEN_DOMCTL_CDF_hvm);
    REFUSE(flags, XEN_DOMCTL_CDF_iommu);
    REFUSE(max_evtchn_port, 0);
    REFUSE(max_grant_frames, 0);
    REFUSE(max_grant_frames, 0x7fffffff);
    REFUSE(max_maptrack_frames, 0x7fffffff);
    REFUSE(grant_opts, 0);
    REFUSE(grant_opts, 2);
    REFUSE(vmtrace_size, 4096);
    REFUSE(cpupool_id, 1);
    REFUSE(arch.emulation_flags, 1);
#undef REFUSE
    op = config(1);
    op.cmd = XEN_DOMCTL_createdomain;
    op.interface_version = 0x14;
    assert_int_equal(call(do_domctl, tools, &op), -EACCES);
    assert_int_equal(domctl(999, 0, &op), -ENOSYS);
    assert_int_equal(domctl(XEN_DOMCTL_shadow_op, 0, &op), -ENOSYS);
    assert_int_equal(page_free_count(), free_before);
}

/* Every allocation of a creation fails once: nothing may be left. */
static void no_memory(void **state)
{
    struct xen_domctl op = config(2);
    mfn_t hog[32768];
    unsigned n = 0;
    long rc;

    (void)state;
    while (!mfn_eq(hog[n] = page_alloc(0, 0), MFN_NONE))
        n++;
    for (unsigned left = 0;; left++) {
        uint64_t before = page_free_count();
        op = config(2);
        rc = domctl(XEN_DOMCTL_createdomain, 0, &op);
        if (!rc)
            break;
        assert_int_equal(rc, -ENOMEM);
        assert_int_equal(page_free_count(), before);
        page_free(hog[--n], 0);
        assert_true(left < 200);
    }
    while (n)
        page_free(hog[--n], 0);
}

static void pausing(void **state)
{
    struct xen_domctl op = {0};
    domid_t id = create(0, 1);
    struct domain *d = domain_get(id);

    (void)state;
    assert_true(info(id).flags & XEN_DOMINF_paused);
    assert_int_equal(d->pause_count, 1);
    assert_int_equal(domctl(XEN_DOMCTL_pausedomain, id, &op), 0);
    assert_int_equal(domctl(XEN_DOMCTL_unpausedomain, id, &op), 0);
    assert_true(info(id).flags & XEN_DOMINF_paused);
    assert_int_equal(domctl(XEN_DOMCTL_unpausedomain, id, &op), 0);
    assert_false(info(id).flags & XEN_DOMINF_paused);
    assert_int_equal(domctl(XEN_DOMCTL_unpausedomain, id, &op), -EINVAL);
    assert_int_equal(d->pause_count, 0);
    assert_int_equal(domctl(XEN_DOMCTL_pausedomain, 0, &op), -EINVAL); /* itself */
    domain_put(d);
}

static uint32_t bind_dom_exc(void)
{
    struct evtchn_bind_virq op = {.virq = VIRQ_DOM_EXC};
    assert_int_equal(call(evtchnop_bind_virq, tools, &op), 0);
    return op.port;
}
static bool exc_came(uint32_t port)
{
    uint64_t bit = 1ul << port, *w = (uint64_t *)&tools->shared->evtchn_pending[0];
    bool was = *w & bit;
    *w &= ~bit;
    return was;
}

static void shutting_down(void **state)
{
    uint32_t port = bind_dom_exc();
    struct domain *d = make_domain(5, false, 2);
    struct xen_domctl op = {0};

    (void)state;
    domain_shutdown(d, SHUTDOWN_reboot);
    assert_true(exc_came(port));
    assert_int_equal(fakes.rechecks, 2);
    assert_int_equal(info(5).flags & (XEN_DOMINF_shutdown | 0xffu << 16 | XEN_DOMINF_paused),
                     XEN_DOMINF_shutdown | SHUTDOWN_reboot << 16);
    assert_int_equal(d->pause_count, 1);
    domain_shutdown(d, SHUTDOWN_crash); /* the first reason counts */
    domain_crash(d, "again");
    assert_false(exc_came(port));
    assert_int_equal(d->shutdown_code, SHUTDOWN_reboot);
    assert_int_equal(d->pause_count, 1);

    assert_int_equal(domctl(XEN_DOMCTL_resumedomain, 5, &op), 0);
    assert_false(info(5).flags & XEN_DOMINF_shutdown);
    assert_int_equal(d->pause_count, 0);
    assert_int_equal(domctl(XEN_DOMCTL_resumedomain, 5, &op), 0); /* runs: nothing to do */
    assert_int_equal(d->pause_count, 0);
    domain_crash(d, "guest did %s", "wrong");
    assert_int_equal(d->shutdown_code, SHUTDOWN_crash);

    destroy(5);
    assert_true(exc_came(port));
}

static void dying(void **state)
{
    struct xen_domctl op = {0};
    struct domain *d = make_domain(5, false, 2);
    uint32_t port = bind_dom_exc();
    mfn_t m;

    (void)state;
    for (int i = 0; i < 3000; i++)
        own_frame(d);
    assert_int_equal(domctl(XEN_DOMCTL_destroydomain, 0, &op), -EINVAL);
    assert_int_equal(domctl(XEN_DOMCTL_destroydomain, 5, &op), -ERESTART);
    assert_int_equal(d->pause_count, 1);
    m = domain_page_alloc(d, 0, 0); /* gets nothing more */
    assert_true(mfn_eq(m, MFN_NONE));
    assert_false(info(5).flags & XEN_DOMINF_dying); /* only when fully dead, and then it is gone */
    assert_int_equal(domctl(XEN_DOMCTL_resumedomain, 5, &op), -EINVAL);
    assert_int_equal(domctl(XEN_DOMCTL_max_vcpus, 5, &op), -EINVAL);
    domain_hold(d);
    destroy(5);
    assert_true(exc_came(port));
    assert_int_equal(d->dying, DOM_DEAD);
    assert_int_equal(domain_destroy(d), 0); /* once more does no harm */
    assert_int_equal(domctl(XEN_DOMCTL_destroydomain, 5, &op), -ESRCH);
    assert_int_equal(create(5, 1), 5); /* the number is free while somebody holds the dead one */
    domain_put(d);
}

/* The stretched teardown, with dom0 still mapping a frame: the frame stays, then all goes. */
static void frame_held_by_dom0(void **state)
{
    struct domain *d = make_domain(5, false, 1);
    mfn_t t[4], theirs = own_frame(d);
    uint64_t va = 0x40000000ul, *p, before;

    (void)state;
    for (int i = 0; i < 4; i++)
        t[i] = own_frame(tools);
    for (unsigned i = 1; i < 4; i++) {
        p = mfn_to_va(t[i]);
        p[pt_index(va, i + 1)] = pte_make(t[i - 1], PTE_P | PTE_RW | PTE_US);
    }
    assert_int_equal(vcpu_set_kernel_l4(tools->vcpu[0], t[3]), 0);
    pretend_run(tools->vcpu[0]);
    assert_int_equal(
        pt_update(tools, d, mfn_to_maddr(t[0]), pte_make(theirs, PTE_P | PTE_RW | PTE_US)), 0);
    *(uint32_t *)mfn_to_va(theirs) = 0x12345678;
    destroy(5);
    assert_int_equal(*(uint32_t *)mfn_to_va(theirs), 0x12345678);
    before = page_free_count();
    pretend_run(tools->vcpu[0]);
    assert_int_equal(pt_update(tools, tools, mfn_to_maddr(t[0]), 0), 0);
    assert_true(page_free_count() > before);
}

static void permissions(void **state)
{
    struct domain *d = make_domain(5, false, 1);
    int err = 77;
    struct domain *x;

    (void)state;
    x = domain_get_for(d, DOMID_SELF, &err);
    assert_ptr_equal(x, d);
    domain_put(x);
    x = domain_get_for(d, 5, &err);
    assert_ptr_equal(x, d);
    domain_put(x);
    assert_null(domain_get_for(d, 0, &err));
    assert_int_equal(err, -EPERM);
    assert_null(domain_get_for(d, 77, &err));
    assert_int_equal(err, -ESRCH);
    x = domain_get_for(tools, 5, &err);
    assert_ptr_equal(x, d);
    domain_put(x);
    assert_null(domain_get_for(tools, DOMID_IO, &err));
    assert_int_equal(err, -ESRCH);
}

/* ---- domctl ---- */

static void builder_sequence(void **state)
{
    domid_t id = create(0, 2);
    struct xen_domctl op = {0};
    static struct vcpu_guest_context ctx;
    struct domain *d = domain_get(id);
    uint8_t map[8] = {0xff};

    (void)state;
    assert_int_equal(info(id).max_vcpu_id, XEN_INVALID_MAX_VCPU_ID);
    assert_int_equal(info(id).handle[3], 0x42);
    op.u.max_vcpus.max = 3;
    assert_int_equal(domctl(XEN_DOMCTL_max_vcpus, id, &op), -EINVAL);
    op.u.max_vcpus.max = 2;
    assert_int_equal(domctl(XEN_DOMCTL_max_vcpus, id, &op), 0);
    assert_int_equal(domctl(XEN_DOMCTL_max_vcpus, id, &op), 0);
    assert_int_equal(info(id).max_vcpu_id, 1);
    assert_int_equal(info(id).nr_online_vcpus, 0);

    op.u.vcpuaffinity = (struct xen_domctl_vcpuaffinity){
        .vcpu = 1, .flags = XEN_VCPUAFFINITY_SOFT, .cpumap_soft.nr_bits = 64};
    set_xen_guest_handle(op.u.vcpuaffinity.cpumap_soft.bitmap, map);
    assert_int_equal(domctl(XEN_DOMCTL_setvcpuaffinity, id, &op), 0);
    assert_int_equal(map[0], 1); /* what there is of it */
    op.u.vcpuaffinity.vcpu = 2;
    assert_int_equal(domctl(XEN_DOMCTL_setvcpuaffinity, id, &op), -EINVAL);

    memset(map, 0, sizeof(map));
    op.u.nodeaffinity.nodemap.nr_bits = 64;
    set_xen_guest_handle(op.u.nodeaffinity.nodemap.bitmap, map);
    assert_int_equal(domctl(XEN_DOMCTL_setnodeaffinity, id, &op), -EINVAL);
    map[0] = 1;
    assert_int_equal(domctl(XEN_DOMCTL_setnodeaffinity, id, &op), 0);

    op.u.max_mem.max_memkb = 0x40400;
    assert_int_equal(domctl(XEN_DOMCTL_max_mem, id, &op), 0);
    assert_int_equal(d->max_pages, 0x10100);
    assert_int_equal(info(id).max_pages, 0x10100);
    op.u.max_mem.max_memkb = ~0ul;
    assert_int_equal(domctl(XEN_DOMCTL_max_mem, id, &op), -EINVAL);

    op.u.tsc_info = (struct xen_domctl_tsc_info){0};
    assert_int_equal(domctl(XEN_DOMCTL_settscinfo, id, &op), 0);
    op.u.tsc_info.tsc_mode = 1;
    assert_int_equal(domctl(XEN_DOMCTL_settscinfo, id, &op), -EOPNOTSUPP);
    op.u.address_size.size = 64;
    assert_int_equal(domctl(XEN_DOMCTL_set_address_size, id, &op), 0);
    op.u.address_size.size = 32;
    assert_int_equal(domctl(XEN_DOMCTL_set_address_size, id, &op), -EINVAL);
    assert_int_equal(domctl(XEN_DOMCTL_get_address_size, id, &op), 0);
    assert_int_equal(op.u.address_size.size, 64);

    op.u.scheduler_op = (struct xen_domctl_scheduler_op){.sched_id = XEN_SCHEDULER_CREDIT2,
                                                         .cmd = XEN_DOMCTL_SCHEDOP_getinfo};
    assert_int_equal(domctl(XEN_DOMCTL_scheduler_op, id, &op), 0);
    assert_int_equal(op.u.scheduler_op.u.credit2.weight, 256);
    op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo; /* as libxl puts what it got */
    assert_int_equal(domctl(XEN_DOMCTL_scheduler_op, id, &op), 0);
    op.u.scheduler_op.u.credit2.weight = 512;
    assert_int_equal(domctl(XEN_DOMCTL_scheduler_op, id, &op), -EOPNOTSUPP);

    ctx.flags = VGCF_in_kernel | VGCF_online;
    ctx.user_regs.rip = 0xffffffff81000000ul;
    op.u.vcpucontext = (struct xen_domctl_vcpucontext){.vcpu = 0};
    set_xen_guest_handle(op.u.vcpucontext.ctxt, &ctx);
    assert_int_equal(domctl(XEN_DOMCTL_getvcpucontext, id, &op), -ENODATA);
    assert_int_equal(domctl(XEN_DOMCTL_setvcpucontext, id, &op), 0);
    assert_int_equal(info(id).nr_online_vcpus, 1);
    assert_int_equal(domctl(XEN_DOMCTL_setvcpucontext, 0, &op), -EINVAL); /* itself */
    op.u.vcpucontext.vcpu = 7;
    assert_int_equal(domctl(XEN_DOMCTL_setvcpucontext, id, &op), -EINVAL);
    memset(&ctx, 0, sizeof(ctx));
    op.u.vcpucontext.vcpu = 0;
    assert_int_equal(domctl(XEN_DOMCTL_getvcpucontext, id, &op), 0);
    assert_true(ctx.user_regs.rip == 0xffffffff81000000ul);
    op.u.getvcpuinfo.vcpu = 0;
    assert_int_equal(domctl(XEN_DOMCTL_getvcpuinfo, id, &op), 0);
    assert_int_equal(op.u.getvcpuinfo.online, 1);
    op.u.getvcpuinfo.vcpu = 1;
    assert_int_equal(domctl(XEN_DOMCTL_getvcpuinfo, id, &op), 0);
    assert_int_equal(op.u.getvcpuinfo.online, 0);

    assert_int_equal(domctl(XEN_DOMCTL_unpausedomain, id, &op), 0);
    assert_true(info(id).flags & XEN_DOMINF_blocked ? false : true);
    assert_int_equal(info(id).cpu_time, 3000);
    op.u.sendtrigger = (struct xen_domctl_sendtrigger){XEN_DOMCTL_SENDTRIGGER_NMI, 0};
    assert_int_equal(domctl(XEN_DOMCTL_sendtrigger, id, &op), 0);
    assert_int_equal(d->vcpu[0]->pending, PEND_NMI);
    op.u.sendtrigger.trigger = XEN_DOMCTL_SENDTRIGGER_POWER;
    assert_int_equal(domctl(XEN_DOMCTL_sendtrigger, id, &op), -ENOSYS);
    domain_put(d);
}

static void frame_types(void **state)
{
    struct domain *d = make_domain(5, false, 1);
    struct xen_domctl op = {0};
    mfn_t t = own_frame(d);
    xen_pfn_t list[3] = {t.v, grant_table_frame(tools, 0).v, ~0ul};

    (void)state;
    assert_int_equal(frame_get_and_type(frame_of(t), d, FRAME_L4), 0);
    op.u.getpageframeinfo3.num = 3;
    set_xen_guest_handle(op.u.getpageframeinfo3.array, list);
    assert_int_equal(domctl(XEN_DOMCTL_getpageframeinfo3, 5, &op), 0);
    assert_int_equal(list[0], XEN_DOMCTL_PFINFO_L4TAB);
    assert_int_equal(list[1], XEN_DOMCTL_PFINFO_XTAB);
    assert_int_equal(list[2], XEN_DOMCTL_PFINFO_XTAB);
    op.u.getpageframeinfo3.num = 1025;
    assert_int_equal(domctl(XEN_DOMCTL_getpageframeinfo3, 5, &op), -E2BIG);
    frame_put_and_type(frame_of(t));
}

static void affinity(void **state)
{
    struct xen_domctl op = {0};
    uint8_t hard[9] = {0x02, 0, 0, 0, 0, 0, 0, 0, 0xee}, soft[2] = {0xff, 0xff};

    (void)state;
    pretend_run_on(1); /* two CPUs; dom0's vCPU is on the first */
    pretend_run_on(0);
    op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    op.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
    set_xen_guest_handle(op.u.vcpuaffinity.cpumap_hard.bitmap, hard);
    assert_int_equal(domctl(XEN_DOMCTL_setvcpuaffinity, 0, &op), -EOPNOTSUPP);
    hard[0] = 0x3c; /* CPUs that are not there */
    assert_int_equal(domctl(XEN_DOMCTL_setvcpuaffinity, 0, &op), -EINVAL);
    hard[0] = 0x01;
    assert_int_equal(domctl(XEN_DOMCTL_setvcpuaffinity, 0, &op), 0);
    assert_int_equal(hard[0], 1);
    assert_int_equal(hard[8], 0xee);
    op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
    op.u.vcpuaffinity.cpumap_soft.nr_bits = 9;
    set_xen_guest_handle(op.u.vcpuaffinity.cpumap_soft.bitmap, soft);
    hard[0] = 0;
    assert_int_equal(domctl(XEN_DOMCTL_getvcpuaffinity, 0, &op), 0);
    assert_int_equal(hard[0], 1);
    assert_int_equal(soft[0], 3);
    assert_int_equal(soft[1], 0);
    op.u.vcpuaffinity.flags = 0;
    assert_int_equal(domctl(XEN_DOMCTL_setvcpuaffinity, 0, &op), -EINVAL);
}

/* ---- sysctl ---- */

static void machine_facts(void **state)
{
    struct xen_sysctl op = {0};
    char buf[100] = "";
    uint8_t map[8] = {0};

    (void)state;
    op.cmd = XEN_SYSCTL_physinfo;
    op.interface_version = 1;
    assert_int_equal(call(do_sysctl, tools, &op), -EACCES);
    assert_int_equal(sysctl(XEN_SYSCTL_tbuf_op, &op), -ENOSYS);
    assert_int_equal(sysctl(1000, &op), -ENOSYS);
    assert_int_equal(sysctl(XEN_SYSCTL_physinfo, &op), 0);
    assert_int_equal(op.u.physinfo.capabilities,
                     XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1);
    assert_int_equal(op.u.physinfo.free_pages, page_free_count());
    assert_true(op.u.physinfo.total_pages >= op.u.physinfo.free_pages);
    assert_int_equal(op.u.physinfo.nr_nodes, 1);

    op.u.readconsole = (struct xen_sysctl_readconsole){.count = sizeof(buf)};
    set_xen_guest_handle(op.u.readconsole.buffer, buf);
    assert_int_equal(sysctl(XEN_SYSCTL_readconsole, &op), 0);
    assert_int_equal(op.u.readconsole.count, sizeof(ring) - 1);
    assert_memory_equal(buf, ring, sizeof(ring) - 1);
    op.u.readconsole.incremental = 1; /* nothing new */
    op.u.readconsole.count = sizeof(buf);
    assert_int_equal(sysctl(XEN_SYSCTL_readconsole, &op), 0);
    assert_int_equal(op.u.readconsole.count, 0);

    op.u.debug_keys = (struct xen_sysctl_debug_keys){.nr_keys = 3};
    set_xen_guest_handle(op.u.debug_keys.keys, "qeg");
    assert_int_equal(sysctl(XEN_SYSCTL_debug_keys, &op), 0);
    assert_string_equal(keys_run, "qeg");

    memset(&op.u, 0, sizeof(op.u));
    op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
    op.u.cpupool_op.cpumap.nr_bits = 64;
    set_xen_guest_handle(op.u.cpupool_op.cpumap.bitmap, map);
    assert_int_equal(sysctl(XEN_SYSCTL_cpupool_op, &op), 0);
    assert_int_equal(op.u.cpupool_op.n_dom, 1);
    assert_int_equal(map[0], 1);
    op.u.cpupool_op.cpupool_id = 1;
    assert_int_equal(sysctl(XEN_SYSCTL_cpupool_op, &op), -ENOENT);
    op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_FREEINFO;
    assert_int_equal(sysctl(XEN_SYSCTL_cpupool_op, &op), 0);
    assert_int_equal(map[0], 0);
    op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_CREATE;
    assert_int_equal(sysctl(XEN_SYSCTL_cpupool_op, &op), -EOPNOTSUPP);
    assert_int_equal(sysctl(XEN_SYSCTL_sched_id, &op), 0);
    assert_int_equal(op.u.sched_id.sched_id, XEN_SCHEDULER_CREDIT2);
}

static void topology(void **state)
{
    struct xen_sysctl op = {0};
    struct xen_sysctl_cputopo t[4];
    struct xen_sysctl_meminfo m[2] = {{0}};
    uint32_t distance[4] = {0};

    (void)state;
    assert_int_equal(sysctl(XEN_SYSCTL_cputopoinfo, &op), 0);
    assert_int_equal(op.u.cputopoinfo.num_cpus, 1);
    op.u.cputopoinfo.num_cpus = 4;
    set_xen_guest_handle(op.u.cputopoinfo.cputopo, t);
    assert_int_equal(sysctl(XEN_SYSCTL_cputopoinfo, &op), 0);
    assert_int_equal(t[0].socket, 0);
    memset(&op.u, 0, sizeof(op.u));
    assert_int_equal(sysctl(XEN_SYSCTL_numainfo, &op), 0);
    assert_int_equal(op.u.numainfo.num_nodes, 1);
    set_xen_guest_handle(op.u.numainfo.meminfo, m);
    set_xen_guest_handle(op.u.numainfo.distance, distance);
    assert_int_equal(sysctl(XEN_SYSCTL_numainfo, &op), 0);
    assert_int_equal(m[0].memfree, page_free_count() * 4096);
    assert_int_equal(distance[0], 10);
}

static void lists(void **state)
{
    struct xen_sysctl op = {0};
    struct xen_domctl_getdomaininfo all[8];

    (void)state;
    create(3, 1);
    create(7, 1);
    op.u.getdomaininfolist.max_domains = 8;
    set_xen_guest_handle(op.u.getdomaininfolist.buffer, all);
    assert_int_equal(sysctl(XEN_SYSCTL_getdomaininfolist, &op), 0);
    assert_int_equal(op.u.getdomaininfolist.num_domains, 3);
    assert_int_equal(all[0].domain, 0);
    assert_int_equal(all[1].domain, 3);
    assert_int_equal(all[2].domain, 7);
    op.u.getdomaininfolist.first_domain = 4;
    op.u.getdomaininfolist.max_domains = 1;
    assert_int_equal(sysctl(XEN_SYSCTL_getdomaininfolist, &op), 0);
    assert_int_equal(op.u.getdomaininfolist.num_domains, 1);
    assert_int_equal(all[0].domain, 7);
    op.u.getdomaininfolist.first_domain = 8;
    assert_int_equal(sysctl(XEN_SYSCTL_getdomaininfolist, &op), 0);
    assert_int_equal(op.u.getdomaininfolist.num_domains, 0);
    op.u.getdomaininfolist.first_domain = 0;
    op.u.getdomaininfolist.max_domains = 8;
    pretend_guest_unmapped(&all[1], sizeof(all[1]));
    assert_int_equal(sysctl(XEN_SYSCTL_getdomaininfolist, &op), -EFAULT);
    pretend_guest_unmapped(NULL, 0);
}

/* ---- CPU policy ---- */

static void what_guests_see(void **state)
{
    struct domain *d = make_domain(5, false, 1);
    struct vcpu *v = d->vcpu[0];
    uint32_t r[4];

    (void)state;
    guest_cpuid(v, 0, 0, true, r);
    assert_int_equal(r[0], 0xd);
    assert_int_equal(r[1], 0x68747541);
    guest_cpuid(v, 1, 0, true, r);
    assert_int_equal(r[1] >> 24, 0);                  /* no APIC id */
    assert_true(r[2] >> 31);                          /* a hypervisor */
    assert_true(r[2] >> 27 & 1);                      /* OSXSAVE, to a kernel that asks us */
    assert_int_equal(r[2] & (1u << 21 | 1u << 3), 0); /* no X2APIC, MONITOR */
    assert_int_equal(r[3] & (1u << 3 | 1u << 12 | 1u << 13 | 1u << 17), 0); /* PSE MTRR PGE PSE36 */
    assert_true(r[3] & 1u << 6);                                            /* PAE */
    guest_cpuid(v, 1, 0, false, r);
    assert_false(r[2] >> 27 & 1);
    v->cr4 |= CR4_OSXSAVE;
    guest_cpuid(v, 1, 0, false, r);
    assert_true(r[2] >> 27 & 1);
    guest_cpuid(v, 7, 0, true, r);
    assert_int_equal(r[1] & (1u << 0 | 1u << 7 | 1u << 20), 0); /* FSGSBASE SMEP SMAP */
    assert_true(r[1] & 1u << 5);                                /* AVX2 */
    assert_int_equal(r[2] & (1u << 2 | 1u << 16), 0);           /* UMIP LA57 */
    assert_false(guest_has_feature(d, 7, 1, 0));
    v->xcr0 = 3;
    guest_cpuid(v, 0xd, 0, true, r);
    assert_int_equal(r[0], 7); /* no PKRU */
    assert_int_equal(r[1], 576);
    v->xcr0 = 7;
    guest_cpuid(v, 0xd, 0, true, r);
    assert_int_equal(r[1], 0x340);
    guest_cpuid(v, 0xd, 1, true, r);
    assert_int_equal(r[0], 7); /* no XSAVES */
    guest_cpuid(v, 0xd, 9, true, r);
    assert_int_equal(r[0], 0);
    guest_cpuid(v, 0x80000001u, 0, true, r);
    assert_true(r[3] & 1u << 11 && r[3] & 1u << 29 && r[3] & 1u << 20); /* SYSCALL LM NX */
    assert_int_equal(r[3] & 1u << 26, 0);                               /* 1 GiB pages */
    assert_int_equal(r[2] & 1u << 2, 0);                                /* SVM */
    guest_cpuid(v, 0x80000000u, 0, true, r);
    assert_int_equal(r[0], 0x80000008u);
    guest_cpuid(v, 0x8000001du, 0, true, r);
    assert_int_equal(r[0] | r[1] | r[2] | r[3], 0);
    guest_cpuid(v, 0x40000000u, 0, true, r);
    assert_int_equal(r[0], 0x40000005u);
    assert_memory_equal(&r[1], "XenVMMXenVMM", 12);
    guest_cpuid(v, 0x40000001u, 0, true, r);
    assert_int_equal(r[0], 4 << 16 | 17);
    guest_cpuid(v, 0x40000005u, 0, true, r);
    assert_int_equal(r[1], 40);
    guest_cpuid(v, 0x40000100u, 0, true, r);
    assert_int_equal(r[0] | r[1] | r[2] | r[3], 0);
}

/* As libxl does: sizes, the default policy, and back with changes. */
static void policy_round_trip(void **state)
{
    struct xen_sysctl s = {0};
    struct xen_domctl op = {0};
    static struct xen_cpuid_leaf leaves[120], back[120];
    uint32_t words[CPU_FEATURE_WORDS], n, r[4];
    struct domain *d = make_domain(5, false, 1);

    (void)state;
    assert_int_equal(sysctl(XEN_SYSCTL_get_cpu_policy, &s), 0);
    assert_true(s.u.cpu_policy.nr_leaves <= 120 && s.u.cpu_policy.nr_msrs >= 1);
    s.u.cpu_policy.index = XEN_SYSCTL_cpu_policy_pv_default;
    set_xen_guest_handle(s.u.cpu_policy.leaves, leaves);
    s.u.cpu_policy.nr_leaves = 3;
    assert_int_equal(sysctl(XEN_SYSCTL_get_cpu_policy, &s), -ENOBUFS);
    s.u.cpu_policy.nr_leaves = 120;
    assert_int_equal(sysctl(XEN_SYSCTL_get_cpu_policy, &s), 0);
    n = s.u.cpu_policy.nr_leaves;
    assert_true(n > 10 && n < 96);
    s.u.cpu_policy.index = XEN_SYSCTL_cpu_policy_hvm_default;
    assert_int_equal(sysctl(XEN_SYSCTL_get_cpu_policy, &s), -EOPNOTSUPP);

    memset(&s.u, 0, sizeof(s.u));
    s.u.cpu_featureset.index = XEN_SYSCTL_cpu_featureset_host;
    assert_int_equal(sysctl(XEN_SYSCTL_get_cpu_featureset, &s), 0);
    assert_int_equal(s.u.cpu_featureset.nr_features, CPU_FEATURE_WORDS);
    set_xen_guest_handle(s.u.cpu_featureset.features, words);
    assert_int_equal(sysctl(XEN_SYSCTL_get_cpu_featureset, &s), 0);
    assert_int_equal(words[0], 0x0f8bfbff);
    s.u.cpu_featureset.nr_features = 2;
    assert_int_equal(sysctl(XEN_SYSCTL_get_cpu_featureset, &s), -ENOBUFS);

    for (uint32_t i = 0; i < n; i++)
        if (leaves[i].leaf == 1) {
            leaves[i].c &= ~(1u << 25); /* no AES for this one */
            leaves[i].d |= 1u << 3;     /* PSE: taken out again */
        }
    op.u.cpu_policy.nr_leaves = n;
    set_xen_guest_handle(op.u.cpu_policy.leaves, leaves);
    assert_int_equal(domctl(XEN_DOMCTL_set_cpu_policy, 5, &op), 0);
    assert_int_equal(op.u.cpu_policy.err_leaf, ~0u);
    guest_cpuid(d->vcpu[0], 1, 0, true, r);
    assert_int_equal(r[2] & 1u << 25, 0);
    assert_int_equal(r[3] & 1u << 3, 0);
    assert_true(r[2] >> 31);
    guest_cpuid(tools->vcpu[0], 1, 0, true, r);
    assert_true(r[2] & 1u << 25); /* others keep theirs */

    op.u.cpu_policy.nr_leaves = 120;
    set_xen_guest_handle(op.u.cpu_policy.leaves, back);
    assert_int_equal(domctl(XEN_DOMCTL_get_cpu_policy, 5, &op), 0);
    assert_int_equal(op.u.cpu_policy.nr_leaves, n);

    leaves[0].a = 0x1000; /* more leaves than the machine has */
    op.u.cpu_policy.nr_leaves = n;
    set_xen_guest_handle(op.u.cpu_policy.leaves, leaves);
    assert_int_equal(domctl(XEN_DOMCTL_set_cpu_policy, 5, &op), -EINVAL);
    assert_int_equal(op.u.cpu_policy.err_leaf, 0);
    leaves[0].leaf = 0x12345678;
    assert_int_equal(domctl(XEN_DOMCTL_set_cpu_policy, 5, &op), -ERANGE);
    assert_int_equal(op.u.cpu_policy.err_leaf, 0x12345678);
    op.u.cpu_policy.nr_leaves = ~0u;
    assert_int_equal(domctl(XEN_DOMCTL_set_cpu_policy, 5, &op), -E2BIG);
    d->vcpu[0]->initialised = true;
    op.u.cpu_policy.nr_leaves = 0;
    assert_int_equal(domctl(XEN_DOMCTL_set_cpu_policy, 5, &op), -EEXIST);
}

/* ---- who we are ---- */

static long version(hcall_fn *fn, void *buf)
{
    struct hcall c = pretend_hcall(tools->vcpu[0], 0, (uint64_t)buf, 0, 0, 0);
    return fn(&c, buf);
}

static void versions(void **state)
{
    char buf[1024];
    struct xen_feature_info f = {0};
    struct xen_platform_parameters p;

    (void)state;
    assert_int_equal(version(xenver_extraversion, buf), 0);
    assert_string_equal(buf, ".0-bonsai");
    assert_int_equal(version(xenver_capabilities, buf), 0);
    assert_string_equal(buf, "xen-3.0-x86_64 ");
    assert_int_equal(version(xenver_compile_info, buf), 0);
    assert_int_equal(version(xenver_changeset, buf), 0);
    assert_int_equal(version(xenver_platform_parameters, &p), 0);
    assert_true(p.virt_start == 0xffff800000000000ul);
    assert_int_equal(version(xenver_get_features, &f), 0);
    assert_int_equal(f.submap & (1u << 5 | 1u << 7 | 1u << 11), 1u << 5 | 1u << 7 | 1u << 11);
    f.submap_idx = 1;
    assert_int_equal(version(xenver_get_features, &f), -EINVAL);
    strlcpy(boot_info.cmdline, "dom0_mem=1G", sizeof(boot_info.cmdline));
    assert_int_equal(version(xenver_commandline, buf), 0);
    assert_string_equal(buf, "dom0_mem=1G");
    assert_int_equal(version(xenver_extraversion, (void *)64), -EFAULT);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, with_dom0, end_machine)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(numbers),          T(refused_configs), T(no_memory),          T(pausing),
        T(shutting_down),    T(dying),           T(frame_held_by_dom0), T(permissions),
        T(builder_sequence), T(frame_types),     T(affinity),           T(machine_facts),
        T(topology),         T(lists),           T(what_guests_see),    T(policy_round_trip),
        T(versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
