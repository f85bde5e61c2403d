/* SPDX-License-Identifier: MIT
 *
 * Page tables of guests: what validation refuses at each level, what entries hold, how hypercalls
 * stop half-way and go on, and that hostile sequences leave nothing behind.
 */
#include "hv_mm_test.h"
#include "mm/tlb.h"
#include <pthread.h>
#include <stdlib.h>

#define MMIO     mfn(PRETEND_HOLE_START + 3)
#define MMIO_RO  mfn(PRETEND_HOLE_END - 2)
#define MMIO_BAD mfn(PRETEND_HOLE_END - 1)

static void pinning_validates_the_whole_tree(void **state)
{
    struct tree t = tree_new(guest);

    (void)state;
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L4_TABLE, t.l4.v, 0), 0);
    for (unsigned level = 1; level <= 4; level++) {
        assert_int_equal(frame_type_now(frame_of(*tree_level(&t, level))), level);
        assert_int_equal(uses(*tree_level(&t, level)), 1);
        assert_int_equal(refs(*tree_level(&t, level)), 2);
    }
    assert_int_equal(frame_type_now(frame_of(t.page)), FRAME_WRITABLE);
    assert_int_equal(entries(t.l4)[256], idle_l4[256]);
    assert_int_equal(entries(t.l4)[271], idle_l4[271]);
    assert_int_equal(pte_mfn(entries(t.l4)[258]).v, va_to_mfn(guest->perdomain_l3).v);
    assert_int_equal(entries(t.l4)[258] & (PTE_P | PTE_US), PTE_P);
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L4_TABLE, t.l4.v, 0), -EINVAL); /* twice */
    assert_int_equal(mmuext(gv, MMUEXT_UNPIN_TABLE, t.l3.v, 0), -EINVAL);
    assert_int_equal(mmuext(gv, MMUEXT_UNPIN_TABLE, t.l4.v, 0), 0);
    assert_int_equal(mmuext(gv, MMUEXT_UNPIN_TABLE, t.l4.v, 0), -EINVAL);
    for (unsigned level = 1; level <= 4; level++)
        assert_int_equal(refs(*tree_level(&t, level)), 1);
    assert_int_equal(refs(t.page), 1);
    assert_int_equal(entries(t.l4)[256], 0);
}

/* One bad entry in an otherwise empty table of that level: pinning answers `want`. */
static void expect_pin(struct vcpu *v, unsigned level, uint64_t entry, long want)
{
    mfn_t m = page_of(v->d);

    entries(m)[300] = entry;
    assert_int_equal(mmuext(v, MMUEXT_PIN_L1_TABLE + level - 1, m.v, 0), want);
    if (!want)
        assert_int_equal(mmuext(v, MMUEXT_UNPIN_TABLE, m.v, 0), 0);
    assert_int_equal(refs(m), 1);
    assert_int_equal(uses(m), 0);
}

static void bad_entries_are_refused_at_every_level(void **state)
{
    mfn_t child[5], foreign = page_of(zero), table = page_of(guest);

    (void)state;
    child[1] = page_of(guest);
    for (unsigned level = 2; level <= 4; level++) {
        static const uint64_t bad[] = {PTE_PSE, PTE_G, PTE_PWT, PTE_PCD, PTE_PSE | PTE_RW};

        child[level] = page_of(guest);
        expect_pin(gv, level, pte_make(child[level], RW), 0);
        expect_pin(gv, level, pte_make(child[level], RW | PTE_NX | PTE_SOFT | PTE_AVAIL), 0);
        for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
            expect_pin(gv, level, pte_make(child[level], RW | bad[i]), -EINVAL);
        expect_pin(gv, level, pte_make(foreign, RW), -EINVAL);
        expect_pin(gv, level, pte_make(MMIO, RW), -EINVAL);
        expect_pin(gv, level, pte_make(mfn((1ull << 40) - 1), RW), -EINVAL);
        expect_pin(gv, level, pte_make(m2p_chunk_mfn(0), RW), -EINVAL);
        expect_pin(gv, level, pte_make(guest->shared_mfn, RW), -EINVAL); /* it is writable */
        expect_pin(gv, level, 0xfffffffffffffffe, 0);                    /* not present: anything */
    }
    expect_pin(gv, 1, pte_make(child[1], RW), 0);
    expect_pin(gv, 1, pte_make(child[1], RW | PTE_G | PTE_NX | PTE_SOFT), 0);
    expect_pin(gv, 1, pte_make(guest->shared_mfn, RW), 0);
    expect_pin(gv, 1, pte_make(child[1], RW | PTE_PCD), -EINVAL);
    expect_pin(gv, 1, pte_make(child[1], RW | PTE_PWT), -EINVAL);
    expect_pin(gv, 1, pte_make(child[1], RW | PTE_PAT), -EINVAL);
    expect_pin(gv, 1, pte_make(foreign, RO), -EBUSY);
    expect_pin(gv, 1, pte_make(MMIO, RO), -EPERM);
    expect_pin(gv, 1, ~0ull, -EINVAL);
    expect_pin(gv, 1, pte_make(mfn((1ull << 40) - 1), RO), -EINVAL);
    expect_pin(gv, 1, pte_make(m2p_chunk_mfn(0), RO), -EBUSY);
    expect_pin(gv, 1, pte_make(mfn(page_free_count()), RO), -EBUSY);
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L2_TABLE, table.v, 0), 0);
    expect_pin(gv, 1, pte_make(table, RW), -EBUSY); /* a writable mapping of a table */
    expect_pin(gv, 1, pte_make(table, RO), 0);
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L1_TABLE, foreign.v, 0), -EINVAL);
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L1_TABLE, MMIO.v, 0), -EINVAL);
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L1_TABLE, ~0ull, 0), -EINVAL);
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L1_TABLE, guest->shared_mfn.v, 0), -EINVAL);
}

