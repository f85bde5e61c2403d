/* SPDX-License-Identifier: MIT */
/*
 * What the ABI answers by ending the domain: an iret frame that cannot be read, user mode without
 * tables, an exception whose frame has no room, or for which there is no handler. And the tables.
 */
#include "guest-abi/kit/internal.h"
#include "iret.h"

#define HYPERVISOR    0xffff830000000000ul
#define NOT_CANONICAL 0x0000800000000000ul

void descriptors_init(void)
{
    static const uint64_t entries[] = {
        [1] = 0x00affb000000ffff,  /* 64-bit code */
        [2] = 0x00cff3000000ffff,  /* data */
        [3] = 0x00cffb000000ffff,  /* 32-bit code */
        [4] = 0x0000f3000000ffff,  /* 16-bit data */
        [5] = 0x00af7b000000ffff,  /* code, not present */
        [6] = 0x00cf73000000ffff,  /* data, not present */
        [7] = 0x00afff000000ffff,  /* conforming code */
        [8] = 0x00cfb3000000ffff,  /* data, DPL 1 */
        [9] = 0x00afbb000000ffff,  /* code, DPL 1 */
        [10] = 0x00cff1000000ffff, /* read-only data */
        [11] = 0x00cff7000000ffff, /* expand-down data */
        [12] = 0x00effb000000ffff, /* code, L and D */
        [13] = 0x008ffb000000ffff, /* 16-bit code */
        [14] = 0x00afbf000000ffff, /* conforming code, DPL 1 */
        [15] = 0x00aff9000000ffff, /* execute-only code */
    };
    uint64_t *gdt = pages_alloc(1), *ldt = pages_alloc(1);
    char *hole = va_reserve(2); /* the LDT's second page is not mapped */
    unsigned long frame;
    struct mmuext_op op = {.cmd = MMUEXT_SET_LDT, .arg1.linear_addr = (unsigned long)hole};

    test_need(gdt && ldt, "no memory");
    for (unsigned i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
        gdt[i] = ldt[i] = entries[i];
    test_need(!page_readonly(gdt) && !page_readonly(ldt), "descriptor pages stay writable");
    frame = virt_to_mfn(gdt);
    test_need(!hypercall2(__HYPERVISOR_set_gdt, (unsigned long)&frame, 512), "no GDT");
    test_need(!map_page(hole, virt_to_mfn(ldt) << PAGE_SHIFT | PTE_P | PTE_US | PTE_A), "no LDT");
    op.arg2.nr_ents = 1024;
    test_need(!hypercall4(__HYPERVISOR_mmuext_op, (unsigned long)&op, 1, 0, DOMID_SELF), "no LDT");
}

static void stack_of_user_mode(unsigned long sp)
{
    test_need(!hypercall2(__HYPERVISOR_stack_switch, FLAT_KERNEL_SS, sp), "no stack switch");
}

static void land(unsigned long rsp, bool user)
{
    struct iret_frame f = iret_to(landing, (void *)rsp);

    f.cs |= user ? 3 : 0;
    iret_by(&f);
}

static void no_handler(unsigned vector)
{
    test_need(!hypercall1(__HYPERVISOR_set_trap_table, 0), "the trap table stays");
    if (vector == TRAP_UD)
        __asm__ volatile("ud2");
    land((unsigned long)landing_stack(), true);
}

static const struct {
    const char *word, *what;
} words[] = {
    {"frame-unmapped", "an iret frame that is not mapped"},
    {"frame-half", "an iret frame of which half is mapped"},
    {"frame-hypervisor", "an iret frame in the hypervisor's half"},
    {"frame-hole", "an iret frame at an address that is not canonical"},
    {"no-user-tables", "user mode without tables"},
    {"no-user-tables-in-syscall", "user mode without tables, in a system call"},
    {"stack-unmapped", "an exception with a stack that is not mapped"},
    {"stack-readonly", "an exception with a stack that is read-only"},
    {"stack-hypervisor", "an exception with a stack in the hypervisor's half"},
    {"stack-hole", "an exception with a stack at an address that is not canonical"},
    {"stack-zero", "an exception with a stack at 0"},
    {"user-stack-unmapped", "an exception in user mode, the kernel's stack not mapped"},
    {"user-stack-hypervisor", "an exception in user mode, the kernel's stack in the hypervisor"},
    {"no-handler", "an exception without a handler"},
    {"no-user-handler", "an exception in user mode without a handler"},
};

void crash_if_asked(void)
{
    char *hole = va_reserve(2), *page = pages_alloc(1);
    struct iret_frame f = iret_to(landing, landing_stack());
    unsigned n = 0;

    while (n < sizeof(words) / sizeof(words[0]) && !test_word(words[n].word))
        n++;
    if (n == sizeof(words) / sizeof(words[0]))
        return;
    test_need(!map_page(hole, virt_to_mfn(page) << PAGE_SHIFT | PTE_P | PTE_RW | PTE_US),
              "no page");
    test_crashes_now(words[n].what);
    switch (n) {
    case 0:
        iret_at(hole + PAGE_SIZE);
    case 1:
        *(struct iret_frame *)(page + PAGE_SIZE - sizeof(f) / 2 - 4) = f;
        iret_at(hole + PAGE_SIZE - sizeof(f) / 2 - 4);
    case 2:
        iret_at((void *)HYPERVISOR);
    case 3:
        iret_at((void *)NOT_CANONICAL);
    case 4:
    case 5:
        f.cs |= 3;
        f.flags = n == 5 ? IN_SYSCALL : 0;
        iret_by(&f);
    case 6:
        land((unsigned long)hole + 2 * PAGE_SIZE - 64, false);
        break;
    case 7:
        test_need(!page_readonly(page), "stays writable");
        land((unsigned long)page + PAGE_SIZE, false);
        break;
    case 8:
        land(HYPERVISOR + PAGE_SIZE, false);
        break;
    case 9:
        land(NOT_CANONICAL + PAGE_SIZE, false);
        break;
    case 10:
        land(0, false);
        break;
    case 11:
    case 12:
        user_tables();
        stack_of_user_mode(n == 11 ? (unsigned long)hole + 2 * PAGE_SIZE : HYPERVISOR + PAGE_SIZE);
        land((unsigned long)landing_stack(), true);
        break;
    case 13:
        no_handler(TRAP_UD);
        break;
    default:
        user_tables();
        no_handler(0);
    }
    check(false, words[n].what, "came back");
}
