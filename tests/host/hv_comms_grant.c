/* SPDX-License-Identifier: MIT
 *
 * Grant tables: mapping with real page tables, in halves, twice, at bad places; status bits and
 * references; copies; exhaustion; owners and users that die with mappings; continuations.
 */
#include <pthread.h>
#include <xen/grant_table.h>
#include "hv_comms.h"
#include "comms/grant.h"
#include "mm/frame.h"
#include "mm/page_alloc.h"
#include "mm/pt.h"

#define VA 0x40000000ul /* the tables below map 2 MiB here */

static struct domain *owner, *user;
static uint64_t *l1; /* the user's */
static mfn_t l1_mfn;
static mfn_t page; /* the owner's, granted as `ref` */
static uint32_t ref;

static struct grant_entry_v1 *entry(struct domain *d, uint32_t n)
{
    mfn_t m = grant_table_frame(d, n / 512);
    return (struct grant_entry_v1 *)mfn_to_va(m) + n % 512;
}

static void grant(struct domain *d, uint32_t n, domid_t to, mfn_t m, uint16_t flags)
{
    struct grant_entry_v1 *e = entry(d, n);
    e->domid = to;
    e->frame = (uint32_t)m.v;
    e->flags = (uint16_t)(GTF_permit_access | flags);
}

/* Page tables of d that map nothing but reach an L1 for VA. */
static uint64_t *make_tables(struct domain *d, mfn_t *l1_at)
{
    mfn_t t[4];
    uint64_t *p;

    for (int i = 0; i < 4; i++)
        t[i] = own_frame(d);
    p = mfn_to_va(t[3]);
    p[pt_index(VA, 4)] = pte_make(t[2], PTE_P | PTE_RW | PTE_US);
    p = mfn_to_va(t[2]);
    p[pt_index(VA, 3)] = pte_make(t[1], PTE_P | PTE_RW | PTE_US);
    p = mfn_to_va(t[1]);
    p[pt_index(VA, 2)] = pte_make(t[0], PTE_P | PTE_RW | PTE_US);
    assert_int_equal(vcpu_set_kernel_l4(d->vcpu[0], t[3]), 0);
    *l1_at = t[0];
    return mfn_to_va(t[0]);
}

static int owner_and_user(void **state)
{
    start_machine(state);
    user = make_domain(0, true, 1);
    owner = make_domain(1, false, 1);
    l1 = make_tables(user, &l1_mfn);
    page = own_frame(owner);
    ref = 9;
    grant(owner, ref, 0, page, 0);
    return 0;
}

static uint64_t refs_of(mfn_t m)
{
    return frame_of(m)->count & FRAME_REFS;
}
static uint64_t uses_of(mfn_t m)
{
    return (frame_of(m)->type & TYPE_USES) / TYPE_ONE;
}

static struct gnttab_map_grant_ref map_op(uint64_t addr, uint32_t flags)
{
    return (struct gnttab_map_grant_ref){
        .host_addr = addr, .flags = flags, .ref = ref, .dom = 1, .status = 99};
}
static int map_status(struct domain *d, struct gnttab_map_grant_ref *op)
{
    assert_int_equal(grant_op(d, GNTTABOP_map_grant_ref, op, 1), 0);
    return op->status;
}
static uint32_t map(uint64_t addr, uint32_t flags)
{
    struct gnttab_map_grant_ref op = map_op(addr, flags);
    assert_int_equal(map_status(user, &op), GNTST_okay);
    assert_true(op.dev_bus_addr == mfn_to_maddr(page));
    return op.handle;
}
static int unmap(uint32_t handle, uint64_t addr, uint64_t dev)
{
    struct gnttab_unmap_grant_ref op = {
        .host_addr = addr, .dev_bus_addr = dev, .handle = handle, .status = 99};
    assert_int_equal(grant_op(user, GNTTABOP_unmap_grant_ref, &op, 1), 0);
    return op.status;
}
static uint64_t slot_of(unsigned i)
{
    return mfn_to_maddr(l1_mfn) + 8 * i;
}