static void a_failed_validation_takes_all_back(void **state)
{
    struct tree t = tree_new(guest);
    mfn_t second = page_of(guest);

    (void)state;
    entries(t.l2)[pt_index(TEST_VA, 2) + 1] = pte_make(second, RW);
    entries(second)[511] = pte_make(MMIO, RW);
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L4_TABLE, t.l4.v, 0), -EPERM);
    for (unsigned level = 1; level <= 4; level++) {
        assert_int_equal(refs(*tree_level(&t, level)), 1);
        assert_int_equal(frame_type_now(frame_of(*tree_level(&t, level))), FRAME_NONE);
    }
    assert_int_equal(refs(t.page), 1);
}

static void tables_do_not_map_themselves(void **state)
{
    (void)state;
    for (unsigned level = 1; level <= 4; level++) {
        mfn_t m = page_of(guest);

        entries(m)[7] = pte_make(m, RW);
        assert_int_equal(mmuext(gv, MMUEXT_PIN_L1_TABLE + level - 1, m.v, 0),
                         level == 1 ? -EBUSY : -EINVAL);
        entries(m)[7] = pte_make(m, RO);
        assert_int_equal(mmuext(gv, MMUEXT_PIN_L1_TABLE + level - 1, m.v, 0),
                         level == 1 ? 0 : -EINVAL);
        if (level > 1)
            continue;
        assert_int_equal(update(gv, m, 7, pte_make(m, RW)), -EBUSY);
        assert_int_equal(mmuext(gv, MMUEXT_UNPIN_TABLE, m.v, 0), 0);
        assert_int_equal(refs(m), 1);
    }
}

static void tables_in_use_are_not_writable(void **state)
{
    struct tree t = tree_new(guest);
    mfn_t other = page_of(guest);

    (void)state;
    entries(other)[0] = pte_make(t.l2, RW);
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L1_TABLE, other.v, 0), 0);
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L4_TABLE, t.l4.v, 0), -EINVAL);
    assert_int_equal(update(gv, other, 0, pte_make(t.l2, RO)), 0);
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L4_TABLE, t.l4.v, 0), 0);
    assert_int_equal(update(gv, other, 0, pte_make(t.l2, RW)), -EBUSY);
    assert_int_equal(update(gv, other, 1, pte_make(t.l4, RW)), -EBUSY);
    assert_int_equal(mmuext(gv, MMUEXT_CLEAR_PAGE, t.l2.v, 0), -EINVAL);
    assert_int_equal(mmuext(gv, MMUEXT_COPY_PAGE, t.l2.v, t.page.v), -EINVAL);
}

static void entries_are_kept_as_the_guest_wrote_them(void **state)
{
    mfn_t l1 = page_of(guest), page = page_of(guest);
    uint64_t odd = pte_make(page, PTE_P | PTE_A | PTE_AVAIL | PTE_SOFT | PTE_NX);

    (void)state;
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L1_TABLE, l1.v, 0), 0);
    assert_int_equal(update(gv, l1, 0, odd), 0);
    assert_int_equal(entries(l1)[0], odd | PTE_US);
    assert_int_equal(refs(page), 2);
    assert_int_equal(update(gv, l1, 0, odd | PTE_D), 0); /* the cheap way */
    assert_int_equal(entries(l1)[0], odd | PTE_US | PTE_D);
    assert_int_equal(update(gv, l1, 0, pte_make(page, RW | PTE_G)), 0);
    assert_int_equal(entries(l1)[0], pte_make(page, RW));
    assert_int_equal(uses(page), 1);
    assert_int_equal(update(gv, l1, 0, pte_make(page, RO)), 0);
    assert_int_equal(uses(page), 0);
    assert_int_equal(refs(page), 2);
    assert_int_equal(update(gv, l1, 0, 0xabcdef000), 0); /* swapped out, in the guest's words */
    assert_int_equal(entries(l1)[0], 0xabcdef000);
    assert_int_equal(refs(page), 1);
}

static void preserve_ad_keeps_what_the_cpu_has_set(void **state)
{
    mfn_t l1 = page_of(guest), page = page_of(guest), other = page_of(guest);
    struct mmu_update req = {mfn_to_maddr(l1) | MMU_PT_UPDATE_PRESERVE_AD,
                             pte_make(page, PTE_P | PTE_US)};

    (void)state;
    entries(l1)[0] = pte_make(page, PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D);
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L1_TABLE, l1.v, 0), 0);
    assert_int_equal(mmu_update_n(gv, &req, 1, NULL, DOMID_SELF), 0);
    assert_int_equal(entries(l1)[0], pte_make(page, PTE_P | PTE_US | PTE_A | PTE_D));
    assert_int_equal(uses(page), 0);
    req.val = pte_make(other, PTE_P | PTE_US);
    assert_int_equal(mmu_update_n(gv, &req, 1, NULL, DOMID_SELF), 0);
    assert_int_equal(entries(l1)[0], pte_make(other, PTE_P | PTE_US | PTE_A | PTE_D));
    assert_int_equal(refs(page), 1);
}

