/* SPDX-License-Identifier: MIT */
/* Guests that mean harm: garbage in the ring, floods, names that are paths (abuse cases 18, 75,
 * 78). */
#include "tests/host/consoled/fake.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/consoled/ring.h"

static void garbage_indexes(void **state)
{
    static const uint32_t bad[][2] = {{0, 2049}, {1, 0}, {0, 0xffffffff}, {0x80000000, 0}};

    (void)state;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        fake_create(1, "bad");
        fake_create(2, "good");
        assert_int_equal(consoles_refresh(&fake), 0);
        fake_domain[1].page.out_cons = bad[i][0];
        fake_domain[1].page.out_prod = bad[i][1];
        assert_true(fake_event(1));
        assert_int_equal(fake_console(1)->state, CONSOLE_BROKEN);
        assert_int_equal(fake_domain[1].mapped + fake_domain[1].bound, 0);
        assert_non_null(strstr(fake_complaints(), "domain 1: its console ring's indexes"));
        assert_int_equal(fake_domain[1].page.out_cons, bad[i][0]); /* not touched */
        fake_event(1);
        fake_pass(10000);
        assert_string_equal(fake_complaints(), ""); /* once */
        fake_say(2, "I am well\n");
        fake_event(2);
        assert_int_equal(fake_domain[2].page.out_cons, fake_domain[2].page.out_prod);
        fake_destroy(1);
        fake_destroy(2);
        assert_int_equal(consoles_refresh(&fake), 0);
    }
}

static void garbage_input_indexes(void **state)
{
    struct xencons_interface *r = &fake_domain[1].page;
    int tty;

    (void)state;
    fake_create(1, "bad");
    assert_int_equal(consoles_refresh(&fake), 0);
    tty = fake_attach(1);
    r->in_cons = 1; /* in_prod 0: -1 bytes are in */
    assert_int_equal(write(tty, "x", 1), 1);
    console_serve(fake_console(1));
    assert_int_equal(r->in_prod, 0);
    assert_int_equal(console_poll_events(fake_console(1)), 0); /* and no spinning on it */
    fake_detach(tty);
}

/* An index that changes after it was judged moves nothing: it is not read a second time. */
static void input_index_that_changes(void **state)
{
    struct xencons_interface r = {.in_prod = 5, .in_cons = 5};
    uint32_t prod;

    (void)state;
    assert_int_equal(ring_input_room(&r, &prod), sizeof(r.in));
    r.in_prod = 0xfffffff0; /* the guest's */
    ring_type(&r, prod, "ab", 2);
    assert_memory_equal(r.in + 5, "ab", 2);
    assert_int_equal(r.in_prod, 7);
}

/* The guest fills its ring as fast as it is emptied, for that long. How much was taken. */
static uint64_t flood(unsigned domid, unsigned ms)
{
    static const char noise[2048] = "noise";
    uint64_t taken = 0;

    for (unsigned t = 0; t < ms; t += 10) {
        for (int events = 0; events < 1000; events++) {
            taken += fake_print(domid, noise, sizeof(noise));
            if (!fake_event(domid))
                break;
        }
        fake_pass(10);
    }
    return taken;
}

static void flood_has_its_turns(void **state)
{
    uint64_t taken;

    (void)state;
    fake_create(1, "flood");
    fake_create(2, "quiet");
    assert_int_equal(consoles_refresh(&fake), 0);
    taken = flood(1, 10 * TURN_MS);
    assert_in_range(taken, 9 * TURN_BYTES, 12 * TURN_BYTES);
    while (fake_event(1)) /* its turn is used up */
        fake_say(1, "noise");
    assert_in_range(consoles_timeout(&fake), 0, TURN_MS);
    fake_say(2, "me too\n"); /* and the other is served all the same, at once */
    assert_true(fake_event(2));
    assert_int_equal(fake_domain[2].page.out_cons, fake_domain[2].page.out_prod);
    fake_domain[1].unmasked = 0;
    fake_say(1, "held back");
    fake_pass(TURN_MS); /* what was held back is served without another event */
    assert_int_equal(fake_domain[1].page.out_cons, fake_domain[1].page.out_prod);
    assert_int_equal(fake_domain[1].unmasked, 1);
}