static void map_by_address(void **state)
{
    uint32_t h;

    (void)state;
    h = map(VA + 5 * PAGE_SIZE, GNTMAP_host_map);
    assert_int_equal(entry(owner, ref)->flags, GTF_permit_access | GTF_reading | GTF_writing);
    assert_true(mfn_eq(pte_mfn(l1[5]), page));
    assert_true((l1[5] & (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D | PTE_NX)) ==
                (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D | PTE_NX));
    assert_int_equal(refs_of(page), 3); /* allocation, entry, grant */
    assert_int_equal(uses_of(page), 2);
    assert_int_equal(unmap(h, VA + 5 * PAGE_SIZE, 0), GNTST_okay);
    assert_int_equal(l1[5], 0);
    assert_int_equal(refs_of(page), 1);
    assert_int_equal(uses_of(page), 0);
    assert_int_equal(entry(owner, ref)->flags, GTF_permit_access);
    assert_int_equal(unmap(h, VA + 5 * PAGE_SIZE, 0), GNTST_bad_handle);
    assert_int_equal(unmap(12345678, VA, 0), GNTST_bad_handle);
    assert_int_equal(unmap(~0u, VA, 0), GNTST_bad_handle);
}

static void map_by_entry(void **state)
{
    uint32_t h = map(slot_of(7), GNTMAP_host_map | GNTMAP_contains_pte | GNTMAP_readonly |
                                     5u << _GNTMAP_guest_avail0);

    (void)state;
    assert_true(mfn_eq(pte_mfn(l1[7]), page));
    assert_true((l1[7] & (PTE_RW | PTE_AVAIL)) == 5u << 9);
    assert_int_equal(entry(owner, ref)->flags, GTF_permit_access | GTF_reading);
    assert_int_equal(uses_of(page), 0);
    assert_int_equal(unmap(h, slot_of(8), 0), GNTST_general_error); /* another entry */
    assert_int_equal(unmap(h, slot_of(7), 0), GNTST_okay);
    assert_int_equal(l1[7], 0);
    assert_int_equal(refs_of(page), 1);
}

static void bad_places(void **state)
{
    static const uint32_t pte = GNTMAP_host_map | GNTMAP_contains_pte;
    struct gnttab_map_grant_ref op;
    uint64_t frames = page_free_count();

    (void)state;
    op = map_op(slot_of(7) + 4, pte); /* misaligned */
    assert_int_equal(map_status(user, &op), GNTST_general_error);
    op = map_op(mfn_to_maddr(page), pte); /* the owner's frame */
    assert_int_equal(map_status(user, &op), GNTST_general_error);
    op = map_op(mfn_to_maddr(user->vcpu[0]->kernel_l4) + 8, pte); /* a table, but no L1 */
    assert_int_equal(map_status(user, &op), GNTST_general_error);
    op = map_op(~0ul << 3, pte);
    assert_int_equal(map_status(user, &op), GNTST_general_error);
    op = map_op(0x123000, GNTMAP_host_map); /* no L1 there */
    assert_int_equal(map_status(user, &op), GNTST_general_error);
    op = map_op(HV_VIRT_START, GNTMAP_host_map);
    assert_int_equal(map_status(user, &op), GNTST_general_error);
    op = map_op(VA, 0);
    assert_int_equal(map_status(user, &op), GNTST_bad_gntref);
    assert_int_equal(refs_of(page), 1);
    assert_int_equal(uses_of(page), 0);
    assert_int_equal(entry(owner, ref)->flags, GTF_permit_access);
    assert_int_equal(frames, page_free_count());
}

static void bad_entries(void **state)
{
    struct gnttab_map_grant_ref op = map_op(VA, GNTMAP_host_map);
    mfn_t table;

    (void)state;
    op.dom = 55;
    assert_int_equal(map_status(user, &op), GNTST_bad_domain);
    op = map_op(VA, GNTMAP_host_map);
    op.ref = 512;
    assert_int_equal(map_status(user, &op), GNTST_bad_gntref);
    op.ref = ~0u;
    assert_int_equal(map_status(user, &op), GNTST_bad_gntref);
    op.ref = 3; /* invalid */
    assert_int_equal(map_status(user, &op), GNTST_general_error);
    grant(owner, 3, 7, page, 0); /* for another */
    assert_int_equal(map_status(user, &op), GNTST_general_error);
    grant(owner, 3, 0, page, GTF_readonly);
    assert_int_equal(map_status(user, &op), GNTST_general_error);
    assert_int_equal(entry(owner, 3)->flags, GTF_permit_access | GTF_readonly);
    grant(owner, 3, 0, l1_mfn, 0); /* not the owner's to give */
    assert_int_equal(map_status(user, &op), GNTST_bad_page);
    grant(owner, 3, 0, mfn(PRETEND_HOLE_START), 0);
    assert_int_equal(map_status(user, &op), GNTST_bad_page);
    grant(owner, 3, 0, mfn(0xffffffff), 0);
    assert_int_equal(map_status(user, &op), GNTST_bad_page);
    entry(owner, 3)->flags = GTF_transitive;
    assert_int_equal(map_status(user, &op), GNTST_general_error);
    make_tables(owner, &table); /* a page table: to read only */
    grant(owner, 3, 0, table, 0);
    assert_int_equal(map_status(user, &op), GNTST_general_error);
    assert_int_equal(entry(owner, 3)->flags, GTF_permit_access);
    op = map_op(VA, GNTMAP_host_map | GNTMAP_readonly);
    op.ref = 3;
    assert_int_equal(map_status(user, &op), GNTST_okay);
    assert_int_equal(unmap(op.handle, VA, 0), GNTST_okay);
}