static void a_batch_stops_at_the_first_error(void **state)
{
    mfn_t l1 = page_of(guest), l1b = page_of(guest), page = page_of(guest), free_page;
    struct mmu_update req[100];
    unsigned done = NO_CHANGE;

    (void)state;
    free_page = mfn(PRETEND_HOLE_START - 1);
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L1_TABLE, l1.v, 0), 0);
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L1_TABLE, l1b.v, 0), 0);
    for (unsigned i = 0; i < 100; i++)
        req[i] = (struct mmu_update){mfn_to_maddr(i % 3 ? l1 : l1b) + i * 8, pte_make(page, RW)};
    req[70].val = pte_make(free_page, RW);
    assert_int_equal(mmu_update_n(gv, req, 100, &done, DOMID_SELF), -EBUSY);
    assert_int_equal(done, 70);
    assert_int_equal(refs(page), 71);
    assert_int_equal(mmu_update_n(gv, req + 71, 29, &done, DOMID_SELF), 0);
    assert_int_equal(done, 29);
    pretend_no_budget = true; /* a continuation after each chunk */
    for (unsigned i = 0; i < 100; i++)
        req[i].val = 0;
    assert_int_equal(mmu_update_n(gv, req, 100, &done, DOMID_SELF), 0);
    assert_int_equal(done, 100);
    assert_int_equal(refs(page), 1);
    pretend_guest_unmapped(&req[40], sizeof(req[0]) * 60);
    assert_int_equal(mmu_update_n(gv, req, 100, &done, DOMID_SELF), -EFAULT);
    assert_int_equal(done, 32); /* whole chunks are copied */
    pretend_guest_unmapped(&done, sizeof(done));
    assert_int_equal(mmu_update_n(gv, req, 1, &done, DOMID_SELF), -EFAULT);
    pretend_guest_unmapped(NULL, 0);
    assert_int_equal(mmu_update_n(gv, req, 0, &done, DOMID_SELF), 0);
    assert_int_equal(done, 0);
    req[0].ptr |= 4; /* a command there is not */
    assert_int_equal(mmu_update_n(gv, req, 1, &done, DOMID_SELF), -ENOSYS);
    req[0].ptr = ~0ull & ~7ull;
    assert_int_equal(mmu_update_n(gv, req, 1, &done, DOMID_SELF), -EINVAL);
}

static void foreign_domains_need_privilege(void **state)
{
    mfn_t l1 = page_of(guest), theirs = page_of(zero);
    struct mmu_update req = {mfn_to_maddr(l1), pte_make(theirs, RO)};
    struct domain *third = pretend_domain(7, false, 100, 1);
    unsigned done = NO_CHANGE;

    (void)state;
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L1_TABLE, l1.v, 0), 0);
    assert_int_equal(mmu_update_n(gv, &req, 1, &done, 0), -EPERM);
    assert_int_equal(mmu_update_n(gv, &req, 1, &done, 7), -EPERM);
    assert_int_equal(mmu_update_n(gv, &req, 1, &done, 8), -ESRCH); /* nobody */
    assert_int_equal(mmu_update_n(gv, &req, 1, &done, 1), -ESRCH); /* itself: SELF only */
    assert_int_equal(mmu_update_n(gv, &req, 1, &done, DOMID_XEN), -EPERM);
    assert_int_equal(mmu_update_n(gv, &req, 1, &done, DOMID_SELF | (0 + 1) << 16), -EPERM);
    assert_int_equal(mmu_update_n(gv, &req, 1, &done, DOMID_IO), -EBUSY);
    req.val = pte_make(MMIO, RO);
    assert_int_equal(mmu_update_n(gv, &req, 1, &done, DOMID_IO), -EPERM);
    assert_int_equal(done, 0);

    /* dom0 */
    pretend_run(zero->vcpu[0]);
    req = (struct mmu_update){mfn_to_maddr(theirs), pte_make(l1, RO)};
    assert_int_equal(mmuext(zero->vcpu[0], MMUEXT_PIN_L1_TABLE, theirs.v, 0), 0);
    assert_int_equal(mmu_update_n(zero->vcpu[0], &req, 1, &done, 99), -ESRCH);
    assert_int_equal(mmu_update_n(zero->vcpu[0], &req, 1, &done, 0), -ESRCH); /* SELF only */
    assert_int_equal(mmu_update_n(zero->vcpu[0], &req, 1, &done, 7), -EBUSY); /* not 7's */
    assert_int_equal(mmu_update_n(zero->vcpu[0], &req, 1, &done, 1), 0);
    assert_int_equal(refs(l1), 3);
    req.val = pte_make(l1, RW);
    assert_int_equal(mmu_update_n(zero->vcpu[0], &req, 1, &done, 1), -EBUSY); /* their table */
    assert_int_equal(mmu_update_n(zero->vcpu[0], &req, 1, &done, DOMID_SELF), -EBUSY);
    req.val = pte_make(m2p_chunk_mfn(0), RW);
    assert_int_equal(mmu_update_n(zero->vcpu[0], &req, 1, &done, DOMID_XEN), -EBUSY);
    req.val = pte_make(m2p_chunk_mfn(0), RO);
    assert_int_equal(mmu_update_n(zero->vcpu[0], &req, 1, &done, DOMID_XEN), 0);
    req.val |= PTE_RW;
    assert_int_equal(mmu_update_n(zero->vcpu[0], &req, 1, &done, DOMID_XEN), -EBUSY);
    assert_int_equal(mmu_update_n(zero->vcpu[0], &req, 1, &done, DOMID_SELF), -EBUSY);
    req = (struct mmu_update){mfn_to_maddr(m2p_chunk_mfn(0)), 0x77};
    assert_int_equal(mmu_update_n(zero->vcpu[0], &req, 1, &done, DOMID_SELF), -EINVAL);
    assert_int_equal(
        mmu_update_n(zero->vcpu[0], &req, 1, &done, DOMID_SELF | (DOMID_XEN + 1) << 16), -ESRCH);
    /* dom0 writes the guest's table */
    req = (struct mmu_update){mfn_to_maddr(l1), pte_make(page_of(guest), RO)};
    assert_int_equal(mmu_update_n(zero->vcpu[0], &req, 1, &done, DOMID_SELF), -EINVAL);
    assert_int_equal(mmu_update_n(zero->vcpu[0], &req, 1, &done, 1 | (1 + 1) << 16), 0);
    assert_int_equal(zero->refs, 1);
    assert_int_equal(guest->refs, 1);
    pretend_domain_destroy(third);
}

