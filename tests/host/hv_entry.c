/* SPDX-License-Identifier: MIT
 *
 * hypervisor/x86/entry.S, run: the file itself, in this process, with SYSRET and IRET replaced by
 * jumps back to here (hv_entry_harness.S). A CPU's 64 KiB region is ordinary memory; what entry.S
 * calls in C are the functions below, which count and look.
 *
 * What matters most: SYSRET is used only with a canonical rip. With another one it faults in ring 0
 * on Intel's CPUs, on the guest's stack pointer (docs/untested-here.md); QEMU's TCG does not fault
 * at all, so no guest kernel can show it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <cmocka.h>
#include "x86/cpu.h"
#include "x86/hvmap.h"
#include "x86/init.h"
#include "x86/percpu.h"
#include "dom/vcpu.h"

enum { LEFT_NOT, LEFT_BY_SYSRET, LEFT_BY_IRET };

extern uint32_t host_left_by;
extern struct regs host_out;
long host_enter(uint64_t at, const struct regs *in);
void exit_to_guest(void) __attribute__((noreturn));

static char *region;
static struct pcpu *pcpu;
static struct vcpu vcpu;
static struct vcpu_info info;

/* ---- what entry.S calls ---- */

enum called { NOBODY, HYPERCALL, BOUNCE, GUEST_TRAP, HV_TRAP, IST_TRAP, IRQ, EXIT_WORK };

static struct {
    enum called by[8];
    unsigned n;
    struct regs regs;               /* as the first of them found them */
    struct regs *at;                /* and where */
    void (*change)(struct regs *r); /* what the first one does to the frame */
    void (*work)(void);
} seen;

static void note(enum called who, struct regs *r)
{
    if (seen.n < ARRAY_SIZE(seen.by))
        seen.by[seen.n] = who;
    if (seen.n++ == 0) {
        seen.regs = *r;
        seen.at = r;
        if (seen.change)
            seen.change(r);
    }
}
void hypercall_entry(struct regs *r);
void hypercall_entry(struct regs *r)
{
    note(HYPERCALL, r);
}
void guest_syscall_bounce(struct regs *r);
void guest_syscall_bounce(struct regs *r)
{
    note(BOUNCE, r);
}
void guest_trap(struct regs *r);
void guest_trap(struct regs *r)
{
    note(GUEST_TRAP, r);
}
void hypervisor_trap(struct regs *r);
void hypervisor_trap(struct regs *r)
{
    note(HV_TRAP, r);
}
void ist_trap(struct regs *r);
void ist_trap(struct regs *r)
{
    note(IST_TRAP, r);
}
void irq_dispatch(struct regs *r);
void irq_dispatch(struct regs *r)
{
    note(IRQ, r);
}
void guest_exit_work(struct regs *r);
void guest_exit_work(struct regs *r)
{
    note(EXIT_WORK, r);
    pcpu->softirqs = 0;
    vcpu.pending = 0;
    info.evtchn_upcall_mask = 1;
    if (seen.work)
        seen.work();
}

/* ---- set-up ---- */

static int boot(void **state)
{
    (void)state;
    region = aligned_alloc(PERCPU_SIZE, PERCPU_SIZE);
    pcpu = (struct pcpu *)(region + PERCPU_DATA);
    memcpy(region, syscall_stub_page, PAGE_SIZE);
    return mprotect(region, PAGE_SIZE, PROT_READ | PROT_EXEC);
}

static int shutdown_region(void **state)
{
    (void)state;
    mprotect(region, PAGE_SIZE, PROT_READ | PROT_WRITE);
    free(region);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    memset(region + PAGE_SIZE, 0xa5, PERCPU_SIZE - PAGE_SIZE);
    memset(pcpu, 0, sizeof(*pcpu));
    memset(&vcpu, 0, sizeof(vcpu));
    memset(&info, 0, sizeof(info));
    memset(&seen, 0, sizeof(seen));
    vcpu.info = &info;
    vcpu.kernel_mode = true;
    pcpu->current = &vcpu;
    info.evtchn_upcall_mask = 1;
    host_left_by = LEFT_NOT;
    return 0;
}

static uint64_t next_random(void)
{
    static uint64_t x = 88172645463325252ull;

    x ^= x << 13;
    x ^= x >> 7;
    return x ^= x << 17;
}

static struct regs random_regs(void)
{
    struct regs r;
    uint64_t words[sizeof(r) / 8];

    for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
        words[i] = next_random();
    memcpy(&r, words, sizeof(r));
    return r;
}

