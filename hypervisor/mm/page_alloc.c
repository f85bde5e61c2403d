/* SPDX-License-Identifier: MIT
 *
 * The allocator of machine frames. A free block of 2^order aligned frames is on the list of its
 * zone and order; its first frame has FRAME_FREE set and its order in the low bits of `type`. Zone
 * z holds the addresses from 2^z to 2^(z+1): "below 2^bits" is then a choice of zones, never a
 * search. No block begins at address 0, so none crosses a zone.
 *
 * A frame keeps the TLB stamp of its last use while it is free (mm/tlb.h). LOCK_HEAP guards all.
 */
#include "mm/page_alloc.h"
#include "mm/frame.h"
#include "mm/pt.h"
#include "lib/spinlock.h"
#include "x86/hvmap.h"

#define NR_ZONES         44u
#define NR_ORDERS        (PAGE_ORDER_MAX + 1)
#define MAX_BOOT_REGIONS 256u
#define LOW_RAM_END      0x100000ul

static struct {
    uint64_t start, end; /* frames */
} boot_region[MAX_BOOT_REGIONS];
static unsigned nr_boot_regions;

/* under heap_lock */
static struct spinlock heap_lock = SPINLOCK(LOCK_HEAP);
static uint32_t free_head[NR_ZONES][NR_ORDERS];
static uint32_t free_orders[NR_ZONES]; /* bit per order with a non-empty list */
static uint64_t nr_free, nr_total;

void boot_pages_add(uint64_t start, uint64_t end)
{
    start = max(start, LOW_RAM_END) + PAGE_SIZE - 1;
    if (start >> PAGE_SHIFT >= end >> PAGE_SHIFT)
        return;
    if (nr_boot_regions == MAX_BOOT_REGIONS)
        panic("more than %u ranges of RAM", MAX_BOOT_REGIONS);
    boot_region[nr_boot_regions].start = start >> PAGE_SHIFT;
    boot_region[nr_boot_regions++].end = end >> PAGE_SHIFT;
}

/* From the highest region that has room; what is cut off above stays usable as a region. */
mfn_t boot_alloc(uint64_t pages, uint64_t align, uint64_t below)
{
    uint64_t limit = below ? below >> PAGE_SHIFT : ~0ull, best = 0;
    unsigned in = 0;

    for (unsigned i = 0; i < nr_boot_regions; i++) {
        uint64_t end = min(boot_region[i].end, limit), start;

        if (end < pages)
            continue;
        start = (end - pages) & ~(align - 1);
        if (start >= boot_region[i].start && start > best) {
            best = start;
            in = i;
        }
    }
    if (!best)
        panic("no room for %llu pages at boot", (unsigned long long)pages);
    if (best + pages < boot_region[in].end) {
        uint64_t end = boot_region[in].end;

        boot_region[in].end = best;
        boot_pages_add((best + pages) << PAGE_SHIFT, end << PAGE_SHIFT);
    } else {
        boot_region[in].end = best;
    }
    return mfn(best);
}

static unsigned zone_of(uint64_t m)
{
    return 63u - (unsigned)__builtin_clzll(m << PAGE_SHIFT);
}

static void list_push(uint64_t m, unsigned order)
{
    unsigned z = zone_of(m);
    struct frame *f = frame_at(m);

    f->count |= FRAME_FREE;
    f->type = (f->type & TYPE_STAMP) | order;
    frame_list_push(&free_head[z][order], f);
    free_orders[z] |= 1u << order;
}

static void list_take(uint64_t m, unsigned order)
{
    unsigned z = zone_of(m);
    struct frame *f = frame_at(m);

    frame_list_remove(&free_head[z][order], f);
    if (free_head[z][order] == NO_FRAME)
        free_orders[z] &= ~(1u << order);
    f->count &= ~FRAME_FREE;
    f->type &= TYPE_STAMP;
}

static void free_block(uint64_t m, unsigned order)
{
    nr_free += 1ull << order;
    while (order < PAGE_ORDER_MAX) {
        uint64_t buddy = m ^ 1ull << order;
        struct frame *b = frame_of(mfn(buddy));

        if (!(m & buddy) || !b || !(b->count & FRAME_FREE) || (b->type & ~TYPE_STAMP) != order)
            break;
        list_take(buddy, order);
        m &= buddy;
        order++;
    }
    list_push(m, order);
}

void page_alloc_add(uint64_t start, uint64_t end)
{
    uint64_t m = (max(start, LOW_RAM_END) + PAGE_SIZE - 1) >> PAGE_SHIFT;

    spin_lock(&heap_lock);
    while (m < end >> PAGE_SHIFT) {
        unsigned order = (unsigned)min(__builtin_ctzll(m), (int)PAGE_ORDER_MAX);

        while (m + (1ull << order) > end >> PAGE_SHIFT)
            order--;
        for (uint64_t i = m; i < m + (1ull << order); i++)
            if (!frame_of(mfn(i)) || frame_at(i)->count != FRAME_RAM)
                panic("frame %llx is not free RAM", (unsigned long long)i);
        nr_total += 1ull << order;
        free_block(m, order);
        m += 1ull << order;
    }
    spin_unlock(&heap_lock);
}

void page_alloc_init(void)
{
    nr_free = nr_total = 0;
    memset(free_head, 0xff, sizeof(free_head)); /* NO_FRAME */
    memset(free_orders, 0, sizeof(free_orders));
    for (unsigned i = 0; i < nr_boot_regions; i++)
        page_alloc_add(boot_region[i].start << PAGE_SHIFT, boot_region[i].end << PAGE_SHIFT);
    nr_boot_regions = 0;
    frame_table_add_m2p();
    pt_init();
}

mfn_t page_alloc(unsigned order, unsigned addr_bits)
{
    unsigned z = addr_bits && addr_bits < NR_ZONES ? addr_bits : NR_ZONES;
    mfn_t got = MFN_NONE;

    if (order > PAGE_ORDER_MAX)
        return MFN_NONE;
    spin_lock(&heap_lock);
    while (z-- > 0) {
        uint32_t orders = free_orders[z] >> order << order;
        unsigned have;

        if (!orders)
            continue;
        have = (unsigned)__builtin_ctz(orders);
        got = mfn(free_head[z][have]);
        list_take(got.v, have);
        while (have > order) {
            have--;
            list_push(got.v + (1ull << have), have);
        }
        nr_free -= 1ull << order;
        break;
    }
    spin_unlock(&heap_lock);
    return got;
}

void page_free(mfn_t m, unsigned order)
{
    ASSERT(frame_of(m) && !(m.v & ((1ull << order) - 1)));
    ASSERT(frame_at(m.v)->count == FRAME_RAM && !frame_at(m.v)->owner);
    spin_lock(&heap_lock);
    free_block(m.v, order);
    spin_unlock(&heap_lock);
}

uint64_t page_free_count(void)
{
    return READ_ONCE(nr_free);
}

uint64_t page_total_count(void)
{
    return nr_total;
}