static void foreign_mappings_outlive_their_owner(void **state)
{
    struct vcpu *zv = zero->vcpu[0];
    mfn_t l1 = page_of(zero), page = page_of(guest);
    struct mmu_update req = {mfn_to_maddr(l1), pte_make(page, RW)};

    (void)state;
    pretend_run(zv);
    assert_int_equal(mmuext(zv, MMUEXT_PIN_L1_TABLE, l1.v, 0), 0);
    assert_int_equal(mmu_update_n(zv, &req, 1, NULL, 1), 0);
    req = (struct mmu_update){mfn_to_maddr(l1) + 8, pte_make(guest->shared_mfn, RW)};
    assert_int_equal(mmu_update_n(zv, &req, 1, NULL, 1), 0);
    req.val |= PTE_PCD;
    assert_int_equal(mmu_update_n(zv, &req, 1, NULL, 1), -EACCES);
    pretend_domain_destroy(guest);
    guest = NULL;
    assert_int_equal(refs(page), 1);
    /* no upgrade or copy of what is left of it */
    assert_int_equal(update(zv, l1, 2, pte_make(page, RO)), -EBUSY);
    assert_int_equal(update(zv, l1, 0, 0), 0);
    assert_int_equal(update(zv, l1, 1, 0), 0);
    assert_null(frame_owner(frame_of(page)));
}

static void a_read_only_grant_stays_read_only(void **state)
{
    mfn_t l1 = page_of(guest), granted = page_of(zero), replacement = page_of(guest);
    uint64_t pte = pte_make(granted, RO);

    (void)state;
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L1_TABLE, l1.v, 0), 0);
    assert_true(frame_get(frame_of(granted), zero));
    assert_int_equal(pt_install_l1(guest, mfn_to_maddr(l1) + 4, pte, NULL), -EINVAL);
    assert_int_equal(pt_install_l1(guest, mfn_to_maddr(replacement), pte, NULL), -EINVAL);
    assert_int_equal(pt_install_l1(zero, mfn_to_maddr(l1), pte, NULL), -EINVAL);
    assert_int_equal(pt_install_l1(guest, mfn_to_maddr(l1), pte, NULL), 0);
    assert_int_equal(update(gv, l1, 0, pte_make(granted, RW)), -EBUSY);
    assert_int_equal(update(gv, l1, 1, pte_make(granted, RO)), -EBUSY);
    assert_int_equal(update(gv, l1, 0, pte | PTE_D | PTE_NX), 0); /* harmless */
    assert_int_equal(pt_install_l1(guest, mfn_to_maddr(l1), 0, &replacement), -EFAULT);
    assert_int_equal(pt_install_l1(guest, mfn_to_maddr(l1), 0, &granted), 0);
    assert_int_equal(refs(granted), 1);
    assert_int_equal(pt_install_l1(guest, mfn_to_maddr(l1), 0, &granted), -EFAULT);
}

static void device_memory_is_uncached_and_by_permission(void **state)
{
    struct vcpu *zv = zero->vcpu[0];
    mfn_t l1 = page_of(zero), page = page_of(zero);

    (void)state;
    pretend_run(zv);
    assert_int_equal(mmuext(zv, MMUEXT_PIN_L1_TABLE, l1.v, 0), 0);
    assert_int_equal(update(zv, l1, 0, pte_make(MMIO, RW)), 0);
    assert_int_equal(entries(l1)[0], pte_make(MMIO, RW | PTE_PWT | PTE_PCD));
    assert_int_equal(update(zv, l1, 0, pte_make(MMIO, RW | PTE_PWT)), 0); /* WT */
    assert_int_equal(entries(l1)[0], pte_make(MMIO, RW | PTE_PWT | PTE_PCD));
    assert_int_equal(update(zv, l1, 0, pte_make(MMIO, RW | PTE_PCD)), 0); /* UC- stays */
    assert_int_equal(entries(l1)[0], pte_make(MMIO, RW | PTE_PCD));
    assert_int_equal(update(zv, l1, 0, pte_make(MMIO, RW | PTE_PAT)), 0); /* WC stays */
    assert_int_equal(entries(l1)[0], pte_make(MMIO, RW | PTE_PAT));
    assert_int_equal(update(zv, l1, 0, pte_make(MMIO, RW | PTE_PAT | PTE_PWT)), 0); /* WP */
    assert_int_equal(entries(l1)[0], pte_make(MMIO, RW | PTE_PAT | PTE_PWT | PTE_PCD));
    assert_int_equal(update(zv, l1, 1, pte_make(MMIO_RO, RW)), 0);
    assert_int_equal(entries(l1)[1] & PTE_RW, 0);
    assert_int_equal(update(zv, l1, 1, entries(l1)[1] | PTE_RW), 0); /* and not afterwards */
    assert_int_equal(entries(l1)[1] & PTE_RW, 0);
    assert_int_equal(update(zv, l1, 1, pte_make(MMIO_BAD, RO)), -EPERM);
    assert_int_equal(update(zv, l1, 1, pte_make(mfn(0xf0), RO)), 0); /* BIOS */
    assert_int_equal(update(zv, l1, 2, pte_make(page, RW | PTE_PCD)), 0);
    assert_int_equal(update(zv, l1, 2, pte_make(zero->shared_mfn, RW | PTE_PCD)), -EACCES);
    assert_int_equal(update(zv, l1, 2, 0), 0);
}

