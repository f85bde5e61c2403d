/* SPDX-License-Identifier: MIT */
/*
 * All ways by which SYSRET could be made to return to an address that is not canonical.
 *
 * Intel's CPUs fault in ring 0 then, on the stack pointer of the guest. The ABI's answer is a fault
 * of the guest's: #GP in the handler of whoever was to be returned to. QEMU's TCG cannot fault
 * there, so what is shown here is that the guest gets its exception and nothing else happens; that
 * SYSRET is not used is shown by tests/host/hv_entry.c (docs/untested-here.md).
 *
 * The ways: SYSCALL as the last two bytes below the hole, from the kernel (a hypercall, also one
 * that is continued or changes the vCPU's state) and from user mode; the iret hypercall with and
 * without VGCF_in_syscall; callbacks and trap handlers; the context of a second vCPU.
 */
#include "guest-abi/kit/internal.h"
#include "tests/guest/lib/check.h"
#include "tests/guest/lib/entry.h"

#include <xen/callback.h>
#include <xen/memory.h>
#include <xen/nmi.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#define HOLE 0x0000800000000000ul

static const struct {
    uint64_t address;
    const char *name;
} holes[] = {
    {HOLE, "the hole's first byte"},
    {HOLE + 0x1000, "the hole's second page"},
    {0x0000ffffffffffff, "all ones up to bit 47"},
    {0x0001000000000000, "bit 48"},
    {0x7fffffffffffffff, "all but the sign"},
    {0x8000000000000000, "the sign"},
    {0xfffeffffffffffff, "all but bit 48"},
    {0xffff7fffffffffff, "the hole's last byte"},
};
#define HOLES (sizeof(holes) / sizeof(holes[0]))

static char *edge; /* a page of the window, also mapped as the last below the hole */
static char *const last = (char *)HOLE - PAGE_SIZE;
static char *const top = (char *)-PAGE_SIZE;

static void run(void *frame)
{
    trap_return(frame);
}

static struct trap_frame frame_at(uint64_t rip, bool user, uint64_t op)
{
    return (struct trap_frame){
        .rip = rip,
        .cs = user ? FLAT_USER_CS : FLAT_KERNEL_CS & ~3u,
        .ss = FLAT_KERNEL_SS,
        .rflags = 0x202,
        .rsp = (uint64_t)landing_stack(),
        .rax = op,
    };
}

static void report(const char *what, struct trap_frame *f, uint64_t expected_rip, uint64_t answer)
{
    struct trap_seen seen;
    bool taken = trap_try(run, f, &seen);

    check(taken && seen.rip == expected_rip, what, "exception %u, error %lx, %s the instruction%s",
          seen.vector, seen.error, seen.rip == expected_rip ? "behind" : "far from",
          answer == ~0ul             ? ""
          : seen.frame.rax == answer ? ", with its answer"
                                     : ", with another answer");
}

static void at_the_edge(void)
{
    struct trap_frame f;

    test_part("SYSCALL as the last instruction below the hole");
    f = frame_at(HOLE - 2, false, __HYPERVISOR_xen_version);
    report("a hypercall", &f, HOLE, 4 << 16 | 17);
    f = frame_at(HOLE - 2, false, 63);
    report("a hypercall that does not exist", &f, HOLE, -XEN_ENOSYS);
    f = frame_at(HOLE - 2, false, __HYPERVISOR_sched_op); /* another guest may run in between */
    f.rdi = SCHEDOP_yield;
    report("yield", &f, HOLE, 0);
    f = frame_at(HOLE - 2, false, __HYPERVISOR_fpu_taskswitch);
    report("fpu_taskswitch", &f, HOLE, 0);
    f = frame_at(HOLE - 2, false, __HYPERVISOR_set_segment_base);
    f.rsi = 0x1000;
    report("set_segment_base", &f, HOLE, 0);
    f = frame_at(HOLE - 2, true, 0);
    report("a system call", &f, HOLE, ~0ul);
}

/* The same with a stop in the middle: the SYSCALL is repeated, and only then left for the hole. */
static void continued(void)
{
    struct multicall_entry *list = pages_alloc(8);
    unsigned n = 8 * PAGE_SIZE / sizeof(list[0]);
    struct trap_frame f = frame_at(HOLE - 2, false, __HYPERVISOR_multicall);

    test_need(list != NULL, "no memory");
    for (unsigned i = 0; i < n; i++)
        list[i] =
            (struct multicall_entry){.op = __HYPERVISOR_xen_version, .args = {XENVER_version}};
    f.rdi = (uint64_t)list;
    f.rsi = n;
    report("a long multicall", &f, HOLE, 0);
    check(list[n - 1].result == (4 << 16 | 17), "its last entry", "%s",
          list[n - 1].result == (4 << 16 | 17) ? "done" : "not done");
    pages_free(list, 8);
}

static void at_the_top(void)
{
    struct trap_frame f = frame_at((uint64_t)top + PAGE_SIZE - 2, false, __HYPERVISOR_xen_version);

    test_part("SYSCALL as the last instruction at all");
    report("a hypercall", &f, 0, 4 << 16 | 17);
    f = frame_at((uint64_t)top + PAGE_SIZE - 2, true, 0);
    report("a system call", &f, 0, ~0ul);
}