static void halves(void **state)
{
    uint32_t h = map(VA, GNTMAP_host_map | GNTMAP_device_map);
    uint64_t dev = mfn_to_maddr(page);

    (void)state;
    assert_int_equal(refs_of(page), 3);
    assert_int_equal(unmap(h, 0, 0), GNTST_okay); /* neither */
    assert_int_equal(unmap(h, 0, dev + PAGE_SIZE), GNTST_bad_dev_addr);
    assert_int_equal(unmap(h, VA, dev + PAGE_SIZE), GNTST_bad_dev_addr);
    assert_true(l1[0] & PTE_P); /* nothing was done */
    assert_int_equal(unmap(h, VA, 0), GNTST_okay);
    assert_int_equal(refs_of(page), 2);
    assert_int_equal(entry(owner, ref)->flags, GTF_permit_access | GTF_reading | GTF_writing);
    assert_int_equal(unmap(h, VA, 0), GNTST_okay); /* that half is gone: nothing to do */
    assert_int_equal(unmap(h, 0, dev), GNTST_okay);
    assert_int_equal(entry(owner, ref)->flags, GTF_permit_access);
    assert_int_equal(unmap(h, 0, dev), GNTST_bad_handle);
    assert_int_equal(refs_of(page), 1);
}

static void many_uses_of_one_entry(void **state)
{
    uint32_t w = map(VA, GNTMAP_host_map), r1, r2;

    (void)state;
    entry(owner, ref)->frame = (uint32_t)l1_mfn.v; /* too late to change it */
    entry(owner, ref)->flags |= GTF_readonly;
    r1 = map(VA + PAGE_SIZE, GNTMAP_host_map | GNTMAP_readonly);
    r2 = map(VA + 2 * PAGE_SIZE, GNTMAP_host_map | GNTMAP_readonly);
    assert_int_equal(unmap(w, VA, 0), GNTST_okay);
    assert_int_equal(entry(owner, ref)->flags, GTF_permit_access | GTF_readonly | GTF_reading);
    assert_int_equal(unmap(r1, VA + PAGE_SIZE, 0), GNTST_okay);
    assert_int_equal(refs_of(page), 3);
    assert_int_equal(unmap(r2, VA + 2 * PAGE_SIZE, 0), GNTST_okay);
    assert_int_equal(entry(owner, ref)->flags, GTF_permit_access | GTF_readonly);
    assert_int_equal(refs_of(page), 1);
}

/* The owner takes the frame back while it is mapped: it stays with the user until unmapped. */
static void freed_while_mapped(void **state)
{
    uint32_t h = map(VA, GNTMAP_host_map);
    uint64_t before;

    (void)state;
    memset(mfn_to_va(page), 0x5a, PAGE_SIZE);
    assert_true(frame_get(frame_of(page), owner));
    assert_int_equal(domain_page_release(owner, frame_of(page)), 0);
    frame_put(frame_of(page));
    before = page_free_count();
    assert_int_equal(*(uint8_t *)mfn_to_va(page), 0x5a);
    assert_int_equal(unmap(h, VA, 0), GNTST_okay);
    assert_int_equal(page_free_count(), before + 1);
}

/* The user overwrites the entry by itself: the use of the grant stays until its end. */
static void entry_overwritten(void **state)
{
    uint32_t h = map(VA, GNTMAP_host_map);

    (void)state;
    pretend_run(user->vcpu[0]);
    assert_int_equal(pt_update(user, user, slot_of(0), 0), 0);
    assert_int_equal(refs_of(page), 2);
    assert_int_equal(uses_of(page), 1);
    assert_int_equal(unmap(h, VA, 0), GNTST_general_error);
    assert_int_equal(entry(owner, ref)->flags, GTF_permit_access | GTF_reading | GTF_writing);
    end_domain(user);
    assert_int_equal(refs_of(page), 1);
    assert_int_equal(entry(owner, ref)->flags, GTF_permit_access);
}

