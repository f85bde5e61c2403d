/* SPDX-License-Identifier: MIT */
/*
 * The ring macros of xen/io/ring.h on a real ring (blkif, one page): filling and emptying it across
 * the wrap of the 32-bit indices, notifications exactly when the peer's event index is passed, the
 * second look before sleeping, and a peer that lies about its producer index.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include <xen/io/blkif.h>

#define PAGE 4096

static union {
    blkif_sring_t sring;
    char bytes[PAGE];
} page;
static blkif_front_ring_t front;
static blkif_back_ring_t back;

/* A ring whose indices are about to wrap. */
static int fresh(void **state)
{
    const RING_IDX start = 0U - 20;

    (void)state;
    memset(&page, 0xa5, sizeof(page));
    SHARED_RING_INIT(&page.sring);
    page.sring.req_prod = page.sring.rsp_prod = start;
    page.sring.req_event = page.sring.rsp_event = start + 1;
    FRONT_RING_ATTACH(&front, &page.sring, start, PAGE);
    BACK_RING_ATTACH(&back, &page.sring, start, PAGE);
    return 0;
}

static void put_request(uint64_t id)
{
    RING_GET_REQUEST(&front, front.req_prod_pvt)->id = id;
    front.req_prod_pvt++;
}

static uint64_t take_request(void)
{
    blkif_request_t request;

    RING_COPY_REQUEST(&back, back.req_cons, &request);
    back.req_cons++;
    return request.id;
}

static void answer(uint64_t id)
{
    RING_GET_RESPONSE(&back, back.rsp_prod_pvt)->id = id;
    back.rsp_prod_pvt++;
}

static void a_fresh_ring_is_empty_and_has_32_slots(void **state)
{
    static const char zeros[44];

    (void)state;
    memset(&page, 0xa5, sizeof(page));
    XEN_FRONT_RING_INIT(&front, &page.sring, PAGE);
    assert_int_equal(page.sring.req_prod, 0);
    assert_int_equal(page.sring.rsp_prod, 0);
    assert_int_equal(page.sring.req_event, 1);
    assert_int_equal(page.sring.rsp_event, 1);
    assert_memory_equal(page.sring.__pad, zeros, sizeof(zeros));
    assert_int_equal(page.bytes[64] & 0xff, 0xa5);
    assert_int_equal(RING_SIZE(&front), 32);
    assert_int_equal(RING_SIZE(&front), __CONST_RING_SIZE(blkif, PAGE));
    assert_int_equal(RING_FREE_REQUESTS(&front), 32);
    assert_false(RING_FULL(&front));
}

static void everything_arrives_once_and_in_order(void **state)
{
    uint64_t sent = 0, seen = 0, done = 0;

    (void)state;
    for (int round = 0; round < 7; round++) {
        while (!RING_FULL(&front))
            put_request(sent++);
        assert_int_equal(XEN_RING_NR_UNCONSUMED_REQUESTS(&back), 0);
        RING_PUSH_REQUESTS(&front);
        assert_int_equal(XEN_RING_NR_UNCONSUMED_REQUESTS(&back), 32 - (round ? 5 : 0));
        while (RING_HAS_UNCONSUMED_REQUESTS(&back))
            assert_int_equal(take_request(), seen++);
        /* leave five unanswered, except at the end */
        for (int i = 0; i < (round < 6 ? 27 : 32); i++)
            answer(done++);
        RING_PUSH_RESPONSES(&back);
        for (uint64_t id = front.rsp_cons; RING_HAS_UNCONSUMED_RESPONSES(&front); id++) {
            blkif_response_t response;

            RING_COPY_RESPONSE(&front, front.rsp_cons, &response);
            front.rsp_cons++;
            assert_int_equal(response.id, (uint32_t)id + 20);
        }
    }
    assert_int_equal(sent, 32 + 6 * 27);
    assert_int_equal(done, sent);
    assert_int_equal(RING_FREE_REQUESTS(&front), 32);
}

static void a_push_notifies_only_across_the_event_index(void **state)
{
    int notify;

    (void)state;
    put_request(0);
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&front, notify);
    assert_true(notify); /* passes start + 1 */
    put_request(1);
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&front, notify);
    assert_false(notify); /* the backend did not ask again */
    page.sring.req_event = front.req_prod_pvt + 3;
    put_request(2);
    put_request(3);
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&front, notify);
    assert_false(notify); /* one short */
    put_request(4);
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&front, notify);
    assert_true(notify);
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&front, notify);
    assert_false(notify); /* nothing new */
}

static void responses_notify_the_same_way(void **state)
{
    int notify;

    (void)state;
    for (uint64_t id = 0; id < 3; id++)
        put_request(id);
    RING_PUSH_REQUESTS(&front);
    while (RING_HAS_UNCONSUMED_REQUESTS(&back))
        answer(take_request());
    page.sring.rsp_event = front.rsp_cons + 4;
    RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&back, notify);
    assert_false(notify);
    page.sring.rsp_prod -= 3; /* once more, with a wish that is met */
    page.sring.rsp_event = front.rsp_cons + 3;
    RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&back, notify);
    assert_true(notify);
}

static void before_sleeping_the_backend_asks_and_looks_again(void **state)
{
    int work, notify;

    (void)state;
    RING_FINAL_CHECK_FOR_REQUESTS(&back, work);
    assert_false(work);
    assert_int_equal(page.sring.req_event, back.req_cons + 1);
    put_request(7);
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&front, notify);
    assert_true(notify);
    RING_FINAL_CHECK_FOR_REQUESTS(&back, work);
    assert_true(work);
    answer(take_request());
    RING_PUSH_RESPONSES(&back);
    front.rsp_cons++;
    RING_FINAL_CHECK_FOR_RESPONSES(&front, work);
    assert_false(work);
    assert_int_equal(page.sring.rsp_event, front.rsp_cons + 1);
}

static void a_lying_producer_is_seen(void **state)
{
    (void)state;
    page.sring.req_prod = back.req_cons + 1000;
    assert_int_equal(XEN_RING_NR_UNCONSUMED_REQUESTS(&back), 32);
    assert_true(RING_REQUEST_PROD_OVERFLOW(&back, page.sring.req_prod));
    assert_false(RING_REQUEST_PROD_OVERFLOW(&back, back.rsp_prod_pvt + 32));
    assert_true(RING_REQUEST_CONS_OVERFLOW(&back, back.rsp_prod_pvt + 32));
    assert_false(RING_REQUEST_CONS_OVERFLOW(&back, back.rsp_prod_pvt + 31));
    assert_true(RING_RESPONSE_PROD_OVERFLOW(&front, front.rsp_cons + 33));
    assert_false(RING_RESPONSE_PROD_OVERFLOW(&front, front.rsp_cons + 32));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_fresh_ring_is_empty_and_has_32_slots, fresh),
        cmocka_unit_test_setup(everything_arrives_once_and_in_order, fresh),
        cmocka_unit_test_setup(a_push_notifies_only_across_the_event_index, fresh),
        cmocka_unit_test_setup(responses_notify_the_same_way, fresh),
        cmocka_unit_test_setup(before_sleeping_the_backend_asks_and_looks_again, fresh),
        cmocka_unit_test_setup(a_lying_producer_is_seen, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