static void empty_events_have_their_turns(void **state)
{
    unsigned served = 0;

    (void)state;
    fake_create(1, "bell");
    assert_int_equal(consoles_refresh(&fake), 0);
    while (served < 100000 && fake_event(1))
        served++;
    assert_in_range(served, 100, 3000);
}

static void a_reader_does_not_lift_the_limit(void **state)
{
    uint32_t before;
    int tty;

    (void)state;
    fake_create(1, "flood");
    assert_int_equal(consoles_refresh(&fake), 0);
    tty = fake_attach(1);
    while (fake_event(1))
        fake_print(1, "0123456789abcdef", 16);
    before = fake_domain[1].page.out_cons;
    fake_say(1, "more");
    console_serve(fake_console(1)); /* the terminal has room, says poll() */
    assert_int_equal(fake_domain[1].page.out_cons, before);
    fake_detach(tty);
}

static void flood_fills_no_disk(void **state)
{
    char *now, *old;

    (void)state;
    fake_create(1, "flood");
    assert_int_equal(consoles_refresh(&fake), 0);
    flood(1, 300 * TURN_MS); /* 37 MiB */
    now = fake_log("guest-flood.log");
    old = fake_log("guest-flood.log.1");
    assert_non_null(now);
    assert_non_null(old);
    free(now);
    free(old);
    assert_true(fake_console(1)->log.size <= 16u << 20);
    assert_null(fake_log("guest-flood.log.2"));
}

static void names_are_no_paths(void **state)
{
    char *log, longest[160];

    (void)state;
    memset(longest, 'n', 150);
    longest[150] = '\0';
    fake_create(1, "../../etc/x");
    fake_create(2, "a\nb\033c");
    fake_create(3, longest);
    for (unsigned d = 1; d <= 3; d++)
        fake_say(d, "hi");
    assert_int_equal(consoles_refresh(&fake), 0);
    log = fake_log("guest-.._.._etc_x.log");
    assert_non_null(log);
    free(log);
    log = fake_log("guest-a_b_c.log");
    assert_non_null(log);
    free(log);
    assert_int_equal(fake_console(3)->state, CONSOLE_OPEN);
}

/* The log is what was printed, to the bit: who looks at it chooses how. */
static void bytes_are_kept_as_they_came(void **state)
{
    static const char text[] = "\033]2;title\007\033[6n\x9b\xc2\x9b\r\n\x01\x7f";
    char *log;

    (void)state;
    fake_create(1, "raw");
    assert_int_equal(consoles_refresh(&fake), 0);
    fake_print(1, text, sizeof(text)); /* the NUL too */
    fake_event(1);
    log = fake_log("guest-raw.log");
    assert_memory_equal(log, text, sizeof(text));
    free(log);
}

static void served_by_another_daemon(void **state)
{
    (void)state;
    fake_create(1, "stub");
    store_write(fake_nodes, STORE_NO_TX, "/local/domain/1/console/type", "ioemu", 5);
    fake_say(1, "not for you");
    for (int i = 0; i < 3; i++)
        assert_int_equal(consoles_refresh(&fake), 0);
    assert_int_equal(fake_domain[1].mapped + fake_domain[1].bound, 0);
    assert_int_equal(fake_domain[1].page.out_cons, 0);
    assert_int_equal(consoles_timeout(&fake), -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)
    const struct CMUnitTest tests[] = {
        TEST(garbage_indexes),
        TEST(garbage_input_indexes),
        TEST(input_index_that_changes),
        TEST(flood_has_its_turns),
        TEST(empty_events_have_their_turns),
        TEST(a_reader_does_not_lift_the_limit),
        TEST(flood_fills_no_disk),
        TEST(names_are_no_paths),
        TEST(bytes_are_kept_as_they_came),
        TEST(served_by_another_daemon),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
