/* SPDX-License-Identifier: MIT */
/*
 * Selectors that cannot be loaded when a vCPU goes on.
 *
 * DS, ES, FS and GS are loaded natively. A guest can take the descriptor away while a selector
 * names it, and then give up the CPU: at the next switch to it the hypervisor's loads fault, in
 * ring 0. The ABI promises the failsafe callback: the registers of the guest where it stood, on its
 * kernel's stack, with the selectors that it had: {rcx, r11, ds, es, fs, gs, rip, cs, rflags, rsp,
 * ss}. Where that stack cannot take the frame the domain ends (words in
 * `crashes`).
 *
 * Whether a switch happens is the scheduler's affair: each case naps until dom0 has run.
 */
#include "guest-abi/kit/internal.h"
#include "tests/guest/lib/check.h"
#include "tests/guest/lib/entry.h"

#include <xen/callback.h>

#define MILLISECOND 1000000ul
#define TRIES       400u
#define SELECTOR    0x33u /* entry 6 */
#define DATA        0x00cff3000000fffful

extern char failsafe_tests[];
static volatile unsigned calls;
static volatile uint64_t found[11];
static uint64_t *gdt;

/* Keeps the frame, clears what cannot be loaded, and goes back to where it was. */
__asm__(".text\n"
        ".globl failsafe_tests\n"
        "failsafe_tests:\n"
        "push %rax\n"
        "push %rcx\n"
        "push %rsi\n"
        "push %rdi\n"
        "lea 32(%rsp), %rsi\n"
        "mov $found, %edi\n"
        "mov $11, %ecx\n"
        "cld\n"
        "rep movsq\n"
        "incl calls\n"
        "xor %eax, %eax\n"
        "mov %eax, %ds\n"
        "mov %eax, %es\n"
        "mov %eax, %fs\n"
        "mov %eax, %gs\n"
        "pop %rdi\n"
        "pop %rsi\n"
        "pop %rcx\n"
        "pop %rax\n"
        "pop %rcx\n"
        "pop %r11\n"
        "add $32, %rsp\n"
        "push $0\n" /* flags of the iret frame */
        "push %rcx\n"
        "push %r11\n"
        "push %rax\n"
        "mov $23, %eax\n"
        "syscall\n"
        "ud2\n");

static void set_entry(uint64_t descriptor)
{
    uint64_t at = virt_to_mfn(gdt) << PAGE_SHIFT | 6 * 8;

    test_need(!hypercall2(__HYPERVISOR_update_descriptor, at, descriptor),
              "the descriptor cannot be changed");
}

static void set_callback(const void *to)
{
    struct callback_register reg = {.type = CALLBACKTYPE_failsafe,
                                    .flags = CALLBACKF_mask_events,
                                    .address = (xen_callback_t)to};

    test_need(!hypercall_op(__HYPERVISOR_callback_op, CALLBACKOP_register, &reg), "no callback");
}

static void load(unsigned which)
{
    switch (which) {
    case 0:
        __asm__ volatile("mov %0, %%ds" : : "r"(SELECTOR));
        break;
    case 1:
        __asm__ volatile("mov %0, %%es" : : "r"(SELECTOR));
        break;
    case 2:
        __asm__ volatile("mov %0, %%fs" : : "r"(SELECTOR));
        break;
    default:
        __asm__ volatile("mov %0, %%gs" : : "r"(SELECTOR));
    }
}

static bool switched_away(void)
{
    unsigned before = calls;

    for (unsigned i = 0; i < TRIES && calls == before; i++)
        time_sleep(MILLISECOND);
    return calls != before;
}

static void one(const char *name, unsigned which, uint64_t bad)
{
    bool came;

    set_entry(DATA);
    load(which);
    set_entry(bad);
    came = switched_away();
    check(came, name, "%s, ds %lx es %lx fs %lx gs %lx, cs %lx ss %lx",
          came ? "called" : "not called", found[2], found[3], found[4], found[5], found[7] & 0xffff,
          found[10]);
    for (unsigned i = 0; i < 11; i++)
        found[i] = 0;
}

static void cases(void)
{
    static const struct {
        const char *name;
        uint64_t descriptor;
    } list[] = {
        {"an empty descriptor", 0},
        {"one that is not present", DATA & ~(1ul << 47)},
        {"code that cannot be read", 0x00aff9000000fffful},
    };
    static const char *const registers[] = {"ds", "es", "fs", "gs"};
    char what[60];
    bool came;

    for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        for (unsigned which = 0; which < 4; which++) {
            snprintf(what, sizeof(what), "%s, %s", registers[which], list[i].name);
            one(what, which, list[i].descriptor);
        }
    set_entry(DATA);
    for (unsigned which = 0; which < 4; which++)
        load(which);
    check_done("the whole table gone", hypercall2(__HYPERVISOR_set_gdt, 0, 0));
    came = switched_away();
    check(came, "all four", "called, ds %lx es %lx fs %lx gs %lx", found[2], found[3], found[4],
          found[5]);
}

/* Nothing but the CPU's registers until somebody else has run. */
static void spin_with_stack(uint64_t rsp)
{
    __asm__ volatile("mov %0, %%rsp\n\t"
                     "1: pause\n\t"
                     "jmp 1b"
                     :
                     : "r"(rsp));
}

static void crash_if_asked(void)
{
    static const char *const words[] = {"no-stack", "hypervisor-stack"};
    unsigned n = 0;

    while (n < 2 && !test_word(words[n]))
        n++;
    if (n == 2)
        return;
    set_entry(DATA);
    test_crashes_now(words[n]);
    time_sleep(50 * MILLISECOND); /* dom0 takes the words */
    load(0);
    set_entry(0);
    spin_with_stack(n ? 0xffff830000001000 : 4096);
}

static void set_table(void)
{
    unsigned long frame = virt_to_mfn(gdt);

    test_need(!hypercall2(__HYPERVISOR_set_gdt, (unsigned long)&frame, 512), "no GDT");
}

int guest_main(void)
{
    gdt = pages_alloc(1);
    test_need(gdt && !page_readonly(gdt), "no page of descriptors");
    set_table();
    crash_if_asked();
    set_callback(failsafe_tests);
    do {
        set_table();
        cases();
    } while (test_round());
    return test_end();
}