/* The handler of a system call goes back to where it came from. */
static void back_from_a_system_call(void)
{
    struct trap_frame f = frame_at(HOLE - 2, true, 0);
    struct trap_seen seen;

    test_part("back from a system call");
    trap_try(run, &f, &seen);
    for (unsigned i = 0; i < 2; i++) {
        struct iret_frame back = {
            .flags = i ? IN_SYSCALL : 0,
            .rip = seen.frame.rip,
            .cs = FLAT_USER_CS,
            .rflags = seen.frame.rflags,
            .rsp = seen.frame.rsp,
            .ss = FLAT_USER_SS,
        };
        struct trap_seen again;
        char text[100];

        iret_try(&back, &again, text, sizeof(text));
        check(again.rip == HOLE, i ? "as a system call" : "by iret", "%s", text);
    }
}

static void by_iret(void)
{
    char text[100], what[80];
    struct trap_seen seen;

    test_part("iret");
    for (unsigned i = 0; i < HOLES; i++)
        for (unsigned way = 0; way < 4; way++) {
            struct iret_frame f = iret_to((void *)holes[i].address, landing_stack());

            f.flags = way & 1 ? IN_SYSCALL : 0;
            f.cs |= way & 2 ? 3 : 0;
            iret_try(&f, &seen, text, sizeof(text));
            snprintf(what, sizeof(what), "%s%s%s", holes[i].name, way & 2 ? ", user" : "",
                     way & 1 ? ", in a system call" : "");
            check(seen.rip == holes[i].address, what, "%s", text);
        }
}

static void by_callbacks(void)
{
    static const char *const types[] = {"event", "failsafe", "syscall", "type 3",
                                        "NMI",   "sysenter", "type 6",  "syscall32"};
    char what[80];

    test_part("callbacks and handlers");
    for (unsigned i = 0; i < HOLES; i++) {
        struct trap_info table[2] = {{.vector = 0x90, .address = holes[i].address}, {.vector = 0}};
        struct xennmi_callback nmi = {.handler_address = holes[i].address};

        for (uint16_t type = 0; type < sizeof(types) / sizeof(types[0]); type++) {
            struct callback_register reg = {.type = type, .address = holes[i].address};

            snprintf(what, sizeof(what), "callback %s: %s", types[type], holes[i].name);
            check_refused(what, hypercall_op(__HYPERVISOR_callback_op, CALLBACKOP_register, &reg));
        }
        snprintf(what, sizeof(what), "trap table: %s", holes[i].name);
        check_refused(what, hypercall1(__HYPERVISOR_set_trap_table, (unsigned long)table));
        snprintf(what, sizeof(what), "nmi_op: %s", holes[i].name);
        check_refused(
            what, hypercall2(__HYPERVISOR_nmi_op, XENNMI_register_callback, (unsigned long)&nmi));
    }
}

/* --- a second vCPU ------------------------------------------------------------------------------
 */

static struct vcpu_guest_context *context;

static void good_context(void)
{
    for (unsigned i = 0; i < sizeof(*context); i++)
        ((char *)context)[i] = 0;
    context->flags = VGCF_in_kernel;
    context->user_regs.rip = (uint64_t)landing;
    context->user_regs.cs = FLAT_KERNEL_CS;
    context->user_regs.ss = FLAT_KERNEL_SS;
    context->ctrlreg[3] = virt_to_mfn((const void *)start_info->pt_base) << PAGE_SHIFT;
}

static long initialise(void)
{
    return hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, (unsigned long)context);
}

static void by_context(void)
{
    static const struct {
        unsigned offset;
        const char *name;
    } fields[] = {
        {offsetof(struct vcpu_guest_context, user_regs.rip), "rip"},
        {offsetof(struct vcpu_guest_context, user_regs.rsp), "rsp"},
        {offsetof(struct vcpu_guest_context, kernel_sp), "kernel_sp"},
        {offsetof(struct vcpu_guest_context, fs_base), "fs_base"},
        {offsetof(struct vcpu_guest_context, gs_base_kernel), "gs_base_kernel"},
        {offsetof(struct vcpu_guest_context, gs_base_user), "gs_base_user"},
        {offsetof(struct vcpu_guest_context, event_callback_eip), "event callback"},
        {offsetof(struct vcpu_guest_context, failsafe_callback_eip), "failsafe callback"},
        {offsetof(struct vcpu_guest_context, syscall_callback_eip), "syscall callback"},
        {offsetof(struct vcpu_guest_context, trap_ctxt[13].address), "handler"},
    };
    char what[80];

    test_part("the context of a second vCPU");
    for (unsigned n = 0; n < sizeof(fields) / sizeof(fields[0]); n++)
        for (unsigned i = 0; i < HOLES; i++) {
            good_context();
            *(uint64_t *)((char *)context + fields[n].offset) = holes[i].address;
            snprintf(what, sizeof(what), "%s: %s", fields[n].name, holes[i].name);
            check_refused(what, initialise());
        }
}

int guest_main(void)
{
    edge = pages_alloc(1);
    context = pages_alloc(2);
    test_need(edge && context, "no memory");
    edge[PAGE_SIZE - 2] = 0x0f;
    edge[PAGE_SIZE - 1] = 0x05;
    test_need(map_anywhere(last, edge, PTE_P | PTE_US | PTE_A), "no page below the hole");
    test_need(map_anywhere(top, edge, PTE_P | PTE_US | PTE_A), "no page at the top");
    user_tables();
    do {
        at_the_edge();
        continued();
        at_the_top();
        back_from_a_system_call();
        by_iret();
        by_callbacks();
        by_context();
    } while (test_round());
    return test_end();
}
