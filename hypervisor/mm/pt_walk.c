/* SPDX-License-Identifier: MIT
 *
 * Walks through a guest's page tables in software. No lock: the guest may change them meanwhile, so
 * each step is checked to lead to RAM and what is found is only a hint, which the caller locks and
 * checks again.
 */
#include "mm/pt.h"
#include "dom/domain.h"
#include "dom/vcpu.h"
#include "x86/hvmap.h"

/* The entry for va in the table of `level` under l4, or NULL when there is no such table. */
static uint64_t *walk(mfn_t l4, uint64_t va, unsigned level)
{
    uint64_t *t;

    if (mfn_eq(l4, MFN_NONE) || va_is_hypervisor(va) || !va_is_canonical(va))
        return NULL;
    t = mfn_to_va(l4);
    for (unsigned at = 4; at > level; at--) {
        uint64_t e = READ_ONCE(t[pt_index(va, at)]);

        if (!(e & PTE_P) || !frame_of(pte_mfn(e)))
            return NULL;
        t = mfn_to_va(pte_mfn(e));
    }
    return &t[pt_index(va, level)];
}

uint64_t pt_guess_l1_slot(struct vcpu *v, uint64_t va)
{
    uint64_t *slot = walk(v->kernel_l4, va, 1);

    return slot ? va_to_maddr(slot) : 0;
}

uint64_t pt_find_l1_slot(struct vcpu *v, uint64_t va, struct frame **f)
{
    uint64_t slot = pt_guess_l1_slot(v, va);

    if (!slot)
        return 0;
    *f = frame_of(maddr_to_mfn(slot));
    if (!frame_get(*f, v->d))
        return 0;
    if (frame_type_now(*f) == FRAME_L1)
        return slot;
    frame_put(*f);
    return 0;
}

static uint64_t present_entry(mfn_t l4, uint64_t va)
{
    uint64_t *slot = walk(l4, va, 1);
    uint64_t e = slot ? READ_ONCE(*slot) : 0;

    return e & PTE_P ? e : 0;
}

uint64_t pt_walk(struct vcpu *v, uint64_t va)
{
    return present_entry(v->kernel_mode ? v->kernel_l4 : v->user_l4, va);
}

uint64_t pt_walk_kernel(struct vcpu *v, uint64_t va)
{
    return present_entry(v->kernel_l4, va);
}
