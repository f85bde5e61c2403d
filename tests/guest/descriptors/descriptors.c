/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables: what a guest may put there, and what it may load.
 *
 * The CPU trusts its GDT and LDT: a call gate leads into whatever segment it names, a TSS or an LDT
 * descriptor to any address, and it writes "accessed" into them. A guest's GDT is frames that it
 * hands over (set_gdt) behind which the hypervisor has a page of its own, its LDT an address
 * (MMUEXT_SET_LDT) that is looked up when a selector is loaded. The hypervisor promises: no such
 * frame is writable for the guest or a page table meanwhile; no descriptor in it leads to more than
 * the guest has; DPL 0 becomes 3; a change of one goes through update_descriptor. Frames of others,
 * tables that are too long, lists that cannot be read are refused, and what was set before stays.
 *
 * gdt.c, ldt.c, update.c and selectors.c are the parts.
 */
#include "descriptors.h"

struct pages pages;

long set_gdt_frames(const uint64_t *frames, unsigned entries)
{
    return hypercall2(__HYPERVISOR_set_gdt, (unsigned long)frames, entries);
}

long set_gdt(unsigned long mfn, unsigned entries)
{
    uint64_t frame = mfn;

    return set_gdt_frames(&frame, entries);
}

void table_with(unsigned at, uint64_t descriptor)
{
    test_need(!page_writable(pages.table), "a page of descriptors cannot be written");
    for (unsigned i = 0; i < 512; i++)
        pages.table[i] = 0;
    pages.table[at] = descriptor;
    test_need(!page_readonly(pages.table), "a page of descriptors cannot be made read-only");
}

static void load(void *context)
{
    const unsigned *selector = context;

    __asm__ volatile("mov %0, %%ds\n\t"
                     "mov %1, %%ds"
                     :
                     : "r"(*selector), "r"(0));
}

void load_ds(const char *what, unsigned selector)
{
    struct trap_seen seen;

    if (trap_try(load, &selector, &seen))
        check(true, what, "exception %u, error %lx", seen.vector, seen.error);
    else
        check(true, what, "loaded");
}

int guest_main(void)
{
    pages.plain = pages_alloc(1);
    pages.table = pages_alloc(1);
    test_need(pages.plain && pages.table && !page_readonly(pages.table), "no pages");
    do {
        gdt_part();
        ldt_part();
        update_part();
        selectors_part();
    } while (test_round());
    return test_end();
}
