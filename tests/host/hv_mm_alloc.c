/* SPDX-License-Identifier: MIT
 *
 * The page allocator and small objects: alignment, address limits, merging, exhaustion, and that
 * everything given back is there again.
 */
#include "hv_mm_test.h"
#include <stdlib.h>

static void blocks_are_aligned_and_merge_again(void **state)
{
    uint64_t before = page_free_count();
    mfn_t m[12];

    (void)state;
    for (unsigned order = 0; order < 12; order++) {
        m[order] = page_alloc(order, 0);
        assert_false(mfn_eq(m[order], MFN_NONE));
        assert_int_equal(m[order].v & ((1u << order) - 1), 0);
        for (unsigned o = 0; o < order; o++)
            assert_true(m[o].v + (1u << o) <= m[order].v || m[order].v + (1u << order) <= m[o].v);
    }
    assert_int_equal(page_free_count(), before - 4095);
    for (unsigned order = 0; order < 12; order++)
        page_free(m[order], order);
    assert_int_equal(page_free_count(), before);
    m[0] = page_alloc(11, 0); /* only if they have merged */
    assert_false(mfn_eq(m[0], MFN_NONE));
    page_free(m[0], 11);
}

static void address_limit_is_kept(void **state)
{
    mfn_t got[5000];
    unsigned n = 0;

    (void)state;
    for (unsigned bits = 0; bits <= 20; bits++)
        if (bits)
            assert_true(mfn_eq(page_alloc(0, bits), MFN_NONE)); /* nothing below 1 MiB */
    while (n < 5000 && !mfn_eq(got[n] = page_alloc(0, 24), MFN_NONE)) {
        assert_true(got[n].v < 1 << 12);
        n++;
    }
    assert_int_equal(n, (1 << 12) - (1 << 8)); /* all between 1 MiB and 16 MiB */
    while (n)
        page_free(got[--n], 0);
}

static void high_memory_is_taken_first(void **state)
{
    mfn_t m = page_alloc(0, 0);

    (void)state;
    assert_true(m.v >= 1 << 13);
    page_free(m, 0);
}

static void exhaustion_is_an_answer(void **state)
{
    static mfn_t got[PRETEND_FRAMES];
    unsigned n = 0;

    (void)state;
    while (!mfn_eq(got[n] = page_alloc(0, 0), MFN_NONE))
        n++;
    assert_int_equal(page_free_count(), 0);
    assert_null(hv_page_alloc());
    assert_null(hv_alloc(100000));
    assert_true(mfn_eq(domain_page_alloc(guest, 0, 0), MFN_NONE));
    assert_null(frame_share_alloc(guest));
    while (n)
        page_free(got[--n], 0);
    assert_true(mfn_eq(page_alloc(19, 0), MFN_NONE));
    assert_true(mfn_eq(page_alloc(64, 0), MFN_NONE));
}

static void objects_are_zeroed_aligned_and_apart(void **state)
{
    static const size_t sizes[] = {1, 16, 33, 200, 496, 497, 1000, 2000, 2001, 4096, 4097, 30000};
    unsigned char *p[12][40];

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (unsigned s = 0; s < 12; s++)
            for (unsigned i = 0; i < 40; i++) {
                p[s][i] = hv_alloc(sizes[s]);
                assert_non_null(p[s][i]);
                assert_int_equal((uint64_t)p[s][i] & 15, 0);
                for (size_t b = 0; b < sizes[s]; b++)
                    assert_int_equal(p[s][i][b], 0);
                memset(p[s][i], (int)(s * 40 + i), sizes[s]);
            }
        for (unsigned s = 0; s < 12; s++)
            for (unsigned i = 0; i < 40; i++) {
                assert_int_equal(p[s][i][0], (unsigned char)(s * 40 + i));
                assert_int_equal(p[s][i][sizes[s] - 1], (unsigned char)(s * 40 + i));
            }
        for (unsigned s = 12; s-- > 0;)
            for (unsigned i = 0; i < 40; i++)
                hv_free(p[s][(i * 7) % 40]);
    }
    hv_free(NULL);
}

static void random_order_ends_whole(void **state)
{
    static struct {
        mfn_t m;
        unsigned order;
    } held[300];
    unsigned n = 0;
    uint64_t before = page_free_count();

    (void)state;
    srandom(1);
    for (int i = 0; i < 30000; i++) {
        if (n < 300 && random() % 2) {
            held[n].order = (unsigned)random() % 7;
            held[n].m = page_alloc(held[n].order, random() % 3 ? 0 : 25);
            if (!mfn_eq(held[n].m, MFN_NONE))
                n++;
        } else if (n) {
            unsigned k = (unsigned)random() % n;

            page_free(held[k].m, held[k].order);
            held[k] = held[--n];
        }
    }
    while (n--)
        page_free(held[n].m, held[n].order);
    assert_int_equal(page_free_count(), before);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        T(blocks_are_aligned_and_merge_again),   T(address_limit_is_kept),
        T(high_memory_is_taken_first),           T(exhaustion_is_an_answer),
        T(objects_are_zeroed_aligned_and_apart), T(random_order_ends_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
