/* SPDX-License-Identifier: MIT
 *
 * Random hypercalls of several domains at once, with arguments near the edges and guests that
 * scribble on every page they share with the hypervisor: nothing may trip an assertion or a
 * sanitizer, hang, or be missing at the end. Deterministic: SEED=n and ROUNDS=n in the environment
 * choose another run, and a failure prints the seed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/sysctl.h>
#include "hv_comms.h"
#include "comms/evtchn.h"
#include "comms/grant.h"
#include "dev/console.h"
#include "mm/frame.h"
#include "mm/page_alloc.h"
#include "mm/pt.h"
#include "pv/hypercall_page.h"
#include "pv/pv.h"
#include "x86/cpu.h"

#define DOMAINS 4
#define VA      0x40000000ul

static uint64_t rng;
static struct domain *doms[DOMAINS];
static mfn_t frames[DOMAINS][8]; /* data frames of each, and its L1 last */
static uint32_t handles[64];
/* that went well: a fuzzer whose every call is refused would find nothing */
static unsigned long mapped, unmapped, copied, raised, told;

static uint32_t rnd(uint32_t n)
{
    rng = rng * 6364136223846793005ul + 1442695040888963407ul;
    return (uint32_t)(rng >> 33) % n;
}

/* Small numbers, and now and then the edges of the types. */
static uint32_t edge(uint32_t usual)
{
    static const uint32_t edges[] = {0,      1,      31,         32,         511,
                                     512,    1023,   1024,       4095,       4096,
                                     131071, 131072, 0x7fffffff, 0x80000000, 0xffffffff};
    return rnd(16) ? rnd(usual) : edges[rnd(ARRAY_SIZE(edges))];
}
static domid_t some_id(void)
{
    static const domid_t odd[] = {DOMID_SELF, DOMID_IO, DOMID_XEN, DOMID_IDLE, 0xffff, 99};
    return rnd(12) ? (domid_t)rnd(DOMAINS) : odd[rnd(ARRAY_SIZE(odd))];
}
static uint64_t some_frame(void)
{
    if (!rnd(16))
        return (uint64_t)edge(20000) << (rnd(2) ? 0 : 20);
    return frames[rnd(DOMAINS)][rnd(8)].v;
}

void console_run_key(char key)
{
    (void)key;
}
size_t console_ring_read(char *buf, size_t size, uint32_t *index, bool clear, bool incremental)
{
    (void)buf, (void)size, (void)index, (void)clear, (void)incremental;
    return 0;
}
int hypercall_page_write(struct domain *d, mfn_t m)
{
    (void)d, (void)m;
    return -EINVAL;
}
void cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
    (void)sub;
    memset(out, 0, 16);
    if (leaf == 0 || leaf == 0x80000000u)
        out[0] = leaf + 8;
}

/* ---- domains ---- */

static void make_tables(unsigned i)
{
    struct domain *d = doms[i];
    mfn_t t[4];
    uint64_t *p;

    for (int k = 0; k < 4; k++)
        t[k] = own_frame(d);
    for (unsigned k = 1; k < 4; k++) {
        p = mfn_to_va(t[k]);
        p[pt_index(VA, k + 1)] = pte_make(t[k - 1], PTE_P | PTE_RW | PTE_US);
    }
    assert_int_equal(vcpu_set_kernel_l4(d->vcpu[0], t[3]), 0);
    frames[i][7] = t[0];
}

static void start(unsigned i)
{
    doms[i] = make_domain((domid_t)i, i == 0, 2);
    for (unsigned k = 0; k < 7; k++)
        frames[i][k] = own_frame(doms[i]);
    make_tables(i);
}

static void restart(unsigned i)
{
    end_domain(doms[i]);
    start(i);
}

/* ---- what guests write into shared pages ---- */