static void upper_levels_change_by_entry(void **state)
{
    struct tree t = tree_new(guest), u = tree_new(guest);
    unsigned long flushes;

    (void)state;
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L4_TABLE, t.l4.v, 0), 0);
    flushes = pretend.cr3_writes;
    assert_int_equal(update(gv, t.l2, 5, pte_make(u.l1, RW)), 0);
    assert_int_equal(uses(u.l1), 1);
    assert_int_equal(pretend.cr3_writes, flushes); /* a new entry needs no flush */
    assert_int_equal(update(gv, t.l2, 5, pte_make(u.l1, RO)), 0);
    assert_int_equal(uses(u.l1), 1);
    assert_int_equal(update(gv, t.l2, 5, pte_make(u.l1, RW | PTE_PSE)), -EINVAL);
    assert_int_equal(update(gv, t.l2, 5, pte_make(u.l2, RW)), -EBUSY); /* it maps an L1 RW */
    assert_int_equal(update(gv, t.l2, 5, 0), 0);
    assert_int_equal(update(gv, t.l2, 5, pte_make(u.l2, RW)), 0); /* as an L1: it maps u.l1 RW */
    assert_int_equal(frame_type_now(frame_of(u.l1)), FRAME_WRITABLE);
    assert_true(pretend.cr3_writes > flushes);
    assert_int_equal(update(gv, t.l2, 6, pte_make(t.l2, RW)), -EINVAL);
    assert_int_equal(update(gv, t.l3, 6, pte_make(t.l1, RW)), -EINVAL);
    assert_int_equal(update(gv, t.l4, 6, pte_make(u.l3, RW | PTE_PWT)), -EINVAL);
    for (unsigned slot = 256; slot <= 271; slot++) {
        assert_int_equal(update(gv, t.l4, slot, 0), -EINVAL);
        assert_int_equal(update(gv, t.l4, slot, pte_make(u.l3, RW)), -EINVAL);
    }
    assert_int_equal(update(gv, t.l4, 272, pte_make(page_of(guest), RW)), 0);
    assert_int_equal(update(gv, t.l4, pt_index(TEST_VA, 4), 0), 0);
    for (unsigned level = 1; level < 4; level++)
        assert_int_equal(refs(*tree_level(&t, level)), 1);
}

static void plain_memory_takes_plain_stores(void **state)
{
    mfn_t m = page_of(guest);
    struct mmu_update req[] = {{mfn_to_maddr(m), 0x123},
                               {mfn_to_maddr(m) | MMU_MACHPHYS_UPDATE, 0x55},
                               {mfn_to_maddr(page_of(zero)) | MMU_MACHPHYS_UPDATE, 0x66}};
    unsigned done = 0;

    (void)state;
    assert_int_equal(mmu_update_n(gv, req, 3, &done, DOMID_SELF), -EINVAL);
    assert_int_equal(done, 2);
    assert_int_equal(entries(m)[0], 0x123);
    assert_int_equal(*m2p_entry(m), 0x55);
    assert_int_equal(uses(m), 0);
    assert_int_equal(frame_get_type(frame_of(m), FRAME_SEG_DESC), 0);
    assert_int_equal(mmu_update_n(gv, req, 1, &done, DOMID_SELF), -EINVAL);
    frame_put_type(frame_of(m));
}

static void roots_change_in_constant_time(void **state)
{
    struct tree t = tree_new(guest), u = tree_new(guest);
    struct mmuext_op op = {.cmd = MMUEXT_NEW_BASEPTR};

    (void)state;
    assert_int_equal(mmuext(gv, MMUEXT_NEW_BASEPTR, t.page.v, 0), 0); /* an empty table is one */
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L4_TABLE, t.l4.v, 0), -EBUSY); /* t.page is L4 */
    assert_int_equal(mmuext(gv, MMUEXT_NEW_BASEPTR, u.l4.v, 0), 0);
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L4_TABLE, t.l4.v, 0), 0);
    entries(t.l3)[9] = ~0ull; /* would not pass: it is not looked at again */
    assert_int_equal(mmuext(gv, MMUEXT_NEW_BASEPTR, t.l4.v, 0), 0);
    entries(t.l3)[9] = 0;
    assert_int_equal(pretend.cr3, mfn_to_maddr(t.l4));
    assert_int_equal(refs(u.l3), 1); /* u was not pinned */
    assert_int_equal(uses(t.l4), 2);
    assert_int_equal(mmuext(gv, MMUEXT_NEW_BASEPTR, t.l4.v, 0), 0);
    assert_int_equal(uses(t.l4), 2);
    assert_int_equal(mmuext(gv, MMUEXT_NEW_USER_BASEPTR, u.l4.v, 0), 0);
    assert_int_equal(gv->user_l4.v, u.l4.v);
    assert_int_equal(pretend.cr3, mfn_to_maddr(t.l4));
    assert_int_equal(mmuext(gv, MMUEXT_NEW_USER_BASEPTR, 0, 0), 0);
    assert_int_equal(mmuext(gv, MMUEXT_NEW_USER_BASEPTR, 0, 0), 0);
    assert_int_equal(refs(u.l3), 1);
    assert_int_equal(mmuext(gv, MMUEXT_NEW_BASEPTR, 0, 0), -EINVAL);
    assert_int_equal(mmuext(gv, MMUEXT_NEW_BASEPTR, t.l3.v, 0), -EINVAL);
    assert_int_equal(mmuext(gv, MMUEXT_NEW_BASEPTR, zero->shared_mfn.v, 0), -EINVAL);
    assert_int_equal(gv->kernel_l4.v, t.l4.v);
    op.arg1.mfn = t.l4.v;
    pretend_run(zero->vcpu[0]);
    assert_int_equal(mmuext_n(zero->vcpu[0], &op, 1, NULL, 1), -EPERM);
    pretend_run(gv);
}

