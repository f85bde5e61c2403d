/* SPDX-License-Identifier: MIT */
/*
 * Model-specific registers, control registers and debug registers, all of them.
 *
 * RDMSR and WRMSR at CPL 3 are #GP on real hardware. The ABI has the hypervisor emulate a few for
 * the guest's kernel: segment bases, TSC_AUX, some that describe the CPU; any other number is the
 * guest's #GP, and nothing that a guest writes reaches the machine. Of CR0 only TS is the guest's,
 * of CR4 a few bits; others are kept as they are. Breakpoints may be set on the guest's addresses
 * only, and one on memory that the hypervisor touches for the guest is the guest's business. User
 * mode gets nothing.
 */
#include "tests/guest/lib/check.h"
#include "tests/guest/lib/entry.h"

#include <xen/version.h>

struct access {
    uint32_t msr;
    uint64_t value;
};

static void read_msr(void *context)
{
    struct access *a = context;
    uint32_t lo, hi;

    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(a->msr));
    a->value = (uint64_t)hi << 32 | lo;
}

static void write_msr(void *context)
{
    struct access *a = context;

    __asm__ volatile("wrmsr"
                     :
                     : "c"(a->msr), "a"((uint32_t)a->value), "d"((uint32_t)(a->value >> 32)));
}

/* 0: done. 1: #GP. 2: anything else. */
static unsigned try(void (*f)(void *), struct access *a)
{
    struct trap_seen seen;

    if (!trap_try(f, a, &seen))
        return 0;
    return seen.vector == TRAP_GP && seen.error == 0 ? 1 : 2;
}

#define GS_BASE 0xc0000101u

/* Numbers in a row that answer the same are one line. */
static struct {
    uint32_t from, to;
    bool good;
    char text[100];
} row;

static void row_end(void)
{
    char what[40];

    if (!row.text[0])
        return;
    if (row.from == row.to)
        snprintf(what, sizeof(what), "MSR %x", row.from);
    else
        snprintf(what, sizeof(what), "MSR %x to %x", row.from, row.to);
    check(row.good, what, "%s", row.text);
    row.text[0] = 0;
}

static bool same_text(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static void row_add(uint32_t msr, bool good, const char *text)
{
    if (row.text[0] && (row.to != msr - 1 || row.good != good || !same_text(row.text, text)))
        row_end();
    if (!row.text[0]) {
        row.from = msr;
        row.good = good;
        snprintf(row.text, sizeof(row.text), "%s", text);
    }
    row.to = msr;
}

/* Reads it, writes the same, 0 and three odd values. What answers is said, the values are not. */
static void one(uint32_t msr)
{
    static const uint64_t values[] = {0, ~0ul, 0x8000000000000000, 0x1234567812345678};
    struct access a = {.msr = msr};
    unsigned readable = try(read_msr, &a), same = 1, written = 0, odd = 0;
    uint64_t was = a.value; /* put back: some are the vCPU's own */
    char text[100];

    if (!readable)
        same = try(write_msr, &a);
    for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct access w = {.msr = msr, .value = values[i]};
        unsigned how = try(write_msr, &w);

        odd += how == 2;
        written |= (how == 0) << i;
    }
    if (!readable) {
        a.value = was;
        try(write_msr, &a);
    }
    if (readable == 1 && same == 1 && !written && !odd)
        return; /* #GP for everything, as is right for most */
    snprintf(text, sizeof(text), "%s, the same %s, 0 %s, ones %s, the sign %s, a number %s",
             readable ? "not read" : "read", same ? "refused" : "taken",
             written & 1 ? "taken" : "refused", written & 2 ? "taken" : "refused",
             written & 4 ? "taken" : "refused", written & 8 ? "taken" : "refused");
    row_add(msr, !odd && readable != 2 && same != 2, text);
}

static void msrs(void)
{
    static const struct {
        uint32_t from, to;
    } ranges[] = {
        {0, 0x1200},
        {0x40000000, 0x40000400},
        {0x4b564d00, 0x4b564d08},
        {0x80000000, 0x80000010},
        {0xc0000000, 0xc0000400},
        {0xc0010000, 0xc0010400},
        {0xc0011000, 0xc0011100},
        {0xfffffff0, 0xffffffff},
    };
    unsigned n = 0;

    test_part("MSRs that are not always #GP");
    for (unsigned i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        for (uint32_t msr = ranges[i].from; msr < ranges[i].to; msr++, n++)
            one(msr);
    row_end();
    check(true, "numbers tried", "%u", n);
}

/* --- control registers --------------------------------------------------------------------------
 */

static void write_cr0(void *value)
{
    __asm__ volatile("mov %0, %%cr0" : : "r"(*(uint64_t *)value));
}

static void write_cr4(void *value)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(*(uint64_t *)value));
}

