/* SPDX-License-Identifier: MIT
 *
 * memory_op: counts instead of errors, limits, continuations, and an exchange that fails half-way
 * and leaves everything as it was. Also the guest copies.
 */
#include "hv_mm_test.h"
#include "mm/guest_copy.h"
#include "mm/memory.h"
#include "comms/grant.h"
#include <xen/memory.h>

#define N 64
static uint64_t list[4096], list2[4096];

/* Restarts until through; counts how often. */
static unsigned restarts;
static long op(struct vcpu *v, unsigned cmd, long (*fn)(struct hcall *, void *), void *arg)
{
    struct hcall c = pretend_hcall(v, cmd, (uint64_t)arg, 0, 0, 0);
    long rc;

    restarts = 0;
    while ((rc = fn(&c, arg)) == -ERESTART)
        restarts++;
    return rc;
}

static struct xen_memory_reservation reserve(uint64_t *frames, unsigned long n, unsigned order,
                                             domid_t id)
{
    struct xen_memory_reservation r = {
        .nr_extents = n, .extent_order = order, .domid = id, .extent_start = {frames}};

    return r;
}

#define POPULATE(v, r) op(v, XENMEM_populate_physmap, xenmem_populate_physmap, r)
#define DECREASE(v, r) op(v, XENMEM_decrease_reservation, xenmem_decrease_reservation, r)
#define INCREASE(v, r) op(v, XENMEM_increase_reservation, xenmem_increase_reservation, r)

static void populate_gives_frames_with_their_pfn(void **state)
{
    struct xen_memory_reservation r = reserve(list, N, 0, DOMID_SELF);

    (void)state;
    for (unsigned i = 0; i < N; i++)
        list[i] = 1000 + i;
    assert_int_equal(POPULATE(gv, &r), N);
    assert_int_equal(guest->tot_pages, N);
    for (unsigned i = 0; i < N; i++) {
        assert_ptr_equal(frame_owner(frame_of(mfn(list[i]))), guest);
        assert_int_equal(*m2p_entry(mfn(list[i])), 1000 + i);
    }
    assert_int_equal(DECREASE(gv, &r), N);
    assert_int_equal(guest->tot_pages, 0);
    assert_int_equal(DECREASE(gv, &r), 0); /* they are gone */
    assert_int_equal(*m2p_entry(mfn(list[0])), M2P_INVALID);
}

static void superpages_are_contiguous(void **state)
{
    struct xen_memory_reservation r = reserve(list, 4, 9, 1);

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        list[i] = i << 9;
    assert_int_equal(POPULATE(zero->vcpu[0], &r), 4);
    assert_int_equal(guest->tot_pages, 4 << 9);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(list[i] & 511, 0);
        assert_int_equal(*m2p_entry(mfn(list[i] + 511)), (i << 9) + 511);
    }
    r.extent_order = 10;
    assert_int_equal(POPULATE(gv, &r), 0); /* too large for a guest */
    r.extent_order = 63;
    assert_int_equal(POPULATE(zero->vcpu[0], &r), 0);
    assert_int_equal(guest->refs, 1);
}

static void limits_and_faults_give_counts(void **state)
{
    struct xen_memory_reservation r = reserve(list, N, 0, DOMID_SELF);

    (void)state;
    memset(list, 0, sizeof(list));
    guest->max_pages = 10;
    assert_int_equal(POPULATE(gv, &r), 10);
    guest->max_pages = 8000;
    r = reserve(list2, N, 0, DOMID_SELF);
    pretend_guest_unmapped(&list2[20], sizeof(list2[0]));
    assert_int_equal(POPULATE(gv, &r), 20);
    pretend_guest_unmapped(NULL, 0);
    assert_int_equal(guest->tot_pages, 30);
    r = reserve((void *)HV_VIRT_START, N, 0, DOMID_SELF);
    assert_int_equal(POPULATE(gv, &r), 0);
    r = reserve(NULL, 5, 0, DOMID_SELF); /* increase may do without a list */
    assert_int_equal(INCREASE(gv, &r), 5);
    assert_int_equal(guest->tot_pages, 35);
    r = reserve(list, ~0ul, 0, DOMID_SELF);
    assert_int_equal(DECREASE(gv, &r), 0);
    r = reserve(list, N, 0, 0);
    assert_int_equal(POPULATE(gv, &r), 0); /* not its own */
    r.domid = 55;
    assert_int_equal(POPULATE(zero->vcpu[0], &r), 0);
}