static void user_dies(void **state)
{
    (void)state;
    map(VA, GNTMAP_host_map | GNTMAP_device_map);
    map(slot_of(9), GNTMAP_host_map | GNTMAP_contains_pte | GNTMAP_readonly);
    end_domain(user);
    assert_int_equal(refs_of(page), 1);
    assert_int_equal(uses_of(page), 0);
    assert_int_equal(entry(owner, ref)->flags, GTF_permit_access);
}

static void owner_dies(void **state)
{
    uint32_t h = map(VA, GNTMAP_host_map);
    struct gnttab_map_grant_ref op = map_op(VA + PAGE_SIZE, GNTMAP_host_map);
    uint64_t before;

    (void)state;
    memset(mfn_to_va(page), 0x77, PAGE_SIZE);
    end_domain(owner);
    assert_int_equal(map_status(user, &op), GNTST_bad_domain);
    assert_int_equal(*(uint8_t *)mfn_to_va(page), 0x77);
    before = page_free_count();
    assert_int_equal(unmap(h, VA, 0), GNTST_okay);
    assert_true(page_free_count() > before + 1); /* the frame and the rest of the domain */
}

static void both_die(void **state)
{
    (void)state;
    map(VA, GNTMAP_host_map);
    end_domain(owner);
    end_domain(user);
}

static void no_more_handles(void **state)
{
    struct gnttab_map_grant_ref op;
    uint32_t n = 0, last = 0;
    uint64_t frames = page_free_count();

    (void)state;
    for (;;) {
        op = map_op(0, GNTMAP_device_map);
        if (map_status(user, &op) != GNTST_okay)
            break;
        last = op.handle;
        n++;
    }
    assert_int_equal(op.status, GNTST_no_space);
    assert_int_equal(n, 512); /* two pages of them */
    assert_int_equal(unmap(last, 0, mfn_to_maddr(page)), GNTST_okay);
    op = map_op(0, GNTMAP_device_map);
    assert_int_equal(map_status(user, &op), GNTST_okay);
    assert_int_equal(op.handle, last);
    for (uint32_t h = 0; h < 512; h++)
        assert_int_equal(unmap(h, 0, mfn_to_maddr(page)), GNTST_okay);
    assert_int_equal(page_free_count(), frames); /* the second page is given back */
    assert_int_equal(map(VA, GNTMAP_host_map), 0);
}

static void to_oneself(void **state)
{
    mfn_t mine = own_frame(user);
    struct gnttab_map_grant_ref op = {.host_addr = VA, .flags = GNTMAP_host_map, .ref = 20};

    (void)state;
    grant(user, 20, 0, mine, 0);
    assert_int_equal(map_status(user, &op), GNTST_okay);
    assert_int_equal(unmap(op.handle, VA, 0), GNTST_okay);
    assert_int_equal(refs_of(mine), 1);
}

static void batch_and_continuation(void **state)
{
    static struct gnttab_map_grant_ref m[100];
    static struct gnttab_unmap_grant_ref u[100];
    struct hcall c;
    int calls = 0;

    (void)state;
    for (int i = 0; i < 100; i++)
        m[i] = map_op(VA + (uint64_t)i * PAGE_SIZE, GNTMAP_host_map);
    m[50].ref = 77; /* one bad one does not stop the others */
    pretend_no_budget = true;
    c = pretend_hcall(user->vcpu[0], GNTTABOP_map_grant_ref, (uint64_t)m, 100, 0, 0);
    pretend_run(user->vcpu[0]);
    while (do_grant_table_op(&c, NULL) == -ERESTART)
        calls++;
    assert_int_equal(calls, 99);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(m[i].status, i == 50 ? GNTST_general_error : GNTST_okay);
        u[i] = (struct gnttab_unmap_grant_ref){.host_addr = m[i].host_addr, .handle = m[i].handle};
    }
    u[50].handle = ~0u;
    assert_int_equal(refs_of(page), 2 + 99);
    pretend_no_budget = false;
    assert_int_equal(grant_op(user, GNTTABOP_unmap_grant_ref, u, 100), 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(u[i].status, i == 50 ? GNTST_bad_handle : GNTST_okay);
    assert_int_equal(refs_of(page), 1);
    /* the same handle twice in one batch */
    uint32_t h = map(VA, GNTMAP_host_map);
    u[0] = u[1] = (struct gnttab_unmap_grant_ref){.host_addr = VA, .handle = h};
    assert_int_equal(grant_op(user, GNTTABOP_unmap_grant_ref, u, 2), 0);
    assert_int_equal(u[0].status, GNTST_okay);
    assert_int_equal(u[1].status, GNTST_bad_handle);
    assert_int_equal(refs_of(page), 1);
}