static struct regs *top(void)
{
    return (struct regs *)pcpu - 1;
}

/* The guest's frame, as a context switch leaves it, and out. */
static void leave_with(const struct regs *r)
{
    struct regs in = {.rsp = (uint64_t)(region + 0xc000)};

    *top() = *r;
    host_left_by = LEFT_NOT;
    host_enter((uint64_t)exit_to_guest, &in);
}

#define OTHERS(r) /* those that SYSRET does not use */                                          \
    {                                                                                           \
        (r).r15, (r).r14, (r).r13, (r).r12, (r).rbp, (r).rbx, (r).r10, (r).r9, (r).r8, (r).rax, \
            (r).rdx, (r).rsi, (r).rdi                                                           \
    }

static void assert_same_registers(const struct regs *got, const struct regs *want)
{
    const uint64_t a[] = OTHERS(*got), b[] = OTHERS(*want);

    assert_memory_equal(a, b, sizeof(a));
}

/* Did the frame go out as it should: by SYSRET, or by IRET with these five words on top? */
static void assert_left(const struct regs *r, bool by_sysret)
{
    assert_int_equal(host_left_by, by_sysret ? LEFT_BY_SYSRET : LEFT_BY_IRET);
    assert_same_registers(&host_out, r);
    if (by_sysret) {
        assert_int_equal(host_out.rcx, r->rip);
        assert_int_equal(host_out.r11, r->rflags);
        assert_int_equal(host_out.rsp, r->rsp);
        return;
    }
    assert_int_equal(host_out.rcx, r->rcx);
    assert_int_equal(host_out.r11, r->r11);
    assert_ptr_equal(host_out.rsp, &top()->rip);
    assert_memory_equal((void *)host_out.rsp, &r->rip, 5 * sizeof(uint64_t));
}

/* ---- the way out ---- */

/* Both edges of the hole, every bit alone, and a good number at random. */
static void sysret_only_to_canonical_addresses(void **state)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     0x00007ffffffffffe,
                                     0x00007fffffffffff,
                                     0x0000800000000000,
                                     0x0000800000000001,
                                     0x0000ffffffffffff,
                                     0x0001000000000000,
                                     0x7fffffffffffffff,
                                     0x8000000000000000,
                                     0xfffeffffffffffff,
                                     0xffff000000000000,
                                     0xffff7fffffffffff,
                                     0xffff800000000000,
                                     0xffff87ffffffffff,
                                     0xffffffff80000000,
                                     0xffffffffffffffff};
    struct regs r = random_regs();
    unsigned sysrets = 0, irets = 0;

    (void)state;
    r.vector = ENTRY_SYSCALL;
    for (unsigned i = 0; i < ARRAY_SIZE(edges) + 64 + 20000; i++) {
        bool ok;

        if (i < ARRAY_SIZE(edges))
            r.rip = edges[i];
        else if (i < ARRAY_SIZE(edges) + 64)
            r.rip = 1ull << (i - ARRAY_SIZE(edges));
        else
            r.rip = next_random() >> (next_random() & 31);
        ok = r.rip >> 47 == 0 || r.rip >> 47 == 0x1ffff;
        assert_int_equal(va_is_canonical(r.rip), ok);
        leave_with(&r);
        assert_left(&r, ok);
        if (ok)
            sysrets++;
        else
            irets++;
    }
    assert_true(sysrets > 1000 && irets > 1000);
    assert_int_equal(seen.n, 0);
}

static void sysret_only_for_syscalls(void **state)
{
    struct regs r = random_regs();

    (void)state;
    r.rip = 0x401000;
    for (r.vector = 0; r.vector < 0x200; r.vector++) {
        leave_with(&r);
        assert_left(&r, r.vector == ENTRY_SYSCALL);
    }
    r.vector = ENTRY_SYSCALL | 1u << 31;
    leave_with(&r);
    assert_left(&r, false);
}

static void raise_again(void)
{
    static unsigned left = 3;

    if (left-- > 0)
        vcpu.pending = PEND_NMI;
}

