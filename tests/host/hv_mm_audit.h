/* SPDX-License-Identifier: MIT
 *
 * The memory room's books, checked: from the tables that are validated, the pins, the roots and the
 * allocations, count again what every frame must hold, and compare. Any difference is a bug.
 */
#pragma once
#include "hv_mm_test.h"
#include <stdio.h>
#include <stdlib.h>

static uint64_t want_refs[PRETEND_FRAMES], want_uses[PRETEND_FRAMES];
static uint8_t want_type[PRETEND_FRAMES];

static inline void audit_fail(uint64_t m, const char *what)
{
    struct frame *f = (struct frame *)FRAMETABLE_VIRT + m;

    fprintf(stderr, "frame %lx: %s: count %lx type %lx, want %lu references, %lu uses of type %u\n",
            m, what, f->count, f->type, want_refs[m], want_uses[m], want_type[m]);
    abort();
}

static inline void audit_use(uint64_t m, enum frame_type t, bool pending)
{
    want_refs[m]++;
    if (pending)
        return;
    if (want_uses[m] && want_type[m] != t)
        audit_fail(m, "two types at once");
    want_type[m] = (uint8_t)t;
    want_uses[m]++;
}

static inline void audit_table(uint64_t m, struct frame *f)
{
    unsigned level = f->type & TYPE_LABEL, done = PT_ENTRIES;
    uint64_t *t = mfn_to_va(mfn(m));

    if (f->type & TYPE_PARTIAL)
        done = (unsigned)(f->type >> TYPE_STAMP_SHIFT);
    for (unsigned i = 0; i < (done & PT_DONE) + !!(done & PT_CHILD_PENDING); i++) {
        uint64_t target = pte_mfn(t[i]).v;

        if (!(t[i] & PTE_P) || (level == 4 && i >= 256 && i <= 271) || !frame_of(mfn(target)))
            continue;
        if (!(t[i] & PTE_US))
            audit_fail(m, "an entry without the user bit");
        if (level > 1)
            audit_use(target, level - 1, i == (done & PT_DONE));
        else if (t[i] & PTE_RW)
            audit_use(target, FRAME_WRITABLE, false);
        else
            want_refs[target]++;
    }
}

static inline void audit_root(mfn_t m)
{
    if (!mfn_eq(m, MFN_NONE))
        audit_use(m.v, FRAME_L4, false);
}

/* extra: references that the test itself holds on frames, or NULL. */
static inline void audit(struct domain **domains, unsigned n)
{
    memset(want_refs, 0, sizeof(want_refs));
    memset(want_uses, 0, sizeof(want_uses));
    memset(want_type, 0, sizeof(want_type));
    for (uint64_t m = 0; m < PRETEND_FRAMES; m++) {
        struct frame *f = frame_of(mfn(m));
        bool table = f && (f->type & TYPE_LABEL) - 1 < 4;

        if (!f || !f->owner)
            continue;
        if (f->type & (TYPE_BUSY | TYPE_LOCKED))
            audit_fail(m, "busy or locked while nobody runs");
        want_refs[m] += !!(f->count & FRAME_ALLOCATED);
        if (f->count & FRAME_HYPERVISOR && f->count & FRAME_ALLOCATED) {
            want_uses[m]++;
            want_type[m] = FRAME_WRITABLE;
        }
        if (f->owner == &domain_xen) {
            want_uses[m]++;
            want_type[m] = FRAME_SHARED;
        }
        if (f->type & TYPE_PINNED)
            audit_use(m, f->type & TYPE_LABEL, false);
        if (f->type & TYPE_PARTIAL)
            audit_use(m, f->type & TYPE_LABEL, false);
        if (table && f->type & (TYPE_VALID | TYPE_PARTIAL))
            audit_table(m, f);
    }
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; domains[i] && j < domains[i]->max_vcpus; j++) {
            audit_root(domains[i]->vcpu[j]->kernel_l4);
            audit_root(domains[i]->vcpu[j]->user_l4);
            if (domains[i]->vcpu[j]->old_table)
                want_refs[frame_mfn(domains[i]->vcpu[j]->old_table).v]++;
        }
    for (uint64_t m = 0; m < PRETEND_FRAMES; m++) {
        struct frame *f = frame_of(mfn(m));

        if (!f)
            continue;
        if ((f->count & FRAME_REFS) != want_refs[m])
            audit_fail(m, "references");
        if (!f->owner)
            continue;
        if ((f->type & TYPE_USES) / TYPE_ONE != want_uses[m])
            audit_fail(m, "uses");
        if (want_uses[m] && (f->type & TYPE_LABEL) != want_type[m])
            audit_fail(m, "type");
    }
}