static void bad_arrays(void **state)
{
    static struct gnttab_unmap_grant_ref u[2];

    (void)state;
    assert_int_equal(grant_op(user, 13, u, 1), -ENOSYS);
    assert_int_equal(grant_op(user, ~0u, u, 1), -ENOSYS);
    assert_int_equal(grant_op(user, GNTTABOP_cache_flush, u, 1), -EOPNOTSUPP);
    assert_int_equal(grant_op(user, GNTTABOP_unmap_grant_ref, u, 0x80000000u), -EINVAL);
    assert_int_equal(grant_op(user, GNTTABOP_unmap_grant_ref, u, 0), 0);
    assert_int_equal(grant_op(user, GNTTABOP_unmap_grant_ref, (void *)64, 1), -EFAULT);
    u[0] = (struct gnttab_unmap_grant_ref){.host_addr = VA, .handle = map(VA, GNTMAP_host_map)};
    pretend_guest_unmapped(&u[1], sizeof(u[1]));
    assert_int_equal(grant_op(user, GNTTABOP_unmap_grant_ref, u, 2), -EFAULT);
    pretend_guest_unmapped(NULL, 0);
    assert_int_equal(u[0].status, GNTST_okay);
    assert_int_equal(refs_of(page), 1); /* the first was finished all the same */
}

static void replaced(void **state)
{
    mfn_t mine = own_frame(user);
    struct gnttab_unmap_and_replace op;
    uint32_t h = map(VA, GNTMAP_host_map);

    (void)state;
    pretend_run(user->vcpu[0]);
    assert_int_equal(pt_update(user, user, slot_of(3), pte_make(mine, PTE_P | PTE_RW | PTE_US)), 0);
    op = (struct gnttab_unmap_and_replace){
        .host_addr = VA, .new_addr = 0x123000, .handle = h, .status = 99};
    assert_int_equal(grant_op(user, GNTTABOP_unmap_and_replace, &op, 1), 0);
    assert_int_equal(op.status, GNTST_general_error);
    op.new_addr = VA + 3 * PAGE_SIZE;
    assert_int_equal(grant_op(user, GNTTABOP_unmap_and_replace, &op, 1), 0);
    assert_int_equal(op.status, GNTST_okay);
    assert_true(mfn_eq(pte_mfn(l1[0]), mine));
    assert_int_equal(l1[3], 0);
    assert_int_equal(refs_of(mine), 2);
    assert_int_equal(uses_of(mine), 1);
    assert_int_equal(refs_of(page), 1);
    assert_int_equal(entry(owner, ref)->flags, GTF_permit_access);
}

/* ---- copies ---- */

static int copy_status(struct domain *d, struct gnttab_copy op)
{
    assert_int_equal(grant_op(d, GNTTABOP_copy, &op, 1), 0);
    return op.status;
}

static void copies(void **state)
{
    mfn_t mine = own_frame(user);
    uint8_t *from = mfn_to_va(mine), *to = mfn_to_va(page);
    struct gnttab_copy op = {.source = {.u.gmfn = mine.v, .domid = DOMID_SELF, .offset = 10},
                             .dest = {.u.ref = ref, .domid = 1, .offset = 4000},
                             .len = 96,
                             .flags = GNTCOPY_dest_gref};
    struct gnttab_copy back = {.source = {.u.ref = ref, .domid = 1},
                               .dest = {.u.gmfn = mine.v, .domid = DOMID_SELF},
                               .len = 4096,
                               .flags = GNTCOPY_source_gref};

    (void)state;
    memset(from, 0xab, PAGE_SIZE);
    assert_int_equal(copy_status(user, op), GNTST_okay);
    assert_int_equal(to[3999], 0);
    assert_int_equal(to[4000], 0xab);
    assert_int_equal(to[4095], 0xab);
    assert_int_equal(copy_status(user, back), GNTST_okay);
    assert_int_equal(from[0], 0);
    assert_int_equal(from[4095], 0xab);
    op.len = 97; /* over the page's end */
    assert_int_equal(copy_status(user, op), GNTST_bad_copy_arg);
    op.len = 0xffff;
    assert_int_equal(copy_status(user, op), GNTST_bad_copy_arg);
    op.dest.offset = 0xffff;
    op.len = 0;
    assert_int_equal(copy_status(user, op), GNTST_bad_copy_arg);
    op.dest.offset = 4096;
    assert_int_equal(copy_status(user, op), GNTST_okay); /* nothing, at the end */
    assert_int_equal(refs_of(page), 1);
    assert_int_equal(uses_of(page), 0);
    assert_int_equal(refs_of(mine), 1);
    assert_int_equal(entry(owner, ref)->flags, GTF_permit_access);
}

