/* SPDX-License-Identifier: MIT */
/*
 * Instructions that CPL 3 may not execute, and some that it may. The guest's kernel gets what the
 * ABI emulates (reading control registers, CLTS, WBINVD, ...), everything else is its #GP; user
 * mode gets #GP for all of them. INT n works where the trap table says so.
 */
#include "iret.h"

static const struct {
    const char *name;
    uint8_t bytes[8];
} list[] = {
    {"hlt", {0xf4}},
    {"cli", {0xfa}},
    {"sti", {0xfb}},
    {"in al, 0x80", {0xe4, 0x80}},
    {"in eax, dx", {0xed}},
    {"out 0x80, al", {0xe6, 0x80}},
    {"rep insb", {0xf3, 0x6c}},
    {"rep outsd", {0xf3, 0x6f}},
    {"rdmsr 0", {0x0f, 0x32}},
    {"wrmsr 0", {0x0f, 0x30}},
    {"rdpmc", {0x0f, 0x33}},
    {"rdtsc", {0x0f, 0x31}},
    {"rdtscp", {0x0f, 0x01, 0xf9}},
    {"mov rax, cr0", {0x0f, 0x20, 0xc0}},
    {"mov rax, cr1", {0x0f, 0x20, 0xc8}},
    {"mov rax, cr2", {0x0f, 0x20, 0xd0}},
    {"mov rax, cr3", {0x0f, 0x20, 0xd8}},
    {"mov rax, cr4", {0x0f, 0x20, 0xe0}},
    {"mov rax, cr8", {0x44, 0x0f, 0x20, 0xc0}},
    {"mov cr0, 0", {0x0f, 0x22, 0xc0}},
    {"mov cr1, 0", {0x0f, 0x22, 0xc8}},
    {"mov cr2, 0", {0x0f, 0x22, 0xd0}},
    {"mov cr3, 0", {0x0f, 0x22, 0xd8}},
    {"mov cr4, 0", {0x0f, 0x22, 0xe0}},
    {"mov cr8, 0", {0x44, 0x0f, 0x22, 0xc0}},
    {"mov rax, dr0", {0x0f, 0x21, 0xc0}},
    {"mov rax, dr4", {0x0f, 0x21, 0xe0}},
    {"mov rax, dr6", {0x0f, 0x21, 0xf0}},
    {"mov rax, dr7", {0x0f, 0x21, 0xf8}},
    {"mov dr0, 0", {0x0f, 0x23, 0xc0}},
    {"mov dr7, 0", {0x0f, 0x23, 0xf8}},
    {"clts", {0x0f, 0x06}},
    {"wbinvd", {0x0f, 0x09}},
    {"invd", {0x0f, 0x08}},
    {"invlpg [rax]", {0x0f, 0x01, 0x38}},
    {"lgdt [rax]", {0x0f, 0x01, 0x10}},
    {"lidt [rax]", {0x0f, 0x01, 0x18}},
    {"lldt ax", {0x0f, 0x00, 0xd0}},
    {"ltr ax", {0x0f, 0x00, 0xd8}},
    {"lmsw ax", {0x0f, 0x01, 0xf0}},
    {"swapgs", {0x0f, 0x01, 0xf8}},
    {"sysret", {0x48, 0x0f, 0x07}},
    {"sysexit", {0x48, 0x0f, 0x35}},
    {"sysenter", {0x0f, 0x34}},
    {"xsetbv", {0x0f, 0x01, 0xd1}},
    {"monitor", {0x0f, 0x01, 0xc8}},
    {"mwait", {0x0f, 0x01, 0xc9}},
    {"vmcall", {0x0f, 0x01, 0xc1}},
    {"vmmcall", {0x0f, 0x01, 0xd9}},
    {"stac", {0x0f, 0x01, 0xcb}},
    {"int3", {0xcc}},
    {"int1", {0xf1}},
    {"int 0", {0xcd, 0x00}},
    {"int 2", {0xcd, 0x02}},
    {"int 3", {0xcd, 0x03}},
    {"int 8", {0xcd, 0x08}},
    {"int 13", {0xcd, 0x0d}},
    {"int 14", {0xcd, 0x0e}},
    {"int 18", {0xcd, 0x12}},
    {"int 0x20", {0xcd, 0x20}},
    {"int 0x80", {0xcd, 0x80}},
    {"int 0x81", {0xcd, 0x81}},
    {"int 0x82", {0xcd, 0x82}},
    {"int 0xff", {0xcd, 0xff}},
    {"cpuid", {0x0f, 0xa2}},
    {"forced cpuid", {0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2}},
    {"forced cpuid, misspelt", {0x0f, 0x0b, 0x78, 0x65, 0x6d, 0x0f, 0xa2}},
    {"ud2", {0x0f, 0x0b}},
};

