/* SPDX-License-Identifier: MIT */
/* Frames, landings and mappings of entry.h. */
#include "tests/guest/lib/entry.h"
#include "tests/guest/lib/check.h"

#define FLAGS (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)

__asm__(".text\n"
        ".globl landing, landing_slow, iret_at\n"
        "landing: ud2\n"
        "landing_slow: nop\n"
        "nop\n"
        "ud2\n"
        "iret_at: mov %rdi, %rsp\n"
        "mov $23, %eax\n"
        "syscall\n"
        "ud2\n");

struct iret_frame iret_to(const void *rip, const void *rsp)
{
    return (struct iret_frame){
        .rip = (uint64_t)rip,
        .cs = FLAT_KERNEL_CS & ~3u,
        .rflags = 0x2,
        .rsp = (uint64_t)rsp,
        .ss = FLAT_KERNEL_SS & ~3u,
    };
}

void iret_by(const struct iret_frame *frame)
{
    static struct iret_frame *copy;

    if (!copy)
        copy = pages_alloc(1);
    *copy = *frame;
    iret_at(copy);
}

char *landing_stack(void)
{
    static char *page;

    if (!page)
        page = pages_alloc(1);
    test_need(page != NULL, "no memory for a stack");
    return page + PAGE_SIZE - 256;
}

static void leave(void *frame)
{
    iret_by(frame);
}

void iret_try(const struct iret_frame *frame, struct trap_seen *seen, char *text, size_t bytes)
{
    struct iret_frame f = *frame;
    const char *where;

    if (!trap_try(leave, &f, seen)) {
        snprintf(text, bytes, "came back");
        return;
    }
    if (seen->vector == TRAP_UD &&
        (seen->rip == (uint64_t)landing || seen->rip == (uint64_t)landing_slow + 2)) {
        snprintf(text, bytes, "lands, cs %lx ss %lx rflags %lx%s", seen->frame.cs & 0xffff,
                 seen->frame.ss & 0xffff, seen->frame.rflags,
                 seen->frame.cs >> 32 & 0xff ? ", masked" : "");
        return;
    }
    where = seen->rip == f.rip ? ", at the target" : "";
    if (seen->vector == TRAP_PF && seen->cr2 == f.rip)
        where = ", for the target";
    snprintf(text, bytes, "exception %u, error %lx%s", seen->vector, seen->error, where);
}

static bool hook(const void *va, int level)
{
    pte_t *entry = pte_of(va, level);
    void *table;

    if (!entry || *entry & PTE_P)
        return entry != NULL;
    table = pages_alloc(1);
    return table && !page_readonly(table) &&
           !mmu_set(pte_machine(entry), virt_to_mfn(table) << PAGE_SHIFT | FLAGS);
}

bool map_anywhere(void *va, const void *page, pte_t flags)
{
    for (int level = 4; level > 1; level--)
        if (!hook(va, level))
            return false;
    return !map_page(va, virt_to_mfn(page) << PAGE_SHIFT | flags);
}

void user_tables(void)
{
    unsigned long l4 = virt_to_mfn((const void *)start_info->pt_base);

    test_need(!mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, l4), "no tables for user mode");
}