static uint64_t read_cr0(void)
{
    uint64_t v;

    __asm__ volatile("mov %%cr0, %0" : "=r"(v));
    return v;
}

static uint64_t read_cr4(void)
{
    uint64_t v;

    __asm__ volatile("mov %%cr4, %0" : "=r"(v));
    return v;
}

static void control_registers(void)
{
    uint64_t cr0 = read_cr0(), cr4 = read_cr4();
    struct trap_seen seen;

    test_part("control registers");
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t v = cr0 ^ 1ul << bit;
        char what[20];
        bool refused = trap_try(write_cr0, &v, &seen);

        snprintf(what, sizeof(what), "CR0 bit %u", bit);
        check(refused || bit == 3, what, "%s", refused ? "refused" : "changed");
        trap_try(write_cr0, &cr0, &seen);
    }
    check(read_cr0() == cr0, "CR0", "as it was");
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t v = cr4 ^ 1ul << bit;
        char what[20];
        bool refused = trap_try(write_cr4, &v, &seen);
        uint64_t now = read_cr4();

        snprintf(what, sizeof(what), "CR4 bit %u", bit);
        check(now == cr4 || now == v, what, "%s",
              refused      ? "refused"
              : now == cr4 ? "ignored"
                           : "changed");
        trap_try(write_cr4, &cr4, &seen);
    }
    check(read_cr4() == cr4, "CR4", "as it was");
}

/* --- debug registers ----------------------------------------------------------------------------
 */

static long set_dr(unsigned n, uint64_t v)
{
    return hypercall2(__HYPERVISOR_set_debugreg, n, v);
}

static long get_dr(unsigned n)
{
    return hypercall1(__HYPERVISOR_get_debugreg, n);
}

static void addresses(void)
{
    static const struct {
        uint64_t at;
        const char *name;
    } list[] = {
        {0, "0"},
        {0x00007fffffffffff, "below the hole"},
        {0x0000800000000000, "the hole"},
        {0xffff7fffffffffff, "the hole's end"},
        {0xffff800000000000, "the table of frames"},
        {0xffff82d080200000, "the hypervisor's image"},
        {0xffff87ffffffffff, "the hypervisor's last byte"},
        {0xffff880000000000, "behind the hypervisor"},
        {0xffffffffffffffff, "the last byte"},
    };

    test_part("breakpoints");
    for (unsigned n = 0; n < 4; n++)
        for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
            long rc = set_dr(n, list[i].at);

            if (n == 0)
                check(true, list[i].name, "%s", answer_name(rc));
            else if (rc != set_dr(0, list[i].at))
                check(false, list[i].name, "register %u differs", n);
        }
    for (unsigned n = 0; n < 4; n++)
        set_dr(n, 0);
    for (unsigned n = 4; n < 10; n++) {
        char what[20];

        snprintf(what, sizeof(what), "register %u", n);
        check(true, what, "%s", answer_name(n == 6 || n == 7 ? 0 : set_dr(n, 0)));
    }
    for (unsigned n = 6; n < 8; n++)
        for (unsigned bit = 0; bit < 64; bit++) {
            char what[20];
            long rc = set_dr(n, 1ul << bit);

            snprintf(what, sizeof(what), "DR%u bit %u", n, bit);
            if (bit < 32)
                check(true, what, "%s, reads %lx", answer_name(rc), get_dr(n));
            else if (rc != -XEN_EINVAL)
                check(false, what, "%s", answer_name(rc));
            set_dr(n, n == 6 ? 0xffff0ff0 : 0x400);
        }
}

static uint64_t watched[8] __attribute__((aligned(64)));

static void write_watched(void *context)
{
    (void)context;
    *(volatile uint64_t *)watched = 1;
}

static void call_watched(void *context)
{
    *(long *)context =
        hypercall2(__HYPERVISOR_xen_version, XENVER_platform_parameters, (unsigned long)watched);
}

