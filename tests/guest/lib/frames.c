/* SPDX-License-Identifier: MIT */
/* Finding frames, and raw calls: frames.h. */
#include "tests/guest/lib/frames.h"
#include "tests/guest/lib/check.h"

#include <xen/memory.h>

#define SEARCH_FROM 0x4000ul

static const unsigned long *m2p;
static unsigned long max_mfn;

struct look {
    unsigned long mfn, pfn;
};

static void look_up(void *context)
{
    struct look *l = context;

    l->pfn = *(const volatile unsigned long *)&m2p[l->mfn];
}

static void find_m2p(void)
{
    struct xen_machphys_mapping mapping;
    long pages = hypercall_op(__HYPERVISOR_memory_op, XENMEM_maximum_ram_page, NULL);

    test_need(!hypercall_op(__HYPERVISOR_memory_op, XENMEM_machphys_mapping, &mapping),
              "the machine-to-physical table is nowhere");
    test_need(pages > 0, "the machine has no RAM");
    m2p = (const unsigned long *)mapping.v_start;
    max_mfn = (unsigned long)pages;
}

bool m2p_read(unsigned long mfn, unsigned long *pfn)
{
    struct look l = {.mfn = mfn};
    struct trap_seen seen;

    if (!m2p)
        find_m2p();
    if (trap_try(look_up, &l, &seen))
        return false;
    *pfn = l.pfn;
    return true;
}

/* Goes on from what was found last. */
unsigned long frame_foreign(unsigned n)
{
    static unsigned long last;
    static unsigned found; /* as the how manieth, plus 1 */
    unsigned long pfn, mfn;

    if (!m2p)
        find_m2p();
    if (found == n + 1)
        return last;
    if (found > n) {
        found = 0;
        last = 0;
    }
    for (mfn = found ? last + 1 : SEARCH_FROM; mfn < max_mfn; mfn++)
        if (m2p_read(mfn, &pfn) && pfn < max_mfn && mfn_to_pfn(mfn) == ~0ul) {
            last = mfn;
            if (++found == n + 1)
                return mfn;
        }
    found = 0;
    return ~0ul;
}

unsigned long frame_hypervisor(void)
{
    pte_t entry = live_l4()[256];

    test_need(entry & PTE_P, "slot 256 of the top table is empty");
    return (entry & PTE_MFN_MASK) >> PAGE_SHIFT;
}

unsigned long frame_m2p(void)
{
    xen_pfn_t first = 0;
    struct xen_machphys_mfn_list list = {.max_extents = 1};

    set_xen_guest_handle(list.extent_start, &first);
    test_need(!hypercall_op(__HYPERVISOR_memory_op, XENMEM_machphys_mfn_list, &list) && first,
              "the frames of the machine-to-physical table are not told");
    return first;
}

unsigned long frame_beyond(void)
{
    if (!m2p)
        find_m2p();
    return max_mfn + 0x10000;
}

pte_t *live_l4(void)
{
    pte_t *entry = pte_of((const void *)start_info, 4);

    return (pte_t *)((unsigned long)entry & PAGE_MASK);
}

unsigned long live_l4_mfn(void)
{
    return virt_to_mfn(live_l4());
}

long mmu_update(uint64_t ptr, uint64_t val, unsigned *done, unsigned foreigndom)
{
    struct mmu_update request = {.ptr = ptr, .val = val};
    unsigned ignored;

    return hypercall4(__HYPERVISOR_mmu_update, (unsigned long)&request, 1,
                      (unsigned long)(done ? done : &ignored), foreigndom);
}

long mmuext(const struct mmuext_op *op, unsigned foreigndom)
{
    unsigned done;

    return hypercall4(__HYPERVISOR_mmuext_op, (unsigned long)op, 1, (unsigned long)&done,
                      foreigndom);
}
