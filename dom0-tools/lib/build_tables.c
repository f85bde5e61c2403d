/* SPDX-License-Identifier: MIT */
/*
 * build_tables: the page tables of a layout (build_layout.h; AMD64 APM vol. 2, 5.3).
 *
 * A range's tables of one level are contiguous, so a level's entries are one array: the entry for
 * an address is number (address >> shift) less that of the first table's start. The hypervisor adds
 * the user bit and its own slots when it validates; we leave the user bit out of L1 entries, so
 * that they count as the guest kernel's.
 */
#include "dom0-tools/lib/build_layout.h"

#define PRESENT  0x01ull
#define WRITABLE 0x02ull
#define USER     0x04ull
#define ACCESSED 0x20ull
#define DIRTY    0x40ull
#define SLOTS    512u

#define L1_RW    (PRESENT | WRITABLE | ACCESSED | DIRTY)
#define L1_RO    (PRESENT | ACCESSED)
#define TABLE    (PRESENT | WRITABLE | USER | ACCESSED | DIRTY)

struct range {
    uint64_t start; /* address */
    struct table_counts n;
    uint64_t l3_pfn; /* the tables: L3, then L2, then L1 */
    uint64_t *l3;    /* their contents, in the same order */
    uint64_t *l4;    /* the root's contents */
    const uint64_t *p2m;
};

static uint64_t entry(uint64_t frame, uint64_t flags)
{
    return frame * LAYOUT_PAGE_SIZE | flags;
}

/* Enter n tables, of which each maps 2^shift bytes, into the array of entries above them. */
static void link_tables(const struct range *r, uint64_t *above, unsigned shift, uint64_t pfn,
                        uint64_t n)
{
    uint64_t first = (r->start >> shift) % SLOTS; /* within the first table above */

    for (uint64_t i = 0; i < n; i++)
        above[first + i] = entry(r->p2m[pfn + i], TABLE);
}

/* Tables of all levels but L1's contents. Returns the array of L1 entries. */
static uint64_t *write_upper(const struct range *r)
{
    uint64_t *l2 = r->l3 + r->n.l3 * SLOTS, *l1 = l2 + r->n.l2 * SLOTS;
    uint64_t l2_pfn = r->l3_pfn + r->n.l3;

    link_tables(r, r->l4, 39, r->l3_pfn, r->n.l3);
    link_tables(r, r->l3, 30, l2_pfn, r->n.l2);
    link_tables(r, l2, 21, l2_pfn + r->n.l2, r->n.l1);
    return l1;
}

static uint64_t page_flags(const struct layout *l, uint64_t pfn)
{
    return pfn >= l->tables_pfn && pfn - l->tables_pfn < l->table_pages ? L1_RO : L1_RW;
}

void layout_write_tables(const struct layout *l, const uint64_t *p2m, uint64_t *main,
                         uint64_t *apart)
{
    struct range r = {
        .start = l->virt_base,
        .n = l->tables,
        .l3_pfn = l->tables_pfn + 1,
        .l3 = main + SLOTS,
        .l4 = main,
        .p2m = p2m,
    };
    uint64_t *l1 = write_upper(&r) + (r.start >> 12) % SLOTS;

    for (uint64_t i = 0; i < l->mapped_pages && i < l->nr_pages; i++)
        l1[i] = entry(p2m[i], page_flags(l, i));
    if (!l->p2m_apart)
        return;
    r.start = l->p2m_va;
    r.n = l->p2m_tables;
    r.l3_pfn = l->p2m_pfn + l->p2m_pages;
    r.l3 = apart;
    l1 = write_upper(&r) + (r.start >> 12) % SLOTS;
    for (uint64_t i = 0; i < l->p2m_pages; i++)
        l1[i] = entry(p2m[l->p2m_pfn + i], L1_RW);
}