static void reservations_are_continued(void **state)
{
    struct xen_memory_reservation r = reserve(list, 300, 0, DOMID_SELF);
    struct hcall c = pretend_hcall(gv, XENMEM_populate_physmap | 7 << 6, 0, 0, 0, 0);

    (void)state;
    memset(list, 0, sizeof(list));
    pretend_no_budget = true;
    assert_int_equal(POPULATE(gv, &r), 300);
    assert_int_equal(restarts, 299);
    assert_int_equal(DECREASE(gv, &r), 300);
    pretend_no_budget = false;
    assert_int_equal(xenmem_populate_physmap(&c, &r), 300); /* a forged start skips its own */
    assert_int_equal(guest->tot_pages, 293);
    c.a[0] = ~0ull;
    assert_int_equal(xenmem_populate_physmap(&c, &r), ~0ull >> 6);
    assert_int_equal(guest->tot_pages, 293);
}

static void what_is_in_use_is_not_given_up(void **state)
{
    struct xen_memory_reservation r = reserve(list, 4, 0, DOMID_SELF);
    mfn_t pinned = page_of(guest);

    (void)state;
    list[0] = page_of(guest).v;
    list[1] = pinned.v;
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L2_TABLE, pinned.v, 0), 0);
    assert_int_equal(DECREASE(gv, &r), 1);
    list[0] = guest->shared_mfn.v;
    assert_int_equal(DECREASE(gv, &r), 0);
    list[0] = page_of(zero).v;
    assert_int_equal(DECREASE(gv, &r), 0);
    list[0] = PRETEND_HOLE_START;
    assert_int_equal(DECREASE(gv, &r), 0);
    list[0] = ~0ull;
    assert_int_equal(DECREASE(gv, &r), 0);
    list[0] = m2p_chunk_mfn(0).v;
    assert_int_equal(DECREASE(gv, &r), 0);
}

static struct xen_memory_exchange exchange(unsigned long in, unsigned in_order, unsigned long out,
                                           unsigned out_order, unsigned bits)
{
    struct xen_memory_exchange x = {.in = reserve(list, in, in_order, DOMID_SELF),
                                    .out = reserve(list2, out, out_order, DOMID_SELF)};

    x.out.mem_flags = XENMEMF_address_bits(bits);
    return x;
}
#define EXCHANGE(v, x) op(v, XENMEM_exchange, xenmem_exchange, x)

static void exchange_makes_contiguous_memory(void **state)
{
    struct vcpu *zv = zero->vcpu[0];
    struct xen_memory_exchange x = exchange(256, 0, 4, 6, 25);

    (void)state;
    pretend_run(zv);
    for (unsigned i = 0; i < 256; i++)
        list[i] = page_of(zero).v;
    for (unsigned i = 0; i < 4; i++)
        list2[i] = 5000 + i * 64;
    pretend_no_budget = true;
    assert_int_equal(EXCHANGE(zv, &x), 0);
    assert_int_equal(restarts, 3);
    assert_int_equal(x.nr_exchanged, 256);
    assert_int_equal(zero->tot_pages, 256);
    for (unsigned i = 0; i < 4; i++)
        for (unsigned j = 0; j < 64; j++) {
            assert_true(list2[i] + j < 1 << 13);
            assert_ptr_equal(frame_owner(frame_of(mfn(list2[i] + j))), zero);
            assert_int_equal(*m2p_entry(mfn(list2[i] + j)), 5000 + i * 64 + j);
        }
    for (unsigned i = 0; i < 256; i++)
        assert_null(frame_owner(frame_of(mfn(list[i]))));
    /* and back */
    memcpy(list, list2, sizeof(list));
    x = exchange(4, 6, 256, 0, 0);
    for (unsigned i = 0; i < 256; i++)
        list2[i] = i;
    assert_int_equal(EXCHANGE(zv, &x), 0);
    assert_int_equal(x.nr_exchanged, 4);
    assert_int_equal(*m2p_entry(mfn(list2[255])), 255);
}