static void scribble(struct domain *d, unsigned i)
{
    uint32_t *w;

    switch (rnd(8)) {
    default: /* a grant entry, mostly a plausible one */
        w = (uint32_t *)mfn_to_va(grant_table_frame(d, 0)) + 2 * rnd(16);
        w[0] = rnd(4) ? (uint32_t)(GTF_permit_access | (rnd(4) ? 0 : GTF_readonly) |
                                   (uint32_t)some_id() << 16)
                      : rnd(0xffffffff);
        w[1] = (uint32_t)(rnd(8) ? frames[i][rnd(7)].v : some_frame());
        break;
    case 1:
        w = (uint32_t *)(void *)d->shared;
        w[rnd(800)] = rnd(0xffffffff);
        break;
    case 2: { /* a data frame, which may hold event words or a control block */
        struct frame *f = frame_of(frames[i][rnd(7)]);
        enum frame_type t = frame_type_now(f);
        w = mfn_to_va(frame_mfn(f));
        if (t == FRAME_NONE || t == FRAME_WRITABLE)
            w[rnd(1024)] = rnd(2) ? ~0u : rnd(0xffffffff);
        break;
    }
    case 3: /* its own page table, by hypercall */
        pretend_run(d->vcpu[0]);
        pt_update(d, rnd(8) ? d : doms[0], mfn_to_maddr(frames[i][7]) + 8 * rnd(16),
                  rnd(3) ? 0 : pte_make(mfn(some_frame()), PTE_P | PTE_US | (rnd(2) ? PTE_RW : 0)));
        break;
    }
}

/* ---- hypercalls ---- */

static void events(struct domain *d)
{
    static hcall_fn *const fns[] = {evtchnop_bind_interdomain,
                                    evtchnop_bind_virq,
                                    evtchnop_bind_pirq,
                                    evtchnop_close,
                                    evtchnop_send,
                                    evtchnop_status,
                                    evtchnop_alloc_unbound,
                                    evtchnop_bind_ipi,
                                    evtchnop_bind_vcpu,
                                    evtchnop_unmask,
                                    evtchnop_reset,
                                    evtchnop_init_control,
                                    evtchnop_expand_array,
                                    evtchnop_set_priority};
    union {
        struct evtchn_bind_interdomain inter;
        struct evtchn_init_control control;
        struct evtchn_alloc_unbound alloc;
        struct evtchn_reset reset;
        uint32_t words[8];
    } op;
    hcall_fn *fn = fns[rnd(ARRAY_SIZE(fns))];

    for (unsigned i = 0; i < ARRAY_SIZE(op.words); i++)
        op.words[i] = edge(24);
    if (fn == evtchnop_bind_interdomain || fn == evtchnop_status)
        op.inter.remote_dom = some_id();
    if (fn == evtchnop_alloc_unbound)
        op.alloc = (struct evtchn_alloc_unbound){some_id(), some_id(), 0};
    if (fn == evtchnop_reset) {
        if (rnd(200))
            return;
        op.reset.dom = some_id();
    }
    if (fn == evtchnop_init_control)
        op.control = (struct evtchn_init_control){some_frame(), edge(8) * 8, rnd(3), 0, {0}};
    if (fn == evtchnop_expand_array)
        op.control.control_gfn = some_frame();
    raised += !call(fn, d, &op) && fn == evtchnop_send;
    if (!rnd(8))
        virq_send_vcpu(d->vcpu[rnd(2)], rnd(NR_VIRQS));
    if (!rnd(8))
        evtchn_send_pirq(d, edge(64));
    evtchn_is_pending(d, edge(4096));
}

static void one_map(struct domain *d, unsigned i)
{
    struct gnttab_map_grant_ref op = {.flags = edge(32), .ref = edge(20), .dom = some_id()};

    op.host_addr = rnd(2) ? VA + rnd(20) * PAGE_SIZE : mfn_to_maddr(frames[i][7]) + 8 * rnd(20);
    if (!rnd(16))
        op.host_addr = (uint64_t)edge(1000) << (rnd(4) * 12);
    if (op.host_addr < VA)
        op.flags |= GNTMAP_contains_pte;
    grant_op(d, GNTTABOP_map_grant_ref, &op, 1);
    if (op.status != GNTST_okay)
        return;
    handles[rnd(ARRAY_SIZE(handles))] = op.handle;
    mapped++;
}

static void some_unmaps(struct domain *d, unsigned i)
{
    struct gnttab_unmap_grant_ref op[5];
    struct gnttab_unmap_and_replace rep = {.host_addr = VA + rnd(20) * PAGE_SIZE,
                                           .new_addr = VA + rnd(20) * PAGE_SIZE,
                                           .handle = rnd(20)};

    for (unsigned k = 0; k < 5; k++) {
        op[k] = (struct gnttab_unmap_grant_ref){.handle = rnd(8) ? rnd(20) : handles[rnd(64)]};
        if (rnd(4))
            op[k].host_addr =
                rnd(2) ? VA + rnd(20) * PAGE_SIZE : mfn_to_maddr(frames[i][7]) + 8 * rnd(20);
        if (rnd(2))
            op[k].dev_bus_addr = some_frame() << PAGE_SHIFT;
    }
    grant_op(d, GNTTABOP_unmap_grant_ref, op, 5);
    for (unsigned k = 0; k < 5; k++)
        unmapped += op[k].status == GNTST_okay;
    if (!rnd(4))
        grant_op(d, GNTTABOP_unmap_and_replace, &rep, 1);
}