static void bad_copies(void **state)
{
    mfn_t mine = own_frame(user);
    struct gnttab_copy op = {.source = {.u.ref = ref, .domid = 1},
                             .dest = {.u.gmfn = mine.v, .domid = DOMID_SELF},
                             .len = 8,
                             .flags = GNTCOPY_source_gref};

    (void)state;
    op.source.domid = 55;
    assert_int_equal(copy_status(user, op), GNTST_bad_domain);
    op.source = (struct gnttab_copy_ptr){.u.ref = 600, .domid = 1};
    assert_int_equal(copy_status(user, op), GNTST_bad_gntref);
    op.source.u.ref = 4; /* invalid entry */
    assert_int_equal(copy_status(user, op), GNTST_general_error);
    op.source.u.ref = ref;
    op.dest.domid = 1; /* somebody's frame without a grant */
    assert_int_equal(copy_status(user, op), GNTST_permission_denied);
    op.dest.domid = DOMID_SELF;
    op.dest.u.gmfn = page.v;
    assert_int_equal(copy_status(user, op), GNTST_bad_page);
    op.dest.u.gmfn = l1_mfn.v; /* own, but a page table */
    assert_int_equal(copy_status(user, op), GNTST_general_error);
    op.dest.u.gmfn = ~0ul;
    assert_int_equal(copy_status(user, op), GNTST_bad_page);
    grant(owner, 4, 0, page, GTF_readonly);
    op = (struct gnttab_copy){.source = {.u.gmfn = mine.v, .domid = DOMID_SELF},
                              .dest = {.u.ref = 4, .domid = 1},
                              .len = 8,
                              .flags = GNTCOPY_dest_gref};
    assert_int_equal(copy_status(user, op), GNTST_general_error);
    assert_int_equal(refs_of(page), 1);
    assert_int_equal(entry(owner, ref)->flags, GTF_permit_access);
    assert_int_equal(entry(owner, 4)->flags, GTF_permit_access | GTF_readonly);
}

static void copy_between_grants(void **state)
{
    mfn_t second = own_frame(owner), mine = own_frame(user);
    struct gnttab_copy op = {.source = {.u.ref = ref, .domid = 1, .offset = 0},
                             .dest = {.u.ref = 5, .domid = 1, .offset = 100},
                             .len = 16,
                             .flags = GNTCOPY_source_gref | GNTCOPY_dest_gref};

    (void)state;
    grant(owner, 5, 0, second, 0);
    memset(mfn_to_va(page), 0x11, PAGE_SIZE);
    assert_int_equal(copy_status(user, op), GNTST_okay);
    assert_int_equal(((uint8_t *)mfn_to_va(second))[100], 0x11);
    op.dest.u.ref = ref; /* within one page, overlapping */
    op.dest.offset = 8;
    assert_int_equal(copy_status(user, op), GNTST_okay);
    grant(user, 6, 0, mine, 0); /* own grants by DOMID_SELF */
    op.dest = (struct gnttab_copy_ptr){.u.ref = 6, .domid = DOMID_SELF};
    assert_int_equal(copy_status(user, op), GNTST_okay);
    assert_int_equal(*(uint8_t *)mfn_to_va(mine), 0x11);
}

/* ---- the table ---- */