static void a_failed_exchange_changes_nothing(void **state)
{
    struct xen_memory_exchange x;
    uint64_t foreign = page_of(zero).v, free_now;
    mfn_t l1 = page_of(guest);

    (void)state;
    for (unsigned i = 0; i < 16; i++)
        list[i] = page_of(guest).v;
    memset(list2, 0, sizeof(list2));
    free_now = page_free_count();
    for (unsigned kind = 0; kind < 7; kind++) {
        uint64_t kept = list[15];

        x = exchange(16, 0, 1, 4, kind == 6 ? 12 : 0);
        switch (kind) {
        case 0: /* mapped */
            entries(l1)[0] = pte_make(mfn(list[15]), RO);
            assert_int_equal(mmuext(gv, MMUEXT_PIN_L1_TABLE, l1.v, 0), 0);
            break;
        case 1:
            list[15] = foreign;
            break;
        case 2:
            list[15] = PRETEND_HOLE_START;
            break;
        case 3: /* named twice */
            list[15] = list[14];
            break;
        case 4:
            pretend_guest_unmapped(&list[15], 8);
            break;
        case 5:
            pretend_guest_unmapped(&list2[0], 8);
            break;
        }
        assert_int_equal(EXCHANGE(gv, &x), kind == 6 ? -ENOMEM : kind >= 4 ? -EFAULT : -EINVAL);
        assert_int_equal(x.nr_exchanged, 0);
        assert_int_equal(page_free_count(), free_now);
        pretend_guest_unmapped(NULL, 0);
        list[15] = kept;
        if (kind == 0)
            assert_int_equal(mmuext(gv, MMUEXT_UNPIN_TABLE, l1.v, 0), 0);
        for (unsigned i = 0; i < 16; i++)
            assert_int_equal(refs(mfn(list[i])), 1);
    }
    x = exchange(16, 0, 1, 4, 0);
    assert_int_equal(EXCHANGE(gv, &x), 0);
}

static void exchange_checks_its_sizes(void **state)
{
    struct xen_memory_exchange x = exchange(16, 0, 1, 5, 0);

    (void)state;
    assert_int_equal(EXCHANGE(gv, &x), -EINVAL);
    x = exchange(1024, 0, 1, 10, 0);
    assert_int_equal(EXCHANGE(gv, &x), -EPERM);
    x = exchange(16, 0, 1, 64 + 4, 0);
    assert_int_equal(EXCHANGE(gv, &x), -EPERM);
    x = exchange(1ul << 62, 0, 1ul << 58, 4, 0);
    assert_int_equal(EXCHANGE(gv, &x), -EINVAL);
    x = exchange(16, 0, 1, 4, 0);
    x.nr_exchanged = 17;
    assert_int_equal(EXCHANGE(gv, &x), -EINVAL);
    x.nr_exchanged = 3;
    assert_int_equal(EXCHANGE(gv, &x), -EINVAL);
    x.nr_exchanged = 16; /* all done: nothing to do */
    assert_int_equal(EXCHANGE(gv, &x), 0);
    x = exchange(16, 0, 1, 4, 0);
    x.in.domid = 0;
    assert_int_equal(EXCHANGE(gv, &x), -EINVAL);
    x.out.domid = 0;
    assert_int_equal(EXCHANGE(gv, &x), -EPERM);
}