static void one_copy(struct domain *d)
{
    struct gnttab_copy op = {.len = (uint16_t)edge(rnd(2) ? 64 : 4200), .flags = (uint16_t)rnd(4)};
    struct gnttab_copy_ptr *p[2] = {&op.source, &op.dest};

    for (int k = 0; k < 2; k++) {
        p[k]->domid = rnd(4) && !(op.flags & 1 << k) ? (domid_t)DOMID_SELF : some_id();
        p[k]->offset = (uint16_t)edge(200);
        if (op.flags & 1 << k)
            p[k]->u.ref = edge(20);
        else
            p[k]->u.gmfn = rnd(4) ? frames[d->id][rnd(7)].v : some_frame();
    }
    grant_op(d, GNTTABOP_copy, &op, 1);
    copied += op.status == GNTST_okay && op.len;
}

static void table_ops(struct domain *d)
{
    xen_pfn_t list[8];
    struct gnttab_setup_table s = {.dom = some_id(), .nr_frames = edge(5)};
    struct gnttab_swap_grant_ref w = {.ref_a = edge(20), .ref_b = edge(20)};
    uint64_t any[8];

    set_xen_guest_handle(s.frame_list, list);
    if (s.nr_frames < 8)
        grant_op(d, GNTTABOP_setup_table, &s, 1);
    grant_op(d, GNTTABOP_swap_grant_ref, &w, 1);
    for (unsigned k = 0; k < 8; k++)
        any[k] = edge(100);
    grant_op(d, rnd(2) ? GNTTABOP_query_size : GNTTABOP_get_version, any, 1);
}

/* Tools ask for anything, of any domain, with buffers that do not exist. */
static void tools(void)
{
    struct xen_domctl op;
    struct xen_sysctl sys;
    uint32_t *w = (uint32_t *)&op.u, *s = (uint32_t *)&sys.u;

    for (unsigned k = 0; k < 32; k++) {
        w[k] = s[k] = rnd(3) ? 0 : edge(40);
        if (w[k] == ~0u)
            w[k] = s[k] = 0x7fffffff; /* no address here may be one of this process */
    }
    pretend_guest_unmapped((void *)PAGE_SIZE, 1ul << 44);
    op.cmd = edge(90);
    op.interface_version = rnd(20) ? XEN_DOMCTL_INTERFACE_VERSION : rnd(100);
    op.domain = some_id();
    if (op.cmd != XEN_DOMCTL_destroydomain && op.cmd != XEN_DOMCTL_setvcpucontext &&
        op.cmd != XEN_DOMCTL_createdomain && op.cmd != XEN_DOMCTL_max_mem)
        told += !call(do_domctl, doms[0], &op);
    sys.cmd = edge(32);
    sys.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    if (sys.cmd != XEN_SYSCTL_debug_keys)
        call(do_sysctl, doms[0], &sys);
    pretend_guest_unmapped(NULL, 0);
}

static void everything(void **state)
{
    const char *seed = getenv("SEED"), *rounds = getenv("ROUNDS");
    unsigned long n = rounds ? strtoul(rounds, NULL, 0) : 150000;

    (void)state;
    rng = seed ? strtoul(seed, NULL, 0) : 1;
    printf("SEED=%lu ROUNDS=%lu\n", (unsigned long)rng, n);
    cpu_policy_init();
    for (unsigned i = 0; i < DOMAINS; i++)
        start(i);
    for (unsigned long k = 0; k < n; k++) {
        unsigned i = rnd(DOMAINS);
        struct domain *d = doms[i];

        pretend_no_budget = !rnd(4);
        switch (rnd(12)) {
        case 0:
        case 1:
            scribble(d, i);
            break;
        case 2:
        case 3:
        case 4:
            one_map(d, i);
            break;
        case 5:
        case 6:
            some_unmaps(d, i);
            break;
        case 7:
            one_copy(d);
            break;
        case 8:
            table_ops(d);
            break;
        case 9:
            tools();
            break;
        default:
            events(d);
        }
        if (!rnd(2000))
            restart(i);
    }
    printf("mapped %lu unmapped %lu copied %lu raised %lu told %lu\n", mapped, unmapped, copied,
           raised, told);
    assert_true(mapped && unmapped && copied && raised && told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everything, start_machine, end_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