static void table_sizes(void **state)
{
    xen_pfn_t frames[8] = {0};
    struct gnttab_setup_table s = {.dom = DOMID_SELF, .nr_frames = 3};
    struct gnttab_query_size q = {.dom = DOMID_SELF};

    (void)state;
    set_xen_guest_handle(s.frame_list, frames);
    assert_int_equal(grant_op(owner, GNTTABOP_query_size, &q, 1), 0);
    assert_int_equal(q.status, GNTST_okay);
    assert_int_equal(q.nr_frames, 1);
    assert_int_equal(q.max_nr_frames, 4);
    assert_int_equal(grant_op(owner, GNTTABOP_setup_table, &s, 1), 0);
    assert_int_equal(s.status, GNTST_okay);
    assert_true(frames[0] && frames[1] && frames[2] && !frames[3]);
    assert_int_equal(frames[2], grant_table_frame(owner, 2).v);
    s.nr_frames = 5;
    assert_int_equal(grant_op(owner, GNTTABOP_setup_table, &s, 1), 0);
    assert_int_equal(s.status, GNTST_general_error);
    s.nr_frames = ~0u;
    assert_int_equal(grant_op(owner, GNTTABOP_setup_table, &s, 1), 0);
    assert_int_equal(s.status, GNTST_general_error);
    assert_true(mfn_eq(grant_table_frame(owner, 4), MFN_NONE));
    assert_true(mfn_eq(grant_table_frame(owner, ~0u), MFN_NONE));
    s = (struct gnttab_setup_table){.dom = 0, .nr_frames = 1};
    assert_int_equal(grant_op(owner, GNTTABOP_setup_table, &s, 1), 0);
    assert_int_equal(s.status, GNTST_permission_denied);
    s.dom = 55;
    assert_int_equal(grant_op(user, GNTTABOP_setup_table, &s, 1), 0);
    assert_int_equal(s.status, GNTST_bad_domain);
    s.dom = 1;
    s.frame_list.p = (xen_pfn_t *)64;
    assert_int_equal(grant_op(user, GNTTABOP_setup_table, &s, 1), 0);
    assert_int_equal(s.status, GNTST_bad_virt_addr);
    q.dom = 0;
    assert_int_equal(grant_op(owner, GNTTABOP_query_size, &q, 1), 0);
    assert_int_equal(q.status, GNTST_permission_denied);
}

static void versions(void **state)
{
    struct gnttab_set_version s = {1};
    struct gnttab_get_version g = {.dom = 1};
    struct gnttab_transfer t = {.status = 99};
    struct gnttab_get_status_frames f = {.status = 99};

    (void)state;
    assert_int_equal(grant_op(user, GNTTABOP_set_version, &s, 1), 0);
    s.version = 2;
    assert_int_equal(grant_op(user, GNTTABOP_set_version, &s, 1), -ENOSYS);
    s.version = 3;
    assert_int_equal(grant_op(user, GNTTABOP_set_version, &s, 1), -EINVAL);
    assert_int_equal(grant_op(user, GNTTABOP_get_version, &g, 1), 0);
    assert_int_equal(g.version, 1);
    g.dom = 0;
    assert_int_equal(grant_op(owner, GNTTABOP_get_version, &g, 1), -EPERM);
    g.dom = 55;
    assert_int_equal(grant_op(owner, GNTTABOP_get_version, &g, 1), -ESRCH);
    assert_int_equal(grant_op(user, GNTTABOP_transfer, &t, 1), 0);
    assert_int_equal(t.status, GNTST_general_error);
    assert_int_equal(grant_op(user, GNTTABOP_get_status_frames, &f, 1), 0);
    assert_int_equal(f.status, GNTST_general_error);
}

static void swaps(void **state)
{
    struct gnttab_swap_grant_ref op = {.ref_a = ref, .ref_b = 30, .status = 99};
    uint32_t h = map(VA, GNTMAP_host_map);

    (void)state;
    assert_int_equal(grant_op(owner, GNTTABOP_swap_grant_ref, &op, 1), 0);
    assert_int_equal(op.status, GNTST_eagain);
    assert_int_equal(unmap(h, VA, 0), GNTST_okay);
    assert_int_equal(grant_op(owner, GNTTABOP_swap_grant_ref, &op, 1), 0);
    assert_int_equal(op.status, GNTST_okay);
    assert_int_equal(entry(owner, ref)->flags, 0);
    assert_int_equal(entry(owner, 30)->frame, page.v);
    op.ref_b = 512;
    assert_int_equal(grant_op(owner, GNTTABOP_swap_grant_ref, &op, 1), 0);
    assert_int_equal(op.status, GNTST_bad_gntref);
}