static void mmuext_refuses_what_it_must(void **state)
{
    struct mmuext_op op[3] = {{.cmd = MMUEXT_TLB_FLUSH_LOCAL}, {.cmd = 99}};
    struct hcall c;
    unsigned done = NO_CHANGE;
    mfn_t m = page_of(guest), n = page_of(guest);

    (void)state;
    assert_int_equal(mmuext_n(gv, op, 3, &done, DOMID_SELF), -ENOSYS);
    assert_int_equal(done, 1);
    assert_int_equal(mmuext(gv, MMUEXT_FLUSH_CACHE, 0, 0), -EACCES);
    assert_int_equal(mmuext(gv, MMUEXT_FLUSH_CACHE_GLOBAL, 0, 0), -EINVAL);
    assert_int_equal(mmuext(gv, MMUEXT_MARK_SUPER, m.v, 0), -EOPNOTSUPP);
    assert_int_equal(mmuext(gv, MMUEXT_SET_LDT, 0x1001, 1), -EINVAL);
    assert_int_equal(mmuext(gv, MMUEXT_SET_LDT, 0x1000, 8193), -EINVAL);
    assert_int_equal(mmuext(gv, MMUEXT_SET_LDT, HV_VIRT_START, 1), -EINVAL);
    assert_int_equal(mmuext(gv, MMUEXT_SET_LDT, 0x1000, 8192), 0);
    assert_int_equal(gv->ldt_entries, 8192);
    assert_int_equal(mmuext(gv, MMUEXT_SET_LDT, 0, 0), 0);
    assert_int_equal(mmuext(gv, MMUEXT_TLB_FLUSH_MULTI, 0, 8), -EFAULT);
    entries(m)[3] = 3;
    assert_int_equal(mmuext(gv, MMUEXT_COPY_PAGE, n.v, m.v), 0);
    assert_int_equal(entries(n)[3], 3);
    assert_int_equal(mmuext(gv, MMUEXT_CLEAR_PAGE, n.v, 0), 0);
    assert_int_equal(entries(n)[3], 0);
    assert_int_equal(mmuext(gv, MMUEXT_COPY_PAGE, n.v, zero->shared_mfn.v), -EINVAL);
    assert_int_equal(mmuext(gv, MMUEXT_CLEAR_PAGE, MMIO.v, 0), -EINVAL);
    assert_int_equal(mmuext_n(gv, op, 1, NULL, DOMID_XEN), -EPERM);
    assert_int_equal(mmuext_n(gv, op, 1, NULL, DOMID_IO), -EPERM);
    c = pretend_hcall(gv, HV_VIRT_START, 1, 0, DOMID_SELF, 0);
    assert_int_equal(do_mmuext_op(&c, NULL), -EFAULT);
}

static void update_va_mapping_finds_the_slot(void **state)
{
    struct tree t = tree_new(guest);
    mfn_t other = page_of(guest);
    uint64_t bitmap = 1;
    unsigned long n;
    struct hcall c;

    (void)state;
#define UVM(va, pte, flags) \
    (c = pretend_hcall(gv, va, pte, flags, 0, 0), do_update_va_mapping(&c, NULL))
    assert_int_equal(UVM(TEST_VA, 0, 0), -EINVAL); /* no tables at all */
    assert_int_equal(vcpu_set_kernel_l4(gv, t.l4), 0);
    assert_int_equal(UVM(TEST_VA, pte_make(other, RW), 0), 0);
    assert_int_equal(entries(t.l1)[pt_index(TEST_VA, 1)], pte_make(other, RW));
    assert_int_equal(refs(t.page), 1);
    assert_int_equal(pt_walk(gv, TEST_VA), pte_make(other, RW));
    assert_int_equal(UVM(TEST_VA, pte_make(t.l1, RW), 0), -EBUSY);
    assert_int_equal(UVM(HV_VIRT_START, 0, 0), -EINVAL);
    assert_int_equal(UVM(0x800000000000, 0, 0), -EINVAL);
    assert_int_equal(UVM(TEST_VA + (1ul << 21), 0, 0), -EINVAL);
    n = pretend.invlpgs;
    assert_int_equal(UVM(TEST_VA, 0, UVMF_INVLPG), 0);
    assert_int_equal(pretend.invlpgs, n + 1);
    assert_int_equal(UVM(TEST_VA, 0, UVMF_INVLPG | UVMF_ALL), 0);
    assert_int_equal(UVM(TEST_VA, 0, UVMF_INVLPG | (uint64_t)&bitmap), 0);
    assert_int_equal(pretend.invlpgs, n + 3);
    n = pretend.cr3_writes;
    assert_int_equal(UVM(TEST_VA, 0, UVMF_TLB_FLUSH), 0);
    assert_int_equal(UVM(TEST_VA, 0, UVMF_TLB_FLUSH | UVMF_ALL), 0);
    assert_int_equal(UVM(TEST_VA, 0, UVMF_TLB_FLUSH | UVMF_INVLPG), 0); /* both: all */
    assert_int_equal(pretend.cr3_writes, n + 3);
    assert_int_equal(UVM(TEST_VA, 0, UVMF_TLB_FLUSH | 0x10), -EFAULT);
#undef UVM
    c = pretend_hcall(gv, TEST_VA, 0, 0, 0, 0);
    assert_int_equal(do_update_va_mapping_otherdomain(&c, NULL), -EPERM);
    c.a[3] = DOMID_SELF;
    assert_int_equal(do_update_va_mapping_otherdomain(&c, NULL), 0);
    assert_int_equal(pt_walk(gv, TEST_VA), 0);
    gv->kernel_mode = false;
    assert_int_equal(pt_walk(gv, TEST_VA), 0);
    gv->kernel_mode = true;
}

static void pinned_frames_are_not_given_up(void **state)
{
    struct tree t = tree_new(guest);
    struct frame *f = frame_of(t.l4);

    (void)state;
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L4_TABLE, t.l4.v, 0), 0);
    assert_true(frame_get(f, guest));
    assert_int_equal(domain_page_release(guest, f), -EBUSY);
    frame_put(f);
    /* used but not pinned: it goes when the use does */
    f = frame_of(t.l2);
    assert_true(frame_get(f, guest));
    assert_int_equal(domain_page_release(guest, f), 0);
    frame_put(f);
    assert_ptr_equal(frame_owner(f), guest);
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L2_TABLE, t.l2.v, 0), -EINVAL);
    assert_int_equal(mmuext(gv, MMUEXT_UNPIN_TABLE, t.l4.v, 0), 0);
    assert_null(frame_owner(f));
}