static void figures_of_domains(void **state)
{
    domid_t self = DOMID_SELF, other = 0, none = 99;

    (void)state;
    page_of(guest);
    guest->shared->arch.max_pfn = 4711;
    assert_int_equal(op(gv, 3, xenmem_current_reservation, &self), 1);
    assert_int_equal(op(gv, 4, xenmem_maximum_reservation, &self), 8000);
    assert_int_equal(op(gv, 14, xenmem_maximum_gpfn, &self), 4710);
    guest->shared->arch.max_pfn = 0;
    assert_int_equal(op(gv, 14, xenmem_maximum_gpfn, &self), 0);
    assert_int_equal(op(gv, 3, xenmem_current_reservation, &other), -EPERM);
    assert_int_equal(op(zero->vcpu[0], 3, xenmem_current_reservation, &none), -ESRCH);
    assert_int_equal(op(gv, 2, xenmem_maximum_ram_page, NULL), PRETEND_FRAMES);
}

static void maps_of_memory(void **state)
{
    struct e820_entry e[130] = {{0, 4096, 1}, {0x100000, 0x1000000, 1}}, got[130];
    struct xen_foreign_memory_map set = {.domid = 1, .map = {.nr_entries = 2, .buffer = {e}}};
    struct xen_memory_map m = {.nr_entries = 130, .buffer = {got}};
    struct xen_machphys_mapping p;
    struct xen_machphys_mfn_list l = {.max_extents = 8, .extent_start = {list}};

    (void)state;
    assert_int_equal(op(gv, 9, xenmem_memory_map, &m), -ENOSYS);
    assert_int_equal(op(zero->vcpu[0], 13, xenmem_set_memory_map, &set), 0);
    assert_int_equal(op(zero->vcpu[0], 13, xenmem_set_memory_map, &set), 0); /* again */
    assert_int_equal(op(gv, 9, xenmem_memory_map, &m), 0);
    assert_int_equal(m.nr_entries, 2);
    assert_memory_equal(got, e, 40);
    m.nr_entries = 1;
    assert_int_equal(op(gv, 9, xenmem_memory_map, &m), -EINVAL);
    set.map.nr_entries = 129;
    assert_int_equal(op(zero->vcpu[0], 13, xenmem_set_memory_map, &set), -EINVAL);
    set.map.nr_entries = 1;
    set.domid = 0;
    assert_int_equal(op(gv, 13, xenmem_set_memory_map, &set), -EPERM);
    hv_free(guest->e820);
    guest->e820 = NULL;

    m.nr_entries = 130;
    assert_int_equal(op(zero->vcpu[0], 10, xenmem_machine_memory_map, &m), 0);
    assert_int_equal(m.nr_entries, 3);
    for (unsigned i = 1; i < 3; i++)
        assert_true(got[i].addr >= got[i - 1].addr + got[i - 1].size);
    m.nr_entries = 2;
    assert_int_equal(op(zero->vcpu[0], 10, xenmem_machine_memory_map, &m), -EINVAL);

    assert_int_equal(op(gv, 12, xenmem_machphys_mapping, &p), 0);
    assert_int_equal(p.v_start, 0xffff800000000000);
    assert_int_equal(p.v_end, 0xffff804000000000);
    assert_int_equal(op(zero->vcpu[0], 5, xenmem_machphys_mfn_list, &l), 0);
    assert_int_equal(l.nr_extents, 1);
    assert_int_equal(list[0], m2p_chunk_mfn(0).v);
}

/* Two frames of the guest's grant table, for acquire_resource. */
mfn_t grant_table_frame(struct domain *d, uint32_t n)
{
    return d == guest && n < 2 ? mfn(100 + n) : MFN_NONE;
}

