/* SPDX-License-Identifier: MIT */
/*
 * build_layout: where everything lies when a PV64 guest starts, and its first page tables.
 *
 * Pure arithmetic, no hypervisor. Guest pages (PFNs) 0 .. mapped_pages-1 are mapped one to one from
 * virt_base, in this order:
 *
 *   room below the image | image | [ramdisk] | [p2m list] | start_info | store page |
 *   console page | page tables | boot stack | padding to 4 MiB
 *
 * The p2m list lies behind that, with page tables of its own, when the image names an address for
 * it (INIT_P2M); the ramdisk lies behind that, unmapped, when the image allows it (MOD_START_PFN).
 * The tables of the main range are one L4 page, then all L3, L2, L1 pages, contiguous and mapped
 * read-only; those of the list are all L3, L2, L1 pages behind the list.
 */
#ifndef BONSAI_BUILD_LAYOUT_H
#define BONSAI_BUILD_LAYOUT_H

#include "dom0-tools/lib/elf_guest.h"

#define LAYOUT_PAGE_SIZE 4096u

/* Tables that map [start, end), addresses as whole pages; the L4 page is not counted. */
struct table_counts {
    uint64_t l3, l2, l1;
};

struct layout {
    uint64_t nr_pages;     /* the domain's */
    uint64_t mapped_pages; /* initial mapping; may pass nr_pages by padding */
    uint64_t used_pages;   /* one past the last page that holds something */
    uint64_t virt_base;
    uint64_t ramdisk_pfn, ramdisk_pages;
    bool ramdisk_mapped;
    uint64_t p2m_pfn, p2m_pages, p2m_va;
    bool p2m_apart; /* mapped at the image's own address, by tables behind it */
    struct table_counts p2m_tables;
    uint64_t p2m_table_pages;
    uint64_t start_info_pfn, store_pfn, console_pfn, stack_pfn;
    uint64_t tables_pfn, table_pages; /* the first is the L4 */
    struct table_counts tables;
};

/* Address of a page in the initial mapping. */
static inline uint64_t layout_va(const struct layout *l, uint64_t pfn)
{
    return l->virt_base + pfn * LAYOUT_PAGE_SIZE;
}

/* ENOMEM when it does not fit into nr_pages, EINVAL when the image's addresses are impossible. */
int layout_compute(struct layout *l, const struct elf_guest *g, uint64_t nr_pages,
                   uint64_t ramdisk_size, struct failure *why);

/*
 * Write the tables for frames p2m[0 .. nr_pages-1]. main has table_pages * 512 entries, apart has
 * p2m_table_pages * 512 (NULL when 0); both zeroed by the caller. They go to tables_pfn and to
 * p2m_pfn + p2m_pages.
 */
void layout_write_tables(const struct layout *l, const uint64_t *p2m, uint64_t *main,
                         uint64_t *apart);

#endif