/* An L4 over `l1s` full L1 tables: enough to need continuations. */
static mfn_t big_tree(struct domain *d, unsigned l1s, mfn_t page)
{
    mfn_t l4 = page_of(d), l3 = page_of(d), l2 = MFN_NONE;

    entries(l4)[3] = pte_make(l3, RW);
    for (unsigned i = 0; i < l1s; i++) {
        mfn_t l1 = page_of(d);

        if (i % 16 == 0) {
            l2 = page_of(d);
            entries(l3)[i / 16] = pte_make(l2, RW);
        }
        for (unsigned e = 0; e < 512; e++)
            entries(l1)[e] = pte_make(page, RW);
        entries(l2)[i % 16 * 31] = pte_make(l1, RW);
    }
    return l4;
}

/* Pins once, without going on. */
static long pin_once(struct vcpu *v, mfn_t m, struct hcall *c, struct mmuext_op *op)
{
    *op = (struct mmuext_op){.cmd = MMUEXT_PIN_L4_TABLE};
    op->arg1.mfn = m.v;
    *c = pretend_hcall(v, (uint64_t)op, 1, 0, DOMID_SELF, 0);
    return do_mmuext_op(c, NULL);
}

static void long_validation_goes_on_where_it_stopped(void **state)
{
    mfn_t page = page_of(guest), l4 = big_tree(guest, 200, page);
    struct mmuext_op op;
    struct hcall c;
    int restarts = 0;
    long rc;

    (void)state;
    for (rc = pin_once(gv, l4, &c, &op); rc == -ERESTART; rc = do_mmuext_op(&c, NULL)) {
        assert_true(++restarts < 100);
        assert_int_equal(frame_type_now(frame_of(l4)), FRAME_L4);
        assert_int_equal(frame_get_type(frame_of(l4), FRAME_WRITABLE), -EINVAL);
        assert_int_equal(update(gv, l4, 0, 0), -EINVAL);
        assert_int_equal(mmuext(gv, MMUEXT_UNPIN_TABLE, l4.v, 0), -EINVAL);
    }
    assert_int_equal(rc, 0);
    assert_true(restarts >= 5);
    assert_int_equal(uses(page), 200 * 512);
    assert_int_equal(uses(l4), 1);
    assert_int_equal(refs(l4), 2);
    op.cmd = MMUEXT_UNPIN_TABLE;
    c = pretend_hcall(gv, (uint64_t)&op, 1, 0, DOMID_SELF, 0);
    for (restarts = 0; (rc = do_mmuext_op(&c, NULL)) == -ERESTART; restarts++)
        ;
    assert_int_equal(rc, 0);
    assert_true(restarts >= 5);
    assert_int_equal(uses(page), 0);
    assert_int_equal(refs(page), 1);
    assert_int_equal(refs(l4), 1);
    assert_null(gv->old_table);
}

static void half_done_work_can_be_taken_up_by_others(void **state)
{
    mfn_t page = page_of(guest), l4 = big_tree(guest, 200, page);
    struct mmuext_op op;
    struct hcall c;

    (void)state;
    /* validation left, root loaded instead (never preempted) */
    assert_int_equal(pin_once(gv, l4, &c, &op), -ERESTART);
    assert_int_equal(vcpu_set_kernel_l4(gv, l4), 0);
    assert_int_equal(uses(page), 200 * 512);
    assert_int_equal(do_mmuext_op(&c, NULL), 0); /* and pinned now */
    /* release left, pinned again */
    assert_int_equal(vcpu_set_kernel_l4(gv, page_of(guest)), 0);
    op.cmd = MMUEXT_UNPIN_TABLE;
    c = pretend_hcall(gv, (uint64_t)&op, 1, 0, DOMID_SELF, 0);
    assert_int_equal(do_mmuext_op(&c, NULL), -ERESTART);
    assert_true(uses(page) < 200 * 512 && uses(page) > 0);
    gv->old_table = NULL; /* what the other vCPU does not know of */
    frame_put(frame_of(l4));
    assert_int_equal(mmuext(guest->vcpu[1], MMUEXT_PIN_L4_TABLE, l4.v, 0), 0);
    assert_int_equal(uses(page), 200 * 512);
    assert_int_equal(refs(l4), 2);
}

static void half_done_work_is_found_by_teardown(void **state)
{
    mfn_t page = page_of(guest), l4 = big_tree(guest, 200, page), l4b = big_tree(guest, 100, page);
    struct mmuext_op op;
    struct hcall c;

    (void)state;
    assert_int_equal(pin_once(gv, l4, &c, &op), -ERESTART);
    assert_int_equal(mmuext(guest->vcpu[1], MMUEXT_PIN_L4_TABLE, l4b.v, 0), 0);
    op.cmd = MMUEXT_UNPIN_TABLE;
    op.arg1.mfn = l4b.v;
    c = pretend_hcall(guest->vcpu[1], (uint64_t)&op, 1, 0, DOMID_SELF, 0);
    assert_int_equal(do_mmuext_op(&c, NULL), -ERESTART);
    assert_true(frame_get(frame_of(l4), guest));
    assert_int_equal(domain_page_release(guest, frame_of(l4)), -EBUSY);
    frame_put(frame_of(l4));
}

static void a_long_validation_may_fail_late(void **state)
{
    mfn_t page = page_of(guest), l4 = big_tree(guest, 200, page);
    mfn_t l3 = pte_mfn(entries(l4)[3]), l2 = pte_mfn(entries(l3)[12]),
          l1 = pte_mfn(entries(l2)[31]);

    (void)state;
    entries(l1)[511] = pte_make(MMIO, RW);
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L4_TABLE, l4.v, 0), -EPERM);
    /* what of it is still referenced is released when somebody asks again */
    for (int i = 0; i < 100 && uses(page); i++)
        assert_int_equal(mmuext(gv, MMUEXT_PIN_L4_TABLE, l4.v, 0), -EPERM);
    entries(l1)[511] = 0;
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L4_TABLE, l4.v, 0), 0);
    assert_int_equal(uses(page), 200 * 512 - 1 - 0);
}

