/* SPDX-License-Identifier: MIT
 *
 * What the memory tests share: a dom0 and a guest on a fresh pretend machine for every test, short
 * forms of the hypercalls, and a tree of page tables to play with. Every test ends with a leak
 * check.
 */
#pragma once
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "pretend/pretend.h"
#include "mm/frame.h"
#include "mm/page_alloc.h"
#include "mm/pt.h"
#include <xen/xen.h>
#include <xen/memory.h>

#define RW        (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define RO        (PTE_P | PTE_US | PTE_A)
#define TEST_VA   0x7f0000201000ul
#define NO_CHANGE (~0u)

static struct domain *zero, *guest; /* dom0 and a guest of 4000 pages with 2 vCPUs */
static struct vcpu *gv;             /* the guest's first, current */

static inline int test_setup(void **state)
{
    (void)state;
    pretend_boot();
    zero = pretend_domain(0, true, 4000, 1);
    guest = pretend_domain(1, false, 8000, 2);
    gv = guest->vcpu[0];
    pretend_run(gv);
    return 0;
}

static inline int test_teardown(void **state)
{
    (void)state;
    if (guest)
        pretend_domain_destroy(guest);
    if (zero)
        pretend_domain_destroy(zero);
    pretend_leak_check();
    return 0;
}

static inline mfn_t page_of(struct domain *d)
{
    mfn_t m = domain_page_alloc(d, 0, 0);

    assert_false(mfn_eq(m, MFN_NONE));
    return m;
}
static inline uint64_t *entries(mfn_t m)
{
    return mfn_to_va(m);
}
static inline uint64_t refs(mfn_t m)
{
    return frame_of(m)->count & FRAME_REFS;
}
static inline uint64_t uses(mfn_t m)
{
    return (frame_of(m)->type & TYPE_USES) / TYPE_ONE;
}

/* One request; *done as the hypercall left it in the guest's memory. Restarts until it is through.
 */
static inline long mmu_update_n(struct vcpu *v, struct mmu_update *req, unsigned n, unsigned *done,
                                uint64_t foreign)
{
    struct hcall c = pretend_hcall(v, (uint64_t)req, n, (uint64_t)done, foreign, 0);
    long rc;

    do
        rc = do_mmu_update(&c, NULL);
    while (rc == -ERESTART);
    return rc;
}
static inline long update(struct vcpu *v, mfn_t table, unsigned i, uint64_t val)
{
    struct mmu_update req = {mfn_to_maddr(table) + i * 8, val};
    unsigned done = NO_CHANGE;
    long rc = mmu_update_n(v, &req, 1, &done, DOMID_SELF);

    assert_int_equal(done, rc ? 0 : 1);
    return rc;
}
static inline long mmuext_n(struct vcpu *v, struct mmuext_op *op, unsigned n, unsigned *done,
                            uint64_t foreign)
{
    struct hcall c = pretend_hcall(v, (uint64_t)op, n, (uint64_t)done, foreign, 0);
    long rc;

    do
        rc = do_mmuext_op(&c, NULL);
    while (rc == -ERESTART);
    return rc;
}
static inline long mmuext(struct vcpu *v, unsigned cmd, uint64_t arg1, uint64_t arg2)
{
    struct mmuext_op op = {.cmd = cmd};

    op.arg1.mfn = arg1;
    op.arg2.src_mfn = arg2;
    return mmuext_n(v, &op, 1, NULL, DOMID_SELF);
}

/* A tree that maps one page at TEST_VA; nothing pinned. */
struct tree {
    mfn_t l4, l3, l2, l1, page;
};
static inline mfn_t *tree_level(struct tree *t, unsigned level)
{
    return level == 4 ? &t->l4 : level == 3 ? &t->l3 : level == 2 ? &t->l2 : &t->l1;
}
static inline struct tree tree_new(struct domain *d)
{
    struct tree t = {page_of(d), page_of(d), page_of(d), page_of(d), page_of(d)};

    entries(t.l4)[pt_index(TEST_VA, 4)] = pte_make(t.l3, RW);
    entries(t.l3)[pt_index(TEST_VA, 3)] = pte_make(t.l2, RW);
    entries(t.l2)[pt_index(TEST_VA, 2)] = pte_make(t.l1, RW);
    entries(t.l1)[pt_index(TEST_VA, 1)] = pte_make(t.page, RW);
    return t;
}