#define CODE_AT 64

static char *code;

static unsigned length_of(const uint8_t *bytes)
{
    unsigned n = 8;

    while (n && !bytes[n - 1])
        n--;
    return bytes[0] == 0xcd && n < 2 ? 2 : n;
}

static void run(void *frame)
{
    trap_return(frame);
}

static void one(unsigned i, bool user)
{
    unsigned n = length_of(list[i].bytes);
    struct trap_frame f = {
        .rip = (uint64_t)code + CODE_AT,
        .cs = user ? FLAT_USER_CS : FLAT_KERNEL_CS & ~3u,
        .ss = FLAT_KERNEL_SS,
        .rflags = 0x202,
        .rsp = (uint64_t)landing_stack(),
        .rdi = (uint64_t)code,
        .rsi = (uint64_t)code,
    };
    struct trap_seen seen;
    char what[60];

    for (unsigned at = 0; at < 8; at++)
        code[CODE_AT + at] = (char)list[i].bytes[at];
    code[CODE_AT + n] = 0x0f; /* ud2: it ran */
    code[CODE_AT + n + 1] = 0x0b;
    trap_try(run, &f, &seen);
    snprintf(what, sizeof(what), "%s, %s", list[i].name, user ? "user" : "kernel");
    if (seen.vector == TRAP_UD && seen.rip == (uint64_t)code + CODE_AT + n)
        check(seen.taken, what, "done");
    else
        check(seen.taken, what, "exception %u, error %lx, %s it", seen.vector, seen.error,
              seen.rip == (uint64_t)code + CODE_AT       ? "at"
              : seen.rip == (uint64_t)code + CODE_AT + n ? "behind"
                                                         : "far from");
}

/* Gates 0x80 and up as kernels have them: for user mode, for the kernel only. */
static void gates(unsigned dpl)
{
    struct trap_info table[] = {
        {.vector = 0x80,
         .flags = (uint8_t)dpl,
         .cs = FLAT_KERNEL_CS,
         .address = (unsigned long)trap_stubs[0x80]},
        {.vector = 0x82,
         .flags = (uint8_t)dpl,
         .cs = FLAT_KERNEL_CS,
         .address = (unsigned long)trap_stubs[0x82]},
        {.address = 0},
    };

    test_need(!hypercall1(__HYPERVISOR_set_trap_table, (unsigned long)table), "no gates");
}

static void interrupts(void)
{
    for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        if (list[i].bytes[0] == 0xcd && list[i].bytes[1] >= 0x80) {
            one(i, false);
            one(i, true);
        }
}

void instructions(void)
{
    code = pages_alloc(1);
    test_need(code != NULL, "no memory");
    test_part("instructions");
    for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        one(i, false);
        one(i, true);
    }
    for (unsigned dpl = 0; dpl < 4; dpl++) {
        test_part(dpl == 0   ? "gates of DPL 0"
                  : dpl == 1 ? "gates of DPL 1"
                  : dpl == 2 ? "gates of DPL 2"
                             : "gates of DPL 3");
        gates(dpl);
        interrupts();
    }
    pages_free(code, 1);
}
