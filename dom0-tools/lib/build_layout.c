/* SPDX-License-Identifier: MIT */
/*
 * build_layout: see build_layout.h. The hypervisor's own hole in every address space is L4 slots
 * 256..271; canonical addresses above it start with slot 272.
 */
#include "dom0-tools/lib/build_layout.h"

#include <errno.h>

#define LOW_END    0x0000800000000000ull /* end of the lower canonical half */
#define HIGH_START 0xffff880000000000ull /* first address above the hypervisor's hole */
#define MAX_PAGES  (1ull << 35)          /* 128 TiB: keeps all sums below far from overflow */
#define WINDOW     (4ull << 20)          /* the mapping ends at a multiple of this */
#define SLACK      (512ull << 10)        /* and leaves at least so much behind the stack */
#define L4_SHIFT   39

static uint64_t to_pages(uint64_t bytes)
{
    return bytes / LAYOUT_PAGE_SIZE + (bytes % LAYOUT_PAGE_SIZE != 0);
}

/* Tables of one level needed for [start, end): `shift` is log2 of what one of them maps. */
static uint64_t count_level(uint64_t start, uint64_t end, unsigned shift)
{
    return ((end - 1) >> shift) - (start >> shift) + 1;
}

static struct table_counts count_tables(uint64_t start, uint64_t end)
{
    return (struct table_counts){
        .l3 = count_level(start, end, 39),
        .l2 = count_level(start, end, 30),
        .l1 = count_level(start, end, 21),
    };
}

/* Canonical, without the hypervisor's hole, and not up to the very last byte. */
static bool usable_range(uint64_t start, uint64_t size)
{
    if (start < LOW_END)
        return size <= LOW_END - start;
    return start >= HIGH_START && size < 0 - start;
}

/* Take n pages at the end of what is used. */
static uint64_t take(uint64_t *next, uint64_t n)
{
    uint64_t pfn = *next;

    *next += n;
    return pfn;
}

/* Pages of the initial mapping when `used` of them hold something. */
static uint64_t padded(uint64_t virt_base, uint64_t used)
{
    uint64_t end = virt_base + used * LAYOUT_PAGE_SIZE;
    uint64_t last = (end - 1) | (WINDOW - 1);

    if (last - (end - 1) < SLACK)
        last += WINDOW;
    return (last - virt_base) / LAYOUT_PAGE_SIZE + 1;
}

/* The tables map themselves, so their number is found by trying: it only ever grows. */
static void place_tables(struct layout *l, uint64_t *next)
{
    l->tables_pfn = *next;
    l->table_pages = 4;
    for (;;) {
        uint64_t need, used = l->tables_pfn + l->table_pages + 1;

        l->mapped_pages = padded(l->virt_base, used);
        l->tables = count_tables(l->virt_base, layout_va(l, l->mapped_pages));
        need = 1 + l->tables.l3 + l->tables.l2 + l->tables.l1;
        if (need <= l->table_pages)
            break;
        l->table_pages = need;
    }
    *next += l->table_pages;
    l->stack_pfn = take(next, 1);
}

/* More than what the initial mapping of `used` pages, tables and padding will take, in bytes. */
static uint64_t mapping_bound(uint64_t used)
{
    return (used + used / 256) * LAYOUT_PAGE_SIZE + 4 * WINDOW;
}

/* May the list have the address the image names? Not when it would share an L4 slot. */
static bool p2m_may_be_apart(const struct layout *l, const struct elf_guest *g, uint64_t bound)
{
    uint64_t size = l->p2m_pages * LAYOUT_PAGE_SIZE;

    if (g->init_p2m == ELF_GUEST_NONE || !usable_range(g->init_p2m, size))
        return false;
    return (g->init_p2m + size - 1) >> L4_SHIFT < l->virt_base >> L4_SHIFT ||
           g->init_p2m >> L4_SHIFT > (l->virt_base + bound - 1) >> L4_SHIFT;
}

static void place_behind(struct layout *l, const struct elf_guest *g)
{
    uint64_t next = l->mapped_pages;

    if (l->p2m_apart) {
        l->p2m_va = g->init_p2m;
        l->p2m_tables = count_tables(l->p2m_va, l->p2m_va + l->p2m_pages * LAYOUT_PAGE_SIZE);
        l->p2m_table_pages = l->p2m_tables.l3 + l->p2m_tables.l2 + l->p2m_tables.l1;
        l->p2m_pfn = take(&next, l->p2m_pages + l->p2m_table_pages);
        l->used_pages = next;
    }
    if (l->ramdisk_pages && !l->ramdisk_mapped) {
        l->ramdisk_pfn = take(&next, l->ramdisk_pages);
        l->used_pages = next;
    }
}

static int does_not_fit(const struct layout *l, uint64_t pages, struct failure *why)
{
    return fail(why, ENOMEM,
                "not enough memory for the domain: kernel and ramdisk need %llu MiB, it has %llu",
                (unsigned long long)(pages >> 8) + 1, (unsigned long long)(l->nr_pages >> 8));
}

/* Everything before the page tables, in order. Returns the next free page. */
static uint64_t place_before_tables(struct layout *l, uint64_t next)
{
    if (l->ramdisk_mapped)
        l->ramdisk_pfn = take(&next, l->ramdisk_pages);
    if (!l->p2m_apart) {
        l->p2m_pfn = take(&next, l->p2m_pages);
        l->p2m_va = layout_va(l, l->p2m_pfn);
    }
    l->start_info_pfn = take(&next, 1);
    l->store_pfn = take(&next, 1);
    l->console_pfn = take(&next, 1);
    return next;
}

int layout_compute(struct layout *l, const struct elf_guest *g, uint64_t nr_pages,
                   uint64_t ramdisk_size, struct failure *why)
{
    uint64_t image_pages = to_pages(g->end - g->virt_base), next, bound;

    *l = (struct layout){.nr_pages = nr_pages, .virt_base = g->virt_base};
    if (nr_pages == 0 || nr_pages > MAX_PAGES)
        return fail(why, EINVAL, "a memory of %llu MiB is impossible",
                    (unsigned long long)(nr_pages >> 8));
    l->ramdisk_pages = to_pages(ramdisk_size);
    l->ramdisk_mapped = l->ramdisk_pages && !g->mod_start_pfn;
    l->p2m_pages = to_pages(nr_pages * sizeof(uint64_t));
    if (image_pages > nr_pages || l->ramdisk_pages > nr_pages - image_pages)
        return does_not_fit(l, image_pages + l->ramdisk_pages, why);
    bound = mapping_bound(image_pages + l->ramdisk_pages + l->p2m_pages + 3);
    if (!usable_range(l->virt_base, bound))
        return fail(why, EINVAL, "its base address %#llx leaves no room for the kernel",
                    (unsigned long long)l->virt_base);
    l->p2m_apart = p2m_may_be_apart(l, g, bound);
    next = place_before_tables(l, image_pages);
    place_tables(l, &next);
    l->used_pages = next;
    place_behind(l, g);
    if (l->used_pages > nr_pages)
        return does_not_fit(l, l->used_pages, why);
    return 0;
}
