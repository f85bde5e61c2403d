/* SPDX-License-Identifier: MIT
 *
 * References, types and owners of frames: who gets one, what excludes what, what is flushed when,
 * what lingers, and that teardown finds everything.
 */
#include "hv_mm_test.h"
#include "mm/tlb.h"
#include <stdlib.h>

static void references_keep_a_frame(void **state)
{
    mfn_t m = page_of(guest);
    struct frame *f = frame_of(m);

    (void)state;
    assert_int_equal(guest->tot_pages, 1);
    assert_int_equal(refs(m), 1);
    assert_false(frame_get(f, zero));
    assert_true(frame_get(f, guest));
    assert_int_equal(domain_page_release(guest, f), 0);
    assert_int_equal(guest->tot_pages, 0);
    assert_int_equal(domain_page_release(guest, f), -EBUSY); /* twice */
    assert_false(frame_get(f, guest));                       /* nobody gets a new one */
    assert_ptr_equal(frame_owner(f), guest);
    frame_put(f);
    assert_null(frame_owner(f));
    assert_int_equal(guest->refs, 1);
}

static void frames_come_zeroed_and_without_pfn(void **state)
{
    mfn_t m = page_of(guest);

    (void)state;
    entries(m)[5] = 77;
    *m2p_entry(m) = 3;
    assert_true(frame_get(frame_of(m), guest));
    assert_int_equal(domain_page_release(guest, frame_of(m)), 0);
    frame_put(frame_of(m));
    assert_int_equal(*m2p_entry(m), M2P_INVALID);
    for (int i = 0; i < 8000; i++) {
        mfn_t n = page_of(guest);

        assert_int_equal(*m2p_entry(n), M2P_INVALID);
        if (!mfn_eq(n, m))
            continue;
        assert_int_equal(entries(m)[5], 0);
        return;
    }
    fail_msg("the frame never came back");
}

static void the_limit_holds(void **state)
{
    (void)state;
    guest->max_pages = 10;
    for (int i = 0; i < 10; i++)
        page_of(guest);
    assert_true(mfn_eq(domain_page_alloc(guest, 0, 0), MFN_NONE));
    guest->max_pages = 5; /* below what it has */
    assert_true(mfn_eq(domain_page_alloc(guest, 0, 0), MFN_NONE));
    guest->max_pages = ~0u;
    assert_true(mfn_eq(domain_page_alloc(guest, 32, 0), MFN_NONE));
    assert_true(mfn_eq(domain_page_alloc(guest, 63, 0), MFN_NONE));
    guest->dying = DOM_DYING;
    assert_true(mfn_eq(domain_page_alloc(guest, 0, 0), MFN_NONE));
    guest->dying = DOM_ALIVE;
}

static void types_exclude_each_other(void **state)
{
    static const enum frame_type all[] = {FRAME_L1, FRAME_L2,       FRAME_L3,
                                          FRAME_L4, FRAME_SEG_DESC, FRAME_WRITABLE};
    struct frame *f = frame_of(page_of(guest));

    (void)state;
    for (unsigned a = 0; a < 6; a++) {
        assert_int_equal(frame_get_type(f, all[a]), 0);
        for (unsigned b = 0; b < 6; b++) {
            assert_int_equal(frame_get_type(f, all[b]), a == b ? 0 : -EINVAL);
            if (a == b)
                frame_put_type(f);
        }
        assert_int_equal(frame_type_now(f), all[a]);
        frame_put_type(f);
        assert_int_equal(frame_type_now(f), FRAME_NONE);
    }
}

static void bad_descriptors_are_refused(void **state)
{
    mfn_t m = page_of(guest);

    (void)state;
    entries(m)[0] = ~0ull; /* the pretend machine's bad descriptor */
    assert_int_equal(frame_get_type(frame_of(m), FRAME_SEG_DESC), -EINVAL);
    assert_int_equal(frame_type_now(frame_of(m)), FRAME_NONE);
    assert_int_equal(frame_get_type(frame_of(m), FRAME_WRITABLE), 0);
    frame_put_type(frame_of(m));
}

static void counts_refuse_to_overflow(void **state)
{
    mfn_t m = page_of(guest);
    struct frame *f = frame_of(m);
    uint64_t count = f->count, type;

    (void)state;
    f->count |= FRAME_REFS;
    assert_false(frame_get(f, guest));
    f->count = count;
    assert_int_equal(frame_get_type(f, FRAME_WRITABLE), 0);
    type = f->type;
    f->type |= TYPE_USES;
    assert_int_equal(frame_get_type(f, FRAME_WRITABLE), -EBUSY);
    f->type = type;
    frame_put_type(f);
}

static void a_new_type_flushes_once(void **state)
{
    struct frame *f = frame_of(page_of(guest));
    unsigned long flushes;

    (void)state;
    frame_get_type(f, FRAME_WRITABLE);
    frame_put_type(f);
    flushes = pretend.cr3_writes;
    frame_get_type(f, FRAME_WRITABLE); /* the same again: none */
    frame_put_type(f);
    assert_int_equal(pretend.cr3_writes, flushes);
    assert_int_equal(frame_get_type(f, FRAME_L1), 0);
    assert_int_equal(pretend.cr3_writes, flushes + 1);
    frame_put_type(f);
    tlb_flush_local();
    assert_int_equal(frame_get_type(f, FRAME_WRITABLE), 0); /* flushed since */
    assert_int_equal(pretend.cr3_writes, flushes + 2);
    frame_put_type(f);
}