/* Eight bytes, watched for writes: the guest's own, and the hypervisor's for it. */
static void watching(void)
{
    struct trap_seen seen;
    long rc = 99;
    bool taken;

    test_part("a breakpoint on data");
    check_done("DR0", set_dr(0, (uint64_t)watched));
    check_done("DR7", set_dr(7, 0x400 | 1 | 9ul << 16));
    taken = trap_try(write_watched, NULL, &seen);
    check(taken && seen.vector == TRAP_DB, "the guest writes", "exception %u", seen.vector);
    check(true, "DR6", "%lx", get_dr(6) & 0xf);
    set_dr(6, 0xffff0ff0);
    set_dr(7, 0x400);
    watched[0] = 0;
    set_dr(7, 0x400 | 1 | 9ul << 16);
    taken = trap_try(call_watched, &rc, &seen);
    set_dr(7, 0x400);
    set_dr(6, 0xffff0ff0);
    check(watched[0] != 0, "the hypervisor writes", "%s%s", answer_name(rc),
          taken ? ", and an exception" : "");
    set_dr(0, 0);
}

static void run(void *frame)
{
    trap_return(frame);
}

/*
 * MOV SS holds #DB back until after the next instruction. When that is SYSCALL, it strikes in the
 * hypervisor, on the guest's stack pointer, unless that trap has a stack of its own.
 */
static void watching_ss(void)
{
    static const uint8_t bytes[] = {0x8e, 0x17, 0x0f, 0x05, 0x0f, 0x0b}; /* mov; syscall; ud2 */
    uint8_t *code = pages_alloc(1);
    struct trap_seen seen;
    struct trap_frame f = {
        .rip = (uint64_t)code,
        .cs = FLAT_KERNEL_CS & ~3u,
        .ss = FLAT_KERNEL_SS,
        .rflags = 2,
        .rsp = (uint64_t)landing_stack(),
        .rax = __HYPERVISOR_xen_version,
        .rdi = (uint64_t)watched,
    };

    test_part("a breakpoint on what SS is loaded from, and a hypercall");
    test_need(code != NULL, "no memory");
    for (unsigned i = 0; i < sizeof(bytes); i++)
        code[i] = bytes[i];
    watched[0] = FLAT_KERNEL_SS;
    set_dr(0, (uint64_t)watched);
    set_dr(7, 0x400 | 1 | 7ul << 16); /* reads and writes, two bytes */
    trap_try(run, &f, &seen);
    set_dr(7, 0x400);
    set_dr(6, 0xffff0ff0);
    set_dr(0, 0);
    check(seen.vector == TRAP_DB || seen.vector == TRAP_UD, "it", "exception %u, %ld bytes on",
          seen.vector, (long)(seen.rip - (uint64_t)code));
    pages_free(code, 1);
}

/* TF over instructions that the hypervisor performs: a step each, wherever it ends. */
static void stepping(void)
{
    static const struct {
        const char *name;
        uint8_t bytes[8], length;
    } list[] = {
        {"nop", {0x90}, 1},         {"a hypercall", {0x0f, 0x05}, 2},
        {"rdmsr", {0x0f, 0x32}, 2}, {"mov rax, cr0", {0x0f, 0x20, 0xc0}, 3},
        {"clts", {0x0f, 0x06}, 2},  {"forced cpuid", {0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2}, 7},
        {"int3", {0xcc}, 1},        {"ud2", {0x0f, 0x0b}, 2},
    };
    uint8_t *code = pages_alloc(1);

    test_part("single steps");
    test_need(code != NULL, "no memory");
    for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        struct trap_frame f = {
            .rip = (uint64_t)code,
            .cs = FLAT_KERNEL_CS & ~3u,
            .ss = FLAT_KERNEL_SS,
            .rflags = 0x102,
            .rsp = (uint64_t)landing_stack(),
            .rax = __HYPERVISOR_xen_version,
            .rcx = GS_BASE,
        };
        struct trap_seen seen;

        for (unsigned n = 0; n < 16; n++)
            code[n] = n < list[i].length ? list[i].bytes[n] : 0x90;
        trap_try(run, &f, &seen);
        check(seen.vector == TRAP_DB || seen.vector == TRAP_BP || seen.vector == TRAP_UD,
              list[i].name, "exception %u, %ld bytes on", seen.vector,
              (long)(seen.rip - (uint64_t)code));
    }
    pages_free(code, 1);
}

int guest_main(void)
{
    do {
        msrs();
        control_registers();
        addresses();
        watching();
        watching_ss();
        stepping();
    } while (test_round());
    return test_end();
}