/* What is pending is looked at until nothing is. */
static void work_before_leaving(void **state)
{
    struct regs r = random_regs();

    (void)state;
    r.rip = 0x401000;
    for (unsigned bits = 0; bits < 16; bits++) {
        memset(&seen, 0, sizeof(seen));
        pcpu->softirqs = bits & 1 ? 1u << SOFTIRQ_TIMER : 0;
        vcpu.pending = bits & 2 ? PEND_TRAP : 0;
        info.evtchn_upcall_pending = bits & 4 ? 1 : 0;
        info.evtchn_upcall_mask = bits & 8 ? 1 : 0;
        leave_with(&r);
        assert_int_equal(seen.n, (bits & 3) || (bits & 12) == 4);
        assert_left(&r, false);
    }
    memset(&seen, 0, sizeof(seen));
    seen.work = raise_again;
    vcpu.pending = PEND_NMI;
    leave_with(&r);
    assert_int_equal(seen.n, 4);
}

/* ---- the ways in ---- */

static void go_to_the_hole(struct regs *r)
{
    r->rip = 0x0000800000000000;
}

static void enter_stub(unsigned offset, const struct regs *guest)
{
    struct regs in = *guest;

    in.rcx = guest->rip; /* what SYSCALL does */
    in.r11 = guest->rflags;
    memset(&seen.by, 0, sizeof(seen.by));
    seen.n = 0;
    host_left_by = LEFT_NOT;
    host_enter((uint64_t)region + offset, &in);
}

/* The guest's stack pointer is only a number: any will do. */
static void syscalls(void **state)
{
    struct regs g = random_regs(), want;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        g.rip = 0x401002;
        g.rsp = (const uint64_t[]){0, 0x800000000000, 0xffff830000000000, ~0ull}[i];
        vcpu.kernel_mode = i & 1;
        enter_stub(0, &g);
        assert_int_equal(seen.n, 1);
        assert_int_equal(seen.by[0], i & 1 ? HYPERCALL : BOUNCE);
        assert_ptr_equal(seen.at, top());
        want = g;
        want.rcx = g.rip;
        want.r11 = g.rflags;
        assert_same_registers(&seen.regs, &want);
        assert_int_equal(seen.regs.vector, ENTRY_SYSCALL);
        assert_int_equal(seen.regs.error_code, 0);
        assert_int_equal(seen.regs.rip, g.rip);
        assert_int_equal(seen.regs.rflags, g.rflags);
        assert_int_equal(seen.regs.cs, SEL_GUEST_CS64);
        assert_int_equal(seen.regs.ss, SEL_GUEST_DS);
        assert_int_equal(seen.regs.rsp, g.rsp);
        assert_left(&seen.regs, true);
    }
}

/* SYSCALL as the last instruction below the hole: rcx is what follows it. */
static void syscall_at_the_edge(void **state)
{
    struct regs g = random_regs();

    (void)state;
    g.rip = 0x0000800000000000;
    enter_stub(0, &g);
    assert_int_equal(seen.by[0], HYPERCALL);
    assert_left(&seen.regs, false);
    assert_int_equal(top()->rip, 0x0000800000000000);
}

/* A hypercall (iret with VGCF_in_syscall) that turns the frame into one for the hole. */
static void handler_that_leaves_for_the_hole(void **state)
{
    struct regs g = random_regs(), r;

    (void)state;
    g.rip = 0x401002;
    seen.change = go_to_the_hole;
    enter_stub(0, &g);
    r = seen.regs;
    r.rip = 0x0000800000000000;
    assert_left(&r, false);
    vcpu.kernel_mode = false;
    enter_stub(0, &g);
    assert_int_equal(seen.by[0], BOUNCE);
    r = seen.regs;
    r.rip = 0x0000800000000000;
    assert_left(&r, false);
}

static void other_syscalls(void **state)
{
    struct regs g = random_regs();

    (void)state;
    g.rip = 0x401002;
    enter_stub(64, &g); /* CSTAR */
    assert_int_equal(seen.by[0], BOUNCE);
    assert_int_equal(seen.regs.vector, ENTRY_SYSCALL32);
    assert_int_equal(seen.regs.cs, SEL_GUEST_CS32);
    assert_int_equal(seen.regs.rip, g.rip);
    assert_left(&seen.regs, false);

    g.rsp = (uint64_t)pcpu; /* SYSENTER_ESP */
    enter_stub(128, &g);
    assert_int_equal(seen.by[0], BOUNCE);
    assert_int_equal(seen.regs.vector, ENTRY_SYSENTER);
    assert_int_equal(seen.regs.cs, 3);
    assert_int_equal(seen.regs.rip, 0);
    assert_int_equal(seen.regs.rsp, 0);
    assert_int_equal(seen.regs.ss, SEL_GUEST_DS);
    assert_int_equal(seen.regs.rflags & (RFLAGS_NT | RFLAGS_IF), RFLAGS_IF);
    assert_left(&seen.regs, false);
}