/* A page of the table that somebody maps outlives the domain, and holds it. */
static void table_mapped_by_tools(void **state)
{
    mfn_t m = grant_table_frame(owner, 0);
    uint64_t before;

    (void)state;
    pretend_run(user->vcpu[0]);
    assert_int_equal(pt_update(user, owner, slot_of(4), pte_make(m, PTE_P | PTE_RW | PTE_US)), 0);
    end_domain(owner);
    before = page_free_count();
    pretend_run(user->vcpu[0]);
    assert_int_equal(pt_update(user, user, slot_of(4), 0), 0);
    assert_true(page_free_count() > before);
}

/* ---- on several CPUs at once ---- */

static volatile bool stop;
static volatile unsigned mapped_ok;

/* Maps and unmaps by its own slots of the L1. */
static void *mapper(void *arg)
{
    unsigned me = (unsigned)(uint64_t)arg;

    pretend_run_on(me);
    this_cpu()->current = user->vcpu[0]; /* both are the same vCPU: handlers do not mind */
    for (unsigned n = 0; !stop; n++) {
        struct gnttab_map_grant_ref m =
            map_op(slot_of(100 * me + n % 50), GNTMAP_host_map | GNTMAP_contains_pte);
        struct gnttab_unmap_grant_ref u[2];
        struct hcall c;

        if (n % 3 == 0)
            m.flags |= GNTMAP_readonly;
        if (n % 5 == 0)
            m.flags |= GNTMAP_device_map;
        c = pretend_hcall(user->vcpu[0], GNTTABOP_map_grant_ref, (uint64_t)&m, 1, 0, 0);
        do_grant_table_op(&c, NULL);
        if (m.status != GNTST_okay)
            continue;
        mapped_ok++;
        u[0] = u[1] = (struct gnttab_unmap_grant_ref){
            .host_addr = m.host_addr, .dev_bus_addr = m.dev_bus_addr, .handle = m.handle};
        c = pretend_hcall(user->vcpu[0], GNTTABOP_unmap_grant_ref, (uint64_t)u, 2, 0, 0);
        do_grant_table_op(&c, NULL);
        if (u[0].status != GNTST_okay)
            panic("an unmap failed with %d", u[0].status);
    }
    return NULL;
}

static void *copier(void *arg)
{
    (void)arg;
    pretend_run_on(3);
    while (!stop) {
        struct gnttab_copy op = {.source = {.u.ref = ref, .domid = 1},
                                 .dest = {.u.ref = ref, .domid = 1, .offset = 64},
                                 .len = 64,
                                 .flags = GNTCOPY_source_gref | GNTCOPY_dest_gref};
        struct hcall c = pretend_hcall(user->vcpu[0], GNTTABOP_copy, (uint64_t)&op, 1, 0, 0);
        do_grant_table_op(&c, NULL);
    }
    return NULL;
}

/* The owner ends and renews access whenever nobody uses the entry, as Linux does. */
static void map_races_end_of_access(void **state)
{
    struct grant_entry_v1 *e = entry(owner, ref);
    pthread_t t[3];
    unsigned ended = 0;

    (void)state;
    stop = false;
    pthread_create(&t[0], NULL, mapper, (void *)1ul);
    pthread_create(&t[1], NULL, mapper, (void *)2ul);
    pthread_create(&t[2], NULL, copier, NULL);
    while (mapped_ok < 20000 || !ended) {
        uint16_t flags = GTF_permit_access;
        if (__atomic_compare_exchange_n(&e->flags, &flags, 0, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST)) {
            if (frame_type_now(frame_of(page)) != FRAME_NONE)
                panic("the entry is free, its frame is not");
            ended++;
            __atomic_store_n(&e->flags, GTF_permit_access, __ATOMIC_SEQ_CST);
        }
    }
    stop = true;
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(refs_of(page), 1);
    assert_int_equal(uses_of(page), 0);
    assert_int_equal(e->flags, GTF_permit_access);
    for (int i = 0; i < 512; i++)
        assert_int_equal(l1[i], 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, owner_and_user, end_machine)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(map_by_address),
        T(map_by_entry),
        T(bad_places),
        T(bad_entries),
        T(halves),
        T(many_uses_of_one_entry),
        T(freed_while_mapped),
        T(entry_overwritten),
        T(user_dies),
        T(owner_dies),
        T(both_die),
        T(no_more_handles),
        T(to_oneself),
        T(batch_and_continuation),
        T(bad_arrays),
        T(replaced),
        T(copies),
        T(bad_copies),
        T(copy_between_grants),
        T(table_sizes),
        T(versions),
        T(swaps),
        T(table_mapped_by_tools),
        T(map_races_end_of_access),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
