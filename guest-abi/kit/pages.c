/* SPDX-License-Identifier: MIT */
/*
 * Whole pages: a bitmap of the domain's pages, 1 where used. The bitmap lies in the first free
 * pages. The search goes on where the last one ended.
 */
#include "frontends/os.h"
#include "guest-abi/kit/internal.h"

static uint64_t *used;
static unsigned long end, next, available;

static bool is_used(unsigned long pfn)
{
    return used[pfn / 64] >> pfn % 64 & 1;
}

static void mark(unsigned long pfn, unsigned long count, bool on)
{
    for (unsigned long i = pfn; i < pfn + count; i++)
        if (on)
            used[i / 64] |= 1ul << i % 64;
        else
            used[i / 64] &= ~(1ul << i % 64);
}

void pages_init(unsigned long first, unsigned long last)
{
    unsigned long bytes = (last + 63) / 64 * 8;
    unsigned long pages = (bytes + PAGE_SIZE - 1) / PAGE_SIZE;

    if (first >= last || pages >= last - first)
        guest_panic("the domain has no free memory: a domain needs 1 MiB");
    used = pfn_to_virt(first);
    end = last;
    memset(used, 0, bytes);
    mark(0, first + pages, true);
    for (unsigned long pfn = first + pages; pfn < last; pfn++)
        if (pfn_to_mfn(pfn) == ~0ul)
            mark(pfn, 1, true);
        else
            available++;
    next = first + pages;
}

/* `count` free pages in [from, to), or `to`. */
static unsigned long search(unsigned long from, unsigned long to, unsigned count)
{
    unsigned long run = 0;

    for (unsigned long pfn = from; pfn < to; pfn++) {
        if (pfn % 64 == 0 && used[pfn / 64] == ~0ul) {
            pfn += 63;
            run = 0;
            continue;
        }
        run = is_used(pfn) ? 0 : run + 1;
        if (run == count)
            return pfn + 1 - count;
    }
    return to;
}

void *pages_alloc(unsigned count)
{
    unsigned long pfn;

    if (count == 0 || count > available)
        return NULL;
    pfn = search(next, end, count);
    if (pfn == end) {
        pfn = search(0, end, count);
        if (pfn == end)
            return NULL;
    }
    mark(pfn, count, true);
    available -= count;
    next = pfn + count;
    return memset(pfn_to_virt(pfn), 0, count * PAGE_SIZE);
}

void pages_free(void *pages, unsigned count)
{
    unsigned long pfn = virt_to_pfn(pages);

    for (unsigned i = 0; i < count; i++)
        if (pfn + i >= end || !is_used(pfn + i))
            guest_panic("pages_free(): page %lu is not in use", pfn + i);
    mark(pfn, count, false);
    available += count;
}

unsigned long pages_available(void)
{
    return available;
}