static bool has_error_code(unsigned vector)
{
    return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 ||
           vector == 29 || vector == 30;
}

/* As the CPU would have pushed it, at the end of a stack. */
static void trap(unsigned vector, char *stack_top, const struct regs *g)
{
    uint64_t *sp = (uint64_t *)stack_top;
    struct regs in = *g;

    *--sp = g->ss;
    *--sp = g->rsp;
    *--sp = g->rflags;
    *--sp = g->cs;
    *--sp = g->rip;
    if (has_error_code(vector))
        *--sp = g->error_code;
    in.rsp = (uint64_t)sp;
    memset(&seen.by, 0, sizeof(seen.by));
    seen.n = 0;
    host_left_by = LEFT_NOT;
    host_enter(trap_entry_table[vector], &in);
}

static void assert_trap_frame(unsigned vector, const struct regs *g)
{
    assert_same_registers(&seen.regs, g);
    assert_int_equal(seen.regs.rcx, g->rcx);
    assert_int_equal(seen.regs.r11, g->r11);
    assert_int_equal(seen.regs.vector, vector);
    assert_int_equal(seen.regs.error_code, has_error_code(vector) ? g->error_code : 0);
    assert_memory_equal(&seen.regs.rip, &g->rip, 5 * sizeof(uint64_t));
}

static char *stack_of(unsigned vector)
{
    return vector == 8    ? region + 3 * PAGE_SIZE
           : vector == 2  ? region + 4 * PAGE_SIZE
           : vector == 18 ? region + 5 * PAGE_SIZE
           : vector == 1  ? region + 6 * PAGE_SIZE
                          : (char *)pcpu;
}

static void traps_from_the_guest(void **state)
{
    (void)state;
    for (unsigned v = 0; v < 256; v++) {
        struct regs g = random_regs();
        bool own_stack = v == 2 || v == 8 || v == 18;

        g.cs = v & 1 ? 0xe033 : 0x13;
        trap(v, stack_of(v), &g);
        assert_int_equal(seen.n, 1);
        assert_int_equal(seen.by[0], own_stack ? IST_TRAP : v < 32 || v == 0x80 ? GUEST_TRAP : IRQ);
        assert_trap_frame(v, &g);
        assert_ptr_equal(seen.at, own_stack ? (struct regs *)stack_of(v) - 1 : top());
        assert_int_equal(host_left_by, LEFT_BY_IRET);
        assert_same_registers(&host_out, &g);
        assert_memory_equal((void *)host_out.rsp, &g.rip, 5 * sizeof(uint64_t));
    }
}

/* #DB at the first instruction of a syscall stub, for one: it returns to where it struck and leaves
 * the guest's frame alone. */
static void traps_from_the_hypervisor(void **state)
{
    struct regs before = random_regs();

    (void)state;
    for (unsigned v = 0; v < 256; v++) {
        struct regs g = random_regs();
        char *stack = stack_of(v) == (char *)pcpu ? region + 0xd000 : stack_of(v);

        g.cs = SEL_HV_CODE;
        *top() = before;
        vcpu.pending = PEND_TRAP; /* not looked at on the way back into the hypervisor */
        trap(v, stack, &g);
        assert_int_equal(seen.n, 1);
        assert_int_equal(seen.by[0], v == 2 || v == 8 || v == 18 ? IST_TRAP
                                     : v < 32                    ? HV_TRAP
                                                                 : IRQ);
        assert_trap_frame(v, &g);
        assert_ptr_equal(seen.at, (struct regs *)stack - 1);
        assert_int_equal(host_left_by, LEFT_BY_IRET);
        assert_same_registers(&host_out, &g);
        assert_int_equal(host_out.rcx, g.rcx);
        assert_int_equal(host_out.r11, g.r11);
        assert_memory_equal((void *)host_out.rsp, &g.rip, 5 * sizeof(uint64_t));
        assert_memory_equal(top(), &before, sizeof(before));
    }
}

#define T(fn) cmocka_unit_test_setup(fn, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(sysret_only_to_canonical_addresses),
        T(sysret_only_for_syscalls),
        T(work_before_leaving),
        T(syscalls),
        T(syscall_at_the_edge),
        T(handler_that_leaves_for_the_hole),
        T(other_syscalls),
        T(traps_from_the_guest),
        T(traps_from_the_hypervisor),
    };

    return cmocka_run_group_tests(tests, boot, shutdown_region);
}