static void resources_are_for_tools(void **state)
{
    struct xen_mem_acquire_resource r = {.domid = 1, .type = XENMEM_resource_grant_table};
    struct xen_memory_reservation claim = reserve(NULL, 100, 0, 1);

    (void)state;
    assert_int_equal(op(zero->vcpu[0], 28, xenmem_acquire_resource, &r), 0);
    assert_int_equal(r.nr_frames, guest->max_grant_frames);
    r.frame_list.p = list;
    r.nr_frames = 2;
    assert_int_equal(op(zero->vcpu[0], 28, xenmem_acquire_resource, &r), 0);
    assert_int_equal(list[1], 101);
    r.nr_frames = 3;
    assert_int_equal(op(zero->vcpu[0], 28, xenmem_acquire_resource, &r), -EINVAL);
    r.frame = ~0ull;
    assert_int_equal(op(zero->vcpu[0], 28, xenmem_acquire_resource, &r), -EINVAL);
    r.type = XENMEM_resource_ioreq_server;
    assert_int_equal(op(zero->vcpu[0], 28, xenmem_acquire_resource, &r), -EOPNOTSUPP);
    r.domid = 66;
    assert_int_equal(op(zero->vcpu[0], 28, xenmem_acquire_resource, &r), -ESRCH);
    assert_int_equal(op(zero->vcpu[0], 24, xenmem_claim_pages, &claim), 0);
    claim.nr_extents = 1ul << 40;
    assert_int_equal(op(zero->vcpu[0], 24, xenmem_claim_pages, &claim), -EINVAL);
    guest->max_pages = UINT32_MAX;
    claim.nr_extents = UINT32_MAX;
    assert_int_equal(op(zero->vcpu[0], 24, xenmem_claim_pages, &claim), -ENOMEM);
    assert_int_equal(guest->refs, 1);
}

static void guest_ranges(void **state)
{
    char s[10] = "abcdefghi", d[10];

    (void)state;
    assert_true(guest_range_ok(guest_va(0), 1ul << 47));
    assert_false(guest_range_ok(guest_va(0), (1ul << 47) + 1));
    assert_false(guest_range_ok(guest_va(1ul << 47), 0));
    assert_false(guest_range_ok(guest_va((1ul << 47) - 1), 2));
    assert_false(guest_range_ok(guest_va(HV_VIRT_START), 1));
    assert_false(guest_range_ok(guest_va(HV_VIRT_END - 1), 1));
    assert_true(guest_range_ok(guest_va(HV_VIRT_END), 1ul << 40));
    assert_true(guest_range_ok(guest_va(-8ul), 8));
    assert_false(guest_range_ok(guest_va(-8ul), 9));
    assert_false(guest_range_ok(guest_va(8), ~0ul));
    assert_false(guest_range_ok(guest_va_at(guest_va(8), ~0ull / 8, 16), 1));
    assert_false(guest_range_ok(guest_va_at(guest_va(-16ul), 2, 8), 1));
    assert_false(guest_range_ok(guest_va_at(guest_va(8), 0xffff900000000000, 1), 1));
    assert_int_equal(guest_va_at(guest_va(1000), 3, 24).v, 1072);
    assert_int_equal(copy_from_guest(d, guest_va((uint64_t)s), 10), 0);
    assert_string_equal(d, "abcdefghi");
    pretend_guest_unmapped(s + 9, 1);
    assert_int_equal(copy_from_guest(d, guest_va((uint64_t)s), 10), -EFAULT);
    assert_int_equal(copy_to_guest(guest_va((uint64_t)s), d, 10), -EFAULT);
    assert_int_equal(clear_guest(guest_va((uint64_t)s), 10), -EFAULT);
    pretend_guest_unmapped(NULL, 0);
    assert_int_equal(clear_guest(guest_va((uint64_t)s), 10), 0);
    assert_int_equal(s[8], 0);
    assert_int_equal(copy_from_guest(d, guest_va(8), 4), -EFAULT);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        T(populate_gives_frames_with_their_pfn),
        T(superpages_are_contiguous),
        T(limits_and_faults_give_counts),
        T(reservations_are_continued),
        T(what_is_in_use_is_not_given_up),
        T(exchange_makes_contiguous_memory),
        T(a_failed_exchange_changes_nothing),
        T(exchange_checks_its_sizes),
        T(figures_of_domains),
        T(maps_of_memory),
        T(resources_are_for_tools),
        T(guest_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