static void entries_that_drop_big_trees_are_continued(void **state)
{
    mfn_t page = page_of(guest), big = big_tree(guest, 200, page), l4 = page_of(guest);
    struct mmu_update req[2] = {{mfn_to_maddr(l4) + 8, entries(big)[3]},
                                {mfn_to_maddr(l4) + 16, entries(big)[3]}};
    unsigned done = NO_CHANGE;

    (void)state;
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L4_TABLE, l4.v, 0), 0);
    assert_int_equal(mmu_update_n(gv, req, 2, &done, DOMID_SELF), 0);
    assert_int_equal(done, 2);
    assert_int_equal(uses(page), 200 * 512);
    req[0].val = req[1].val = 0;
    assert_int_equal(mmu_update_n(gv, req, 2, &done, DOMID_SELF), 0);
    assert_int_equal(done, 2);
    assert_int_equal(uses(page), 0);
    assert_null(gv->old_table);
}

static void roots_that_drop_big_trees_are_continued(void **state)
{
    mfn_t page = page_of(guest), big = big_tree(guest, 200, page), l4 = page_of(guest);

    (void)state;
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L4_TABLE, l4.v, 0), 0);
    assert_int_equal(mmuext(gv, MMUEXT_NEW_BASEPTR, big.v, 0), 0);
    assert_int_equal(mmuext(gv, MMUEXT_NEW_USER_BASEPTR, big.v, 0), 0);
    assert_int_equal(mmuext(gv, MMUEXT_NEW_BASEPTR, l4.v, 0), 0);
    assert_int_equal(uses(page), 200 * 512);
    assert_int_equal(mmuext(gv, MMUEXT_NEW_USER_BASEPTR, 0, 0), 0);
    assert_int_equal(uses(page), 0);
    assert_null(gv->old_table);
}

/* Two CPUs do random things to the same few frames. Any answer is right; the counts must be. */
static mfn_t arena[24];
static void *racer(void *arg)
{
    unsigned cpu_nr = (unsigned)(uint64_t)arg, seed = cpu_nr * 77 + 1;
    struct vcpu *v = guest->vcpu[cpu_nr];

    pretend_run_on(cpu_nr);
    pretend_run(v);
    for (int i = 0; i < 20000; i++) {
        mfn_t a = arena[rand_r(&seed) % 24], b = arena[rand_r(&seed) % 24];
        struct mmu_update req = {mfn_to_maddr(a) + rand_r(&seed) % 512 * 8,
                                 rand_r(&seed) % 3 ? pte_make(b, rand_r(&seed) % 2 ? RW : RO) : 0};

        switch (rand_r(&seed) % 8) {
        case 0:
            mmuext(v, MMUEXT_PIN_L1_TABLE + rand_r(&seed) % 4, a.v, 0);
            break;
        case 1:
            mmuext(v, MMUEXT_UNPIN_TABLE, a.v, 0);
            break;
        case 2:
            mmuext(v, MMUEXT_CLEAR_PAGE, a.v, 0);
            break;
        case 3:
            mmuext(v, rand_r(&seed) % 2 ? MMUEXT_NEW_BASEPTR : MMUEXT_NEW_USER_BASEPTR, a.v, 0);
            break;
        default:
            mmu_update_n(v, &req, 1, NULL, DOMID_SELF);
        }
    }
    pretend_run(NULL);
    return NULL;
}

static void racing_cpus_keep_counts_right(void **state)
{
    pthread_t other;

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(arena); i++)
        arena[i] = page_of(guest);
    pretend_run_on(1);
    pretend_run_on(0);
    assert_int_equal(pthread_create(&other, NULL, racer, (void *)1), 0);
    racer((void *)0);
    assert_int_equal(pthread_join(other, NULL), 0);
    pretend_run_on(0);
    pretend_run(gv);
    for (unsigned i = 0; i < 2; i++)
        vcpu_put_page_tables(guest->vcpu[i]);
    for (unsigned i = 0; i < ARRAY_SIZE(arena); i++)
        mmuext(gv, MMUEXT_UNPIN_TABLE, arena[i].v, 0);
    for (unsigned i = 0; i < ARRAY_SIZE(arena); i++) {
        assert_int_equal(refs(arena[i]), 1);
        assert_int_equal(uses(arena[i]), 0);
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        T(pinning_validates_the_whole_tree),
        T(bad_entries_are_refused_at_every_level),
        T(a_failed_validation_takes_all_back),
        T(tables_do_not_map_themselves),
        T(tables_in_use_are_not_writable),
        T(entries_are_kept_as_the_guest_wrote_them),
        T(preserve_ad_keeps_what_the_cpu_has_set),
        T(a_batch_stops_at_the_first_error),
        T(foreign_domains_need_privilege),
        T(foreign_mappings_outlive_their_owner),
        T(a_read_only_grant_stays_read_only),
        T(device_memory_is_uncached_and_by_permission),
        T(upper_levels_change_by_entry),
        T(plain_memory_takes_plain_stores),
        T(roots_change_in_constant_time),
        T(mmuext_refuses_what_it_must),
        T(update_va_mapping_finds_the_slot),
        T(pinned_frames_are_not_given_up),
        T(long_validation_goes_on_where_it_stopped),
        T(half_done_work_can_be_taken_up_by_others),
        T(half_done_work_is_found_by_teardown),
        T(a_long_validation_may_fail_late),
        T(entries_that_drop_big_trees_are_continued),
        T(roots_that_drop_big_trees_are_continued),
        T(racing_cpus_keep_counts_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