static void other_cpus_flush_when_they_may_hold_it(void **state)
{
    struct frame *f = frame_of(page_of(guest));
    unsigned long ipis;

    (void)state;
    pretend_run_on(1); /* CPU 1 is up, runs nobody of the guest */
    pretend_run_on(0);
    frame_get_type(f, FRAME_WRITABLE);
    frame_put_type(f);
    ipis = pretend.ipis;
    assert_int_equal(frame_get_type(f, FRAME_L1), 0);
    assert_int_equal(pretend.ipis, ipis);
    frame_put_type(f);
    pretend_run_on(1);
    guest->dirty_cpus[0] |= 1ull << this_cpu()->id;
    pretend_run_on(0);
    assert_int_equal(frame_get_type(f, FRAME_WRITABLE), 0);
    assert_int_equal(pretend.ipis, ipis + 1);
    frame_put_type(f);
    pretend_run_on(1);
    tlb_flush_local();
    guest->dirty_cpus[0] &= ~2ull;
    pretend_run_on(0);
}

static void shared_pages_are_not_the_guests_to_free(void **state)
{
    void *va = frame_share_alloc(guest);
    struct frame *f = frame_of(va_to_mfn(va));

    (void)state;
    assert_int_equal(guest->tot_pages, 0);
    assert_true(frame_get(f, guest));
    assert_int_equal(domain_page_release(guest, f), -EPERM);
    assert_int_equal(domain_page_claim(guest, f), -EBUSY);
    assert_int_equal(frame_get_type(f, FRAME_L1), -EINVAL);
    assert_int_equal(frame_get_type(f, FRAME_WRITABLE), 0);
    frame_unshare(va); /* a mapping still exists */
    assert_ptr_equal(frame_owner(f), guest);
    assert_false(frame_get(f, guest));
    frame_put_and_type(f);
    assert_null(frame_owner(f));
}

static void lingering_frames_hold_the_domain(void **state)
{
    mfn_t m = page_of(guest);
    struct frame *f = frame_of(m);
    struct domain *gone = guest;

    (void)state;
    domain_hold(gone);
    assert_int_equal(frame_get_and_type(f, guest, FRAME_WRITABLE), 0); /* dom0's mapping, say */
    entries(m)[0] = 0x1234;
    pretend_domain_destroy(guest);
    guest = NULL;
    assert_int_equal(gone->refs, 2); /* ours and the frame's */
    assert_int_equal(entries(m)[0], 0x1234);
    frame_put_and_type(f);
    assert_int_equal(gone->refs, 1);
    domain_put(gone);
}

static void m2p_is_domain_xens(void **state)
{
    struct frame *f = frame_of(m2p_chunk_mfn(0));

    (void)state;
    assert_ptr_equal(frame_owner(f), &domain_xen);
    assert_false(frame_get(f, guest));
    assert_false(frame_get(f, zero));
    assert_true(frame_get(f, &domain_xen));
    frame_put(f);
}

static void io_memory_has_no_frames(void **state)
{
    (void)state;
    assert_null(frame_of(mfn(0)));
    assert_null(frame_of(mfn(0xff)));
    assert_non_null(frame_of(mfn(0x100)));
    assert_null(frame_of(mfn(PRETEND_HOLE_START)));
    assert_null(frame_of(mfn(PRETEND_FRAMES)));
    assert_null(frame_of(mfn(0xfee00)));
    assert_null(frame_of(mfn((1ull << 40) - 1)));
    assert_null(frame_of(MFN_NONE));
}

static void claims_are_exclusive(void **state)
{
    mfn_t m = page_of(guest);
    struct frame *f = frame_of(m);

    (void)state;
    assert_true(frame_get(f, guest));
    assert_int_equal(domain_page_claim(guest, f), -EBUSY);
    frame_put(f);
    assert_int_equal(domain_page_claim(zero, f), -EPERM);
    assert_int_equal(domain_page_claim(guest, f), 0);
    assert_int_equal(domain_page_claim(guest, f), -EBUSY);
    assert_false(frame_get(f, guest));
    domain_page_unclaim(guest, f);
    assert_int_equal(domain_page_claim(guest, f), 0);
    domain_page_free_claimed(guest, f);
    assert_int_equal(guest->tot_pages, 0);
}

static void teardown_is_resumable(void **state)
{
    int restarts = 0, rc;

    (void)state;
    for (int i = 0; i < 8000; i++)
        page_of(guest);
    guest->dying = DOM_DYING;
    while ((rc = domain_pages_release_all(guest)) == -ERESTART)
        restarts++;
    assert_int_equal(rc, 0);
    assert_true(restarts >= 1);
    assert_int_equal(guest->tot_pages, 0);
}

static void tools_see_types(void **state)
{
    mfn_t m = page_of(guest), w = page_of(guest);

    (void)state;
    assert_int_equal(mmuext(gv, MMUEXT_PIN_L3_TABLE, m.v, 0), 0);
    assert_int_equal(frame_tool_type(guest, m), 0xb0000000u);
    assert_int_equal(frame_tool_type(guest, w), 0);
    assert_int_equal(frame_tool_type(zero, m), 0xf0000000u);
    assert_int_equal(frame_tool_type(guest, mfn(PRETEND_FRAMES)), 0xf0000000u);
    assert_int_equal(mmuext(gv, MMUEXT_UNPIN_TABLE, m.v, 0), 0);
    assert_int_equal(frame_tool_type(guest, m), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        T(references_keep_a_frame),
        T(frames_come_zeroed_and_without_pfn),
        T(the_limit_holds),
        T(types_exclude_each_other),
        T(bad_descriptors_are_refused),
        T(counts_refuse_to_overflow),
        T(a_new_type_flushes_once),
        T(other_cpus_flush_when_they_may_hold_it),
        T(shared_pages_are_not_the_guests_to_free),
        T(lingering_frames_hold_the_domain),
        T(m2p_is_domain_xens),
        T(io_memory_has_no_frames),
        T(claims_are_exclusive),
        T(teardown_is_resumable),
        T(tools_see_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
