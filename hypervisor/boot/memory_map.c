/* SPDX-License-Identifier: MIT
 *
 * The machine's memory map: made from the loader's list into one that is sorted and free of
 * overlaps, and asked for what of its RAM is still free.
 */
#include "boot/memory_map.h"
#include "x86/hvmap.h"
#include "x86/init.h"

/* Where two ranges of the loader's list overlap, the less usable one wins. */
static unsigned rank(uint32_t type)
{
    switch (type) {
    case E820_RAM:
        return 1;
    case E820_ACPI:
        return 2;
    case E820_NVS:
        return 3;
    case E820_UNUSABLE:
        return 5;
    default:
        return 4;
    }
}

static uint64_t next_boundary(const struct e820_range *in, unsigned n, uint64_t above)
{
    uint64_t next = ~0ul;

    for (unsigned i = 0; i < n; i++) {
        if (in[i].start > above)
            next = min(next, in[i].start);
        if (in[i].end > above)
            next = min(next, in[i].end);
    }
    return next;
}

unsigned memory_map_sanitise(const struct e820_range *in, unsigned n, struct e820_range *out,
                             unsigned max_out)
{
    uint64_t at = ~0ul;
    unsigned used = 0;

    for (unsigned i = 0; i < n; i++)
        if (in[i].end > in[i].start)
            at = min(at, in[i].start);
    while (at != ~0ul) {
        uint64_t next = next_boundary(in, n, at);
        uint32_t type = 0;

        for (unsigned i = 0; i < n; i++)
            if (in[i].start <= at && in[i].end > at && (!type || rank(in[i].type) > rank(type)))
                type = in[i].type;
        if (type && used && out[used - 1].type == type && out[used - 1].end == at)
            out[used - 1].end = next;
        else if (type && used < max_out)
            out[used++] = (struct e820_range){.start = at, .end = next, .type = type};
        at = next;
    }
    return used;
}

/* mem=: RAM above the limit is as if it were not there. */
void memory_map_limit(uint64_t limit)
{
    unsigned n = 0;

    for (unsigned i = 0; i < boot_info.nr_e820; i++) {
        struct e820_range r = boot_info.e820[i];

        if (r.type == E820_RAM)
            r.end = min(r.end, limit);
        if (r.start < r.end)
            boot_info.e820[n++] = r;
    }
    boot_info.nr_e820 = n;
}

/* RAM from `start` on that the boot loader and we do not use; false when there is no more. */
static bool next_free(uint64_t *start, uint64_t *end)
{
    for (unsigned i = 0; i < boot_info.nr_e820; i++) {
        const struct e820_range *r = &boot_info.e820[i];
        uint64_t to = r->end & PAGE_MASK;

        if (r->type != E820_RAM || to <= *start)
            continue;
        *start = max(*start, align_up(r->start, PAGE_SIZE));
        *end = to;
        if (*start < *end)
            return true;
    }
    return false;
}

void memory_map_for_each_free(void (*fn)(uint64_t start, uint64_t end))
{
    uint64_t image = (uint64_t)image_start - IMAGE_VIRT;
    struct e820_range used[2 + ARRAY_SIZE(boot_info.modules)] = {
        {.start = 0, .end = 0x100000}, /* firmware's data, and the start-up code of other CPUs */
        {.start = image, .end = (uint64_t)image_end - IMAGE_VIRT},
    };
    unsigned n = 2;
    uint64_t start = 0, end;

    for (unsigned i = 0; i < boot_info.nr_modules; i++)
        used[n++] = (struct e820_range){.start = boot_info.modules[i].start & PAGE_MASK,
                                        .end = align_up(boot_info.modules[i].end, PAGE_SIZE)};
    while (next_free(&start, &end)) {
        bool skipped = false;

        for (unsigned i = 0; i < n && !skipped; i++)
            if (used[i].start <= start && used[i].end > start) {
                start = used[i].end;
                skipped = true;
            } else if (used[i].start > start) {
                end = min(end, used[i].start);
            }
        if (skipped)
            continue;
        fn(start, end);
        start = end;
    }
}
